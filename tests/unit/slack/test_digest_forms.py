"""Digests by form: signed payloads in, and what Slack is told to do with the form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App

from klingbot.domain.digest_schedules import Schedule
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, digests, project_rules
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from tests.conftest import FakeClock
from tests.unit.slack.filling import answer, as_slack_has_it, block, choose, names, submit, text

MARKETING, ADMIN, BOB = "project:marketing", "U0ALICE001", "U0BOB00001"
FINANCE, GENERAL, LOUNGE = "C0FINANCE1", "C0GENERAL1", "C0LOUNGE01"
WEEKLY = PeriodKind.WEEKLY


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    desk = Desk(engine, directory, alerts_channel=FINANCE)
    built = build(desk, token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    yield built
    built.listener_runner.listener_executor.shutdown()


def wanted(engine: Engine) -> list[tuple[str, PeriodKind, str | None, int]]:
    return [(each.scope, each.kind, each.channel_id, each.minute) for each in digests.wanted(engine)]


def want(engine: Engine, place: str | None = GENERAL, minute: int = 540, scope: str = MARKETING) -> Schedule:
    return digests.want(engine, scope, WEEKLY, place, minute, by=ADMIN)


def opened(person: Any, hook: Any, action: str, value: str = f"weekly {GENERAL} {MARKETING}") -> dict[str, Any]:
    person.clicks(action, value, f"{hook.url}/answer")
    said = hook.said()
    assert said["method"] == "views.open"
    return dict(said["view"])


def test_admins_find_the_buttons_in_the_list_and_in_the_menu_and_members_do_not(
    alice: Any, bob: Any, engine: Engine
) -> None:
    assert "[Set a digest]" in alice.types("digest") and "[Set a digest]" not in bob.types("digest")
    want(engine)
    want(engine, None)
    assert alice.types("digest").count("[Change] [Turn off]") == 2
    assert "[Change]" not in bob.types("digest") and "marketing, weekly at 09:00" in bob.types("digest")
    assert "[Digests]" in alice.types("") and "[Digests]" not in bob.types("")


@pytest.mark.parametrize("action", ["digest.set", "digest.change", "digest.remove"])
def test_a_button_that_a_member_gets_hold_of_opens_nothing(bob: Any, hook: Any, engine: Engine, action: str) -> None:
    want(engine)
    bob.clicks(action, f"weekly {GENERAL} {MARKETING}", f"{hook.url}/answer")
    assert hook.said()["text"].startswith("Only admins can")


def test_a_digest_is_set_by_form_and_told_where_the_button_was(alice: Any, hook: Any, engine: Engine) -> None:
    alice.types("project lab")
    view = opened(alice, hook, "digest.set", "any")
    assert block(view, "time")["element"]["initial_time"] == "09:00"
    offered = [each["value"] for each in block(view, "whose")["element"]["options"]]
    assert offered == ["workspace", "project:lab", "project:marketing", "project:sales", "other", "person"]
    assert submit(alice, view, whose="project:lab", kind="daily", time="17:30", channel=LOUNGE, why="we asked") == {}
    said = hook.said()
    assert said["method"] == "answer"
    assert f"I am not in <#{LOUNGE}> yet" in said["text"] and "alerts" not in said["text"]
    assert f"Digest set: lab, daily at 17:30 (UTC) to <#{LOUNGE}>. <!date^1795455000^The next comes {{" in said["text"]
    assert f"I am not in <#{LOUNGE}> yet" in said["text"]
    assert wanted(engine) == [("project:lab", PeriodKind.DAILY, LOUNGE, 1050)]
    newest = project_rules.changes(engine, "project:lab")[0]
    assert (newest.by, newest.what, newest.before, newest.after) == (ADMIN, "daily digest", "", f"17:30 to #{LOUNGE}")
    assert newest.why == "we asked"


def test_a_person_and_another_project_are_asked_for(alice: Any, hook: Any, engine: Engine) -> None:
    view = opened(alice, hook, "digest.set", "any")
    choose(alice, view, whose="person", kind="monthly")
    asked = hook.said()["view"]
    assert "person" in names(asked)
    assert submit(alice, asked) == {"person": "Choose a person."}
    assert submit(alice, asked, person=BOB) == {}
    assert wanted(engine) == [(f"user:{BOB}", PeriodKind.MONTHLY, None, 540)]


def test_a_name_that_is_almost_a_projects_is_taken_with_a_doubt(alice: Any, hook: Any, engine: Engine) -> None:
    alice.types("project marketing")
    choose(alice, opened(alice, hook, "digest.set", "any"), whose="other")
    assert submit(alice, hook.said()["view"], project="markting") == {}
    assert wanted(engine) == [("project:markting", WEEKLY, None, 540)]
    assert "No channel spends for markting yet. Did you mean marketing?" in hook.said()["text"]


def test_the_channel_where_alerts_go_anyway_is_the_default_place(alice: Any, hook: Any, engine: Engine) -> None:
    assert submit(alice, opened(alice, hook, "digest.set", "any"), channel=FINANCE) == {}
    assert wanted(engine) == [("workspace", WEEKLY, None, 540)]


def test_mistakes_stand_below_their_fields(alice: Any, hook: Any, engine: Engine) -> None:
    view = opened(alice, hook, "digest.set", "any")
    assert submit(alice, view, time=None) == {"time": "Choose a time of day."}
    assert submit(alice, view, channel="C0SECRETS1")["channel"].startswith("I can't see that channel.")
    assert wanted(engine) == []


def test_a_digest_that_is_moved_goes_on_from_what_it_told_last(
    alice: Any, hook: Any, engine: Engine, clock: FakeClock
) -> None:
    want(engine)
    clock.set(2026, 11, 30, 9)
    [due] = digests.due(engine)
    view = opened(alice, hook, "digest.change")
    assert text(view).startswith(f"*marketing*, weekly at 09:00 (UTC) to <#{GENERAL}>")
    assert block(view, "channel")["element"]["initial_conversation"] == GENERAL
    assert submit(alice, view, time="08:00", channel=FINANCE, why="too late") == {}
    assert "Digest set: marketing, weekly at 08:00 (UTC)" in hook.said()["text"]
    assert wanted(engine) == [(MARKETING, WEEKLY, None, 480)]
    [moved] = digests.wanted(engine)
    assert (moved.since, moved.told) == (due.schedule.since, due.schedule.told)
    newest = project_rules.changes(engine, MARKETING)[0]
    assert (newest.before, newest.after, newest.why) == (f"09:00 to #{GENERAL}", "08:00", "too late")


def test_a_digest_that_is_moved_onto_another_becomes_one_with_it(alice: Any, hook: Any, engine: Engine) -> None:
    want(engine)
    want(engine, LOUNGE, 600)
    assert submit(alice, opened(alice, hook, "digest.change"), channel=LOUNGE) == {}
    assert wanted(engine) == [(MARKETING, WEEKLY, LOUNGE, 540)]


def test_a_digest_that_is_off_meanwhile_is_not_set_again(alice: Any, hook: Any, engine: Engine) -> None:
    want(engine)
    view = opened(alice, hook, "digest.change")
    digests.unwant(engine, MARKETING, None, by=BOB)
    said = answer(alice, view, time="08:00")
    assert "Somebody has turned this digest off meanwhile" in text(said["view"])
    assert wanted(engine) == []
    alice.clicks("digest.change", f"weekly {GENERAL} {MARKETING}", f"{hook.url}/answer")
    assert hook.said()["text"].startswith("There is no such digest for marketing.")


def test_a_digest_is_turned_off_by_form_and_only_that_one(alice: Any, hook: Any, engine: Engine) -> None:
    want(engine)
    want(engine, None)
    digests.want(engine, MARKETING, PeriodKind.DAILY, GENERAL, None, by=ADMIN)
    assert submit(alice, opened(alice, hook, "digest.remove"), why="nobody reads it") == {}
    assert hook.said()["text"] == f"Turned off: marketing, weekly at 09:00 (UTC) to <#{GENERAL}>"
    assert sorted(each[1:3] for each in wanted(engine)) == [(PeriodKind.DAILY, GENERAL), (WEEKLY, None)]
    newest = project_rules.changes(engine, MARKETING)[0]
    assert (newest.before, newest.after, newest.why) == (f"09:00 to #{GENERAL}", "", "nobody reads it")
    assert submit(alice, opened(alice, hook, "digest.remove", f"weekly - {MARKETING}")) == {}
    assert wanted(engine) == [(MARKETING, PeriodKind.DAILY, GENERAL, 540)]


def test_who_is_no_admin_any_more_changes_nothing(alice: Any, bob: Any, hook: Any, engine: Engine) -> None:
    want(engine)
    before = wanted(engine)
    new, moved, off = (opened(alice, hook, f"digest.{act}") for act in ("set", "change", "remove"))
    assert submit(bob, new) == {"whose": "Only admins can set digests. Ask one of them; nothing was changed."}
    assert submit(bob, moved, time="08:00")["time"].startswith("Only admins can set digests.")
    assert submit(bob, off)["why"].startswith("Only admins can turn digests off.")
    assert wanted(engine) == before


def test_a_time_that_slack_does_not_tell_is_asked_for(alice: Any, hook: Any, engine: Engine) -> None:
    """After an update Slack may leave fields out that nobody touched since (slackapi/bolt-js#1073)."""
    body = as_slack_has_it(opened(alice, hook, "digest.set", "any"), whose="workspace")
    body["state"]["values"] = {key: said for key, said in body["state"]["values"].items() if key == "whose"}
    response = alice.acts({"type": "view_submission", "view": body, "response_urls": []})
    assert '"time": "Choose a time of day."' in response.body
    assert wanted(engine) == []
