"""The wait that Slack's answers ask for (docs.slack.dev, rate limits)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONGEST_MS = 3_600_000
"""A longer wish is not believed: what waits would seem lost."""


def retry_after_ms(headers: Mapping[str, Any]) -> int | None:
    """Return the wait that a Retry-After header asks for, in milliseconds; None where there is none."""
    wished = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    seconds = str(wished[0] if isinstance(wished, list) and wished else wished).strip()
    return min(int(seconds[:9]) * 1000, LONGEST_MS) if seconds.isascii() and seconds.isdecimal() else None
