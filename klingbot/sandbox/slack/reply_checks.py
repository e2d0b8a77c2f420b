"""What every Web API method is given, and how it answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from klingbot.sandbox.slack.content import Refused
from klingbot.sandbox.slack.rates import PostingRate
from klingbot.sandbox.slack.triggers import Triggers
from klingbot.sandbox.slack.views import Views
from klingbot.sandbox.slack.workspace import Workspace

Args = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Slack:
    """What a method works on: the workspace, its own address, the app's scopes and the way to its socket."""

    workspace: Workspace
    url: str
    scopes: tuple[str, ...]
    rate: PostingRate
    open_socket: Callable[[], str]
    triggers: Triggers
    views: Views


@dataclass(frozen=True, slots=True)
class Reply:
    """A Web API answer: JSON that says `ok` or names its `error`, nearly always with HTTP 200."""

    body: dict[str, Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Method = Callable[[Slack, Args], Reply]


def word(args: Args, name: str) -> str:
    """An argument that ought to be a word; empty when it is missing or something else."""
    value = args.get(name)
    return value if isinstance(value, str) else ""


def ok(**fields: Any) -> Reply:
    return Reply({"ok": True, **fields})


def error(name: str, **fields: Any) -> Reply:
    return Reply({"ok": False, "error": name, **fields})


def refused(refusal: Refused) -> Reply:
    """The answer to a message that Slack would not show."""
    if not refusal.problems:
        return error(refusal.error)
    messages = [f"[ERROR] {problem}" for problem in refusal.problems]
    return error(refusal.error, errors=list(refusal.problems), response_metadata={"messages": messages})


def ratelimited(seconds: int) -> Reply:
    """HTTP 429; the bot shall wait this long before it tries again."""
    return Reply({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(seconds)})
