"""A backup is made while the bot runs, is whole, and never overwrites anything."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

import bot
from klingbot.engine import Engine, open_engine
from klingbot.store import DatabaseError, open_store
from klingbot.store.maintenance import backup as backups
from klingbot.store.maintenance.backup import BackupError, back_up
from tests.support.ledger_checks import hold, prove, rows_of, settle

pytestmark = pytest.mark.backend("sqlite")

TABLES = ("jobs", "entries", "totals", "daily_spend", "budgets", "outbox", "facts")


@pytest.fixture
def spent(engine: Engine) -> Engine:
    for n in range(5):
        settle(engine, hold(engine, f"done {n}"))
    hold(engine, "waiting")
    return engine


def test_a_backup_holds_every_row_and_can_be_run_from(spent: Engine, tmp_path: Path) -> None:
    made = back_up(spent.store.place, tmp_path / "copy.db")
    assert (made.rows["jobs"], made.rows["entries"]) == (6, 11)
    assert made.size == made.path.stat().st_size
    restored = open_store(made.path)
    for table in TABLES:
        assert rows_of(restored.read(), table) == rows_of(spent.store.read(), table)
    prove(restored)
    engine = open_engine(restored, spent.prices, spent.calendar, spent.clock)
    settle(engine, hold(engine, "after the restore"))
    prove(restored)
    restored.close()


def test_a_backup_is_one_file_and_leaves_nothing_beside_it(spent: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    back_up(spent.store.place, folder / "copy.db")
    assert [path.name for path in folder.iterdir()] == ["copy.db"]


def test_a_backup_while_the_bot_writes_is_of_one_moment(spent: Engine, tmp_path: Path) -> None:
    stopping, written = threading.Event(), threading.Event()

    def write() -> None:
        n = 0
        while not stopping.is_set():
            settle(spent, hold(spent, f"meanwhile {n}"))
            n += 1
            written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(30)
        made = [back_up(spent.store.place, tmp_path / f"copy-{n}.db") for n in range(5)]
    finally:
        stopping.set()
        writer.join()
    assert made[0].rows["jobs"] < made[-1].rows["jobs"] < len(rows_of(spent.store.read(), "jobs")) + 1
    for each in made:
        restored = open_store(each.path)
        prove(restored)
        restored.close()


def test_an_existing_file_is_never_overwritten(spent: Engine, tmp_path: Path) -> None:
    precious = tmp_path / "precious.db"
    precious.write_text("precious")
    with pytest.raises(BackupError, match="not overwritten"):
        back_up(spent.store.place, precious)
    assert precious.read_text() == "precious"


def test_a_file_that_appears_meanwhile_is_not_overwritten_either(
    spent: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "copy.db"
    monkeypatch.setattr(backups, "_prove", lambda *_: target.write_text("somebody else's"))
    with pytest.raises(BackupError, match="not overwritten"):
        back_up(spent.store.place, target)
    assert target.read_text() == "somebody else's"


def test_a_copy_that_its_entries_do_not_prove_is_not_called_a_backup(spent: Engine, tmp_path: Path) -> None:
    with spent.store.write() as tx:
        tx.execute("UPDATE totals SET settled_microusd = settled_microusd + 1 WHERE scope = 'workspace'")
    with pytest.raises(BackupError, match="the total of workspace is off"):
        back_up(spent.store.place, tmp_path / "copy.db")
    assert not list(tmp_path.glob("*copy*"))


def test_a_damaged_copy_is_not_called_a_backup(spent: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = backups._copy

    def copy_badly(source: Path, target: Path) -> dict[str, int]:
        rows = copy(source, target)
        with target.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 4096)
        return rows

    monkeypatch.setattr(backups, "_copy", copy_badly)
    with pytest.raises(BackupError):
        back_up(spent.store.place, tmp_path / "copy.db")
    assert not list(tmp_path.glob("*copy*"))


def test_a_copy_that_lost_rows_is_not_called_a_backup(
    spent: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = backups._copy

    def lose_a_row(source: Path, target: Path) -> dict[str, int]:
        rows = copy(source, target)
        connection = sqlite3.connect(target)
        with connection:
            connection.execute("DELETE FROM facts")
        connection.close()
        return rows

    monkeypatch.setattr(backups, "_copy", lose_a_row)
    with pytest.raises(BackupError, match="were to be copied"):
        back_up(spent.store.place, tmp_path / "copy.db")


def test_without_a_ledger_or_a_folder_nothing_is_made(spent: Engine, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="There is no database"):
        back_up(tmp_path / "none.db", tmp_path / "copy.db")
    with pytest.raises(BackupError, match="No such file or directory"):
        back_up(spent.store.place, tmp_path / "nowhere" / "copy.db")
    assert not list(tmp_path.glob("*copy*"))


def test_the_command_says_what_it_made_and_fails_without_a_traceback(
    spent: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLINGBOT_DB", str(spent.store.place))
    target = str(tmp_path / "copy.db")
    made = CliRunner().invoke(bot.cli, ["backup", target])
    assert made.exit_code == 0
    assert "6 jobs and 11 entries" in made.output
    again = CliRunner().invoke(bot.cli, ["backup", target])
    assert (again.exit_code, "is there already" in again.output) == (1, True)
    assert "Traceback" not in again.output
