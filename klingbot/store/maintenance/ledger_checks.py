"""Whether the ledger's file is sound: what `doctor` asks of it. Everything here reads all history."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.store.backend.database import Database


@dataclass(frozen=True, slots=True)
class Outbox:
    """Messages that still wait, and those that were given up."""

    waiting: int
    oldest_at: int | None
    """When the oldest of them was queued, in UTC epoch milliseconds."""
    failed: int


def strays(db: Database) -> tuple[list[str], list[str]]:
    """Ids of jobs that are live without a hold, and of jobs that have ended while their hold has not."""
    rows = db.execute("""
        SELECT id, live FROM (
          SELECT id, state IN ('held', 'submitting', 'submitted') AND written_off_at IS NULL AS live,
            EXISTS (SELECT 1 FROM entries WHERE job_id = jobs.id AND kind = 'hold')
            AND NOT EXISTS (SELECT 1 FROM entries WHERE job_id = jobs.id AND kind IN ('settle', 'release')) AS holding
          FROM jobs) AS judged
        WHERE live <> holding ORDER BY id""").fetchall()
    return [row["id"] for row in rows if row["live"]], [row["id"] for row in rows if not row["live"]]


def silent_jobs(db: Database, before: int) -> list[str]:
    """Ids of jobs that were posted to Kling before that instant and have had no verdict since; their holds stay."""
    sql = """
        SELECT id FROM jobs
        WHERE state IN ('submitting', 'submitted') AND written_off_at IS NULL AND posted_at < :before
        ORDER BY posted_at"""
    return [row["id"] for row in db.execute(sql, {"before": before}).fetchall()]


def outbox(db: Database) -> Outbox:
    row = db.execute("""
        SELECT count(CASE state WHEN 'waiting' THEN 1 END) AS waiting,
          min(CASE state WHEN 'waiting' THEN created_at END) AS oldest_at,
          count(CASE state WHEN 'failed' THEN 1 END) AS failed
        FROM outbox""").fetchone()
    return Outbox(row["waiting"], row["oldest_at"], row["failed"])
