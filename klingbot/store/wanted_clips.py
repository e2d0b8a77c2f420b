"""Clips that should go up to Slack, and the announcements that wait for them.

An announcement is in the outbox from the moment its job succeeded, in a line of its own and due at a deadline. Its clip
makes it due at once, and so does giving the clip up; if whoever carries clips is never heard of again, it goes out at
the deadline.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from klingbot.store import outbox
from klingbot.store.backend.database import Database, Transaction
from klingbot.store.outbox import CLIP, OutboxMessage


@dataclass(frozen=True, slots=True)
class WantedClip:
    job_id: str
    wanted_at: int
    tries: int
    """How often it was begun, this time included."""


def want(tx: Transaction, job_id: str, announcement: str, *, at: int, until: int) -> None:
    """Lets the announcement of that key wait for the clip, until then at most."""
    tx.execute(
        "INSERT INTO clips (job_id, wanted_at, due_at) VALUES (:id, :at, :at) ON CONFLICT (job_id) DO NOTHING",
        {"id": job_id, "at": at},
    )
    tx.execute(
        "UPDATE outbox SET line = :line, due_at = :until WHERE key = :key AND state = 'waiting'",
        {"line": f"{CLIP}{job_id}", "until": until, "key": announcement},
    )


_DUE = "due_at <= :now AND lease_until <= :now"


def any_due(db: Database, now: int) -> bool:
    return db.execute(f"SELECT 1 FROM clips WHERE {_DUE} LIMIT 1", {"now": now}).fetchone() is not None


def claim(tx: Transaction, *, now: int, lease_until: int, most: int) -> list[WantedClip]:
    """The oldest that are due, leased to the caller."""
    rows = tx.execute(
        f"""
        UPDATE clips SET lease_until = :lease_until, tries = tries + 1
        WHERE job_id IN (SELECT job_id FROM clips WHERE {_DUE} ORDER BY wanted_at LIMIT :most) AND lease_until <= :now
        RETURNING job_id, wanted_at, tries""",
        {"now": now, "lease_until": lease_until, "most": most},
    ).fetchall()
    return [WantedClip(row["job_id"], row["wanted_at"], row["tries"]) for row in rows]


def again(tx: Transaction, job_id: str, *, due_at: int, counts: bool = True) -> None:
    """Let it be tried again then. The try that was just made may not count."""
    tx.execute(
        "UPDATE clips SET due_at = :due_at, lease_until = 0, tries = tries - :off WHERE job_id = :id",
        {"id": job_id, "due_at": due_at, "off": int(not counts)},
    )


def end(tx: Transaction, job_id: str, announcement: str, *, at: int, file_id: str | None) -> None:
    """It is in Slack as that file, or will never be: the announcement need not wait any longer."""
    tx.execute("DELETE FROM clips WHERE job_id = :id", {"id": job_id})
    waiting = outbox.find(tx, announcement)
    if waiting and waiting.line.startswith(CLIP):
        tx.execute(
            "UPDATE outbox SET content = :content, due_at = :at WHERE id = :id AND state = 'waiting'",
            {"id": waiting.id, "content": json.dumps(waiting.content | {"file_id": file_id}), "at": at},
        )


def let_go(tx: Transaction, announcement: OutboxMessage, *, to: str, thread: str | None, at: int) -> None:
    """Gives the announcement its place in Slack; `thread` is the key of the message in whose thread that is."""
    tx.execute(
        """
        UPDATE outbox SET line = :to, thread_key = :thread, due_at = :at, lease_until = 0
        WHERE id = :id AND state = 'waiting'""",
        {"id": announcement.id, "to": to, "thread": thread, "at": at},
    )


def keep_back(tx: Transaction, announcement: OutboxMessage, *, until: int) -> None:
    """It waits a little longer, in its own line."""
    tx.execute(
        "UPDATE outbox SET due_at = :until, lease_until = 0 WHERE id = :id AND state = 'waiting'",
        {"id": announcement.id, "until": until},
    )
