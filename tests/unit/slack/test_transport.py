"""Commands over HTTP: translated both ways, and never on the event loop."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt import App
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from klingbot import sandbox
from klingbot.domain.membership import Home
from klingbot.sandbox.slack.delivery import Acked
from klingbot.sandbox.slack.roster import BOT_USER_ID, TEAM_ID
from klingbot.slack import transport
from klingbot.slack.api.directory import quick_client
from klingbot.slack.transport import SocketTransport, http_routes, transport_for
from tests.support.live_bot import until, whispers
from tests.unit.slack.conftest import BOB, GENERAL

BODY = urlencode({"command": "/kling", "text": "help", "user_id": "U0BOB00001", "channel_id": "C1", "trigger_id": "1"})


async def post(app: App, body: bytes, headers: dict[str, Any]) -> Response:
    (route,) = http_routes(app)
    assert isinstance(route, Route) and route.path == "/slack/events" and "POST" in (route.methods or ())

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    raw = [(name.encode(), values[0].encode()) for name, values in headers.items()]
    scope = {"type": "http", "method": "POST", "path": route.path, "query_string": b"", "headers": raw}
    answered = await route.endpoint(Request(scope, receive))
    assert isinstance(answered, Response)
    return answered


def test_a_signed_command_is_answered_over_http(app: App, bob: Any) -> None:
    answered = asyncio.run(post(app, BODY.encode(), bob.signed(BODY)))
    assert answered.status_code == 200
    assert answered.headers["content-type"].startswith("application/json")
    assert "/kling generate" in json.loads(bytes(answered.body))["text"]


def test_an_unsigned_request_is_refused_over_http(app: App) -> None:
    assert asyncio.run(post(app, BODY.encode(), {})).status_code == 401


def test_bytes_that_are_no_text_are_refused_over_http(app: App) -> None:
    assert asyncio.run(post(app, b"\xff\xfe", {})).status_code == 401


def test_a_slow_command_does_not_stop_the_event_loop(app: App, bob: Any) -> None:
    released = threading.Event()
    waited: list[bool] = []

    @app.command("/slow")
    def slow(ack: Any) -> None:
        waited.append(released.wait(30))
        ack()

    async def meanwhile() -> Response:
        body = BODY.replace("%2Fkling", "%2Fslow")
        answering = asyncio.create_task(post(app, body.encode(), bob.signed(body)))
        await asyncio.sleep(0.05)
        released.set()
        return await answering

    assert asyncio.run(meanwhile()).status_code == 200
    assert waited == [True], "the loop ran on while the command waited"


def test_a_slack_that_falls_silent_is_noticed_and_said_once(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transport, "PING_SECONDS", 0.2)
    caplog.set_level(logging.INFO)
    answers_again = threading.Event()

    async def falls_silent() -> None:
        answers_again.wait(30)

    local = sandbox.start()
    way_in = SocketTransport(app, quick_client(local.bot_token, local.slack_api_url), local.app_token)
    try:
        app.client.base_url = local.slack_api_url
        way_in.open(threading.Event())
        time.sleep(4 * 0.2)
        until(way_in.is_open, "the pings are answered")
        way_in.watch()
        local.server.submit(falls_silent())
        until(lambda: not way_in.is_open(), "the silence is noticed")
        for _ in range(3):
            way_in.watch()
    finally:
        answers_again.set()
        way_in.close()
        local.stop()
    assert [r.getMessage() for r in caplog.records] == ["Slack does not answer: no command comes in until it does"]


@pytest.mark.parametrize("socket_mode", [True, False])
def test_who_the_bot_is_in_slack_is_known_once_the_door_is_open(app: App, socket_mode: bool) -> None:
    local, heard = sandbox.start(), list[Home]()
    client = quick_client(local.bot_token, local.slack_api_url)
    way_in = transport_for(app, client, local.app_token if socket_mode else None, heard.append)
    try:
        app.client.base_url = local.slack_api_url
        way_in.open(threading.Event())
        assert heard == [Home(TEAM_ID, bot_user_id=BOT_USER_ID)]
    finally:
        way_in.close()
        local.stop()


def test_no_answer_waits_until_slack_has_acknowledged_the_one_before_it(app: App) -> None:
    """Nor on a connection that the SDK opens when Slack asks for a new one."""
    local = sandbox.start()
    way_in = SocketTransport(app, quick_client(local.bot_token, local.slack_api_url), local.app_token)
    client = way_in._handler.client

    def at_once() -> int:
        assert client.current_session is not None and client.current_session.sock is not None
        return client.current_session.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    try:
        app.client.base_url = local.slack_api_url
        way_in.open(threading.Event())
        assert at_once()
        client.connect_to_new_endpoint(force=True)
        assert not at_once()
        way_in.watch()
        assert at_once()
    finally:
        way_in.close()
        local.stop()


def test_a_clock_that_was_ahead_makes_no_dead_connection_look_alive(app: App) -> None:
    """Until the time that the clock had shown, neither the bot nor the SDK would notice that Slack is silent."""
    local = sandbox.start()
    way_in = SocketTransport(app, quick_client(local.bot_token, local.slack_api_url), local.app_token)
    try:
        app.client.base_url = local.slack_api_url
        way_in.open(threading.Event())
        session = way_in._handler.client.current_session
        assert session is not None
        session.last_ping_pong_time = time.time() + 40 * 86_400
        way_in.watch()
        assert session.last_ping_pong_time <= time.time()
    finally:
        way_in.close()
        local.stop()


@pytest.mark.backend("sqlite")
def test_no_envelope_ends_the_connection_or_keeps_a_command_from_being_answered(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    local = sandbox.start()
    way_in = SocketTransport(app, quick_client(local.bot_token, local.slack_api_url), local.app_token)
    hub, odd = local.slack._hub, [{"command": "/kling"}, {"type": "event_callback", "event": []}, {"type": []}]
    deep = "[" * 100_000
    frames = ["", "[]", "null", "{", '{"type": 1}', '{"envelope_id": "e", "payload": [], "type": "x"}', f'{{"a":{deep}']
    try:
        app.client.base_url = local.slack_api_url
        way_in.open(threading.Event())
        session = way_in._handler.client.session_id()
        for payload in [*odd, {"type": "shortcut", "a": json.loads("[" * 300 + "]" * 300)}]:
            assert isinstance(local.server.submit(hub.deliver("interactive", payload)).result(30), Acked), payload
        for frame in frames:
            local.server.submit(hub._connections[0].send_text(frame)).result(30)
        local.server.submit(hub._connections[0].send_bytes(b"\xff")).result(30)
        local.send(BOB, GENERAL, "/kling help")
        until(lambda: any("/kling generate" in each for each in whispers(local, BOB)), "the command is answered")
        assert way_in._handler.client.session_id() == session
    finally:
        way_in.close()
        local.stop()
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR] == []
    assert sum("was not understood" in each.getMessage() for each in caplog.records) == len(odd) + 1
