"""Granting, denying and withdrawing an increase, and the end of what was granted.

The first decision counts. A grant, the hold of the refused request and what people hear of them are one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from klingbot.domain.budgets import TURNED_AWAY, Standing
from klingbot.domain.increases import Grant, Increase, IncreaseState
from klingbot.domain.jobs import Request, id_for
from klingbot.domain.money import Amount
from klingbot.domain.notifications import IncreaseClosed
from klingbot.domain.pricing import NotSold
from klingbot.domain.project_rules import Consent
from klingbot.engine import alerts, job_requests
from klingbot.engine.budgets import standing_of
from klingbot.engine.core import Engine
from klingbot.engine.hold_outcomes import Forbidden, Held, NeedsConsent, NoBudgetYet, Repeated, Stopped
from klingbot.engine.increase_requests import EXPIRES_MS
from klingbot.store import Transaction, audit, budgets, increases, threshold_crossings


@dataclass(frozen=True, slots=True)
class ClosedBefore:
    """Somebody was first, or it had expired."""

    increase: Increase


@dataclass(frozen=True, slots=True)
class NoSuchIncrease:
    pass


@dataclass(frozen=True, slots=True)
class OwnIncrease:
    """Nobody decides what they asked for themselves."""


@dataclass(frozen=True, slots=True)
class NotAnApprover:
    approvers: tuple[str, ...]
    """Empty: the admins."""


def grant(
    engine: Engine, increase_id: str, *, by: str, is_admin: bool, amount: Amount | None = None
) -> IncreaseClosed | ClosedBefore | NoSuchIncrease | OwnIncrease | NotAnApprover:
    """Raises the limit by what was asked, or by `amount`, and holds the refused request in the same transaction.

    Where the request fits without it (the period is a new one, or the budget was raised) nothing is granted. After a
    week it has expired, also when nobody has said so yet.
    """
    with engine.store.write() as tx:
        asked = increases.get(tx, increase_id)
        if asked is None:
            return NoSuchIncrease()
        standing = standing_of(tx, engine, asked.scope, asked.kind)
        if over := _over(tx, engine, asked, standing, by, is_admin):
            return over
        now = engine.clock()
        closed = increases.close(tx, increase_id, IncreaseState.GRANTED, by=by, at=now)
        if closed is None:
            return ClosedBefore(asked)
        outcome = _carry_out(tx, engine, closed, asked.request, standing, amount or asked.amount)
        _note(tx, closed, amount or asked.amount, at=now)
        alerts.increase_closed(tx, outcome, standing, now)
        return outcome


def deny(
    engine: Engine, increase_id: str, *, by: str, is_admin: bool, remark: str
) -> IncreaseClosed | ClosedBefore | NoSuchIncrease | OwnIncrease | NotAnApprover:
    with engine.store.write() as tx:
        asked = increases.get(tx, increase_id)
        if asked is None:
            return NoSuchIncrease()
        standing = standing_of(tx, engine, asked.scope, asked.kind)
        if over := _over(tx, engine, asked, standing, by, is_admin):
            return over
        outcome = _close(tx, engine, asked, standing, IncreaseState.DENIED, by=by, remark=remark)
        if isinstance(outcome, IncreaseClosed):
            _note(tx, outcome.increase, asked.amount, at=engine.clock())
        return outcome


def withdraw(engine: Engine, increase_id: str, *, user_id: str) -> IncreaseClosed | ClosedBefore | NoSuchIncrease:
    """Only whoever asked can withdraw; for everybody else there is no such increase."""
    with engine.store.write() as tx:
        asked = increases.get(tx, increase_id)
        if asked is None or asked.user_id != user_id:
            return NoSuchIncrease()
        standing = standing_of(tx, engine, asked.scope, asked.kind)
        return _close(tx, engine, asked, standing, IncreaseState.WITHDRAWN, by=user_id)


def sweep(engine: Engine) -> None:
    """Ends what has waited too long, says which grants are over, and forgets old refusals. Safe to run at any time."""
    now, periods = engine.clock(), engine.periods()
    with engine.store.write() as tx:
        for increase_id in increases.due_to_expire(tx, now):
            asked = increases.get(tx, increase_id)
            assert asked is not None
            standing = standing_of(tx, engine, asked.scope, asked.kind)
            _close(tx, engine, asked, standing, IncreaseState.EXPIRED, by=None)
        for asked in increases.pending(tx):
            if asked.raises and budgets.get(tx, asked.scope, asked.kind) is None:
                _close_without_budget(tx, engine, asked)
        for ended in increases.end_grants(tx, [(period.kind, period.first_day) for period in periods]):
            standing = standing_of(tx, engine, ended.scope, ended.kind)
            alerts.grant_ended(tx, ended, standing, now)
        increases.forget_refused(tx, before=now - EXPIRES_MS)


def _over(
    tx: Transaction, engine: Engine, asked: Increase, standing: Standing | None, by: str, is_admin: bool
) -> IncreaseClosed | ClosedBefore | OwnIncrease | NotAnApprover | None:
    """Return why nobody can decide this increase any more, or not this person; close it if its time is over."""
    if asked.state is not IncreaseState.PENDING:
        return ClosedBefore(asked)
    if barred := _barred(asked, standing, by, is_admin):
        return barred
    if asked.expires_at <= engine.clock():
        return _close(tx, engine, asked, standing, IncreaseState.EXPIRED, by=None)
    if asked.raises and standing is None:
        return _close_without_budget(tx, engine, asked)
    return None


def _close_without_budget(tx: Transaction, engine: Engine, asked: Increase) -> IncreaseClosed | ClosedBefore:
    """Close a request for a budget that an earlier version removed without closing it."""
    closed = increases.close(tx, asked.id, IncreaseState.EXPIRED, by=None, at=engine.clock(), budget_removed=True)
    if closed is None:
        return ClosedBefore(asked)
    alerts.increase_closed(tx, IncreaseClosed(closed), None, engine.clock())
    return IncreaseClosed(closed)


def _barred(asked: Increase, standing: Standing | None, by: str, is_admin: bool) -> OwnIncrease | NotAnApprover | None:
    if by == asked.user_id:
        return OwnIncrease()
    approvers = standing.budget.approvers if standing else ()
    return None if is_admin or by in approvers else NotAnApprover(approvers)


def _carry_out(
    tx: Transaction,
    engine: Engine,
    closed: Increase,
    request: Request | None,
    standing: Standing | None,
    amount: Amount,
) -> IncreaseClosed:
    if request is not None:
        if not closed.raises:  # remembered, so that whatever else it lacks can be asked for
            increases.agree(tx, id_for(request.request_id), Consent.APPROVED)
        held = _held(tx, engine, IncreaseClosed(closed), request)
        if held.job or not closed.raises:
            return held
    assert standing is not None, "a request for a budget that is not there is closed instead"
    outcome = IncreaseClosed(closed, _raise(tx, closed, standing, amount))
    if request is not None:
        outcome = _held(tx, engine, outcome, request)
    # Only now: a budget that the granted video fills again was never there for anybody else, and is no news.
    raised = standing_of(tx, engine, closed.scope, closed.kind)
    assert raised is not None
    alerts.note_crossings(tx, [raised], engine.clock())
    return outcome


def _raise(tx: Transaction, closed: Increase, standing: Standing, amount: Amount) -> Grant:
    given = _grant(closed, standing, amount)
    increases.grant(tx, given)
    threshold_crossings.rearm(tx, standing, [TURNED_AWAY])
    return given


def _held(tx: Transaction, engine: Engine, outcome: IncreaseClosed, request: Request) -> IncreaseClosed:
    """The outcome with the refused request held, or with what keeps it from that."""
    kept = increases.refused(tx, id_for(request.request_id))
    agreed = Consent.NONE if outcome.increase.raises else Consent.APPROVED
    match job_requests.hold_within(tx, engine, request, consent=kept.consent if kept else agreed):
        case Held(job=job) | Repeated(job=job):
            return replace(outcome, job=job)
        case NotSold(sentence=why) | Forbidden(sentence=why):
            return replace(outcome, obstacle=why)
        case NeedsConsent(project=project, quote=quote):
            why = f"By now the project {project} wants {quote.amount} agreed to first: ask for the video again."
            return replace(outcome, obstacle=why)
        case Stopped(reason=why):
            return replace(outcome, obstacle=f"Kling takes no jobs just now: {why}")
        case NoBudgetYet():
            return replace(outcome, obstacle="Nobody has set a budget yet, so no video can be started.")
        case job_requests.Exceeding(standings=standings):
            return replace(outcome, short=tuple(standing for standing in standings if standing.exceeded))


def _grant(closed: Increase, standing: Standing, amount: Amount) -> Grant:
    """From the running period on: for that one, or for each that begins before the day that was asked for."""
    first, now = standing.period.first_day, closed.decided_at
    assert closed.decided_by is not None and now is not None
    return Grant(
        increase_id=closed.id,
        user_id=closed.user_id,
        scope=closed.scope,
        kind=closed.kind,
        amount=amount,
        first_day=first,
        end_day=max(closed.until or first, first + timedelta(days=1)),
        granted_by=closed.decided_by,
        granted_at=now,
    )


def _close(
    tx: Transaction,
    engine: Engine,
    asked: Increase,
    standing: Standing | None,
    state: IncreaseState,
    *,
    by: str | None,
    remark: str | None = None,
) -> IncreaseClosed | ClosedBefore:
    closed = increases.close(tx, asked.id, state, by=by, at=engine.clock(), remark=remark)
    if closed is None:
        return ClosedBefore(asked)
    outcome = IncreaseClosed(closed)
    alerts.increase_closed(tx, outcome, standing, engine.clock())
    return outcome


def _note(tx: Transaction, closed: Increase, amount: Amount, *, at: int) -> None:
    audit.note(
        tx,
        at=at,
        by=closed.decided_by or "",
        what="increase" if closed.raises else "approval of a video",
        subject=closed.scope,
        before=f"{closed.amount} more asked by @{closed.user_id}",
        after=f"{amount} {closed.state}" if closed.state is IncreaseState.GRANTED else str(closed.state),
        why=closed.remark or closed.reason,
    )
