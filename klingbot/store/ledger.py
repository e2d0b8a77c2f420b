"""Entries, and the totals that are kept with them in the same transaction.

Each job counts in nine totals: user, project and workspace, by day, week and month. They are touched in one fixed
order, the row that all share last, so that writers on PostgreSQL could not deadlock either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from klingbot.domain.budgets import Total, scopes_of
from klingbot.domain.jobs import Job
from klingbot.domain.money import NOTHING, Amount
from klingbot.domain.periods import Period
from klingbot.store.backend.database import Database, Transaction

KLING = "kling"
"""The author of entries that book Kling's own verdict."""

_NINE = ", ".join(
    f"(:{scope}, '{kind}', :{start}, :held_millicredits, :held_microusd, :settled_millicredits, :settled_microusd)"
    for scope in ("user_scope", "project_scope", "workspace_scope")
    for kind, start in (("daily", "day_start"), ("weekly", "week_start"), ("monthly", "month_start"))
)
AMOUNTS = ("held_millicredits", "held_microusd", "settled_millicredits", "settled_microusd")
ADDED = ", ".join(f"CAST(sum({amount}) AS BIGINT) AS {amount}" for amount in AMOUNTS)
INTO_TOTALS = (
    "INSERT INTO totals (scope, period_kind, period_start,"
    " held_millicredits, held_microusd, settled_millicredits, settled_microusd)"
)
# Two statements, because SQLite checks `held >= 0` on the row to be inserted before it sees that the row exists.
_HOLD = f"""
    {INTO_TOTALS} VALUES {_NINE}
    ON CONFLICT (scope, period_kind, period_start) DO UPDATE SET
      held_millicredits = totals.held_millicredits + excluded.held_millicredits,
      held_microusd = totals.held_microusd + excluded.held_microusd"""
_END = f"""
    {INTO_TOTALS} VALUES {_NINE}
    ON CONFLICT (scope, period_kind, period_start) DO UPDATE SET
      held_millicredits = totals.held_millicredits - :ended_millicredits,
      held_microusd = totals.held_microusd - :ended_microusd,
      settled_millicredits = totals.settled_millicredits + excluded.settled_millicredits,
      settled_microusd = totals.settled_microusd + excluded.settled_microusd"""
_SPEND = """
    INSERT INTO daily_spend (day_start, user_id, project, model, jobs, failed,
      held_millicredits, held_microusd, settled_millicredits, settled_microusd)
    VALUES (:day_start, :user_id, :project, :model, :jobs, :failed,
      :held_millicredits, :held_microusd, :settled_millicredits, :settled_microusd)
    ON CONFLICT (day_start, user_id, project, model) DO UPDATE SET
      jobs = daily_spend.jobs + excluded.jobs,
      failed = daily_spend.failed + excluded.failed,
      held_millicredits = daily_spend.held_millicredits + excluded.held_millicredits,
      held_microusd = daily_spend.held_microusd + excluded.held_microusd,
      settled_millicredits = daily_spend.settled_millicredits + excluded.settled_millicredits,
      settled_microusd = daily_spend.settled_microusd + excluded.settled_microusd"""
_ENTRY = """
    INSERT INTO entries (job_id, kind, held_millicredits, held_microusd, settled_millicredits, settled_microusd,
      author, reason, at)
    VALUES (:job_id, :kind, :held_millicredits, :held_microusd, :settled_millicredits, :settled_microusd,
      :author, :reason, :at)"""


def hold(tx: Transaction, job: Job) -> None:
    """Reserves the job's quote. Whether budgets allow it is for the caller to see, before the commit."""
    entry = {"kind": "hold", "author": job.user_id, "reason": None, "at": job.asked_at, "jobs": 1, "failed": 0}
    row = _row(job, held=job.quote, settled=NOTHING) | entry
    for statement in (_HOLD, _SPEND, _ENTRY):
        tx.execute(statement, row)


