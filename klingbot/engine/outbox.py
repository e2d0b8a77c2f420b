"""What admins see and do about messages that are still to be said, and about a channel's quiet hours."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.notifications import AlertTest, AlertTested, from_json, kind_of, to_json
from klingbot.domain.overdue_work import Overdue
from klingbot.domain.quiet_hours import QuietHours
from klingbot.engine import overdue
from klingbot.engine.core import Engine
from klingbot.store import Transaction, outbox, outbox_leases, quiet_channels
from klingbot.store.outbox import OutboxMessage
from klingbot.store.outbox_leases import Line

MOST_LINES, MOST_FAILED = 15, 10


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What waits, by place, and what was given up; and the quiet hours, which make things wait."""

    waiting: int
    lines: tuple[Line, ...]
    """Those with the oldest messages, at most MOST_LINES."""
    failed: int
    last_failed: tuple[OutboxMessage, ...]
    """Newest first, at most MOST_FAILED."""
    quiet: tuple[QuietHours, ...]
    overdue: tuple[Overdue, ...] = ()
    """Also what is no message."""
    at: int = 0


def unsaid(engine: Engine) -> Unsaid:
    db = engine.store.read()
    counts = outbox.counts(db)
    return Unsaid(
        counts["waiting"],
        tuple(outbox_leases.lines(db, most=MOST_LINES)),
        counts["failed"],
        tuple(outbox_leases.last_failed(db, most=MOST_FAILED)),
        tuple(quiet_channels.every(db)),
        tuple(overdue.find(engine)),
        engine.clock(),
    )


def retry(engine: Engine) -> int:
    """Lets everything that was given up wait again. How many messages that are."""
    with engine.store.write() as tx:
        return outbox_leases.retry(tx, at=engine.clock())


def test(engine: Engine, channel_id: str | None, *, test: str, by: str, response_url: str | None) -> None:
    """Queues a test alert for a channel, or for where alerts go by default. The outcome comes to `by`."""
    content = AlertTest(test, by, response_url)
    with engine.store.write() as tx:
        at = engine.clock()
        outbox.put(tx, f"test {test}", kind_of(content), to_json(content), at=at, channel_id=channel_id)


def test_arrived(engine: Engine, tx: Transaction, message: OutboxMessage, *, in_channel: str) -> None:
    """Tells whoever asked for the test, once."""
    asked = from_json(message.kind, message.content)
    assert isinstance(asked, AlertTest)
    content = AlertTested(in_channel, message.detour, message.tries)
    outbox.put(
        tx,
        f"tested {asked.test}",
        kind_of(content),
        to_json(content),
        at=engine.clock(),
        user_id=asked.user_id,
        response_url=asked.response_url,
    )


def set_quiet(engine: Engine, hours: QuietHours, *, by: str) -> None:
    """What is held now is judged anew by these hours."""
    with engine.store.write() as tx:
        quiet_channels.put(tx, hours, by=by, at=engine.clock())
        outbox_leases.wake(tx, hours.channel_id, at=engine.clock())


def end_quiet(engine: Engine, channel_id: str) -> bool:
    """What is held goes out. False when the channel had no quiet hours."""
    with engine.store.write() as tx:
        outbox_leases.wake(tx, channel_id, at=engine.clock())
        return quiet_channels.remove(tx, channel_id)
