"""Everything the bot does again and again: a table of name, interval and function, each in a thread of its own.

Intervals are measured by the monotonic clock. A scheduler that plans runs by the time of day stops for as long as the
system clock was ahead for a moment, and APScheduler, which was used here before, is one of them.

Every function is safe to run twice and in two processes at once: the rows that it claims decide.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from klingbot.store import DatabaseError, LedgerLostError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tick:
    name: str
    seconds: float
    function: Callable[[], None]


class Scheduler:
    """Runs each function at once and then in its interval, never two runs of one function at a time.

    A run that takes longer than its interval delays the next one; runs that were missed are not made up for.
    """

    def __init__(self, ticks: Sequence[Tick], seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._stopping = threading.Event()
        self._running_since: dict[str, float] = {}
        self._threads = [
            threading.Thread(target=self._repeat, args=(tick,), name=tick.name, daemon=True) for tick in ticks
        ]
        for thread in self._threads:
            thread.start()

    def shutdown(self) -> None:
        """Wait for the runs that are under way, and begin no other."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def stalled(self, seconds: float) -> list[str]:
        """Return the names of the functions whose present run has lasted longer than that."""
        now = self._seconds()
        return sorted(name for name, since in self._running_since.copy().items() if now - since > seconds)

    def _repeat(self, tick: Tick) -> None:
        while True:
            began = self._running_since[tick.name] = self._seconds()
            _run(tick)
            del self._running_since[tick.name]
            if self._stopping.wait(max(0.0, began + tick.seconds - self._seconds())):
                return


def start(ticks: Sequence[Tick]) -> Scheduler:
    """Start running the functions."""
    return Scheduler(ticks)


def _run(tick: Tick) -> None:
    """Run the function once; log its failure, so that it runs again."""
    try:
        tick.function()
    except LedgerLostError:
        log.debug("%s waits for the ledger", tick.name)  # the heartbeat has logged why, once
    except DatabaseError as e:
        log.warning("%s was left for later: %s It runs again in %s s", tick.name, e, tick.seconds)
    except Exception:
        log.exception("%s broke; it runs again in %s s", tick.name, tick.seconds)
