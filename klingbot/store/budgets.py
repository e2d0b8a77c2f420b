"""Budgets, how they stand, and which of their crossings have been announced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from klingbot.budgets import Budget, Standing, Total
from klingbot.money import Amount
from klingbot.periods import Period, PeriodKind, Periods
from klingbot.store.database import Database, Transaction
from klingbot.store.ledger import total_of

_COLUMNS = """budgets.scope, budgets.period_kind, limit_millicredits, limit_microusd, thresholds, channel_id, approvers,
      forecast, spike"""
_GRANTED = """
      coalesce((
        SELECT CAST(sum({amount}) AS BIGINT) FROM grants
        WHERE grants.scope = budgets.scope AND grants.period_kind = budgets.period_kind AND end_day > {day}
          AND first_day <= {day}), 0)"""
_DAY = "CASE budgets.period_kind WHEN 'daily' THEN :day WHEN 'weekly' THEN :week ELSE :month END"
# Read by position, `_standing` after `_budget`: a hold reads nine of these rows, and by name takes three times as long.
_STANDINGS = f"""
    SELECT {_COLUMNS}, {_GRANTED.format(amount="millicredits", day=_DAY)},
      {_GRANTED.format(amount="microusd", day=_DAY)},
      held_millicredits, held_microusd, settled_millicredits, settled_microusd
    FROM budgets LEFT JOIN totals
      ON totals.scope = budgets.scope AND totals.period_kind = budgets.period_kind AND totals.period_start =
        CASE budgets.period_kind WHEN 'daily' THEN :daily WHEN 'weekly' THEN :weekly ELSE :monthly END"""


def standings_of(db: Database, scopes: tuple[str, str, str], periods: Periods) -> list[Standing]:
    """How every budget stands that a job of these scopes touches."""
    first, second, third = scopes
    sql = f"{_STANDINGS} WHERE budgets.scope IN (:first, :second, :third) ORDER BY budgets.scope, budgets.period_kind"
    rows = db.execute(sql, _starts(periods) | {"first": first, "second": second, "third": third}).fetchall()
    return [_standing(row, periods) for row in rows]


def standings(db: Database, periods: Periods) -> list[Standing]:
    """How every budget stands: the workspace's first, then projects, then people, by name."""
    rows = db.execute(f"{_STANDINGS} ORDER BY budgets.scope", _starts(periods)).fetchall()
    kinds = list(PeriodKind)
    ranks = {"workspace": 0, "project": 1, "user": 2}
    found = [_standing(row, periods) for row in rows]
    return sorted(
        found, key=lambda s: (ranks[s.budget.scope.split(":")[0]], s.budget.scope, kinds.index(s.budget.kind))
    )


def standings_in(db: Database, period: Period) -> list[Standing]:
    """How every budget of that kind stands in that period, also in one that is over."""
    alike = Periods(period, period, period)
    sql = f"{_STANDINGS} WHERE budgets.period_kind = :kind ORDER BY budgets.scope"
    rows = db.execute(sql, _starts(alike) | {"kind": period.kind}).fetchall()
    return [_standing(row, alike) for row in rows]


def recent_days(db: Database, since: int) -> dict[str, dict[int, Amount]]:
    """What each scope committed on the days that began at `since` or later, by the day's start.

    Only scopes with a budget that wants forecasts or hears of spikes.
    """
    rows = db.execute(
        """
        SELECT scope, period_start, held_millicredits, held_microusd, settled_millicredits, settled_microusd
        FROM totals WHERE period_kind = 'daily' AND period_start >= :since
          AND scope IN (SELECT scope FROM budgets WHERE period_kind <> 'daily' AND (forecast = 1 OR spike = 1))""",
        {"since": since},
    ).fetchall()
    days: dict[str, dict[int, Amount]] = {}
    for row in rows:
        days.setdefault(row["scope"], {})[row["period_start"]] = total_of(row).committed
    return days


