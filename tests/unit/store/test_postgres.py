"""What PostgreSQL can do to a ledger: go away, come back, fall silent, lose a word. Nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from itertools import count
from zoneinfo import ZoneInfo

import psycopg
import pytest
from click.testing import CliRunner

import bot
from klingbot.doctor import Health
from klingbot.doctor import ledger_health as ledger_checks
from klingbot.domain import prices
from klingbot.domain.budgets import WORKSPACE
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.engine import Engine, budgets, job_requests, open_engine, projects
from klingbot.engine.budgets import Change
from klingbot.engine.hold_outcomes import BudgetExceeded, Held, Repeated
from klingbot.slack.interactions import failures
from klingbot.store import DatabaseError, NotKeptError, UncertainError, jobs, open_store
from klingbot.store.backend.fair_lock import Turns
from klingbot.store.backend.location import DatabaseUrl
from klingbot.store.backend.migration_steps import STEPS
from klingbot.store.backend.postgres.dialect import ddl, statement, values
from klingbot.store.backend.postgres.postgres_store import PATIENCE_SECONDS
from tests.conftest import FakeClock, run_without_limit
from tests.support.ledger_checks import ask, create, hold, prove, settle
from tests.support.live_bot import until
from tests.support.postgres_server import NoServerError, PostgresServer, children_of, postgres_server
from tests.support.wire import Cut, wire_to

pytestmark = [pytest.mark.backend("postgres"), pytest.mark.both_databases]

IN_TIME = PATIENCE_SECONDS + 5
"""Of Slack's three seconds."""


@pytest.fixture(scope="module")
def own() -> Iterator[PostgresServer]:
    """A server that may be stopped and frozen, and that waits for its disk."""
    try:
        with postgres_server(fsync="on") as server:
            server.run("CREATE DATABASE ledger")
            yield server
    except NoServerError as e:
        pytest.skip(str(e))


@pytest.fixture
def engine_of_its_own(own: PostgresServer, clock: FakeClock) -> Iterator[Engine]:
    with opened(DatabaseUrl(own.url("ledger")), clock) as engine:
        yield engine
    own.wipe("ledger")


@contextmanager
def opened(place: DatabaseUrl, clock: FakeClock) -> Iterator[Engine]:
    with closing(open_store(place)) as store:
        run_without_limit(store)
        create(store, "marketing")
        yield open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), clock)


def the_url(engine: Engine) -> str:
    assert isinstance(engine.store.place, DatabaseUrl)
    return engine.store.place.url


def cut_all(server: PostgresServer) -> None:
    server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ledger'")


# Going away, and coming back.


def test_connections_that_were_lost_while_nobody_used_them_are_replaced_unnoticed(
    engine: Engine, postgres: PostgresServer
) -> None:
    hold(engine, "before")
    for n in range(3):
        cut_all(postgres)
        job = hold(engine, f"after {n}")
        cut_all(postgres)
        assert jobs.get(engine.store.read(), job.id) == job
        cut_all(postgres)
        with engine.store.view() as db:
            assert jobs.get(db, job.id) == job
    prove(engine.store)


def test_a_transaction_that_is_cut_off_leaves_nothing_and_says_so(engine: Engine, postgres: PostgresServer) -> None:
    with pytest.raises(NotKeptError, match="nothing was kept"), engine.store.write() as tx:
        tx.execute("INSERT INTO projects (channel_id, project) VALUES ('C9', 'lost')")
        cut_all(postgres)
        tx.execute("INSERT INTO projects (channel_id, project) VALUES ('C8', 'lost')")
    assert projects.project_of(engine, "C9") == "default"
    hold(engine, "r1")


def test_a_statement_that_failed_is_never_committed_around(engine: Engine) -> None:
    with pytest.raises(RuntimeError, match="not committed"), engine.store.write() as tx:
        tx.execute("INSERT INTO projects (channel_id, project) VALUES ('C9', 'lost')")
        with suppress(psycopg.Error):  # as nobody should
            tx.execute("SELECT 1 / 0")
    assert projects.project_of(engine, "C9") == "default"
    hold(engine, "r1")


