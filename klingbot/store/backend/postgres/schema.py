"""How a PostgreSQL database is brought up to date, and which ones are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from klingbot.store.backend import ledger_identity, metadata
from klingbot.store.backend.database import DatabaseError, Rows, Transaction, part
from klingbot.store.backend.location import DatabaseUrl
from klingbot.store.backend.migration_steps import STEPS, refuse_newer
from klingbot.store.backend.postgres.dialect import ddl


def migrate(tx: Transaction, place: DatabaseUrl, keeps_others_out: Callable[[], bool]) -> None:
    """Applies what is pending, in this one transaction, so that replicas starting at once do it once.

    Raises DatabaseError.
    """
    _refuse_unless_unicode(tx, place)
    tx.execute("CREATE TABLE IF NOT EXISTS _migrations (name text PRIMARY KEY, applied_at timestamptz)")
    applied = {row["name"] for row in tx.execute("SELECT name FROM _migrations").fetchall()}
    refuse_newer(place, applied)
    if not applied and not keeps_others_out():  # some that speak PostgreSQL take advisory locks for nothing
        raise DatabaseError(
            f"The database {place} gives the same advisory lock to two at once; budgets would not hold. "
            "Klingbot needs PostgreSQL, or what keeps to its locks."
        )
    for name, step in STEPS.items():
        if name not in applied:
            step(_Schema(tx))
            tx.execute("INSERT INTO _migrations VALUES (:name, now())", {"name": name})
    ledger_identity.ensure(tx)
    # A user who may not write is noticed now and not at somebody's first command.
    with part(tx) as attempt:
        metadata.put(attempt, "whether this can be written", "")
        attempt.abandon()


def _refuse_unless_unicode(tx: Transaction, place: DatabaseUrl) -> None:
    """Raises DatabaseError for a database that cannot keep what people write."""
    encoding = tx.execute("SHOW server_encoding").fetchone()["server_encoding"]
    if encoding not in ("UTF8", "SQL_ASCII"):
        raise DatabaseError(
            f"The database {place} keeps texts as {encoding}, which has no emoji and few alphabets. "
            "Make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
        )


class _Schema:
    """What a migration speaks to: it is written as SQLite takes it."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def execute(self, sql: str, params: Mapping[str, Any] | None = None, /) -> Rows:
        return self._tx.execute(ddl(sql), dict(params or {}))
