"""Who changed the rules of money: when, from what, to what, and why. Only ever added to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from klingbot.store.backend.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Change:
    """`at` is UTC epoch milliseconds. `before` and `after` are in plain words; empty where there was or is nothing."""

    at: int
    by: str
    what: str
    subject: str
    """The scope that it is about."""
    before: str
    after: str
    why: str


def note(
    tx: Transaction, *, at: int, by: str, what: str, subject: str, before: str = "", after: str = "", why: str = ""
) -> None:
    tx.execute(
        """
        INSERT INTO audit (changed_at, changed_by, what, subject, was, became, why)
        VALUES (:at, :by, :what, :subject, :before, :after, :why)""",
        {"at": at, "by": by, "what": what, "subject": subject, "before": before, "after": after, "why": why},
    )


def latest(db: Database, *, subject: str | None, most: int) -> list[Change]:
    """The newest changes first, of one scope or of all."""
    only = "WHERE subject = :subject" if subject else ""
    rows = db.execute(
        f"SELECT * FROM audit {only} ORDER BY id DESC LIMIT :most",
        {"most": most} | ({"subject": subject} if subject else {}),
    ).fetchall()
    return [_change(row) for row in rows]


def _change(row: Any) -> Change:
    return Change(
        at=row["changed_at"],
        by=row["changed_by"],
        what=row["what"],
        subject=row["subject"],
        before=row["was"],
        after=row["became"],
        why=row["why"],
    )
