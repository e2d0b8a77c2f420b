"""Asking Kling what became of a job, and booking the answer. The dispatcher and waiting scripts share it.

Unknown stays unknown: only Kling's own word settles a hold or releases it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from klingbot.engine import Engine, verdicts
from klingbot.jobs import Job
from klingbot.kling import Action, KlingClient, LookUp, Rejected, Task, Unreachable

log = logging.getLogger(__name__)

LOST_REPLY_MS = 90_000
"""How long after a POST a task may still be on its way into Kling's own lists; above the client's timeouts."""
AGAIN_MS = 5_000
"""When to ask again after Kling could not be reached, or left a job out of its answer."""
SLOWEST_POLL_MS = 60_000
CHARGE_MS = 120_000
"""How long to ask what a finished video cost, before its quote is taken for it."""
WRITTEN_OFF_POLL_MS = 3_600_000
WRITTEN_OFF_MS = 30 * 86_400_000
"""How long a job that was written off is still asked about: Kling keeps results for 30 days (its docs)."""


@dataclass(frozen=True, slots=True)
class Inquiries:
    """Look-ups of jobs that Kling has or may have. Safe to repeat at any time, and in several processes at once."""

    engine: Engine
    kling: KlingClient
    poll_ms: int
    when_absent: Callable[[Engine, Job], object] = verdicts.held_again
    """What becomes of a job whose request, provably, never reached Kling."""

    def find(self, job: Job) -> None:
        """Looks up a job whose reply was lost: Kling has it, provably does not, or nobody knows."""
        outcome = self.kling.look_up(job.route or "", job_ids=[job.id])
        if not isinstance(outcome, LookUp):
            self._unanswered([job], outcome)
        elif task := outcome.tasks.get(job.id):
            found = verdicts.submitted(self.engine, job, task.task_id, due_at=self._in(self.poll_ms))
            self._verdict(found or job, task)
        elif job.id in outcome.absent:
            self._absent(job)
        else:
            verdicts.look_again(self.engine, job, due_at=self._in(AGAIN_MS))

    def ask(self, batch: Sequence[Job]) -> None:
        """Asks for the verdicts of jobs that Kling took, all at one route."""
        by_task = {job.task_id or "": job for job in batch}
        outcome = self.kling.look_up(batch[0].route or "", task_ids=list(by_task))
        if not isinstance(outcome, LookUp):
            self._unanswered(batch, outcome)
            return
        for task_id, job in by_task.items():
            if task := outcome.tasks.get(task_id):
                self._verdict(job, task)
            else:
                about = {"job": job.id, "task": task_id}
                log.warning("Kling says nothing of task %(task)s (job %(job)s); its hold stays", about)
                self._no_verdict(job)

    def _absent(self, job: Job) -> None:
        settles_at = (job.posted_at or 0) + LOST_REPLY_MS
        if self.engine.clock() < settles_at:  # too early to prove anything
            verdicts.look_again(self.engine, job, due_at=settles_at)
        elif job.written_off_at is not None:
            self._no_verdict(job)
        elif job.reason is not None:  # it was refused, and that was doubted
            verdicts.refused(self.engine, job, job.reason)
        else:
            log.info("job %(job)s is not at Kling", {"job": job.id})
            self.when_absent(self.engine, job)

    def _verdict(self, job: Job, task: Task) -> None:
        if task.status == "succeeded" and task.video_url:
            self._succeeded(job, task, task.video_url)
        elif task.status == "failed":
            verdicts.failed(self.engine, job, _why(task))
        else:
            self._no_verdict(job)

    def _succeeded(self, job: Job, task: Task, video_url: str) -> None:
        """Settles, though not at once where Kling has yet to name the deduction.

        A hold is settled once: an amount that is booked too early stays different from the bill. But a person waits for
        a video that is there, and the quote is Kling's own list price, so the wait has an end. A charge in cash never
        comes with units.
        """
        unnamed = job.kling_units and task.units is None and not task.cash
        if unnamed and (job.finished_at is None or self.engine.clock() < job.finished_at + CHARGE_MS):
            verdicts.uncharged(self.engine, job, due_at=self._in(self.poll_ms))
        else:
            verdicts.succeeded(self.engine, job, units=task.units, video_url=video_url)

    def _no_verdict(self, job: Job) -> None:
        """Kling answered, and it is no verdict: asked again, and for a job that was written off not for ever."""
        if job.written_off_at is not None and self.engine.clock() >= job.written_off_at + WRITTEN_OFF_MS:
            verdicts.given_up(self.engine, job)
        else:
            self._later(job)

    def _unanswered(self, batch: Sequence[Job], outcome: Rejected | Unreachable) -> None:
        """Nothing is known, so nothing is released; a refused account is said once."""
        if isinstance(outcome, Rejected) and outcome.action is Action.FREEZE:
            verdicts.stopped(self.engine, code=outcome.code, reason=outcome.plain)
        for job in batch:
            self._later(job)

    def _later(self, job: Job) -> None:
        age = self.engine.clock() - (job.submitted_at or job.posted_at or job.asked_at)
        wait = min(max(self.poll_ms, age // 8), max(self.poll_ms, SLOWEST_POLL_MS))
        rarely = max(wait, WRITTEN_OFF_POLL_MS)
        verdicts.look_again(self.engine, job, due_at=self._in(wait if job.written_off_at is None else rarely))

    def _in(self, wait_ms: int) -> int:
        return self.engine.clock() + wait_ms


def _why(task: Task) -> str:
    said = " ".join(task.message.split())
    return (
        f"Kling could not make this video: {said}" if said else "Kling could not make this video and did not say why."
    )
