"""What one person has on the app's home: what they may spend, what they wait for, what waits for them."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.budgets import WORKSPACE, Standing, project_scope, user_scope
from klingbot.domain.increases import Increase
from klingbot.domain.periods import PeriodKind
from klingbot.engine import budgets as engine_budgets
from klingbot.engine import first_budget, increase_requests
from klingbot.engine.core import Engine
from klingbot.engine.first_budget import EVERYTHING_LIMITED, Coverage
from klingbot.engine.job_queue import Queue, queue
from klingbot.engine.usage import Usage, usage


@dataclass(frozen=True, slots=True)
class Home:
    """`budgets` are those that concern this person: for an admin, all of them."""

    budgets: tuple[Standing, ...]
    queue: Queue
    spent: Usage
    """Their own, this month, by project."""
    waiting: tuple[Increase, ...]
    """Requests that they can decide."""
    is_admin: bool
    coverage: Coverage = EVERYTHING_LIMITED
    """What no budget limits; admins are warned of it."""


def home(engine: Engine, user_id: str, *, is_admin: bool) -> Home:
    spent = usage(engine, user_scope(user_id), PeriodKind.MONTHLY, "project")
    standings = engine_budgets.standings(engine)
    mine = {WORKSPACE, user_scope(user_id), *(project_scope(share.name) for share in spent.shares)}
    approves = {(each.budget.scope, each.budget.kind) for each in standings if user_id in each.budget.approvers}
    waiting = [
        increase
        for increase in increase_requests.pending(engine)
        if increase.user_id != user_id and (is_admin or (increase.scope, increase.kind) in approves)
    ]
    return Home(
        budgets=tuple(each for each in standings if is_admin or each.budget.scope in mine),
        queue=queue(engine, user_id),
        spent=spent,
        waiting=tuple(waiting),
        is_admin=is_admin,
        coverage=first_budget.coverage(engine),
    )
