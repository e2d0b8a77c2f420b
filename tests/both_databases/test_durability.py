"""What was acknowledged is there after kill -9, and the ledger still adds up."""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing, suppress
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from klingbot.domain import prices
from klingbot.domain.jobs import JobState
from klingbot.domain.periods import Calendar
from klingbot.engine import kling_results, open_engine
from klingbot.store import Store, jobs, open_store
from klingbot.store.backend.location import Place
from tests.conftest import FakeClock, run_without_limit
from tests.support.ledger_checks import hold, prove, settle, submit
from tests.support.live_bot import until

pytestmark = pytest.mark.both_databases

KILLS, KILLS_ON_POSTGRES = 8, 3
"""What a killed process does to its own file is the harder case; a server goes on living."""
NOON = 1_795_435_200_000
"""On 23 November 2026."""


def work_until_killed(place: Place, life: int, acknowledged: Connection) -> None:
    """Holds, settles and releases without end, and says each time what is now certain."""
    store = open_store(place)
    run_without_limit(store)
    engine = open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), FakeClock(NOON))
    for n in count():
        job = hold(engine, f"{life} {n}")
        acknowledged.send((job.id, JobState.HELD))
        if n % 3 == 0:
            acknowledged.send((settle(engine, job).id, JobState.SUCCEEDED))
        elif n % 3 == 1:
            kling_results.failed(engine, submit(engine, job), "too dark")
            acknowledged.send((job.id, JobState.FAILED))


def heard(acknowledged: Connection, last: dict[str, JobState]) -> None:
    """Keeps the last word on each job; the pipe ends where the process was killed."""
    with suppress(EOFError, OSError):
        while True:
            job_id, state = acknowledged.recv()
            last[job_id] = state


@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost_when_the_bot_is_killed(place: Place) -> None:
    moments = random.Random(20_261_123)
    processes = get_context("forkserver")
    # So that each life begins at once.
    processes.set_forkserver_preload(["klingbot.engine", "klingbot.domain.prices", "psycopg", "pytest"])
    for life in range(KILLS if isinstance(place, Path) else KILLS_ON_POSTGRES):
        ours, theirs = processes.Pipe(duplex=False)
        worker = processes.Process(target=work_until_killed, args=(place, life, theirs), daemon=True)
        worker.start()
        theirs.close()
        acknowledged: dict[str, JobState] = {}
        listener = threading.Thread(target=heard, args=(ours, acknowledged))
        listener.start()
        wanted = moments.randint(1, 20)
        until(lambda: len(acknowledged) >= wanted, "the worker has done something")  # noqa: B023
        time.sleep(moments.uniform(0, 0.005))
        worker.kill()
        worker.join(30)
        listener.join(30)
        with closing(open_store(place)) as store:
            prove(store)
            for job_id, state in acknowledged.items():
                job = jobs.get(store.read(), job_id)
                assert job is not None, f"job {job_id} was acknowledged and is gone"
                # The kill may have come between the next commit and its word.
                assert job.state is state or state is JobState.HELD


def pragmas_of(db: Any) -> dict[str, Any]:
    names = ("journal_mode", "synchronous", "foreign_keys", "mmap_size")
    rows = {name: db.execute(f"PRAGMA {name}").fetchone() for name in names}
    return {name: row[0] if row else None for name, row in rows.items()}


@pytest.mark.backend("sqlite")
def test_every_connection_waits_for_the_disk(store: Store) -> None:
    found = [pragmas_of(store.read())]
    other_thread = threading.Thread(target=lambda: found.append(pragmas_of(store.read())))
    other_thread.start()
    other_thread.join(30)
    with store.write() as tx:
        found.append(pragmas_of(tx.db))
    full = 2
    assert found == [{"journal_mode": "wal", "synchronous": full, "foreign_keys": 1, "mmap_size": 0}] * 3


@pytest.mark.backend("sqlite")
def test_each_thread_reads_on_a_connection_of_its_own(store: Store) -> None:
    readers = [store.read(), store.read()]
    other_thread = threading.Thread(target=lambda: readers.append(store.read()))
    other_thread.start()
    other_thread.join(30)
    assert readers[0] is readers[1]
    assert readers[2] is not readers[0]
