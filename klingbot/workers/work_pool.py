"""Threads for one kind of work: a slow piece occupies its own thread and delays no other piece."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

log = logging.getLogger(__name__)

ROUND_SECONDS = 5.0
"""After this long `run` returns although something is under way, so that whoever watches it sees that it is alive."""
LOOK_SECONDS = 0.25
"""How often new work is looked for while something is under way."""

T = TypeVar("T")


class WorkPool:
    """Does what `claim` hands out, several pieces at once. Safe to run from several threads."""

    def __init__(self, name: str, size: int, *, head_start: float = 0.0) -> None:
        """With a `head_start`, a piece begins only when the ones before it are done or have taken so many seconds.

        Quick work is then done one piece after another.
        """
        self._size = size
        self._head_start = head_start
        self._threads = ThreadPoolExecutor(size, name)
        self._lock = threading.Lock()
        self._running: dict[Future[None], float] = {}
        """When each piece that is under way began, by `time.monotonic`."""
        self._errors: list[BaseException] = []

    def run(self, claim: Callable[[int], Sequence[T]], work: Callable[[T], None], stopping: threading.Event) -> None:
        """Claim and do pieces of work until there is none left, or return while slow ones are under way.

        `claim` gets how many pieces can begin at once. Raises the first error that came out of `work`, after the rest.
        """
        ends = time.monotonic() + ROUND_SECONDS
        while not stopping.is_set():
            room = self._room()
            pieces = claim(room) if room else ()
            for piece in pieces:
                self._start(work, piece)
            running = self._under_way()
            idle = bool(room) and not pieces and not running
            if idle or time.monotonic() > ends:
                break
            wait(running, timeout=self._head_start or LOOK_SECONDS, return_when=FIRST_COMPLETED)
        self._raise_first()

    def finish(self) -> None:
        """Wait for what is under way."""
        self._threads.shutdown()

    def _room(self) -> int:
        with self._lock:
            free = self._size - len(self._running)
            if not self._head_start:
                return free
            newest = max(self._running.values(), default=0.0)
            return min(free, 1) if time.monotonic() >= newest + self._head_start else 0

    def _start(self, work: Callable[[T], None], piece: T) -> None:
        with self._lock:
            future = self._threads.submit(self._do, work, piece)
            self._running[future] = time.monotonic()
        future.add_done_callback(self._ended)

    def _do(self, work: Callable[[T], None], piece: T) -> None:
        try:
            work(piece)
        except BaseException as error:  # raised again by `run`
            with self._lock:
                self._errors.append(error)

    def _ended(self, future: Future[None]) -> None:
        with self._lock:
            self._running.pop(future, None)

    def _under_way(self) -> set[Future[None]]:
        with self._lock:
            return set(self._running)

    def _raise_first(self) -> None:
        with self._lock:
            errors, self._errors = self._errors, []
        for error in errors[1:]:
            log.error("a piece of work broke", exc_info=error)
        if errors:
            raise errors[0]
