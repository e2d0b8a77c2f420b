"""What can be said about videos and the jobs that make them."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.slack.command_line.types.mention_types import UserRef


@dataclass(frozen=True, slots=True)
class Options:
    """A video as it was asked for. Model, resolution and aspect are not judged here: the price list does that."""

    prompt: str
    duration_seconds: int | None = None
    model: str | None = None
    resolution: str | None = None
    audio: bool = False
    silent: bool = False
    """Said to be without sound: `--audio=off`. Who says nothing takes what the model makes."""
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
class ProjectShow:
    pass


@dataclass(frozen=True, slots=True)
class ProjectSet:
    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProjectList:
    pass


@dataclass(frozen=True, slots=True)
class ProjectNew:
    """Also opens one again that was closed."""

    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProjectClose:
    name: str
    reason: str = ""


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
