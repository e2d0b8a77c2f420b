"""Whose budgets and digests can be set: people of the workspace, as Slack knows them."""

from __future__ import annotations

from typing import Any

import pytest

from klingbot.domain.budgets import user_scope
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, budgets, digests
from tests.unit.slack.conftest import BOB, FINANCE, FakeSlack, Person, channel, person

GHOST, LEFT, ROBOT, GUEST, STRANGER = "U0GHOST001", "U0LEFT0001", "U0ROBOT001", "U0GUEST001", "U0STRANGE1"
COMMANDS = ["budget set {} --usd 5", "digest {} weekly"]


@pytest.fixture
def slack(slack: FakeSlack) -> FakeSlack:
    slack.people += [
        person(LEFT, "left", deleted=True),
        {**person(ROBOT, "robot"), "is_bot": True},
        {**person(GUEST, "guest"), "is_restricted": True},
        {**person(STRANGER, "stranger"), "is_stranger": True, "team_id": "T0ELSEWHERE"},
    ]
    return slack


def nothing_was_set(engine: Engine) -> bool:
    return not budgets.standings(engine) and not digests.wanted(engine)


@pytest.mark.parametrize("text", COMMANDS)
@pytest.mark.parametrize(
    ("user_id", "why"),
    [
        (GHOST, "they aren't in this workspace"),
        (LEFT, "their Slack account is deactivated"),
        (ROBOT, "that's a bot"),
        (GUEST, "guests don't use Klingbot here"),
        (STRANGER, "they aren't in this workspace"),
    ],
)
def test_nobody_but_a_member_can_have_a_budget_or_a_digest(
    alice: Person, engine: Engine, text: str, user_id: str, why: str
) -> None:
    for typed in (f"<@{user_id}>", f"<@{user_id}|somebody>", f"user:{user_id}"):
        assert why in alice.types(text.format(typed))
    assert nothing_was_set(engine)


@pytest.mark.parametrize("text", COMMANDS)
def test_while_slack_cannot_be_asked_nothing_is_set(alice: Person, slack: FakeSlack, engine: Engine, text: str) -> None:
    alice.types("budget")
    slack.trouble = TimeoutError("slow")
    assert "I could not ask Slack who that person is just now" in alice.types(text.format(f"<@{BOB}>"))
    assert nothing_was_set(engine)
    slack.trouble = None
    alice.types(text.format(f"<@{BOB}>"))
    assert not nothing_was_set(engine)


def test_what_somebody_who_left_has_can_still_be_taken_away(alice: Person, engine: Engine) -> None:
    budgets.set_budget(engine, budgets.Change(user_scope(LEFT), PeriodKind.MONTHLY, 5_000), by="UADMIN")
    digests.want(engine, user_scope(LEFT), PeriodKind.WEEKLY, None, None, by="UADMIN")
    assert "Turned off" in (said := alice.types(f"digest <@{LEFT}> off")) or "off" in said
    assert not digests.wanted(engine)
    assert "remove" in alice.types(f"budget remove <@{LEFT}>").lower()


def test_the_default_channel_can_be_restored(alice: Person, slack: FakeSlack, engine: Engine) -> None:
    def place() -> tuple[str | None, list[Any]]:
        budget = budgets.see(engine, "workspace", PeriodKind.MONTHLY).budget
        return budget and budget.channel_id, [each.channel_id for each in digests.wanted(engine)]

    slack.channels.append(channel("C0NONE0001", "none"))
    alice.types("budget set workspace --usd 5 --channel #general")
    alice.types("digest workspace weekly --channel #general")
    assert place() == ("C0GENERAL1", ["C0GENERAL1"])
    said = alice.types("budget set workspace --channel none")
    assert FINANCE in said and place()[0] is None
    alice.types("digest workspace weekly --channel default")
    assert place()[1] == ["C0GENERAL1", None] or place()[1] == [None, "C0GENERAL1"]
    alice.types("digest workspace off --channel none")
    assert place()[1] == ["C0GENERAL1"]
    alice.types("budget set workspace --channel #none")
    assert place()[0] == "C0NONE0001"
