"""Everything about one job, for whoever asked for it and for admins."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.budgets import Standing
from klingbot.domain.jobs import Job
from klingbot.engine.cancellation import NoSuchJob, NotYours
from klingbot.engine.core import Engine, standings_with
from klingbot.store import job_messages, jobs, ledger
from klingbot.store.ledger import Entry


@dataclass(frozen=True, slots=True)
class Details:
    job: Job
    entries: tuple[Entry, ...]
    """What happened to its money, oldest first."""
    standings: tuple[Standing, ...]
    """The budgets it counts for, as they stand."""
    clip: str | None
    """The address of its clip in Slack."""


def details(engine: Engine, job_id: str, *, user_id: str, is_admin: bool) -> Details | NoSuchJob | NotYours:
    with engine.store.view() as db:
        job = jobs.get(db, job_id)
        if job is None:
            return NoSuchJob()
        if job.user_id != user_id and not is_admin:
            return NotYours(job)
        shown = job_messages.of(db, job_id)
        entries, standings = ledger.entries_of(db, job_id), standings_with(db, engine, job)
        return Details(job, tuple(entries), tuple(standings), shown.clip if shown else None)