@pytest.mark.slow
def test_a_server_that_is_away_is_said_in_time_and_found_again(engine_of_its_own: Engine, own: PostgresServer) -> None:
    engine = engine_of_its_own
    own.stop()
    for work in (lambda: hold(engine, "r1"), lambda: budgets.standings(engine)):
        began = time.monotonic()
        with pytest.raises(NotKeptError, match="cannot be reached"):
            work()
        assert time.monotonic() - began < IN_TIME
    own.start()
    hold(engine, "r1")
    prove(engine.store)


@pytest.mark.slow
def test_a_server_that_falls_silent_is_said_in_time_and_found_again(
    engine_of_its_own: Engine, own: PostgresServer
) -> None:
    engine = engine_of_its_own
    hold(engine, "before")
    with frozen(own):
        for work in (lambda: hold(engine, "r1"), lambda: budgets.standings(engine)):
            began = time.monotonic()
            with pytest.raises(NotKeptError):
                work()
            assert time.monotonic() - began < IN_TIME
    assert isinstance(job_requests.hold(engine, ask("r1")), Held)
    prove(engine.store)


@pytest.mark.slow
def test_while_a_server_is_silent_nobody_waits_for_a_connection_after_all_other_waiting(
    engine_of_its_own: Engine, own: PostgresServer
) -> None:
    """Commands that come together wait for a place, and then for the server, two seconds for each of its addresses."""
    engine = engine_of_its_own

    def waited(number: int) -> float:
        began = time.monotonic()
        with pytest.raises(NotKeptError):
            budgets.standings(engine)
        return time.monotonic() - began

    cut_all(own)
    with frozen(own), ThreadPoolExecutor(12) as pool:
        assert max(pool.map(waited, range(12))) < PATIENCE_SECONDS + 1.5
    hold(engine, "r1")


@pytest.mark.slow
def test_a_server_that_only_reads_after_a_failover_is_left_as_soon_as_it_writes_again(
    engine_of_its_own: Engine, own: PostgresServer
) -> None:
    engine = engine_of_its_own
    own.run("ALTER DATABASE ledger SET default_transaction_read_only = on")
    cut_all(own)
    try:
        for _ in range(2):
            with pytest.raises(NotKeptError, match="read-only"):
                hold(engine, "r1")
    finally:
        own.run("SET default_transaction_read_only = off; ALTER DATABASE ledger RESET default_transaction_read_only")
    hold(engine, "r1")
    prove(engine.store)


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    pid = server.pid()
    assert pid is not None
    everyone = [pid, *children_of(pid)]
    try:
        send(everyone, signal.SIGSTOP)
        yield
    finally:
        send(everyone, signal.SIGCONT)


