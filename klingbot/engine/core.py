"""What every use case works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from klingbot.budgets import Standing, scopes_of
from klingbot.jobs import Job
from klingbot.periods import Calendar, PeriodKind, Periods
from klingbot.pricing import PriceList
from klingbot.store import Database, Store, budgets
from klingbot.store import calendar as store_calendar

Clock = Callable[[], int]
"""Says what time it is, in UTC epoch milliseconds."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The ledger, the prices, the calendar and the clock. The rooms beside this one say what can be done with them."""

    store: Store
    prices: PriceList
    calendar: Calendar
    clock: Clock

    def periods(self) -> Periods:
        return self.calendar.periods(self.clock())


def open_engine(store: Store, prices: PriceList, calendar: Calendar, clock: Clock) -> Engine:
    """An engine on that store, whose open periods are first moved into the calendar if it was kept by another."""
    with store.write(patient=True) as tx:
        if not store_calendar.adopt(tx, calendar, now=clock()):
            tx.abandon()
    return Engine(store, prices, calendar, clock)


def standings_with(tx: Database, engine: Engine, job: Job) -> Sequence[Standing]:
    """How the budgets stand that this job counts for, in the periods that its money is kept in."""
    since = engine.calendar.since
    periods = Periods(
        since(PeriodKind.DAILY, job.day_start),
        since(PeriodKind.WEEKLY, job.week_start),
        since(PeriodKind.MONTHLY, job.month_start),
    )
    return budgets.standings_of(tx, scopes_of(job.user_id, job.project), periods)
