"""Trigger ids: what a bot needs to open something on a person's screen. Each works once, for three seconds.

Source: Slack's docs, handling user interaction, and the errors of views.open.
"""

import secrets
import time
from collections.abc import Callable

from klingbot.sandbox.slack.content import Refused

LIFETIME_SECONDS = 3.0


class Triggers:
    """The trigger ids that have been given out. Used from the server's event loop only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, tuple[str, float]] = {}
        self._exchanged: set[str] = set()

    def open(self, user: str) -> str:
        """A fresh one, for what this person has just done."""
        trigger = f"{time.time_ns()}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._open[trigger] = (user, self._clock() + LIFETIME_SECONDS)
        return trigger

    def exchange(self, trigger: str) -> str | Refused:
        """The person whom it stands for; from now on it is used up."""
        if trigger in self._exchanged:
            return Refused("exchanged_trigger_id")
        if trigger not in self._open:
            return Refused("invalid_trigger_id")
        user, ends = self._open.pop(trigger)
        self._exchanged.add(trigger)
        return user if self._clock() <= ends else Refused("expired_trigger_id")
