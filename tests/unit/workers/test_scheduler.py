"""The ticker: at once, again and again, and undisturbed by what breaks."""

from __future__ import annotations

import threading

import pytest
import time_machine

from klingbot.workers import scheduler
from klingbot.workers.scheduler import Scheduler, Tick
from tests.support.live_bot import until

NOON, DAY = 1_795_435_200, 86_400


def test_each_function_runs_at_once_however_long_its_interval() -> None:
    ran = [threading.Event(), threading.Event()]
    ticking = scheduler.start([Tick(str(n), 3600, each.set) for n, each in enumerate(ran)])
    try:
        assert all(each.wait(30) for each in ran)
    finally:
        ticking.shutdown()


def test_what_breaks_is_logged_and_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    runs = threading.Semaphore(0)

    def broken() -> None:
        runs.release()
        raise ZeroDivisionError

    ticking = scheduler.start([Tick("deliver", 0.05, broken)])
    try:
        assert all(runs.acquire(timeout=30) for _ in range(3))
    finally:
        ticking.shutdown()
    assert "deliver broke; it runs again in 0.05 s" in caplog.text


def test_a_system_clock_that_is_ahead_for_a_moment_stops_nothing() -> None:
    """APScheduler slept for as long as the clock had been ahead, and the bot's heartbeat with it."""
    runs = threading.Semaphore(0)
    with time_machine.travel(NOON, tick=True) as system_clock:
        ticking = scheduler.start([Tick("deliver", 0.05, lambda: runs.release())])
        try:
            for moment in (NOON + 40 * DAY, NOON, NOON - 40 * DAY):
                system_clock.move_to(moment)
                assert all(runs.acquire(timeout=30) for _ in range(3))
        finally:
            ticking.shutdown()


def test_a_slow_function_delays_only_itself() -> None:
    runs, enough = threading.Semaphore(0), threading.Event()
    ticking = scheduler.start([Tick("slow", 0.01, lambda: enough.wait(30) and None), Tick("quick", 0.01, runs.release)])
    try:
        assert all(runs.acquire(timeout=30) for _ in range(5))
    finally:
        enough.set()
        ticking.shutdown()


def test_a_run_that_does_not_end_is_named() -> None:
    started, enough, seconds = threading.Event(), threading.Event(), [0.0]

    def hang() -> None:
        started.set()
        enough.wait(30)

    ticking = Scheduler([Tick("submit", 0.01, hang)], lambda: seconds[0])
    try:
        assert started.wait(30)
        assert ticking.stalled(600) == []
        seconds[0] = 601
        assert ticking.stalled(600) == ["submit"]
        enough.set()
        until(lambda: ticking.stalled(600) == [], "the run has ended")
    finally:
        enough.set()
        ticking.shutdown()


def test_shutdown_waits_for_the_run_under_way() -> None:
    started, ended = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        threading.Event().wait(0.1)
        ended.set()

    ticking = scheduler.start([Tick("deliver", 3600, work)])
    assert started.wait(30)
    ticking.shutdown()
    assert ended.is_set()
