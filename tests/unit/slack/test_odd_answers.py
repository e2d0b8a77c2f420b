"""Answers that are not Slack's, or lack what Slack's have: nothing is given up, rerouted or said twice for that."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import pytest

from klingbot.blocks.message import message, section
from klingbot.domain.notifications import JobShown, kind_of, to_json
from klingbot.slack.api.clip_uploads import ClipUploads
from klingbot.slack.api.directory import Directory, home_of
from klingbot.slack.api.message_sender import Impossible, Later, Place, Sender, Sent
from klingbot.slack.api.network_errors import SlackUnavailableError
from klingbot.slack.api.picture_uploads import PictureUploads
from klingbot.slack.api.slack_client import SlackClient
from klingbot.slack.api.web_answers import NotSlackError
from klingbot.slack.command_line.types import ChannelRef, UserRef
from klingbot.store import outbox, outbox_leases
from klingbot.workers.notifier import Notifier
from tests.conftest import FakeClock
from tests.support.block_samples import job
from tests.support.slow_wire import at_most

HELLO = message(section("Hello"))
JSON = b"Content-Type: application/json\r\n"
PAGE = b"<!DOCTYPE html><html><body>We are back soon</body></html>"


def http(status: str, body: bytes = b"", headers: bytes = JSON) -> bytes:
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status.encode(), headers, len(body), body)


def chunked(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


def said(**fields: Any) -> bytes:
    return http("200 OK", json.dumps(fields).encode())


NOT_SLACKS = {
    "a page": http("200 OK", PAGE, b"Content-Type: text/html\r\n"),
    "a page that refuses": http("403 Forbidden", PAGE, b"Content-Type: text/html\r\n"),
    "nothing": http("200 OK"),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "another status": http("201 Created", b'{"ok": true, "ts": "1.2", "channel": "C1"}'),
    "a redirect": http("302 Found", b"", b"Location: http://127.0.0.1:1/\r\n"),
    "a redirect to a file": http("307 X", b"", b"Location: file:///etc/passwd\r\n"),
    "a list": http("200 OK", b"[]"),
    "null": http("200 OK", b"null"),
    "a text": http("200 OK", b'"ok"'),
    "NaN": http("200 OK", b"NaN"),
    "no ok": http("200 OK", b"{}"),
    "ok in words": said(ok="yes"),
    "no error": said(ok=False),
    "an error without a name": said(ok=False, error=None),
    "a list of errors": said(ok=False, error=["channel_not_found"]),
    "an error that cannot be encoded": said(ok=False, error="\ud800\x00"),
    "an endless error": said(ok=False, error="x" * 200_000),
    "deeply nested": http("200 OK", b"[" * 100_000),
    "a long number": http("200 OK", b'{"ok": true, "x": ' + b"1" * 10_000 + b"}"),
    "no text": http("200 OK", b"\xff\xfe\x00"),
    "an unknown charset": http("200 OK", b'{"ok": true}', b"Content-Type: application/json; charset=bogus\r\n"),
    "a charset that is none": http("500 X", b"{}", b"Content-Type: application/json; charset=hex\r\n"),
    "compressed": http("200 OK", gzip.compress(b'{"ok": true}'), b"Content-Encoding: gzip\r\n"),
    "no HTTP": b"\x00\x01\x02\r\n\r\n",
    "cut off": b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok": true',
    "an absurd length": b'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{"ok": true}',
    "a cut-off chunk": chunked(b'100\r\n{"ok": true'),
    "no chunk": chunked(b"zz\r\n"),
    "a negative chunk": chunked(b"-5\r\n{}"),
    "an absurd chunk": chunked(b"ffffffffffffff\r\n{}"),
    "continue for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000,
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(300)) + b"\r\n{}",
}
WISHES = ["-1", "1e18", "nan", "inf", "9" * 30, "9" * 5_000, "Wed, 21 Oct 2026 07:28:00 GMT", "", "1.5", "\u0661"]


@dataclass
class OddSlack:
    """Answers each call with the bytes that a test chose for its method, else with `other`."""

    url: str
    other: bytes = said(ok=True)
    by_method: dict[str, bytes] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def client(self) -> SlackClient:
        return SlackClient("xoxb-1", f"{self.url}/api/", timeout=3)


@contextmanager
def odd_slack() -> Iterator[OddSlack]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            method = self.path.rpartition("/")[2]
            slack.calls.append(method)
            self.wfile.write(slack.by_method.get(method, slack.other))
            self.close_connection = True

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *args: None  # type: ignore[method-assign]
    slack = OddSlack(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield slack
    server.shutdown()
    server.server_close()


@pytest.fixture
def slack() -> Iterator[OddSlack]:
    with odd_slack() as started:
        yield started


@pytest.mark.parametrize("answer", NOT_SLACKS.values(), ids=NOT_SLACKS.keys())
def test_what_is_no_answer_of_slacks_is_tried_again_in_the_same_place(slack: OddSlack, answer: bytes) -> None:
    slack.other = answer
    sender = Sender(slack.client())
    with at_most(5):
        outcomes = [
            sender.send(Place.channel("C1"), HELLO),
            sender.send(Place.direct("U1"), HELLO),
            sender.edit("C1", "1.2", HELLO),
            sender.share("F1", "title", "words", channel="C1", thread_ts="1.2"),
            ClipUploads(slack.client()).upload(BytesIO(b"x"), 1, "x.mp4"),
            PictureUploads(slack.client()).upload(b"x", "a picture"),
        ]
    assert [type(each) for each in outcomes] == [Later] * 6, outcomes


@pytest.mark.parametrize("wish", WISHES)
def test_an_absurd_wait_is_not_believed(slack: OddSlack, wish: str) -> None:
    header = f"Retry-After: {wish}\r\n".encode()
    slack.other = http("429 Too Many", b'{"ok": false, "error": "ratelimited"}', header)
    outcomes = [Sender(slack.client()).send(Place.channel("C1"), HELLO) for _ in range(1)]
    outcomes.append(Sender(slack.client()).send(Place.answer(f"{slack.url}/answer"), HELLO))
    for outcome in outcomes:
        assert isinstance(outcome, Later)
        assert outcome.after_ms is None or 0 < outcome.after_ms <= 3_600_000


@pytest.mark.parametrize("status", ["429 X", "500 X", "502 X", "503 X"])
@pytest.mark.parametrize(
    "body", [PAGE, b"", b"[]", b'{"ok": false}', b'{"ok": true}', b'{"ok": false, "error": "odd"}']
)
def test_a_status_that_asks_for_patience_is_enough(slack: OddSlack, status: str, body: bytes) -> None:
    slack.other = http(status, body, b"Retry-After: 7\r\n")
    outcome = Sender(slack.client()).send(Place.channel("C1"), HELLO)
    assert isinstance(outcome, Later)
    assert outcome.after_ms == 7_000


@pytest.mark.parametrize("fields", [{}, {"ts": None}, {"ts": 1.2}, {"ts": []}, {"ts": "\ud800"}, {"ts": "1\x00"}])
@pytest.mark.parametrize("channel", [None, {}, 5, "\ud800", "C1"])
def test_what_slack_has_taken_counts_as_said_whatever_else_it_answers(
    slack: OddSlack, fields: dict[str, Any], channel: Any
) -> None:
    slack.other = said(ok=True, channel=channel, **fields)
    outcome = Sender(slack.client()).send(Place.channel("C1"), HELLO)
    assert isinstance(outcome, Sent)
    assert (outcome.channel, outcome.ts) in (("C1", None), ("?", None), ("C1", "?"), ("?", "?"))
    shared = Sender(slack.client()).share("F1", "title", "words", channel="C1", thread_ts="1.2")
    assert shared == Sent("C1", None, None)


def test_a_person_whose_conversation_slack_does_not_name_is_told_later(slack: OddSlack) -> None:
    slack.by_method["conversations.open"] = said(ok=True, channel=None)
    assert isinstance(Sender(slack.client()).send(Place.direct("U1"), HELLO), Later)
    assert slack.calls == ["conversations.open"]


def test_a_refusal_that_nobody_knows_is_about_the_place(slack: OddSlack) -> None:
    slack.other = said(ok=False, error="brand_new_error")
    assert Sender(slack.client()).send(Place.channel("C1"), HELLO) == Impossible("brand_new_error")


@pytest.mark.parametrize("answer", ["a page", "a redirect", "a redirect to a file", "an absurd length", "cut off"])
def test_a_portal_that_answers_in_place_of_a_response_url_takes_no_message(slack: OddSlack, answer: str) -> None:
    slack.other = NOT_SLACKS[answer]
    assert isinstance(Sender(slack.client()).send(Place.answer(f"{slack.url}/answer"), HELLO), Later)
    slack.other = http("200 OK", b"ok", b"Content-Type: text/html\r\n")
    assert isinstance(Sender(slack.client()).send(Place.answer(f"{slack.url}/answer"), HELLO), Sent)


@pytest.mark.parametrize("answer", NOT_SLACKS.values(), ids=NOT_SLACKS.keys())
def test_a_look_up_that_meets_it_says_that_slack_could_not_be_asked(slack: OddSlack, answer: bytes) -> None:
    slack.other = answer
    directory = Directory(slack.client(), admins=())
    with pytest.raises(SlackUnavailableError):
        directory.channel(ChannelRef("C0GENERAL1"))
    assert directory.names() == {}


@pytest.mark.parametrize("members", [None, {}, "x", [None, 5, [], "x", {}, {"id": 5}]])
def test_members_that_are_none_are_left_out(slack: OddSlack, members: Any) -> None:
    ann = {"id": "U1", "name": "ann", "profile": {"real_name": "Ann \ud800"}}
    slack.other = said(ok=True, members=[*members, ann] if isinstance(members, list) else members)
    named = Directory(slack.client(), admins=()).names()
    assert named == ({"U1": "Ann ?"} if isinstance(members, list) else {})


ODD_MEMBERS: list[dict[str, Any]] = [
    *({field: value} for field in ("name", "team_id", "real_name") for value in (5, True, [], {"a": 1})),
    *({"profile": value} for value in (5, True, "x", [1], {"display_name": 5}, {"real_name": []}, {"team": {}})),
    *({"enterprise_user": value} for value in (5, "x", [1], {"enterprise_id": [1]}, {"teams": 5}, {"teams": [[]]})),
]


@pytest.mark.parametrize("odd", ODD_MEMBERS, ids=str)
def test_one_member_that_cannot_be_read_hides_no_other(slack: OddSlack, odd: dict[str, Any]) -> None:
    """Else no job's message could name anybody, and no admin would be found."""
    ann = {"id": "U1", "name": "ann", "team_id": "T1", "is_admin": True}
    bob = {"id": "U2", "name": "bob", "team_id": "T1", "is_admin": True, **odd}
    slack.other = said(ok=True, members=[bob, ann, {"id": "U3", "name": None}], team_id="T1", user=bob)
    directory = Directory(slack.client(), admins=())
    assert directory.names() == {"U1": "ann", "U3": "U3"}
    assert directory.known_admins() == ("U1",)
    assert directory.user_id(UserRef(None, "ann")) == "U1"
    with pytest.raises(SlackUnavailableError):
        directory.is_admin("U2")


