"""The ledger in PostgreSQL. Imported only when DATABASE_URL is set: SQLite needs none of it."""

from klingbot.store.postgres.checks import durability, faults, steps_missing, version
from klingbot.store.postgres.moving import defer_references, go_on_counting, tables
from klingbot.store.postgres.store import PostgresStore, snapshot

__all__ = [
    "PostgresStore",
    "defer_references",
    "durability",
    "faults",
    "go_on_counting",
    "snapshot",
    "steps_missing",
    "tables",
    "version",
]