def send(processes: Iterable[int], word: signal.Signals) -> None:
    """A backend whose client is gone may be gone too by then."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, word)


def test_a_writer_that_falls_silent_loses_its_turn(engine: Engine) -> None:
    began = time.monotonic()
    with pytest.raises(NotKeptError), engine.store.write() as tx:
        tx.execute("INSERT INTO projects (channel_id, project) VALUES ('C9', 'lost')")
        time.sleep(3.2)
        tx.execute("SELECT 1")
    hold(engine, "r1")
    assert time.monotonic() - began < 20


# The lost word.


@pytest.mark.parametrize(("cut", "second"), [(Cut.BEFORE, Held), (Cut.AFTER, Repeated)])
def test_a_hold_whose_commit_was_cut_off_is_found_by_its_id_and_never_doubled(
    engine: Engine, postgres: PostgresServer, clock: FakeClock, cut: Cut, second: type[Held | Repeated]
) -> None:
    with wire_to(postgres.port) as wire:
        place = DatabaseUrl(the_url(engine).replace(str(postgres.port), str(wire.port)))
        with opened(place, clock) as far:
            wire.cuts.append(cut)
            with pytest.raises(UncertainError):
                job_requests.hold(far, ask("r1"))
            wire.cuts.append(cut)
            assert type(failures.again(lambda: job_requests.hold(far, ask("r2")))) is second
            assert isinstance(job_requests.hold(far, ask("r1")), second)
    assert jobs.waiting(engine.store.read()) == 2
    prove(engine.store)


@pytest.mark.slow
@pytest.mark.parametrize(("cut", "second"), [(Cut.SILENT_BEFORE, Held), (Cut.SILENT_AFTER, Repeated)])
def test_a_wire_that_falls_silent_at_the_commit_is_said_in_time_and_the_hold_never_doubled(
    engine: Engine, postgres: PostgresServer, clock: FakeClock, cut: Cut, second: type[Held | Repeated]
) -> None:
    with wire_to(postgres.port) as wire:
        place = DatabaseUrl(the_url(engine).replace(str(postgres.port), str(wire.port)))
        with opened(place, clock) as far:
            wire.cuts.append(cut)
            began = time.monotonic()
            with pytest.raises(UncertainError) as error:
                failures.again(lambda: job_requests.hold(far, ask("r1")))
            assert time.monotonic() - began < IN_TIME
            assert "ref" in failures.noted(error.value).text
            assert isinstance(job_requests.hold(far, ask("r1")), second)
    prove(engine.store)


# Several replicas.


@pytest.mark.parametrize("replicas", [2, 4])
def test_room_for_ten_admits_exactly_ten_of_several_replicas(engine: Engine, clock: FakeClock, replicas: int) -> None:
    place = engine.store.place
    assert isinstance(place, DatabaseUrl)
    budgets.set_budget(engine, Change(WORKSPACE, PeriodKind.DAILY, 400_000), by="UADMIN")

    def replica(n: int) -> list[type]:
        with opened(place, clock) as own, ThreadPoolExecutor(4) as pool:
            requests = [ask(f"{n} {i}") for i in range(80 // replicas)]
            return list(pool.map(lambda request: type(job_requests.hold(own, request)), requests))

    with ThreadPoolExecutor(replicas) as pool:
        outcomes = [kind for found in pool.map(replica, range(replicas)) for kind in found]
    assert outcomes.count(Held) == 10
    assert outcomes.count(BudgetExceeded) == 70
    prove(engine.store)


@pytest.mark.slow
def test_holds_survive_a_server_that_is_restarted_and_crashes_again_and_again(
    engine_of_its_own: Engine, own: PostgresServer
) -> None:
    engine, dice, done = engine_of_its_own, random.Random(20_261_124), threading.Event()
    budgets.set_budget(engine, Change(WORKSPACE, PeriodKind.DAILY, 60 * 40_000), by="UADMIN")
    held: list[str] = []
    refused = []

    def work(n: int) -> None:
        for i in count():
            if done.is_set():
                return
            try:
                outcome = failures.again(lambda: job_requests.hold(engine, ask(f"{n} {i}")))  # noqa: B023
            except (NotKeptError, UncertainError):
                continue
            if isinstance(outcome, Held | Repeated):
                held.append(outcome.job.id)
                if i % 2:
                    again_until_done(lambda: settle(engine, outcome.job))  # noqa: B023
            else:
                refused.append(outcome)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        time.sleep(dice.uniform(0.1, 0.6))
        own.restart(how)
    time.sleep(0.5)
    done.set()
    for worker in workers:
        worker.join(20)

    prove(engine.store)
    assert len(held) == len(set(held))
    known = {row["id"] for row in engine.store.read().execute("SELECT id FROM jobs").fetchall()}
    assert set(held) <= known, "an acknowledged hold is gone"
    assert budgets.standings(engine)[0].total.committed.millicredits <= 60 * 40_000
    assert len(held) > 5, refused[:1]


def again_until_done(work: Callable[[], object]) -> None:
    """As leases do: what was not kept is done again later; what was kept after all is not done twice."""
    for _ in range(50):
        try:
            work()
            return
        except (NotKeptError, UncertainError):
            time.sleep(0.1)
        except AssertionError:  # it had moved on
            return


def test_threads_write_in_the_order_of_asking() -> None:
    turns, came = Turns(), list[int]()
    assert turns.take(0)

    def wait(n: int) -> None:
        assert turns.take(30)
        came.append(n)
        turns.hand_on()

    waiting = [threading.Thread(target=wait, args=(n,)) for n in range(5)]
    for n, thread in enumerate(waiting):
        thread.start()
        until(lambda: len(turns._waiting) > n, "it waits")  # noqa: B023
    assert not turns.take(0.01), "who gives up is out of the line"
    turns.hand_on()
    for thread in waiting:
        thread.join(30)
    assert came == [0, 1, 2, 3, 4]
    assert turns.take(0)


# Opening.


def steps(server: PostgresServer, name: str) -> list[str]:
    return [str(row[0]) for row in server.run("SELECT name FROM _migrations ORDER BY applied_at, name", name)]


@pytest.fixture
def empty(postgres: PostgresServer) -> Iterator[DatabaseUrl]:
    """A database in which nothing is yet."""
    postgres.run("CREATE DATABASE empty")
    yield DatabaseUrl(postgres.url("empty"))
    postgres.run("DROP DATABASE empty WITH (FORCE)")


def test_replicas_that_open_a_new_database_at_once_make_it_once(empty: DatabaseUrl, postgres: PostgresServer) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: open_store(empty).close(), range(8)))
    assert sorted(steps(postgres, "empty")) == sorted(STEPS)


def test_a_step_that_breaks_leaves_the_database_as_it_was(empty: DatabaseUrl, postgres: PostgresServer) -> None:
    postgres.run("CREATE TABLE gates (mine text)", "empty")  # in the way of a later step
    with pytest.raises(DatabaseError, match='"gates" already exists'):
        open_store(empty)
    assert postgres.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", "empty") == [("gates",)]


def test_a_database_of_a_newer_version_is_refused(empty: DatabaseUrl, postgres: PostgresServer) -> None:
    open_store(empty).close()
    postgres.run("INSERT INTO _migrations VALUES ('m999_teleport', now())", "empty")
    with pytest.raises(DatabaseError, match=r"made by a newer Klingbot \(it has m999_teleport\)"):
        open_store(empty)


def test_a_database_that_only_pretends_to_lock_is_refused(empty: DatabaseUrl, postgres: PostgresServer) -> None:
    for made in (
        "pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE sql AS ''",
        "pg_try_advisory_xact_lock(bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    ):
        postgres.run(f"CREATE FUNCTION {made}", "empty")
    postgres.run("ALTER DATABASE empty SET search_path = public, pg_catalog")
    with pytest.raises(DatabaseError, match="same advisory lock to two at once"):
        open_store(empty)
    assert postgres.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", "empty") == []


def test_a_user_who_may_only_read_is_noticed_at_the_start(empty: DatabaseUrl, postgres: PostgresServer) -> None:
    open_store(empty).close()
    postgres.run("ALTER DATABASE empty SET default_transaction_read_only = on")
    with pytest.raises(DatabaseError, match=r"opened for writing .*read-only"):
        open_store(empty)


def test_a_user_who_may_add_nothing_is_noticed_at_the_start_and_by_doctor(
    empty: DatabaseUrl, postgres: PostgresServer
) -> None:
    """As where a host takes the right away because a plan's room is used up."""
    open_store(empty).close()
    postgres.run("CREATE ROLE full LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO full", "empty")
    postgres.run("REVOKE INSERT ON ALL TABLES IN SCHEMA public FROM full", "empty")
    try:
        place = DatabaseUrl(empty.url.replace("postgres:secret@", "full@"))
        with pytest.raises(DatabaseError, match="permission denied"):
            open_store(place)
        assert Health.FAILED in [finding.health for finding in ledger_checks.check(place, 0)]
    finally:
        postgres.run("DROP OWNED BY full; DROP ROLE full", "empty")


