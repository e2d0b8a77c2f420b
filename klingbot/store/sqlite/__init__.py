"""The ledger in an SQLite file."""

from klingbot.store.sqlite.checks import VERSION, Modes, faults, modes, steps_missing
from klingbot.store.sqlite.moving import defer_references, go_on_counting, tables
from klingbot.store.sqlite.rescue import copies
from klingbot.store.sqlite.store import SqliteStore, snapshot

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
