"""Outbox messages: what must be said in Slack, written in the transaction that made it true."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from klingbot.store.database import Transaction


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One thing to say, to whom, and how often that was tried."""

    id: int
    key: str
    """Unique: the same thing is never queued twice."""
    kind: str
    channel_id: str | None
    user_id: str | None
    response_url: str | None
    content: dict[str, Any]
    created_at: int
    tries: int
    problem: str | None
    """What went wrong last, in Slack's word."""
    detour: str | None
    """Which place did not take it, when it was meant for another."""


_CLAIM = """
    UPDATE outbox SET lease_until = :lease_until, tries = tries + 1
    WHERE id IN (
      SELECT id FROM outbox
      WHERE id IN (SELECT min(id) FROM outbox WHERE state = 'waiting' GROUP BY line)
        AND due_at <= :now AND lease_until <= :now
      ORDER BY id LIMIT :most)
    AND lease_until <= :now
    RETURNING *"""


def put(
    tx: Transaction,
    key: str,
    kind: str,
    content: dict[str, Any],
    *,
    at: int,
    channel_id: str | None = None,
    user_id: str | None = None,
    response_url: str | None = None,
) -> bool:
    """Queues a message. False when one of that key was queued before.

    It goes to `channel_id`, or to `user_id` by direct message; with neither, to the default alerts channel.
    """
    row = tx.execute(
        """
        INSERT INTO outbox (key, kind, line, channel_id, user_id, response_url, content, state, due_at, created_at)
        VALUES (:key, :kind, :line, :channel_id, :user_id, :response_url, :content, 'waiting', :at, :at)
        ON CONFLICT (key) DO NOTHING RETURNING id""",
        {
            "key": key,
            "kind": kind,
            "line": channel_id or user_id or "",
            "channel_id": channel_id,
            "user_id": user_id,
            "response_url": response_url,
            "content": json.dumps(content),
            "at": at,
        },
    ).fetchone()
    return row is not None


def any_due(db: Database, now: int) -> bool:
    """Whether `claim` might find something: a look that takes no lock."""
    sql = "SELECT 1 FROM outbox WHERE state = 'waiting' AND due_at <= :now LIMIT 1"
    return db.execute(sql, {"now": now}).fetchone() is not None


def claim(tx: Transaction, *, now: int, lease_until: int, most: int) -> list[OutboxMessage]:
    """The first message of each line, where it is due, leased to the caller.

    A line is what goes to one place: its messages leave in the order in which they came.
    """
    rows = tx.execute(_CLAIM, {"now": now, "lease_until": lease_until, "most": most}).fetchall()
    return sorted((_message(row) for row in rows), key=lambda message: message.id)


def sent(tx: Transaction, message_id: int, *, at: int, to: str, ts: str | None) -> None:
    tx.execute(
        "UPDATE outbox SET state = 'sent', sent_at = :at, sent_to = :to, sent_ts = :ts, lease_until = 0 WHERE id = :id",
        {"id": message_id, "at": at, "to": to, "ts": ts},
    )


def again(tx: Transaction, message_id: int, *, due_at: int, problem: str | None) -> None:
    """Not delivered: try again at `due_at`."""
    tx.execute(
        "UPDATE outbox SET due_at = :due_at, problem = :problem, lease_until = 0 WHERE id = :id AND state = 'waiting'",
        {"id": message_id, "due_at": due_at, "problem": problem},
    )


def hand_over(tx: Transaction, message: OutboxMessage, user_ids: Sequence[str], *, detour: str | None, at: int) -> None:
    """Replaces a message that no channel takes by one for each of these people."""
    for user_id in user_ids:
        key = f"{message.key} for {user_id}"
        if put(tx, key, message.kind, message.content, at=at, user_id=user_id):
            tx.execute("UPDATE outbox SET detour = :detour WHERE key = :key", {"detour": detour, "key": key})
    sent(tx, message.id, at=at, to=" ".join(user_ids), ts=None)


def failed(tx: Transaction, message_id: int, *, problem: str) -> None:
    """Cannot be delivered anywhere; kept, and shown to the admins."""
    tx.execute(
        "UPDATE outbox SET state = 'failed', problem = :problem, lease_until = 0 WHERE id = :id AND state = 'waiting'",
        {"id": message_id, "problem": problem},
    )


def counts(db: Database) -> dict[str, int]:
    """How many messages there are by state."""
    rows = db.execute("SELECT state, count(*) AS n FROM outbox GROUP BY state").fetchall()
    return {row["state"]: row["n"] for row in rows}


def _message(row: Any) -> OutboxMessage:
    return OutboxMessage(
        id=row["id"],
        key=row["key"],
        kind=row["kind"],
        channel_id=row["channel_id"],
        user_id=row["user_id"],
        response_url=row["response_url"],
        content=json.loads(row["content"]),
        created_at=row["created_at"],
        tries=row["tries"],
        problem=row["problem"],
        detour=row["detour"],
    )
