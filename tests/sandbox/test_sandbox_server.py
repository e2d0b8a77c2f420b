"""The server: loopback and its own page only, gone when stopped, and the conversation still there next time."""

import json
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from slack_sdk import WebClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from klingbot import sandbox as local
from klingbot.http.server import PortError
from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.roster import ALICE, BOB
from klingbot.sandbox.slack.slack_faults import Fault
from tests.sandbox.bolt_bot import eventually, seen, web_client

GENERAL = "C0GENERAL1"


def test_it_listens_on_loopback_only(shared_sandbox: Sandbox) -> None:
    port = int(shared_sandbox.url.rpartition(":")[2])
    assert shared_sandbox.url == f"http://127.0.0.1:{port}"
    with socket.socket() as elsewhere, pytest.raises(ConnectionRefusedError):
        elsewhere.connect(("127.0.0.2", port))


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example"])
@pytest.mark.parametrize("path", ["/", "/page/state", "/api/auth.test", "/control/calls", "/kling/tasks"])
def test_a_name_that_was_made_to_point_here_gets_nothing(shared_sandbox: Sandbox, host: str, path: str) -> None:
    assert requests.get(shared_sandbox.url + path, headers={"Host": host}, timeout=30).status_code == 400


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "null"])
def test_a_page_from_elsewhere_cannot_drive_it(sandbox: Sandbox, origin: str) -> None:
    headers = {"Origin": origin}
    message = {"as": ALICE.id, "channel": GENERAL, "text": "not from me"}
    sent = requests.post(f"{sandbox.url}/page/send", json=message, headers=headers, timeout=30)
    fault = requests.post(f"{sandbox.url}/control/faults", json={"kind": "hang_up"}, headers=headers, timeout=30)

    assert (sent.status_code, fault.status_code) == (403, 403)
    assert sandbox.workspace.messages(GENERAL, ALICE.id) == []
    client = WebClient(base_url=sandbox.slack_api_url)
    with pytest.raises(InvalidStatus):
        connect(str(client.apps_connections_open(app_token=sandbox.app_token)["url"]), origin=origin)


def test_its_own_page_can(sandbox: Sandbox) -> None:
    message = {"as": ALICE.id, "channel": GENERAL, "text": "it is me"}
    sent = requests.post(f"{sandbox.url}/page/send", json=message, headers={"Origin": sandbox.url}, timeout=30)
    assert sent.status_code == 200
    assert seen(sandbox, GENERAL, BOB.id, "it is me") is not None


def test_the_local_kling_is_behind_its_key(shared_sandbox: Sandbox) -> None:
    def answer(key: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return requests.get(
            f"{shared_sandbox.kling_api_url}/v1/videos/text2video", headers=headers, timeout=30
        ).status_code

    assert answer(shared_sandbox.kling_api_key) == 200
    assert answer("another") == 401


def test_replies_on_an_open_connection_are_not_held_back_for_40_milliseconds(shared_sandbox: Sandbox) -> None:
    took = []
    with requests.Session() as connection:
        for _ in range(30):
            asked = time.monotonic()
            connection.get(f"{shared_sandbox.url}/page/state", timeout=30)
            took.append(time.monotonic() - asked)
    assert min(took[5:]) < 0.03  # the first few are sent off at once in any case


def test_a_taken_port_is_an_error(shared_sandbox: Sandbox) -> None:
    with pytest.raises(PortError, match="in use"):
        local.start(int(shared_sandbox.url.rpartition(":")[2]))


def test_it_stops_at_once_and_in_silence_whatever_is_still_open(caplog: pytest.LogCaptureFixture) -> None:
    sandbox = local.start()
    client = web_client(sandbox)
    url = client.apps_connections_open(app_token=sandbox.app_token)["url"]
    stream = f"{sandbox.url}/page/stream?as={ALICE.id}"
    sandbox.faults.add("chat.postMessage", Fault("delay", seconds=60))
    with connect(str(url)) as hub, requests.get(stream, stream=True, timeout=30) as page, ThreadPoolExecutor() as pool:
        lines = page.iter_lines()
        assert json.loads(hub.recv())["type"] == "hello"
        assert next(lines).startswith(b"retry")
        waiting = pool.submit(client.chat_postMessage, channel=GENERAL, text="hi")
        eventually(lambda: sandbox.calls.seen("chat.postMessage"))
        started = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - started < 30
        assert isinstance(waiting.exception(timeout=30), OSError)
    with pytest.raises(requests.ConnectionError):
        requests.get(sandbox.url, timeout=30)
    sandbox.stop()
    loud = {record.name for record in caplog.records if record.levelno >= logging.WARNING}
    assert loud <= {"slack_sdk.web.base_client"}, "only the client may complain"


def test_a_restart_keeps_the_conversation_but_not_what_was_ephemeral(tmp_path: Path) -> None:
    folder = tmp_path / "kept" / "here"
    first = local.start(storage=folder)
    client = web_client(first)
    first.send(BOB.id, GENERAL, "kept\u2028for ever")
    changed = client.chat_postMessage(channel=GENERAL, text="draft")["ts"]
    client.chat_update(channel=GENERAL, ts=changed, text="final", blocks=[{"type": "divider"}])
    deleted = client.chat_postMessage(channel=GENERAL, text="regretted")["ts"]
    client.chat_delete(channel=GENERAL, ts=deleted)
    before = first.workspace.messages(GENERAL, BOB.id)
    client.chat_postEphemeral(channel=GENERAL, user=BOB.id, text="psst")
    first.stop()

    second = local.start(storage=folder)
    try:
        assert second.workspace.messages(GENERAL, BOB.id) == before
        assert [message.text for message in before] == ["kept\u2028for ever", "final"]
        second.send(BOB.id, GENERAL, "and on it goes")
        assert [float(m.ts) for m in second.workspace.messages(GENERAL, BOB.id)] == sorted(
            float(m.ts) for m in second.workspace.messages(GENERAL, BOB.id)
        )
    finally:
        second.stop()
