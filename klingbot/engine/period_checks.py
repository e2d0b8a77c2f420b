"""Checks that depend on the time: new periods, forecasts and spikes, and alert threads that need an update.

None of it is judged when a job is held. A forecast changes by the mere passing of time, and looking back over a month
of days would make every hold slower; a minute later is soon enough. Safe in two processes: what is said is claimed in
the transaction that says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from klingbot.domain.alert_history import AlertEvent, AlertThread
from klingbot.domain.budgets import FORECAST, TURNED_AWAY, Standing, spike_mark
from klingbot.domain.forecast import LOOK_BACK_DAYS, Recent, ends_at, usual_day
from klingbot.domain.money import NOTHING
from klingbot.domain.notifications import Alert, BudgetRemoved, Renewed, RunningOut, Spiked
from klingbot.domain.periods import Period, PeriodKind
from klingbot.engine import alerts
from klingbot.engine.core import Engine
from klingbot.store import Transaction, alert_threads, budgets, threshold_crossings
from klingbot.store.alert_threads import KeptAlertThread
from klingbot.store.backend import metadata


def watch(engine: Engine) -> None:
    """Run every check once; called each minute. Reads the budgets, 30 days of their totals, and open alert threads."""
    now = engine.clock()
    for period in engine.calendar.periods(now):
        _turn(engine, period, now)
    _look_ahead(engine, now)
    _bring_up_to_date(engine, now)


def _turn(engine: Engine, period: Period, now: int) -> None:
    """Notes that this period is the one to be in, and says what that means for budgets that were used up before it.

    The period that ended is the last one in which the bot was awake: nothing can have been spent since.
    """
    fact = f"{period.kind} period"
    if metadata.get(engine.store.read(), fact) == str(period.start):
        return
    with engine.store.write() as tx:
        last = metadata.get(tx, fact)
        metadata.put(tx, fact, str(period.start))
        ended = engine.calendar.since(period.kind, int(last)) if last else None
        if ended and ended.end <= now:  # else another calendar has begun, or the clock was put back
            _end(tx, ended, period, now)


def _end(tx: Transaction, ended: Period, period: Period, now: int) -> None:
    at_last = {standing.budget.scope: standing for standing in budgets.standings_in(tx, ended)}
    for standing in budgets.standings_in(tx, period):
        last = at_last[standing.budget.scope]
        if last.used_up or TURNED_AWAY in threshold_crossings.announced(tx, last):
            alerts.renewed(tx, Renewed(last, standing), now)
    for story in alert_threads.within(tx, ended):
        shown = story.content.standing
        total = at_last[shown.budget.scope].total if shown.budget.scope in at_last else shown.total
        closing = replace(story.content, standing=replace(shown, total=total), at=now, closed=True)
        alerts.rewrite(tx, story, closing)


def _look_ahead(engine: Engine, now: int) -> None:
    """Says which budgets will not last, and on which the day is out of the ordinary."""
    reader = engine.store.read()
    signs = [
        sign
        for sign in _signs(engine, now)
        if sign[1].mark not in threshold_crossings.announced(reader, sign[0].standing)
    ]
    if not signs:
        return
    with engine.store.write() as tx:
        current = [sign for sign in signs if budgets.is_same(tx, sign[0].standing.budget)]
        if not [sign for sign in current if alerts.note(tx, *sign)]:
            tx.abandon()


def _signs(engine: Engine, now: int) -> Iterator[tuple[Alert, AlertEvent]]:
    periods = engine.calendar.periods(now)
    recent = _recent(engine, periods.daily)
    mark = spike_mark(periods.daily.first_day)
    for standing in budgets.standings(engine.store.read(), periods):
        budget = standing.budget
        days = recent.get(budget.scope)
        if days is None:
            continue
        if budget.forecast and (ends := ends_at(standing, days, now)):
            yield RunningOut(standing, ends), AlertEvent(FORECAST, now, ends_at=ends)
        if budget.spike and (usual := usual_day(budget, days)):
            yield Spiked(standing, days.today, usual), AlertEvent(mark, now, amount=days.today, usual=usual)


def _recent(engine: Engine, today: Period) -> dict[str, Recent]:
    """The latest days of each scope that has spent on any of them."""
    calendar = engine.calendar
    dates = [today.first_day - timedelta(days=n) for n in range(LOOK_BACK_DAYS, -1, -1)]
    found = budgets.recent_days(engine.store.read(), calendar.midnight(dates[0]))
    starts = {start for days in found.values() for start in days}
    date_of = {start: calendar.since(PeriodKind.DAILY, start).first_day for start in starts}
    recent = {}
    for scope, days in found.items():
        spent = {date_of[start]: amount for start, amount in days.items()}
        recent[scope] = Recent(tuple(spent.get(date, NOTHING) for date in dates))
    return recent


def _bring_up_to_date(engine: Engine, now: int) -> None:
    """Update the alert threads whose whole percentage has changed, and those whose snooze has ended."""
    reader, periods = engine.store.read(), engine.calendar.periods(now)
    kept, standings = alert_threads.within(reader, *periods), budgets.standings(reader, periods)
    if not _outdated(kept, standings, now) and not _orphans(kept, standings):
        return
    with engine.store.write() as tx:
        kept, standings = alert_threads.within(tx, *periods), budgets.standings(tx, periods)
        for story, content in _outdated(kept, standings, now):
            alerts.rewrite(tx, story, content)
        for story in _orphans(kept, standings):
            alert_threads.remove(tx, story)
            standing = story.content.standing
            alerts.budget_removed(tx, story.root, BudgetRemoved(standing, "", now), standing.budget.channel_id)


def _orphans(kept: Iterable[KeptAlertThread], standings: Iterable[Standing]) -> list[KeptAlertThread]:
    """Those whose budget an earlier version removed without a word."""
    current = {_key(standing) for standing in standings}
    return [story for story in kept if not story.content.closed and _key(story.content.standing) not in current]


def _outdated(
    kept: Iterable[KeptAlertThread], standings: Iterable[Standing], now: int
) -> list[tuple[KeptAlertThread, AlertThread]]:
    """Those that say something that is not so any more, with what they should say."""
    current = {_place(standing): standing for standing in standings}
    found = []
    for story in kept:
        said = story.content
        standing = current.get(_place(said.standing))
        awake = said.muted is not None and said.muted.until <= now
        if standing and (awake or standing.permille // 10 != said.standing.permille // 10):
            muted = None if awake else said.muted
            found.append((story, replace(said, standing=standing, muted=muted, at=now)))
    return found


def _key(standing: Standing) -> tuple[str, PeriodKind]:
    return standing.budget.scope, standing.budget.kind


def _place(standing: Standing) -> tuple[str, PeriodKind, str | None]:
    return standing.budget.scope, standing.budget.kind, standing.budget.channel_id
