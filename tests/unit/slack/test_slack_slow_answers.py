"""A call to Slack ends in time, however slowly Slack answers."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest

from klingbot import sandbox
from klingbot.blocks.message import message, section
from klingbot.engine import Engine
from klingbot.sandbox import Sandbox
from klingbot.slack.api import account_checks
from klingbot.slack.api.account_checks import Trouble
from klingbot.slack.api.clip_uploads import ClipUploads
from klingbot.slack.api.directory import Directory
from klingbot.slack.api.message_sender import Later, Place, Sender, Sent
from klingbot.slack.api.network_errors import SlackUnavailableError
from klingbot.slack.api.picture_uploads import PictureUploads
from klingbot.slack.api.slack_client import SlackClient
from klingbot.slack.bolt_app import build
from klingbot.slack.command_line.types import UserRef
from klingbot.slack.context import Desk
from klingbot.slack.interactions import answers
from klingbot.slack.interactions.home import Homes
from tests.support.live_bot import until
from tests.support.slow_wire import SlowWire, at_most, slow_wire
from tests.unit.slack.conftest import ALICE, BOB, BOT, CAROL, SECRET, Person

GENERAL = "C0GENERAL1"
HELLO = message(section("Hello"))


@pytest.fixture(scope="module")
def local() -> Iterator[Sandbox]:
    started = sandbox.start(posting_rate=False)
    yield started
    started.stop()


@pytest.fixture
def wire(local: Sandbox) -> Iterator[SlowWire]:
    """Every answer of this Slack comes a byte at a time."""
    with slow_wire(local.url, lambda request: True, pause=0.05) as wire:
        yield wire


def client(local: Sandbox, wire: SlowWire, seconds: float = 0.5) -> SlackClient:
    return SlackClient(local.bot_token, local.slack_api_url.replace(local.url, wire.url), timeout=seconds)


def test_a_message_is_given_up_at_its_deadline(local: Sandbox, wire: SlowWire) -> None:
    with at_most(1.2):
        outcome = Sender(client(local, wire)).send(Place.channel(GENERAL), HELLO)
    assert outcome == Later("Slack could not be reached (TimeoutError)")


def test_an_answer_to_a_command_is_given_up_at_its_deadline(local: Sandbox, wire: SlowWire) -> None:
    with at_most(1.2):
        outcome = Sender(client(local, wire)).send(Place.answer(f"{wire.url}/response/none"), HELLO)
    assert outcome == Later("Slack could not be reached (TimeoutError)")


def test_an_answer_to_a_click_is_given_up_and_not_said_twice(wire: SlowWire, caplog: pytest.LogCaptureFixture) -> None:
    with at_most(answers._SECONDS + 1):
        answers.answer(f"{wire.url}/response/none", HELLO)
    assert "an answer to a click was lost: TimeoutError" in caplog.text
    assert wire.slowed == 1


def test_pictures_and_clips_are_given_up_at_their_deadlines(local: Sandbox, wire: SlowWire) -> None:
    slack = client(local, wire)
    with at_most(1.2):
        assert isinstance(PictureUploads(slack).upload(b"png", "alt"), Later)
    with at_most(1.2):
        assert isinstance(ClipUploads(slack).upload(io.BytesIO(b"clip"), 4, "clip.mp4"), Later)


def test_who_is_who_is_unknown_at_the_deadline(local: Sandbox, wire: SlowWire) -> None:
    directory = Directory(client(local, wire))
    with at_most(1.2), pytest.raises(SlackUnavailableError):
        directory.user_id(UserRef(None, "alice"))
    with at_most(1.2):
        assert directory.known_admins() == ()


def test_the_doctor_does_not_wait_for_a_slow_slack(local: Sandbox, wire: SlowWire) -> None:
    with at_most(account_checks._SECONDS + 1):
        looked_up = account_checks.look_up(local.bot_token, local.slack_api_url.replace(local.url, wire.url))
    assert looked_up == Trouble("TimeoutError", refused=False)


def test_an_answer_that_is_slow_but_in_time_is_taken(local: Sandbox) -> None:
    with slow_wire(local.url, lambda request: True, pause=0.001) as wire:
        assert isinstance(Sender(client(local, wire, 5)).send(Place.channel(GENERAL), HELLO), Sent)


def test_what_answers_a_mention_gives_up_at_its_deadline(
    engine: Engine, local: Sandbox, wire: SlowWire, caplog: pytest.LogCaptureFixture
) -> None:
    """Bolt makes a client of its own for each request."""
    directory = Directory(client(local, wire), admins=(ALICE,))
    api_url = local.slack_api_url.replace(local.url, wire.url)
    app = build(Desk(engine, directory), token=local.bot_token, api_url=api_url, signing_secret=SECRET)
    Person(app, ALICE).says(f"<@{BOT}> help")
    with at_most(answers._PATIENCE_SECONDS + 1):
        until(lambda: "an answer was lost: TimeoutError" in caplog.text, "it gave up")


def test_a_home_that_slack_takes_slowly_keeps_nobody_elses_waiting(engine: Engine, local: Sandbox) -> None:
    with slow_wire(local.url, lambda request: ALICE.encode() in request, pause=0.05) as wire:
        slack = client(local, wire, 3)
        homes = Homes(Desk(engine, Directory(slack, admins=(CAROL,))), slack)
        slow = threading.Thread(target=homes.open, args=(ALICE,))
        slow.start()
        until(lambda: wire.slowed > 0, "it is being drawn")
        with at_most(1.5):
            homes.open(BOB)
        assert slow.is_alive()
        slow.join()
