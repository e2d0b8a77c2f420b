"""Who of one process's threads writes next: in the order of asking, where a plain lock lets somebody starve."""

from __future__ import annotations

import threading
from collections import deque


class Turns:
    """A lock that is handed on to whoever has waited longest."""

    def __init__(self) -> None:
        self._inside = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False

    def take(self, timeout: float | None) -> bool:
        """False when the turn did not come within so many seconds; None waits without end."""
        with self._inside:
            if not self._taken:
                self._taken = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=-1 if timeout is None else max(timeout, 0)):
            return True
        with self._inside:
            if mine in self._waiting:
                self._waiting.remove(mine)
                return False
            return True  # it came at the last moment

    def hand_on(self) -> None:
        with self._inside:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
