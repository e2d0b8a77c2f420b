"""Asking Kling what became of a job, and booking the answer. The submitter and waiting scripts share it.

Unknown stays unknown: only Kling's own word settles a hold or releases it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from klingbot.common.clean_text import one_line
from klingbot.domain.jobs import FAILURES_ENOUGH, Job
from klingbot.engine import Engine, kling_results
from klingbot.engine.kling_results import TaskTakenError
from klingbot.kling import Action, KlingClient, LookUp, Rejected, Task, Unreachable
from klingbot.kling.task_json import NO_ID
from klingbot.store import DatabaseError

log = logging.getLogger(__name__)

LOST_REPLY_MS = 90_000
"""How long after a POST a task may still be on its way into Kling's own lists; above the deadline of a create."""
AGAIN_MS = 5_000
"""When to ask again after Kling could not be reached, or left a job out of its answer."""
SLOWEST_POLL_MS = 60_000
CHARGE_MS = 120_000
"""How long to ask what a finished video cost, before its quote is taken for it."""
LINK_MS = 300_000
"""How long to ask where a finished video is, before its charge is booked without a link."""
SET_ASIDE_POLL_MS = 600_000
WRITTEN_OFF_POLL_MS = 3_600_000
WRITTEN_OFF_MS = 30 * 86_400_000
"""How long a job that was written off is still asked about: Kling keeps results for 30 days (its docs)."""
_LONGEST_PROBLEM = 200


