"""What outbox messages say: one frozen dataclass for each kind, kept as JSON until it is delivered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klingbot.common import dataclass_json
from klingbot.domain.alert_history import AlertThread
from klingbot.domain.budgets import Standing
from klingbot.domain.digests import Digest
from klingbot.domain.increases import Grant, Increase
from klingbot.domain.jobs import Job
from klingbot.domain.money import Amount
from klingbot.domain.overdue_work import Overdue
from klingbot.domain.reconciliation import BillFinding, UnitPack


@dataclass(frozen=True, slots=True)
class Named:
    """A person, by the name that Slack shows."""

    user_id: str
    name: str


@dataclass(frozen=True, slots=True)
class VideoReady:
    """A job succeeded. For the channel it was asked for in."""

    job: Job
    standings: tuple[Standing, ...]
    """The budgets it counts for, as they stand after it was settled."""
    file_id: str | None = None
    """Slack's id of its clip, which is up and waits to be shared; None where Kling's link has to do."""


@dataclass(frozen=True, slots=True)
class JobShown:
    """How a job stands. The one message about it in its channel, which is edited as the job moves."""

    job: Job
    ahead: int = 0
    """How many jobs wait before it, where it waits; from ten on in tens."""
    cancelled_by: str | None = None
    clip: str | None = None
    """The address of its clip in Slack."""
    standings: tuple[Standing, ...] = ()
    """Of a video that is there: the budgets it counts for."""
    names: tuple[Named, ...] = ()
    """What its people are called: a mention would call them at every step."""


@dataclass(frozen=True, slots=True)
class JobFailed:
    """A job failed at Kling or was refused there, and its hold was released. For the requester alone."""

    job: Job


@dataclass(frozen=True, slots=True)
class CancelEnded:
    """How a cancellation ended that had to wait for Kling's word. For the person who asked for it, alone."""

    job: Job
    too_late: bool
    """Kling had taken the job."""


@dataclass(frozen=True, slots=True)
class Crossed:
    """A budget's committed passed thresholds (`80`, `100`), or went `over` the limit. For the budget's channel."""

    standing: Standing
    marks: tuple[str, ...]
    """What was crossed just now, lowest first."""
    opens: bool = False
    """Starts the alert thread of its budget and period; later alerts are replies to it."""


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A job was refused for want of budget, for the first time in this period. For the budget's channel."""

    standing: Standing
    needed: Amount
    user_id: str
    opens: bool = False


@dataclass(frozen=True, slots=True)
class RunningOut:
    """A budget will be used up before its period ends, if days go on like the last. For the budget's channel."""

    standing: Standing
    ends_at: int
    opens: bool = False


@dataclass(frozen=True, slots=True)
class Spiked:
    """A day's spending is far above the usual. For the budget's channel."""

    standing: Standing
    today: Amount
    usual: Amount
    opens: bool = False


Alert = Crossed | TurnedAway | RunningOut | Spiked


@dataclass(frozen=True, slots=True)
class Renewed:
    """A new period has begun after one in which the budget was used up. For the budget's channel."""

    ended: Standing
    standing: Standing


@dataclass(frozen=True, slots=True)
class BudgetRemoved:
    """A budget was removed. In place of the message about its alerts, in the channel where that is."""

    standing: Standing
    """How it stood at the end."""
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class PastProjects:
    """Projects that were spent for before admins had to create them, to be decided about. For the admins."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubmittingStopped:
    """Kling refuses the whole account (no units, arrears, bad key). For the admins."""

    code: int
    reason: str
    waiting: int
    """How many jobs wait with their holds kept."""


@dataclass(frozen=True, slots=True)
class SubmittingResumed:
    """Kling takes jobs again. For the admins."""

    reason: str
    """Why it had stopped."""


@dataclass(frozen=True, slots=True)
class ModelRefused:
    """Kling has no such model for this account, though the price list sells it. For the admins."""

    model: str
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class DigestReady:
    """The digest of a period that has ended, its figures as they were when it was due. For its schedule's channel."""

    digest: Digest
    due_at: int | None
    """When it should have come, where it is late."""
    missed: int
    """Digests before it that never came, because the bot was away."""
    picture: str | None
    """Slack's id of its chart."""
    names: tuple[Named, ...] = ()
    """What the people in it are called: a mention would call them every time."""


@dataclass(frozen=True, slots=True)
class JobStuck:
    """Kling has said nothing final about a job for too long, or nothing that can be booked. For the admins."""

    job: Job
    problem: str | None = None
    """Why what Kling says cannot be booked."""


@dataclass(frozen=True, slots=True)
class JobWrittenOff:
    """An admin has given a job's hold back without a verdict. For the requester alone."""

    job: Job
    reason: str


@dataclass(frozen=True, slots=True)
class Unsound:
    """The nightly check found something wrong with the ledger. For the admins."""

    what: str
    said: str
    fix: str


@dataclass(frozen=True, slots=True)
class WorkOverdue:
    """Notice that work is late, or, with no items, that nothing is late any more. For the admins."""

    items: tuple[Overdue, ...]
    at: int


