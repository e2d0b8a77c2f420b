"""The two ways in from Slack: Socket Mode, and signed requests over HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.adapter.socket_mode.internals import send_response
from slack_bolt.adapter.starlette.handler import to_starlette_response
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from klingbot.domain.membership import Home
from klingbot.slack import request_payloads
from klingbot.slack.api.directory import home_of
from klingbot.slack.api.network_errors import UNREACHABLE
from klingbot.slack.request_payloads import MalformedError
from klingbot.slack.signature import is_signed

log = logging.getLogger(__name__)

CONCURRENCY = 10
REQUESTS_AT_ONCE = 32
"""In HTTP mode. Each waits for the ledger, for two seconds at most, or for Slack."""
PING_SECONDS = 5.0
SILENT_PINGS = 3
"""So many pings without an answer, and the connection counts as lost."""
AGAIN_SECONDS = 5
_FINAL = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "not_allowed_token_type", "missing_scope"}


class SlackRefusedError(Exception):
    """Slack does not take a token; the message says which and what to do."""


class Transport(Protocol):
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


def transport_for(
    app: App, client: WebClient, app_token: str | None, known_as: Callable[[Home], None] = nobody
) -> Transport:
    """Socket Mode with an app-level token, HTTP without. `known_as` is called with the bot's home on opening."""
    return SocketTransport(app, client, app_token, known_as) if app_token else HttpTransport(app, client, known_as)


class SocketTransport:
    """Slack over a web socket, which the bot opens: no public address is needed."""

    routes: Sequence[BaseRoute] = ()

    def __init__(self, app: App, client: WebClient, app_token: str, known_as: Callable[[Home], None] = nobody) -> None:
        self._app = app
        self._client = client
        self._known_as = known_as
        # Whatever fails between here and Slack, the SDK logs with each ping; `watch` says it once.
        quiet = logging.getLogger("slack_sdk.socket_mode")
        self._handler = _Envelopes(app, app_token, quiet, concurrency=CONCURRENCY, ping_interval=PING_SECONDS)
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
        self._trust_no_future()
        was_open, self._was_open = self._was_open, self.is_open()
        if was_open and not self._was_open:
            log.warning("Slack does not answer: no command comes in until it does")
        if self._was_open and not was_open:
            log.info("Slack answers")

    def _trust_no_future(self) -> None:
        """Correct when Slack answered last by a clock that was ahead: a dead connection would look alive until then."""
        session = self._handler.client.current_session
        if session is not None and session.last_ping_pong_time is not None:
            session.last_ping_pong_time = min(session.last_ping_pong_time, time.time())

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


class _Envelopes(SocketModeHandler):
    """Bolt's handler, which one odd envelope neither stops nor fills with tracebacks."""

    def handle(self, client: BaseSocketModeClient, req: SocketModeRequest) -> None:
        began = time.time()
        try:
            answered = _dispatched(self.app, req.payload)
        except MalformedError as error:
            log.warning("an envelope of Slack's was not understood: %s", error)
            answered = BoltResponse(status=200)  # acknowledged: sent again, it would be no better
        send_response(client, req, answered, began)


@dataclass(slots=True)
class HttpTransport:
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
    """Return the route of `POST /slack/events`, for what is signed with the app's signing secret.

    Bolt is synchronous, so it runs in a thread: on the event loop it would stop everything. Only what Slack signed gets
    that far, so nobody else can keep the threads busy.
    """
    secret: str = app._signing_secret  # Bolt would check it after it has parsed everything
    threads = ThreadPoolExecutor(REQUESTS_AT_ONCE, thread_name_prefix="request")

    async def events(request: Request) -> Response:
        body = await request.body()
        if not is_signed(secret, body, request.headers, time.time()):
            return PlainTextResponse("not signed by Slack", status_code=401)
        return await asyncio.get_running_loop().run_in_executor(threads, _answered, app, body, request.headers)

    return [Route("/slack/events", events, methods=["POST"])]


def _answered(app: App, body: bytes, headers: Mapping[str, str]) -> Response:
    try:
        payload = request_payloads.from_body(body, headers.get("content-type", ""))
        return to_starlette_response(_dispatched(app, payload))
    except MalformedError as error:
        log.warning("a request of Slack's was not understood: %s", error)
        return PlainTextResponse("not understood", status_code=400)


def _dispatched(app: App, payload: Any) -> BoltResponse:
    """Return what the app answers to a payload that is known to come from Slack. Raises MalformedError."""
    try:
        # Bolt calls it by this name whatever it came by: its signature has been checked, and its body parsed.
        request = BoltRequest(mode="socket_mode", body=request_payloads.checked(payload))
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError) as error:
        raise MalformedError(f"Bolt finds no {type(error).__name__}") from error
    return app.dispatch(request)
