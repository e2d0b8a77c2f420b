"""Delays before something that failed is tried again. Pure."""

from __future__ import annotations

FIRST_MS = 1_000
SOON_MS = 15_000
"""The longest pause at first: what ends after a minute delays nothing by another minute."""
SOON_TRIES = 43
"""So many tries take about ten minutes."""
LATER_MS = 60_000
"""The pause after that."""
UNREACHABLE_MS = 600_000
"""The longest pause before a place is tried again that took nothing, and for which there is no other."""


def after_passing_trouble(tries: int) -> int:
    """Return the pause after that many tries that failed for trouble that passes, in milliseconds."""
    if tries >= SOON_TRIES:
        return LATER_MS
    return min(FIRST_MS << min(tries, 20), SOON_MS)


def after_no_place(tries: int) -> int:
    """Return the pause after that many tries that found nobody who can be told."""
    return min(FIRST_MS << min(tries, 20), UNREACHABLE_MS)