def get(db: Database, scope: str, kind: PeriodKind) -> Budget | None:
    sql = f"SELECT {_COLUMNS} FROM budgets WHERE scope = :scope AND period_kind = :kind"
    row = db.execute(sql, {"scope": scope, "kind": kind}).fetchone()
    return _budget(*row) if row else None


def put(tx: Transaction, budget: Budget, *, by: str, at: int) -> None:
    """Sets the budget, replacing the one of the same scope and period kind. Totals are not touched."""
    tx.execute(
        """
        INSERT INTO budgets
          (scope, period_kind, limit_millicredits, limit_microusd, thresholds, channel_id, approvers, forecast, spike,
           set_by, set_at)
        VALUES (:scope, :kind, :limit_millicredits, :limit_microusd, :thresholds, :channel_id, :approvers, :forecast,
          :spike, :by, :at)
        ON CONFLICT (scope, period_kind) DO UPDATE SET
          limit_millicredits = excluded.limit_millicredits, limit_microusd = excluded.limit_microusd,
          thresholds = excluded.thresholds, channel_id = excluded.channel_id, approvers = excluded.approvers,
          forecast = excluded.forecast, spike = excluded.spike,
          set_by = excluded.set_by, set_at = excluded.set_at""",
        {
            "scope": budget.scope,
            "kind": budget.kind,
            "limit_millicredits": budget.limit_millicredits,
            "limit_microusd": budget.limit_microusd,
            "thresholds": ",".join(map(str, budget.thresholds)),
            "channel_id": budget.channel_id,
            "approvers": " ".join(budget.approvers),
            "forecast": int(budget.forecast),
            "spike": int(budget.spike),
            "by": by,
            "at": at,
        },
    )


def remove(tx: Transaction, scope: str, kind: PeriodKind) -> bool:
    """False when there was no such budget."""
    keys = {"scope": scope, "kind": kind}
    tx.execute("UPDATE crossings SET standing = 0 WHERE scope = :scope AND period_kind = :kind", keys)
    sql = "DELETE FROM budgets WHERE scope = :scope AND period_kind = :kind RETURNING scope"
    return tx.execute(sql, keys).fetchone() is not None


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


def _starts(periods: Periods) -> dict[str, Any]:
    return {
        "daily": periods.daily.start,
        "weekly": periods.weekly.start,
        "monthly": periods.monthly.start,
        "day": periods.daily.first_day.isoformat(),
        "week": periods.weekly.first_day.isoformat(),
        "month": periods.monthly.first_day.isoformat(),
    }


def _standing(row: Any, periods: Periods) -> Standing:
    *budget, held_millicredits, held_microusd, settled_millicredits, settled_microusd = row
    total = Total()
    if held_millicredits is not None:  # the join found one
        total = Total(Amount(held_millicredits, held_microusd), Amount(settled_millicredits, settled_microusd))
    raised = _budget(*budget)
    return Standing(raised, periods.of(raised.kind), total)


@lru_cache(maxsize=1024)
def _budget(
    scope: str,
    kind: str,
    limit_millicredits: int | None,
    limit_microusd: int | None,
    thresholds: str,
    channel_id: str | None,
    approvers: str,
    forecast: int,
    spike: int,
    granted_millicredits: int = 0,
    granted_microusd: int = 0,
) -> Budget:
    """The budget of those columns, raised by its grants. Budgets seldom change, so the same one is handed out again."""
    budget = Budget(
        scope=scope,
        kind=PeriodKind(kind),
        limit_millicredits=limit_millicredits,
        limit_microusd=limit_microusd,
        thresholds=tuple(int(threshold) for threshold in thresholds.split(",") if threshold),
        channel_id=channel_id,
        approvers=tuple(approvers.split()),
        forecast=bool(forecast),
        spike=bool(spike),
    )
    return budget.raised(Amount(granted_millicredits, granted_microusd))
