"""The quiet hours of channels."""

from __future__ import annotations

from typing import Any

from klingbot.domain.quiet_hours import QuietHours
from klingbot.store.backend.database import Database, Transaction


def get(db: Database, channel_id: str) -> QuietHours | None:
    row = db.execute("SELECT * FROM quiet_hours WHERE channel_id = :id", {"id": channel_id}).fetchone()
    return _hours(row) if row else None


def every(db: Database) -> list[QuietHours]:
    return [_hours(row) for row in db.execute("SELECT * FROM quiet_hours ORDER BY channel_id").fetchall()]


def put(tx: Transaction, hours: QuietHours, *, by: str, at: int) -> None:
    tx.execute(
        """
        INSERT INTO quiet_hours (channel_id, begin_minute, end_minute, over_passes, set_by, set_at)
        VALUES (:channel_id, :begin, :end, :over_passes, :by, :at)
        ON CONFLICT (channel_id) DO UPDATE SET
          begin_minute = excluded.begin_minute, end_minute = excluded.end_minute,
          over_passes = excluded.over_passes, set_by = excluded.set_by, set_at = excluded.set_at""",
        {
            "channel_id": hours.channel_id,
            "begin": hours.begin_minute,
            "end": hours.end_minute,
            "over_passes": int(hours.over_passes),
            "by": by,
            "at": at,
        },
    )


def remove(tx: Transaction, channel_id: str) -> bool:
    """False when there were none."""
    sql = "DELETE FROM quiet_hours WHERE channel_id = :id RETURNING channel_id"
    return tx.execute(sql, {"id": channel_id}).fetchone() is not None


def _hours(row: Any) -> QuietHours:
    return QuietHours(row["channel_id"], row["begin_minute"], row["end_minute"], bool(row["over_passes"]))
