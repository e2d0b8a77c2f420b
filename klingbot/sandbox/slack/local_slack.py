"""The local Slack put together: one workspace behind the Web API, the socket, response_urls and controls."""

import secrets
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.routing import BaseRoute, Route, WebSocketRoute

from klingbot.sandbox.local_server import LocalServer
from klingbot.sandbox.slack import control, uploads
from klingbot.sandbox.slack.api import Tokens, WebApi
from klingbot.sandbox.slack.calls import Calls
from klingbot.sandbox.slack.delivery import Failure, over_http
from klingbot.sandbox.slack.escaping import escape
from klingbot.sandbox.slack.events import Events, told_of
from klingbot.sandbox.slack.interactions import Interactions
from klingbot.sandbox.slack.rates import PostingRate
from klingbot.sandbox.slack.reply_checks import Slack
from klingbot.sandbox.slack.responses import Responses
from klingbot.sandbox.slack.roster import APP_ID, SLACKBOT_ID
from klingbot.sandbox.slack.slack_faults import Faults
from klingbot.sandbox.slack.slash_commands import Commands
from klingbot.sandbox.slack.socket_mode import SocketModeHub
from klingbot.sandbox.slack.triggers import Triggers
from klingbot.sandbox.slack.views import Views
from klingbot.sandbox.slack.workspace import Change, Message, Workspace
from klingbot.slack import manifest

T = TypeVar("T")


def _secret() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Keys:
    """What opens the local Slack; made anew each time, and good for nothing elsewhere."""

    bot_token: str = field(default_factory=lambda: f"xoxb-sandbox-{_secret()}")
    app_token: str = field(default_factory=lambda: f"xapp-sandbox-{_secret()}")
    signing_secret: str = field(default_factory=_secret)


class LocalSlack:
    """Slack as the bot and the page meet it; it speaks through `routes`, once the server has them."""

    def __init__(
        self,
        server: LocalServer,
        *,
        storage: Path | None = None,
        http_events_url: str | None = None,
        posting_rate: bool = True,
    ) -> None:
        self.keys = Keys()
        self.manifest = manifest.read()
        self.workspace = Workspace(storage=storage)
        self.faults = Faults()
        self.calls = Calls()
        self._server = server
        self._hub = SocketModeHub()
        self._responses = Responses(self.workspace)
        self._rate = PostingRate(enforced=posting_rate)
        over_socket = self._hub.deliver
        deliver = over_http(http_events_url, self.keys.signing_secret) if http_events_url else over_socket
        self._triggers = Triggers()
        self.views = Views(self.workspace)
        self.events = Events(self.workspace, self.manifest, deliver)
        self.interactions = Interactions(
            self.workspace, self.views, self._responses, self._triggers, self.events, server.url, deliver
        )
        self._commands = Commands(self.workspace, self.manifest, self._responses, self._triggers, server.url, deliver)
        self.workspace.listen(self._tell)

    def routes(self) -> list[BaseRoute]:
        api = WebApi(
            Slack(
                self.workspace,
                self._server.url,
                self.manifest.scopes,
                self._rate,
                self._socket_url,
                self._triggers,
                self.views,
            ),
            Tokens(self.keys.bot_token, self.keys.app_token),
            self.faults,
            self.calls,
        )
        return [
            Route("/api/{method}", api.endpoint, methods=["GET", "POST"]),
            Route("/response/{ticket}", self._responses.endpoint, methods=["POST"]),
            WebSocketRoute("/link", self._hub.endpoint),
            *uploads.routes(self.workspace.files, self._may_read),
            *control.routes(self.faults, self.calls),
        ]

    def send(self, as_user: str, channel: str, text: str, thread: str | None = None) -> None:
        """What the composer does, at once: text becomes a message, `/…` a command on its way to the bot.

        In a thread (the ts of its first message) there are no commands.

        Raises KeyError for a person or a channel that does not exist.
        """
        person, place = self.workspace.people[as_user], self.workspace.channels[channel]
        if text.startswith("/") and thread:
            sorry = f"{text.split()[0]} is not supported in threads. Sorry!"
            self.workspace.post(place.id, SLACKBOT_ID, sorry, ephemeral_to=person.id, thread_ts=thread)
        elif text.startswith("/"):
            self._server.submit(self._commands.run(person.id, place.id, text))
        elif text.strip():
            self.workspace.post(place.id, person.id, escape(text, self.workspace, named=False), thread_ts=thread)

    def share(
        self, as_user: str, channel: str, content: bytes, name: str, text: str, thread: str | None = None
    ) -> None:
        """A file, with words beside it: done when it is there to be seen.

        Raises KeyError for a person or a channel that does not exist.
        """
        self.wait_for(self._share(as_user, channel, content, name, text, thread))

    def command(self, as_user: str, channel: str, text: str) -> None:
        """`send` of a command, done when its answer is there to be seen."""
        self.wait_for(self._commands.run(as_user, channel, text))

    def click(self, as_user: str, message: Message, action_id: str) -> Failure | None:
        """Press the button with this action id, and wait until the bot acknowledges; confirm dialogs are the page's.

        Raises NothingToPressError when this person sees no such button.
        """
        return self.wait_for(self.interactions.click(as_user, message.channel, message.ts, action_id))

    def wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        """Something that a person does (`interactions`), done: for tests, which are not on the server's loop."""
        return self._server.submit(work).result()

    def redeliver(self, times: int = 1) -> None:
        """Deliver the last command again, unchanged down to its trigger_id. Raises IndexError before any."""
        payload = self._commands.sent[-1]
        for _ in range(times):
            self._server.submit(self._commands.deliver(payload))

    def redeliver_event(self, times: int = 1) -> None:
        """Deliver the last event again, unchanged down to its event_id. Raises IndexError before any."""
        payload = self.events.sent[-1]
        for _ in range(times):
            self._server.submit(self.events.deliver(payload))

    def ask_to_reconnect(self) -> None:
        """Tell the connected bots to open fresh connections, as Slack does every few hours."""
        self._server.submit(self._hub.ask_to_reconnect()).result()

    async def _share(
        self, as_user: str, channel: str, content: bytes, name: str, text: str, thread: str | None
    ) -> None:
        person, place = self.workspace.people[as_user], self.workspace.channels[channel]
        file, ticket = self.workspace.files.announce(name, len(content), "")
        self.workspace.files.send(ticket, content)
        self.workspace.files.complete(file.id, name)
        words = escape(text, self.workspace, named=False)
        given = uploads.shown(self._server.url, file, ready=True)
        message = self.workspace.post(place.id, person.id, words, thread_ts=thread, files=[given])
        file.shared = (place.id, message.ts)

    def _may_read(self, request: Request) -> bool:
        allowed = request.headers.get("authorization") == f"Bearer {self.keys.bot_token}"
        return allowed and "files:read" in self.manifest.scopes

    def _tell(self, change: Change) -> None:
        for name, event in told_of(change, self.workspace):
            self._server.submit(self.events.tell(name, event))

    def _socket_url(self) -> str:
        address = self._server.url.removeprefix("http")
        return f"ws{address}/link?ticket={self._hub.ticket()}&app_id={APP_ID}"
