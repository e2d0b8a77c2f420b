"""The sandbox: a local Slack and a local Kling for the real bot, and a page to use them from.

`start` is all that anyone needs. It listens on loopback only, and nothing in it can reach Slack or Kling.
"""

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from starlette.routing import Mount

from klingbot.sandbox.kling.local_kling import LocalKling
from klingbot.sandbox.local_server import LocalServer
from klingbot.sandbox.page import routes as page_routes
from klingbot.sandbox.slack.calls import Calls
from klingbot.sandbox.slack.delivery import Failure
from klingbot.sandbox.slack.local_slack import LocalSlack
from klingbot.sandbox.slack.slack_faults import Faults
from klingbot.sandbox.slack.workspace import Message, Workspace

__all__ = ["Sandbox", "start"]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox: where it is, what opens it, and what tests may look at and break."""

    url: str
    slack_api_url: str
    kling_api_url: str
    bot_token: str
    app_token: str
    signing_secret: str
    kling_api_key: str
    workspace: Workspace
    faults: Faults
    calls: Calls
    slack: LocalSlack
    kling: LocalKling
    server: LocalServer

    def send(self, as_user: str, channel: str, text: str, thread: str | None = None) -> None:
        """Say something as a person; see `LocalSlack.send`."""
        self.slack.send(as_user, channel, text, thread)

    def click(self, as_user: str, message: Message, action_id: str) -> Failure | None:
        """Press a button as a person; see `LocalSlack.click`."""
        return self.slack.click(as_user, message, action_id)

    def stop(self) -> None:
        """Hang up on everyone and end, within 2 seconds; harmless when it has ended already."""
        self.server.stop()


def start(
    port: int = 0,
    *,
    storage: Path | None = None,
    fresh: bool = False,
    http_events_url: str | None = None,
    posting_rate: bool = True,
    kling_seconds: float = 4.0,
    kling_slots: int = 20,
) -> Sandbox:
    """Start a sandbox on 127.0.0.1 and return when it answers.

    `port`: 0 takes any free one. `storage`: a folder that keeps the conversation and Kling's tasks.
    `fresh`: empty it first, but only once the port is taken: a sandbox that has the port may have the folder too.
    `http_events_url`: commands go there as signed POSTs instead of over Socket Mode. `posting_rate`: hold the bot
    to Slack's one message a second per channel. `kling_seconds`: how long a video takes; `kling_slots`: how many are
    made at once. Raises PortError when the port is taken.
    """
    server = LocalServer(port)
    conversation, tasks = _files(storage, fresh) if storage else (None, None)
    slack = LocalSlack(server, storage=conversation, http_events_url=http_events_url, posting_rate=posting_rate)
    kling_api_key = f"sandbox-{secrets.token_hex(16)}"
    kling = LocalKling(api_key=kling_api_key, seconds_per_task=kling_seconds, storage=tasks, concurrency=kling_slots)
    server.start(
        [
            *slack.routes(),
            Mount("/kling", app=kling.app),
            *page_routes.routes(
                slack.workspace, slack.views, slack.send, slack.share, slack.manifest, slack.interactions
            ),
        ]
    )
    return Sandbox(
        url=server.url,
        slack_api_url=f"{server.url}/api/",
        kling_api_url=f"{server.url}/kling",
        bot_token=slack.keys.bot_token,
        app_token=slack.keys.app_token,
        signing_secret=slack.keys.signing_secret,
        kling_api_key=kling_api_key,
        workspace=slack.workspace,
        faults=slack.faults,
        calls=slack.calls,
        slack=slack,
        kling=kling,
        server=server,
    )


def _files(folder: Path, fresh: bool) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    if fresh:
        _empty(folder)
    return folder / "conversation.jsonl", folder / "kling-tasks.jsonl"


def _empty(folder: Path) -> None:
    """The folder itself stays: it may be locked."""
    for kept in folder.iterdir():
        if kept.is_dir():
            shutil.rmtree(kept)
        else:
            kept.unlink()
