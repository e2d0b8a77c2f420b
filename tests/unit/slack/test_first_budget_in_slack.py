"""Before the first budget: what members and admins read, press and type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, budgets, first_budget, project_rules
from klingbot.engine.budgets import Change
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from klingbot.slack.interactions.home import Homes
from tests.support.ledger_checks import rows_of
from tests.unit.slack import filling
from tests.unit.slack.test_home import drawn, look

ALICE, BOB = "U0ALICE001", "U0BOB00001"
FOX = "generate A fox in snow"
NOT_YET = "No budget is set yet, so I can't start videos"


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    first_budget.require(engine, by=ALICE)
    desk = Desk(engine, directory)
    client = WebClient("xoxb-fake", base_url=f"{hook.url}/")
    built = build(desk, token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret, homes=Homes(desk, client))
    yield built
    built.listener_runner.listener_executor.shutdown()


def set_budget(engine: Engine, scope: str = "workspace") -> None:
    budgets.set_budget(engine, Change(scope, PeriodKind.MONTHLY, 1_000_000), by=ALICE)


def buttons(said: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The buttons of a message or a form, by their action ids."""
    rows = [block["elements"] for block in said["blocks"] if block["type"] == "actions"]
    return {each["action_id"]: each for row in rows for each in row}


def typed(person: Any, text: str) -> dict[str, Any]:
    return dict(json.loads(person.send(text).body))


def test_a_member_is_told_whom_to_ask_and_nothing_is_reserved(bob: Any, engine: Engine) -> None:
    said = typed(bob, FOX)
    assert said["text"].splitlines()[0] == NOT_YET
    assert f"Ask an admin to set one: <@{ALICE}>." in said["text"]
    assert "Nothing was reserved or spent" in said["text"]
    assert buttons(said) == {}
    assert rows_of(engine.store.read(), "jobs") == []


def test_an_admin_gets_both_ways_out(alice: Any) -> None:
    said = typed(alice, FOX)
    assert said["text"].splitlines()[0] == NOT_YET
    assert list(buttons(said)) == ["budget.set", "budget.unlimited"]
    assert buttons(said)["budget.unlimited"]["confirm"]["title"]["text"] == "Run without a limit?"


def test_a_mention_and_a_direct_message_say_it_too(bob: Any, hook: Any) -> None:
    bob.says(f"<@U0KLINGBOT> {FOX}")
    assert hook.said()["text"].startswith(NOT_YET)
    bob.says(FOX, direct=True)
    assert hook.said()["text"].startswith(NOT_YET)


def test_a_quote_says_it_too(bob: Any) -> None:
    said = bob.types("quote A fox in snow")
    assert NOT_YET in said
    assert "No budget limits this" not in said


def test_the_list_of_budgets_says_it_too(bob: Any, alice: Any) -> None:
    assert bob.types("budget").startswith(NOT_YET)
    assert list(buttons(typed(alice, "budget"))) == ["budget.set", "budget.unlimited"]


def test_the_form_says_it_and_keeps_what_was_typed(bob: Any, hook: Any, engine: Engine) -> None:
    bob.send("generate")
    form = hook.said()["view"]
    assert NOT_YET in filling.text(form)
    answered = filling.answer(bob, form, prompt="A fox in snow")["view"]
    assert NOT_YET in filling.text(answered)
    assert "A fox in snow" in filling.text(answered)
    set_budget(engine)
    bob.acts(
        {
            "type": "block_actions",
            "container": {"type": "view", "view_id": "V0FORM0001"},
            "view": {**answered, "id": "V0FORM0001"},
            "actions": [{"action_id": "form.back", "value": buttons(answered)["form.back"]["value"]}],
        }
    )
    again = hook.said()["view"]
    assert filling.block(again, "prompt")["element"]["initial_value"] == "A fox in snow"
    assert NOT_YET not in filling.text(again)


def test_setting_a_first_budget_lets_everybody_start(alice: Any, bob: Any) -> None:
    alice.types("budget set workspace --usd 600")
    assert "Held" in bob.types(FOX)


def test_an_admin_presses_run_without_a_limit_and_it_is_recorded(
    alice: Any, bob: Any, hook: Any, engine: Engine
) -> None:
    value = buttons(typed(alice, FOX))["budget.unlimited"]["value"]
    alice.clicks("budget.unlimited", value, f"{hook.url}/answer")
    said = hook.said()
    assert said["replace_original"] is True
    assert said["text"].startswith(f"Videos now start without a limit\n<@{ALICE}> <!date")
    assert "chose to run without a limit" in said["text"]
    assert "Held" in bob.types(FOX)
    assert "need for a budget · workspace: required → waived" in alice.types("audit")

    alice.clicks("budget.required", buttons(said)["budget.required"]["value"], f"{hook.url}/answer")
    assert hook.said()["text"].startswith(NOT_YET)
    assert bob.types(FOX).startswith(NOT_YET)


