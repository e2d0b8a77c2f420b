"""Opening the bot's ledger from beside the bot."""

from __future__ import annotations

import time

from klingbot.engine import Engine, open_engine
from klingbot.settings import LedgerSettings
from klingbot.store import calendar, open_store


def open_ledger(kept: LedgerSettings) -> Engine:
    """In the calendar by which it is kept already: a script must not move the bot's open periods. Raises DatabaseError.

    Whoever opens it closes its store.
    """
    store = open_store(kept.database)
    return open_engine(store, kept.prices, calendar.kept(store.read()) or kept.calendar, _now_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
