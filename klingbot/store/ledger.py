"""Entries, and the totals that are kept with them in the same transaction.

Each job counts in nine totals: user, project and workspace, by day, week and month. They are touched in one fixed
order, the row that all share last, so that writers on PostgreSQL could not deadlock either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from klingbot.budgets import WORKSPACE, Total, scopes_of
from klingbot.jobs import Job
from klingbot.money import NOTHING, Amount
from klingbot.periods import Period, PeriodKind
from klingbot.store.database import Database, Transaction

KLING = "kling"
"""The author of entries that book Kling's own verdict."""

_NINE = ", ".join(
    f"(:{scope}, '{kind}', :{start}, :held_millicredits, :held_microusd, :settled_millicredits, :settled_microusd)"
    for scope in ("user_scope", "project_scope", "workspace_scope")
    for kind, start in (("daily", "day_start"), ("weekly", "week_start"), ("monthly", "month_start"))
)
_TOTAL = (
    "INSERT INTO totals (scope, period_kind, period_start,"
    " held_millicredits, held_microusd, settled_millicredits, settled_microusd)"
)
# Two statements, because SQLite checks `held >= 0` on the row to be inserted before it sees that the row exists.
_HOLD = f"""
    {_TOTAL} VALUES {_NINE}
    ON CONFLICT (scope, period_kind, period_start) DO UPDATE SET
      held_millicredits = totals.held_millicredits + excluded.held_millicredits,
      held_microusd = totals.held_microusd + excluded.held_microusd"""
_END = f"""
    {_TOTAL} VALUES {_NINE}
    ON CONFLICT (scope, period_kind, period_start) DO UPDATE SET
      held_millicredits = totals.held_millicredits - :ended_millicredits,
      held_microusd = totals.held_microusd - :ended_microusd,
      settled_millicredits = totals.settled_millicredits + excluded.settled_millicredits,
      settled_microusd = totals.settled_microusd + excluded.settled_microusd"""
_SPEND = """
    INSERT INTO daily_spend (day_start, user_id, project, model, jobs, failed,
      held_millicredits, held_microusd, settled_millicredits, settled_microusd)
    VALUES (:day_start, :user_id, :project, :model, :jobs, :failed,
      :held_millicredits, :held_microusd, :settled_millicredits, :settled_microusd)
    ON CONFLICT (day_start, user_id, project, model) DO UPDATE SET
      jobs = daily_spend.jobs + excluded.jobs,
      failed = daily_spend.failed + excluded.failed,
      held_millicredits = daily_spend.held_millicredits + excluded.held_millicredits,
      held_microusd = daily_spend.held_microusd + excluded.held_microusd,
      settled_millicredits = daily_spend.settled_millicredits + excluded.settled_millicredits,
      settled_microusd = daily_spend.settled_microusd + excluded.settled_microusd"""
_ENTRY = """
    INSERT INTO entries (job_id, kind, held_millicredits, held_microusd, settled_millicredits, settled_microusd,
      author, reason, at)
    VALUES (:job_id, :kind, :held_millicredits, :held_microusd, :settled_millicredits, :settled_microusd,
      :author, :reason, :at)"""


def hold(tx: Transaction, job: Job) -> None:
    """Reserves the job's quote. Whether budgets allow it is for the caller to see, before the commit."""
    counted = {"jobs": 1, "failed": 0}
    entry = {"kind": "hold", "author": job.user_id, "reason": None, "at": job.asked_at}
    row = _row(job, held=job.quote, settled=NOTHING) | counted | entry
    for statement in (_HOLD, _SPEND, _ENTRY):
        tx.execute(statement, row)


def settle(
    tx: Transaction, job: Job, actual: Amount, *, at: int, reason: str | None = None, author: str = KLING
) -> None:
    """Replaces the hold by what Kling charged, in the periods the job was asked for in."""
    _end(tx, job, {"kind": "settle", "author": author, "reason": reason, "at": at}, actual=actual, failed=0)