def test_nobody_else_can_choose_it(bob: Any, hook: Any, engine: Engine) -> None:
    for action in ("budget.unlimited", "budget.required"):
        bob.clicks(action, "any", f"{hook.url}/answer")
        assert hook.said()["text"].startswith("Only admins can")
    assert bob.types("budget unlimited").startswith("Only admins can")
    assert not first_budget.coverage(engine).may_start


def test_the_command_asks_first_and_has_a_way_back(alice: Any, bob: Any, hook: Any, engine: Engine) -> None:
    asked = typed(alice, 'budget unlimited --reason "a trial"')
    assert asked["text"].startswith("Run without a limit?")
    assert bob.types(FOX).startswith(NOT_YET)
    alice.clicks("budget.unlimited", buttons(asked)["budget.unlimited"]["value"], f"{hook.url}/answer")
    assert hook.said()["text"].startswith("Videos now start without a limit")
    assert project_rules.changes(engine, "workspace")[0].why == "a trial"
    assert alice.types("budget unlimited").startswith("Videos now start without a limit")  # nothing more to ask
    assert bob.types("budget").startswith("There are no budgets yet.")

    assert alice.types("budget unlimited off").startswith(NOT_YET)
    assert bob.types(FOX).startswith(NOT_YET)


@pytest.mark.parametrize("value", ["", "any", "[]", '"x"', '{"why": 7}', "{"])
def test_a_button_of_another_version_still_means_the_choice(alice: Any, hook: Any, engine: Engine, value: str) -> None:
    alice.clicks("budget.unlimited", value, f"{hook.url}/answer")
    assert hook.said()["text"].startswith("Videos now start without a limit")
    assert first_budget.coverage(engine).may_start


def test_removing_the_last_budget_says_that_everything_stops(alice: Any, hook: Any, engine: Engine) -> None:
    set_budget(engine)
    set_budget(engine, "project:marketing")
    assert "last budget" not in alice.types("budget remove workspace")
    budgets.remove_budget(engine, "project:marketing", PeriodKind.MONTHLY, by=ALICE)
    asked = typed(alice, "budget remove workspace")
    assert "This is the last budget. Without one I start no more videos." in asked["text"]
    alice.clicks("budget.removal", buttons(asked)["budget.removal"]["value"], f"{hook.url}/answer")
    said = hook.said()
    assert "It was the last budget, so I start no more videos until you set one." in said["text"]
    assert list(buttons(said)) == ["budget.set", "budget.unlimited"]


def test_the_form_says_so_too(alice: Any, hook: Any, engine: Engine) -> None:
    set_budget(engine)
    alice.clicks("budget.remove", "monthly workspace", f"{hook.url}/answer")
    form = hook.said()["view"]
    assert "This is the last budget. Without one I start no more videos." in filling.text(form)
    filling.answer(alice, form)
    assert "It was the last budget, so I start no more videos until you set one." in hook.said()["text"]


def test_where_a_limit_was_waived_removing_the_last_budget_says_that_there_is_none(alice: Any, engine: Engine) -> None:
    first_budget.waive(engine, by=BOB)
    set_budget(engine)
    said = alice.types("budget remove workspace")
    assert f"This is the last budget. After that there is no limit: <@{BOB}> chose that." in said


def test_the_home_tells_everybody_that_nothing_can_be_started(alice: Any, bob: Any, hook: Any) -> None:
    look(bob)
    home = drawn(hook, bob)
    assert NOT_YET in home
    assert "Run without a limit" not in home
    look(alice)
    home = drawn(hook, alice)
    assert NOT_YET in home
    assert "Set the first budget" in home
    assert "Run without a limit" in home


def test_the_home_warns_admins_while_anything_is_unlimited(alice: Any, bob: Any, hook: Any, engine: Engine) -> None:
    first_budget.waive(engine, by=ALICE)
    look(alice)
    assert "Nothing limits what is spent" in drawn(hook, alice)
    set_budget(engine, "project:marketing")
    look(alice)
    home = drawn(hook, alice)
    assert "No limit for default" in home
    assert "A workspace budget limits everything" in home
    look(bob)
    assert "No limit" not in drawn(hook, bob)
    set_budget(engine)
    look(alice)
    assert "No limit" not in drawn(hook, alice)
