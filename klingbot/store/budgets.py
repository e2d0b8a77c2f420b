"""Budgets, and how they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, overload

from klingbot.budgets import Budget, Standing, Total
from klingbot.money import Amount
from klingbot.periods import Period, PeriodKind, Periods
from klingbot.store.database import Database, Transaction
from klingbot.store.ledger import total_of

_COLUMNS = """budgets.scope, budgets.period_kind, channel_id, approvers, forecast, spike, thresholds,
      limit_millicredits, limit_microusd"""
_DAY = "CASE budgets.period_kind WHEN 'daily' THEN :day WHEN 'weekly' THEN :week ELSE :month END"


def _select(if_granted: str = "1 = 1") -> str:
    """Each budget beside its grants and its total. Without `if_granted` nobody looks for grants."""

    def granted(amount: str) -> str:
        return f"""
      CASE WHEN {if_granted} THEN coalesce((
        SELECT CAST(sum({amount}) AS BIGINT) FROM grants
        WHERE grants.scope = budgets.scope AND grants.period_kind = budgets.period_kind AND end_day > {_DAY}
          AND first_day <= {_DAY}), 0) ELSE 0 END"""

    # Read by position, `_standing` after `_budget`: by name a hold's nine rows would take three times as long.
    return f"""
    SELECT {_COLUMNS}, {granted("millicredits")}, {granted("microusd")},
      held_millicredits, held_microusd, settled_millicredits, settled_microusd
    FROM budgets LEFT JOIN totals
      ON totals.scope = budgets.scope AND totals.period_kind = budgets.period_kind AND totals.period_start =
        CASE budgets.period_kind WHEN 'daily' THEN :daily WHEN 'weekly' THEN :weekly ELSE :monthly END"""


_STANDINGS = _select()
_THREE = "IN (:first, :second, :third)"
# As a rule nothing is granted: one look for all nine budgets, where otherwise each would take two.
_STANDINGS_OF = f"""{_select(f"EXISTS (SELECT 1 FROM grants WHERE grants.scope {_THREE} AND end_day > :earliest)")}
    WHERE budgets.scope {_THREE} ORDER BY budgets.scope, budgets.period_kind"""
_NUMBERS = 6
"""The place in a row from which on stands what `_notable` needs."""


@dataclass(frozen=True, slots=True)
class Standings(Sequence[Standing]):
    """How some budgets stand: the rows that say so, each made into a `Standing` when it is looked at.

    A hold reads nine of them, and as a rule wants to know only that none has anything to say.
    """

    rows: tuple[tuple[Any, ...], ...]
    periods: Periods

    def notable(self) -> list[Standing]:
        """Those that have reached a threshold or their limit: only of them is there anything to refuse or announce."""
        return [_standing(row, self.periods) for row in self.rows if _notable(row)]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Standing]:
        return (_standing(row, self.periods) for row in self.rows)

    @overload
    def __getitem__(self, index: int) -> Standing: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Standing]: ...
    def __getitem__(self, index: int | slice) -> Standing | Sequence[Standing]:
        if isinstance(index, slice):
            return Standings(self.rows[index], self.periods)
        return _standing(self.rows[index], self.periods)


def standings_of(db: Database, scopes: tuple[str, str, str], periods: Periods) -> Standings:
    """How every budget stands that a job of these scopes touches."""
    first, second, third = scopes
    starts = _starts(periods)
    earliest = min(starts["day"], starts["week"], starts["month"])
    named = {"first": first, "second": second, "third": third, "earliest": earliest}
    rows = db.execute(_STANDINGS_OF, starts | named).fetchall()
    return Standings(tuple(map(tuple, rows)), periods)


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


def _notable(row: Any) -> bool:
    """In whole numbers, as `Budget.raised` and `marks` have it."""
    thresholds, credits, usd, more_credits, more_usd, held, held_usd, settled, settled_usd = row[_NUMBERS:]
    if held is None:  # there is no total yet
        return False
    first = _first(thresholds)
    return (credits is not None and (held + settled) * 100 >= (credits + more_credits) * first) or (
        usd is not None and (held_usd + settled_usd) * 100 >= (usd + more_usd) * first
    )


@lru_cache
def _first(thresholds: str) -> int:
    """The lowest of these percentages, or 100."""
    return min([100, *(int(threshold) for threshold in thresholds.split(",") if threshold)])


@lru_cache(maxsize=1024)
def _budget(
    scope: str,
    kind: str,
    channel_id: str | None,
    approvers: str,
    forecast: int,
    spike: int,
    thresholds: str,
    limit_millicredits: int | None,
    limit_microusd: int | None,
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
