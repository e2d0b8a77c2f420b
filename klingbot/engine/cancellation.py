"""Cancelling a job before Kling has started it."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.jobs import Job, JobState
from klingbot.engine import alerts
from klingbot.engine.core import Engine, standings_with
from klingbot.store import Transaction, job_messages, jobs, ledger, outbox


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A job whose hold was given back."""

    job: Job


@dataclass(frozen=True, slots=True)
class NoSuchJob:
    """An id that no job has."""


@dataclass(frozen=True, slots=True)
class NotYours:
    """A job of somebody else, asked for by a person who is not an admin."""

    job: Job


@dataclass(frozen=True, slots=True)
class MayBeAtKling:
    """A job that is being sent, or whose reply was lost. It is cancelled once Kling proves not to have it."""

    job: Job
    asked_before_by: str | None = None
    """Another person who had asked for that already, and who hears how it ends."""


@dataclass(frozen=True, slots=True)
class TooLate:
    """A job that Kling has, or that has ended; `job.state` says which."""

    job: Job


CancelOutcome = Cancelled | NoSuchJob | NotYours | MayBeAtKling | TooLate


def cancel(
    engine: Engine, job_id: str, *, user_id: str, is_admin: bool, response_url: str | None = None
) -> CancelOutcome:
    """Release a job that waits, or note that it is to be released if Kling does not take it.

    Kling itself has no cancel. In the second case the person hears how it ended, through the `response_url` if it
    still works by then.
    """
    with engine.store.write() as tx:
        job = jobs.get(tx, job_id)
        if job is None:
            return NoSuchJob()
        if job.user_id != user_id and not is_admin:
            return NotYours(job)
        if wanted := jobs.want_cancelled(tx, job_id, by=user_id, response_url=response_url):
            return MayBeAtKling(wanted, wanted.cancel_by if wanted.cancel_by != user_id else None)
        released = _release(tx, engine, job, [JobState.HELD], by=user_id)
        return Cancelled(released) if released else TooLate(job)


def carry_out(tx: Transaction, engine: Engine, job: Job) -> Job | None:
    """Release a job that somebody wanted cancelled, now that Kling provably does not have it; tell who must know."""
    assert job.cancel_by is not None
    released = _release(tx, engine, job, [JobState.SUBMITTING], by=job.cancel_by)
    if released is None:
        return None
    if job.cancel_by != job.user_id:
        alerts.job_failed(tx, released, engine.clock())
    if not _has_message(tx, job):  # else that message says so
        _tell(tx, engine, released, job, too_late=False)
    return released


def too_late(tx: Transaction, engine: Engine, job: Job, taken: Job) -> None:
    """Tell the person who wanted that job cancelled, if anybody did, that Kling has taken it. `job`: as it was."""
    if job.cancel_by is not None and job.written_off_at is None:
        _tell(tx, engine, taken, job, too_late=True)


def _release(tx: Transaction, engine: Engine, job: Job, states: list[JobState], *, by: str) -> Job | None:
    now, reason = engine.clock(), f"cancelled by {by}"
    released = jobs.move(
        tx,
        job.id,
        states,
        state=JobState.RELEASED,
        finished_at=now,
        response_url=None,
        reason=reason,
        cancel_by=None,
        cancel_response_url=None,
    )
    if released is not None:
        ledger.release(tx, released, at=now, reason=reason, author=by)
        alerts.note_crossings(tx, standings_with(tx, engine, released), now)
    return released


def _tell(tx: Transaction, engine: Engine, now: Job, before: Job, *, too_late: bool) -> None:
    assert before.cancel_by is not None
    url = before.cancel_response_url
    alerts.cancel_ended(tx, now, engine.clock(), by=before.cancel_by, response_url=url, too_late=too_late)


def _has_message(tx: Transaction, job: Job) -> bool:
    """Return whether a message in the job's channel tells everybody how the job stands."""
    said = outbox.find(tx, job_messages.key_of(job.id)) if job_messages.of(tx, job.id) else None
    return said is not None and not said.is_nowhere
