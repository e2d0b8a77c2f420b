"""The bot on a whole local Slack whose channel is shared with another company."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from klingbot import sandbox as local
from klingbot.engine import Engine
from klingbot.sandbox import Sandbox
from klingbot.sandbox.slack.roster import BOB, DAVE, ERIN, GWEN, Person
from klingbot.slack.api.directory import Directory, quick_client
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from klingbot.slack.transport import SocketTransport
from tests.support.live_bot import until, whispers
from tests.unit.slack.conftest import GENERAL


@pytest.fixture
def sandbox(engine: Engine) -> Iterator[Sandbox]:
    running = local.start(posting_rate=False)
    for person in (ERIN, GWEN, DAVE):
        running.workspace.join(person, GENERAL)
    client = quick_client(running.bot_token, running.slack_api_url)
    directory = Directory(client)
    app = build(Desk(engine, directory), token=running.bot_token, api_url=running.slack_api_url)
    door = SocketTransport(app, client, running.app_token, directory.know_home)
    door.open(threading.Event())
    yield running
    door.close()
    running.stop()


def jobs_in(engine: Engine) -> int:
    return int(engine.store.read().execute("SELECT count(*) AS n FROM jobs").fetchone()["n"])


@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        (ERIN, "Sorry, I only work for the company that installed me."),
        (GWEN, "Sorry, guests can't use Klingbot here."),
        (DAVE, "Sorry, your Slack account is deactivated."),
    ],
    ids=["outsider", "guest", "deactivated"],
)
def test_who_is_no_member_is_declined_in_a_shared_channel_and_alone(
    sandbox: Sandbox, engine: Engine, who: Person, sentence: str
) -> None:
    sandbox.slack.command(who.id, GENERAL, "/kling generate a fox")
    sandbox.send(who.id, GENERAL, "@klingbot generate a fox")
    until(lambda: len(whispers(sandbox, who.id)) == 2, "both are answered")
    assert all(said.startswith(sentence) for said in whispers(sandbox, who.id))

    im = sandbox.workspace.im_of(who.id)
    assert im is not None
    sandbox.send(who.id, im.id, "generate a fox")
    until(lambda: len(sandbox.workspace.messages(im.id, who.id)) == 2, "the direct message is answered")
    assert sandbox.workspace.messages(im.id, who.id)[-1].text.startswith(sentence)

    sandbox.slack.wait_for(sandbox.slack.interactions.shortcut(who.id, "generate"))
    until(lambda: bool(sandbox.slack.views.stack(who.id)), "a form says why")
    sandbox.slack.wait_for(sandbox.slack.interactions.open_home(who.id))
    until(lambda: sandbox.slack.views.home(who.id) is not None, "the home says why")
    assert jobs_in(engine) == 0


def test_members_go_on_in_a_shared_channel(sandbox: Sandbox, engine: Engine) -> None:
    sandbox.slack.command(BOB.id, GENERAL, "/kling generate a fox")
    assert whispers(sandbox, BOB.id)[-1].startswith("🎬 Held")
    assert jobs_in(engine) == 1
