"""Budgets by form: signed payloads in, and what Slack is told to do with the form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App

from klingbot.domain.budgets import Budget
from klingbot.domain.membership import Home
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, budgets, project_rules
from klingbot.engine.budgets import Change
from klingbot.slack.api.directory import Directory
from klingbot.slack.api.lookup_cache import FRESH_SECONDS
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from tests.support.ledger_checks import hold, settle
from tests.unit.slack.filling import answer, as_slack_has_it, block, choose, names, submit, text

MARKETING, ADMIN, BOB, CAROL = "project:marketing", "U0ALICE001", "U0BOB00001", "U0CAROL001"
FINANCE, LOUNGE = "C0FINANCE1", "C0LOUNGE01"


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    desk = Desk(engine, directory, alerts_channel=FINANCE)
    built = build(desk, token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    yield built
    built.listener_runner.listener_executor.shutdown()


def budget(engine: Engine, millicredits: int = 100_000, scope: str = MARKETING, **more: Any) -> None:
    budgets.set_budget(engine, Change(scope, PeriodKind.MONTHLY, millicredits, **more), by=ADMIN)


def kept(engine: Engine, scope: str = MARKETING, kind: PeriodKind = PeriodKind.MONTHLY) -> Budget | None:
    return budgets.see(engine, scope, kind).budget


def limit(engine: Engine) -> int | None:
    now = kept(engine)
    return now and now.limit_millicredits


def opened(person: Any, hook: Any, value: str = f"monthly {MARKETING}", action: str = "budget.set") -> dict[str, Any]:
    person.clicks(action, value, f"{hook.url}/answer")
    said = hook.said()
    assert said["method"] == "views.open"
    return dict(said["view"])


def chosen_anew(person: Any, hook: Any, view: dict[str, Any], **filled: Any) -> dict[str, Any]:
    choose(person, view, **filled)
    said = hook.said()
    assert said["method"] == "views.update"
    return dict(said["view"])


def question(person: Any, view: dict[str, Any], **filled: Any) -> dict[str, Any]:
    """The form that is laid over this one when it is submitted so."""
    said = answer(person, view, **filled)
    assert said["response_action"] == "push"
    return {**said["view"], "previous_view_id": "V0FORM0001"}


# Opening.


def test_admins_find_the_buttons_below_the_budgets_and_members_do_not(alice: Any, bob: Any, engine: Engine) -> None:
    budget(engine)
    for command in ("budget", "budget show marketing", ""):
        assert "Set a budget]" in alice.types(command) or "[Change] [Remove]" in alice.types(command)
        assert "Set a budget]" not in bob.types(command) and "[Change]" not in bob.types(command)


def test_a_button_that_a_member_gets_hold_of_opens_nothing(bob: Any, hook: Any) -> None:
    bob.clicks("budget.set", "any", f"{hook.url}/answer")
    assert hook.said()["text"].startswith("Only admins can set budgets.")


def test_the_form_of_a_budget_shows_how_it_stands_and_what_is_set(alice: Any, hook: Any, engine: Engine) -> None:
    budget(engine, 12_345_500, thresholds=(50, 90), channel_id=LOUNGE, approvers=(BOB,), spike=False)
    settle(engine, hold(engine, "r1"))
    view = opened(alice, hook)
    assert "*marketing (monthly)* now" in text(view) and "40 credits ($2.40) used" in text(view)
    assert "whose" not in names(view), "it is about this budget and no other"
    assert block(view, "credits")["element"]["initial_value"] == "12345.5"
    assert "initial_value" not in block(view, "usd")["element"]
    assert block(view, "alerts")["element"]["initial_value"] == "50, 90"
    assert block(view, "channel")["element"]["initial_conversation"] == LOUNGE
    assert block(view, "approvers")["element"]["initial_users"] == [BOB]
    assert [each["value"] for each in block(view, "tells")["element"]["initial_options"]] == ["forecast"]


def test_a_form_for_any_budget_begins_with_the_workspace_and_follows_what_is_chosen(
    alice: Any, hook: Any, engine: Engine
) -> None:
    budget(engine, 200_000)
    alice.types("project lab")
    view = opened(alice, hook, "any")
    assert "*workspace (monthly)* has no budget. Nothing spent yet." in text(view)
    offered = [each["value"] for each in block(view, "whose")["element"]["options"]]
    assert offered == ["workspace", "project:lab", MARKETING, "project:sales", "other", "person"]
    marketing = chosen_anew(alice, hook, view, whose=MARKETING)
    assert block(marketing, "credits")["element"]["initial_value"] == "200"
    assert block(marketing, "credits")["block_id"] != block(view, "credits")["block_id"]
    daily = chosen_anew(alice, hook, view, at="2.0", whose=MARKETING, kind="daily")
    assert "*marketing (daily)* has no budget" in text(daily)
    assert "tells" not in names(daily), "a day has no forecast"
    hold(engine, "r1", project="sales")
    weekly = chosen_anew(alice, hook, view, at="3.0", whose="workspace", kind="weekly")
    assert "*workspace (weekly)* has no budget. The week of 23 November 2026 has seen 40 credits" in text(weekly)


def test_a_person_and_a_project_that_is_not_listed_are_asked_for(alice: Any, hook: Any, engine: Engine) -> None:
    view = chosen_anew(alice, hook, opened(alice, hook, "any"), whose="person")
    assert "person" in names(view)
    assert submit(alice, view, credits="5") == {"person": "Choose a person."}
    assert submit(alice, view, credits="5", person=BOB) == {}
    assert kept(engine, f"user:{BOB}")
    hook.said()
    view = chosen_anew(alice, hook, opened(alice, hook, "any"), at="2.0", whose="other")
    assert submit(alice, view, credits="5", project="No Such!")["project"].startswith("“No Such!” is not a project's")
    assert submit(alice, view, credits="5", project="Brand-New") == {}
    assert kept(engine, "project:brand-new")


def test_a_name_that_is_almost_a_projects_is_taken_with_a_doubt(alice: Any, hook: Any, engine: Engine) -> None:
    budget(engine)
    view = chosen_anew(alice, hook, opened(alice, hook, "any"), whose="other")
    assert submit(alice, view, credits="5", project="markting") == {}
    assert kept(engine, "project:markting")
    assert "No channel spends for markting yet. Did you mean marketing?" in hook.said()["text"]


def test_a_choice_that_is_submitted_before_the_form_could_follow_is_pointed_out(alice: Any, hook: Any) -> None:
    view = opened(alice, hook, "any")
    assert submit(alice, view, whose="person", credits="5") == {"whose": "Choose a person."}


# Submitting.


def test_a_new_budget_is_set_at_once_and_told_where_the_button_was(alice: Any, hook: Any, engine: Engine) -> None:
    settle(engine, hold(engine, "r1"))
    view = opened(alice, hook)
    filled = {"credits": "10,000", "usd": "$600", "alerts": "100, 50", "channel": LOUNGE, "approvers": [BOB, CAROL]}
    assert submit(alice, view, **filled, tells=["spike"], why="launch\nweek") == {}
    said = hook.said()
    assert said["method"] == "answer"
    assert said["text"].startswith("Budget set for marketing (monthly): new, 10,000 credits and $600.00\n")
    assert "What November 2026 has seen so far counts: 40 credits ($2.40)" in said["text"]
    assert f"I am not in <#{LOUNGE}> yet" in said["text"]
    assert kept(engine) == Budget(
        MARKETING, PeriodKind.MONTHLY, 10_000_000, 600_000_000, (50, 100), LOUNGE, (BOB, CAROL), forecast=False
    )
    newest = project_rules.changes(engine, MARKETING)[0]
    assert (newest.by, newest.before, newest.why) == (ADMIN, "", "launch week")


def test_a_lower_limit_is_set_at_once_and_an_emptied_field_takes_away(alice: Any, hook: Any, engine: Engine) -> None:
    budget(engine, channel_id=LOUNGE, approvers=(BOB,))
    assert submit(alice, opened(alice, hook), credits="99.5", channel=None, approvers=[], tells=[]) == {}
    assert f"100 credits → 99.5 credits; to <#{LOUNGE}> → <#{FINANCE}>; more is approved by" in hook.said()["text"]
    assert kept(engine) == Budget(MARKETING, PeriodKind.MONTHLY, 99_500, None, forecast=False, spike=False)


def test_raising_a_limit_asks_over_the_form_with_before_and_after(alice: Any, hook: Any, engine: Engine) -> None:
    budget(engine)
    settle(engine, hold(engine, "r1"))
    asked = question(alice, opened(alice, hook), credits="200", why="launch week")
    assert (asked["submit"]["text"], asked["close"]["text"]) == ("Raise it", "Back")
    assert "*marketing (monthly)*: 100 credits → 200 credits" in text(asked)
    assert "has seen so far counts: 40 credits ($2.40)" in text(asked) and "“launch week”" in text(asked)
    assert limit(engine) == 100_000
    assert answer(alice, asked) == {"response_action": "clear"}, "both forms close"
    said = hook.said()
    assert (said["method"], limit(engine)) == ("answer", 200_000)
    assert said["text"].startswith("Budget set for marketing (monthly): 100 credits → 200 credits\n")
    assert project_rules.changes(engine, MARKETING)[0].why == "launch week"


def test_submitting_twice_is_one_change(alice: Any, hook: Any, engine: Engine) -> None:
    new, asked = opened(alice, hook), None
    assert submit(alice, new, credits="100") == submit(alice, new, credits="100") == {}
    asked = question(alice, opened_after(alice, hook, 2), credits="200")
    assert answer(alice, asked) == answer(alice, asked) == {"response_action": "clear"}
    assert [change.after[:11] for change in project_rules.changes(engine, MARKETING)] == ["200 credits", "100 credits"]


def opened_after(person: Any, hook: Any, answers: int) -> dict[str, Any]:
    """The form, once that many answers were heard."""
    for _ in range(answers):
        assert hook.said()["method"] == "answer"
    return opened(person, hook)


def test_a_budget_that_was_changed_while_the_form_was_open_is_shown_as_it_is_now(
    alice: Any, hook: Any, engine: Engine
) -> None:
    budget(engine)
    view = opened(alice, hook)
    budget(engine, 50_000)
    said = answer(alice, view, credits="60")
    assert (said["response_action"], limit(engine)) == ("update", 50_000)
    renewed = said["view"]
    assert "Somebody has changed this budget since you opened the form" in text(renewed)
    assert block(renewed, "credits")["element"]["initial_value"] == "50"
    assert block(renewed, "credits")["block_id"] != block(view, "credits")["block_id"], "the field begins anew"
    assert submit(alice, renewed, credits="40") == {}
    assert limit(engine) == 40_000


def test_a_budget_that_was_changed_before_the_yes_is_left_as_it_is(alice: Any, hook: Any, engine: Engine) -> None:
    budget(engine)
    asked = question(alice, opened(alice, hook), credits="200")
    budget(engine, 50_000)
    said = answer(alice, asked)
    assert (said["response_action"], limit(engine)) == ("update", 50_000)
    assert "Somebody has changed this budget meanwhile" in text(said["view"])
    assert "submit" not in said["view"]


def test_a_budget_that_the_form_had_not_shown_is_shown_before_it_is_changed(
    alice: Any, hook: Any, engine: Engine
) -> None:
    """A project's name that was typed, and submitted without the form having followed."""
    budget(engine)
    view = chosen_anew(alice, hook, opened(alice, hook, "any"), whose="other")
    asked = question(alice, view, project="marketing", credits="60")
    assert (asked["title"]["text"], text(asked)) == (
        "Change this budget?", "*marketing (monthly)*: 100 credits → 60 credits"
    )  # fmt: skip
    assert limit(engine) == 100_000


