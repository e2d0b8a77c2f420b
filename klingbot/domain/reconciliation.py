"""Kling's own bill beside the ledger: what differs, and what is left of the packs. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from klingbot.domain.jobs import LIVE, Job


class Difference(StrEnum):
    NO_JOB = "no job"
    """Charged for a task that no job has: somebody went round the bot."""
    OTHER_PRICE = "other price"
    """Charged and booked, at another price than was quoted: the price list is out of date."""
    NOT_BOOKED = "not booked"
    """Charged, but the ledger has another amount, or none."""
    NOT_BILLED = "not billed"
    """In the ledger, but nothing on the bill confirms it."""


@dataclass(frozen=True, slots=True)
class Billed:
    """What one task cost by Kling's bill, over all its rows."""

    task_id: str
    millicredits: int
    at: int
    model: str
    api_key_name: str


@dataclass(frozen=True, slots=True)
class BillFinding:
    """One job or task of which the bill and the ledger say different things. Amounts are milli-credits."""

    difference: Difference
    job_id: str | None
    task_id: str | None
    model: str
    api_key_name: str
    """At Kling; empty when unknown."""
    billed: int | None
    booked: int | None
    """What the ledger has; what was quoted, where the difference is the price."""
    at: int

    @property
    def key(self) -> str:
        return f"{self.difference} {self.task_id or self.job_id}"


@dataclass(frozen=True, slots=True)
class UnitPack:
    """A prepaid pack in force, in milli-credits, as Kling last told it."""

    id: str
    name: str
    total: int
    left: int
    ends_at: int


def judge(billed: Billed, job: Job | None) -> BillFinding | None:
    """What is wrong with a charge; None when nothing is, or when the job's verdict is not in yet."""
    if job is None:
        return _finding(Difference.NO_JOB, billed, None, None) if billed.millicredits else None
    if job.state in LIVE or not job.kling_units:
        return None
    booked = job.settled.millicredits if job.settled else 0
    if billed.millicredits != booked:
        return _finding(Difference.NOT_BOOKED, billed, job, booked)
    if booked and booked != job.quote.millicredits:
        return _finding(Difference.OTHER_PRICE, billed, job, job.quote.millicredits)
    return None


def not_billed(job: Job) -> BillFinding:
    """A job that was paid for by the ledger alone, such as one settled at its quote when Kling named no units."""
    booked = job.settled.millicredits if job.settled else 0
    at = job.finished_at or job.asked_at
    return BillFinding(Difference.NOT_BILLED, job.id, job.task_id, job.model, "", None, booked, at)


def _finding(difference: Difference, billed: Billed, job: Job | None, booked: int | None) -> BillFinding:
    model = job.model if job else billed.model
    job_id = job.id if job else None
    return BillFinding(
        difference, job_id, billed.task_id, model, billed.api_key_name, billed.millicredits, booked, billed.at
    )
