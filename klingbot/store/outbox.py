"""Outbox messages: what must be said in Slack, written in the transaction that made it true.

A message stands in a line: what waits for one place. A line is the id of a channel or a person, a response_url, the
ADMINS, or DEFAULT for what nobody has given a place yet. How messages leave their lines is in `outbox_leases`.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from klingbot.store.backend.database import Database, Transaction

DEFAULT = ""
"""The line of what goes to the default alerts channel."""
ADMINS = "admins"
"""The line of what each admin is told in person."""
QUIET = "quiet "
"""Begins the line of what is held while a channel has its quiet hours: `quiet C0FINANCE1`."""

CLIP = "clip "
"""Begins the line of what waits for a clip to go up to Slack: `clip JOB`. Each has a line of its own."""


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One thing to say, to whom, and what has become of it."""

    id: int
    key: str
    """Unique: the same thing is never queued twice."""
    kind: str
    line: str
    """Where it is tried next; once sent, where it was."""
    channel_id: str | None
    user_id: str | None
    response_url: str | None
    content: dict[str, Any]
    thread: str | None
    """The key of the message in whose thread it belongs."""
    thread_ts: str | None
    """The message in whose thread it belongs, by Slack's id, where that is none of ours."""
    broadcast: bool
    """A reply that the channel sees too."""
    replaces: str | None
    """The key of the message that it takes the place of."""
    state: str
    created_at: int
    lease_until: int
    tries: int
    """How often Slack did not take it."""
    problem: str | None
    """What went wrong last, in Slack's word."""
    detour: str | None
    """Which place did not take it, when it was meant for another."""
    sent_to: str | None
    sent_ts: str | None
    """Slack's id of it; a late answer to a command has none."""
    carried_by: int | None
    """The message that says it in its stead."""
    parts: int
    """How many messages were said in it, itself included."""

    @property
    def is_nowhere(self) -> bool:
        """Slack did not take it, and nothing is lost by that; nor can it be edited or replied to."""
        return self.state == "sent" and self.sent_ts is None and self.carried_by is None

    @property
    def is_dropped(self) -> bool:
        """Nobody got it, and nobody will."""
        return self.state == "sent" and self.sent_to is None and self.carried_by is None

    @property
    def is_unsaid(self) -> bool:
        """Whether nobody can have read it: Slack does not have it, and no bot took it up without telling the outcome.

        A lease that has ended proves nothing: its holder may have been slow, or was killed after Slack had taken it.
        """
        return self.state != "sent" and self.lease_until == 0


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
    thread: str | None = None,
    replaces: str | None = None,
    broadcast: bool = False,
    thread_ts: str | None = None,
) -> bool:
    """Queues a message. False when one of that key was queued before.

    It goes to `channel_id`, or to `response_url`, or to `user_id` by direct message, the later ones where the earlier
    do not take it; with none of them, to the default alerts channel.

    `thread` is the key of another message: this one is a reply to it, wherever that one went; a `broadcast` is one that
    the channel sees too, as by Slack's “also send to #channel”. `replaces` is another key: that message is edited, or
    never said in its old form if it still waits; of several replacements that wait, the newest is said. Where Slack
    makes either impossible, it is said as a message of its own in the same place. `thread_ts` is Slack's id of somebody
    else's message in `channel_id`: this one is a reply to that.
    """
    root, edited = _find_root(tx, thread), _find_edited(tx, replaces)
    bound_to = edited or root
    row = tx.execute(
        """
        INSERT INTO outbox (key, kind, line, channel_id, user_id, response_url, content, thread_key, replaces_key,
          thread_ts, broadcast, state, due_at, created_at)
        VALUES (:key, :kind, :line, :channel_id, :user_id, :response_url, :content, :thread, :replaces,
          :thread_ts, :broadcast, 'waiting', :at, :at)
        ON CONFLICT (key) DO NOTHING RETURNING *""",
        {
            "key": key,
            "kind": kind,
            "line": (bound_to and _shared_line(bound_to)) or channel_id or response_url or user_id or DEFAULT,
            "channel_id": channel_id,
            "user_id": user_id,
            "response_url": response_url,
            "content": json.dumps(content),
            "thread": root.key if root else None,
            "replaces": edited.key if edited else None,
            "thread_ts": thread_ts,
            "broadcast": int(broadcast),
            "at": at,
        },
    ).fetchone()
    if row is None:
        return False
    if edited:
        _overtake(tx, edited, message_of(row), at)
    return True


def find(db: Database, key: str) -> OutboxMessage | None:
    row = db.execute("SELECT * FROM outbox WHERE key = :key", {"key": key}).fetchone()
    return message_of(row) if row else None


