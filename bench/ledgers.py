"""Ledgers to measure on: empty ones, and ones with years behind them.

History is made by SQL in bulk: whole jobs, their entries, and the sums of those, as the bot would have left them. The
store's own checks prove it (`prove`).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import lru_cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from klingbot.domain import prices
from klingbot.domain.budgets import WORKSPACE, project_scope, user_scope
from klingbot.domain.jobs import Request
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.domain.pricing import Wish
from klingbot.engine import Engine, budgets, cancellation, job_requests, open_engine
from klingbot.engine.budgets import Change
from klingbot.engine.hold_outcomes import Held
from klingbot.store import Store, Transaction, jobs, known_projects, open_store
from klingbot.store.backend.location import Place
from klingbot.store.maintenance import ledger_checks, totals_proof

CALENDAR = Calendar(ZoneInfo("UTC"))
USERS, PROJECTS, YEARS = 200, 20, 5
USER, PROJECT, CHANNEL = "U7", "p7", "C7"
"""Those whose jobs are measured; they have their share of the history too."""
TEN_SECONDS = Wish("kling-pro", 10, "1080p")
"""40 credits ($2.40)."""

_numbers = count()

_DAYS = """
    CREATE TEMP TABLE past_days (day_start BIGINT, week_start BIGINT, month_start BIGINT)"""
_JOBS = """
    INSERT INTO jobs (id, state, user_id, project, channel_id, prompt, model, duration_seconds, resolution, audio,
      aspect, omni, price_list, kling_units, microusd_per_credit, quote_millicredits, quote_microusd, asked_at,
      day_start, week_start, month_start, due_at, tries, finished_at, settled_millicredits, settled_microusd)
    WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :a_day)
    SELECT 'past' || day_start || '-' || n, CASE WHEN n % 20 = 19 THEN 'failed' ELSE 'succeeded' END,
      'U' || (n % :users), 'p' || (n % :projects), 'C' || (n % :projects), 'a fox in the snow, at dawn, from above',
      CASE WHEN n % 3 = 0 THEN 'kling-pro' ELSE 'kling-v1.5' END, 10, '1080p', 0, '16:9', 0, 'credits', 0, 60000,
      40000, 2400000, day_start + 60000 + n, day_start, week_start, month_start, day_start + 60000 + n, 1,
      day_start + 120000 + n, CASE WHEN n % 20 = 19 THEN NULL ELSE 40000 END,
      CASE WHEN n % 20 = 19 THEN NULL ELSE 2400000 END
    FROM past_days CROSS JOIN numbers ORDER BY day_start, n"""
_HOLDS = """
    INSERT INTO entries (job_id, kind, held_millicredits, held_microusd, settled_millicredits, settled_microusd,
      author, reason, at)
    SELECT id, 'hold', quote_millicredits, quote_microusd, 0, 0, user_id, NULL, asked_at FROM jobs"""
_ENDS = """
    INSERT INTO entries (job_id, kind, held_millicredits, held_microusd, settled_millicredits, settled_microusd,
      author, reason, at)
    SELECT id, CASE state WHEN 'failed' THEN 'release' ELSE 'settle' END, -quote_millicredits, -quote_microusd,
      coalesce(settled_millicredits, 0), coalesce(settled_microusd, 0), 'kling', NULL, finished_at FROM jobs"""
_SPEND = """
    INSERT INTO daily_spend (day_start, user_id, project, model, jobs, failed, held_millicredits, held_microusd,
      settled_millicredits, settled_microusd)
    SELECT day_start, user_id, project, model, count(*), sum(CASE state WHEN 'failed' THEN 1 ELSE 0 END), 0, 0,
      sum(coalesce(settled_millicredits, 0)), sum(coalesce(settled_microusd, 0))
    FROM jobs GROUP BY day_start, user_id, project, model"""
_TOTALS = """
    INSERT INTO totals (scope, period_kind, period_start, held_millicredits, held_microusd, settled_millicredits,
      settled_microusd)
    SELECT {scope}, '{kind}', past_days.{start}, 0, 0, sum(settled_millicredits), sum(settled_microusd)
    FROM daily_spend JOIN past_days ON past_days.day_start = daily_spend.day_start
    GROUP BY 1, 3"""


@contextmanager
def ledger_with(past_jobs: int, folder: Path, *, days: int = YEARS * 365) -> Iterator[Engine]:
    """An engine on a new ledger that has so many jobs behind it, or those of the last `days` of five such years."""
    folder.mkdir()
    if past_jobs:
        shutil.copy(_history(max(1, past_jobs // (YEARS * 365)), days), folder / "klingbot.db")
    with ledger_at(folder / "klingbot.db") as engine:
        yield engine


@contextmanager
def ledger_at(place: Place) -> Iterator[Engine]:
    with closing(open_store(place)) as store:
        with store.write() as tx:
            known_projects.decide(tx, PROJECT, is_open=True)
        yield open_engine(store, prices.load("credits"), CALENDAR, now_ms, requires_budget=False, any_project=True)


def prove(store: Store) -> None:
    """That its totals are what its entries add up to, and that every job that has ended has its end booked."""
    with store.view() as db:
        assert totals_proof.mismatches(db) == []
        assert totals_proof.spend_mismatches(db) == 0
        assert ledger_checks.strays(db) == ([], [])


def nine_budgets(engine: Engine) -> None:
    """Every budget that a job can touch, with room for everything."""
    for scope in (WORKSPACE, project_scope(PROJECT), user_scope(USER)):
        for kind in PeriodKind:
            budgets.set_budget(engine, Change(scope, kind, 10**12, 10**12), by=USER)


def hold(engine: Engine) -> Held:
    number = next(_numbers)
    request = Request(f"bench {number}", USER, CHANNEL, "a fox in the snow", TEN_SECONDS, PROJECT)
    outcome = job_requests.hold(engine, request)
    assert isinstance(outcome, Held), outcome
    return outcome


def release_all(engine: Engine) -> None:
    """Nobody waits any more: the queue is as short as it was before."""
    for job in jobs.live(engine.store.read(), None, most=100_000):
        cancellation.cancel(engine, job.id, user_id=USER, is_admin=True)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@lru_cache
def _history(a_day: int, days: int) -> Path:
    """A file with so many jobs on each of the last days. Made once in a run, and gone at its end."""
    file = Path(_shelf().name) / f"{a_day}-{days}.db"
    with closing(open_store(file)) as store, store.write() as tx:
        tx.execute("PRAGMA cache_size = -500000")  # KiB: what does not fit is written twice
        make_history(tx, a_day, days)
    return file


@lru_cache
def _shelf() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="klingbot-bench-past-")


def make_history(tx: Transaction, a_day: int, days: int) -> None:
    """So many jobs on each of the last days, today included."""
    today = CALENDAR.local(now_ms()).date()
    tx.execute(_DAYS)
    for n in range(days):
        starts = [period.start for period in CALENDAR.periods(CALENDAR.midnight(today - timedelta(days=n)))]
        names = dict(zip(("day", "week", "month"), starts, strict=True))
        tx.execute("INSERT INTO past_days VALUES (:day, :week, :month)", names)
    tx.execute(_JOBS, {"a_day": a_day, "users": USERS, "projects": PROJECTS})
    for statement in (_HOLDS, _ENDS, _SPEND):
        tx.execute(statement)
    for scope in ("'user:' || user_id", "'project:' || project", f"'{WORKSPACE}'"):
        for kind, start in (("daily", "day_start"), ("weekly", "week_start"), ("monthly", "month_start")):
            tx.execute(_TOTALS.format(scope=scope, kind=kind, start=start))
    tx.execute("DROP TABLE past_days")
