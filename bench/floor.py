"""The least that a hold can be: its reads and writes as bare statements on a bare connection.

The same file, tables, indexes and durability as the engine's; statements prepared once, parameters ready-made, no
object built from what is read, nobody to share the file with.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from functools import lru_cache
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Any

import psycopg

from bench.ledgers import CHANNEL, PROJECT, USER
from klingbot.domain.budgets import scopes_of
from klingbot.domain.periods import Periods
from klingbot.store.backend.postgres.postgres_store import TURN

_JOB = """
    INSERT INTO jobs (id, state, user_id, project, channel_id, prompt, model, duration_seconds, resolution, audio,
      aspect, legacy_name, omni, price_list, kling_units, microusd_per_credit, quote_millicredits, quote_microusd,
      asked_at, day_start, week_start, month_start, due_at, show_at)
    VALUES (?, 'held', ?, ?, ?, 'a fox in the snow', 'kling-pro', 10, '1080p', 0, '16:9',
      'kling-v1-6', 0, 'credits', 0, 60000, 40000, 2400000, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING"""
_TERMS = """
    SELECT (SELECT reason FROM gates WHERE name = 'account'), (SELECT models FROM rules WHERE project = ?),
      EXISTS (SELECT 1 FROM grants WHERE end_day > ?), (SELECT value FROM facts WHERE name = 'calendar'),
      (SELECT count(*) FROM jobs
       WHERE state = 'held' AND state IN ('held', 'submitting', 'submitted') AND due_at < ?)"""
_TOTALS = f"""
    INSERT INTO totals VALUES {", ".join(["(?, ?, ?, 40000, 2400000, 0, 0)"] * 9)}
    ON CONFLICT (scope, period_kind, period_start) DO UPDATE SET
      held_millicredits = totals.held_millicredits + excluded.held_millicredits,
      held_microusd = totals.held_microusd + excluded.held_microusd"""
_SPEND = """
    INSERT INTO daily_spend VALUES (?, ?, ?, 'kling-pro', 1, 0, 40000, 2400000, 0, 0)
    ON CONFLICT (day_start, user_id, project, model) DO UPDATE SET
      jobs = daily_spend.jobs + 1,
      held_millicredits = daily_spend.held_millicredits + excluded.held_millicredits,
      held_microusd = daily_spend.held_microusd + excluded.held_microusd"""
_ENTRY = """
    INSERT INTO entries (job_id, kind, held_millicredits, held_microusd, settled_millicredits, settled_microusd,
      author, reason, at)
    VALUES (?, 'hold', 40000, 2400000, 0, 0, ?, NULL, ?)"""
_BUDGETS = """
    SELECT limit_millicredits, limit_microusd, held_millicredits, held_microusd, settled_millicredits, settled_microusd
    FROM budgets LEFT JOIN totals
      ON totals.scope = budgets.scope AND totals.period_kind = budgets.period_kind AND totals.period_start =
        CASE budgets.period_kind WHEN 'daily' THEN ?1 WHEN 'weekly' THEN ?2 ELSE ?3 END
    WHERE budgets.scope IN (?4, ?5, ?6)"""


class BareHold:
    """Parameters for one person's jobs in the running periods."""

    begin = "BEGIN IMMEDIATE"
    connection: Any

    def __init__(self, file: Path, periods: Periods, now: int) -> None:
        self._ready(periods, now)
        self.connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self.connection.execute(f"PRAGMA {pragma}")
        self.execute: Callable[..., Any] = self.connection.execute

    def _ready(self, periods: Periods, now: int) -> None:
        self._now = now
        self._starts = [period.start for period in periods]
        self._today = periods.daily.first_day.isoformat()
        self._scopes = scopes_of(USER, PROJECT)
        self._keys: list[Any] = []
        for scope in self._scopes:
            for period in periods:
                self._keys += [scope, str(period.kind), period.start]
        self._ids = (token_hex(6) for _ in count())  # in no order, as those of jobs

    def __call__(self) -> None:
        execute, name = self.execute, next(self._ids)
        execute(self.begin)
        execute(_TERMS, (PROJECT, self._today, self._now)).fetchone()
        execute(_JOB, (name, USER, PROJECT, CHANNEL, self._now, *self._starts, self._now, self._now))
        execute(_TOTALS, self._keys)
        execute(_SPEND, (self._starts[0], USER, PROJECT))
        execute(_ENTRY, (name, USER, self._now))
        execute(_BUDGETS, (*self._starts, *self._scopes)).fetchall()
        execute("COMMIT")

    def close(self) -> None:
        self.connection.close()


class BarePostgresHold(BareHold):
    """The same statements, prepared by the server, behind the same lock of the whole ledger."""

    begin = f"BEGIN; SELECT pg_advisory_xact_lock({TURN})"

    def __init__(self, url: str, periods: Periods, now: int) -> None:
        self._ready(periods, now)
        self.connection = psycopg.connect(url, autocommit=True)
        self.execute = self._execute

    def _execute(self, sql: str, values: tuple[Any, ...] | None = None) -> Any:
        named = None if values is None else {f"p{n}": value for n, value in enumerate(values, 1)}
        return self.connection.execute(_named(sql), named)


@lru_cache
def _named(sql: str) -> bytes:
    """`?` and `?4` as psycopg writes them."""
    numbers = count(1)
    return re.sub(r"\?(\d*)", lambda found: f"%(p{found[1] or next(numbers)})s", sql).encode()
