"""Stuck jobs: Kling has said nothing about them that can be booked. Admins keep waiting, or write them off."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.jobs import Job, JobState
from klingbot.domain.notifications import JobStuck
from klingbot.engine import alerts
from klingbot.engine.cancellation import NoSuchJob
from klingbot.engine.core import Engine, standings_with
from klingbot.store import Database, Transaction, jobs, ledger, stuck_marks

MOST_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """Its hold was given back. Kling is still asked; what it charges after all is booked."""

    job: Job


@dataclass(frozen=True, slots=True)
class StillWaiting:
    """An admin chose to wait; `until` (UTC epoch milliseconds) is when the admins are asked again."""

    job: Job
    until: int


@dataclass(frozen=True, slots=True)
class NotStuck:
    """It has a verdict, never reached Kling, was written off before, or Kling has not had it for long."""

    job: Job


def show_stuck(engine: Engine, *, after_ms: int) -> None:
    """Shows the admins, once, each job that was posted that long ago and has no verdict."""
    now = engine.clock()
    span = {"posted_before": now - after_ms, "now": now, "most": MOST_AT_ONCE}
    if not stuck_marks.due(engine.store.read(), **span):
        return
    with engine.store.write() as tx:
        for job in stuck_marks.due(tx, **span):
            show(tx, job, at=now)


def show(tx: Transaction, job: Job, *, at: int) -> None:
    """Show a job to the admins, with the reason where Kling's answers about it cannot be booked."""
    times = stuck_marks.shown(tx, job.id)
    problem = job.problem if job.is_set_aside else None
    alerts.to_admins(tx, f"stuck {job.id} {times}", JobStuck(job, problem), at)


def look(engine: Engine, job_id: str) -> Job | NoSuchJob | NotStuck:
    """The job, if it is one that can be written off now."""
    return _stuck(engine.store.read(), job_id)


def keep_waiting(engine: Engine, job_id: str, *, after_ms: int) -> StillWaiting | NoSuchJob | NotStuck:
    """Asks the admins again once that much more time has passed."""
    until = engine.clock() + after_ms
    with engine.store.write() as tx:
        job = _stuck(tx, job_id)
        if not isinstance(job, Job):
            return job
        stuck_marks.wait_until(tx, job_id, until)
        return StillWaiting(job, until)


def write_off(engine: Engine, job_id: str, *, by: str, reason: str) -> WrittenOff | NoSuchJob | NotStuck:
    """Gives the hold back by that admin's decision, and tells the requester. Not a verdict: Kling is still asked.

    Only what the admins were shown as stuck: a hold that is given back early would make room for a second video
    while Kling still makes, and charges, the first.
    """
    now = engine.clock()
    with engine.store.write() as tx:
        job = _stuck(tx, job_id)
        if not isinstance(job, Job):
            return job
        done = jobs.move(tx, job_id, [job.state], written_off_at=now)
        assert done is not None  # it was read in this transaction
        ledger.release(tx, done, at=now, reason=f"written off: {reason}", author=by)
        alerts.note_crossings(tx, standings_with(tx, engine, done), now)
        alerts.job_written_off(tx, done, reason, now)
        return WrittenOff(done)


def _stuck(db: Database, job_id: str) -> Job | NoSuchJob | NotStuck:
    job = jobs.get(db, job_id)
    if job is None:
        return NoSuchJob()
    at_kling = job.state in (JobState.SUBMITTING, JobState.SUBMITTED) and job.written_off_at is None
    return job if at_kling and stuck_marks.was_shown(db, job_id) else NotStuck(job)
