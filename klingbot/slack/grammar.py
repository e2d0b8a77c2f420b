"""What can be said after `/kling`: one frozen dataclass per command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class UserRef:
    """A person: by id where Slack escaped the mention, else only the name as typed, to be looked up."""

    id: str | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelRef:
    """A channel: by id where Slack escaped it, else only the name, without `#`, to be looked up."""

    id: str | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """A project by its bare name, in lower case."""

    name: str


@dataclass(frozen=True, slots=True)
class WorkspaceRef:
    """The whole workspace."""


ScopeRef = WorkspaceRef | UserRef | ProjectRef


@dataclass(frozen=True, slots=True)
class Options:
    """A video as it was asked for. Model, resolution and aspect are not judged here: the price list does that."""

    prompt: str
    duration_seconds: int | None = None
    model: str | None = None
    resolution: str | None = None
    audio: bool = False
    aspect: str | None = None
    negative: str | None = None
    image_url: str | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Generate:
    """Without a prompt, the form is meant."""

    options: Options


@dataclass(frozen=True, slots=True)
class Quote:
    options: Options


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
    channel: ChannelRef | None = None
    approvers: tuple[UserRef, ...] | None = None
    forecast: bool | None = None
    spike: bool | None = None


@dataclass(frozen=True, slots=True)
class BudgetRemove:
    scope: ScopeRef
    period: str


@dataclass(frozen=True, slots=True)
class Usage:
    scope: ScopeRef | None
    period: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class DigestList:
    scope: ScopeRef | None = None


@dataclass(frozen=True, slots=True)
class DigestSet:
    """`minute` counts from midnight; None leaves the time as it is, or to the default."""

    scope: ScopeRef
    period: str
    minute: int | None = None
    channel: ChannelRef | None = None


@dataclass(frozen=True, slots=True)
class DigestOff:
    """Of one scope, in one channel or everywhere."""

    scope: ScopeRef
    channel: ChannelRef | None = None


@dataclass(frozen=True, slots=True)
class DigestNow:
    scope: ScopeRef
    period: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectShow:
    pass


@dataclass(frozen=True, slots=True)
class ProjectSet:
    name: str


@dataclass(frozen=True, slots=True)
class Cancel:
    job: str


@dataclass(frozen=True, slots=True)
class CancelWaiting:
    """Every job that waits."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """One's own without `of`, unless everybody's are meant."""

    of: UserRef | None = None
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class KeepWaiting:
    job: str


@dataclass(frozen=True, slots=True)
class WriteOff:
    job: str
    reason: str


@dataclass(frozen=True, slots=True)
class Thaw:
    pass


@dataclass(frozen=True, slots=True)
class Reconcile:
    pass


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
class AlertsShow:
    pass


@dataclass(frozen=True, slots=True)
class AlertsTest:
    """Without a channel: to where alerts go by default."""

    channel: ChannelRef | None = None


@dataclass(frozen=True, slots=True)
class AlertsRetry:
    pass


@dataclass(frozen=True, slots=True)
class AlertsQuiet:
    """`hours` are the minutes of the day at which it begins and ends to be quiet; None turns quiet hours off."""

    channel: ChannelRef
    hours: tuple[int, int] | None
    over_passes: bool = False


@dataclass(frozen=True, slots=True)
class RulesShow:
    """Without a project: the channel's own."""

    project: str | None = None


@dataclass(frozen=True, slots=True)
class RulesSet:
    """What is None stays as it is. Amounts are milli-credits; 0 takes a rule away, and so do no models."""

    project: str
    models: tuple[str, ...] | None = None
    ceiling: int | None = None
    confirm_above: int | None = None
    approve_above: int | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    scope: ScopeRef | None = None


@dataclass(frozen=True, slots=True)
class Menu:
    """Nothing was typed: what is asked for most, to press."""


@dataclass(frozen=True, slots=True)
class Help:
    """`topic` is a key of USAGE, or None for everything."""

    topic: str | None = None


Command = (
    Generate
    | Quote
    | BudgetList
    | BudgetShow
    | BudgetSet
    | BudgetRemove
    | Usage
    | DigestList
    | DigestSet
    | DigestOff
    | DigestNow
    | ProjectShow
    | ProjectSet
    | Cancel
    | CancelWaiting
    | Jobs
    | KeepWaiting
    | WriteOff
    | Thaw
    | AskForRefused
    | AskForAmount
    | Requests
    | Approve
    | Deny
    | Withdraw
    | RulesShow
    | RulesSet
    | Audit
    | Reconcile
    | AlertsShow
    | AlertsTest
    | AlertsRetry
    | AlertsQuiet
    | Menu
    | Help
)
