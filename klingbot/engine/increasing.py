"""Asking for more than a budget has left.

A refused request is kept under the id that its job would have. Once an increase is granted, that very request is held:
the same id, so that it is made once, however often and by whomever it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from klingbot.budgets import Standing
from klingbot.engine import alerting, asking
from klingbot.engine.asking import BudgetExceeded, HoldOutcome
from klingbot.engine.budgeting import standing_of
from klingbot.engine.core import Engine
from klingbot.increases import Increase, shortfall
from klingbot.jobs import Request, id_for
from klingbot.money import Amount
from klingbot.periods import PeriodKind
from klingbot.store import Transaction, increases

EXPIRES_MS = 7 * 86_400_000
"""How long an increase waits for an approver, and a refused request to be asked for again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Approvers hear of these; one for each budget that is short."""

    increases: tuple[Increase, ...]


@dataclass(frozen=True, slots=True)
class AskedBefore:
    increase: Increase


@dataclass(frozen=True, slots=True)
class NothingRefused:
    """Nothing of that id was refused to this person lately."""


@dataclass(frozen=True, slots=True)
class NoBudget:
    """There is no such budget, so there is no limit to raise."""


def ask_for_refused(
    engine: Engine, refused_id: str, *, user_id: str, reason: str, until: date | None = None
) -> Asked | AskedBefore | NothingRefused | HoldOutcome:
    """Asks for what a refused request lacks, in each budget that is short. If it fits by now, it is simply held."""
    request = increases.refused(engine.store.read(), refused_id)
    if request is None or request.user_id != user_id:
        return NothingRefused()
    outcome = asking.hold(engine, request)
    if not isinstance(outcome, BudgetExceeded):
        return outcome
    now = engine.clock()
    # A response_url lasts half an hour (Slack's docs); the answer to this may take days.
    kept = replace(request, response_url=None)
    wanted = [
        (
            standing,
            _increase(
                id_for(f"{refused_id} {standing.budget.scope} {standing.budget.kind}"),
                standing,
                shortfall(standing, outcome.wanted.amount),
                user_id=user_id,
                reason=reason,
                until=until,
                request=kept,
                now=now,
            ),
        )
        for standing in outcome.refused
    ]
    with engine.store.write() as tx:
        asked = tuple(increase for standing, increase in wanted if _ask(tx, standing, increase))
        if asked:
            return Asked(asked)
        before = increases.get(tx, wanted[0][1].id)
        assert before is not None
        return AskedBefore(before)


def make_instead(
    engine: Engine, refused_id: str, *, user_id: str, model: str, duration_seconds: int, resolution: str, audio: bool
) -> NothingRefused | HoldOutcome:
    """Holds a refused request in a form that costs less. It is the same request still: it is made once."""
    request = increases.refused(engine.store.read(), refused_id)
    if request is None or request.user_id != user_id:
        return NothingRefused()
    wish = replace(request.wish, model=model, duration_seconds=duration_seconds, resolution=resolution, audio=audio)
    return asking.hold(engine, replace(request, wish=wish))


def ask_for_amount(
    engine: Engine,
    request_id: str,
    *,
    user_id: str,
    scope: str,
    kind: PeriodKind,
    amount: Amount,
    reason: str,
    until: date | None = None,
) -> Asked | AskedBefore | NoBudget:
    """Asks for a budget to be raised, without a video in mind."""
    with engine.store.write() as tx:
        standing = standing_of(tx, engine, scope, kind)
        if standing is None:
            return NoBudget()
        increase = _increase(
            id_for(request_id),
            standing,
            amount,
            user_id=user_id,
            reason=reason,
            until=until,
            request=None,
            now=engine.clock(),
        )
        return Asked((increase,)) if _ask(tx, standing, increase) else AskedBefore(increase)


def pending(engine: Engine) -> list[Increase]:
    return increases.pending(engine.store.read())


def _increase(
    increase_id: str,
    standing: Standing,
    amount: Amount,
    *,
    user_id: str,
    reason: str,
    until: date | None,
    request: Request | None,
    now: int,
) -> Increase:
    return Increase(
        id=increase_id,
        user_id=user_id,
        scope=standing.budget.scope,
        kind=standing.budget.kind,
        amount=amount,
        reason=reason,
        until=until,
        request=request,
        asked_at=now,
        expires_at=now + EXPIRES_MS,
    )


def _ask(tx: Transaction, standing: Standing, increase: Increase) -> bool:
    if not increases.put(tx, increase):
        return False
    alerting.increase_asked(tx, replace(increase, request=None), standing)
    return True
