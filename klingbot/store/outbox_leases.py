"""How outbox messages leave: claimed one at a time, in the order of their line, and noted as what became of them.

Only the first of a line can be claimed, and its lease keeps the others of that line back, also an older one that joins
the line meanwhile. So whatever number of
processes deliver, each place hears its messages in order, one at a time, and at Slack's pace.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile

from klingbot.domain import retry_delays
from klingbot.store import outbox
from klingbot.store.backend.database import Database, Transaction
from klingbot.store.outbox import ADMINS, DEFAULT, QUIET, OutboxMessage

PACE_MS = 1_000
"""Slack takes about one message a second in a channel (docs.slack.dev, rate limits)."""
LONGEST_DELAY_MS = retry_delays.UNREACHABLE_MS
"""Between two tries of one message, unless Slack itself asks for more."""


@dataclass(frozen=True, slots=True)
class Line:
    """What waits in one line, told by its first message."""

    name: str
    waiting: int
    oldest_at: int
    """When the oldest of them was queued."""
    tries: int
    problem: str | None
    next_at: int
    """When the first is tried again, or was due."""


_CLAIMABLE = """
    SELECT id FROM outbox
    WHERE id IN (SELECT min(id) FROM outbox WHERE state = 'waiting' GROUP BY line)
      AND due_at <= :now AND lease_until <= :now
      AND NOT EXISTS (SELECT 1 FROM lines WHERE lines.line = outbox.line AND rests_until > :now)
      AND NOT EXISTS (
        SELECT 1 FROM outbox AS sending
        WHERE sending.line = outbox.line AND sending.state = 'waiting' AND sending.lease_until > 0
          AND sending.lease_until > :now)
    ORDER BY id LIMIT 1"""


def lines(db: Database, *, most: int) -> list[Line]:
    """The lines in which something waits, those with the oldest messages first."""
    rows = db.execute(
        """
        SELECT first.line, waiting, oldest_at, tries, problem, due_at, coalesce(rests_until, 0) AS rests_until
        FROM (SELECT min(id) AS id, count(*) AS waiting, min(created_at) AS oldest_at
              FROM outbox WHERE state = 'waiting' GROUP BY line) AS heads
        JOIN outbox AS first ON first.id = heads.id
        LEFT JOIN lines ON lines.line = first.line
        ORDER BY oldest_at LIMIT :most""",
        {"most": most},
    ).fetchall()
    return [
        Line(
            row["line"],
            row["waiting"],
            row["oldest_at"],
            row["tries"],
            row["problem"],
            max(row["due_at"], row["rests_until"]),
        )
        for row in rows
    ]


def last_failed(db: Database, *, most: int) -> list[OutboxMessage]:
    """The newest of those that were given up."""
    sql = "SELECT * FROM outbox WHERE state = 'failed' ORDER BY id DESC LIMIT :most"
    return [outbox.message_of(row) for row in db.execute(sql, {"most": most}).fetchall()]


def retry(tx: Transaction, *, at: int) -> int:
    """Everything that was given up waits again, in its old place. How many messages that are."""
    sql = "UPDATE outbox SET state = 'waiting', due_at = :at, ready_at = :at WHERE state = 'failed' RETURNING id"
    return len(tx.execute(sql, {"at": at}).fetchall())


def any_due(db: Database, now: int) -> bool:
    """Whether `claim` might find something: a look that takes no lock."""
    return db.execute(_CLAIMABLE, {"now": now}).fetchone() is not None


def route(tx: Transaction, *, default: str | None, admins_only: Collection[str]) -> None:
    """Gives a line to what has none: the `default` channel's, or the admins' for kinds that are for them alone."""
    waiting = "UPDATE outbox SET line = :to WHERE state = 'waiting' AND line = :nowhere"
    for kind in admins_only:
        tx.execute(f"{waiting} AND kind = :kind", {"nowhere": DEFAULT, "to": ADMINS, "kind": kind})
    tx.execute(waiting, {"nowhere": DEFAULT, "to": default or ADMINS})


def claim(tx: Transaction, *, now: int, lease_until: int) -> OutboxMessage | None:
    """The oldest message that is first in its line and due, leased to the caller."""
    row = tx.execute(
        f"""
        UPDATE outbox SET lease_until = :lease_until
        WHERE id IN ({_CLAIMABLE}) AND lease_until <= :now RETURNING *""",
        {"now": now, "lease_until": lease_until},
    ).fetchone()
    return outbox.message_of(row) if row else None


def claim_behind(
    tx: Transaction, first: OutboxMessage, *, kinds: Collection[str], most: int, now: int
) -> list[OutboxMessage]:
    """What stands right behind a claimed message and is of one of these kinds, under the same lease."""
    rows = tx.execute(
        "SELECT * FROM outbox WHERE line = :line AND state = 'waiting' AND id > :id ORDER BY id LIMIT :most",
        {"line": first.line, "id": first.id, "most": most},
    ).fetchall()

    def goes_along(message: OutboxMessage) -> bool:
        return message.kind in kinds and not message.replaces and message.lease_until <= now

    behind = list(takewhile(goes_along, map(outbox.message_of, rows)))
    for message in behind:
        tx.execute(
            "UPDATE outbox SET lease_until = :until WHERE id = :id", {"id": message.id, "until": first.lease_until}
        )
    return behind


def release(tx: Transaction, message: OutboxMessage) -> None:
    """Not its turn after all."""
    tx.execute("UPDATE outbox SET lease_until = 0 WHERE id = :id AND state = 'waiting'", {"id": message.id})


def hold(tx: Transaction, message: OutboxMessage, *, until: int) -> None:
    """Its channel has quiet hours: it steps aside with the edits that wait for it, and others of its line may pass."""
    tx.execute(
        """
        UPDATE outbox SET line = :quiet, due_at = :until, lease_until = 0
        WHERE line = :line AND state = 'waiting' AND (id = :id OR replaces_key = :key)""",
        {
            "id": message.id,
            "key": message.key,
            "line": message.line,
            "quiet": f"{QUIET}{message.line}",
            "until": until,
        },
    )


def wake(tx: Transaction, channel_id: str, *, at: int) -> None:
    """The quiet hours of a channel are over: what was held stands in its line again, in its old order."""
    tx.execute(
        """
        UPDATE outbox SET line = :line, due_at = :at, ready_at = :at, lease_until = 0
        WHERE line = :quiet AND state = 'waiting'""",
        {"line": channel_id, "quiet": f"{QUIET}{channel_id}", "at": at},
    )


def sent(
    tx: Transaction,
    message: OutboxMessage,
    *,
    at: int,
    to: str,
    ts: str | None,
    others: Sequence[OutboxMessage] = (),
) -> None:
    """Slack has it, and in it what `others` had to say."""
    tx.execute(
        """
        UPDATE outbox SET state = 'sent', sent_at = :at, sent_to = :to, sent_ts = :ts, parts = :parts, lease_until = 0
        WHERE id = :id""",
        {"id": message.id, "at": at, "to": to, "ts": ts, "parts": 1 + len(others)},
    )
    for each in others:
        outbox.carry(tx, each.id, by=message.id, at=at)
    _rest(tx, message, until=at + PACE_MS)


def again(tx: Transaction, message: OutboxMessage, *, due_at: int, problem: str, failed: bool = True) -> None:
    """Slack did not take it: it is tried again at `due_at`, and its line rests until then.

    Only what has `failed` counts among its tries.
    """
    tx.execute(
        """
        UPDATE outbox SET due_at = :due_at, problem = :problem, tries = tries + :failed, lease_until = 0
        WHERE id = :id AND state = 'waiting'""",
        {"id": message.id, "due_at": due_at, "problem": problem, "failed": int(failed)},
    )
    _rest(tx, message, until=due_at)


def unbind(tx: Transaction, message: OutboxMessage) -> None:
    """It cannot be a reply or an edit: it is said as a message of its own."""
    tx.execute(
        """
        UPDATE outbox SET thread_key = NULL, thread_ts = NULL, replaces_key = NULL, lease_until = 0
        WHERE id = :id AND state = 'waiting'""",
        {"id": message.id},
    )


def reroute(tx: Transaction, message: OutboxMessage, *, to: str, detour: str) -> None:
    """Its place will never take it: it joins another line, with the replies and edits that wait for it."""
    tx.execute(
        "UPDATE outbox SET detour = :detour, problem = :detour, lease_until = 0 WHERE id = :id AND state = 'waiting'",
        {"id": message.id, "detour": detour},
    )
    tx.execute(
        """
        UPDATE outbox SET line = :to
        WHERE line = :line AND state = 'waiting' AND (id = :id OR thread_key = :key OR replaces_key = :key)""",
        {"id": message.id, "key": message.key, "line": message.line, "to": to},
    )


def redirect(tx: Transaction, key: str, *, to: str | None, at: int) -> None:
    """Send a message that nobody has read to another channel, or to the default one, and at once."""
    tx.execute(
        """
        UPDATE outbox SET channel_id = :to, line = :line, due_at = :at, state = 'waiting', tries = 0, problem = NULL,
          detour = NULL
        WHERE key = :key""",
        {"key": key, "to": to, "line": to or DEFAULT, "at": at},
    )


def hand_over(tx: Transaction, message: OutboxMessage, user_ids: Sequence[str], *, at: int) -> None:
    """Replaces a message by one for each of these people, bound to what each of them has got before."""
    for user_id in user_ids:
        key = _copy(message.key, user_id)
        outbox.put(
            tx,
            key,
            message.kind,
            message.content,
            at=at,
            user_id=user_id,
            thread=_copy(message.thread, user_id) if message.thread else None,
            replaces=_copy(message.replaces, user_id) if message.replaces else None,
            broadcast=message.broadcast,
        )
        tx.execute("UPDATE outbox SET detour = :detour WHERE key = :key", {"detour": message.detour, "key": key})
    tx.execute(
        "UPDATE outbox SET state = 'sent', sent_at = :at, sent_to = :to, lease_until = 0 WHERE id = :id",
        {"id": message.id, "at": at, "to": " ".join(user_ids)},
    )


def is_copy(message: OutboxMessage) -> bool:
    """Whether it is one admin's own, of what `hand_over` gave to all of them."""
    return message.user_id is not None and message.key.endswith(_copy("", message.user_id))


def failed(tx: Transaction, message: OutboxMessage, *, problem: str) -> None:
    """Cannot be said at all; kept, shown to the admins, and put back by them."""
    tx.execute(
        "UPDATE outbox SET state = 'failed', problem = :problem, lease_until = 0 WHERE id = :id AND state = 'waiting'",
        {"id": message.id, "problem": problem},
    )


def dropped(tx: Transaction, message: OutboxMessage, *, at: int, problem: str) -> None:
    """Slack does not take it, and nothing is lost by that."""
    tx.execute(
        "UPDATE outbox SET state = 'sent', sent_at = :at, problem = :problem, lease_until = 0 WHERE id = :id",
        {"id": message.id, "at": at, "problem": problem},
    )


def _copy(key: str, user_id: str) -> str:
    return f"{key} for {user_id}"


def _rest(tx: Transaction, message: OutboxMessage, *, until: int) -> None:
    """Keeps the whole line back, also from older messages that join it. A response_url is hardly used twice."""
    if message.line == message.response_url:
        return
    tx.execute(
        """
        INSERT INTO lines (line, rests_until) VALUES (:line, :until)
        ON CONFLICT (line) DO UPDATE SET rests_until = excluded.rests_until""",
        {"line": message.line, "until": until},
    )
