"""The ledger in an SQLite file."""

from klingbot.store.backend.sqlite.rescue import copies
from klingbot.store.backend.sqlite.sqlite_checks import VERSION, Modes, faults, modes, steps_missing
from klingbot.store.backend.sqlite.sqlite_copy import defer_references, go_on_counting, tables
from klingbot.store.backend.sqlite.sqlite_store import SqliteStore, snapshot

__all__ = [
    "VERSION",
    "Modes",
    "SqliteStore",
    "copies",
    "defer_references",
    "faults",
    "go_on_counting",
    "modes",
    "snapshot",
    "steps_missing",
    "tables",
]
