"""Opening a ledger, whichever backend keeps it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType

from klingbot.store.backend import sqlite
from klingbot.store.backend.database import Database, Store
from klingbot.store.backend.location import Place


def open_store(place: Place) -> Store:
    """Opens the ledger, creating what is missing, and migrates it. Raises DatabaseError."""
    if isinstance(place, Path):
        return sqlite.SqliteStore(place)
    from klingbot.store.backend import postgres

    return postgres.PostgresStore(place)


def snapshot(place: Place) -> AbstractContextManager[Database]:
    """One unchanging view of the ledger, read-only, however busy the bot is beside it. Neither creates nor migrates it.

    Raises DatabaseError, also for what the database finds wrong during the block.
    """
    if isinstance(place, Path):
        return sqlite.snapshot(place)
    from klingbot.store.backend import postgres

    return postgres.snapshot(place)


def keeper(place: Place) -> ModuleType:
    """Return the package of the backend that keeps a ledger there; both packages have the same functions."""
    if isinstance(place, Path):
        return sqlite
    from klingbot.store.backend import postgres

    return postgres