def settle(
    tx: Transaction, job: Job, actual: Amount, *, at: int, reason: str | None = None, author: str = KLING
) -> None:
    """Replaces the hold by what Kling charged, in the periods the job was asked for in."""
    _end(tx, job, {"kind": "settle", "author": author, "reason": reason, "at": at}, actual=actual, failed=0)


def release(tx: Transaction, job: Job, *, at: int, reason: str, author: str = KLING) -> None:
    """Gives the hold back: nothing was charged."""
    _end(tx, job, {"kind": "release", "author": author, "reason": reason, "at": at}, actual=NOTHING, failed=1)


def correct(tx: Transaction, job: Job, charged: Amount, *, at: int, reason: str, author: str = KLING) -> None:
    """Books what Kling charged after all for a job that was written off. Its hold has ended: only the charge moves."""
    row = _row(job, held=NOTHING, settled=charged)
    tx.execute(_END, row | {"ended_millicredits": 0, "ended_microusd": 0})
    tx.execute(_SPEND, row | {"jobs": 0, "failed": -1})
    tx.execute(_ENTRY, row | {"kind": "correction", "author": author, "reason": reason, "at": at})


def _end(tx: Transaction, job: Job, entry: dict[str, Any], *, actual: Amount, failed: int) -> None:
    ended = {"ended_millicredits": job.quote.millicredits, "ended_microusd": job.quote.microusd}
    tx.execute(_END, _row(job, held=NOTHING, settled=actual) | ended)
    row = _row(job, held=-job.quote, settled=actual)
    tx.execute(_SPEND, row | {"jobs": 0, "failed": failed})
    tx.execute(_ENTRY, row | entry)


def _row(job: Job, *, held: Amount, settled: Amount) -> dict[str, Any]:
    user, project, workspace = scopes_of(job.user_id, job.project)
    return {
        "job_id": job.id,
        "user_id": job.user_id,
        "project": job.project,
        "model": job.model,
        "user_scope": user,
        "project_scope": project,
        "workspace_scope": workspace,
        "day_start": job.day_start,
        "week_start": job.week_start,
        "month_start": job.month_start,
        "held_millicredits": held.millicredits,
        "held_microusd": held.microusd,
        "settled_millicredits": settled.millicredits,
        "settled_microusd": settled.microusd,
    }


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to a job's money: what it changed in what is held and settled, by whom and why."""

    kind: str
    held: Amount
    settled: Amount
    author: str
    reason: str | None
    at: int


# Each kind has its own index, as a job has at most one entry of most kinds.
_OF_JOB = " UNION ALL ".join(
    f"SELECT * FROM entries WHERE job_id = :id AND {which}"
    for which in ("kind = 'hold'", "kind IN ('settle', 'release')", "kind = 'correction'")
)


def entries_of(db: Database, job_id: str) -> list[Entry]:
    """A job's entries, oldest first."""
    return [
        Entry(
            row["kind"],
            Amount(row["held_millicredits"], row["held_microusd"]),
            Amount(row["settled_millicredits"], row["settled_microusd"]),
            row["author"],
            row["reason"],
            row["at"],
        )
        for row in db.execute(f"{_OF_JOB} ORDER BY id", {"id": job_id}).fetchall()
    ]


def total_of(row: Any) -> Total:
    """The totals of a row that a LEFT JOIN may have left empty."""
    if row["held_millicredits"] is None:
        return Total()
    return Total(
        Amount(row["held_millicredits"], row["held_microusd"]),
        Amount(row["settled_millicredits"], row["settled_microusd"]),
    )


def total(db: Database, scope: str, period: Period) -> Total:
    row = db.execute(
        "SELECT * FROM totals WHERE scope = :scope AND period_kind = :kind AND period_start = :start",
        {"scope": scope, "kind": period.kind, "start": period.start},
    ).fetchone()
    return total_of(row) if row else Total()