def test_a_database_that_cannot_keep_every_letter_is_refused(postgres: PostgresServer) -> None:
    postgres.run("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    try:
        with pytest.raises(DatabaseError, match="keeps texts as LATIN1"):
            open_store(DatabaseUrl(postgres.url("latin")))
    finally:
        postgres.run("DROP DATABASE latin WITH (FORCE)")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://postgres:hush@127.0.0.1:{port}/nowhere", 'database "nowhere" does not exist'),
        ("postgresql://nobody:hush@127.0.0.1:{port}/ledger", 'role "nobody" does not exist'),
        ("postgresql://postgres:hu%sh@127.0.0.1:{port}/ledger", "must be percent-encoded"),
        ("postgresql://postgres:hush@127.0.0.1:{port}/ledger?word=up", "only options that PostgreSQL knows"),
        ("postgresql://postgres:hush@127.0.0.1:{port}/ledger?sslmode=require", "SSL"),
        ("postgresql://postgres:hush@127.0.0.1:{port}/ledger?sslmode=maybe", 'invalid sslmode value: "maybe"'),
    ],
)
def test_what_cannot_be_opened_is_said_in_a_sentence_without_the_password(
    postgres: PostgresServer, url: str, said: str
) -> None:
    place = DatabaseUrl(url.replace("{port}", str(postgres.port)))
    with pytest.raises(DatabaseError, match=said) as error:
        open_store(place)
    assert "hu" not in str(error.value).replace("though", "")
    assert "hush" not in str(place) + repr(place)