def test_every_mistake_is_pointed_out_below_its_field(alice: Any, hook: Any, engine: Engine) -> None:
    view = opened(alice, hook)
    assert submit(alice, view, credits="many", usd="-5", alerts="eighty", approvers=[]) == {
        "credits": "“many” is not an amount of credits; write it like 10000, 10,000 or 1.5.",
        "usd": "USD must be more than zero, got -5.",
        "alerts": "Give whole percentages from 1 to 200, like 80, 100.",
    }
    assert submit(alice, view)["credits"].startswith("Give a limit in credits, in USD, or both.")
    assert submit(alice, view, credits="5", channel="C0SECRETS1")["channel"].startswith("I can't see that channel.")
    assert kept(engine) is None


def test_the_bot_itself_is_no_approver(alice: Any, hook: Any, engine: Engine, directory: Directory) -> None:
    directory.know_home(Home("T0SANDBOX1", bot_user_id=CAROL))
    wrong = submit(alice, opened(alice, hook), credits="5", approvers=[BOB, CAROL])
    assert wrong == {"approvers": "Klingbot itself can't approve requests. Name people instead."}
    assert kept(engine) is None


def test_what_slack_does_not_tell_stays_as_it_was(alice: Any, hook: Any, engine: Engine) -> None:
    """After an update Slack may leave fields out that nobody touched since (slackapi/bolt-js#1073)."""
    budget(engine, limit_microusd=6_000_000, thresholds=(50,), approvers=(BOB,))
    body = as_slack_has_it(opened(alice, hook), credits="80")
    body["state"]["values"] = {key: said for key, said in body["state"]["values"].items() if "credits" in key}
    assert alice.acts({"type": "view_submission", "view": body, "response_urls": []}).body == ""
    assert kept(engine) == Budget(MARKETING, PeriodKind.MONTHLY, 80_000, 6_000_000, (50,), None, (BOB,))


