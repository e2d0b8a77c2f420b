"""The home tab: an event in, a view out; and anew only when something has moved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App, BoltRequest
from slack_sdk import WebClient

from klingbot.domain.jobs import Job, Request
from klingbot.domain.periods import PeriodKind
from klingbot.domain.pricing import Wish
from klingbot.engine import Engine, budgets, job_requests
from klingbot.engine.budgets import Change
from klingbot.engine.hold_outcomes import Held
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from klingbot.slack.interactions.home import LOOKED_AT_SECONDS, MOST_AT_ONCE, Homes
from tests.support.ledger_checks import hold, settle


class Watch:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def homes(engine: Engine, directory: Directory, hook: Any, watch: Watch) -> Homes:
    return Homes(Desk(engine, directory), WebClient("xoxb-fake", base_url=f"{hook.url}/"), watch)


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, homes: Homes, secret: str) -> Iterator[App]:
    desk = Desk(engine, directory)
    built = build(desk, token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret, homes=homes)
    yield built
    built.listener_runner.listener_executor.shutdown()


def look(person: Any, tab: str = "home") -> None:
    event = {"type": "app_home_opened", "user": person.user_id, "channel": "D1", "tab": tab, "event_ts": "1.2"}
    body = json.dumps({"type": "event_callback", "team_id": "T0SANDBOX1", "event_id": "Ev1", "event": event})
    headers = {**person.signed(body), "content-type": ["application/json"]}
    assert person.app.dispatch(BoltRequest(body=body, headers=headers)).status == 200


def drawn(hook: Any, person: Any) -> str:
    """What stands on the home that was published last."""
    said = hook.said()
    assert (said["method"], said["user_id"], said["view"]["type"]) == ("views.publish", person.user_id, "home")
    return "\n".join(text for block in said["view"]["blocks"] for text in _texts(block))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["text"]] if isinstance(value.get("text"), str) else [])
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)


def budget(engine: Engine, scope: str, credits: int = 100, **more: Any) -> None:
    budgets.set_budget(engine, Change(scope, PeriodKind.MONTHLY, limit_millicredits=credits * 1000, **more), by="U1")


def asked_for(engine: Engine, prompt: str, person: Any) -> Job:
    outcome = job_requests.hold(engine, Request(prompt, person.user_id, "C0GENERAL1", prompt, Wish()))
    assert isinstance(outcome, Held)
    return outcome.job


def test_an_empty_home_teaches(bob: Any, hook: Any) -> None:
    look(bob)
    said = drawn(hook, bob)
    assert "No budget limits what you spend. Admins set them: `/kling budget set workspace --usd 600`" in said
    assert "Nothing waits or is being made. Press *Make a video*, and watch it here." in said
    assert "None yet. What you make is kept here with what it cost" in said


def test_a_member_sees_what_concerns_them_and_an_admin_sees_all(
    alice: Any, bob: Any, hook: Any, engine: Engine
) -> None:
    for scope in ("workspace", "project:marketing", "project:secret", f"user:{bob.user_id}", "user:U0CAROL001"):
        budget(engine, scope)
    settle(engine, hold(engine, "r1", user_id=bob.user_id, project="marketing"))
    look(bob)
    said = drawn(hook, bob)
    assert "*workspace (monthly)*" in said and "*marketing (monthly)*" in said
    assert f"*<@{bob.user_id}> (monthly)*" in said
    assert "secret" not in said and "U0CAROL001" not in said
    look(alice)
    said = drawn(hook, alice)
    assert "secret" in said and "U0CAROL001" in said


def test_jobs_videos_and_spend_are_the_persons_own(bob: Any, carol: Any, hook: Any, engine: Engine) -> None:
    asked_for(engine, "a fox that waits", bob)
    settle(engine, asked_for(engine, "a fox that is done", bob))
    look(bob)
    said = drawn(hook, bob)
    assert "a fox that waits" in said and "waits, next in line" in said and "Cancel" in said
    assert "|a fox that is done>" in said
    look(carol)
    said = drawn(hook, carol)
    assert "fox" not in said and "Nothing spent yet" in said


def test_what_was_spent_is_a_table_and_in_words_where_slack_draws_none(
    bob: Any, hook: Any, engine: Engine, homes: Homes
) -> None:
    settle(engine, hold(engine, "r1", user_id=bob.user_id, project="marketing"))
    homes.open(bob.user_id)
    [table] = [block for block in hook.said()["view"]["blocks"] if block["type"] == "table"]
    assert [cell["text"] for cell in table["rows"][1]] == ["marketing", "40 credits ($2.40)", "–", "1", "–"]
    hook.once_refused["views.publish"] = "invalid_arguments"
    homes.open(bob.user_id)
    said = hook.said()["view"]["blocks"]
    assert "table" not in {block["type"] for block in said}
    assert "• marketing: used 40 credits ($2.40), jobs 1" in [
        block["text"]["text"] for block in said if "text" in block
    ]


def test_it_is_drawn_anew_when_something_has_moved_and_only_then(
    bob: Any, hook: Any, engine: Engine, homes: Homes
) -> None:
    look(bob)
    drawn(hook, bob)
    homes.refresh()
    asked_for(engine, "a new fox", bob)
    homes.refresh()
    homes.refresh()
    assert "a new fox" in drawn(hook, bob)
    assert hook.heard.empty()


def test_what_slack_did_not_take_is_drawn_again(bob: Any, hook: Any, homes: Homes) -> None:
    hook.statuses = [500]
    homes.open(bob.user_id)
    assert hook.heard.empty()
    homes.refresh()
    assert drawn(hook, bob)


def test_nobody_draws_for_those_who_have_looked_away(
    bob: Any, hook: Any, engine: Engine, homes: Homes, watch: Watch
) -> None:
    homes.open(bob.user_id)
    drawn(hook, bob)
    hold(engine, "r1", user_id=bob.user_id)
    watch.now += LOOKED_AT_SECONDS + 1
    homes.refresh()
    assert hook.heard.empty()
    homes.open(bob.user_id)
    assert drawn(hook, bob)


def test_only_the_homes_opened_last_are_kept_fresh(hook: Any, engine: Engine, homes: Homes, slack: Any) -> None:
    for number in range(MOST_AT_ONCE + 1):
        slack.people.append({**slack.people[1], "id": f"U{number:09d}"})
        homes.open(f"U{number:09d}")
        hook.said()
    budget(engine, "workspace")
    homes.refresh()
    fresh = {hook.said()["user_id"] for _ in range(MOST_AT_ONCE)}
    assert "U000000000" not in fresh and hook.heard.empty()


def test_the_messages_tab_draws_nothing(bob: Any, hook: Any) -> None:
    look(bob, tab="messages")
    look(bob)
    drawn(hook, bob)
    assert hook.heard.empty()


def test_a_click_on_the_home_is_answered_in_the_direct_messages(bob: Any, hook: Any, engine: Engine) -> None:
    job = hold(engine, "r1", user_id=bob.user_id)
    body = {
        "type": "block_actions",
        "container": {"type": "view", "view_id": "V1"},
        "view": {"id": "V1", "type": "home", "state": {"values": {}}},
        "actions": [{"type": "button", "action_id": "job.cancel", "block_id": "b", "value": job.id}],
    }
    bob.acts(body)
    said = hook.said()
    assert (said["method"], said["channel"]) == ("chat.postMessage", bob.user_id)
    assert said["text"].startswith(f"Cancelled job {job.id}.")


def test_the_home_opens_the_form_which_asks_for_the_channel(bob: Any, hook: Any) -> None:
    body = {
        "type": "block_actions",
        "container": {"type": "view", "view_id": "V1"},
        "view": {"id": "V1", "type": "home", "state": {"values": {}}},
        "actions": [{"type": "button", "action_id": "video.form", "block_id": "b", "value": "home"}],
    }
    bob.acts(body)
    said = hook.said()
    assert said["method"] == "views.open"
    assert "channel" in {block.get("block_id") for block in said["view"]["blocks"]}


def test_what_waits_for_an_approver_stands_on_their_home_and_on_nobody_elses(
    alice: Any, bob: Any, carol: Any, hook: Any, engine: Engine
) -> None:
    budget(engine, "project:marketing", approvers=(carol.user_id,))
    bob.types("ask marketing --credits 40 --reason launch")
    for person, sees in ((carol, True), (alice, True), (bob, False)):
        look(person)
        assert ("Waiting for you" in drawn(hook, person)) == sees


def test_slack_is_told_that_the_address_for_events_is_the_bots_own(bob: Any) -> None:
    """In HTTP mode it asks once, when the address is entered (Slack's docs, url_verification)."""
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a", "token": "t"})
    headers = {**bob.signed(body), "content-type": ["application/json"]}
    response = bob.app.dispatch(BoltRequest(body=body, headers=headers))
    assert (response.status, json.loads(response.body)) == (200, {"challenge": "3eZbrw1a"})
