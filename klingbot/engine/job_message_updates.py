"""The one message about each job: queued anew when the job has moved since its message was written.

It follows the job's row and no step that moved it. So whoever moved a job, and wherever they were killed, its message
comes to tell the truth; a hold costs nothing for it; and what happens within a few seconds is one edit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from klingbot.domain.jobs import LIVE, Job, JobState
from klingbot.domain.notifications import JobShown, Named, kind_of, to_json
from klingbot.engine.core import Engine, standings_with
from klingbot.store import Transaction, job_messages, jobs, ledger, outbox
from klingbot.store.job_messages import JobMessage

MOST_AT_ONCE = 20
EVERY_MS = 3_000
"""No message is edited more often while its job is under way."""
PLACE_MS = 500
"""For each job that waits before it, so much longer until its place in line is looked at again."""
EXACT = 10
"""Places in line from here on are told in tens: nobody counts them, and each costs an edit."""


def show(engine: Engine, names: Callable[[], Mapping[str, str]]) -> None:
    """Queues the messages that do not tell the truth any more. `names`: what people are called; it may ask Slack."""
    now = engine.clock()
    if not jobs.to_show(engine.store.read(), now, most=1):
        return
    called = names()
    with engine.store.write() as tx:
        for job in jobs.to_show(tx, now, most=MOST_AT_ONCE):
            jobs.show(tx, job.id, at=_Showing(tx, engine, called, now).show(job))


@dataclass(frozen=True, slots=True)
class _Showing:
    tx: Transaction
    engine: Engine
    names: Mapping[str, str]
    now: int

    def show(self, job: Job) -> int | None:
        """Queues what is new about it. When to look again; None: once it has moved."""
        known = job_messages.of(self.tx, job.id)
        if not self._is_read(job, known):
            return None
        if wait := self._wait(job, known):
            return self.now + wait
        content = self._content(job, known)
        says = _mark(content)
        if known is None or known.says != says:
            self._say(content, says)
        return self.now + EVERY_MS + PLACE_MS * content.ahead if job.state is JobState.HELD else None

    def _is_read(self, job: Job, known: JobMessage | None) -> bool:
        """Nobody wonders what became of a job that they never saw, and a place that took no message takes no edit."""
        if known is None:
            return job.state not in (JobState.FAILED, JobState.RELEASED)
        said = outbox.find(self.tx, job_messages.key_of(job.id))
        return said is not None and not said.is_nowhere

    def _wait(self, job: Job, known: JobMessage | None) -> int:
        """Return for how many milliseconds its message must wait.

        How a live job stands keeps nothing else in its channel waiting; how it ended may. What was written in the
        future, by a clock that was ahead, makes nothing wait.
        """
        if job.state not in LIVE:
            return 0
        if outbox.is_busy(self.tx, job.channel_id):
            return EVERY_MS
        since = self.now - known.said_at if known else EVERY_MS
        return EVERY_MS - since if 0 <= since < EVERY_MS else 0

    def _content(self, job: Job, known: JobMessage | None) -> JobShown:
        made, cancelled_by = job.state is JobState.SUCCEEDED, self._cancelled_by(job)
        people = [who for who in (job.user_id, cancelled_by) if who and who in self.names]
        return JobShown(
            job,
            ahead=_in_steps(jobs.ahead_of(self.tx, job)) if job.state is JobState.HELD else 0,
            cancelled_by=cancelled_by,
            clip=known.clip if known else None,
            standings=tuple(standings_with(self.tx, self.engine, job)) if made else (),
            names=tuple(Named(who, self.names[who]) for who in people),
        )

    def _cancelled_by(self, job: Job) -> str | None:
        """Whoever released its hold before it ran; None where that was Kling."""
        if job.state is not JobState.RELEASED:
            return None
        entries = ledger.entries_of(self.tx, job.id)
        return next((each.author for each in entries if each.kind == "release" and each.author != ledger.KLING), None)

    def _say(self, content: JobShown, says: str) -> None:
        job, key = content.job, job_messages.key_of(content.job.id)
        times = job_messages.say(self.tx, job.id, says, at=self.now)
        outbox.put(
            self.tx,
            f"{key} {times}" if times else key,
            kind_of(content),
            to_json(content),
            at=self.now,
            channel_id=job.channel_id,
            thread_ts=job.thread_ts,
            replaces=key if times else None,
        )


def _in_steps(ahead: int) -> int:
    return ahead if ahead < EXACT else ahead - ahead % EXACT


def _mark(content: JobShown) -> str:
    """Of all that the message is made of, what can change."""
    job = content.job
    given_up = "written off" if job.written_off_at is not None else ""
    set_aside = " set aside" if job.is_set_aside and job.state in LIVE else ""
    cancelling = " cancelling" if job.cancel_by is not None else ""
    again = "again" if job.tries else ""
    return f"{job.state} {content.ahead} {again} {given_up} {content.clip or ''}{set_aside}{cancelling}"