def test_who_is_no_admin_any_more_changes_nothing(bob: Any, alice: Any, hook: Any, engine: Engine) -> None:
    budget(engine)
    form, removal = opened(alice, hook), opened(alice, hook, action="budget.remove")
    asked = question(alice, form, credits="200")
    unchanged = "Ask one of them; nothing was changed."
    assert submit(bob, form, credits="50") == {"credits": f"Only admins can set budgets. {unchanged}"}
    assert submit(bob, removal) == {"why": f"Only admins can remove budgets. {unchanged}"}
    assert f"Only admins can set budgets. {unchanged}" in text(answer(bob, asked)["view"])
    assert limit(engine) == 100_000


def test_while_slack_cannot_say_who_is_an_admin_the_form_stays_open(
    alice: Any, hook: Any, engine: Engine, slack: Any, seconds: Any
) -> None:
    view = opened(alice, hook)
    seconds.now += FRESH_SECONDS
    slack.trouble = TimeoutError()
    assert submit(alice, view, credits="5")["credits"].startswith("I could not ask Slack whether you are an admin")
    assert kept(engine) is None


# Removing.


def test_a_budget_is_removed_by_form_and_its_spend_is_kept(alice: Any, hook: Any, engine: Engine) -> None:
    budget(engine)
    settle(engine, hold(engine, "r1"))
    view = opened(alice, hook, action="budget.remove")
    assert "40 credits ($2.40) used" in text(view) and view["submit"]["text"] == "Remove it"
    assert submit(alice, view, why="it is over") == {}
    assert hook.said()["text"].startswith("Removed the monthly budget of marketing.")
    assert (kept(engine), project_rules.changes(engine, MARKETING)[0].why) == (None, "it is over")
    budget(engine, 50_000)
    assert budgets.standings(engine)[0].total.settled.millicredits == 40_000


def test_what_was_changed_meanwhile_or_not_shown_is_shown_before_it_is_removed(
    alice: Any, hook: Any, engine: Engine
) -> None:
    budget(engine)
    view = opened(alice, hook, action="budget.remove")
    budget(engine, 70_000)
    said = answer(alice, view)
    assert said["response_action"] == "update" and "of 70 credits" in text(said["view"])
    other = chosen_anew(alice, hook, opened(alice, hook, "any", "budget.remove"), whose="other")
    said = answer(alice, other, project="marketing")
    assert said["response_action"] == "update" and "This is the budget that would be removed." in text(said["view"])
    assert limit(engine) == 70_000


def test_where_there_is_no_budget_there_is_nothing_to_remove(alice: Any, hook: Any) -> None:
    said = submit(alice, opened(alice, hook, "any", "budget.remove"))
    assert said == {"kind": "There is no such budget, so there is nothing to remove."}