@dataclass(frozen=True, slots=True)
class KlingPoller:
    """Look-ups of jobs that Kling has or may have. Safe to repeat at any time, and in several processes at once."""

    engine: Engine
    kling: KlingClient
    poll_ms: int
    when_absent: Callable[[Engine, Job], object] = kling_results.held_again
    """What becomes of a job whose request, provably, never reached Kling."""

    def find(self, job: Job) -> None:
        """Look up a job whose reply was lost: Kling has it, provably does not, or nobody knows."""
        asked_at = self.engine.clock()
        outcome = self.kling.look_up(job.route or "", job_ids=[job.id])
        if isinstance(outcome, LookUp):
            self._apart(job, lambda: self._found(job, outcome, asked_at))
        else:
            self._unanswered([job], outcome)

    def ask(self, batch: Sequence[Job]) -> None:
        """Ask for the verdicts of jobs that Kling took, all at one route. What goes wrong with one stays with it."""
        outcome = self.kling.look_up(batch[0].route or "", task_ids=[job.task_id or "" for job in batch])
        if not isinstance(outcome, LookUp):
            self._unanswered(batch, outcome)
            return
        for job in batch:
            self._apart(job, partial(self._answered, job, outcome))

    def _apart(self, job: Job, book: Callable[[], None]) -> None:
        """Book what Kling says about one job; a failure is noted with that job, and no other hears of it."""
        try:
            book()
        except DatabaseError as error:  # it is away or busy, which says nothing about the job
            log.warning("what Kling says about job %s could not be noted and is asked for again: %s", job.id, error)
        except TaskTakenError as error:
            self._failed(job, str(error))
        except Exception as error:
            log.exception("what Kling says about job %s could not be booked", job.id)
            what = one_line(f"{type(error).__name__}: {error}", _LONGEST_PROBLEM)
            self._failed(job, f"Klingbot could not book what Kling says about it ({what})")

    def _found(self, job: Job, outcome: LookUp, asked_at: int) -> None:
        if task := outcome.tasks.get(job.id):
            found = None
            if task.task_id != NO_ID:
                found = kling_results.submitted(self.engine, job, task.task_id, due_at=self._in(self.poll_ms))
            self._verdict(found or job, task)
        elif job.id in outcome.absent:
            self._absent(job, asked_at)
        elif problem := outcome.unclear.get(job.id):
            self._failed(job, problem)
        else:
            kling_results.look_again(self.engine, job, due_at=self._in(AGAIN_MS), answered=False)

    def _answered(self, job: Job, outcome: LookUp) -> None:
        task_id = job.task_id or ""
        if task := outcome.tasks.get(task_id):
            if task.task_id == task_id:
                self._verdict(job, task)
            else:
                self._failed(job, "Kling answers about another task than the one it is asked about")
        elif problem := outcome.unclear.get(task_id):
            self._failed(job, problem)
        else:
            about = {"job": job.id, "task": task_id}
            log.warning("Kling says nothing of task %(task)s (job %(job)s); its hold stays", about)
            self._no_verdict(job)

    def _absent(self, job: Job, asked_at: int) -> None:
        """Book that Kling did not have the job at `asked_at`."""
        settles_at = (job.posted_at or 0) + LOST_REPLY_MS
        if asked_at < settles_at:  # too early to prove anything
            kling_results.look_again(self.engine, job, due_at=settles_at)
        elif job.written_off_at is not None or job.is_set_aside:
            self._no_verdict(job)
        elif job.reason is not None:  # it was refused, and that was doubted
            kling_results.refused(self.engine, job, job.reason)
        else:
            log.info("job %(job)s is not at Kling", {"job": job.id})
            self.when_absent(self.engine, job)

    def _verdict(self, job: Job, task: Task) -> None:
        if task.job_id not in (None, NO_ID, job.id):
            self._failed(job, f"Kling says that its task {task.task_id} is that of another job")
        elif task.problem:
            # A status that ends a task is final, so what it cost will not become possible either.
            self._failed(job, task.problem, hopeless=task.status in ("succeeded", "failed"))
        elif task.status == "succeeded":
            self._succeeded(job, task)
        elif task.status == "failed":
            kling_results.failed(self.engine, job, _why(task))
        else:
            self._no_verdict(job, sound=True)

    def _succeeded(self, job: Job, task: Task) -> None:
        """Settle, though not at once where Kling has yet to name the deduction, or the video's address.

        A hold is settled once: an amount that is booked too early stays different from the bill. But a person waits for
        a video that is there, and the quote is Kling's own list price, so the wait has an end. A charge in cash never
        comes with units. A video without an address was made and charged all the same.
        """
        unnamed = job.kling_units and task.units is None and not task.cash
        wait_ms = max(CHARGE_MS if unnamed else 0, 0 if task.video_url else LINK_MS)
        if wait_ms and (job.finished_at is None or self.engine.clock() < job.finished_at + wait_ms):
            kling_results.uncharged(self.engine, job, due_at=self._in(self.poll_ms))
        else:
            kling_results.succeeded(self.engine, job, units=task.units, video_url=task.video_url)

    def _no_verdict(self, job: Job, *, sound: bool = False) -> None:
        """Ask again later, though not for ever about a job that was written off. `sound`: Kling's answer made sense."""
        if job.written_off_at is not None and self.engine.clock() >= job.written_off_at + WRITTEN_OFF_MS:
            kling_results.given_up(self.engine, job)
        elif sound and job.failures:
            kling_results.running(self.engine, job, due_at=self._in(self._wait(replace(job, failures=0))))
        else:
            self._later(job, answered=sound)

    def _failed(self, job: Job, problem: str, *, hopeless: bool = False) -> None:
        """Note that what Kling says about a job cannot be booked, and ask again: it may be put right."""
        if job.written_off_at is not None and self.engine.clock() >= job.written_off_at + WRITTEN_OFF_MS:
            kling_results.given_up(self.engine, job)
            return
        log.error("job %(job)s: %(problem)s", {"job": job.id, "problem": problem})
        next_time = FAILURES_ENOUGH if hopeless else job.failures + 1
        due_at = self._in(self._wait(replace(job, failures=next_time)))
        try:
            kling_results.unbookable(self.engine, job, problem, due_at=due_at, hopeless=hopeless)
        except DatabaseError as error:
            log.warning("that could not be noted either (%s): job %s comes up again", error, job.id)

    def _unanswered(self, batch: Sequence[Job], outcome: Rejected | Unreachable) -> None:
        """Nothing is known, so nothing is released; a refused account is said once."""
        if isinstance(outcome, Rejected) and outcome.action is Action.FREEZE:
            kling_results.stopped(self.engine, code=outcome.code, reason=outcome.plain)
        for job in batch:
            self._apart(job, partial(self._later, job, answered=False))

    def _later(self, job: Job, *, answered: bool) -> None:
        kling_results.look_again(self.engine, job, due_at=self._in(self._wait(job)), answered=answered)

    def _wait(self, job: Job) -> int:
        """Return how long until a job is asked about again: the longer, the longer it has been with Kling."""
        age = self.engine.clock() - (job.submitted_at or job.posted_at or job.asked_at)
        wait = min(max(self.poll_ms, age // 8), max(self.poll_ms, SLOWEST_POLL_MS))
        if job.written_off_at is not None:
            return max(wait, WRITTEN_OFF_POLL_MS)
        return max(wait, SET_ASIDE_POLL_MS) if job.is_set_aside else wait

    def _in(self, wait_ms: int) -> int:
        return self.engine.clock() + wait_ms


def _why(task: Task) -> str:
    said = " ".join(task.message.split())
    return (
        f"Kling could not make this video: {said}" if said else "Kling could not make this video and did not say why."
    )
