"""What only SQLite can say of its file: how it is kept, whether it is sound, and how far it has been brought."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from klingbot.store.backend.database import Database
from klingbot.store.backend.migration_steps import missing
from klingbot.store.backend.sqlite.sqlite_store import SqliteStore

VERSION = sqlite3.sqlite_version_info
"""Of the SQLite that this Python brings."""


@dataclass(frozen=True, slots=True)
class Modes:
    """How the bot's own connections keep what was acknowledged."""

    journal: str
    synchronous: int
    """SQLite's number: 2 is FULL."""


def steps_missing(db: Database) -> list[str]:
    """The schema's steps that this file has not been through yet."""
    known = "SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'"
    applied = db.execute("SELECT name FROM _sqlite_migrations").fetchall() if db.execute(known).fetchone() else []
    return missing(row["name"] for row in applied)


def modes(path: Path) -> Modes:
    """Opens the file for writing, as the bot does, and changes nothing in it. Raises DatabaseError."""
    with closing(SqliteStore(path)) as store:
        pragmas = [store.read().execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        return Modes(*pragmas)


def faults(db: Database) -> list[str]:
    """What SQLite itself finds wrong: torn pages, broken indexes, rows that refer to nothing."""
    said = [str(row[0]) for row in db.execute("PRAGMA integrity_check").fetchall()]
    orphans = db.execute("PRAGMA foreign_key_check").fetchall()
    return [line for line in said if line != "ok"] + [f"{row[0]} row {row[1]} refers to no {row[2]}" for row in orphans]
