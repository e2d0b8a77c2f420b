"""What the bot writes about people can be read by its own user alone, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

import bot
from klingbot.common import private_files
from klingbot.common.clock import now_ms
from klingbot.doctor import Health
from klingbot.doctor import ledger_health as ledger_checks
from klingbot.store import open_store
from klingbot.store.maintenance.backup import back_up
from klingbot.store.maintenance.ledger_copy import move

WIDE, NARROW = 0o000, 0o777


@pytest.fixture(params=[WIDE, 0o022, NARROW], ids=["umask 000", "umask 022", "umask 777"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    return {path.name: f"{stat.S_IMODE(path.stat().st_mode):o}" for path in folder.iterdir()}


def test_a_new_ledger_and_the_files_beside_it_are_its_owners_alone(umask: None, tmp_path: Path) -> None:
    with closing(open_store(tmp_path / "klingbot.db")) as store:
        with store.write() as tx:
            tx.execute("INSERT INTO facts (name, value) VALUES ('a', 'b')")
        store.read().execute("SELECT count(*) FROM facts").fetchone()
        names = ("klingbot.db", "klingbot.db-wal", "klingbot.db-shm", "klingbot.db.lock")
        assert modes(tmp_path) == dict.fromkeys(names, "600")


def test_the_file_behind_a_link_is_its_owners_alone(umask: None, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "klingbot.db")
    open_store(tmp_path / "link.db").close()
    assert modes(tmp_path)["klingbot.db"] == "600"


def test_a_backup_and_a_ledger_moved_to_are_their_owners_alone(umask: None, tmp_path: Path) -> None:
    open_store(tmp_path / "klingbot.db").close()
    (target := tmp_path / "copies").mkdir()
    target.chmod(0o700)
    back_up(tmp_path / "klingbot.db", target / "backup.db")
    move(tmp_path / "klingbot.db", target / "moved.db", now=now_ms())
    assert set(modes(target).values()) == {"600"}


def test_an_export_is_its_owners_alone(umask: None, tmp_path: Path) -> None:
    ledger = tmp_path / "klingbot.db"
    open_store(ledger).close()
    env = {"KLINGBOT_DB": str(ledger), "DATABASE_URL": ""}
    done = CliRunner().invoke(bot.cli, ["export", str(tmp_path / "jobs.csv")], env=env)
    assert done.exit_code == 0, done.output
    assert "jobs.csv" in modes(tmp_path)
    assert set(modes(tmp_path).values()) == {"600"}


def test_the_mode_of_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    ledger, exported = tmp_path / "klingbot.db", tmp_path / "jobs.csv"
    open_store(ledger).close()
    exported.touch()
    for path in (ledger, exported, Path(f"{ledger}.lock")):
        path.chmod(0o664)
    open_store(ledger).close()
    env = {"KLINGBOT_DB": str(ledger), "DATABASE_URL": ""}
    assert CliRunner().invoke(bot.cli, ["export", str(exported)], env=env).exit_code == 0
    assert set(modes(tmp_path).values()) == {"664"}


def test_a_group_that_shares_an_existing_ledger_shares_its_lock(tmp_path: Path) -> None:
    ledger = tmp_path / "klingbot.db"
    open_store(ledger).close()
    Path(f"{ledger}.lock").unlink()
    ledger.chmod(0o660)
    open_store(ledger).close()
    assert modes(tmp_path)["klingbot.db.lock"] == "660"


def test_what_is_replaced_stays_whole_until_the_new_content_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "jobs.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), private_files.replacing(path) as file:
        file.write("half of the n")
        raise ZeroDivisionError
    assert (path.read_text(), modes(tmp_path).keys()) == ("old", {"jobs.csv"})


@pytest.mark.parametrize("ending", ["", "-wal", ".lock"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_doctor_warns_while_others_have_access_and_changes_nothing(tmp_path: Path, ending: str, mode: int) -> None:
    ledger = tmp_path / "klingbot.db"
    with closing(open_store(ledger)):
        Path(f"{ledger}{ending}").chmod(mode)
        access = next(found for found in ledger_checks.check(ledger, now_ms()) if found.what == "access")
        assert access.health is Health.WARNING
        assert f"klingbot.db{ending}" in access.said and f"chmod 600 {ledger}{ending}" in (access.fix or "")
        assert private_files.mode_of(Path(f"{ledger}{ending}")) == mode
