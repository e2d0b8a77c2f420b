"""Budgets, and how they stand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from klingbot.domain.budgets import Budget, Removal, Standing, Total
from klingbot.domain.money import Amount
from klingbot.domain.periods import Period, PeriodKind, Periods
from klingbot.store.backend.database import Database, Transaction
from klingbot.store.ledger import total_of

_COLUMNS = """budgets.scope, budgets.period_kind, channel_id, approvers, forecast, spike, thresholds,
      limit_millicredits, limit_microusd, generation"""
# Read by position, which takes a third of the time that it takes by name.
_BUDGET, _SUMS = slice(0, 10), slice(10, 16)
_DAY = "CASE budgets.period_kind WHEN 'daily' THEN :day WHEN 'weekly' THEN :week ELSE :month END"


def _granted(amount: str) -> str:
    return f"""coalesce((
        SELECT CAST(sum({amount}) AS BIGINT) FROM grants
        WHERE grants.scope = budgets.scope AND grants.period_kind = budgets.period_kind AND end_day > {_DAY}
          AND first_day <= {_DAY}), 0)"""


def _select(millicredits: str, microusd: str) -> str:
    """Each budget beside what grants add to it and its total."""
    return f"""
    SELECT {_COLUMNS}, {millicredits} AS more_millicredits, {microusd} AS more_microusd,
      held_millicredits, held_microusd, settled_millicredits, settled_microusd, alerts_from
    FROM budgets LEFT JOIN totals
      ON totals.scope = budgets.scope AND totals.period_kind = budgets.period_kind AND totals.period_start =
        CASE budgets.period_kind WHEN 'daily' THEN :daily WHEN 'weekly' THEN :weekly ELSE :monthly END"""


_STANDINGS = _select(_granted("millicredits"), _granted("microusd"))
_OF_THREE = "WHERE budgets.scope IN (:first, :second, :third)"
_STANDINGS_OF = f"{_STANDINGS} {_OF_THREE} ORDER BY budgets.scope, budgets.period_kind"


def _fullest_first(standings: str) -> str:
    """Notable ones before all others. How full each is, is reckoned as `Budget.raised` and `Standing.permille` do."""
    return f"""
    SELECT * FROM (
      SELECT *, CASE WHEN in_credits > in_usd THEN in_credits ELSE in_usd END AS permille FROM (
        SELECT *,
          coalesce((held_millicredits + settled_millicredits) * 1000 / (limit_millicredits + more_millicredits), 0)
            AS in_credits,
          coalesce((held_microusd + settled_microusd) * 1000 / (limit_microusd + more_microusd), 0) AS in_usd
        FROM ({standings} {_OF_THREE}) AS standing) AS reckoned) AS fullness
    ORDER BY permille >= alerts_from * 10 DESC, permille DESC, scope, period_kind"""


_FULLEST_OF = _fullest_first(_STANDINGS)
_FULLEST_UNGRANTED = _fullest_first(_select("0", "0"))


@dataclass(frozen=True, slots=True)
class Fullest:
    """Of the budgets that a hold touches, those that somebody may have to hear of."""

    notable: list[Standing]
    """Those that have reached a threshold or their limit: only of them is there anything to refuse or announce."""
    tightest: Standing | None
    """The fullest of all."""


def fullest_of(db: Database, scopes: tuple[str, str, str], periods: Periods, *, granted: bool) -> Fullest:
    """How those stand that a hold has to look at: as a rule one, where all that it touches may be nine.

    Not `granted`: no grant is in force, so nobody looks for those of each budget.
    """
    rows = db.execute(_FULLEST_OF if granted else _FULLEST_UNGRANTED, _starts(periods) | _named(scopes))
    notable: list[Standing] = []
    tightest: Standing | None = None
    while (row := rows.fetchone()) is not None:
        standing = _standing(row, periods)
        if tightest is None or standing.permille > tightest.permille:
            tightest = standing
        if row["permille"] < row["alerts_from"] * 10:
            break
        notable.append(standing)
    return Fullest(notable, tightest)


def standings_of(db: Database, scopes: tuple[str, str, str], periods: Periods) -> list[Standing]:
    """How every budget stands that a job of these scopes touches."""
    rows = db.execute(_STANDINGS_OF, _starts(periods) | _named(scopes)).fetchall()
    return [_standing(row, periods) for row in rows]


def standings(db: Database, periods: Periods) -> list[Standing]:
    """How every budget stands: the workspace's first, then projects, then people, by name."""
    rows = db.execute(_STANDINGS, _starts(periods)).fetchall()
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
          (scope, period_kind, limit_millicredits, limit_microusd, thresholds, alerts_from, channel_id, approvers,
           forecast, spike, generation, set_by, set_at)
        VALUES (:scope, :kind, :limit_millicredits, :limit_microusd, :thresholds, :alerts_from, :channel_id, :approvers,
          :forecast, :spike, :generation, :by, :at)
        ON CONFLICT (scope, period_kind) DO UPDATE SET
          limit_millicredits = excluded.limit_millicredits, limit_microusd = excluded.limit_microusd,
          thresholds = excluded.thresholds, alerts_from = excluded.alerts_from,
          channel_id = excluded.channel_id, approvers = excluded.approvers,
          forecast = excluded.forecast, spike = excluded.spike, set_by = excluded.set_by, set_at = excluded.set_at""",
        {
            "scope": budget.scope,
            "kind": budget.kind,
            "limit_millicredits": budget.limit_millicredits,
            "limit_microusd": budget.limit_microusd,
            "thresholds": ",".join(map(str, budget.thresholds)),
            "alerts_from": budget.alerts_from,
            "channel_id": budget.channel_id,
            "approvers": " ".join(budget.approvers),
            "forecast": int(budget.forecast),
            "spike": int(budget.spike),
            "generation": budget.generation,
            "by": by,
            "at": at,
        },
    )


def remove(tx: Transaction, scope: str, kind: PeriodKind, *, by: str, at: int) -> None:
    """Remove the budget with what was granted for it, and forget what was announced of it."""
    keys = {"scope": scope, "kind": kind}
    tx.execute("DELETE FROM grants WHERE scope = :scope AND period_kind = :kind", keys)
    tx.execute("UPDATE crossings SET standing = 0 WHERE scope = :scope AND period_kind = :kind", keys)
    tx.execute("DELETE FROM budgets WHERE scope = :scope AND period_kind = :kind", keys)
    tx.execute(
        """
        INSERT INTO budget_removals (scope, period_kind, times, removed_by, removed_at)
        VALUES (:scope, :kind, 1, :by, :at)
        ON CONFLICT (scope, period_kind) DO UPDATE SET
          times = budget_removals.times + 1, removed_by = excluded.removed_by, removed_at = excluded.removed_at""",
        keys | {"by": by, "at": at},
    )


def last_removal(db: Database, scope: str, kind: PeriodKind) -> Removal | None:
    """Return the last removal of a budget of this scope and period kind."""
    sql = "SELECT * FROM budget_removals WHERE scope = :scope AND period_kind = :kind"
    row = db.execute(sql, {"scope": scope, "kind": kind}).fetchone()
    return Removal(row["times"], row["removed_by"], row["removed_at"]) if row else None


def is_same(db: Database, budget: Budget) -> bool:
    """Return whether that budget is still there: neither removed, nor replaced by a new one."""
    now = get(db, budget.scope, budget.kind)
    return now is not None and now.generation == budget.generation


def _starts(periods: Periods) -> dict[str, Any]:
    return {
        "daily": periods.daily.start,
        "weekly": periods.weekly.start,
        "monthly": periods.monthly.start,
        "day": periods.daily.first_day.isoformat(),
        "week": periods.weekly.first_day.isoformat(),
        "month": periods.monthly.first_day.isoformat(),
    }


def _named(scopes: tuple[str, str, str]) -> dict[str, Any]:
    return dict(zip(("first", "second", "third"), scopes, strict=True))


def _standing(row: Any, periods: Periods) -> Standing:
    more_millicredits, more_microusd, held_millicredits, held_microusd, *settled = row[_SUMS]
    total = Total()
    if held_millicredits is not None:  # the join found one
        total = Total(Amount(held_millicredits, held_microusd), Amount(*settled))
    budget = _budget(*row[_BUDGET]).raised(Amount(more_millicredits, more_microusd))
    return Standing(budget, periods.of(budget.kind), total)


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
    generation: int,
) -> Budget:
    """The budget of those columns. Budgets seldom change, so the same one is handed out again."""
    return Budget(
        scope=scope,
        kind=PeriodKind(kind),
        limit_millicredits=limit_millicredits,
        limit_microusd=limit_microusd,
        thresholds=tuple(int(threshold) for threshold in thresholds.split(",") if threshold),
        channel_id=channel_id,
        approvers=tuple(approvers.split()),
        forecast=bool(forecast),
        spike=bool(spike),
        generation=generation,
    )
