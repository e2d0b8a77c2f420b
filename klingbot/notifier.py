"""Outbox messages out to Slack: claim, render, send, note.

Delivery is at least once: a crash between Slack's answer and the note sends again. Transient trouble is tried again
with growing delay; where a place can never be reached, the message goes to the next one and says so. Nothing is
dropped.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from klingbot import blocks
from klingbot.engine import Engine
from klingbot.outbox import JobStuck, SubmittingResumed, SubmittingStopped, Unsound, from_json, kind_of_type
from klingbot.slack.sender import Impossible, Later, Outcome, Place, Sender, Sent
from klingbot.store import delivery, outbox
from klingbot.store.delivery import LONGEST_DELAY_MS
from klingbot.store.outbox import OutboxMessage

log = logging.getLogger(__name__)

LEASE_MS = 60_000
"""Longer than the two calls that saying one message may need."""
FIRST_DELAY_MS = 1_000
ADMINS_ONLY = tuple(kind_of_type(content) for content in (SubmittingStopped, SubmittingResumed, JobStuck, Unsound))


@dataclass(frozen=True, slots=True)
class Notifier:
    engine: Engine
    sender: Sender
    alerts_channel: str | None
    admins: Callable[[], Sequence[str]]
    """User ids of those who hear what no channel can be told. May ask Slack."""
    _closing: threading.Event = field(default_factory=threading.Event)

    def deliver(self) -> None:
        """Sends what is due, one message at a time. Each is claimed only when it is its turn to be sent."""
        while not self._closing.is_set() and (message := self._claim()):
            self._deliver(message)

    def close(self) -> None:
        """What is on its way to Slack is still noted; the rest waits for the next start."""
        self._closing.set()

    def _claim(self) -> OutboxMessage | None:
        now = self.engine.clock()
        if not delivery.any_due(self.engine.store.read(), now):
            return None
        with self.engine.store.write() as tx:
            delivery.route(tx, default=self.alerts_channel, admins_only=ADMINS_ONLY)
            return delivery.claim(tx, now=now, lease_until=now + LEASE_MS)

    def _deliver(self, message: OutboxMessage) -> None:
        if message.line == outbox.ADMINS:
            self._tell_admins(message)
            return
        try:
            outcome = self._say(message)
        except Exception as e:
            log.exception("outbox message %s cannot be said", message.id)
            self._give_up(message, f"{type(e).__name__} on our side; the log has more")
            return
        match outcome:
            case Sent():
                self._note_sent(message, outcome)
            case Later():
                self._again(message, outcome.problem, outcome.after_ms)
            case Impossible():
                self._elsewhere(message, outcome.problem)

    def _say(self, message: OutboxMessage) -> Outcome:
        """As an edit or a reply where it is bound to something that Slack has, else as a message of its own."""
        place = _place(message)
        said = blocks.render(from_json(message.kind, message.content), self.engine.calendar)
        if message.detour:
            said = blocks.with_detour(said, message.detour, answered=place.kind == "answer")
        db = self.engine.store.read()
        edited = outbox.find(db, message.replaces) if message.replaces else None
        if edited and edited.sent_to and edited.sent_ts:
            return self.sender.edit(edited.sent_to, edited.sent_ts, said)
        bound_to = message.thread or message.replaces
        root = outbox.said_as(db, bound_to) if bound_to else None
        if root and root.sent_to and root.sent_ts:
            return self.sender.send(Place.channel(root.sent_to), said, thread_ts=root.sent_ts)
        return self.sender.send(place, said)

    def _elsewhere(self, message: OutboxMessage, problem: str) -> None:
        """On its own in the same place, else in the next place, else to the admins. Without any, it is tried again."""
        if message.thread or message.replaces:
            with self.engine.store.write() as tx:
                delivery.unbind(tx, message)
            return
        following = self._next_line(message)
        if following is None:
            log.warning("outbox message %s reached nobody: %s", message.id, problem)
            self._again(message, problem)
            return
        with self.engine.store.write() as tx:
            delivery.reroute(tx, message, to=following, detour=f"{message.line}: {problem}")

    def _next_line(self, message: OutboxMessage) -> str | None:
        """Where to say it when its line does not take it. What is for one person goes nowhere else."""
        last = () if message.user_id else (self.alerts_channel, outbox.ADMINS)
        places = (message.channel_id, message.response_url, message.user_id, *last)
        lines = list(dict.fromkeys(place for place in places if place))
        after = lines.index(message.line) + 1 if message.line in lines else 0
        return lines[after] if after < len(lines) else None

    def _tell_admins(self, message: OutboxMessage) -> None:
        admins = self.admins()
        if not admins:
            log.warning("outbox message %s reached nobody: there is no admin to tell", message.id)
            self._again(message, "there is no admin to tell")
            return
        with self.engine.store.write() as tx:
            delivery.hand_over(tx, message, admins, at=self.engine.clock())

    def _note_sent(self, message: OutboxMessage, sent: Sent) -> None:
        with self.engine.store.write() as tx:
            delivery.sent(tx, message, at=self.engine.clock(), to=sent.channel, ts=sent.ts)

    def _again(self, message: OutboxMessage, problem: str, after_ms: int | None = None) -> None:
        growing = min(FIRST_DELAY_MS * 2 ** min(message.tries, 20), LONGEST_DELAY_MS)
        due_at = self.engine.clock() + (growing if after_ms is None else after_ms)
        with self.engine.store.write() as tx:
            delivery.again(tx, message, due_at=due_at, problem=problem)

    def _give_up(self, message: OutboxMessage, problem: str) -> None:
        with self.engine.store.write() as tx:
            delivery.failed(tx, message, problem=problem)


def _place(message: OutboxMessage) -> Place:
    if message.line == message.response_url:
        return Place.answer(message.line)
    return Place.direct(message.line) if message.line == message.user_id else Place.channel(message.line)
