"""Asking for more, and deciding it: by command and by button."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_bolt import App

from klingbot.engine import Engine, increase_requests
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from klingbot.store import jobs
from tests.unit.slack.conftest import BOB
from tests.unit.slack.filling import block, submit

PRO = "--model kling-pro --duration 10"


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    """Its forms are opened where its answers go."""
    built = build(Desk(engine, directory), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    yield built
    built.listener_runner.listener_executor.shutdown()


@pytest.fixture
def refused(alice: Any, bob: Any) -> str:
    """The id of a request of Bob's for 40 credits, of which 10 are short."""
    alice.types("budget set marketing --credits 30")
    said = bob.types(f"generate a fox {PRO} --project marketing")
    return str(re.search(r"/kling ask (\w+)", said)[1])  # type: ignore[index]


def waiting(person: Any) -> list[str]:
    return re.findall(r"^• (\w+) ", person.types("requests"), re.MULTILINE)


def made(engine: Engine, job_id: str) -> bool:
    return jobs.get(engine.store.read(), job_id) is not None


def test_a_refused_video_is_asked_for_approved_and_made(alice: Any, bob: Any, engine: Engine, refused: str) -> None:
    assert bob.types(f'ask {refused} --reason "launch week"').splitlines() == [
        "Asked for, and you hear as soon as somebody decides:",
        "• 10 credits ($0.60) more for marketing (monthly) · counts for the month it is approved in",
        "[Take it back]",
        f"By command: /kling withdraw {waiting(bob)[0]}",
    ]
    assert f"<@{BOB}> asks for 10 credits ($0.60) more for marketing (monthly): “launch week”" in alice.types(
        "requests"
    )
    said = alice.types(f"approve {waiting(alice)[0]}")
    assert f"approved <@{BOB}>'s request for 10 credits ($0.60) more for marketing (monthly)" in said
    assert f"The video is on its way: job {refused}, kling-pro, 10 s, 1080p." in said
    assert made(engine, refused)
    assert "of 30 credits plus 10 credits ($0.60) granted" in alice.types("budget marketing")
    assert waiting(alice) == []


def test_members_cannot_approve_unless_the_budget_names_them(alice: Any, bob: Any, carol: Any, refused: str) -> None:
    bob.types(f"ask {refused}")
    [increase] = waiting(bob)
    assert bob.types(f"approve {increase}") == "Nobody approves their own request: somebody else has to."
    assert carol.types(f"approve {increase}") == "Only the admins can decide this request. Nothing changed."
    assert "more is approved by <@U0CAROL001>" in alice.types("budget set marketing --approvers @carol")
    assert carol.types(f"deny {increase} --reason later").splitlines() == [
        f"❌ <@U0CAROL001> denied <@{BOB}>'s request for 10 credits ($0.60) more for marketing (monthly)",
        "“later”",
        "Nothing was held or spent.",
    ]
    assert alice.types(f"approve {increase}") == "That request is denied already by <@U0CAROL001>. Nothing changed."


def test_more_is_asked_for_by_form_and_approved_with_one_click(
    alice: Any, bob: Any, hook: Any, engine: Engine, refused: str
) -> None:
    bob.clicks("increase.ask", refused, f"{hook.url}/answer")
    view = hook.said()["view"]
    assert block(view, "credits0")["element"]["initial_value"] == "10"
    assert "is past" in submit(bob, view, reason="launch week", until="2020-01-01")["until"]
    assert submit(bob, view, reason="launch week") == {}
    assert hook.said()["text"].startswith("Asked for, and you hear as soon as somebody decides:")
    assert "“launch week”" in alice.types("requests")
    alice.clicks("increase.approve", waiting(alice)[0], hook.url)
    said = hook.said()
    assert said["replace_original"] is True
    assert "approved" in said["text"]
    assert made(engine, refused)


def test_another_amount_is_approved_by_form(alice: Any, bob: Any, hook: Any, refused: str) -> None:
    bob.types(f"ask {refused}")
    [increase] = waiting(alice)
    alice.clicks("increase.amount", increase, f"{hook.url}/answer")
    view = hook.said()["view"]
    assert view["blocks"][1]["element"]["initial_value"] == "10"
    assert "is not an amount of credits" in submit(alice, view, credits="plenty")["credits"]
    assert submit(alice, view, credits="50") == {}
    assert "The limit is raised by 50 credits ($3.00) for November 2026." in hook.said()["text"]


def test_a_request_is_denied_by_form_with_a_reason(alice: Any, bob: Any, hook: Any, refused: str) -> None:
    bob.types(f"ask {refused}")
    [increase] = waiting(alice)
    bob.clicks("increase.deny", increase, f"{hook.url}/answer")
    assert submit(bob, hook.said()["view"], reason="") == {}
    assert hook.said()["text"] == "Nobody approves their own request: somebody else has to."
    alice.clicks("increase.deny", increase, f"{hook.url}/answer")
    assert submit(alice, hook.said()["view"], reason="next month") == {}
    assert "“next month”" in hook.said()["text"]
    assert waiting(alice) == []


def test_one_click_makes_what_still_fits(bob: Any, hook: Any, engine: Engine, refused: str) -> None:
    for said in ("🎬 Held 20 credits ($1.20) for kling-pro, 5 s, 1080p", "This is the same request as before"):
        bob.clicks("refused.instead.0", f"{refused} kling-pro 5 1080p silent", hook.url)
        assert hook.said()["text"].startswith(said)
    assert made(engine, refused)


