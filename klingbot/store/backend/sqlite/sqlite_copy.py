"""What SQLite needs for a whole ledger to be carried over."""

from __future__ import annotations

from klingbot.store.backend.database import Database, Transaction


def tables(db: Database) -> list[str]:
    """All that belong to the ledger."""
    sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 1) <> '_' ORDER BY name"
    return [row["name"] for row in db.execute(sql).fetchall()]


def defer_references(tx: Transaction) -> None:
    """Rows may refer to rows that come later in this transaction."""
    tx.execute("PRAGMA defer_foreign_keys = ON")


def go_on_counting(tx: Transaction, tables: list[str]) -> None:
    """Numbers that the database gives go on after the highest: SQLite's do so by themselves."""
