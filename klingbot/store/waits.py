"""Everything that waits for an instant, or is leased until one."""

from __future__ import annotations

from klingbot.store.database import Transaction
from klingbot.store.jobs import LIVE

_WAITS = (
    f"UPDATE jobs SET due_at = due_at - :by, lease_until = lease_until - :by WHERE {LIVE}",
    "UPDATE outbox SET due_at = due_at - :by, lease_until = lease_until - :by WHERE state = 'waiting'",
    "UPDATE lines SET rests_until = rests_until - :by",
    "UPDATE clips SET due_at = due_at - :by, lease_until = lease_until - :by",
    "UPDATE gates SET opens_at = opens_at - :by",
    "UPDATE rounds SET lease_until = lease_until - :by",
)


def move_back(tx: Transaction, *, by: int) -> None:
    """So many milliseconds earlier, for what was set by a clock that ran so far ahead."""
    for statement in _WAITS:
        tx.execute(statement, {"by": by})
