"""Jobs without a verdict for too long: which of them the admins were shown, and who chose to wait."""

from __future__ import annotations

from klingbot.domain.jobs import Job
from klingbot.store import jobs
from klingbot.store.backend.database import Database, Transaction

_DUE = f"""
    SELECT jobs.* FROM jobs LEFT JOIN stuck ON stuck.job_id = jobs.id
    WHERE state IN ('submitting', 'submitted') AND {jobs.LIVE} AND written_off_at IS NULL
      AND (posted_at <= :posted_before AND stuck.job_id IS NULL OR stuck.waiting_until <= :now)
    ORDER BY posted_at LIMIT :most"""


def due(db: Database, *, posted_before: int, now: int, most: int) -> list[Job]:
    """Return live jobs to show to the admins: posted before that instant and never shown, or waited for long enough."""
    rows = db.execute(_DUE, {"posted_before": posted_before, "now": now, "most": most}).fetchall()
    return [jobs.of_row(row) for row in rows]


def shown(tx: Transaction, job_id: str) -> int:
    """Notes that the admins are shown this job; how many times that makes."""
    row = tx.execute(
        """
        INSERT INTO stuck (job_id, times, waiting_until) VALUES (:id, 1, NULL)
        ON CONFLICT (job_id) DO UPDATE SET times = stuck.times + 1, waiting_until = NULL
        RETURNING times""",
        {"id": job_id},
    ).fetchone()
    return int(row["times"])


def was_shown(db: Database, job_id: str) -> bool:
    return db.execute("SELECT 1 FROM stuck WHERE job_id = :id", {"id": job_id}).fetchone() is not None


def wait_until(tx: Transaction, job_id: str, until: int) -> bool:
    """An admin chose to wait. False when the job was never shown."""
    sql = "UPDATE stuck SET waiting_until = :until WHERE job_id = :id RETURNING job_id"
    return tx.execute(sql, {"id": job_id, "until": until}).fetchone() is not None
