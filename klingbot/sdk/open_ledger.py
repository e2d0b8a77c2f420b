"""Opening the bot's ledger from beside the bot."""

from __future__ import annotations

from klingbot.common.clock import now_ms
from klingbot.engine import Engine, open_engine
from klingbot.settings import LedgerSettings
from klingbot.store import open_store
from klingbot.store.maintenance import calendar_change


def open_ledger(kept: LedgerSettings) -> Engine:
    """In the calendar by which it is kept already: a script must not move the bot's open periods. Raises DatabaseError.

    Whoever opens it closes its store.
    """
    store = open_store(kept.database)
    kept_by = calendar_change.kept(store.read()) or kept.calendar
    return open_engine(store, kept.prices, kept_by, now_ms, requires_budget=False, any_project=True)
