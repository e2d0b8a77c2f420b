"""What may go wrong between a bot and Slack, on demand.

A test says which calls shall fail and how; every fault is used up by the calls it hits.
"""

import threading
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["ratelimited", "server_error", "slack_error", "hang_up", "stall", "lose_reply", "delay"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Fault:
    """How a call fails.

    `ratelimited`: HTTP 429 with `Retry-After: retry_after` (seconds). `server_error`: HTTP 500.
    `slack_error`: HTTP 200 and `error`. `hang_up`: the connection is cut before anything happens. `stall`: the same,
    after `seconds` of silence.
    `lose_reply`: the call takes effect, then the connection is cut. `delay`: the call works, after `seconds`.
    """

    kind: Kind
    retry_after: int = 1
    error: str = "internal_error"
    seconds: float = 1.0


class Faults:
    """The faults that wait for their calls, first in, first out for each method. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[str, Fault]] = []

    def add(self, method: str, fault: Fault, times: int = 1) -> None:
        """Let the next `times` calls of a Web API method fail; `*` is any method."""
        with self._lock:
            self._waiting += [(method, fault)] * times

    def take(self, method: str) -> Fault | None:
        """The fault that this call meets, if any; it is used up."""
        with self._lock:
            for index, (wanted, fault) in enumerate(self._waiting):
                if wanted in (method, "*"):
                    del self._waiting[index]
                    return fault
            return None

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
