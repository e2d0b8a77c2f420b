"""Outbox messages out to Slack: claim, render, send, note.

Delivery is at least once: a crash between Slack's answer and the note sends again. Transient trouble is tried again
with growing delay; where a place can never be reached, the message goes to the next one and says so. Nothing is
dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from klingbot import blocks
from klingbot.engine import Engine
from klingbot.outbox import Content, SubmittingResumed, SubmittingStopped, VideoReady, from_json
from klingbot.slack.sender import Later, Place, Sender, Sent
from klingbot.store import outbox
from klingbot.store.outbox import OutboxMessage

log = logging.getLogger(__name__)

LEASE_MS = 60_000
"""Longer than a call to Slack may take."""
FIRST_DELAY_MS, LONGEST_DELAY_MS = 1_000, 600_000


@dataclass(frozen=True, slots=True)
class Notifier:
    engine: Engine
    sender: Sender
    alerts_channel: str | None
    admins: Callable[[], Sequence[str]]
    """User ids of those who hear what no channel can be told. May ask Slack."""

    def deliver(self) -> None:
        """Sends the oldest waiting message of every place; called once a second, so each gets one a second at most."""
        for message in self._claim():
            try:
                content = from_json(message.kind, message.content)
            except (KeyError, TypeError, ValueError):
                log.exception("outbox message %s cannot be read", message.id)
                self._give_up(message)
                continue
            self._deliver(message, content)

    def _claim(self) -> list[OutboxMessage]:
        now = self.engine.clock()
        if not outbox.any_due(self.engine.store.read(), now):
            return []
        with self.engine.store.write() as tx:
            return outbox.claim(tx, now=now, lease_until=now + LEASE_MS, most=50)

    def _deliver(self, message: OutboxMessage, content: Content) -> None:
        said = blocks.render(content, self.engine.calendar)
        detour = message.detour
        for place in self._places(message, content):
            outcome = self.sender.send(place, blocks.with_detour(said, detour) if detour else said)
            if isinstance(outcome, Sent):
                self._note_sent(message, outcome)
                return
            if isinstance(outcome, Later):
                self._again(message, outcome.problem, outcome.after_ms)
                return
            detour = f"{place.address}: {outcome.problem}"
        self._nobody_left(message, detour)

    def _places(self, message: OutboxMessage, content: Content) -> list[Place]:
        """Where to say it, best first. What only admins should hear has none: it is handed over to each of them."""
        direct = [Place.direct(message.user_id)] if message.user_id else []
        channel = [Place.channel(message.channel_id)] if message.channel_id else []
        if isinstance(content, VideoReady):
            answer = [Place.answer(message.response_url)] if message.response_url else []
            return [*channel, *answer, *direct]
        if direct or isinstance(content, SubmittingStopped | SubmittingResumed):
            return direct
        default = [Place.channel(self.alerts_channel)] if self.alerts_channel else []
        return list(dict.fromkeys([*channel, *default]))

    def _nobody_left(self, message: OutboxMessage, detour: str | None) -> None:
        """No place took it: each admin is told in person. Without any, it stays and is tried again."""
        admins = [] if message.user_id else self.admins()
        if not admins:
            log.warning("outbox message %s reached nobody: %s", message.id, detour or "there is nobody to tell")
            self._again(message, detour or "there is nobody to tell", LONGEST_DELAY_MS)
            return
        with self.engine.store.write() as tx:
            outbox.hand_over(tx, message, admins, detour=detour, at=self.engine.clock())

    def _note_sent(self, message: OutboxMessage, sent: Sent) -> None:
        with self.engine.store.write() as tx:
            outbox.sent(tx, message.id, at=self.engine.clock(), to=sent.channel, ts=sent.ts)

    def _again(self, message: OutboxMessage, problem: str, after_ms: int | None) -> None:
        growing = min(FIRST_DELAY_MS * 2 ** min(message.tries - 1, 20), LONGEST_DELAY_MS)
        due_at = self.engine.clock() + (growing if after_ms is None else after_ms)
        with self.engine.store.write() as tx:
            outbox.again(tx, message.id, due_at=due_at, problem=problem)

    def _give_up(self, message: OutboxMessage) -> None:
        with self.engine.store.write() as tx:
            outbox.failed(tx, message.id, problem="it could not be read; see the log")