@dataclass(frozen=True, slots=True)
class RunsUnlimited:
    """Notice that an upgraded ledger goes on without a budget, which a new one would need. For the admins."""

    at: int
    """When the ledger was opened after the upgrade."""


@dataclass(frozen=True, slots=True)
class IncreaseAsked:
    """Somebody asks for more than a budget has left. For the budget's channel, where its approvers are named."""

    increase: Increase
    standing: Standing | None
    """The budget; None when a video is to be allowed whose project has none."""


@dataclass(frozen=True, slots=True)
class IncreaseClosed:
    """An increase was granted, denied, withdrawn, or expired. In place of the question, and for whoever asked."""

    increase: Increase
    grant: Grant | None = None
    """None also where it turned out that none was needed."""
    job: Job | None = None
    """The refused request, held."""
    short: tuple[Standing, ...] = ()
    """The budgets into which the refused request does not fit all the same, as they would stand with it."""
    obstacle: str | None = None
    """What else keeps the refused request from being held, as a sentence."""


@dataclass(frozen=True, slots=True)
class GrantEnded:
    """A grant's last period is over. For the budget's channel."""

    grant: Grant
    standing: Standing | None
    """The budget without it; None when there is none any more."""


@dataclass(frozen=True, slots=True)
class BillDiffers:
    """Kling's bill and the ledger say different things. For the admins."""

    findings: tuple[BillFinding, ...]
    """The first few of those that are new."""
    new: int


@dataclass(frozen=True, slots=True)
class PackEnding:
    """A prepaid pack runs low, or ends soon with something left. For the admins."""

    pack: UnitPack


@dataclass(frozen=True, slots=True)
class AlertTest:
    """An admin wants to know whether alerts arrive. For the channel that they name."""

    test: str
    """Names this test: however many copies of it arrive, the first answers."""
    user_id: str
    response_url: str | None


@dataclass(frozen=True, slots=True)
class AlertTested:
    """What became of a test alert. For the admin who asked, alone."""

    arrived_in: str
    """A channel's id: also that of a direct message."""
    detour: str | None
    """`PLACE: what Slack said`, when it was meant for another place."""
    failures: int
    """How often Slack did not take it before it did."""


Content = (
    VideoReady
    | JobShown
    | JobFailed
    | CancelEnded
    | Alert
    | AlertThread
    | Renewed
    | BudgetRemoved
    | PastProjects
    | SubmittingStopped
    | SubmittingResumed
    | ModelRefused
    | JobStuck
    | JobWrittenOff
    | BillDiffers
    | PackEnding
    | Unsound
    | WorkOverdue
    | RunsUnlimited
    | DigestReady
    | IncreaseAsked
    | IncreaseClosed
    | GrantEnded
    | AlertTest
    | AlertTested
)
KINDS: Mapping[str, type[Content]] = {
    "alert test": AlertTest,
    "alert tested": AlertTested,
    "video ready": VideoReady,
    "job shown": JobShown,
    "job failed": JobFailed,
    "cancel ended": CancelEnded,
    "crossed": Crossed,
    "turned away": TurnedAway,
    "running out": RunningOut,
    "spiked": Spiked,
    "story": AlertThread,
    "renewed": Renewed,
    "budget removed": BudgetRemoved,
    "past projects": PastProjects,
    "submitting stopped": SubmittingStopped,
    "submitting resumed": SubmittingResumed,
    "model refused": ModelRefused,
    "job stuck": JobStuck,
    "job written off": JobWrittenOff,
    "bill differs": BillDiffers,
    "pack ending": PackEnding,
    "unsound": Unsound,
    "work overdue": WorkOverdue,
    "runs unlimited": RunsUnlimited,
    "digest": DigestReady,
    "increase asked": IncreaseAsked,
    "increase closed": IncreaseClosed,
    "grant ended": GrantEnded,
}
ALERTS: tuple[type[Content], ...] = (Crossed, TurnedAway, RunningOut, Spiked, AlertThread, Renewed)
"""What is held in a channel's quiet hours, and said in one message where several had to wait."""
_NAMES = {content: kind for kind, content in KINDS.items()}


def kind_of(content: Content) -> str:
    return kind_of_type(type(content))


def kind_of_type(content: type[Content]) -> str:
    return _NAMES[content]


def is_urgent(content: Content) -> bool:
    """An alert that nothing more can be started, or that somebody just could not."""
    if isinstance(content, AlertThread):
        return content.is_urgent
    return isinstance(content, TurnedAway) or (isinstance(content, Crossed) and content.standing.used_up)


def to_json(content: Content) -> dict[str, Any]:
    """As plain JSON values; dates in ISO form."""
    return dataclass_json.to_json(content)


def from_json(kind: str, data: Mapping[str, Any]) -> Content:
    """What `to_json` was given, by this version or one before it: a field that is new since then has its default.

    Raises KeyError for a kind that this version does not know, and for a field without a default that is missing.
    """
    return dataclass_json.from_json(KINDS[kind], data)
