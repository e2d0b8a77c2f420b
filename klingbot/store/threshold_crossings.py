"""Which crossings of a budget have been announced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from klingbot.domain.budgets import Standing
from klingbot.store.backend.database import Database, Transaction


def announced(db: Database, standing: Standing) -> frozenset[str]:
    """The marks of this budget and period whose announcement stands."""
    return announced_of_each(db, [standing])[0]


def announced_of_each(db: Database, standings: Sequence[Standing]) -> list[frozenset[str]]:
    """The same for each of several, in one statement."""
    if not standings:
        return []
    keys = [(standing.budget.scope, standing.budget.kind.value, standing.period.start) for standing in standings]
    params: dict[str, Any] = {}
    for n, key in enumerate(keys):
        params[f"scope{n}"], params[f"kind{n}"], params[f"start{n}"] = key
    marks: dict[tuple[str, str, int], set[str]] = {key: set() for key in keys}
    for scope, kind, start, mark in db.execute(_announced(len(keys)), params).fetchall():
        marks[scope, kind, start].add(mark)
    return [frozenset(marks[key]) for key in keys]


@lru_cache
def _announced(number: int) -> str:
    wanted = ", ".join(f"(:scope{n}, :kind{n}, :start{n})" for n in range(number))
    # CROSS JOIN, because SQLite keeps to its order: a look-up for each key, and never a walk through all crossings.
    return f"""
        WITH wanted (scope, kind, start) AS (VALUES {wanted})
        SELECT wanted.scope, kind, start, mark FROM wanted CROSS JOIN crossings
        WHERE crossings.scope = wanted.scope AND period_kind = kind AND period_start = start AND standing = 1"""


def announce(tx: Transaction, standing: Standing, mark: str) -> int:
    """Notes that this crossing is announced. How often that happened in this period, or 0 when it stands already."""
    row = tx.execute(
        """
        INSERT INTO crossings (scope, period_kind, period_start, mark, standing, times)
        VALUES (:scope, :kind, :start, :mark, 1, 1)
        ON CONFLICT (scope, period_kind, period_start, mark)
          DO UPDATE SET standing = 1, times = crossings.times + 1 WHERE crossings.standing = 0
        RETURNING times""",
        _crossing(standing) | {"mark": mark},
    ).fetchone()
    return int(row["times"]) if row else 0


def rearm(tx: Transaction, standing: Standing, marks: Iterable[str]) -> None:
    """Lets these marks be announced again."""
    for mark in marks:
        sql = f"UPDATE crossings SET standing = 0 WHERE {_CROSSING} AND mark = :mark"
        tx.execute(sql, _crossing(standing) | {"mark": mark})


_CROSSING = "scope = :scope AND period_kind = :kind AND period_start = :start"


def _crossing(standing: Standing) -> dict[str, Any]:
    return {"scope": standing.budget.scope, "kind": standing.budget.kind, "start": standing.period.start}
