"""What every use case works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from klingbot.periods import Calendar, Periods
from klingbot.pricing import PriceList
from klingbot.store import Store
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
