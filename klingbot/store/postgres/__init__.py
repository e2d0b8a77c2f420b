"""The ledger in PostgreSQL. Imported only when DATABASE_URL is set: SQLite needs none of it."""

from klingbot.store.postgres.checks import durability, faults, steps_missing, version
from klingbot.store.postgres.store import PostgresStore, snapshot

__all__ = ["PostgresStore", "durability", "faults", "snapshot", "steps_missing", "version"]
