"""A real Bolt app for tests, and how to wait for what it brings about."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from slack_bolt import App, BoltRequest
from slack_sdk import WebClient

from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.workspace import Message

T = TypeVar("T")


def eventually(look: Callable[[], T], seconds: float = 30.0) -> T:
    """What `look` returns, as soon as it is something; fails when it stays empty."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return found


def seen(sandbox: Sandbox, channel: str, viewer: str, text: str) -> Message | None:
    """The message with this in its text, if the viewer sees one."""
    return next((m for m in sandbox.workspace.messages(channel, viewer) if text in m.text), None)


class Bot:
    """A Bolt app that does what the test says, in `on_command`, `on_click` and `on_submit`."""

    def __init__(self, sandbox: Sandbox, client: WebClient) -> None:
        self.sandbox = sandbox
        self.client = client
        app = App(client=client, signing_secret=sandbox.signing_secret)
        app.command("/kling")(self._listener)
        app.action(re.compile(""))(self._pressed)
        app.view_submission(re.compile(""))(self._submitted)
        app.view_closed(re.compile(""))(self._closed)
        for name in ("app_home_opened", "app_mention", "message"):
            app.event(name)(self._happened)
        self.app = app
        self.quiet()

    def quiet(self) -> None:
        """As if nothing had happened yet."""
        self.heard: list[dict[str, Any]] = []
        self.clicked: list[dict[str, Any]] = []
        self.on_command: Callable[..., object] = lambda ack, **_: ack()
        self.on_click: Callable[..., object] = lambda ack, **_: ack()
        self.submitted: list[dict[str, Any]] = []
        self.closed: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.event_headers: list[Mapping[str, Sequence[str]]] = []
        self.on_submit: Callable[..., object] = lambda ack, **_: ack()

    def _listener(self, ack: Any, respond: Any, say: Any, command: dict[str, Any]) -> None:
        self.heard.append(command)
        self.on_command(ack=ack, respond=respond, say=say, command=command)

    def _pressed(self, ack: Any, body: dict[str, Any]) -> None:
        self.clicked.append(body)
        self.on_click(ack=ack, body=body)

    def _submitted(self, ack: Any, body: dict[str, Any]) -> None:
        self.submitted.append(body)
        self.on_submit(ack=ack, body=body)

    def _happened(self, event: dict[str, Any], request: BoltRequest) -> None:
        self.events.append(event)
        self.event_headers.append(request.headers)

    def _closed(self, ack: Any, body: dict[str, Any]) -> None:
        self.closed.append(body)
        ack()


def web_client(sandbox: Sandbox) -> WebClient:
    """As the bot has it, but without retries: a test wants to see the first failure."""
    return WebClient(sandbox.bot_token, base_url=sandbox.slack_api_url, timeout=30, retry_handlers=[])


def socket_url(sandbox: Sandbox) -> str:
    """Where a bot may connect, once."""
    client = WebClient(base_url=sandbox.slack_api_url)
    return str(client.apps_connections_open(app_token=sandbox.app_token)["url"])
