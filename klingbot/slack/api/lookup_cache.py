"""Slack's answers to look-ups, kept for some minutes, and for longer as a spare for when Slack cannot be asked."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

FRESH_SECONDS = 300
SPARE_SECONDS = 3600
REST_SECONDS = 30
"""After a failed look-up, the spare answer does for so long: asking a silent Slack takes seconds each time."""
MOST_KEPT = 5_000


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, until when it is new enough, and until when it may be used while Slack gives no newer one."""

    answer: Any
    fresh_until: float
    spare_until: float
    rests_until: float = 0.0


class LookupCache:
    """The latest answers by key, the oldest dropped first. Safe to share between threads."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic, *, most: int = MOST_KEPT) -> None:
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def put(self, key: str, answer: Any) -> None:
        now = self._seconds()
        with self._lock:
            self._kept[key] = Kept(answer, now + FRESH_SECONDS, now + SPARE_SECONDS)
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def fresh(self, key: str, *, spare: bool = False) -> Kept | None:
        """Return the answer while nothing newer need be asked for; with `spare`, also soon after that failed."""
        kept, now = self._kept.get(key), self._seconds()
        if kept and (now < kept.fresh_until or (spare and now < min(kept.rests_until, kept.spare_until))):
            return kept
        return None

    def spare(self, key: str) -> Kept | None:
        """Return the answer while it may still be used, after Slack could not be asked for a newer one."""
        now = self._seconds()
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or now >= kept.spare_until:
                return None
            self._kept[key] = replace(kept, rests_until=now + REST_SECONDS)
            return kept
