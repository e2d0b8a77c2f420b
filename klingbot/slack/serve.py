"""The two ways in from Slack: Socket Mode, and signed requests over HTTP."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.starlette.handler import to_bolt_request, to_starlette_response
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from klingbot.membership import Home
from klingbot.slack.directory import home_of
from klingbot.slack.trouble import UNREACHABLE

log = logging.getLogger(__name__)

CONCURRENCY = 10
PING_SECONDS = 5.0
SILENT_PINGS = 3
"""So many pings without an answer, and the connection counts as lost."""
AGAIN_SECONDS = 5
_FINAL = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "not_allowed_token_type", "missing_scope"}


class SlackRefusedError(Exception):
    """Slack does not take a token; the message says which and what to do."""


class Door(Protocol):
    """A way in from Slack."""

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """What the web server must serve for it."""

    def open(self, stopping: threading.Event) -> None:
        """Returns once commands can come in, or when `stopping` is set. Raises SlackRefusedError."""

    def is_open(self) -> bool: ...

    def watch(self) -> None:
        """Called every few seconds: logs when commands can no longer come in, and when they can again."""

    def where(self, port: int | None) -> str:
        """For the log."""

    def close(self) -> None: ...


def nobody(home: Home) -> None:
    """Ignore where the bot is installed."""


def door(app: App, client: WebClient, app_token: str | None, known_as: Callable[[Home], None] = nobody) -> Door:
    """Socket Mode with an app-level token, HTTP without. `known_as` is called with the bot's home on opening."""
    return SocketDoor(app, client, app_token, known_as) if app_token else HttpDoor(app, client, known_as)


class SocketDoor:
    """Slack over a web socket, which the bot opens: no public address is needed."""

    routes: Sequence[BaseRoute] = ()

    def __init__(self, app: App, client: WebClient, app_token: str, known_as: Callable[[Home], None] = nobody) -> None:
        self._app = app
        self._client = client
        self._known_as = known_as
        # Whatever fails between here and Slack, the SDK logs with each ping; `watch` says it once.
        quiet = logging.getLogger("slack_sdk.socket_mode")
        self._handler = SocketModeHandler(app, app_token, quiet, concurrency=CONCURRENCY, ping_interval=PING_SECONDS)
        self._was_open = False

    def open(self, stopping: threading.Event) -> None:
        _introduce(self._client, self._known_as, stopping)
        _until_slack_answers(self._handler.connect, "SLACK_APP_TOKEN", stopping)
        self._was_open = self.is_open()
        self._answer_at_once()

    def is_open(self) -> bool:
        """Whether there is a connection on which Slack has lately answered: a dead one looks alive for long."""
        session = self._handler.client.current_session
        if session is None or not session.is_active():
            return False
        answered_at = session.last_ping_pong_time
        return answered_at is None or time.time() - answered_at < SILENT_PINGS * PING_SECONDS

    def watch(self) -> None:
        self._answer_at_once()  # the SDK may have opened another connection
        was_open, self._was_open = self._was_open, self.is_open()
        if was_open and not self._was_open:
            log.warning("Slack does not answer: no command comes in until it does")
        if self._was_open and not was_open:
            log.info("Slack answers")

    def _answer_at_once(self) -> None:
        """By itself an answer waits until its peer has acknowledged the one before it (Nagle's algorithm): 40 ms."""
        session = self._handler.client.current_session
        if session is not None and session.sock is not None:
            with suppress(OSError):
                session.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def where(self, port: int | None) -> str:
        return "connected to Slack in Socket Mode"

    def close(self) -> None:
        """What is under way is finished. The SDK alone would wait seconds for one more frame and one more message."""
        client = self._handler.client
        client.closed = client.current_session_state.terminated = True
        if client.current_session is not None:
            with suppress(OSError):
                client.current_session.ping("closing")  # the pong is that frame
        client.message_queue.put(None)
        self._handler.close()  # type: ignore[no-untyped-call]
        _finish_clicks(self._app)


@dataclass(slots=True)
class HttpDoor:
    """Slack posts to `/slack/events`, signed."""

    app: App
    client: WebClient
    known_as: Callable[[Home], None] = nobody
    _opened: bool = False

    @property
    def routes(self) -> Sequence[BaseRoute]:
        return http_routes(self.app)

    def open(self, stopping: threading.Event) -> None:
        _introduce(self.client, self.known_as, stopping)
        self._opened = True

    def is_open(self) -> bool:
        return self._opened

    def watch(self) -> None:
        """Slack comes to us; whether it still can is not to be seen from here."""

    def where(self, port: int | None) -> str:
        return f"waiting for Slack on port {port}, POST /slack/events"

    def close(self) -> None:
        self._opened = False
        _finish_clicks(self.app)


def _finish_clicks(app: App) -> None:
    """Those that were acknowledged are answered."""
    app.listener_runner.listener_executor.shutdown()


def _introduce(client: WebClient, known_as: Callable[[Home], None], stopping: threading.Event) -> None:
    """Ask Slack whose token this is, and where, until it answers."""
    _until_slack_answers(lambda: known_as(home_of(client.auth_test())), "SLACK_BOT_TOKEN", stopping)


def _until_slack_answers(call: Callable[[], Any], variable: str, stopping: threading.Event) -> None:
    """Calls Slack until it answers. A refused token is final; a network that is away is not."""
    while not stopping.is_set():
        try:
            call()
            return
        except SlackApiError as e:
            word = str(e.response.get("error") or f"HTTP {e.response.status_code}")
            if word in _FINAL:
                raise SlackRefusedError(
                    f"Slack does not take {variable} ({word}). Copy it again from your Slack app's settings page."
                ) from e
            log.warning("Slack answered %s; trying again in %s s", word, AGAIN_SECONDS)
        except UNREACHABLE as e:
            log.warning("Slack cannot be reached (%s); trying again in %s s", type(e).__name__, AGAIN_SECONDS)
        stopping.wait(AGAIN_SECONDS)


def http_routes(app: App) -> list[Route]:
    """`POST /slack/events`. Bolt is synchronous, so it runs in a thread: on the event loop it would stop everything."""

    async def events(request: Request) -> Response:
        body = await request.body()
        try:
            asked = to_bolt_request(request, body)
        except (ValueError, TypeError, AttributeError):  # Bolt reads the body before it looks at the signature
            return PlainTextResponse("not a request of Slack's", status_code=400)
        return to_starlette_response(await run_in_threadpool(app.dispatch, asked))

    return [Route("/slack/events", events, methods=["POST"])]
