"""The proof of the totals and of the daily spend: what their entries add up to. Everything here reads all history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from klingbot.domain.budgets import WORKSPACE, Total
from klingbot.domain.periods import PeriodKind
from klingbot.store.backend.database import Database, Transaction
from klingbot.store.ledger import ADDED, AMOUNTS, INTO_TOTALS, total_of


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A total that is not the sum of its entries."""

    scope: str
    kind: PeriodKind
    start: int
    kept: Total
    summed: Total


_NINE_OF_EACH = " UNION ALL ".join(
    f"SELECT {scope} AS scope, '{kind}' AS period_kind, {start} AS period_start, {', '.join(AMOUNTS)} FROM spent"
    for scope in ("'user:' || user_id", "'project:' || project", f"'{WORKSPACE}'")
    for kind, start in (("daily", "day_start"), ("weekly", "week_start"), ("monthly", "month_start"))
)
# Entries are added up once by what all nine totals can be made of: nine passes over all history take minutes.
_SUMMED = f"""
    WITH spent AS (
      SELECT user_id, project, day_start, week_start, month_start,
        {", ".join(f"CAST(sum(entries.{a}) AS BIGINT) AS {a}" for a in AMOUNTS)}
      FROM entries JOIN jobs ON jobs.id = entries.job_id
      GROUP BY user_id, project, day_start, week_start, month_start)
    SELECT scope, period_kind, period_start, {ADDED}
    FROM ({_NINE_OF_EACH}) AS counted GROUP BY scope, period_kind, period_start"""


_SPEND_COLUMNS = f"day_start, user_id, project, model, jobs, failed, {', '.join(AMOUNTS)}"
_SPENT = f"""
    SELECT day_start, user_id, project, model,
      sum(CASE kind WHEN 'hold' THEN 1 ELSE 0 END),
      sum(CASE kind WHEN 'release' THEN 1 WHEN 'correction' THEN -1 ELSE 0 END),
      {", ".join(f"CAST(sum(entries.{a}) AS BIGINT)" for a in AMOUNTS)}
    FROM entries JOIN jobs ON jobs.id = entries.job_id GROUP BY day_start, user_id, project, model"""


def spend_mismatches(db: Database) -> int:
    """How many rows of the daily spend its entries do not prove, in either direction. Reads all history."""
    kept = f"SELECT {_SPEND_COLUMNS} FROM daily_spend"
    found = db.execute(f"""
        SELECT count(*) AS n FROM (
          SELECT day_start, user_id, project, model FROM (SELECT * FROM ({kept}) AS a EXCEPT {_SPENT}) AS b
          UNION
          SELECT day_start, user_id, project, model FROM (SELECT * FROM ({_SPENT}) AS c EXCEPT {kept}) AS d) AS e""")
    return int(found.fetchone()["n"])


def mismatches(db: Database) -> list[Mismatch]:
    """Every total that its entries do not prove, in either direction. Reads all history."""
    summed = _by_key(db.execute(_SUMMED).fetchall())
    kept = _by_key(db.execute("SELECT * FROM totals").fetchall())
    return [
        Mismatch(scope, PeriodKind(kind), start, kept.get(key, Total()), summed.get(key, Total()))
        for key in sorted(summed.keys() | kept.keys())
        if kept.get(key, Total()) != summed.get(key, Total())
        for scope, kind, start in [key]
    ]


def rebuild(tx: Transaction) -> None:
    """Makes every total, and the daily spend, anew from the entries. Reads all history."""
    tx.execute("DELETE FROM totals")
    tx.execute(f"{INTO_TOTALS} {_SUMMED}")
    tx.execute("DELETE FROM daily_spend")
    tx.execute(f"INSERT INTO daily_spend ({_SPEND_COLUMNS}) {_SPENT}")


def _by_key(rows: Iterable[Any]) -> Mapping[tuple[str, str, int], Total]:
    return {(row["scope"], row["period_kind"], row["period_start"]): total_of(row) for row in rows}
