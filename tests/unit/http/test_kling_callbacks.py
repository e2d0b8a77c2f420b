"""Kling's callbacks: signed or refused, and never more than a hint to ask now."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
import time_machine

from klingbot import sandbox
from klingbot.common.counters import Errors
from klingbot.domain.jobs import Job, JobState
from klingbot.engine import Engine, kling_results
from klingbot.http.kling_callbacks import MOST_BYTES, PATH, Callbacks
from klingbot.http.server import WebServer, listen
from klingbot.kling import ApiKey, KeyPair, KlingClient, callback_signature
from klingbot.sandbox import Sandbox
from klingbot.sandbox.kling.callbacks import signed
from klingbot.store import jobs
from klingbot.workers.submitter import Submitter
from tests.conftest import FakeClock
from tests.support.ledger_checks import hold, submit
from tests.support.live_bot import BOB, OPERATOR, live_bot, until

pytestmark = pytest.mark.backend("sqlite")

SECRET = "whsec_" + base64.b64encode(b"a secret of the tests only").decode()


@dataclass(frozen=True)
class Transport:
    """The bot's web server with nothing behind it but the callbacks."""

    url: str
    refused: Errors

    def post(self, body: str | bytes, headers: dict[str, str]) -> int:
        data = body.encode() if isinstance(body, str) else body
        return requests.post(self.url, data, headers=headers, timeout=30).status_code


@pytest.fixture
def door(engine: Engine) -> Iterator[Transport]:
    refused = Errors()
    server = WebServer("127.0.0.1", 0, Callbacks(engine, SECRET, refused.met).routes)
    yield Transport(f"http://127.0.0.1:{server.port}{PATH}", refused)
    server.close()


def about(job: Job, status: str = "succeeded") -> str:
    return json.dumps({"id": "t1", "status": status, "external_id": job.id, "outputs": [], "billing": []})


def signed_now(body: str, *, secret: str = SECRET, ago: int = 0) -> dict[str, str]:
    return signed(secret, "msg_1", int(time.time()) - ago, body)


def due_at(engine: Engine, job: Job) -> int:
    found = jobs.get(engine.store.read(), job.id)
    assert found is not None
    return found.due_at


# Signatures.


def test_the_published_test_vector_is_good_for_five_minutes() -> None:
    """Of the Standard Webhooks specification, by which Kling signs."""
    secret, body, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"test": 2432232314}', 1_614_265_330
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": str(at),
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert signed(secret, headers["webhook-id"], at, body) == headers, "the local Kling signs likewise"
    with time_machine.travel(datetime.fromtimestamp(at + 299, UTC), tick=False):
        assert callback_signature.read(secret, body.encode(), headers) == callback_signature.Callback(None)
    with time_machine.travel(datetime.fromtimestamp(at + 301, UTC), tick=False):
        assert callback_signature.read(secret, body.encode(), headers) is None


def test_headers_are_read_in_any_case_and_one_good_signature_of_several_is_enough(door: Transport) -> None:
    """While a secret is exchanged, Kling signs with both."""
    body = "{}"
    good = signed_now(body)
    other = signed_now(body, secret="whsec_" + base64.b64encode(b"another").decode())["webhook-signature"]
    both = {name.title(): value for name, value in good.items()}
    both["Webhook-Signature"] = f"{other} {good['webhook-signature']}"
    assert door.post(body, both) == 200


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": None},
        {"webhook-id": None},
        {"webhook-timestamp": None},
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,no-base64!,"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v2,AAAA"},
    ],
)
def test_a_callback_without_a_good_signature_gets_401_and_is_counted(
    door: Transport, engine: Engine, clock: FakeClock, change: dict[str, str | None]
) -> None:
    job = submit(engine, hold(engine, "r1"))
    body = about(job)
    headers = {**signed_now(body), **change}
    assert door.post(body, {name: value for name, value in headers.items() if value is not None}) == 401
    assert door.refused.counts() == {"signature": 1}
    assert due_at(engine, job) == job.due_at


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("{}", signed("whsec_AAAA", "m", int(time.time()), "{}")),
        ("{} ", signed_now("{}")),
        ("{}", signed_now("{}", ago=301)),
        ("{}", signed_now("{}", ago=-86_400)),  # a day: it is signed when the tests are collected
    ],
    ids=["another secret", "a changed body", "too old", "from the future"],
)
def test_what_was_not_signed_just_now_is_refused(door: Transport, body: str, headers: dict[str, str]) -> None:
    assert door.post(body, headers) == 401


def test_a_body_without_end_is_not_read_to_its_end(door: Transport) -> None:
    body = "x" * (MOST_BYTES + 1)
    assert door.post(body, signed_now(body)) == 401


@pytest.mark.parametrize("body", ["", "[]", "null", "not JSON", '{"id": "t1", "status": "submitted", "outputs": []}'])
def test_a_signed_callback_that_names_no_job_is_taken_and_changes_nothing(door: Transport, body: str) -> None:
    """The console's test button wants a 200."""
    assert door.post(body, signed_now(body)) == 200
    assert door.refused.counts() == {}


