"""Outbox messages out to Slack: claim, render, send, note.

Delivery is at least once: a crash between Slack's answer and the note sends again. Transient trouble is tried again
with growing delay; where a place can never be reached, the message goes to the next one and says so. Nothing is
dropped.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from klingbot import blocks
from klingbot.blocks.message import Message
from klingbot.common import deadlines
from klingbot.domain import retry_delays
from klingbot.domain.alert_history import AlertThread
from klingbot.domain.notifications import (
    ALERTS,
    AlertTest,
    BillDiffers,
    Content,
    JobShown,
    JobStuck,
    ModelRefused,
    PackEnding,
    PastProjects,
    RunsUnlimited,
    SubmittingResumed,
    SubmittingStopped,
    Unsound,
    WorkOverdue,
    from_json,
    is_urgent,
    kind_of_type,
)
from klingbot.domain.quiet_hours import quiet_until
from klingbot.engine import Engine, clips
from klingbot.engine import outbox as engine_outbox
from klingbot.slack.api.message_sender import Impossible, Later, Sender, Sent
from klingbot.store import NotKeptError, UncertainError, outbox, outbox_leases, quiet_channels
from klingbot.store.outbox import OutboxMessage
from klingbot.workers import alert_routing
from klingbot.workers.work_pool import WorkPool

log = logging.getLogger(__name__)

SAY_SECONDS = 20
"""How long all calls to Slack for one message may take together."""
NOTE_SECONDS = 12
"""How long to try to note that Slack has a message, while the database is away."""
LEASE_MS = 40_000
"""Longer than saying one message and noting it. A bot killed meanwhile holds its line up for so long."""
AT_ONCE = 8
HEAD_START_SECONDS = 0.5
"""Messages leave one after another, but one that takes longer than this is overtaken by those of other lines."""
NOTE_AGAIN_SECONDS = 0.2
BACKLOG_MS = 60_000
"""An alert that is older had to wait: for Slack, or for the end of quiet hours."""
MOST_TOGETHER = 30
ADMINS_ONLY = tuple(
    kind_of_type(content)
    for content in (
        SubmittingStopped,
        SubmittingResumed,
        ModelRefused,
        JobStuck,
        BillDiffers,
        PackEnding,
        Unsound,
        WorkOverdue,
        RunsUnlimited,
        PastProjects,
    )
)
ALERT_KINDS = tuple(kind_of_type(content) for content in ALERTS)
TEST = kind_of_type(AlertTest)
STORY, JOB = kind_of_type(AlertThread), kind_of_type(JobShown)


@dataclass(frozen=True, slots=True)
class Notifier:
    engine: Engine
    sender: Sender
    alerts_channel: str | None
    admins: Callable[[], Sequence[str]]
    """User ids of those who hear what no channel can be told. May ask Slack."""
    pool: WorkPool = field(default_factory=lambda: WorkPool("say", AT_ONCE, head_start=HEAD_START_SECONDS))
    _closing: threading.Event = field(default_factory=threading.Event)

    def deliver(self) -> None:
        """Send what is due. Each message is claimed only when its turn has come, and a slow one is overtaken."""
        self.pool.run(self._claim_next, self._deliver, self._closing)

    def close(self) -> None:
        """What is on its way to Slack is still noted; the rest waits for the next start."""
        self._closing.set()

    def finish(self) -> None:
        """Wait for what is on its way to Slack."""
        self.pool.finish()

    def _claim_next(self, room: int) -> list[list[OutboxMessage]]:
        claimed = self._claim()
        return [claimed] if claimed else []

    def _claim(self) -> list[OutboxMessage]:
        """A message, and the alerts right behind it if it is an alert and had to wait."""
        now = self.engine.clock()
        if not outbox_leases.any_due(self.engine.store.read(), now):
            return []
        with self.engine.store.write() as tx:
            outbox_leases.route(tx, default=self.alerts_channel, admins_only=ADMINS_ONLY)
            first = outbox_leases.claim(tx, now=now, lease_until=now + LEASE_MS)
            if first is None:
                return []
            if first.kind not in ALERT_KINDS or first.replaces or now - first.created_at < BACKLOG_MS:
                return [first]
            return [first, *outbox_leases.claim_behind(tx, first, kinds=ALERT_KINDS, most=MOST_TOGETHER, now=now)]

    def _deliver(self, claimed: list[OutboxMessage]) -> None:
        first = claimed[0]
        if first.line.startswith(outbox.QUIET):
            self._wake(first)
        elif clips.waits(first):
            self._let_go(first)
        elif first.line == outbox.ADMINS:
            self._tell_admins(first)
        elif ready := [(each, said) for each in claimed if (said := self._ready(each))]:
            self._send(ready)

    def _ready(self, message: OutboxMessage) -> Message | None:
        """What it says; None where that cannot be told, or must not be now."""
        try:
            content = from_json(message.kind, message.content)
            said = blocks.render(content, self.engine.calendar)
        except Exception as e:
            log.exception("outbox message %s cannot be rendered", message.id)
            self._give_up(message, _broken(e))
            return None
        if until := self._quiet_until(message, content):
            with self.engine.store.write() as tx:
                outbox_leases.hold(tx, message, until=until)
            return None
        if not message.detour:
            return said
        return blocks.with_detour(said, message.detour, answered=message.line == message.response_url)

    def _quiet_until(self, message: OutboxMessage, content: Content) -> int | None:
        """An edit disturbs nobody, and is never held."""
        if message.kind not in ALERT_KINDS or message.replaces:
            return None
        hours = quiet_channels.get(self.engine.store.read(), message.line)
        if hours is None or (hours.over_passes and is_urgent(content)):
            return None
        return quiet_until(hours, self.engine.calendar, self.engine.clock())

    def _wake(self, message: OutboxMessage) -> None:
        with self.engine.store.write() as tx:
            outbox_leases.wake(tx, message.line.removeprefix(outbox.QUIET), at=self.engine.clock())

    def _let_go(self, message: OutboxMessage) -> None:
        try:
            with self.engine.store.write() as tx:
                clips.let_go(self.engine, tx, message)
        except (KeyError, ValueError, TypeError) as e:
            log.exception("outbox message %s cannot be read", message.id)
            self._give_up(message, _broken(e))

    def _send(self, ready: list[tuple[OutboxMessage, Message]]) -> None:
        """Says the first with those behind it that go along, and notes what became of them."""
        (first, said), fitting = ready[0], 1
        if len(ready) > 1:
            said, fitting = blocks.together([(each.created_at, part) for each, part in ready], self.engine.calendar)
        sent, late = [each for each, _ in ready[:fitting]], [each for each, _ in ready[fitting:]]
        self._release(late)
        try:
            with deadlines.within(SAY_SECONDS):
                outcome = alert_routing.say(self.engine.store.read(), self.sender, sent, said)
        except Exception as e:
            log.exception("outbox message %s cannot be sent", first.id)
            for each in sent:
                self._give_up(each, _broken(e))
            return
        match outcome:
            case Sent():
                self._note_sent(sent, outcome)
            case Later():
                self._later(first, outcome)
                self._release(sent[1:])
            case Impossible(message=True):
                log.error("outbox message %s is none that Slack takes: %s", first.id, outcome.problem)
                for each in sent:
                    self._give_up(each, outcome.problem)
            case Impossible():
                for each in sent:
                    self._elsewhere(each, outcome.problem)

    def _elsewhere(self, message: OutboxMessage, problem: str) -> None:
        """On its own in the same place, else in the next place, else to the admins. Without any, it is tried again."""
        if message.replaces and message.kind in (STORY, JOB):  # what is new in it is said in its thread
            self._drop(message, problem)
            return
        if message.thread or message.thread_ts or message.replaces:
            with self.engine.store.write() as tx:
                outbox_leases.unbind(tx, message)
            return
        if message.kind == JOB:  # the announcement of its video finds another way
            self._drop(message, problem)
            return
        following = alert_routing.next_line(message, self.alerts_channel)
        if following is None:
            self._nowhere(message, problem)
            return
        with self.engine.store.write() as tx:
            outbox_leases.reroute(tx, message, to=following, detour=f"{message.line}: {problem}")

    def _nowhere(self, message: OutboxMessage, problem: str) -> None:
        """An admin who cannot be told is left out where others are told; else it waits until somebody can be."""
        if outbox_leases.is_copy(message) and set(self.admins()) - {message.user_id}:
            log.warning("outbox message %s was given up for %s: %s", message.id, message.user_id, problem)
            self._give_up(message, problem)
            return
        log.warning("outbox message %s reached nobody: %s", message.id, problem)
        self._no_place(message, problem)

    def _drop(self, message: OutboxMessage, problem: str) -> None:
        with self.engine.store.write() as tx:
            outbox_leases.dropped(tx, message, at=self.engine.clock(), problem=problem)

    def _tell_admins(self, message: OutboxMessage) -> None:
        admins = self.admins()
        if not admins:
            log.warning("outbox message %s reached nobody: there is no admin to tell", message.id)
            self._no_place(message, "there is no admin to tell")
            return
        with self.engine.store.write() as tx:
            outbox_leases.hand_over(tx, message, admins, at=self.engine.clock())

    def _note_sent(self, messages: list[OutboxMessage], sent: Sent) -> None:
        """Note it, and try again for some time: what is said and not noted is said again when the lease ends."""
        latest = time.monotonic() + NOTE_SECONDS
        while True:
            try:
                self._note_once(messages, sent)
                return
            except (NotKeptError, UncertainError) as e:
                if time.monotonic() > latest or self._closing.wait(NOTE_AGAIN_SECONDS):
                    raise
                log.warning("outbox message %s is said and could not be noted yet: %s", messages[0].id, e)

    def _note_once(self, messages: list[OutboxMessage], sent: Sent) -> None:
        first, *others = messages
        with self.engine.store.write() as tx:
            outbox_leases.sent(tx, first, at=self.engine.clock(), to=sent.channel, ts=sent.ts, others=others)
            if sent.permalink:
                clips.shared(self.engine, tx, first, sent.permalink)
            if first.kind == TEST:
                engine_outbox.test_arrived(self.engine, tx, first, in_channel=sent.channel)

    def _release(self, messages: list[OutboxMessage]) -> None:
        if messages:
            with self.engine.store.write() as tx:
                for each in messages:
                    outbox_leases.release(tx, each)

    def _later(self, message: OutboxMessage, later: Later) -> None:
        """Try again when Slack wishes, else after a pause. A limit that Slack names lengthens no later pause."""
        pause = retry_delays.after_passing_trouble(message.tries) if later.after_ms is None else later.after_ms
        self._again(message, later.problem, pause, failed=not later.is_limit)

    def _no_place(self, message: OutboxMessage, problem: str) -> None:
        self._again(message, problem, retry_delays.after_no_place(message.tries), failed=True)

    def _again(self, message: OutboxMessage, problem: str, pause_ms: int, *, failed: bool) -> None:
        due_at = self.engine.clock() + pause_ms
        with self.engine.store.write() as tx:
            outbox_leases.again(tx, message, due_at=due_at, problem=problem, failed=failed)

    def _give_up(self, message: OutboxMessage, problem: str) -> None:
        with self.engine.store.write() as tx:
            outbox_leases.failed(tx, message, problem=problem)


def _broken(error: Exception) -> str:
    return f"{type(error).__name__} on our side; the log has more"
