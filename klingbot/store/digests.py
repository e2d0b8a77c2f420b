"""Rows of `digests`: which are wanted, and which period each was told about last."""

from __future__ import annotations

from datetime import date
from typing import Any

from klingbot.domain.digest_schedules import Schedule
from klingbot.domain.periods import PeriodKind
from klingbot.store.backend.database import Database, Transaction

LEASE_MS = 90_000
"""How long a digest is its claimer's. Longer than figures, a chart and its upload take."""

_ROW = "scope = :scope AND period_kind = :kind AND channel_id = :channel_id"


def schedules(db: Database, scope: str | None = None) -> list[Schedule]:
    """All of them, or those of one scope."""
    only = "" if scope is None else "WHERE scope = :scope"
    sql = f"SELECT * FROM digests {only} ORDER BY scope, period_kind, channel_id"
    return [_schedule(row) for row in db.execute(sql, {"scope": scope}).fetchall()]


def find(db: Database, scope: str, kind: PeriodKind, channel_id: str | None) -> Schedule | None:
    keys = {"scope": scope, "kind": kind, "channel_id": channel_id or ""}
    row = db.execute(f"SELECT * FROM digests WHERE {_ROW}", keys).fetchone()
    return _schedule(row) if row else None


def put(tx: Transaction, schedule: Schedule, *, by: str) -> None:
    """Adds it, or moves the one that is there to another time. What that one was told about stays."""
    tx.execute(
        """
        INSERT INTO digests (scope, period_kind, channel_id, minute, since, told, set_by, set_at)
        VALUES (:scope, :kind, :channel_id, :minute, :since, :told, :by, :at)
        ON CONFLICT (scope, period_kind, channel_id) DO UPDATE SET
          minute = excluded.minute, set_by = excluded.set_by, set_at = excluded.set_at""",
        _keys(schedule)
        | {"minute": schedule.minute, "since": _iso(schedule.since), "told": _iso(schedule.told)}
        | {"by": by, "at": schedule.set_at},
    )


def remove(tx: Transaction, scope: str, channel_id: str | None, kind: PeriodKind | None = None) -> list[Schedule]:
    """Those of that scope, in one channel or everywhere, of one kind or of all. What was removed."""
    only = "" if channel_id is None else "AND channel_id = :channel_id"
    only += "" if kind is None else " AND period_kind = :kind"
    sql = f"DELETE FROM digests WHERE scope = :scope {only} RETURNING *"
    given = {"scope": scope, "channel_id": channel_id, "kind": kind}
    return [_schedule(row) for row in tx.execute(sql, given).fetchall()]


def claim(tx: Transaction, schedule: Schedule, *, now: int) -> bool:
    """Leases it to the caller. False while another has it, and when it was told or removed meanwhile.

    A lease that ends later than any lease can was taken by a clock that was ahead.
    """
    row = tx.execute(
        f"""
        UPDATE digests SET lease_until = :until WHERE {_ROW} AND told = :told
          AND (lease_until <= :now OR lease_until > :until) RETURNING scope""",
        _keys(schedule) | {"told": _iso(schedule.told), "now": now, "until": now + LEASE_MS},
    ).fetchone()
    return row is not None


def lease(tx: Transaction, schedule: Schedule, *, until: int) -> None:
    """Let the claimer's lease end at that instant; nothing changes once the digest was told."""
    tx.execute(
        f"UPDATE digests SET lease_until = :until WHERE {_ROW} AND told = :told",
        _keys(schedule) | {"told": _iso(schedule.told), "until": until},
    )


def tell(tx: Transaction, schedule: Schedule, told: date) -> bool:
    """Moves it on to `told`. False when another was first: then nothing may be said."""
    row = tx.execute(
        f"UPDATE digests SET told = :now_told, lease_until = 0 WHERE {_ROW} AND told = :told RETURNING scope",
        _keys(schedule) | {"told": _iso(schedule.told), "now_told": _iso(told)},
    ).fetchone()
    return row is not None


def _keys(schedule: Schedule) -> dict[str, Any]:
    return {"scope": schedule.scope, "kind": schedule.kind, "channel_id": schedule.channel_id or ""}


def _iso(day: date) -> str:
    return day.isoformat()


def _schedule(row: Any) -> Schedule:
    return Schedule(
        scope=row["scope"],
        kind=PeriodKind(row["period_kind"]),
        channel_id=row["channel_id"] or None,
        minute=row["minute"],
        since=date.fromisoformat(row["since"]),
        told=date.fromisoformat(row["told"]),
        set_at=row["set_at"],
    )
