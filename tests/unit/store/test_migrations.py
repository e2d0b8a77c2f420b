"""From any older file to today's schema, once, whoever starts first; what cannot be opened is said in a sentence."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlite_utils import Database

from klingbot.domain import prices
from klingbot.domain.budgets import WORKSPACE, Total
from klingbot.domain.jobs import JobState
from klingbot.domain.money import Amount
from klingbot.domain.notifications import Crossed
from klingbot.domain.periods import Calendar
from klingbot.engine import kling_results, open_engine, projects
from klingbot.store import DatabaseError, jobs, open_store
from migrations.migrations import migrations
from tests.conftest import FakeClock
from tests.support.ledger_checks import hold, prove, queued, total

# Append here when you append a step. A name that changed or moved would make every older database unusable.
STEPS = [
    "m001_ledger",
    "m002_budgets",
    "m003_outbox",
    "m004_delivery",
    "m005_alert_rules",
    "m006_digests",
    "m007_verdicts",
    "m008_care",
    "m009_increases",
    "m010_rules",
    "m011_threads",
    "m012_job_messages",
    "m013_alerts_from",
    "m014_totals_by_time",
    "m015_refused_once",
    "m016_failures",
    "m017_identity",
    "m018_gates_probed",
    "m019_budget_requirement",
    "m020_outbox_leased",
    "m021_budget_removals",
    "m022_overdue",
    "m023_project_states",
    "m024_cancel_wishes",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "klingbot.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """As an older version, another program or a person at the shell would have the file open."""
    with closing(sqlite3.connect(path, isolation_level=None)) as opened:
        yield opened


def steps(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM _sqlite_migrations ORDER BY id")]


def test_steps_are_only_ever_appended() -> None:
    assert [step.name for step in migrations.pending(Database(memory=True))] == STEPS


def test_a_new_file_gets_every_step_once(path: Path, connection: sqlite3.Connection) -> None:
    for _ in range(2):
        open_store(path).close()
    assert steps(connection) == STEPS


def test_every_table_keeps_its_columns_to_their_types(path: Path, connection: sqlite3.Connection) -> None:
    open_store(path).close()
    tables = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'"
    )
    assert [name for name, sql in tables if "STRICT" not in sql.rpartition(")")[2]] == []


def test_a_file_of_the_first_version_keeps_its_jobs_and_their_money(path: Path, clock: FakeClock) -> None:
    old = Database(sqlite3.connect(path, isolation_level=None))
    migrations.apply(old, stop_before="m002_budgets")
    asked = clock.at - 60_000
    old.conn.execute(
        """
        INSERT INTO jobs (id, state, user_id, project, channel_id, prompt, model, duration_seconds, resolution, audio,
          aspect, legacy_name, new_name, omni, price_list, kling_units, microusd_per_credit, quote_millicredits,
          quote_microusd, asked_at, day_start, week_start, month_start, due_at, tries, route, posted_at, task_id,
          submitted_at)
        VALUES ('abcdefghijkl', 'submitted', 'U1', 'marketing', 'C1', 'a “fox” in the snow ❄', 'kling-pro', 10,
          '1080p', 0, '16:9', 'kling-v3', 'kling-3.0', 0, 'credits', 0, 60000, 40000, 2400000, :asked, :day, :day,
          :month, :asked, 1, '/text-to-video/kling-3.0', :asked, 'task-1', :asked)""",
        {"asked": asked, "day": 1_795_392_000_000, "month": 1_793_491_200_000},
    )
    old.conn.execute(
        "INSERT INTO entries VALUES (1, 'abcdefghijkl', 'hold', 40000, 2400000, 0, 0, 'U1', NULL, ?)", [asked]
    )
    old.conn.close()

    store = open_store(path)
    engine = open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), clock)
    month = engine.periods().monthly
    assert total(engine, WORKSPACE, month) == Total(held=Amount(40_000, 2_400_000))
    job = jobs.get(store.read(), "abcdefghijkl")
    assert job is not None
    assert (job.state, job.prompt) == (JobState.SUBMITTED, "a “fox” in the snow ❄")
    assert kling_results.succeeded(engine, job, units=None, video_url="https://kling.test/v.mp4")
    assert total(engine, WORKSPACE, month) == Total(settled=Amount(40_000, 2_400_000))
    hold(engine, "r1")
    prove(store)
    store.close()


def test_projects_of_an_older_file_stay_open_where_an_admin_has_set_them_up(path: Path, clock: FakeClock) -> None:
    old = Database(sqlite3.connect(path, isolation_level=None))
    migrations.apply(old, stop_before="m023_project_states")
    old.conn.execute("INSERT INTO projects (channel_id, project) VALUES ('C1', 'with-channel')")
    old.conn.execute(
        "INSERT INTO budgets (scope, period_kind, limit_millicredits, thresholds, set_by, set_at)"
        " VALUES ('project:with-budget', 'monthly', 100000, '80', 'UADMIN', 0)"
    )
    old.conn.execute("INSERT INTO rules (project, models, ceiling_millicredits) VALUES ('with-rules', '', 5000)")
    for scope in ("project:with-budget", "project:default", "project:zzz-9", "project:lab", "user:U1", "workspace"):
        old.conn.execute("INSERT INTO totals VALUES (?, 'monthly', 0, 0, 0, 0, 0)", [scope])
    old.conn.close()

    store = open_store(path)
    engine = open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), clock)
    found = projects.listing(engine)
    assert found.opened == ("default", "with-budget", "with-channel", "with-rules")
    assert (found.closed, found.undecided) == ((), ("lab", "zzz-9"))
    store.close()


def test_a_budget_of_an_older_file_goes_on_alerting_at_its_own_thresholds(path: Path, clock: FakeClock) -> None:
    old = Database(sqlite3.connect(path, isolation_level=None))
    migrations.apply(old, stop_before="m013_alerts_from")
    for scope, thresholds in ((WORKSPACE, "30,90"), ("project:marketing", "50"), ("user:U1", "")):
        old.conn.execute(
            "INSERT INTO budgets (scope, period_kind, limit_millicredits, thresholds, set_by, set_at)"
            " VALUES (?, 'monthly', 100000, ?, 'UADMIN', 0)",
            [scope, thresholds],
        )
    old.conn.close()

    store = open_store(path)
    engine = open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), clock)
    hold(engine, "40 of 100")
    assert [crossed.standing.budget.scope for crossed in queued(store, Crossed)] == [WORKSPACE]
    hold(engine, "80 of 100")
    assert [crossed.standing.budget.scope for crossed in queued(store, Crossed)] == [WORKSPACE, "project:marketing"]
    store.close()


def test_an_older_file_keeps_every_total(path: Path, connection: sqlite3.Connection) -> None:
    migrations.apply(Database(sqlite3.connect(path, isolation_level=None)), stop_before="m014_totals_by_time")
    kept = [
        (scope, kind, 1_795_392_000_000 + day * 86_400_000, day, day + 1, day + 2, day + 3)
        for scope in (WORKSPACE, "user:U1")
        for kind in ("daily", "weekly", "monthly")
        for day in range(40)
    ]
    connection.executemany("INSERT INTO totals VALUES (?, ?, ?, ?, ?, ?, ?)", kept)
    open_store(path).close()
    assert sorted(connection.execute("SELECT * FROM totals")) == sorted(kept)


def test_a_step_that_breaks_leaves_the_file_as_it_was(path: Path, connection: sqlite3.Connection) -> None:
    migrations.apply(Database(sqlite3.connect(path, isolation_level=None)), stop_before="m002_budgets")
    connection.execute("CREATE TABLE gates (mine TEXT)")  # in the way of a later step
    before = connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    with pytest.raises(DatabaseError, match="gates already exists"):
        open_store(path)
    assert connection.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall() == before
    assert steps(connection) == STEPS[:1]


def open_and_close(path: Path) -> None:
    open_store(path).close()


def test_many_threads_opening_a_new_file_at_once_make_it_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for n in range(10):
            path = tmp_path / f"{n}.db"
            list(pool.map(open_and_close, [path] * 8))
            with closing(sqlite3.connect(path)) as connection:
                assert steps(connection) == STEPS


@pytest.mark.slow
def test_processes_opening_a_new_file_at_once_make_it_once(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        list(pool.map(open_and_close, [tmp_path / f"warm {n}.db" for n in range(3)]))  # everybody is awake
        for n in range(10):
            path = tmp_path / f"{n}.db"
            list(pool.map(open_and_close, [path] * 3, timeout=30))
            with closing(sqlite3.connect(path)) as connection:
                assert steps(connection) == STEPS


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: Path, connection: sqlite3.Connection) -> None:
    open_store(path).close()
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('klingbot', 'm999_teleport', '')"
    )
    with pytest.raises(DatabaseError, match=r"made by a newer Klingbot \(it has m999_teleport\)\. Run that version"):
        open_store(path)
    assert steps(connection) == [*STEPS, "m999_teleport"]


def test_another_programs_tables_are_none_of_our_business(path: Path, connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE songs (title TEXT)")
    open_store(path).close()
    assert connection.execute("SELECT count(*) FROM songs").fetchone() == (0,)


def no_folder(tmp_path: Path) -> Path:
    return tmp_path / "no" / "such" / "folder" / "klingbot.db"


def a_folder(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def in_a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").touch()
    return tmp_path / "file" / "klingbot.db"


def no_database(tmp_path: Path) -> Path:
    (tmp_path / "notes.txt").write_text("Dear diary, " * 100)
    return tmp_path / "notes.txt"


def read_only(tmp_path: Path) -> Path:
    if os.geteuid() == 0:
        pytest.skip("nothing is read-only for root")
    open_store(tmp_path / "klingbot.db").close()
    (tmp_path / "klingbot.db").chmod(0o400)
    return tmp_path / "klingbot.db"


@pytest.mark.parametrize("made", [no_folder, a_folder, in_a_file, no_database, read_only])
def test_what_cannot_be_a_database_is_refused_in_a_sentence(tmp_path: Path, made: object) -> None:
    path = made(tmp_path)  # type: ignore[operator]
    with pytest.raises(DatabaseError) as error:
        open_store(path)
    assert str(error.value).startswith(f"The database {path} cannot be opened for writing (")
    assert "Check that KLINGBOT_DB names a file in a folder that exists" in str(error.value)


def test_a_folder_that_was_named_by_mistake_gets_nothing_beside_it(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    with pytest.raises(DatabaseError, match="it is a folder"):
        open_store(folder)
    assert [path for path in tmp_path.iterdir() if path != folder] == []


def test_a_text_file_that_was_named_by_mistake_is_left_alone(tmp_path: Path) -> None:
    path = no_database(tmp_path)
    with pytest.raises(DatabaseError, match="file is not a database"):
        open_store(path)
    assert path.read_text() == "Dear diary, " * 100
