"""`/kling budget unlimited`, its buttons, and the answer to requests that come before the first budget."""

from __future__ import annotations

import json

from klingbot.blocks import first_budget_notice as blocks
from klingbot.blocks.message import Message
from klingbot.engine import first_budget
from klingbot.slack.command_line.tokenizer import tidy
from klingbot.slack.command_line.types import BudgetUnlimited
from klingbot.slack.context import Answer, Asker, Click, Desk, Rewritten


def declined(desk: Desk, user_id: str) -> Message:
    """Say why nothing was started, with the ways out for an admin and the admins' names for anyone else."""
    if desk.directory.seems_admin(user_id):
        return blocks.declined((), for_admin=True)
    return blocks.declined(desk.directory.known_admins(), for_admin=False)


def none_set(desk: Desk, user_id: str) -> Message:
    """Say that there is no budget, and whether videos can be started."""
    coverage = first_budget.coverage(desk.engine)
    for_admin = desk.directory.seems_admin(user_id)
    if coverage.may_start:
        return blocks.none_set(coverage, desk.engine.calendar, for_admin=for_admin)
    return blocks.not_yet(() if for_admin else desk.directory.known_admins(), for_admin=for_admin)


def choose(desk: Desk, asker: Asker, command: BudgetUnlimited) -> Message:
    """Ask whether videos may be made without a limit; `off` needs no second look."""
    if not command.on:
        return blocks.required(first_budget.require(desk.engine, by=asker.user_id, why=command.reason))
    coverage = first_budget.coverage(desk.engine)
    if coverage.waiver and coverage.waiver.is_chosen:
        return blocks.waived(coverage, desk.engine.calendar)
    return blocks.asks_to_waive(coverage, command.reason)


def waive_clicked(desk: Desk, click: Click) -> Answer:
    """Record the choice of the admin who pressed."""
    coverage = first_budget.waive(desk.engine, by=click.user_id, why=_why(click.value))
    return Rewritten(blocks.waived(coverage, desk.engine.calendar))


def require_clicked(desk: Desk, click: Click) -> Answer:
    """End the choice to run without a limit."""
    return Rewritten(blocks.required(first_budget.require(desk.engine, by=click.user_id)))


def _why(carried: str) -> str:
    """Return the reason that a button carries; none for what no button of ours carries."""
    try:
        why = json.loads(carried)["why"]
    except (ValueError, KeyError, TypeError):
        return ""
    return tidy(why) if isinstance(why, str) else ""
