"""What was spent in a span: by model, person, project and day, and the dearest videos. None of it reads beyond that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from klingbot.domain.budgets import WORKSPACE, Total
from klingbot.domain.digests import Dear
from klingbot.domain.money import Amount
from klingbot.store.backend.database import Database
from klingbot.store.ledger import ADDED, total_of


@dataclass(frozen=True, slots=True)
class Share:
    """One line of a breakdown: what one model, user, project or day made of a total."""

    name: str
    """The model, user id or project; for days the day's start in UTC epoch milliseconds."""
    jobs: int
    failed: int
    total: Total


_COUNTED = f"CAST(sum(jobs) AS BIGINT) AS jobs, CAST(sum(failed) AS BIGINT) AS failed, {ADDED}"
_BY = {"model": "model", "user": "user_id", "project": "project", "day": "day_start"}
_SPENDERS = ("user", "project", "model")
_BY_SPENDER = " UNION ALL ".join(
    f"SELECT '{by}' AS by, {_BY[by]} AS name, {_COUNTED} FROM spent GROUP BY {_BY[by]}" for by in _SPENDERS
)


def breakdown(db: Database, scope: str, start: int, end: int, by: str) -> list[Share]:
    """The jobs asked for within [start, end) by `model`, `user`, `project` or `day`, dearest first (days in order).

    Reads one row per day, user, project and model of the span: neither the jobs nor anything older.
    """
    column = _BY[by]
    only, name = only_of(scope)
    order = "1" if by == "day" else "sum(settled_microusd) + sum(held_microusd) DESC, 1"
    rows = db.execute(
        f"""
        SELECT {column} AS name, {_COUNTED}
        FROM daily_spend WHERE day_start >= :start AND day_start < :end {only}
        GROUP BY {column} ORDER BY {order}""",
        {"start": start, "end": end, "name": name},
    ).fetchall()
    return [_share(row) for row in rows]


def by_spender(db: Database, scope: str, start: int, end: int) -> dict[str, list[Share]]:
    """The breakdowns by `user`, `project` and `model` at once, for which the days are read and added up once."""
    only, name = only_of(scope)
    rows = db.execute(
        f"""
        WITH spent AS (
          SELECT user_id, project, model, {_COUNTED}
          FROM daily_spend WHERE day_start >= :start AND day_start < :end {only}
          GROUP BY user_id, project, model)
        SELECT * FROM ({_BY_SPENDER}) AS shares ORDER BY held_microusd + settled_microusd DESC, name""",
        {"start": start, "end": end, "name": name},
    ).fetchall()
    return {by: [_share(row) for row in rows if row["by"] == by] for by in _SPENDERS}


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
    only, name = only_of(scope)
    sql = f"""
        SELECT id, user_id, project, model, duration_seconds, resolution, audio, settled_millicredits, settled_microusd
        FROM jobs WHERE state = 'succeeded' {only} AND day_start = :day
        ORDER BY settled_microusd DESC LIMIT :most"""
    found = [row for day in days for row in db.execute(sql, {"day": day, "most": most, "name": name}).fetchall()]
    return [_dear(row) for row in nlargest(most, found, key=lambda row: row["settled_microusd"])]


def only_of(scope: str) -> tuple[str, str]:
    """What leaves only the scope's rows of a table with people and projects, and its `:name`; the workspace has all."""
    kind, _, name = scope.partition(":")
    return ("", "") if scope == WORKSPACE else (f"AND {'user_id' if kind == 'user' else 'project'} = :name", name)


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


def _share(row: Any) -> Share:
    return Share(str(row["name"]), row["jobs"], row["failed"], total_of(row))
