"""An event loop that leaves the interpreter to other threads a fifth of the time, however much it has to do.

Only one thread of a Python process computes at a time. A loop that strangers keep busy takes its turn back after each
statement that another thread sends to the ledger, and a hold has a hundred of them: on a busy machine it then takes a
second instead of ten milliseconds, while it keeps the ledger from the other bot as well.
"""

from __future__ import annotations

import asyncio
import selectors
import time

WORK_SECONDS = 0.004
"""So long the loop may compute before it rests."""
_REST = 0.25
"""Of the time that it computed. More leaves connections waiting until the system drops some, and those who try again
after a second were not answered in time."""
_LONGEST_REST_SECONDS = 0.02


class PacedSelector(selectors.DefaultSelector):
    """A selector that rests, before it looks for more, when its thread has computed for long without having to wait."""

    def __init__(self) -> None:
        super().__init__()
        self._rested_at = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready, as every selector does."""
        worked = time.thread_time() - self._rested_at
        if worked < WORK_SECONDS:
            return super().select(timeout)
        if not (ready := super().select(0)):
            ready = super().select(timeout)  # it has to wait anyway
        else:
            time.sleep(min(worked * _REST, _LONGEST_REST_SECONDS))
        self._rested_at = time.thread_time()
        return ready


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that is paced so."""
    return asyncio.SelectorEventLoop(PacedSelector())
