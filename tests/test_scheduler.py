"""The ticker: at once, again and again, and undisturbed by what breaks."""

from __future__ import annotations

import threading

import pytest

from klingbot import scheduler
from klingbot.scheduler import Tick


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
