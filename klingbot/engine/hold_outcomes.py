"""What becomes of a request for a video: held, or why not."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.budgets import Standing
from klingbot.domain.jobs import Job
from klingbot.domain.pricing import NotSold, Quote
from klingbot.domain.project_rules import Consent


@dataclass(frozen=True, slots=True)
class Held:
    """The job's cost is held."""

    job: Job
    tightest: Standing | None
    """The fullest of the budgets it touches, with the hold; None where no budget limits it."""
    ahead: int
    """How many jobs wait before it."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """The request was answered before; nothing changed."""

    job: Job


@dataclass(frozen=True, slots=True)
class BudgetExceeded:
    """Refused: these budgets, tightest first and as they stand without this job, would not hold it."""

    id: str
    """Names the refused request, so that its requester can ask for more."""
    wanted: Quote
    refused: tuple[Standing, ...]
    fits: tuple[Quote, ...]
    """What would still fit, nearest to what was wanted first."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Refused: Kling takes no jobs from this account just now, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class NoBudgetYet:
    """Declined: nobody has set a budget, and no admin has chosen to go without one."""

    id: str
    """Names the declined request, which is kept, so that it can be changed and sent again."""
    user_id: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job would cost, and the budgets it would touch, as they stand without it."""

    quote: Quote
    project: str
    standings: tuple[Standing, ...]
    refused: tuple[Standing, ...]
    fits: tuple[Quote, ...]
    wanted: Consent = Consent.NONE
    """Who would have to agree to it first."""
    forbidden: str | None = None
    """Which of the project's rules does not allow it, as a sentence."""
    no_budget_yet: bool = False
    """Nothing can be held: nobody has set a budget, and no admin has chosen to go without one."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Refused: the project's rules do not allow it, and `sentence` says which."""

    sentence: str


@dataclass(frozen=True, slots=True)
class ProjectBarred(Forbidden):
    """Refused: members do not spend for that project, or not this person, or not in this channel."""

    project: str
    user_id: str
    can_be_opened: bool
    """Whether an admin lets everybody in by opening the project, which need not exist yet."""


@dataclass(frozen=True, slots=True)
class NeedsConsent:
    """Not held yet: the project's rules want somebody to agree to its price first."""

    id: str
    """Names the request, so that it can be confirmed or approved."""
    quote: Quote
    project: str
    wanted: Consent


HoldOutcome = (
    Held | Repeated | NotSold | BudgetExceeded | Stopped | NoBudgetYet | Forbidden | ProjectBarred | NeedsConsent
)
