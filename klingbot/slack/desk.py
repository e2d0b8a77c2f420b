"""What every command is answered with, and who asks."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.budgets import WORKSPACE, project_scope, user_scope
from klingbot.engine import Engine
from klingbot.slack.directory import Directory
from klingbot.slack.grammar import ProjectRef, ScopeRef, UserRef, WorkspaceRef


@dataclass(frozen=True, slots=True)
class Desk:
    engine: Engine
    directory: Directory
    alerts_channel: str | None = None
    """Where alerts go when a budget names no channel."""

    def scope(self, ref: ScopeRef) -> str:
        """The scope that was meant. Raises MistakeError for a person whom nobody knows, SlackUnavailableError."""
        match ref:
            case UserRef():
                return user_scope(self.directory.user_id(ref))
            case ProjectRef(name):
                return project_scope(name)
            case WorkspaceRef():
                return WORKSPACE


@dataclass(frozen=True, slots=True)
class Asker:
    """Who typed a command, and where."""

    user_id: str
    channel_id: str
    request_id: str
    """Slack's trigger id: the same command delivered again has the same."""
    response_url: str | None
