"""Gates keep held jobs from Kling: one per model that Kling called too busy, and one for the whole account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from klingbot.store.backend.database import Database, Transaction

ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Gate:
    """A closed gate. `opens_at` (UTC epoch milliseconds) is when to try again; None: not before somebody opens it."""

    name: str
    opens_at: int | None
    code: int
    reason: str
    tries: int
    """How many times in a row; 0 after an admin opened it by hand and before anybody has tried."""

    def closed(self, at: int) -> bool:
        return self.opens_at is None or self.opens_at > at


def get(db: Database, name: str) -> Gate | None:
    row = db.execute("SELECT * FROM gates WHERE name = :name", {"name": name}).fetchone()
    return _gate(row) if row else None


def close(
    tx: Transaction, name: str, *, opens_at: int | None, code: int, reason: str, at: int, counts: bool = True
) -> None:
    """Close a gate, or close it again; `tries` counts how many times in a row, except those that do not count."""
    tx.execute(
        """
        INSERT INTO gates (name, opens_at, code, reason, tries, closed_at)
        VALUES (:name, :opens_at, :code, :reason, :counted, :at)
        ON CONFLICT (name) DO UPDATE SET
          opens_at = excluded.opens_at, code = excluded.code, reason = excluded.reason, tries = gates.tries + :counted,
          probe_until = 0""",
        {"name": name, "opens_at": opens_at, "code": code, "reason": reason, "at": at, "counted": int(counts)},
    )


def probe(tx: Transaction, model: str, *, until: int) -> None:
    """Note that a job of that model tries the gates before it, until that instant at most."""
    tx.execute(
        "UPDATE gates SET probe_until = :until WHERE name IN (:account, :model)",
        {"account": ACCOUNT, "model": model, "until": until},
    )


def end_probe(tx: Transaction, model: str, *, until: int) -> None:
    """Let another job try those gates. `until` is what the probe was noted with: a newer one goes on."""
    tx.execute(
        "UPDATE gates SET probe_until = 0 WHERE name IN (:account, :model) AND probe_until = :until",
        {"account": ACCOUNT, "model": model, "until": until},
    )


def thaw(tx: Transaction, *, at: int) -> list[Gate]:
    """Makes every gate due at once, as if it had never been closed before. What they were."""
    closed = [_gate(row) for row in tx.execute("SELECT * FROM gates ORDER BY name").fetchall()]
    tx.execute("UPDATE gates SET opens_at = :at, tries = 0", {"at": at})
    return closed


def open_(tx: Transaction, name: str) -> Gate | None:
    """Takes the gate away. What it was, or None when there was none."""
    row = tx.execute("DELETE FROM gates WHERE name = :name RETURNING *", {"name": name}).fetchone()
    return _gate(row) if row else None


def _gate(row: Any) -> Gate:
    return Gate(row["name"], row["opens_at"], row["code"], row["reason"], row["tries"])
