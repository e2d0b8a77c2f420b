"""The ledger's id and its counters, in a table of one row that is never carried over to another ledger."""

from __future__ import annotations

import secrets

from klingbot.store.backend.database import Database, Transaction


def ensure(tx: Transaction) -> str:
    """Return the ledger's id, a random one; give it one if it has none."""
    known = get(tx)
    if known is None:
        known = secrets.token_hex(16)
        tx.execute("INSERT INTO _ledger (id, beats) VALUES (:id, 0)", {"id": known})
    return known


def get(db: Database) -> str | None:
    """Return the ledger's id, or None before it has one."""
    row = db.execute("SELECT id FROM _ledger").fetchone()
    return row["id"] if row else None


def count_beat(tx: Transaction) -> int:
    """Count one more heartbeat of any bot, and return how many there were. The count only grows."""
    return int(tx.execute("UPDATE _ledger SET beats = beats + 1 RETURNING beats").fetchone()["beats"])
