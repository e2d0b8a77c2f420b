"""Several processes that hold on one file at once: how much, how long the unlucky wait, and that nothing breaks."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from bench import ledgers
from bench.measure import share
from bench.table import Row, Section, seconds
from klingbot.domain import prices
from klingbot.domain.budgets import WORKSPACE
from klingbot.domain.jobs import Request
from klingbot.domain.periods import PeriodKind
from klingbot.engine import budgets, job_requests, open_engine
from klingbot.engine.budgets import Change, standings
from klingbot.engine.hold_outcomes import BudgetExceeded, Held
from klingbot.store import open_store
from klingbot.store.backend.location import DatabaseUrl, Place

_THREADS = 8
_HOLD_MILLICREDITS = 40_000


@dataclass(frozen=True, slots=True)
class Outcome:
    a_second: float
    waits: list[float]
    held: int
    refused: int
    errors: list[str]


def section(folder: Path, seconds_each: float, repeats: int) -> Section:
    return Section("Writers together", rows(partial(_file, folder), seconds_each, repeats))


def _file(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name / "klingbot.db"


def rows(new_place: Callable[[str], Place], seconds_each: float, repeats: int) -> list[Row]:
    """Sizes take turns, so that a busy minute of the machine falls on all of them. Each needs a new, empty place."""
    sizes = {"one writer": (1, 1), "2 processes × 8 threads": (2, _THREADS), "4 processes × 8 threads": (4, _THREADS)}
    found: dict[str, list[Outcome]] = {name: [] for name in sizes}
    for turn in range(repeats):
        for name, (processes, threads) in sizes.items():
            place = new_place(f"{processes}_{threads}_{turn}")
            found[name].append(_together(place, processes, threads, seconds_each))
    alone = median(outcome.a_second for outcome in found["one writer"])
    return [*(_row(name, outcomes, alone) for name, outcomes in found.items()), _at_the_limit(new_place("limit"))]


def _row(name: str, outcomes: list[Outcome], alone: float) -> Row:
    rate = median(outcome.a_second for outcome in outcomes)
    waits = [wait for outcome in outcomes for wait in outcome.waits]
    errors = sum(len(outcome.errors) for outcome in outcomes)
    return Row(
        name,
        f"{rate:,.0f} holds/s; p50 {seconds(median(waits))}, p99 {seconds(share(waits, 99))}, "
        f"longest {seconds(max(waits))}",
        f"{rate / alone:.2f}× of one writer; {errors} errors",
        "no “database is locked”",
        errors == 0,
    )


def _at_the_limit(place: Place) -> Row:
    """Everybody holds against one budget that has room for 500, until all are refused."""
    room = 500
    outcome = _together(place, 4, _THREADS, 60, room=room)
    with ledgers.ledger_at(place) as engine:
        [standing] = standings(engine)
        ledgers.prove(engine.store)
    committed = standing.total.committed.millicredits // _HOLD_MILLICREDITS
    return Row(
        f"a budget with room for {room}, 4 processes × 8 threads",
        f"{outcome.held} held, {outcome.refused} refused, {committed} in the ledger, which its entries prove",
        f"{len(outcome.errors)} errors",
        "no overspend",
        committed == outcome.held == room and not outcome.errors,
    )


def _together(place: Place, processes: int, threads: int, seconds_each: float, room: int = 10**7) -> Outcome:
    with ledgers.ledger_at(place) as engine:
        budgets.set_budget(engine, Change(WORKSPACE, PeriodKind.MONTHLY, room * _HOLD_MILLICREDITS), by=ledgers.USER)
    starts_at = time.time() + 1.5
    named = place.url if isinstance(place, DatabaseUrl) else str(place)
    asked = [sys.executable, "-m", "bench.writers", named, str(threads), str(seconds_each), str(starts_at)]
    running = [subprocess.Popen([*asked, str(n)], stdout=subprocess.PIPE) for n in range(processes)]
    said = [json.loads(process.communicate(timeout=120)[0]) for process in running]
    waits = [wait for each in said for wait in each["waits"]]
    held, refused = (sum(each[name] for each in said) for name in ("held", "refused"))
    errors = [error for each in said for error in each["errors"]]
    return Outcome(held / max(each["took"] for each in said), waits, held, refused, errors)


def _write(place: Place, threads: int, seconds_each: float, starts_at: float, process: int) -> dict[str, object]:
    """In a process of its own: holds until the time is up or the budget is."""
    store = open_store(place)
    engine = open_engine(store, prices.load("credits"), ledgers.CALENDAR, ledgers.now_ms)
    waits: list[float] = []
    outcomes: list[object] = []
    errors: list[str] = []

    def work(thread: int) -> None:
        number = 0
        while time.time() < starts_at + seconds_each:
            name = f"{process} {thread} {number}"
            request = Request(name, f"U{thread}", ledgers.CHANNEL, "a fox", ledgers.TEN_SECONDS, ledgers.PROJECT)
            began = time.perf_counter()
            try:
                outcome = job_requests.hold(engine, request)
            except Exception as e:
                errors.append(repr(e))
                return
            waits.append(time.perf_counter() - began)
            outcomes.append(outcome)
            number += 1
            if isinstance(outcome, BudgetExceeded):
                return

    time.sleep(max(0.0, starts_at - time.time()))
    began = time.perf_counter()
    at_work = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for thread in at_work:
        thread.start()
    for thread in at_work:
        thread.join()
    took = time.perf_counter() - began
    store.close()
    counts = {"held": sum(isinstance(each, Held) for each in outcomes)}
    counts["refused"] = sum(isinstance(each, BudgetExceeded) for each in outcomes)
    return {"waits": waits, "errors": errors, "took": took, **counts}


if __name__ == "__main__":
    _, named, threads, seconds_each, starts_at, process = sys.argv
    at = DatabaseUrl(named) if "://" in named else Path(named)
    result = _write(at, int(threads), float(seconds_each), float(starts_at), int(process))
    sys.stdout.write(json.dumps(result))