def test_nobody_uses_anothers_refusal(carol: Any, hook: Any, engine: Engine, refused: str) -> None:
    carol.clicks("refused.instead.0", f"{refused} kling-pro 5 1080p silent", hook.url)
    assert "No request" in hook.said()["text"]
    assert "No request" in carol.types(f"ask {refused}")
    assert not made(engine, refused)


def test_another_amount_is_granted_when_the_approver_says_so(alice: Any, bob: Any, refused: str) -> None:
    bob.types(f"ask {refused}")
    said = alice.types(f"approve {waiting(alice)[0]} --usd 0.30")
    assert "The limit is raised by 5 credits ($0.30) for November 2026." in said
    assert "The video still does not fit into marketing (monthly)." in said


def test_an_amount_can_be_asked_for_and_withdrawn(alice: Any, bob: Any) -> None:
    assert "There is no such budget" in bob.types("ask marketing --credits 50")
    alice.types("budget set marketing --credits 30")
    assert "--until 2020-01-01 is past" in bob.types("ask marketing --credits 50 --until 2020-01-01")
    assert "• 50 credits ($3.00) more for marketing (monthly)" in bob.types("ask marketing --credits 50")
    [increase] = waiting(bob)
    assert "There is no request" in alice.types(f"withdraw {increase}")
    assert f"<@{BOB}> withdrew the request for 50 credits ($3.00) more" in bob.types(f"withdraw {increase}")
    assert waiting(bob) == []


def test_one_press_takes_everything_back_that_was_asked_for_at_once(
    alice: Any, bob: Any, carol: Any, hook: Any, refused: str
) -> None:
    alice.types("budget set workspace --credits 20")
    bob.types(f"ask {refused}")
    asked = " ".join(waiting(bob))
    assert len(asked.split()) == 2
    carol.clicks("increase.withdraw", asked, hook.url)
    assert hook.said()["replace_original"] is False, "they are not Carol's"
    assert len(waiting(bob)) == 2
    bob.clicks("increase.withdraw", asked, hook.url)
    said = hook.said()
    assert said["replace_original"] is True
    assert said["text"].count(f"<@{BOB}> withdrew the request") == 2
    assert waiting(bob) == []
    bob.clicks("increase.withdraw", asked, hook.url)
    assert hook.said()["text"].startswith("That request is withdrawn already")


def test_two_approvers_clicking_at_once_make_one_grant_and_the_second_hears_who_was_first(
    alice: Any, bob: Any, carol: Any, hook: Any, engine: Engine, refused: str
) -> None:
    alice.types("budget set marketing --approvers @carol")
    bob.types(f"ask {refused}")
    [increase] = waiting(bob)
    people = [alice, carol] * 3
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(lambda person: person.clicks("increase.approve", increase, hook.url), people))
    said = [hook.said() for _ in people]
    assert sorted(each["replace_original"] for each in said) == [False] * 5 + [True]
    [first] = [each["text"] for each in said if each["replace_original"]]
    assert "approved" in first and f"job {refused}" in first
    assert {each["text"] for each in said if not each["replace_original"]} <= {
        f"That request is granted already by <@{person.user_id}>. Nothing changed." for person in (alice, carol)
    }
    assert "of 30 credits plus 10 credits ($0.60) granted" in alice.types("budget marketing")
    assert made(engine, refused)


def test_the_question_is_rewritten_for_everybody_by_the_first_decision(
    alice: Any, bob: Any, engine: Engine, refused: str
) -> None:
    alice.types("budget set marketing --channel #finance")
    bob.types(f"ask {refused}")
    alice.types(f"approve {waiting(alice)[0]}")
    rows = engine.store.read().execute("SELECT key, kind, channel_id, replaces_key FROM outbox ORDER BY id").fetchall()
    kinds = {row["key"]: row["kind"] for row in rows}
    [question] = [row for row in rows if row["key"].startswith("increase ") and row["channel_id"] == "C0FINANCE1"][:1]
    assert kinds[question["key"]] == "increase closed", "nobody has read it yet: the answer stands in its place"
    [to_bob] = [row for row in rows if row["key"].endswith(f" to {BOB}")]
    assert to_bob["kind"] == "increase closed"


def test_approved_after_the_period_rolled_it_is_made_without_a_grant_and_says_so(
    alice: Any, bob: Any, hook: Any, engine: Engine, clock: Any
) -> None:
    clock.set(2026, 11, 28)
    alice.types("budget set marketing --credits 50")
    bob.types(f"generate a first fox {PRO} --project marketing")
    said = bob.types(f"generate a fox {PRO} --project marketing")
    refused = str(re.search(r"/kling ask (\w+)", said)[1])  # type: ignore[index]
    bob.types(f"ask {refused}")
    clock.set(2026, 12, 1)
    alice.clicks("increase.approve", waiting(alice)[0], hook.url)
    said = hook.said()["text"]
    assert "It fits by now without a raised limit: nothing had to be granted." in said
    assert f"The video is on its way: job {refused}" in said
    assert "granted" not in alice.types("budget marketing")


def test_pressed_a_week_later_it_has_expired_and_nothing_is_granted(
    alice: Any, bob: Any, hook: Any, engine: Engine, clock: Any, refused: str
) -> None:
    bob.types(f"ask {refused}")
    [increase] = waiting(bob)
    clock.tick(increase_requests.EXPIRES_MS / 1000)
    for pressed in ("increase.approve", "increase.approve"):
        alice.clicks(pressed, increase, hook.url)
    first, second = hook.said(), hook.said()
    texts = sorted([first["text"], second["text"]])
    assert texts[0] == "That request is expired already. Nothing changed."
    assert texts[1].startswith("⌛ Nobody decided")
    assert not made(engine, refused)
