"""Which Web API calls the sandbox has seen: what a test asks when it wants to know what the bot really did."""

import threading
import time
from collections import deque
from dataclasses import dataclass

KEPT = 1000


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the method, the channel it names (else empty), and when (UTC epoch milliseconds)."""

    method: str
    channel: str
    at: int


class Calls:
    """The last KEPT calls, oldest first. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=KEPT)

    def note(self, method: str, channel: str) -> None:
        with self._lock:
            self._calls.append(Call(method, channel, time.time_ns() // 1_000_000))

    def seen(self, method: str | None = None) -> list[Call]:
        """Every call, or those of one method."""
        with self._lock:
            return [call for call in self._calls if method in (None, call.method)]
