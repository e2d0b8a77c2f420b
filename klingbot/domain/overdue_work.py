"""Work that should have been done by now: its kinds, and how late each may be. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000


class OverdueKind(StrEnum):
    SUBMISSION = "submission"
    """A job waits to be sent to Kling, which takes jobs of its model."""
    LOST_REPLY = "lost reply"
    """Nobody has looked whether Kling has a job whose reply was lost."""
    POLL = "poll"
    """Nobody has asked Kling about a job that it has."""
    ANSWER = "answer"
    """Kling was asked about a job, and has not answered."""
    CLIP = "clip"
    """A finished video waits to be uploaded to Slack."""
    MESSAGE = "message"
    """A message waits to be sent to Slack, outside quiet hours."""
    DIGEST = "digest"
    REQUEST = "increase request"
    """A request for an increase should have expired."""
    PERIOD = "period check"
    """A new day has begun, and nobody has checked what that means for budgets."""
    NIGHTLY = "nightly check"
    RECONCILIATION = "reconciliation"


LATE_MS = {
    OverdueKind.SUBMISSION: 10 * _MINUTE,
    OverdueKind.LOST_REPLY: 10 * _MINUTE,
    OverdueKind.POLL: 10 * _MINUTE,
    OverdueKind.ANSWER: 10 * _MINUTE,
    OverdueKind.CLIP: 15 * _MINUTE,
    OverdueKind.MESSAGE: 15 * _MINUTE,
    OverdueKind.DIGEST: _HOUR,
    OverdueKind.REQUEST: _HOUR,
    OverdueKind.PERIOD: _HOUR,
    OverdueKind.NIGHTLY: 2 * _DAY,
    OverdueKind.RECONCILIATION: 2 * _DAY,
}
"""How late work of each kind is before it counts as overdue."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """Work of one kind that is overdue."""

    kind: OverdueKind
    count: int
    since: int
    """When the oldest of it should have been done, in UTC epoch milliseconds."""
