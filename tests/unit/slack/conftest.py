"""A Slack to ask, an app to send signed commands to, and what a person sees of the answer."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt import App, BoltRequest, BoltResponse
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from klingbot.domain.membership import Home
from klingbot.engine import Engine
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from klingbot.slack.interactions import modals

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
ALICE, BOB, CAROL = "U0ALICE001", "U0BOB00001", "U0CAROL001"
BOT = "U0KLINGBOT"
TEAM = "T0SANDBOX1"
GENERAL, FINANCE, LOUNGE = "C0GENERAL1", "C0FINANCE1", "C0LOUNGE01"


def person(user_id: str, name: str, *, shown: str = "", admin: bool = False, **more: Any) -> dict[str, Any]:
    names = {"display_name": shown, "real_name": f"{name.title()} Baker"}
    user = {"id": user_id, "team_id": TEAM, "name": name, "is_admin": admin, "is_owner": False, "profile": names}
    return user | more


def channel(channel_id: str, name: str, *, member: bool = True) -> dict[str, Any]:
    return {"id": channel_id, "name": name, "is_member": member, "is_archived": False}


class FakeSlack(WebClient):
    """Answers what the directory asks from lists, two to a page, and notes what it was asked."""

    def __init__(self) -> None:
        super().__init__("xoxb-fake", base_url="http://127.0.0.1:9/")
        self.people = [person(ALICE, "alice", admin=True), person(BOB, "bob"), person(CAROL, "carol", shown="CC")]
        self.channels = [channel(GENERAL, "general"), channel(FINANCE, "finance")]
        self.channels.append(channel(LOUNGE, "lounge", member=False))
        self.home: dict[str, str | None] = {"team_id": TEAM, "enterprise_id": None}
        """Whose token it is, as auth.test says."""
        self.asked: list[str] = []
        self.trouble: Exception | None = None

    def api_call(self, api_method: str, **sent: Any) -> Any:
        self.asked.append(api_method)
        if self.trouble:
            raise self.trouble
        args = sent.get("params") or {}
        match api_method:
            case "auth.test":
                return {"user_id": BOT, **self.home}
            case "users.info":
                return {"user": self._one(self.people, args["user"], "user_not_found")}
            case "conversations.info":
                return {"channel": self._one(self.channels, args["channel"], "channel_not_found")}
            case "users.list":
                return self._page("members", self.people, args)
            case "conversations.list":
                return self._page("channels", self.channels, args)
        raise AssertionError(f"nobody should call {api_method}")

    def _one(self, items: list[dict[str, Any]], wanted: str, missing: str) -> dict[str, Any]:
        for item in items:
            if item["id"] == wanted:
                return item
        raise SlackApiError("no", {"ok": False, "error": missing})

    def _page(self, key: str, items: list[dict[str, Any]], args: dict[str, Any]) -> dict[str, Any]:
        start = int(args.get("cursor") or 0)
        following = str(start + 2) if start + 2 < len(items) else ""
        return {key: items[start : start + 2], "response_metadata": {"next_cursor": following}}


@dataclass
class Person:
    """Somebody who types commands, signed as Slack signs them."""

    app: App
    user_id: str
    channel_id: str = GENERAL
    secret: str = SECRET
    team_id: str = TEAM
    """Of the workspace that Slack says they are from."""
    typed: int = field(default=0)

    def send(
        self,
        text: str,
        *,
        trigger: str | None = None,
        headers: dict[str, Any] | None = None,
        response_url: str = "https://hooks.slack.com/commands/1/2",
    ) -> BoltResponse:
        self.typed += 1
        payload = {
            "command": "/kling",
            "text": text,
            "user_id": self.user_id,
            "channel_id": self.channel_id,
            "team_id": self.team_id,
            "api_app_id": "A0KLINGBOT",
            "trigger_id": trigger or f"{self.user_id}.{self.typed}",
            "response_url": response_url,
        }
        body = urlencode(payload)
        return self.app.dispatch(BoltRequest(body=body, headers=self.signed(body) if headers is None else headers))

    def signed(self, body: str, at: float | None = None) -> dict[str, Any]:
        timestamp = str(int(time.time() if at is None else at))
        signature = SignatureVerifier(self.secret).generate_signature(timestamp=timestamp, body=body)
        return {
            "content-type": ["application/x-www-form-urlencoded"],
            "x-slack-signature": [signature],
            "x-slack-request-timestamp": [timestamp],
        }

    def clicks(
        self,
        action_id: str,
        value: str,
        response_url: str,
        *,
        headers: dict[str, Any] | None = None,
        thread_ts: str | None = None,
    ) -> Any:
        """Slack's answer to the click itself; what the bot says comes to the response_url."""
        message = {"type": "message", "message_ts": "1.2", "channel_id": self.channel_id, "is_ephemeral": True}
        payload = {
            "type": "block_actions",
            "api_app_id": "A0KLINGBOT",
            "container": message | ({"thread_ts": thread_ts} if thread_ts else {}),
            "channel": {"id": self.channel_id},
            "trigger_id": f"{self.user_id}.click",
            "response_url": response_url,
            "actions": [{"type": "button", "action_id": action_id, "block_id": "b", "value": value}],
        }
        return self.acts(payload, headers=headers)

    def acts(self, payload: dict[str, Any], *, headers: dict[str, Any] | None = None) -> BoltResponse:
        """Anything else that people do: Slack's payload as it is, but for what every payload has."""
        own = {"user": {"id": self.user_id, "team_id": self.team_id}, "team": {"id": "T0SANDBOX1"}}
        body = urlencode({"payload": json.dumps({"trigger_id": f"{self.user_id}.act", **own, **payload})})
        return self.app.dispatch(BoltRequest(body=body, headers=self.signed(body) if headers is None else headers))

    def says(
        self,
        text: str,
        *,
        ts: str | None = None,
        direct: bool = False,
        retry: int = 0,
        socket: bool = False,
        headers: dict[str, Any] | None = None,
        **more: Any,
    ) -> BoltResponse:
        """A message that the bot is told of: a mention, or in its direct messages. `more` is in the event too."""
        self.typed += 1
        where = {"channel_type": "im", "channel": f"D{self.user_id[1:]}"} if direct else {"channel": self.channel_id}
        event = {
            "type": "message" if direct else "app_mention",
            "user": self.user_id,
            "text": text,
            "ts": ts or f"1700000000.{self.typed:06}",
            **where,
            **more,
        }
        payload = {
            "type": "event_callback",
            "team_id": "T0SANDBOX1",
            "event_id": f"Ev{self.typed}",
            "event": {name: value for name, value in event.items() if value is not None},
            "authorizations": [{"team_id": "T0SANDBOX1", "user_id": BOT, "is_bot": True}],
        }
        again = {"x-slack-retry-num": [str(retry)], "x-slack-retry-reason": ["http_timeout"]} if retry else {}
        if socket:
            return self.app.dispatch(BoltRequest(mode="socket_mode", body=payload, headers=again))
        body = json.dumps(payload)
        signed = {**self.signed(body), "content-type": ["application/json"], **again}
        return self.app.dispatch(BoltRequest(body=body, headers=signed if headers is None else headers))

    def is_known(self, slack: FakeSlack) -> None:
        """Have Slack asked who they are; from then on it need not be for some minutes."""
        self.types("help")
        slack.asked.clear()

    def types(self, text: str, *, trigger: str | None = None) -> str:
        """The text of the answer, which only this person sees."""
        response = self.send(text, trigger=trigger)
        assert response.status == 200
        said = json.loads(response.body)
        assert said["response_type"] == "ephemeral"
        assert said["blocks"]
        return str(said["text"])


