"""What was spent day by day, and the dearest videos: figures of digests. None of it reads beyond its span."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nlargest
from typing import Any

from klingbot.budgets import WORKSPACE, Total
from klingbot.digests import Dear
from klingbot.money import Amount
from klingbot.store.database import Database
from klingbot.store.ledger import total_of


def by_day(db: Database, scope: str, start: int, end: int) -> dict[int, Total]:
    """The totals of the days that start within [start, end), by their start. A day without any is left out."""
    rows = db.execute(
        """
        SELECT * FROM totals
        WHERE scope = :scope AND period_kind = 'daily' AND period_start >= :start AND period_start < :end""",
        {"scope": scope, "start": start, "end": end},
    ).fetchall()
    return {row["period_start"]: total_of(row) for row in rows}


def dearest(db: Database, scope: str, days: Iterable[int], most: int) -> list[Dear]:
    """The videos that cost most, of the days that start at these instants.

    Of each day the index hands over its dearest and no more, so a day with many jobs costs what a quiet one does.
    """
    column, name = _column(scope)
    only = f"AND {column} = :name" if column else ""
    sql = f"""
        SELECT id, user_id, project, model, duration_seconds, resolution, audio, settled_millicredits, settled_microusd
        FROM jobs WHERE state = 'succeeded' {only} AND day_start = :day
        ORDER BY settled_microusd DESC LIMIT :most"""
    found = [row for day in days for row in db.execute(sql, {"day": day, "most": most, "name": name}).fetchall()]
    return [_dear(row) for row in nlargest(most, found, key=lambda row: row["settled_microusd"])]


def _column(scope: str) -> tuple[str | None, str]:
    """The column that holds the scope's name; none for the workspace."""
    kind, _, name = scope.partition(":")
    return (None, "") if scope == WORKSPACE else ("user_id" if kind == "user" else "project", name)


def _dear(row: Any) -> Dear:
    return Dear(
        job_id=row["id"],
        user_id=row["user_id"],
        project=row["project"],
        model=row["model"],
        duration_seconds=row["duration_seconds"],
        resolution=row["resolution"],
        audio=bool(row["audio"]),
        amount=Amount(row["settled_millicredits"], row["settled_microusd"]),
    )
