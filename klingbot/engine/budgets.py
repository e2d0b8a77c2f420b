"""Setting, removing and showing budgets."""

from __future__ import annotations

from dataclasses import dataclass, replace

from klingbot.domain.budgets import (
    DEFAULT_THRESHOLDS,
    FORECAST,
    TURNED_AWAY,
    Budget,
    Standing,
    Total,
    in_words,
    mark,
    project_of,
    raises,
)
from klingbot.domain.money import NOTHING
from klingbot.domain.periods import Period, PeriodKind, Periods
from klingbot.engine import alert_moves, alerts, budget_removal, first_budget
from klingbot.engine.core import Engine
from klingbot.store import Database, Transaction, audit, budgets, increases, ledger, threshold_crossings
from klingbot.store import known_projects as store_known_projects


@dataclass(frozen=True, slots=True)
class Change:
    """What to set; what is None stays as it was. A limit of 0 is taken away, and so is a channel without a name."""

    scope: str
    kind: PeriodKind
    limit_millicredits: int | None = None
    limit_microusd: int | None = None
    thresholds: tuple[int, ...] | None = None
    channel_id: str | None = None
    approvers: tuple[str, ...] | None = None
    """User ids; empty: the admins."""
    forecast: bool | None = None
    spike: bool | None = None
    why: str = ""
    """For the list of who changed what."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One budget as it is now, for whoever thinks of changing it."""

    scope: str
    kind: PeriodKind
    budget: Budget | None
    """Without its grants: as it was set."""
    standing: Standing | None
    period: Period
    total: Total
    """What the running period has seen so far, also without a budget."""

    @property
    def mark(self) -> str:
        return mark(self.budget)


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a change would come to. Nothing is changed yet."""

    before: Budget | None
    """With the grants that are in force now too."""
    after: Standing
    """As the budget would stand; the spend so far counts."""
    raises: bool
    """Whether more could be spent than now: then somebody should say yes to it first."""
    seen: str
    """The mark of what the change was weighed against."""


@dataclass(frozen=True, slots=True)
class ChangedMeanwhile:
    """Nothing changed: the budget is no longer what the change was weighed against."""


@dataclass(frozen=True, slots=True)
class BudgetSet:
    """The budget is in force; the spend so far in its period counts."""

    before: Budget | None
    """With the grants that are in force now too."""
    standing: Standing


@dataclass(frozen=True, slots=True)
class NoLimit:
    """Nothing changed: a budget needs a limit in credits, USD or both."""

    before: Budget | None


Outcome = BudgetSet | NoLimit | ChangedMeanwhile


def see(engine: Engine, scope: str, kind: PeriodKind) -> Seen:
    reader, period = engine.store.read(), engine.periods().of(kind)
    return Seen(
        scope=scope,
        kind=kind,
        budget=budgets.get(reader, scope, kind),
        standing=standing_of(reader, engine, scope, kind),
        period=period,
        total=ledger.total(reader, scope, period),
    )


def known_projects(engine: Engine) -> list[str]:
    """By name, those with a budget, rules or a channel of their own."""
    return store_known_projects.known(engine.store.read())


def weigh(engine: Engine, change: Change) -> Weighed | NoLimit:
    """Looks at what the change would do."""
    now = see(engine, change.scope, change.kind)
    after = _changed(now.budget, change)
    if not _has_limit(after):
        return NoLimit(now.budget)
    granted = now.standing.budget.granted if now.standing else NOTHING
    return Weighed(
        before=now.standing.budget if now.standing else None,
        after=Standing(after.raised(granted), now.period, now.total),
        raises=raises(now.budget, after),
        seen=now.mark,
    )


def set_budget(engine: Engine, change: Change, *, by: str, seen: str | None = None) -> Outcome:
    """With `seen`, only while the budget is what it was then; the same change once more comes to the same."""
    now = engine.clock()
    with engine.store.write() as tx:
        before = budgets.get(tx, change.scope, change.kind)
        budget = _changed(before, change)
        if before is None and (removal := budgets.last_removal(tx, change.scope, change.kind)):
            budget = replace(budget, generation=removal.times)
        if not _has_limit(budget):
            tx.abandon()
            return NoLimit(before)
        if seen not in (None, mark(before)) and budget != before:
            tx.abandon()
            return ChangedMeanwhile()
        budgets.put(tx, budget, by=by, at=now)
        first_budget.note_budget(tx, by=by, at=now)
        if project := project_of(change.scope):
            store_known_projects.register(tx, project)
        _note(tx, change.scope, change.kind, before, budget, by=by, at=now, why=change.why)
        standing = standing_of(tx, engine, change.scope, change.kind)
        assert standing is not None
        if before and _limits(before) != _limits(budget):
            threshold_crossings.rearm(tx, standing, [TURNED_AWAY, FORECAST])
        if before != budget:
            _show(tx, before, standing, now)
        alerts.note_crossings(tx, [standing], now)
        return BudgetSet(before and before.raised(standing.budget.granted), standing)


def _show(tx: Transaction, before: Budget | None, standing: Standing, at: int) -> None:
    """Bring what was said about a budget up to date, because it was changed."""
    budget = standing.budget
    if before and before.channel_id != budget.channel_id:
        alert_moves.note(tx, before, standing, at)
    alerts.refresh(tx, standing, at)
    if budget.approvers != (before.approvers if before else ()):
        for increase in increases.pending_of(tx, budget.scope, budget.kind):
            alerts.increase_shown_again(tx, increase, standing, at)


@dataclass(frozen=True, slots=True)
class Removed:
    """The budget is gone, with its alerts and its grants."""

    budget: Budget
    closed_requests: int
    """Requests for more of it, which are closed now."""


def remove_budget(
    engine: Engine, scope: str, kind: PeriodKind, *, by: str, why: str = "", seen: str | None = None
) -> Removed | ChangedMeanwhile | None:
    """Remove a budget and everything that belongs to it; None when there is none.

    With `seen`, only while the budget is what it was then.
    """
    with engine.store.write() as tx:
        before = budgets.get(tx, scope, kind)
        if before is None:
            return None
        if seen not in (None, mark(before)):
            return ChangedMeanwhile()
        now, ended = engine.clock(), standing_of(tx, engine, scope, kind)
        assert ended is not None
        budgets.remove(tx, scope, kind, by=by, at=now)
        _note(tx, scope, kind, before, None, by=by, at=now, why=why)
        last = engine.calendar.period(kind, ended.period.start - 1)
        return Removed(before, budget_removal.note(tx, ended, last, by=by, at=now))


def standings(engine: Engine) -> list[Standing]:
    """How every budget stands now."""
    return budgets.standings(engine.store.read(), engine.periods())


def standings_of(engine: Engine, scope: str) -> list[Standing]:
    """How the budgets of one scope stand now."""
    return [standing for standing in standings(engine) if standing.budget.scope == scope]


def _changed(before: Budget | None, change: Change) -> Budget:
    budget = before or Budget(change.scope, change.kind, None, None, DEFAULT_THRESHOLDS, None)
    given = {
        name: value
        for name in (
            "limit_millicredits",
            "limit_microusd",
            "thresholds",
            "channel_id",
            "approvers",
            "forecast",
            "spike",
        )
        if (value := getattr(change, name)) is not None
    }
    changed = replace(budget, **given)
    return replace(
        changed,
        limit_millicredits=changed.limit_millicredits or None,
        limit_microusd=changed.limit_microusd or None,
        channel_id=changed.channel_id or None,
    )


def _has_limit(budget: Budget) -> bool:
    return _limits(budget) != (None, None)


def _note(
    tx: Transaction,
    scope: str,
    kind: PeriodKind,
    before: Budget | None,
    after: Budget | None,
    *,
    by: str,
    at: int,
    why: str,
) -> None:
    what, was, became = f"{kind} budget", in_words(before), in_words(after)
    if was != became:
        audit.note(tx, at=at, by=by, what=what, subject=scope, before=was, after=became, why=why)


def standing_of(
    db: Database, engine: Engine, scope: str, kind: PeriodKind, periods: Periods | None = None
) -> Standing | None:
    """How one budget stands now, or in the period of its kind among those."""
    found = budgets.standings_of(db, (scope,) * 3, periods or engine.periods())
    return next((standing for standing in found if standing.budget.kind is kind), None)


def _limits(budget: Budget) -> tuple[int | None, int | None]:
    return budget.limit_millicredits, budget.limit_microusd
