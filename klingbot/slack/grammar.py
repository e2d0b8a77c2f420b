"""What can be said after `/kling`: one frozen dataclass per command, its usage line and the flags it takes."""

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

_OPTIONS = (
    "[--duration 5] [--model M] [--resolution 1080p] [--audio] [--aspect 16:9]"
    ' [--negative "…"] [--image URL] [--project P]'
)

USAGE = {
    "generate": f"/kling generate PROMPT {_OPTIONS}",
    "quote": f"/kling quote [PROMPT] {_OPTIONS}",
    "budget": "/kling budget",
    "budget show": "/kling budget show SCOPE",
    "budget set": "/kling budget set SCOPE [--period monthly] [--credits N] [--usd N] [--alert 80,100] [--channel #c]"
    " [--approvers @a,@b] [--forecast on|off] [--spike on|off]",
    "budget remove": "/kling budget remove SCOPE [--period monthly]",
    "alerts": "/kling alerts",
    "alerts test": "/kling alerts test [#channel]",
    "alerts retry": "/kling alerts retry",
    "alerts quiet": "/kling alerts quiet #channel 22:00-08:00|off [--except over]",
    "usage": "/kling usage [SCOPE] [--period daily|weekly|monthly] [--by model|user|project|day]",
    "digest": "/kling digest SCOPE daily|weekly|monthly|off [--at 09:00] [--channel #c]",
    "digest now": "/kling digest SCOPE now [--period weekly]",
    "digest list": "/kling digest [SCOPE]",
    "project": "/kling project [NAME]",
    "jobs": "/kling jobs [@user|all]",
    "cancel": "/kling cancel JOB",
    "cancel waiting": "/kling cancel waiting",
    "keep-waiting": "/kling keep-waiting JOB",
    "write-off": "/kling write-off JOB REASON",
    "thaw": "/kling thaw",
    "ask": '/kling ask ID|SCOPE [--credits N] [--usd N] [--period monthly] [--reason "…"] [--until 2026-12-31]',
    "requests": "/kling requests",
    "approve": "/kling approve ID [--credits N] [--usd N]",
    "deny": '/kling deny ID [--reason "…"]',
    "withdraw": "/kling withdraw ID",
    "rules": "/kling rules [PROJECT] [--models a,b] [--ceiling N] [--confirm N] [--approve N]",
    "audit": "/kling audit [SCOPE]",
    "reconcile": "/kling reconcile",
    "help": "/kling help",
}

_OPTION_FLAGS = ("duration", "model", "resolution", "audio", "aspect", "negative", "image", "project")

FLAGS_OF: dict[str, tuple[str, ...]] = {
    "generate": _OPTION_FLAGS,
    "quote": _OPTION_FLAGS,
    "budget set": ("period", "credits", "usd", "alert", "channel", "approvers", "forecast", "spike"),
    "budget remove": ("period",),
    "usage": ("period", "by"),
    "alerts quiet": ("except",),
    "digest": ("at", "channel"),
    "digest now": ("period",),
    "ask": ("credits", "usd", "period", "reason", "until"),
    "approve": ("credits", "usd"),
    "deny": ("reason",),
    "rules": ("models", "ceiling", "confirm", "approve"),
}
"""The flags that a command takes; a command that is not here takes none."""

SWITCHES = frozenset({"audio", "help"})
"""Flags that stand alone; every other flag needs a value."""

EXAMPLES = {
    "duration": "10",
    "model": "kling-pro",
    "resolution": "1080p",
    "aspect": "16:9",
    "negative": '"blurry, text"',
    "image": "https://example.com/fox.png",
    "project": "marketing",
    "period": "monthly",
    "credits": "10,000",
    "usd": "600",
    "alert": "80,100",
    "channel": "#finance",
    "forecast": "off",
    "spike": "off",
    "by": "model",
    "except": "over",
    "at": "09:00",
    "approvers": "@bob,@carol",
    "models": "kling-v1,kling-v1.5",
    "ceiling": "100",
    "confirm": "40",
    "approve": "80",
    "reason": '"launch week"',
    "until": "2026-12-31",
}
"""A value to show for each flag that needs one."""
