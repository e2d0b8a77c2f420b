"""Many people, many threads, several processes on one file: nothing is overspent, handed out twice or told twice."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest

from klingbot.domain import prices
from klingbot.domain.budgets import WORKSPACE, Total
from klingbot.domain.jobs import JobState, id_for
from klingbot.domain.money import Amount
from klingbot.domain.notifications import Crossed, TurnedAway
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.engine import Engine, budgets, cancellation, job_requests, kling_results, open_engine, usage
from klingbot.engine.budgets import Change
from klingbot.engine.hold_outcomes import Held
from klingbot.store import jobs, open_store, outbox, outbox_leases
from klingbot.store.backend.location import Place
from tests.conftest import FakeClock
from tests.support.ledger_checks import ask, hold, nine_totals, prove, queued, slack_takes_everything, submit

pytestmark = pytest.mark.both_databases

T = TypeVar("T")

PROCESSES, THREADS = 3, 6
ROOM = 10
TEN_JOBS = Amount(400_000, 24_000_000)
"""What ten videos of the guide's example cost."""


@contextmanager
def opened(place: Place, now: int) -> Iterator[Engine]:
    """The ledger as one process of several has it open."""
    store = open_store(place)
    yield open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), FakeClock(now))
    store.close()


def meet(folder: Path, n: int) -> None:
    """Waits for the other processes, so that none is done before another has begun."""
    (folder / f"process {n} is here").touch()
    for _ in range(3_000):
        if len(list(folder.glob("process * is here"))) == PROCESSES:
            return
        time.sleep(0.01)
    raise TimeoutError("the other processes did not come")


def at_once(work: Callable[[int], T], times: int) -> list[T]:
    """Runs the work in that many threads, which all begin together; an error in any of them is raised."""
    gate = threading.Barrier(times)

    def run(n: int) -> T:
        gate.wait(30)
        return work(n)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def in_processes(work: Callable[[Place, Path, int, int], list[T]], engine: Engine) -> list[T]:
    """Runs the work in fresh processes, each with its own connections, and collects what they return."""
    with TemporaryDirectory() as folder, ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        place, now = engine.store.place, engine.clock()
        running = [pool.submit(work, place, Path(folder), now, n) for n in range(PROCESSES)]
        return [each for done in running for each in done.result(timeout=60)]


def room_for_ten(engine: Engine) -> None:
    budgets.set_budget(engine, Change(WORKSPACE, PeriodKind.DAILY, TEN_JOBS.millicredits), by="UADMIN")


def proved_full(engine: Engine) -> None:
    today = budgets.standings(engine)[0]
    assert today.total == Total(held=TEN_JOBS)
    prove(engine.store)


def test_room_for_ten_admits_exactly_ten_of_many_threads(engine: Engine) -> None:
    slack_takes_everything(engine.store)
    room_for_ten(engine)

    def many(n: int) -> list[str]:
        return [type(job_requests.hold(engine, ask(f"{n} {i}", user_id=f"U{n}"))).__name__ for i in range(5)]

    outcomes = Counter(name for names in at_once(many, 8) for name in names)
    assert outcomes == {"Held": ROOM, "BudgetExceeded": 30}
    proved_full(engine)
    assert len(queued(engine.store, TurnedAway)) == 1
    assert [content.marks for content in queued(engine.store, Crossed)] == [("80",), ("100",)]


def holding(place: Place, folder: Path, now: int, n: int) -> list[str]:
    with opened(place, now) as engine:
        meet(folder, n)

        def many(thread: int) -> list[str]:
            requests = [ask(f"{n} {thread} {i}", user_id=f"U{n}") for i in range(4)]
            return [type(job_requests.hold(engine, request)).__name__ for request in requests]

        return [name for names in at_once(many, THREADS) for name in names]


@pytest.mark.slow
def test_room_for_ten_admits_exactly_ten_of_several_processes(engine: Engine) -> None:
    slack_takes_everything(engine.store)
    room_for_ten(engine)
    outcomes = Counter(in_processes(holding, engine))
    assert outcomes == {"Held": ROOM, "BudgetExceeded": PROCESSES * THREADS * 4 - ROOM}
    proved_full(engine)
    assert len(queued(engine.store, TurnedAway)) == 1


def asking_the_same(place: Place, folder: Path, now: int, n: int) -> list[tuple[str, str]]:
    with opened(place, now) as engine:
        meet(folder, n)

        def many(thread: int) -> list[tuple[str, str]]:
            return [(f"r{i}", type(job_requests.hold(engine, ask(f"r{i}"))).__name__) for i in range(8)]

        return [each for found in at_once(many, THREADS) for each in found]


@pytest.mark.slow
def test_one_request_delivered_to_every_process_is_held_once(engine: Engine) -> None:
    outcomes = Counter(in_processes(asking_the_same, engine))
    deliveries = PROCESSES * THREADS
    assert outcomes == {
        (f"r{i}", name): times for i in range(8) for name, times in [("Held", 1), ("Repeated", deliveries - 1)]
    }
    prove(engine.store)


