"""What commands and clicks are answered with, and who asks."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.blocks.message import Message
from klingbot.blocks.modals.view import Origin, View
from klingbot.domain.budgets import WORKSPACE, project_scope, user_scope
from klingbot.domain.source_images import Upload
from klingbot.engine import Engine
from klingbot.slack.api.directory import Directory
from klingbot.slack.command_line.types import ProjectRef, ScopeRef, UserRef, WorkspaceRef


@dataclass(frozen=True, slots=True)
class Desk:
    engine: Engine
    directory: Directory
    alerts_channel: str | None = None
    """Where alerts go when a budget names no channel."""
    stuck_ms: int = 86_400_000
    """How long Kling may keep a job without a verdict before the admins are asked, and asked again."""

    def must_be_members(self, scope: str, what: str) -> None:
        """Check that the person whom the scope is about may use the bot.

        `what` is what they are to do, as in `have a budget`. Raises MistakeError, SlackUnavailableError.
        """
        kind, _, user_id = scope.partition(":")
        if kind == "user":
            self.directory.must_be_members([user_id], what)

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
    """Slack's trigger id, or which message it was: the same delivered again has the same."""
    response_url: str | None
    thread_ts: str | None = None
    """The message in whose thread it was asked."""
    picture: Upload | None = None
    """What was sent along to begin a video with."""


@dataclass(frozen=True, slots=True)
class Click:
    """Who pressed a button, and on which message."""

    user_id: str
    channel_id: str
    message_ts: str
    value: str
    """What the button carries: the job, alert or request it is about."""
    response_url: str | None
    """None for a click on the home tab, which is nobody's message."""
    trigger_id: str
    thread_ts: str | None = None
    """The message in whose thread the button is."""
    view_id: str | None = None
    """The form in which it is, where a form tells what a message would."""

    @property
    def origin(self) -> Origin:
        return Origin(self.channel_id, self.response_url, self.thread_ts)


@dataclass(frozen=True, slots=True)
class Private:
    """Said to whoever clicked, and to nobody else; the message with the button stays as it is."""

    message: Message


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What the message with the button says from now on, to everybody who sees it."""

    message: Message


@dataclass(frozen=True, slots=True)
class Opens:
    """A form is put on the screen of whoever asked."""

    view: View
    in_place: bool = False
    """Of the form in which the button was pressed, and not over it."""


@dataclass(frozen=True, slots=True)
class Hands:
    """A file that only whoever clicked gets, in their direct messages; then `message` is said to them."""

    name: str
    content: bytes
    words: str
    """What comes with the file; in mrkdwn."""
    message: Message


Answer = Private | Rewritten | Opens | Hands