def release(tx: Transaction, job: Job, *, at: int, reason: str, author: str = KLING) -> None:
    """Gives the hold back: nothing was charged."""
    _end(tx, job, {"kind": "release", "author": author, "reason": reason, "at": at}, actual=NOTHING, failed=1)


def correct(tx: Transaction, job: Job, charged: Amount, *, at: int, reason: str, author: str = KLING) -> None:
    """Books what Kling charged after all for a job that was written off. Its hold has ended: only the charge moves."""
    row = _row(job, held=NOTHING, settled=charged)
    tx.execute(_END, row | {"ended_millicredits": 0, "ended_microusd": 0})
    tx.execute(_SPEND, row | {"jobs": 0, "failed": -1})
    tx.execute(_ENTRY, row | {"kind": "correction", "author": author, "reason": reason, "at": at})


def _end(tx: Transaction, job: Job, entry: dict[str, Any], *, actual: Amount, failed: int) -> None:
    ended = {"ended_millicredits": job.quote.millicredits, "ended_microusd": job.quote.microusd}
    tx.execute(_END, _row(job, held=NOTHING, settled=actual) | ended)
    row = _row(job, held=-job.quote, settled=actual)
    tx.execute(_SPEND, row | {"jobs": 0, "failed": failed})
    tx.execute(_ENTRY, row | entry)


def _row(job: Job, *, held: Amount, settled: Amount) -> dict[str, Any]:
    user, project, workspace = scopes_of(job.user_id, job.project)
    return {
        "job_id": job.id,
        "user_id": job.user_id,
        "project": job.project,
        "model": job.model,
        "user_scope": user,
        "project_scope": project,
        "workspace_scope": workspace,
        "day_start": job.day_start,
        "week_start": job.week_start,
        "month_start": job.month_start,
        "held_millicredits": held.millicredits,
        "held_microusd": held.microusd,
        "settled_millicredits": settled.millicredits,
        "settled_microusd": settled.microusd,
    }


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened to a job's money: what it changed in what is held and settled, by whom and why."""

    kind: str
    held: Amount
    settled: Amount
    author: str
    reason: str | None
    at: int


# Each kind has its own index, as a job has at most one entry of most kinds.
_OF_JOB = " UNION ALL ".join(
    f"SELECT * FROM entries WHERE job_id = :id AND {which}"
    for which in ("kind = 'hold'", "kind IN ('settle', 'release')", "kind = 'correction'")
)


def entries_of(db: Database, job_id: str) -> list[Entry]:
    """A job's entries, oldest first."""
    return [
        Entry(
            row["kind"],
            Amount(row["held_millicredits"], row["held_microusd"]),
            Amount(row["settled_millicredits"], row["settled_microusd"]),
            row["author"],
            row["reason"],
            row["at"],
        )
        for row in db.execute(f"{_OF_JOB} ORDER BY id", {"id": job_id}).fetchall()
    ]


def total_of(row: Any) -> Total:
    """The totals of a row that a LEFT JOIN may have left empty."""
    if row["held_millicredits"] is None:
        return Total()
    return Total(
        Amount(row["held_millicredits"], row["held_microusd"]),
        Amount(row["settled_millicredits"], row["settled_microusd"]),
    )


def total(db: Database, scope: str, period: Period) -> Total:
    row = db.execute(
        "SELECT * FROM totals WHERE scope = :scope AND period_kind = :kind AND period_start = :start",
        {"scope": scope, "kind": period.kind, "start": period.start},
    ).fetchone()
    return total_of(row) if row else Total()


@dataclass(frozen=True, slots=True)
class Share:
    """One line of a breakdown: what one model, user, project or day made of a total."""

    name: str
    """The model, user id or project; for days the day's start in UTC epoch milliseconds."""
    jobs: int
    failed: int
    total: Total


