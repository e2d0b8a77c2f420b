"""Counters of what happens in this process. `klingbot.http.prometheus` shows them."""

from __future__ import annotations

import bisect
import threading
from collections import Counter
from dataclasses import dataclass, field

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
"""In seconds. Slack gives a command three (Slack's docs, slash commands)."""


class Errors:
    """How often each error was met, by the code or word that goes with it. Safe to share between threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def met(self, code: str) -> None:
        with self._lock:
            self._counts[code] += 1

    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)


class Latencies:
    """How long things took, as a histogram. Safe to share between threads."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0
        self._lock = threading.Lock()

    def took(self, seconds: float) -> None:
        with self._lock:
            self._counts[bisect.bisect_left(BOUNDS, seconds)] += 1
            self._sum += seconds

    def counts(self) -> tuple[list[int], float]:
        """How many took up to each bound and longer than the one before, then how many took longer; and their sum."""
        with self._lock:
            return list(self._counts), self._sum


@dataclass(frozen=True, slots=True)
class Meters:
    """All that is counted in one process."""

    answers: Latencies = field(default_factory=Latencies)
    """From a request of Slack's to the bot's answer to it."""
    kling: Errors = field(default_factory=Errors)
    slack: Errors = field(default_factory=Errors)
    callbacks: Errors = field(default_factory=Errors)
    """Posts to the callback's address that were refused."""
