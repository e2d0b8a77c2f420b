"""The whole bot as a process: how soon it is ready, what it uses while nothing happens, and many jobs in flight."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from bench import ledgers
from bench.bots import ROOT, bot
from bench.table import Row, Section, seconds
from klingbot import sandbox
from klingbot.store import Store, open_store

_SLOW_IMPORTS = ("matplotlib", "numpy", "PIL", "prometheus_client", "psycopg", "klingbot.sandbox")


def section(folder: Path, jobs: int, *, repeats: int, idle_seconds: float, in_flight: int) -> Section:
    folder.mkdir()
    rows = [_imports(), *_empty_and_full(folder, jobs, repeats, idle_seconds), _in_flight(folder / "flight", in_flight)]
    return Section("The whole bot", rows)


def _imports() -> Row:
    script = f"import sys, bot; print(*[name for name in {_SLOW_IMPORTS!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return Row(
        "slow imports before it is ready", found.strip() or "none", ", ".join(_SLOW_IMPORTS), "none", not found.strip()
    )


def _empty_and_full(folder: Path, jobs: int, repeats: int, idle_seconds: float) -> list[Row]:
    places = {0: folder / "empty", jobs: folder / "full"}
    for size, place in places.items():
        with ledgers.ledger_with(size, place):
            pass
    ready: dict[int, list[float]] = {size: [] for size in places}
    memory: dict[int, list[int]] = {size: [] for size in places}
    cpu: list[float] = []
    for _ in range(repeats):
        for size, place in places.items():
            local = sandbox.start()
            try:
                with bot(local, place) as running:
                    time.sleep(3)  # what starting alone costs is over
                    used, began = running.cpu_seconds(), time.monotonic()
                    time.sleep(idle_seconds)
                    cpu.append((running.cpu_seconds() - used) / (time.monotonic() - began))
                    ready[size].append(running.ready_after)
                    memory[size].append(running.memory_kb())
            finally:
                local.stop()
    soon, beside, idle = median(ready[jobs]), f"{seconds(median(ready[0]))} with none", median(cpu)
    grown = median(memory[jobs]) / median(memory[0])
    return [
        Row(f"start to ready, {jobs:,} jobs", seconds(soon), beside, "< 2 s", soon < 2),
        Row("CPU while idle", f"{idle:.2%} of one core", f"{min(cpu):.2%}–{max(cpu):.2%}", "< 1 %", idle < 0.01),
        Row(
            f"memory with {jobs:,} jobs",
            f"{median(memory[jobs]) / 1024:.1f} MiB",
            f"{grown:.2f}× of {median(memory[0]) / 1024:.1f} MiB with none",
            "≤ 1.1×",
            grown <= 1.1,
        ),
    ]


def _in_flight(folder: Path, wanted: int) -> Row:
    """Jobs that Kling has and does not finish: each is polled again and again."""
    folder.mkdir()
    local = sandbox.start(kling_seconds=3600, kling_slots=wanted)
    try:
        with closing(open_store(folder / "klingbot.db")) as store, bot(local, folder) as running:
            few, deadline = running.threads(), time.monotonic() + 180
            for _ in range(wanted):
                local.slack.command("U0BOB00001", "C0GENERAL1", "/kling generate a fox in the snow")
            while (taken := _submitted(store)) < wanted and time.monotonic() < deadline:
                time.sleep(0.5)
            used, began = running.cpu_seconds(), time.monotonic()
            time.sleep(10)
            cpu = (running.cpu_seconds() - used) / (time.monotonic() - began)
            many = running.threads()
    finally:
        local.stop()
    found = f"{many} threads, {cpu:.1%} of one core"
    bounded = taken == wanted and many < few + wanted // 4
    return Row(f"{taken:,} jobs in flight, polled", found, f"{few} threads with none", "no thread each", bounded)


def _submitted(store: Store) -> int:
    row = store.read().execute("SELECT count(*) AS n FROM jobs WHERE state = 'submitted'").fetchone()
    return int(row["n"])
