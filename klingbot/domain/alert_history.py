"""Alert history of one budget in one period, shown as one message that is edited until the period ends. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.budgets import TURNED_AWAY, Standing
from klingbot.domain.money import Amount
from klingbot.domain.periods import PeriodKind

DEFAULT_CHANNEL = "default"
"""Stands for the default alerts channel."""


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One thing that a budget's channel was told. What does not apply to its mark is None."""

    mark: str
    at: int
    user_id: str | None = None
    """Who was turned away."""
    amount: Amount | None = None
    """What that person needed; what was committed on the day of a spike."""
    usual: Amount | None = None
    ends_at: int | None = None


@dataclass(frozen=True, slots=True)
class Mute:
    """Somebody has taken note: until then, what is new is said in the thread alone, unless the limit is exceeded."""

    user_id: str
    at: int
    until: int
    acknowledged: bool
    """Else it was snoozed."""


@dataclass(frozen=True, slots=True)
class AlertThread:
    """What befell a budget in one period, for the one message about it that is rewritten while the period lasts."""

    standing: Standing
    told: tuple[AlertEvent, ...]
    """The last time of each mark, oldest first."""
    at: int
    """When it was written."""
    closed: bool = False
    """The period is over: it is not rewritten any more."""
    muted: Mute | None = None
    moved_to: str = ""
    """The channel that the budget's alerts go to since they left this one; DEFAULT_CHANNEL; empty: this one."""

    @property
    def is_urgent(self) -> bool:
        """Nothing more can be started, or somebody could not start something."""
        return self.standing.used_up or any(each.mark == TURNED_AWAY for each in self.told)


@dataclass(frozen=True, slots=True)
class AlertThreadRef:
    """Reference to an alert thread, as a button carries it."""

    kind: PeriodKind
    start: int
    channel_id: str | None
    scope: str
    generation: int = 0
    """Of the budget. Buttons of a time before there were generations carry none."""

    def __str__(self) -> str:
        generation = f"#{self.generation}" if self.generation else ""
        return f"{self.kind} {self.start} {self.channel_id or '-'}{generation} {self.scope}"


def ref_of(standing: Standing) -> AlertThreadRef:
    budget, period = standing.budget, standing.period
    return AlertThreadRef(period.kind, period.start, budget.channel_id, budget.scope, budget.generation)


def read_ref(text: str) -> AlertThreadRef:
    """Raises ValueError for what no button of ours carries."""
    kind, start, place, scope = text.split(" ", 3)
    channel, _, generation = place.partition("#")
    return AlertThreadRef(
        PeriodKind(kind), int(start), None if channel == "-" else channel, scope, int(generation or 0)
    )
