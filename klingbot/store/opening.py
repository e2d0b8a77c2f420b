"""The way to a ledger: by a file's path to SQLite."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from klingbot.store import sqlite
from klingbot.store.database import Database, Store


def open_store(place: Path) -> Store:
    """Opens the ledger, creating it if need be, and migrates it. Raises DatabaseError."""
    return sqlite.SqliteStore(place)


def snapshot(place: Path) -> AbstractContextManager[Database]:
    """One unchanging view of the ledger, read-only, however busy the bot is beside it. Neither creates nor migrates it.

    Raises DatabaseError, also for what the database finds wrong during the block.
    """
    return sqlite.snapshot(place)
