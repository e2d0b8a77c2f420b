"""`/kling usage` drawn and as a file: in a Slack that is as strict as Slack, and in one that draws nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App

from klingbot import sandbox as local
from klingbot.engine import Engine
from klingbot.sandbox import Sandbox
from klingbot.slack.api.directory import Directory, quick_client
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from tests.support.ledger_checks import hold, settle
from tests.unit.slack.conftest import ALICE, BOB, CAROL, Person

pytestmark = pytest.mark.backend("sqlite")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    running = local.start(posting_rate=False)
    yield running
    running.stop()


@pytest.fixture
def slow_bob(engine: Engine, sandbox: Sandbox, secret: str) -> Iterator[Person]:
    """Bob, whose clicks are answered before `acts` returns."""
    directory = Directory(quick_client(sandbox.bot_token, sandbox.slack_api_url))
    desk = Desk(engine, directory)
    app = build(desk, token=sandbox.bot_token, api_url=sandbox.slack_api_url, signing_secret=secret)
    yield Person(app, BOB)
    app.listener_runner.listener_executor.shutdown()


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    built = build(Desk(engine, directory), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    yield built
    built.listener_runner.listener_executor.shutdown()


def spent(engine: Engine) -> None:
    settle(engine, hold(engine, "r1", user_id=BOB))
    settle(engine, hold(engine, "r2", user_id=CAROL))
    hold(engine, "r3", user_id=CAROL)


def direct(sandbox: Sandbox, person: str) -> list[Any]:
    """What a person has in the bot's direct messages."""
    found = [each for each in sandbox.workspace.channels.values() if person in each.members and each.id[0] == "D"]
    return [message for each in found for message in sandbox.workspace.messages(each.id, person)]


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_the_csv_comes_as_a_private_file_to_whoever_pressed_and_to_nobody_else(
    slow_bob: Person, engine: Engine, sandbox: Sandbox, hook: Any
) -> None:
    spent(engine)
    slow_bob.clicks("usage.csv", "monthly user workspace", f"{hook.url}/answer")
    assert hook.said()["text"] == "The CSV is in your direct messages with me. Nobody else sees it there."
    [message] = direct(sandbox, BOB)
    assert message.text == "Usage of workspace by user, November 2026"
    [shown] = message.files
    assert shown["name"] == "usage-2026-11-01-monthly-by-user.csv"
    kept = sandbox.workspace.files.find(shown["id"])
    assert kept and kept.content
    told = {row["name"]: row for row in rows(kept.content)}
    assert told[CAROL]["called"] == sandbox.workspace.people[CAROL].name
    assert (told[CAROL]["jobs"], told[CAROL]["used_credits"], told[CAROL]["used_usd"]) == ("2", "40", "2.4")
    assert (told[CAROL]["in_flight_credits"], told[BOB]["in_flight_usd"]) == ("40", "0")
    assert direct(sandbox, ALICE) == []


def test_a_file_that_slack_does_not_take_is_said(bob: Person, engine: Engine, hook: Any) -> None:
    spent(engine)
    hook.refused["conversations.open"] = "ratelimited"
    bob.clicks("usage.csv", "monthly model workspace", f"{hook.url}/answer")
    assert "Slack did not take the file just now." in hook.said()["text"]


def test_a_chart_comes_to_whoever_pressed(bob: Person, engine: Engine, hook: Any) -> None:
    spent(engine)
    bob.clicks("usage.chart", "monthly model workspace", f"{hook.url}/answer")
    said = hook.said()
    assert said["method"] == "answer" and not said["replace_original"]
    assert [block["type"] for block in said["blocks"]] == ["section", "data_visualization"]


def test_where_slack_draws_no_charts_the_same_comes_in_words(bob: Person, engine: Engine, hook: Any) -> None:
    spent(engine)
    hook.statuses = [400]
    bob.clicks("usage.chart", "monthly user workspace", f"{hook.url}/answer")
    said = hook.said()
    assert {block["type"] for block in said["blocks"]} == {"section"}
    assert "▰▰▰▰▰▰▰▰▰▰ CC: 4.80" in said["blocks"][-1]["text"]["text"]
    assert "CC: 4.80" in said["text"]


@pytest.mark.parametrize("action", ["usage.chart", "usage.csv"])
@pytest.mark.parametrize("value", ["", "yearly model workspace", "monthly colour workspace", "monthly model"])
def test_a_button_of_another_version_says_so(bob: Person, hook: Any, action: str, value: str) -> None:
    bob.clicks(action, value, f"{hook.url}/answer")
    assert "another version" in hook.said()["text"]


def test_the_csv_has_every_share_not_only_those_that_the_table_shows(
    slow_bob: Person, engine: Engine, sandbox: Sandbox, hook: Any
) -> None:
    for number in range(30):
        hold(engine, f"r{number}", user_id=BOB, project=f"p{number}")
    slow_bob.clicks("usage.csv", f"weekly project user:{BOB}", f"{hook.url}/answer")
    hook.said()
    [shown] = direct(sandbox, BOB)[0].files
    kept = sandbox.workspace.files.find(shown["id"])
    assert kept and kept.content
    told = rows(kept.content)
    assert len(told) == 30 and {row["scope"] for row in told} == {f"user:{BOB}"}
    assert {(row["period"], row["from"], row["by"]) for row in told} == {("weekly", "2026-11-23", "project")}
