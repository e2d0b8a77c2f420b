"""How a call to Kling can end. Every ending has a name, and none of them is an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from klingbot.kling.tasks import Task


class Action(Enum):
    """What a refusal asks of the bot."""

    WAIT = "wait"
    """Kling is busy. Keep the hold and ask again later."""
    FREEZE = "freeze"
    """The account or the credentials are at fault. Submit nothing more until an admin has looked."""
    REFUSE = "refuse"
    """This request will never be taken. Release the hold and tell the person."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Kling took the task, and will charge for it if it succeeds."""

    task_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Kling said no, and took nothing. After a look-up it is the question that was refused, not the job."""

    code: int
    message: str
    """Kling's own words."""
    action: Action
    plain: str
    """The reason in plain words, meant for a person."""
    request_id: str
    of_model: bool = False
    """Whether it is not this request but the model that the account cannot have: everybody's would end like this."""
    retry_after_ms: int | None = None
    """How long Kling wants to be left alone, where it said so."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request provably never left this machine: sending it again cannot buy anything twice."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReplyLost:
    """Kling may or may not have taken the task. Look it up before sending it again: a second POST is a second bill."""

    reason: str


@dataclass(frozen=True, slots=True)
class AlreadyTaken(ReplyLost):
    """Kling has a task with this job's id, from an earlier request whose answer was lost. Look it up."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """What Kling said about the ids it was asked for. An id in neither was not learnt about: ask again."""

    tasks: Mapping[str, Task]
    """Keyed by the id that was asked for."""
    absent: frozenset[str]
    """Ids of which Kling said, decisively, that it has no such task."""
    unclear: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Ids about which Kling answers, but nothing that can be made sense of, each with the reason for a person."""

    def __bool__(self) -> bool:
        """Return whether anything was learnt."""
        return bool(self.tasks or self.absent or self.unclear)

    def plus(self, other: LookUp) -> LookUp:
        """Return both together."""
        return LookUp({**self.tasks, **other.tasks}, self.absent | other.absent, {**self.unclear, **other.unclear})


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nothing was learnt: the network, or an error on Kling's side. A look-up is free to repeat."""

    reason: str
    answered: bool = False
    """Whether the host did answer, though with nothing of use."""
    server_error: bool = False
    """Whether that answer was an error on Kling's side: asking otherwise would end the same way."""
