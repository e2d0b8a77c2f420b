"""What the ledger's file does when it cannot be written: a sentence in time, nothing kept, and on it goes."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from klingbot.domain.ledger_faults import LedgerFault
from klingbot.engine import Engine
from klingbot.store import NotKeptError, Store, open_store
from klingbot.store.backend.sqlite import SqliteStore
from tests.support.ledger_checks import hold, prove

pytestmark = pytest.mark.backend("sqlite")
MOMENT = 0.2


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the ledger is opened: its connections wait so long for other programs."""
    monkeypatch.setattr("klingbot.store.backend.sqlite.sqlite_store.PATIENCE_SECONDS", MOMENT)


@pytest.fixture
def other(store: Store) -> Iterator[Store]:
    """As another bot has the file open."""
    with closing(open_store(store.place)) as opened:
        yield opened


def refused_in_time(engine: Engine, request_id: str) -> None:
    began = time.monotonic()
    with pytest.raises(NotKeptError):
        hold(engine, request_id)
    assert time.monotonic() - began < MOMENT + 1
    assert engine.store.read().execute("SELECT count(*) FROM jobs").fetchone()[0] == 0


def test_while_another_bot_keeps_the_file_a_hold_is_refused_in_time(engine: Engine, other: Store) -> None:
    with other.write(patient=True):
        refused_in_time(engine, "r1")
    hold(engine, "r1")
    prove(engine.store)


def test_while_another_thread_writes_for_long_a_hold_is_refused_in_time(engine: Engine) -> None:
    begun, enough = threading.Event(), threading.Event()

    def write() -> None:
        with engine.store.write(patient=True):
            begun.set()
            enough.wait(30)

    writing = threading.Thread(target=write)
    writing.start()
    begun.wait(30)
    refused_in_time(engine, "r1")
    enough.set()
    writing.join()
    hold(engine, "r1")


def test_while_another_program_keeps_the_file_a_hold_is_refused_in_time(engine: Engine) -> None:
    assert isinstance(engine.store.place, Path)
    with closing(sqlite3.connect(engine.store.place, isolation_level=None)) as program:
        program.execute("BEGIN IMMEDIATE")
        refused_in_time(engine, "r1")
        program.execute("ROLLBACK")
    hold(engine, "r1")


def test_who_is_patient_waits_for_another_bot(engine: Engine, other: Store) -> None:
    """The check-up that makes all sums anew takes longer than anybody in Slack may wait."""
    waited = threading.Event()

    def rebuild() -> None:
        with engine.store.write(patient=True) as tx:
            tx.abandon()
        waited.set()

    with other.write(patient=True):
        waiting = threading.Thread(target=rebuild)
        waiting.start()
        assert not waited.wait(2 * MOMENT)
    waiting.join(30)
    assert waited.is_set()


def test_on_a_full_disk_nothing_is_kept_and_it_goes_on_when_there_is_room(engine: Engine) -> None:
    assert isinstance(engine.store, SqliteStore)
    connection = engine.store._writer.conn
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(NotKeptError, match="disk is full") as refused:
        for n in range(1_000):
            hold(engine, f"r{n}")
    assert refused.value.fault is LedgerFault.FULL
    prove_what_is_kept(engine)
    connection.execute("PRAGMA max_page_count = 1000000")
    hold(engine, "later")
    prove(engine.store)


def prove_what_is_kept(engine: Engine) -> None:
    rows = engine.store.read().execute("SELECT (SELECT count(*) FROM jobs), (SELECT count(*) FROM entries)").fetchone()
    assert rows[0] == rows[1]


def test_a_mistake_in_a_statement_is_not_taken_for_trouble_with_the_file(engine: Engine) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"), engine.store.write() as tx:
        tx.execute("SELECT * FROM nowhere")
    hold(engine, "r1")