# Hints.


def test_a_callback_makes_the_job_due_and_books_nothing(door: Transport, engine: Engine, clock: FakeClock) -> None:
    job = submit(engine, hold(engine, "r1"))
    assert job.due_at > clock.at
    body = about(job, "failed")
    assert door.post(body, signed_now(body)) == 200
    assert due_at(engine, job) == clock.at
    found = jobs.get(engine.store.read(), job.id)
    assert found is not None
    assert found.state is JobState.SUBMITTED, "what the callback says of the job is not believed"


def test_a_job_whose_reply_may_still_come_is_not_looked_up_early(engine: Engine, clock: FakeClock) -> None:
    posting = kling_results.submitting(engine, hold(engine, "r1"), "/text-to-video/kling-3.0", due_at=clock.at + 90_000)
    assert posting is not None
    assert kling_results.hinted(engine, posting.id) is None
    assert due_at(engine, posting) == clock.at + 90_000


def test_callbacks_about_jobs_that_ended_or_never_were_change_nothing(engine: Engine) -> None:
    done = kling_results.failed(engine, submit(engine, hold(engine, "r1")), "too dark")
    assert done is not None
    assert kling_results.hinted(engine, done.id) is kling_results.hinted(engine, "nobody") is None


# From a Kling that calls back, to the verdict.


@pytest.fixture
def local() -> Iterator[Sandbox]:
    started = sandbox.start(kling_seconds=0.2)
    started.kling.webhook_secret = SECRET
    yield started
    started.stop()


@pytest.mark.parametrize("api_key", [True, False], ids=["new standard", "legacy standard"])
def test_a_video_is_settled_when_kling_calls_back_and_not_when_the_next_poll_is_due(
    engine: Engine, local: Sandbox, door: Transport, clock: FakeClock, api_key: bool
) -> None:
    pair = KeyPair("local-access-key", "local-secret-key-of-the-sandbox-only")
    credentials = ApiKey(local.kling_api_key) if api_key else pair
    client = KlingClient(local.kling_api_url, credentials, callback_url=door.url)
    with ExitStack() as stack:
        submitter = Submitter(engine, client, api_key=api_key, poll_ms=3_600_000)
        stack.callback(submitter.close)
        job = hold(engine, "r1")
        submitter.submit()
        ends = time.monotonic() + 10
        while state_of(engine, job) is JobState.SUBMITTED and time.monotonic() < ends:
            submitter.poll()
            time.sleep(0.02)
    assert state_of(engine, job) is JobState.SUCCEEDED
    assert door.refused.counts() == {}
    assert clock.at == job.asked_at, "no poll came due by itself"


def test_an_unsigned_kling_is_not_believed(engine: Engine, local: Sandbox, door: Transport) -> None:
    local.kling.webhook_secret = None
    client = KlingClient(local.kling_api_url, ApiKey(local.kling_api_key), callback_url=door.url)
    with ExitStack() as stack:
        submitter = Submitter(engine, client, api_key=True, poll_ms=3_600_000)
        stack.callback(submitter.close)
        hold(engine, "r1")
        submitter.submit()
        ends = time.monotonic() + 10
        while door.refused.counts() != {"signature": 3} and time.monotonic() < ends:
            time.sleep(0.02)
    assert door.refused.counts() == {"signature": 3}, "one for each status"


def state_of(engine: Engine, job: Job) -> JobState:
    found = jobs.get(engine.store.read(), job.id)
    assert found is not None
    return found.state


@pytest.mark.slow
def test_the_whole_bot_hears_kling_call_back(tmp_path: Path) -> None:
    """With an hour between polls: only a callback brings the video in time."""
    local = sandbox.start(kling_seconds=1.0)
    local.kling.webhook_secret = SECRET
    with closing(listen("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "KLING_WEBHOOK_SECRET": SECRET,
        "KLINGBOT_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "KLINGBOT_POLL_SECONDS": "3600",
    }
    try:
        with live_bot(local, tmp_path, "bot", **settings) as bot:
            bot.wait_until_ready()
            forged = requests.post(f"http://127.0.0.1:{port}{PATH}", "{}", timeout=30)
            assert forged.status_code == 401
            local.send(BOB, "C0MARKETNG", "/kling generate a fox in snow")
            until(lambda: "your video is ready" in said_in(local, "C0MARKETNG"), "the video came")
            counted = requests.get(f"http://127.0.0.1:{port}/metrics", headers=OPERATOR, timeout=30).text
            assert 'klingbot_callbacks_refused_total{code="signature"} 1.0' in counted
    finally:
        local.stop()


def said_in(local: Sandbox, channel: str) -> str:
    return "\n".join(message.text for message in local.workspace.messages(channel, BOB))
