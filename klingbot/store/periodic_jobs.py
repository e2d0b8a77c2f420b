"""Rounds: what is done once in a while, by whichever process comes first, and what the nightly one has found."""

from __future__ import annotations

from klingbot.store.backend.database import Database, Transaction


def due(db: Database, name: str, now: int) -> bool:
    """Whether `claim` might give it: a look that takes no lock. A round that was never planned is due for planning."""
    row = db.execute("SELECT due_at, lease_until FROM rounds WHERE name = :name", {"name": name}).fetchone()
    return row is None or (row["due_at"] <= now and row["lease_until"] <= now)


def claim(tx: Transaction, name: str, *, now: int, lease_until: int, first_at: int) -> bool:
    """Whether it is the caller's until `lease_until`. One that was never planned is planned for `first_at`."""
    row = {"name": name, "now": now, "lease_until": lease_until, "first_at": first_at}
    tx.execute("INSERT INTO rounds (name, due_at) VALUES (:name, :first_at) ON CONFLICT (name) DO NOTHING", row)
    claimed = tx.execute(
        """
        UPDATE rounds SET lease_until = :lease_until
        WHERE name = :name AND due_at <= :now AND lease_until <= :now RETURNING name""",
        row,
    )
    return claimed.fetchone() is not None


def done(tx: Transaction, name: str, *, next_at: int) -> None:
    tx.execute(
        "UPDATE rounds SET due_at = :next_at, lease_until = 0 WHERE name = :name", {"name": name, "next_at": next_at}
    )


def found(db: Database) -> set[str]:
    """What was found wrong and has not been right since, by the finding's name."""
    return {row["what"] for row in db.execute("SELECT what FROM unsound").fetchall()}


def note(tx: Transaction, what: str, said: str, *, at: int) -> None:
    tx.execute(
        "INSERT INTO unsound (what, said, found_at) VALUES (:what, :said, :at)", {"what": what, "said": said, "at": at}
    )


def mended(tx: Transaction, what: str) -> None:
    tx.execute("DELETE FROM unsound WHERE what = :what", {"what": what})