def claiming(place: Place, folder: Path, now: int, n: int) -> list[tuple[str, str]]:
    """Claims jobs and outbox messages until none are left."""
    with opened(place, now) as engine:
        meet(folder, n)

        def take(thread: int) -> list[tuple[str, str]]:
            taken: list[tuple[str, str]] = []
            while True:
                with engine.store.write() as tx:
                    found = [
                        ("job", job.id)
                        for job in jobs.claim(tx, JobState.HELD, now=now, lease_until=now + 60_000, most=3)
                    ]
                    message = outbox_leases.claim(tx, now=now, lease_until=now + 60_000)
                found += [("message", message.key)] if message else []
                if not found:
                    return taken
                taken += found

        return [each for found in at_once(take, THREADS) for each in found]


@pytest.mark.slow
def test_no_job_and_no_message_is_handed_out_twice(engine: Engine) -> None:
    waiting = {("job", hold(engine, f"r{n}", user_id=f"U{n}").id) for n in range(60)}
    with engine.store.write() as tx:
        for n in range(40):
            outbox.put(tx, f"m{n}", "submitting resumed", {"reason": ""}, at=engine.clock(), channel_id=f"C{n}")
    waiting |= {("message", f"m{n}") for n in range(40)}
    taken = in_processes(claiming, engine)
    assert len(taken) == len(waiting)
    assert set(taken) == waiting


def test_only_one_of_many_endings_counts(engine: Engine) -> None:
    job = submit(engine, hold(engine, "r1"))
    verdict = kling_results.succeeded, kling_results.failed

    def end(n: int) -> bool:
        if n % 2:
            return verdict[1](engine, job, "too dark") is not None
        return verdict[0](engine, job, units=None, video_url="https://kling.test/v.mp4") is not None

    assert at_once(end, 10).count(True) == 1
    assert set(nine_totals(engine, job).values()) in ({Total()}, {Total(settled=job.quote)})
    prove(engine.store)


def test_a_job_is_either_cancelled_or_sent_never_both(engine: Engine) -> None:
    waiting = [hold(engine, f"r{n}") for n in range(20)]

    def race(n: int) -> list[bool]:
        if n:
            return [
                kling_results.submitting(engine, job, "/v1/videos/text2video", due_at=0) is not None for job in waiting
            ]
        outcomes = [cancellation.cancel(engine, job.id, user_id="U1", is_admin=False) for job in waiting]
        return [isinstance(outcome, cancellation.Cancelled) for outcome in outcomes]

    cancelled, sent = at_once(race, 2)
    assert all(was != went for was, went in zip(cancelled, sent, strict=True))
    prove(engine.store)


def test_readers_see_whole_transactions_while_others_write(engine: Engine) -> None:
    done = threading.Event()

    def work(n: int) -> int:
        if n:
            for i in range(40):
                hold(engine, f"{n} {i}", user_id=f"U{n}")
            done.set()
            return 0
        looks = 0
        while not done.is_set():
            committed = usage.usage(engine, WORKSPACE, PeriodKind.DAILY, "model").total.committed
            assert committed.millicredits % 40_000 == 0
            assert committed.microusd == committed.millicredits * 60
            looks += 1
        return looks

    assert at_once(work, 3)[0] > 0


@pytest.mark.backend("sqlite")
def test_another_program_that_writes_to_the_file_only_makes_us_wait(engine: Engine) -> None:
    done = threading.Event()

    def meddle() -> None:
        with closing(sqlite3.connect(engine.store.place, isolation_level=None, timeout=10)) as shell:
            while not done.is_set():
                shell.execute("BEGIN IMMEDIATE")
                shell.execute("INSERT INTO projects VALUES ('C9', 'x') ON CONFLICT (channel_id) DO NOTHING")
                shell.execute("UPDATE projects SET project = project || 'x' WHERE channel_id = 'C9'")
                shell.execute("COMMIT")
                time.sleep(0.002)

    meddler = threading.Thread(target=meddle)
    meddler.start()
    try:
        for n in range(60):
            job = hold(engine, f"r{n}")
            room_for_ten(engine)
            cancellation.cancel(engine, job.id, user_id="U1", is_admin=False)
    finally:
        done.set()
        meddler.join(30)
    prove(engine.store)


def test_two_stores_in_one_process_take_turns_too(engine: Engine) -> None:
    room_for_ten(engine)
    with opened(engine.store.place, engine.clock()) as other:
        both = (engine, other)
        answers = at_once(lambda n: [job_requests.hold(both[n % 2], ask(f"{n} {i}")) for i in range(5)], 4)
    held = [answer for several in answers for answer in several if isinstance(answer, Held)]
    assert len(held) == ROOM
    assert {each.job.id for each in held} <= {id_for(f"{n} {i}") for n in range(4) for i in range(5)}
    proved_full(engine)
