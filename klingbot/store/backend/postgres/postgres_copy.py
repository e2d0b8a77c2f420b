"""What carrying a ledger over needs to know of PostgreSQL."""

from __future__ import annotations

from klingbot.store.backend.database import Database, Transaction


def tables(db: Database) -> list[str]:
    """All that belong to the ledger."""
    sql = """
        SELECT tablename AS name FROM pg_tables
        WHERE schemaname = current_schema() AND left(tablename, 1) <> '_' ORDER BY name"""
    return [row["name"] for row in db.execute(sql).fetchall()]


def defer_references(tx: Transaction) -> None:
    """Rows may refer to rows that come later in this transaction."""
    tx.execute("SET CONSTRAINTS ALL DEFERRED")


def go_on_counting(tx: Transaction, tables: list[str]) -> None:
    """Numbers that the database gives go on after the highest."""
    counted = """
        SELECT table_name AS name FROM information_schema.columns
        WHERE table_schema = current_schema() AND column_name = 'id' AND is_identity = 'YES'"""
    for row in tx.execute(counted).fetchall():
        if row["name"] in tables:
            sql = f"SELECT setval(pg_get_serial_sequence(:name, 'id'), max(id)) FROM {row['name']} HAVING max(id) > 0"
            tx.execute(sql, {"name": row["name"]})
