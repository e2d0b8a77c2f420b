"""The ledger is deleted, moved, replaced or damaged under a running bot: it notices, refuses, and says what to do."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests

from klingbot import sandbox
from klingbot.blocks import short_answers
from klingbot.doctor import Health, check_up
from klingbot.domain import prices
from klingbot.domain.ledger_faults import LedgerFault
from klingbot.domain.notifications import Unsound
from klingbot.domain.periods import Calendar
from klingbot.engine import Engine, open_engine
from klingbot.http.server import listen
from klingbot.store import DatabaseError, LedgerLostError, NotKeptError, Store, jobs, open_store, snapshot
from klingbot.store.backend import ledger_identity
from klingbot.store.backend.location import DatabaseUrl, Place
from klingbot.store.backend.sqlite import SqliteStore
from klingbot.store.backend.sqlite.file_guard import COMPANIONS_SECONDS
from klingbot.store.maintenance.backup import back_up
from klingbot.workers.heartbeat import Heartbeat
from klingbot.workers.submitter import Submitter
from tests.conftest import FakeClock, run_without_limit
from tests.support.ledger_checks import hold, prove, queued
from tests.support.live_bot import BOB, ROOT, live_bot, until, whispers
from tests.support.postgres_server import PostgresServer
from tests.unit.workers.test_submitter import ScriptedKling

pytestmark = [pytest.mark.backend("sqlite"), pytest.mark.both_databases]


def path_of(store: Store) -> Path:
    assert isinstance(store.place, Path)
    return store.place


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def refuses(engine: Engine, request_id: str) -> str:
    with pytest.raises(LedgerLostError, match="is lost") as lost:
        hold(engine, request_id)
    return lost.value.reason


def checkpoint(store: Store) -> None:
    """Everything in the log goes into the file, as SQLite does by itself after some thousand pages."""
    assert isinstance(store, SqliteStore)
    store._writer.conn.execute("PRAGMA wal_checkpoint(PASSIVE)")


def copy_over(source: Path, target: Path) -> None:
    """As `cp` does it: the file stays the same one, and gets another content."""
    subprocess.run(["cp", source, target], check=True)


def some_time_passes(store: Store) -> None:
    """Until the files beside the ledger are looked at again."""
    assert isinstance(store, SqliteStore)
    store._guard._companions_at -= 2 * COMPANIONS_SECONDS


# The path leads elsewhere.


def delete(path: Path) -> None:
    path.unlink()


def delete_everything(path: Path) -> None:
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()


def move_away(path: Path) -> None:
    path.rename(beside(path, ".moved"))


def replace_by_a_copy(path: Path) -> None:
    copy = beside(path, ".copy")
    shutil.copyfile(path, copy)
    copy.replace(path)


def replace_by_a_new_ledger(path: Path) -> None:
    delete_everything(path)
    make_a_ledger(path)


def make_a_ledger(path: Path) -> None:
    """In another process, as another bot would."""
    made = f"from pathlib import Path; from klingbot.store import open_store; open_store(Path({str(path)!r})).close()"
    subprocess.run([sys.executable, "-c", made], check=True, timeout=60)


def move_the_folder(path: Path) -> None:
    path.parent.rename(beside(path.parent, ".moved"))


def replace_the_folder(path: Path) -> None:
    """As where a volume is not mounted any more."""
    move_the_folder(path)
    path.parent.mkdir()


def forget_the_log(path: Path) -> None:
    beside(path, "-wal").unlink()


def forget_the_index(path: Path) -> None:
    beside(path, "-shm").unlink()


def replace_the_log(path: Path) -> None:
    beside(path, "-wal").rename(beside(path, "-was"))
    beside(path, "-wal").touch()


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (delete, "its file was deleted or moved"),
        (delete_everything, "its file was deleted or moved"),
        (move_away, "its file was deleted or moved"),
        (replace_by_a_copy, "another file has taken its place"),
        (replace_by_a_new_ledger, "another file has taken its place"),
        (move_the_folder, "its file was deleted or moved"),
        (replace_the_folder, "its file was deleted or moved"),
        (forget_the_log, "a file that belongs to it was deleted or replaced"),
        (forget_the_index, "a file that belongs to it was deleted or replaced"),
        (replace_the_log, "a file that belongs to it was deleted or replaced"),
    ],
)
def test_a_ledger_that_is_lost_takes_no_new_work(
    tmp_path: Path,
    empty_ledger: Path,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    loss: Callable[[Path], None],
    reason: str,
) -> None:
    path = tmp_path / "ledgers" / "klingbot.db"
    path.parent.mkdir()
    shutil.copyfile(empty_ledger, path)
    engine = engine_on(path, clock)
    kling = ScriptedKling()
    submitter = Submitter(engine, kling, api_key=True, poll_ms=5_000)  # type: ignore[arg-type]
    heartbeat = Heartbeat(engine)
    heartbeat.beat()
    hold(engine, "r1")
    loss(path)
    some_time_passes(engine.store)
    assert refuses(engine, "r2") == reason
    with suppress(DatabaseError):
        submitter.submit()
    assert kling.posted == []
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            heartbeat.beat()
    said = [record.message for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(said) == 2, "what happened, and what to do, once"
    assert str(path) in said[0]
    assert heartbeat.trouble() == f"the ledger is lost: {reason}; the bot's log says what to do"
    engine.store.close()


def engine_on(place: Place, clock: FakeClock) -> Engine:
    store = open_store(place)
    run_without_limit(store)
    return open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), clock)


def test_it_is_noticed_by_the_next_transaction_and_not_only_by_the_next_heartbeat(engine: Engine) -> None:
    hold(engine, "r1")
    delete(path_of(engine.store))
    refuses(engine, "r2")


def test_a_link_that_leads_to_another_ledger_is_noticed(tmp_path: Path, empty_ledger: Path, clock: FakeClock) -> None:
    for name in ("a.db", "b.db"):
        shutil.copyfile(empty_ledger, tmp_path / name)
    link = tmp_path / "current.db"
    link.symlink_to(tmp_path / "a.db")
    engine = engine_on(link, clock)
    hold(engine, "r1")
    link.unlink()
    link.symlink_to(tmp_path / "b.db")
    assert refuses(engine, "r2") == "another file has taken its place"
    link.unlink()
    link.symlink_to(tmp_path / "a.db")
    hold(engine, "r2")
    prove(engine.store)
    engine.store.close()


def test_a_relative_path_is_watched_where_it_led_at_the_start(
    tmp_path: Path, empty_ledger: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bot"
    folder.mkdir()
    shutil.copyfile(empty_ledger, folder / "klingbot.db")
    monkeypatch.chdir(folder)
    engine = engine_on(Path("klingbot.db"), clock)
    hold(engine, "r1")
    folder.rename(tmp_path / "elsewhere")
    refuses(engine, "r2")
    (tmp_path / "elsewhere").rename(folder)
    hold(engine, "r2")
    engine.store.close()


@pytest.mark.parametrize("with_companions", [False, True])
def test_it_goes_on_when_its_file_is_back(engine: Engine, with_companions: bool) -> None:
    path, heartbeat = path_of(engine.store), Heartbeat(engine)
    heartbeat.beat()
    first = hold(engine, "r1")
    names = [path, beside(path, "-wal"), beside(path, "-shm")] if with_companions else [path]
    for each in names:
        each.rename(beside(each, ".away"))
    heartbeat.beat()
    refuses(engine, "r2")
    for each in names:
        beside(each, ".away").rename(each)
    heartbeat.beat()
    assert heartbeat.trouble() is None
    second = hold(engine, "r2")
    assert {job.id for job in jobs.live(engine.store.read(), None, most=9)} == {first.id, second.id}
    prove(engine.store)


def test_the_log_says_where_a_ledger_that_was_moved_is(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    path, heartbeat = path_of(engine.store), Heartbeat(engine)
    move_away(path)
    heartbeat.beat()
    assert f"The ledger is at {beside(path, '.moved')} now. Move it back" in caplog.text
    assert list(path.parent.glob("*rescued*")) == []


def test_nothing_makes_a_new_file_where_the_ledger_was(engine: Engine) -> None:
    path = path_of(engine.store)
    delete_everything(path)
    refuses(engine, "r1")
    with ThreadPoolExecutor(1) as another_thread:
        reading = another_thread.submit(lambda: engine.store.read().execute("SELECT 1"))
        assert isinstance(reading.exception(30), LedgerLostError), "it would read another file"
    assert not path.exists()


# What only the process that has it open can still read.


@pytest.mark.parametrize("loss", [delete, delete_everything, replace_by_a_new_ledger])
def test_what_a_deleted_ledger_contained_is_saved_beside_it(
    engine: Engine, clock: FakeClock, caplog: pytest.LogCaptureFixture, loss: Callable[[Path], None]
) -> None:
    path, heartbeat = path_of(engine.store), Heartbeat(engine)
    job = hold(engine, "r1")
    loss(path)
    for _ in range(2):
        heartbeat.beat()
    [saved] = path.parent.glob("*rescued*")
    assert saved.name == "klingbot.db.rescued-20261123T120000Z"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert f"Everything that it contained is saved in {saved}" in caplog.text
    engine.store.close()
    delete_everything_but(saved)
    saved.rename(path)
    again = engine_on(path, clock)
    assert jobs.get(again.store.read(), job.id) is not None
    prove(again.store)
    hold(again, "r2")
    again.store.close()


def delete_everything_but(saved: Path) -> None:
    for each in saved.parent.iterdir():
        if each != saved:
            each.unlink()


def test_a_ledger_that_was_deleted_by_mistake_is_not_begun_anew(engine: Engine, clock: FakeClock) -> None:
    path, heartbeat = path_of(engine.store), Heartbeat(engine)
    hold(engine, "r1")
    delete_everything(path)
    heartbeat.beat()
    engine.store.close()
    [saved] = path.parent.glob("*rescued*")
    with pytest.raises(DatabaseError, match=f"is in {saved}. Rename that to klingbot.db"):
        open_store(path)
    assert not path.exists()
    saved.unlink()
    open_store(path).close()


def test_a_log_without_its_ledger_is_left_alone(tmp_path: Path) -> None:
    """SQLite would delete it beside a new file."""
    path = tmp_path / "klingbot.db"
    beside(path, "-wal").write_bytes(b"what was written last")
    with pytest.raises(DatabaseError, match=r"is missing, but its log klingbot.db-wal is there"):
        open_store(path)
    assert beside(path, "-wal").read_bytes() == b"what was written last"
    assert not path.exists()


def test_where_only_the_log_was_deleted_everything_goes_into_the_file(
    engine: Engine, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    path, heartbeat = path_of(engine.store), Heartbeat(engine)
    job = hold(engine, "r1")
    forget_the_log(path)
    some_time_passes(engine.store)
    heartbeat.beat()
    assert "Everything is in" in caplog.text and "Restart the bot." in caplog.text
    copy = beside(path, ".as-a-restart-finds-it")
    copy_over(path, copy)
    again = engine_on(copy, clock)
    assert jobs.get(again.store.read(), job.id) is not None
    prove(again.store)
    again.store.close()


def test_where_another_program_may_have_written_since_nothing_is_written_over_it(
    engine: Engine, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    path, heartbeat = path_of(engine.store), Heartbeat(engine)
    job = hold(engine, "r1")
    replace_the_log(path)
    before = path.read_bytes()
    some_time_passes(engine.store)
    heartbeat.beat()
    assert path.read_bytes() == before
    [saved] = path.parent.glob("*rescued*")
    assert f"is saved in {saved}" in caplog.text
    copy = path.parent / "elsewhere.db"
    saved.rename(copy)
    again = engine_on(copy, clock)
    assert jobs.get(again.store.read(), job.id) is not None
    again.store.close()


def test_a_bot_whose_ledger_was_replaced_leaves_the_other_ones_log_alone(
    engine: Engine, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """SQLite deletes the log by its name when it is closed, and with it what another bot has just written."""
    path = path_of(engine.store)
    hold(engine, "r1")
    delete_everything(path)
    code = (
        "import sys; from tests.both_databases.test_lost_ledger import *;"
        "clock = FakeClock(0); clock.set(2026, 11, 23);"
        f"engine = engine_on(Path({str(path)!r}), clock); hold(engine, 'theirs');"
        "print('held', flush=True); sys.stdin.read(); prove(engine.store); hold(engine, 'more')"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout and other.stdout.readline() == b"held\n"
        engine.store.close()
        assert beside(path, "-wal").exists()
        other.communicate(timeout=60)
        assert other.returncode == 0


# The content is another.


def test_an_older_copy_that_is_written_over_it_is_noticed(engine: Engine, tmp_path: Path) -> None:
    path, older = path_of(engine.store), tmp_path / "older.db"
    hold(engine, "r1")
    checkpoint(engine.store)
    copy_over(path, older)
    hold(engine, "r2")
    checkpoint(engine.store)
    hold(engine, "r3")
    copy_over(older, path)
    assert refuses(engine, "r4") == "an older copy was written over its file"


def test_a_backup_that_is_written_over_it_is_noticed_whatever_its_age(engine: Engine, tmp_path: Path) -> None:
    path, backup = path_of(engine.store), tmp_path / "backup.db"
    hold(engine, "r1")
    back_up(path, backup)
    copy_over(backup, path)
    assert refuses(engine, "r2") == "another ledger was written over its file"


def test_another_ledger_that_is_written_over_it_is_noticed(engine: Engine, tmp_path: Path) -> None:
    path, other = path_of(engine.store), tmp_path / "other.db"
    hold(engine, "r1")
    open_store(other).close()
    copy_over(other, path)
    assert refuses(engine, "r2") == "another ledger was written over its file"


@pytest.mark.parametrize("size", [0, 100, 4_096, 40_000])
def test_a_file_that_is_cut_off_is_noticed(engine: Engine, size: int) -> None:
    path, heartbeat = path_of(engine.store), Heartbeat(engine)
    hold(engine, "r1")
    os.truncate(path, size)
    assert refuses(engine, "r2") == "its file was cut off or damaged"
    heartbeat.beat()
    assert heartbeat.trouble() is not None


def test_a_file_that_is_filled_with_something_else_is_noticed(engine: Engine) -> None:
    path = path_of(engine.store)
    hold(engine, "r1")
    path.write_bytes(b"not a database" * 10_000)
    assert refuses(engine, "r2") == "its file was cut off or damaged"


def test_a_log_that_is_cut_off_is_noticed(engine: Engine) -> None:
    path, heartbeat = path_of(engine.store), Heartbeat(engine)
    heartbeat.beat()
    some_time_passes(engine.store)
    hold(engine, "r1")
    os.truncate(beside(path, "-wal"), 0)
    some_time_passes(engine.store)
    with pytest.raises(NotKeptError):
        hold(engine, "r2")
    heartbeat.beat()
    assert heartbeat.trouble() is not None


def test_what_sqlite_does_to_its_own_file_is_no_loss(engine: Engine) -> None:
    for n in range(40):
        hold(engine, f"r{n}")
        if n % 5 == 0:
            checkpoint(engine.store)
    with closing(sqlite3.connect(path_of(engine.store))) as another_program:
        another_program.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    some_time_passes(engine.store)
    hold(engine, "after")
    prove(engine.store)


def test_a_file_that_was_only_touched_is_no_loss(engine: Engine) -> None:
    path = path_of(engine.store)
    hold(engine, "r1")
    os.utime(path)
    path.chmod(0o600)
    hold(engine, "r2")


# The lock beside it.


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_two_bots_whose_lock_was_deleted_still_write_one_after_the_other(engine: Engine, how: str) -> None:
    path = path_of(engine.store)
    lock = beside(path, ".lock")
    hold(engine, "r1")
    with closing(open_store(path)) as other:
        lock.unlink()
        if how == "replaced":
            lock.touch()
        with engine.store.write() as tx:
            assert lock.exists()
            with pytest.raises(DatabaseError, match="Another process keeps"):
                assert isinstance(other, SqliteStore)
                other._turn.take(0)
            tx.abandon()
        hold(replace(engine, store=other), "r2")
        hold(engine, "r3")
    prove(engine.store)


# PostgreSQL.


@pytest.mark.backend("postgres")
def test_a_database_that_is_dropped_and_made_anew_takes_no_new_work(postgres: PostgresServer, clock: FakeClock) -> None:
    postgres.run("CREATE DATABASE dropped")
    place = DatabaseUrl(postgres.url("dropped"))
    engine = engine_on(place, clock)
    heartbeat = Heartbeat(engine)
    heartbeat.beat()
    hold(engine, "r1")
    try:
        postgres.run("DROP DATABASE dropped WITH (FORCE)")
        with pytest.raises(DatabaseError):
            hold(engine, "r2")
        postgres.run("CREATE DATABASE dropped")
        assert refuses(engine, "r2") == "its tables are gone"
        open_store(place).close()  # another bot
        assert refuses(engine, "r2") == "another ledger has taken its place"
        heartbeat.beat()
        assert heartbeat.trouble() == (
            "the ledger is lost: another ledger has taken its place; the bot's log says what to do"
        )
        again = engine_on(place, clock)
        hold(again, "r2")
        again.store.close()
    finally:
        engine.store.close()
        postgres.run("DROP DATABASE dropped WITH (FORCE)")


@pytest.mark.backend("sqlite", "postgres")
def test_the_admins_hear_of_a_database_that_is_in_an_older_state(engine: Engine) -> None:
    """As after a standby took over that lacked the newest changes: it is the only ledger, so work goes on in it."""
    heartbeat = Heartbeat(engine)
    for _ in range(3):
        heartbeat.beat()
    assert queued(engine.store, Unsound) == []
    with engine.store.write() as tx:
        tx.execute("UPDATE _ledger SET beats = beats - 2")
    for _ in range(3):
        heartbeat.beat()
    assert [content.what for content in queued(engine.store, Unsound)] == ["older state"]
    hold(engine, "r1")


@pytest.mark.backend("sqlite", "postgres")
def test_a_ledger_keeps_its_id_and_no_other_has_it(engine: Engine) -> None:
    first = ledger_identity.get(engine.store.read())
    assert first and len(first) == 32
    with closing(open_store(engine.store.place)) as again:
        assert ledger_identity.get(again.read()) == first


# What people read.


def test_a_person_hears_that_nothing_was_reserved_and_who_can_help() -> None:
    said = short_answers.nothing_kept(LedgerFault.LOST).text
    assert said.startswith("My ledger is missing. Nothing was reserved or changed.")
    assert "the person who runs Klingbot" in said


def test_doctor_names_a_copy_that_was_saved(engine: Engine) -> None:
    path = path_of(engine.store)
    beside(path, ".rescued-20261123T120000Z").touch()
    findings = check_up({"KLINGBOT_DB": str(path)}, 0, offline=True).findings
    [found] = [each for each in findings if "rescued" in each.said]
    assert found.health is Health.WARNING


# The real bot.


def state_of_the_only_job(path: Path) -> str | None:
    with snapshot(path) as db:
        row = db.execute("SELECT state FROM jobs").fetchone()
        return row["state"] if row else None


@pytest.mark.slow
def test_a_bot_whose_ledger_is_deleted_starts_nothing_at_kling_and_goes_on_with_what_it_saved(tmp_path: Path) -> None:
    path = tmp_path / "klingbot.db"
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/healthz"

    def health() -> dict[str, object]:
        found: dict[str, object] = requests.get(url, timeout=30).json()
        return found

    with ExitStack() as stack:
        local = sandbox.start(kling_seconds=3)
        stack.callback(local.stop)
        with live_bot(local, tmp_path, "first", HOST="127.0.0.1", PORT=str(port)) as bot:
            bot.wait_until_ready()
            local.send(BOB, "C0GENERAL1", "/kling generate a fox in snow")
            until(lambda: state_of_the_only_job(path) == "submitted", "Kling has the first video")
            delete_everything(path)
            for n in range(5):
                local.send(BOB, "C0GENERAL1", f"/kling generate fox number {n}")
            until(lambda: str(whispers(local, BOB)).count("Nothing was reserved") == 5, "Bob has heard it each time")
            until(lambda: not health()["ready"], "the bot says that it cannot work")
            until(lambda: "rescued-" in bot.said(), "its content is saved")
            assert len(local.kling.tasks) == 1
            assert "the ledger is lost" in str(health()["reason"])
            assert bot.said().count("ERROR") == 2
        begun = [sys.executable, str(ROOT / "bot.py"), "migrate"]
        refused = subprocess.run(begun, env={"KLINGBOT_DB": str(path)}, capture_output=True, timeout=60, check=False)
        assert refused.returncode == 2
        assert b"Rename that to klingbot.db" in refused.stderr
        [saved] = tmp_path.glob("klingbot.db.rescued-*")
        saved.rename(path)
        with live_bot(local, tmp_path, "second") as bot:
            bot.wait_until_ready()
            with closing(open_store(path)) as store:
                until(lambda: jobs.ended(store.read(), None, most=2) != [], "the first video is finished")
                assert len(jobs.ended(store.read(), None, most=9)) == 1
                prove(store)
