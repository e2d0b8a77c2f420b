"""A limit that is raised by command: asked first, then done by whoever may, and once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App

from klingbot.domain.money import Amount
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, budgets, project_rules
from klingbot.engine.budgets import Change
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from tests.support.ledger_checks import hold, settle

MARKETING, ADMIN = "project:marketing", "U0ALICE001"


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    built = build(Desk(engine, directory), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    yield built
    built.listener_runner.listener_executor.shutdown()


@pytest.fixture(autouse=True)
def marketing(engine: Engine) -> None:
    budget(engine, 100_000)


def budget(engine: Engine, millicredits: int, **more: Any) -> None:
    budgets.set_budget(engine, Change(MARKETING, PeriodKind.MONTHLY, millicredits, **more), by=ADMIN)


def limit(engine: Engine) -> int | None:
    (standing,) = budgets.standings(engine)
    return standing.budget.limit_millicredits


RAISE, REMOVE = ("budget.raise", "Raise it"), ("budget.removal", "Remove it")


def asked(person: Any, text: str, expected: tuple[str, str] = RAISE) -> tuple[str, str]:
    """What the command is answered with, and what its one button carries."""
    said = json.loads(person.send(f"budget {'remove' if expected == REMOVE else 'set'} {text}").body)
    (row,) = [block for block in said["blocks"] if block["type"] == "actions"]
    (button,) = row["elements"]
    assert (button["action_id"], button["text"]["text"]) == expected
    return said["text"], button["value"]


def press(person: Any, hook: Any, value: str, button: tuple[str, str] = RAISE) -> str:
    person.clicks(button[0], value, f"{hook.url}/answer")
    return str(hook.said()["text"])


def test_raising_a_limit_asks_first_with_before_and_after_and_the_spend_so_far(alice: Any, engine: Engine) -> None:
    settle(engine, hold(engine, "r1"))
    said, _ = asked(alice, "marketing --credits 200 --alert 50 --reason “launch week”")
    assert said.startswith(
        "This lets more be spent. marketing (monthly): 100 credits → 200 credits; alerts at 80%, 100% → 50%\n"
        "What November 2026 has seen so far counts: 40 credits ($2.40)\n“launch week”"
    )
    assert said.endswith("Nothing is changed before you press")
    assert limit(engine) == 100_000


def test_a_press_raises_it_keeps_the_spend_and_notes_who_and_why(alice: Any, hook: Any, engine: Engine) -> None:
    settle(engine, hold(engine, "r1"))
    _, value = asked(alice, "marketing --credits 200 --reason “launch week”")
    assert press(alice, hook, value).startswith("Budget set for marketing (monthly): 100 credits → 200 credits\n")
    (standing,) = budgets.standings(engine)
    assert (standing.budget.limit_millicredits, standing.total.settled) == (200_000, Amount(40_000, 2_400_000))
    newest = project_rules.changes(engine, MARKETING)[0]
    assert (newest.by, newest.before, newest.after, newest.why) == (
        ADMIN, "100 credits, alerts at 80%, 100%", "200 credits, alerts at 80%, 100%", "launch week"
    )  # fmt: skip


def test_pressing_twice_is_one_change(alice: Any, hook: Any, engine: Engine) -> None:
    _, value = asked(alice, "marketing --credits 200")
    press(alice, hook, value)
    assert "still 200 credits" in press(alice, hook, value)
    assert len(project_rules.changes(engine, MARKETING)) == 2, "the first budget and its raise"


def test_whoever_may_not_set_budgets_may_not_press(alice: Any, bob: Any, hook: Any, engine: Engine) -> None:
    _, value = asked(alice, "marketing --credits 200")
    assert press(bob, hook, value).startswith("Only admins can raise budgets.")
    assert limit(engine) == 100_000


def test_a_budget_that_was_changed_meanwhile_is_left_as_it_is(alice: Any, hook: Any, engine: Engine) -> None:
    _, value = asked(alice, "marketing --credits 200")
    budget(engine, 50_000)
    assert press(alice, hook, value).startswith("Somebody has changed this budget since you were shown it")
    assert limit(engine) == 50_000


@pytest.mark.parametrize("text", ["workspace --credits 5", "marketing --credits 99", "marketing --usd 6 --alert 50"])
def test_new_and_lower_limits_are_set_at_once(alice: Any, text: str) -> None:
    assert alice.types(f"budget set {text}").startswith("Budget set for ")


def test_doing_away_with_one_of_two_limits_raises_too(alice: Any, engine: Engine) -> None:
    budget(engine, 100_000, limit_microusd=6_000_000)
    said, _ = asked(alice, "marketing --usd none")
    assert "100 credits and $6.00 → 100 credits" in said


@pytest.mark.parametrize("button", [RAISE, REMOVE])
def test_what_another_version_wrote_on_its_button_changes_nothing(
    alice: Any, hook: Any, engine: Engine, button: tuple[str, str]
) -> None:
    for value in ("", "{}", '{"seen": "x", "change": {"scope": "workspace"}}', '{"seen":"x","change":[]}', "[]"):
        assert press(alice, hook, value, button).startswith("This button belongs to another version of Klingbot")
    assert limit(engine) == 100_000


def test_removing_a_budget_asks_first_for_nothing_limits_what_it_limited(alice: Any, engine: Engine) -> None:
    hold(engine, "r1")
    said, _ = asked(alice, "marketing --reason “the project is over”", REMOVE)
    assert said.startswith(
        "This lets more be spent. marketing (monthly): 100 credits → no budget\n"
        "What November 2026 has seen so far counts: 40 credits ($2.40)\n“the project is over”"
    )
    assert limit(engine) == 100_000


def test_a_budget_that_was_changed_since_is_not_removed(alice: Any, hook: Any, engine: Engine) -> None:
    _, value = asked(alice, "marketing", REMOVE)
    budget(engine, 50_000)
    assert press(alice, hook, value, REMOVE).startswith("Somebody has changed this budget")
    assert limit(engine) == 50_000


def test_only_admins_press_remove_it(alice: Any, bob: Any, hook: Any, engine: Engine) -> None:
    _, value = asked(alice, "marketing", REMOVE)
    assert "Only admins" in press(bob, hook, value, REMOVE)
    assert limit(engine) == 100_000


def test_the_reason_of_a_removal_is_kept(alice: Any, hook: Any, engine: Engine) -> None:
    _, value = asked(alice, "marketing --reason “the project is over”", REMOVE)
    assert "Removed the monthly budget of marketing" in press(alice, hook, value, REMOVE)
    assert budgets.standings(engine) == []
    newest = project_rules.changes(engine, MARKETING)[0]
    assert (newest.after, newest.why) == ("", "the project is over")


def test_switching_forecasts_off_is_in_the_list_too(alice: Any, engine: Engine) -> None:
    alice.types("budget set marketing --forecast off")
    assert project_rules.changes(engine, MARKETING)[0].after == "100 credits, alerts at 80%, 100%, no forecast"


def test_twenty_approvers_are_enough(alice: Any) -> None:
    many = ",".join(f"<@U{number:09d}>" for number in range(21))
    assert "--approvers names 21 people, and 20 is the most." in alice.types(f"budget set marketing --approvers {many}")
