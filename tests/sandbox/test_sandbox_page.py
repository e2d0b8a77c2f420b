"""The page's routes over real HTTP, with the real server and local Slack behind them."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests

from klingbot.sandbox import Sandbox
from klingbot.sandbox.local_server import LocalServer
from klingbot.sandbox.page import routes as page
from klingbot.sandbox.slack.local_slack import LocalSlack
from klingbot.sandbox.slack.roster import ALICE, BOB, BOT_USER_ID
from klingbot.sandbox.slack.views import Views
from klingbot.sandbox.slack.workspace import Workspace
from klingbot.slack.manifest import Manifest

GENERAL, ALICES_DM = "C0GENERAL1", "D0ALICE001"


def get(sandbox: Sandbox, path: str) -> requests.Response:
    return requests.get(sandbox.url + path, timeout=30)


def send(sandbox: Sandbox, **body: object) -> requests.Response:
    return requests.post(f"{sandbox.url}/page/send", json=body, timeout=30)


def state(sandbox: Sandbox, user: str) -> dict:
    return get(sandbox, f"/page/state?as={user}").json()


def said_in(seen: dict, channel: str) -> list[dict]:
    return next(c for c in seen["channels"] if c["id"] == channel)["messages"]


def follow(url: str, user: str) -> requests.Response:
    """An open stream, subscribed: its first line has arrived."""
    stream = requests.get(f"{url}/page/stream?as={user}", stream=True, timeout=30)
    assert stream.headers["content-type"].startswith("text/event-stream")
    stream.lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
    assert next(stream.lines).startswith("retry:")
    return stream


def changes(stream: requests.Response) -> Iterator[dict]:
    return (json.loads(line.removeprefix("data: ")) for line in stream.lines if line.startswith("data: "))


class Watched(Workspace):
    """Tells when its last subscriber has gone."""

    def __init__(self) -> None:
        super().__init__()
        self.left = threading.Event()

    def unsubscribe(self, subscriber) -> None:
        super().unsubscribe(subscriber)
        self.left.set()


def _nobody(*_: object) -> None:
    """Hears what is sent."""


@pytest.fixture
def watched() -> Iterator[tuple[LocalServer, Watched]]:
    server, workspace = LocalServer(0), Watched()
    server.start(
        page.routes(workspace, Views(workspace), _nobody, _nobody, Manifest((), ()), LocalSlack(server).interactions)
    )
    yield server, workspace
    server.stop()


def test_the_page_and_every_file_it_names_are_served(sandbox):
    index = get(sandbox, "/")
    assert "default-src 'self'" in index.headers["content-security-policy"]
    wanted = set(re.findall(r"/static/([\w.]+)", index.text))
    for name in ("app.js", "composer.js", "messages.js", "sidebar.js"):
        wanted |= set(re.findall(r'from "\./([\w.]+)"', get(sandbox, f"/static/{name}").text))
    assert {"app.js", "style.css", "icons.svg", "menu.js", "dom.js"} <= wanted
    assert {name: get(sandbox, f"/static/{name}").status_code for name in wanted} == dict.fromkeys(wanted, 200)


def test_nothing_the_page_loads_lies_outside_the_sandbox():
    for file in page._FILES.values():
        addresses = set(re.findall(r"(?:https?:)?//[\w.]+\.[a-z]{2,}[^\s\"')]*", file.read_text(encoding="utf-8")))
        assert addresses <= {"http://www.w3.org/2000/svg"}, file.name


@pytest.mark.parametrize("name", ["nothing.js", "..%2froutes.py", "%2e%2e%2froutes.py", "/etc/passwd"])
def test_no_other_file_is_served(sandbox, name):
    assert get(sandbox, f"/static/{name}").status_code == 404


def test_the_state_says_who_is_there_where_they_may_talk_and_what_can_be_typed(sandbox):
    seen = state(sandbox, ALICE.id)
    assert seen["you"] == ALICE.id
    assert [p["real_name"] for p in seen["people"] if not p["is_bot"]] == ["Alice Archer", "Bob Baker", "Carol Chen"]
    assert [p["id"] for p in seen["people"] if p["is_admin"]] == [ALICE.id]
    assert [p["id"] for p in seen["people"] if p["is_app"]] == [BOT_USER_ID]
    assert [c["id"] for c in seen["channels"] if c["with"] == BOT_USER_ID] == [ALICES_DM]
    assert [c["command"] for c in seen["commands"]] == ["/kling"]
    assert seen["commands"][0]["usage_hint"]


def test_without_a_person_the_state_is_the_first_ones(sandbox):
    assert get(sandbox, "/page/state").json()["you"] == ALICE.id


def test_an_ephemeral_message_is_listed_only_for_its_reader_on_a_page_that_was_open_when_it_came(sandbox):
    opened = state(sandbox, ALICE.id)["at"]
    sandbox.workspace.post(GENERAL, BOT_USER_ID, "psst", ephemeral_to=ALICE.id)
    seen = state(sandbox, f"{ALICE.id}&since={opened}")
    (message,) = said_in(seen, GENERAL)
    assert message["ephemeral"] and message["html"] == '<div class="text">psst</div>'
    assert said_in(state(sandbox, f"{BOB.id}&since={opened}"), GENERAL) == []
    assert said_in(state(sandbox, ALICE.id), GENERAL) == []
    assert said_in(state(sandbox, f"{ALICE.id}&since={seen['at']}"), GENERAL) == []


@pytest.mark.parametrize(("zone", "expected"), [("Asia/Tokyo", "09:00"), ("", "00:00"), ("No/Where", "00:00")])
def test_moments_are_in_the_browsers_zone_or_else_the_persons(sandbox, zone, expected):
    sandbox.workspace.post(GENERAL, BOT_USER_ID, "<!date^0^{time}|f>")
    seen = get(sandbox, f"/page/state?as={ALICE.id}&tz={zone}").json()
    assert expected in said_in(seen, GENERAL)[0]["html"]


def test_what_a_person_types_becomes_a_message(sandbox):
    assert send(sandbox, **{"as": BOB.id, "channel": GENERAL, "text": "hi <all>"}).json() == {"ok": True}
    (message,) = said_in(state(sandbox, ALICE.id), GENERAL)
    assert (message["user"], message["html"]) == (BOB.id, '<div class="text">hi &lt;all&gt;</div>')


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"channel": GENERAL, "text": "x"}, 404, "unknown_person"),
        ({"as": "U9", "channel": GENERAL, "text": "x"}, 404, "unknown_person"),
        ({"as": ["U9"], "channel": GENERAL, "text": "x"}, 404, "unknown_person"),
        ({"as": BOT_USER_ID, "channel": GENERAL, "text": "x"}, 404, "unknown_person"),
        ({"as": BOB.id, "channel": "C9", "text": "x"}, 404, "unknown_channel"),
        ({"as": BOB.id, "channel": ALICES_DM, "text": "x"}, 404, "unknown_channel"),
        ({"as": BOB.id, "channel": GENERAL, "text": " \n"}, 400, "no_text"),
        ({"as": BOB.id, "channel": GENERAL, "text": 7}, 400, "no_text"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_reason(sandbox, body, status, error):
    answer = send(sandbox, **body)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["message"]
    assert said_in(state(sandbox, ALICE.id), GENERAL) == []


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [("text/plain", "{}", 415), ("application/json", "{", 400), ("application/json", "[]", 400)],
)
def test_only_a_json_object_is_taken(sandbox, kind, body, status):
    answer = requests.post(f"{sandbox.url}/page/send", data=body, headers={"Content-Type": kind}, timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (status, "not_json")


@pytest.mark.parametrize("path", ["/page/state?as=U9", "/page/stream?as=U9", f"/page/state?as={BOT_USER_ID}"])
def test_nobody_can_look_as_someone_who_is_not_there(sandbox, path):
    answer = get(sandbox, path)
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_person")


def test_the_stream_tells_a_person_what_they_may_see_and_nothing_else(sandbox):
    workspace = sandbox.workspace
    with closing(follow(sandbox.url, BOB.id)) as stream:
        workspace.post(GENERAL, BOT_USER_ID, "for Alice", ephemeral_to=ALICE.id)
        workspace.post(ALICES_DM, BOT_USER_ID, "in Alice's DM")
        posted = workspace.post(GENERAL, BOT_USER_ID, "for *all*")
        workspace.update(GENERAL, posted.ts, text="for all, mended")
        workspace.delete(GENERAL, posted.ts)
        told = changes(stream)
        heard = [next(told) for _ in range(3)]
    assert [change["kind"] for change in heard] == ["posted", "updated", "deleted"]
    assert [change["message"]["html"] for change in heard[:2]] == [
        '<div class="text">for <b>all</b></div>',
        '<div class="text">for all, mended</div>',
    ]
    assert {change["message"]["ts"] for change in heard} == {posted.ts}


def test_a_quiet_stream_beats(monkeypatch, sandbox):
    monkeypatch.setattr(page, "HEARTBEAT_SECONDS", 0.1)
    with closing(follow(sandbox.url, BOB.id)) as stream:
        assert next(line for line in stream.lines if line) == ": still here"


def test_a_client_that_leaves_is_forgotten(watched):
    server, workspace = watched
    follow(server.url, BOB.id).close()
    assert workspace.left.wait(30)


def test_a_server_that_stops_does_not_wait_for_open_streams(sandbox):
    with closing(follow(sandbox.url, BOB.id)):
        started = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - started < 10
    with pytest.raises(requests.ConnectionError):
        get(sandbox, "/")
