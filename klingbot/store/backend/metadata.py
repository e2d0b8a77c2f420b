"""Small facts about the database itself, by name."""

from __future__ import annotations

from klingbot.store.backend.database import Database, Transaction

CALENDAR = "calendar"
"""The name of the calendar in whose periods the ledger is kept."""
LAST_BEAT = "last beat"
"""When a bot last did something by the clock, in UTC epoch milliseconds."""


def get(db: Database, name: str) -> str | None:
    row = db.execute("SELECT value FROM facts WHERE name = :name", {"name": name}).fetchone()
    return row["value"] if row else None


def put(tx: Transaction, name: str, value: str) -> None:
    tx.execute(
        """
        INSERT INTO facts (name, value) VALUES (:name, :value)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value""",
        {"name": name, "value": value},
    )


def remove(tx: Transaction, name: str) -> None:
    """Forget the fact, if there is one of that name."""
    tx.execute("DELETE FROM facts WHERE name = :name", {"name": name})
