"""What every use case works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from klingbot.domain.budgets import Standing, scopes_of
from klingbot.domain.jobs import Job
from klingbot.domain.periods import Calendar, PeriodKind, Periods
from klingbot.domain.pricing import PriceList
from klingbot.engine import upgrade_notices
from klingbot.store import Database, Store, budgets
from klingbot.store.maintenance import calendar_change as store_calendar

Clock = Callable[[], int]
"""Says what time it is, in UTC epoch milliseconds."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The ledger, the prices, the calendar and the clock. The modules beside this one are the use cases."""

    store: Store
    prices: PriceList
    calendar: Calendar
    clock: Clock
    requires_budget: bool = True
    """Whether nothing is held before there is a budget or a waiver. Scripts keep the default of the guide: no."""
    any_project: bool = False
    """Whether every project may be spent for, also one that no admin has created: in scripts, and not in Slack."""

    def periods(self) -> Periods:
        return self.calendar.periods(self.clock())


def open_engine(
    store: Store,
    prices: PriceList,
    calendar: Calendar,
    clock: Clock,
    *,
    requires_budget: bool = True,
    any_project: bool = False,
) -> Engine:
    """Return an engine on that store.

    If the ledger was kept by another calendar, its open periods are moved into this one first.
    """
    with store.write(patient=True) as tx:
        adopted = store_calendar.adopt(tx, calendar, now=clock())
        noted = upgrade_notices.note(tx, clock())
        if not (adopted or noted):
            tx.abandon()
    return Engine(store, prices, calendar, clock, requires_budget, any_project)


def standings_with(tx: Database, engine: Engine, job: Job) -> Sequence[Standing]:
    """How the budgets stand that this job counts for, in the periods that its money is kept in."""
    since = engine.calendar.since
    periods = Periods(
        since(PeriodKind.DAILY, job.day_start),
        since(PeriodKind.WEEKLY, job.week_start),
        since(PeriodKind.MONTHLY, job.month_start),
    )
    return budgets.standings_of(tx, scopes_of(job.user_id, job.project), periods)
