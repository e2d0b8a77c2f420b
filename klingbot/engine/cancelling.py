"""Cancelling a job while it waits."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.engine import alerting
from klingbot.engine.core import Engine, standings_with
from klingbot.jobs import Job, JobState
from klingbot.store import jobs, ledger


@dataclass(frozen=True, slots=True)
class Cancelled:
    job: Job


@dataclass(frozen=True, slots=True)
class NoSuchJob:
    pass


@dataclass(frozen=True, slots=True)
class NotYours:
    job: Job


@dataclass(frozen=True, slots=True)
class MayBeAtKling:
    """It waits to be posted again after a lost reply: releasing it now might hide a charge."""

    job: Job


@dataclass(frozen=True, slots=True)
class TooLate:
    """Kling has it already, or it has ended; `job.state` says which."""

    job: Job


CancelOutcome = Cancelled | NoSuchJob | NotYours | MayBeAtKling | TooLate


def cancel(engine: Engine, job_id: str, *, user_id: str, is_admin: bool) -> CancelOutcome:
    """Releases a job that still waits. Kling itself has no cancel."""
    now = engine.clock()
    with engine.store.write() as tx:
        job = jobs.get(tx, job_id)
        if job is None:
            return NoSuchJob()
        if job.user_id != user_id and not is_admin:
            return NotYours(job)
        if job.state is JobState.HELD and job.tries:
            return MayBeAtKling(job)
        reason = f"cancelled by {user_id}"
        released = jobs.move(
            tx, job_id, [JobState.HELD], state=JobState.RELEASED, finished_at=now, response_url=None, reason=reason
        )
        if released is None:
            return TooLate(job)
        ledger.release(tx, released, at=now, reason=reason, author=user_id)
        alerting.note_crossings(tx, standings_with(tx, engine, released), now)
        return Cancelled(released)
