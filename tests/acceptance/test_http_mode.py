"""The real bot in HTTP mode: no app token, Slack posts to it, and everything else goes on as in Socket Mode."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests

from klingbot import sandbox
from klingbot.http.server import listen
from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.delivery import signature
from tests.support.live_bot import ALICE, BOB, LiveBot, live_bot, until, whispers

pytestmark = pytest.mark.slow

GENERAL = "C0GENERAL1"
MINUTE = 60


@dataclass(frozen=True, slots=True)
class HttpBot:
    bot: LiveBot
    local: Sandbox
    url: str

    def post(self, text: str, *, age: float = 0, secret: str | None = None) -> requests.Response:
        """A command as Slack posts it, signed `age` seconds ago."""
        body = urlencode({"command": "/kling", "text": text, "user_id": BOB, "channel_id": GENERAL, "trigger_id": text})
        timestamp = str(int(time.time() - age))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(secret or self.local.signing_secret, timestamp, body),
        }
        return requests.post(f"{self.url}/slack/events", body, headers=headers, timeout=30)


@pytest.fixture
def http(tmp_path: Path) -> Iterator[HttpBot]:
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        local = sandbox.start(kling_seconds=0.5, http_events_url=f"{url}/slack/events")
        stack.callback(local.stop)
        mode = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": local.signing_secret}
        bot = stack.enter_context(live_bot(local, tmp_path, "http", HOST="127.0.0.1", PORT=str(port), **mode))
        bot.wait_until_ready()
        yield HttpBot(bot, local, url)


def test_a_command_over_http_is_answered_at_once_with_its_hold_and_ends_in_a_video(http: HttpBot) -> None:
    assert requests.get(f"{http.url}/healthz", timeout=30).status_code == 200
    http.post("help")  # what the first request alone pays for is not measured

    asked = time.monotonic()
    answer = http.post("generate a fox in snow")
    assert time.monotonic() - asked < 3, "Slack waits no longer"
    assert answer.json()["response_type"] == "ephemeral"
    assert "Held 2.5 credits ($0.35)" in answer.json()["text"]

    def is_there() -> bool:
        return any("your video is ready" in m.text for m in http.local.workspace.messages(GENERAL, ALICE))

    until(is_there, "the video is there")


def test_what_the_local_slack_posts_is_answered_to_the_person_alone(http: HttpBot) -> None:
    http.local.send(ALICE, GENERAL, "/kling quote a fox in snow")
    until(lambda: any("2.5 credits ($0.35)" in text for text in whispers(http.local, ALICE)), "it is quoted")
    assert whispers(http.local, BOB) == []


def test_unsigned_and_stale_requests_are_refused_and_hold_nothing(http: HttpBot) -> None:
    unsigned = requests.post(f"{http.url}/slack/events", {"command": "/kling", "text": "generate a fox"}, timeout=30)
    assert unsigned.status_code == 401
    assert http.post("generate a fox", secret="another").status_code == 401
    assert http.post("generate a fox", age=6 * MINUTE).status_code == 401
    assert "Nothing was asked for yet" in http.post("usage").json()["text"]


def test_sigterm_ends_it_while_a_connection_is_kept_open(http: HttpBot) -> None:
    with requests.Session() as kept_open:  # as a proxy in front of it keeps one
        kept_open.get(f"{http.url}/healthz", timeout=30)
        http.bot.process.send_signal(signal.SIGTERM)
        assert http.bot.process.wait(30) == 0
    assert "Traceback" not in http.bot.said()
