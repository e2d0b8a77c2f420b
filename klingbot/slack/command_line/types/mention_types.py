"""People, channels and scopes as they are named in a command."""

from __future__ import annotations

from dataclasses import dataclass


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
class DefaultChannel:
    """The channel that is meant where none is named: `--channel none`."""


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """A project by its bare name, in lower case."""

    name: str


@dataclass(frozen=True, slots=True)
class WorkspaceRef:
    """The whole workspace."""


ScopeRef = WorkspaceRef | UserRef | ProjectRef