class Hook(ThreadingHTTPServer):
    """Slack's own end: notes what is posted to a response_url or a method, and answers as it is told to."""

    daemon_threads = True

    class Handler(BaseHTTPRequestHandler):
        server: Hook

        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.opened.wait(30)
            status = self.server.statuses.pop(0) if self.server.statuses else 200
            method = self.path.rpartition("/")[2]
            error = self.server.refused.get(method, "" if status == 200 else "internal_error")
            error = self.server.once_refused.pop(method, error)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps({"ok": not error, "error": error}).encode())
            if not error:
                self.server.heard.put({"method": method, **said})

        def log_message(self, *_: object) -> None: ...

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/actions/1/2"
        self.heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.statuses: list[int] = []
        self.refused: dict[str, str] = {}
        """By method: Slack's word for not taking it."""
        self.once_refused: dict[str, str] = {}
        """The same, for the next call alone."""
        self.opened = threading.Event()
        self.opened.set()

    def said(self) -> dict[str, Any]:
        """The next thing that is said to it."""
        return self.heard.get(timeout=30)


@pytest.fixture(autouse=True)
def no_form_was_changed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test's forms have the same id, and each test begins to choose at the same moment."""
    monkeypatch.setattr(modals, "_TURNS", modals._Turns())


@pytest.fixture
def secret() -> str:
    """What everybody's requests are signed with."""
    return SECRET


@pytest.fixture
def hook() -> Iterator[Hook]:
    opened = Hook()
    serving = threading.Thread(target=opened.serve_forever, args=(0.02,), daemon=True)
    serving.start()
    yield opened
    opened.shutdown()
    opened.server_close()


@pytest.fixture
def slack() -> FakeSlack:
    return FakeSlack()


class Seconds:
    """The directory's clock: it stands until a test moves it."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def directory(slack: FakeSlack, seconds: Seconds) -> Directory:
    """One that has heard where the bot is installed, as it has once commands can come in."""
    made = Directory(slack, seconds=seconds)
    made.know_home(Home(TEAM, bot_user_id=BOT))
    return made


@pytest.fixture
def app(engine: Engine, directory: Directory) -> App:
    desk = Desk(engine, directory, alerts_channel=FINANCE)
    return build(desk, token="xoxb-fake", api_url="http://127.0.0.1:9/", signing_secret=SECRET)


@pytest.fixture
def alice(app: App) -> Person:
    """An admin."""
    return Person(app, ALICE)


@pytest.fixture
def bob(app: App) -> Person:
    return Person(app, BOB)


@pytest.fixture
def carol(app: App) -> Person:
    return Person(app, CAROL)
