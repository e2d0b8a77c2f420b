"""Slack's posting rate: about one message a second in a channel, short bursts allowed (Slack's docs, rate limits)."""

import math
import time

BURST = 5


class PostingRate:
    """A bucket of BURST messages for each channel, refilled by one a second. Used from one thread only."""

    def __init__(self, *, enforced: bool = True) -> None:
        self.enforced = enforced
        self._full_at: dict[str, float] = {}

    def take(self, channel: str) -> int:
        """0 when a message may be posted now; otherwise how many whole seconds to wait."""
        if not self.enforced:
            return 0
        now = time.monotonic()
        full_at = max(self._full_at.get(channel, now), now) + 1
        wait = full_at - now - BURST
        if wait > 0:
            return math.ceil(wait)
        self._full_at[channel] = full_at
        return 0