def test_a_server_that_is_away_at_the_start_is_no_wrong_setting(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supervisor does not restart what ended with 2."""
    monkeypatch.setattr("klingbot.store.backend.postgres.postgres_store.START_SECONDS", 0)
    for port, database, code, said in (
        (9, "ledger", 1, "could not be reached"),
        (postgres.port, "nowhere", 2, "nowhere"),
    ):
        env = {"DATABASE_URL": f"postgresql://postgres:hush@127.0.0.1:{port}/{database}"}
        ended = CliRunner().invoke(bot.cli, ["migrate"], env=env)
        assert (ended.exit_code, said in ended.output, "hush" in ended.output) == (code, True, False)


# What doctor says.


def test_doctor_says_that_a_server_without_fsync_may_lose_holds_and_finds_the_rest_sound(engine: Engine) -> None:
    budgets.set_budget(engine, Change(WORKSPACE, PeriodKind.MONTHLY, 1_000_000), by="UADMIN")
    settle(engine, hold(engine, "done"))
    found = {finding.what: finding for finding in ledger_checks.check(engine.store.place, engine.clock())}
    assert (found["database"].health, "fsync = off" in found["database"].said) == (Health.FAILED, True)
    assert {finding.health for what, finding in found.items() if what != "database"} == {Health.OK}


def test_doctor_calls_a_durable_server_durable(engine_of_its_own: Engine) -> None:
    found = {finding.what: finding.health for finding in ledger_checks.check(engine_of_its_own.store.place, 0)}
    assert found["database"] is Health.OK


def test_doctor_tells_to_migrate_and_changes_nothing(empty: DatabaseUrl, postgres: PostgresServer) -> None:
    *_, finding = ledger_checks.check(empty, 0)
    assert (finding.health, "python bot.py migrate" in (finding.fix or "")) == (Health.WARNING, True)
    assert postgres.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", "empty") == []


def test_doctor_says_that_a_server_is_away(engine: Engine) -> None:
    nobody = DatabaseUrl("postgresql://postgres@127.0.0.1:9/ledger")
    (finding,) = ledger_checks.check(nobody, 0)
    assert (finding.health, "127.0.0.1:9/ledger" in finding.said) == (Health.FAILED, True)


# The dialect.


def test_named_parameters_are_found_and_nothing_else() -> None:
    sql = "SELECT 'user:' || name, x::text, a % 2 FROM t WHERE b = :b AND (c, d) IN ((:c,:d))"
    assert statement(sql) == (
        b"SELECT 'user:' || name, x::text, a %% 2 FROM t WHERE b = %(b)s AND (c, d) IN ((%(c)s,%(d)s))"
    )


def test_numbers_with_a_point_are_refused_flags_are_integers_and_texts_keep_no_nul() -> None:
    assert values({"a": True, "b": "x\0y", "c": None, "d": 5}) == {"a": 1, "b": "xy", "c": None, "d": 5}
    with pytest.raises(TypeError, match="half is a float"):
        values({"half": 0.5})


def test_a_table_as_sqlite_takes_it_is_one_that_postgresql_takes() -> None:
    table = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER) STRICT, WITHOUT ROWID"
    assert ddl(table) == (
        "CREATE TABLE t (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "
        'name TEXT COLLATE "C" NOT NULL, at BIGINT)'
    )


def test_texts_are_in_the_order_of_their_bytes_whatever_the_databases_language_is(engine: Engine) -> None:
    names = ["Zoë", "a", "B", "é", "_", "b"]
    for name in names:
        hold(engine, name, project=name)
    found = engine.store.read().execute("SELECT project FROM jobs ORDER BY project").fetchall()
    assert [row["project"] for row in found] == sorted(names)


def test_a_prompt_with_a_nul_is_kept_without_it(engine: Engine) -> None:
    request = replace(ask("r1"), prompt="a fox\0 in the snow")
    outcome = job_requests.hold(engine, request)
    assert isinstance(outcome, Held)
    kept = jobs.get(engine.store.read(), outcome.job.id)
    assert kept is not None
    assert kept.prompt == "a fox in the snow"
