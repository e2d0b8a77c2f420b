"""What can be said about budgets, increases, rules and the bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from klingbot.slack.command_line.types.mention_types import ChannelRef, DefaultChannel, ScopeRef, UserRef


@dataclass(frozen=True, slots=True)
class BudgetList:
    pass


@dataclass(frozen=True, slots=True)
class BudgetShow:
    scope: ScopeRef


@dataclass(frozen=True, slots=True)
class BudgetSet:
    """What is None stays as it is; a limit of 0 takes it away. `thresholds` are whole percentages, ascending."""

    scope: ScopeRef
    period: str
    millicredits: int | None = None
    microusd: int | None = None
    thresholds: tuple[int, ...] | None = None
    channel: ChannelRef | DefaultChannel | None = None
    approvers: tuple[UserRef, ...] | None = None
    forecast: bool | None = None
    spike: bool | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BudgetRemove:
    scope: ScopeRef
    period: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BudgetUnlimited:
    """Choose to run without a limit (`on`), or take that choice back."""

    on: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AskForRefused:
    """Ask for what a refused request lacks. `refused` is the id that the refusal names."""

    refused: str
    reason: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class AskForAmount:
    """Ask for a budget to be raised. At least one amount is given."""

    scope: ScopeRef
    period: str
    reason: str
    millicredits: int | None = None
    microusd: int | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Requests:
    pass


@dataclass(frozen=True, slots=True)
class Approve:
    """Without an amount: what was asked for."""

    request: str
    millicredits: int | None = None
    microusd: int | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    request: str
    reason: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    request: str


@dataclass(frozen=True, slots=True)
class RulesShow:
    """Without a project: the channel's own."""

    project: str | None = None


@dataclass(frozen=True, slots=True)
class RulesSet:
    """What is None stays as it is. Amounts are milli-credits; 0 takes a rule away, and so does an empty list."""

    project: str
    models: tuple[str, ...] | None = None
    ceiling: int | None = None
    confirm_above: int | None = None
    approve_above: int | None = None
    people: tuple[UserRef, ...] | None = None
    channels: tuple[ChannelRef, ...] | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    scope: ScopeRef | None = None


@dataclass(frozen=True, slots=True)
class Reconcile:
    pass