_AMOUNTS = ("held_millicredits", "held_microusd", "settled_millicredits", "settled_microusd")
_ADDED = ", ".join(f"CAST(sum({a}) AS BIGINT) AS {a}" for a in _AMOUNTS)
_COUNTED = f"CAST(sum(jobs) AS BIGINT) AS jobs, CAST(sum(failed) AS BIGINT) AS failed, {_ADDED}"
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
    where, value = _only(scope)
    order = "1" if by == "day" else "sum(settled_microusd) + sum(held_microusd) DESC, 1"
    rows = db.execute(
        f"""
        SELECT {column} AS name, {_COUNTED}
        FROM daily_spend WHERE day_start >= :start AND day_start < :end {where}
        GROUP BY {column} ORDER BY {order}""",
        {"start": start, "end": end, "value": value},
    ).fetchall()
    return [_share(row) for row in rows]


def by_spender(db: Database, scope: str, start: int, end: int) -> dict[str, list[Share]]:
    """The breakdowns by `user`, `project` and `model` at once, for which the days are read and added up once."""
    where, value = _only(scope)
    rows = db.execute(
        f"""
        WITH spent AS (
          SELECT user_id, project, model, {_COUNTED}
          FROM daily_spend WHERE day_start >= :start AND day_start < :end {where}
          GROUP BY user_id, project, model)
        SELECT * FROM ({_BY_SPENDER}) AS shares ORDER BY held_microusd + settled_microusd DESC, name""",
        {"start": start, "end": end, "value": value},
    ).fetchall()
    return {by: [_share(row) for row in rows if row["by"] == by] for by in _SPENDERS}


def _share(row: Any) -> Share:
    return Share(str(row["name"]), row["jobs"], row["failed"], total_of(row))


def _only(scope: str) -> tuple[str, str]:
    if scope == WORKSPACE:
        return "AND :value = ''", ""
    kind, _, name = scope.partition(":")
    return f"AND {'user_id' if kind == 'user' else 'project'} = :value", name


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A total that is not the sum of its entries."""

    scope: str
    kind: PeriodKind
    start: int
    kept: Total
    summed: Total


_NINE_OF_EACH = " UNION ALL ".join(
    f"SELECT {scope} AS scope, '{kind}' AS period_kind, {start} AS period_start, {', '.join(_AMOUNTS)} FROM spent"
    for scope in ("'user:' || user_id", "'project:' || project", f"'{WORKSPACE}'")
    for kind, start in (("daily", "day_start"), ("weekly", "week_start"), ("monthly", "month_start"))
)
# Entries are added up once by what all nine totals can be made of: nine passes over all history take minutes.
_SUMMED = f"""
    WITH spent AS (
      SELECT user_id, project, day_start, week_start, month_start,
        {", ".join(f"CAST(sum(entries.{a}) AS BIGINT) AS {a}" for a in _AMOUNTS)}
      FROM entries JOIN jobs ON jobs.id = entries.job_id
      GROUP BY user_id, project, day_start, week_start, month_start)
    SELECT scope, period_kind, period_start, {_ADDED}
    FROM ({_NINE_OF_EACH}) AS counted GROUP BY scope, period_kind, period_start"""


_SPEND_COLUMNS = f"day_start, user_id, project, model, jobs, failed, {', '.join(_AMOUNTS)}"
_SPENT = f"""
    SELECT day_start, user_id, project, model,
      sum(CASE kind WHEN 'hold' THEN 1 ELSE 0 END),
      sum(CASE kind WHEN 'release' THEN 1 WHEN 'correction' THEN -1 ELSE 0 END),
      {", ".join(f"CAST(sum(entries.{a}) AS BIGINT)" for a in _AMOUNTS)}
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
    tx.execute(f"{_TOTAL} {_SUMMED}")
    tx.execute("DELETE FROM daily_spend")
    tx.execute(f"INSERT INTO daily_spend ({_SPEND_COLUMNS}) {_SPENT}")


def _by_key(rows: Iterable[Any]) -> Mapping[tuple[str, str, int], Total]:
    return {(row["scope"], row["period_kind"], row["period_start"]): total_of(row) for row in rows}
