"""The ids of what was delivered lately: Slack delivers an event again when it has not heard of the first time."""

from __future__ import annotations

import threading
from collections import OrderedDict

MOST_KEPT = 1_000


class RecentIds:
    """Ids seen by this process. An event delivered again to another process is the same request there, by its id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids: OrderedDict[str, None] = OrderedDict()

    def first(self, request_id: str) -> bool:
        """Return whether this id has not been seen lately, and remember it."""
        with self._lock:
            if request_id in self._ids:
                return False
            self._ids[request_id] = None
            if len(self._ids) > MOST_KEPT:
                self._ids.popitem(last=False)
            return True
