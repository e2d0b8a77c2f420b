"""The time of day, read in one place; every other module takes it as an argument."""

from __future__ import annotations

import time
from collections.abc import Callable

FOLLOWED_MS = 2_000
"""Differences up to this come from slewing and from reading two clocks one after the other."""
SETTLE_MS = 30_000
"""How long the system clock must keep to a new time before that time is believed."""

# On Linux the monotonic clock stops while the machine sleeps, and CLOCK_BOOTTIME does not; elsewhere the monotonic one
# goes on, as on macOS.
_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now_ms() -> int:
    """Return the system clock's time in UTC epoch milliseconds."""
    return time.time_ns() // 1_000_000


def elapsed_ms() -> int:
    """Return the milliseconds since some fixed moment, whatever happens to the system clock."""
    return time.clock_gettime_ns(_ELAPSED) // 1_000_000


class SteadyClock:
    """The system clock without its jumps: a jump counts only once it has lasted, and once `adopt` was called.

    So a system clock that is wrong for a few seconds writes no wrong instant into the ledger, and a jump that stays is
    taken over by the heartbeat, which first moves what must not end early (leases).
    """

    def __init__(self, wall: Callable[[], int] = now_ms, elapsed: Callable[[], int] = elapsed_ms) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._offset = wall() - elapsed()
        self._unsettled: tuple[int, int] | None = None
        """The offset of the new time, and since when (by `elapsed`) the system clock has kept to it."""

    def __call__(self) -> int:
        """Return the time in UTC epoch milliseconds."""
        offset, elapsed = self._read()
        if abs(offset - self._offset) <= FOLLOWED_MS:
            self._offset = offset
        return elapsed + self._offset

    def step_ms(self) -> int:
        """Return how far the system clock has jumped ahead of this clock (negative: back); 0 when it has not."""
        step = self._read()[0] - self._offset
        return step if abs(step) > FOLLOWED_MS else 0

    def settled_step_ms(self) -> int:
        """Return that step once the system clock has kept to it for SETTLE_MS, until then 0. Call it regularly."""
        offset, elapsed = self._read()
        if abs(offset - self._offset) <= FOLLOWED_MS:
            self._unsettled = None
            return 0
        if self._unsettled is None or abs(self._unsettled[0] - offset) > FOLLOWED_MS:
            self._unsettled = (offset, elapsed)
        return offset - self._offset if elapsed - self._unsettled[1] >= SETTLE_MS else 0

    def adopt(self, step_ms: int) -> None:
        """Move to the system clock's time, which is that far ahead."""
        self._offset += step_ms
        self._unsettled = None

    def _read(self) -> tuple[int, int]:
        elapsed = self._elapsed()
        return self._wall() - elapsed, elapsed
