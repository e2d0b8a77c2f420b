"""How many jobs were refused for want of budget, by day, person and project: one row each."""

from __future__ import annotations

from klingbot.domain.digests import Refused
from klingbot.domain.jobs import Job
from klingbot.domain.money import Amount
from klingbot.store.backend.database import Database, Transaction
from klingbot.store.daily_spend import only_of


def count(tx: Transaction, job: Job) -> None:
    """One more, of this job that was not held."""
    tx.execute(
        """
        INSERT INTO refusals (day_start, user_id, project, jobs, millicredits, microusd)
        VALUES (:day_start, :user_id, :project, 1, :millicredits, :microusd)
        ON CONFLICT (day_start, user_id, project) DO UPDATE SET
          jobs = refusals.jobs + 1,
          millicredits = refusals.millicredits + excluded.millicredits,
          microusd = refusals.microusd + excluded.microusd""",
        {
            "day_start": job.day_start,
            "user_id": job.user_id,
            "project": job.project,
            "millicredits": job.quote.millicredits,
            "microusd": job.quote.microusd,
        },
    )


def within(db: Database, scope: str, start: int, end: int) -> Refused:
    """Those of the days that start within [start, end)."""
    only, name = only_of(scope)
    row = db.execute(
        f"""
        SELECT CAST(coalesce(sum(jobs), 0) AS BIGINT) AS jobs,
          CAST(coalesce(sum(millicredits), 0) AS BIGINT) AS millicredits,
          CAST(coalesce(sum(microusd), 0) AS BIGINT) AS microusd
        FROM refusals WHERE day_start >= :start AND day_start < :end {only}""",
        {"start": start, "end": end, "name": name},
    ).fetchone()
    return Refused(row["jobs"], Amount(row["millicredits"], row["microusd"]))
