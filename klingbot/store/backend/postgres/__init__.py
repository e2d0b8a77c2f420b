"""The ledger in PostgreSQL. Imported only when DATABASE_URL is set: SQLite needs none of it."""

from klingbot.store.backend.postgres.postgres_checks import durability, faults, steps_missing, version
from klingbot.store.backend.postgres.postgres_copy import defer_references, go_on_counting, tables
from klingbot.store.backend.postgres.postgres_store import PostgresStore, snapshot

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