@pytest.mark.parametrize("fields", [{}, {"team_id": None}, {"team_id": ""}, {"team_id": 7}])
def test_a_home_without_a_name_is_asked_for_again(fields: dict[str, Any]) -> None:
    with pytest.raises(NotSlackError):
        home_of({"ok": True, **fields})
    assert home_of({"ok": True, "team_id": "T1"}).team_id == "T1"
    assert home_of({"ok": True, "enterprise_id": "E1", **fields}).enterprise_id == "E1", "an organization-wide install"


@pytest.mark.backend("sqlite", "postgres")
def test_an_edit_that_meets_a_portal_is_made_once_slack_is_back(engine: Any, clock: FakeClock, slack: OddSlack) -> None:
    """Edits of a job's message are dropped where Slack refuses them, and a portal is no refusal."""

    def put(key: str, **bound: str) -> None:
        content = JobShown(job())
        with engine.store.write() as tx:
            outbox.put(tx, key, kind_of(content), to_json(content), at=clock(), channel_id="C1", **bound)

    notifier = Notifier(engine, Sender(slack.client()), "C9", lambda: ("U1",))
    slack.other = said(ok=True, channel="C1", ts="1.2")
    put("job")
    notifier.deliver()
    slack.other = NOT_SLACKS["a page"]
    clock.tick(2)
    put("job 1", replaces="job")
    notifier.deliver()
    [line] = outbox_leases.lines(engine.store.read(), most=9)
    assert (line.name, line.tries) == ("C1", 1)
    assert "HTTP 200" in (line.problem or "")
    slack.other = said(ok=True, channel="C1", ts="1.2")
    clock.tick(600)
    notifier.deliver()
    notifier.finish()
    assert outbox_leases.lines(engine.store.read(), most=9) == []
    assert slack.calls == ["chat.postMessage", "chat.update", "chat.update"]
