"""What the one message about each job says by now, and where the job's clip is in Slack."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.store.backend.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class JobMessage:
    says: str
    """A mark of what it says: the same mark, the same words."""
    said_at: int
    clip: str | None
    """The clip's address in Slack."""


def key_of(job_id: str) -> str:
    """Its key in the outbox."""
    return f"job {job_id}"


def of(db: Database, job_id: str) -> JobMessage | None:
    row = db.execute("SELECT * FROM job_messages WHERE job_id = :id", {"id": job_id}).fetchone()
    return JobMessage(row["says"], row["said_at"], row["clip"]) if row else None


def say(tx: Transaction, job_id: str, says: str, *, at: int) -> int:
    """It says that from now on; how often it has said something else before."""
    row = tx.execute(
        """
        INSERT INTO job_messages (job_id, says, times, said_at) VALUES (:id, :says, 0, :at)
        ON CONFLICT (job_id) DO UPDATE
          SET says = excluded.says, times = job_messages.times + 1, said_at = excluded.said_at
        RETURNING times""",
        {"id": job_id, "says": says, "at": at},
    ).fetchone()
    return int(row["times"])


def link(tx: Transaction, job_id: str, clip: str) -> None:
    tx.execute("UPDATE job_messages SET clip = :clip WHERE job_id = :id", {"id": job_id, "clip": clip})
