"""Buttons and commands that were posted before a budget was removed answer truthfully afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App

from klingbot.domain.alert_history import ref_of
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, budgets
from klingbot.engine.budgets import Change
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk

ALICE, BOB, CAROL = "U0ALICE001", "U0BOB00001", "U0CAROL001"
CLOSED = "marketing (monthly) was removed, so that request is closed. Nothing changed."
MARKETING = "project:marketing"


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    built = build(Desk(engine, directory), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    yield built
    built.listener_runner.listener_executor.shutdown()


@pytest.fixture
def increase(alice: Any, bob: Any, engine: Engine) -> str:
    """The id of Bob's request for more of a budget whose approver is Carol."""
    alice.types("budget set marketing --credits 30 --approvers @carol")
    said = bob.types("generate a fox --model kling-pro --duration 10 --project marketing")
    bob.types(f"ask {re.search(r'/kling ask (.+)', said)[1]}")  # type: ignore[index]
    return re.findall(r"^• (\w+) ", bob.types("requests"), re.MULTILINE)[0]


def remove(engine: Engine) -> None:
    assert budgets.remove_budget(engine, MARKETING, PeriodKind.MONTHLY, by=ALICE)


@pytest.mark.parametrize("set_again", [False, True])
@pytest.mark.parametrize("button", ["increase.approve", "increase.amount", "increase.deny", "increase.withdraw"])
def test_the_buttons_of_a_request_say_that_its_budget_was_removed(
    alice: Any, bob: Any, carol: Any, hook: Any, engine: Engine, increase: str, button: str, *, set_again: bool
) -> None:
    remove(engine)
    if set_again:
        alice.types("budget set marketing --credits 30 --approvers @carol")
    for person in [bob] if button == "increase.withdraw" else [alice, carol]:
        person.clicks(button, increase, f"{hook.url}/answer")
        said = hook.said()
        assert (said["replace_original"], said["text"]) == (False, CLOSED)
    assert engine.store.read().execute("SELECT * FROM grants").fetchall() == []


def test_so_do_the_commands(alice: Any, carol: Any, engine: Engine, increase: str) -> None:
    remove(engine)
    assert alice.types(f"approve {increase}") == CLOSED
    assert carol.types(f"deny {increase}") == CLOSED
    assert alice.types("requests") == "No requests are waiting."


def test_the_admin_hears_how_many_requests_were_closed(alice: Any, hook: Any, engine: Engine, increase: str) -> None:
    alice.clicks("budget.remove", f"monthly {MARKETING}", f"{hook.url}/answer")
    form = hook.said()["view"]
    body = {"type": "view_submission", "view": {**form, "id": "V1", "state": {"values": {}}}, "response_urls": []}
    assert alice.acts(body).status == 200
    said = hook.said()["text"]
    assert "1 open request for more of it closed; who asked is told." in said


@pytest.mark.parametrize("set_again", [False, True])
@pytest.mark.parametrize("button", ["alert.acknowledge", "alert.snooze", "alert.unmute"])
def test_the_buttons_of_an_alert_say_that_its_budget_was_removed(
    bob: Any, hook: Any, engine: Engine, button: str, *, set_again: bool
) -> None:
    change = Change(MARKETING, PeriodKind.MONTHLY, 10_000)
    budgets.set_budget(engine, change, by=ALICE)
    bob.types("generate a fox --model kling-v1 --duration 5 --project marketing")
    carried = str(ref_of(budgets.standings(engine)[0]))
    remove(engine)
    if set_again:
        budgets.set_budget(engine, change, by=ALICE)
    bob.clicks(button, carried, f"{hook.url}/answer")
    said = hook.said()
    assert said["replace_original"] is False
    assert said["text"].startswith("That budget was removed, so this alert is closed.")
    assert f"<@{ALICE}> <!date" in said["text"]


def test_a_raise_that_was_proposed_before_does_nothing(alice: Any, hook: Any, engine: Engine) -> None:
    alice.types("budget set marketing --credits 30")
    asked = json.loads(alice.send("budget set marketing --credits 60").body)
    [row] = [block for block in asked["blocks"] if block["type"] == "actions"]
    remove(engine)
    alice.clicks("budget.raise", row["elements"][0]["value"], f"{hook.url}/answer")
    assert "so nothing was changed" in hook.said()["text"]
    assert budgets.standings(engine) == []