def said_as(db: Database, key: str) -> OutboxMessage | None:
    """The message that said it, or will: itself, or the one that carries it."""
    message = find(db, key)
    while message and message.carried_by:
        row = db.execute("SELECT * FROM outbox WHERE id = :id", {"id": message.carried_by}).fetchone()
        message = message_of(row)
    return message


def is_busy(db: Database, line: str) -> bool:
    """Whether something waits in that line."""
    sql = "SELECT 1 FROM outbox WHERE state = 'waiting' AND line = :line LIMIT 1"
    return db.execute(sql, {"line": line}).fetchone() is not None


def unsaid_of(db: Database, kinds: Collection[str]) -> list[OutboxMessage]:
    """The messages of these kinds that Slack does not have: those that wait, are on their way, or were given up."""
    wanted = f"kind IN ({', '.join(repr(kind) for kind in kinds)})"
    sql = f"""
        SELECT * FROM outbox WHERE state = 'waiting' AND {wanted} UNION ALL
        SELECT * FROM outbox WHERE state = 'failed' AND {wanted}"""
    return [message_of(row) for row in db.execute(sql).fetchall()]


def reword(tx: Transaction, message_id: int, kind: str, content: dict[str, Any]) -> None:
    """Let a message say something else from its next attempt on."""
    sql = "UPDATE outbox SET kind = :kind, content = :content WHERE id = :id"
    tx.execute(sql, {"id": message_id, "kind": kind, "content": json.dumps(content)})


def counts(db: Database) -> dict[str, int]:
    """How many are `waiting`, and how many have `failed` and wait for an admin. What was sent is history."""
    row = db.execute("""
        SELECT (SELECT count(*) FROM outbox WHERE state = 'waiting') AS waiting,
          (SELECT count(*) FROM outbox WHERE state = 'failed') AS failed""").fetchone()
    return {"waiting": row["waiting"], "failed": row["failed"]}


def carry(tx: Transaction, message_id: int, *, by: int, at: int) -> None:
    """Another message says it."""
    tx.execute(
        "UPDATE outbox SET state = 'sent', sent_at = :at, carried_by = :by, lease_until = 0 WHERE id = :id",
        {"id": message_id, "by": by, "at": at},
    )


def message_of(row: Any) -> OutboxMessage:
    return OutboxMessage(
        id=row["id"],
        key=row["key"],
        kind=row["kind"],
        line=row["line"],
        channel_id=row["channel_id"],
        user_id=row["user_id"],
        response_url=row["response_url"],
        content=json.loads(row["content"]),
        thread=row["thread_key"],
        thread_ts=row["thread_ts"],
        broadcast=bool(row["broadcast"]),
        replaces=row["replaces_key"],
        state=row["state"],
        created_at=row["created_at"],
        lease_until=row["lease_until"],
        tries=row["tries"],
        problem=row["problem"],
        detour=row["detour"],
        sent_to=row["sent_to"],
        sent_ts=row["sent_ts"],
        carried_by=row["carried_by"],
        parts=row["parts"],
    )


def _find_root(tx: Transaction, thread: str | None) -> OutboxMessage | None:
    """The message that a thread begins with, also when a reply to it was named: Slack's threads are one level deep."""
    named = find(tx, thread) if thread else None
    return find(tx, named.thread) if named and named.thread else named


def _find_edited(tx: Transaction, replaces: str | None) -> OutboxMessage | None:
    """The message that is edited, also when a replacement of it was named."""
    named = find(tx, replaces) if replaces else None
    return find(tx, named.replaces) if named and named.replaces else named


def _shared_line(message: OutboxMessage) -> str | None:
    """The line of what is bound to that message. A response_url takes neither replies nor edits."""
    return None if message.line == message.response_url else message.line.removeprefix(QUIET)


def _overtake(tx: Transaction, edited: OutboxMessage, newer: OutboxMessage, at: int) -> None:
    """Save what is needless: the old form of what still waits, and older replacements that do.

    What may be on its way to Slack is left alone, and edited afterwards.
    """
    if edited.is_unsaid:
        tx.execute(
            """
            UPDATE outbox SET kind = :kind, content = :content, state = 'waiting', problem = NULL,
              line = :line, due_at = :at, ready_at = :at
            WHERE id = :id""",
            {"id": edited.id, "kind": newer.kind, "content": json.dumps(newer.content), "line": newer.line, "at": at},
        )
        carry(tx, newer.id, by=edited.id, at=at)
        return
    older = tx.execute(
        """
        SELECT id FROM outbox
        WHERE line = :line AND state = 'waiting' AND replaces_key = :key AND id < :newer AND lease_until = 0""",
        {"line": newer.line, "key": edited.key, "newer": newer.id},
    ).fetchall()
    for row in older:
        carry(tx, row["id"], by=newer.id, at=at)
