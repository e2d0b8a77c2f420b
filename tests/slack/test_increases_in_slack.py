"""Asking for more, and deciding it: by command and by button."""

from __future__ import annotations

import re
from typing import Any

import pytest

from klingbot.engine import Engine
from klingbot.store import jobs
from tests.slack.conftest import BOB

PRO = "--model kling-pro --duration 10"


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
        "• 10 credits ($0.60) more for marketing (monthly)",
        f"Take it back: /kling withdraw {waiting(bob)[0]}",
    ]
    assert f"<@{BOB}> asks for 10 credits ($0.60) more for marketing (monthly): “launch week”" in alice.types(
        "requests"
    )
    said = alice.types(f"approve {waiting(alice)[0]}")
    assert f"approved <@{BOB}>'s request for 10 credits ($0.60) more for marketing (monthly)" in said
    assert f"The video is on its way: job {refused}, kling-pro, 10 s, 1080p." in said
    assert made(engine, refused)
    assert "of 40 credits (with 10 credits ($0.60) granted)" in alice.types("budget marketing")
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


def test_one_click_asks_and_one_click_approves(alice: Any, bob: Any, hook: Any, engine: Engine, refused: str) -> None:
    bob.clicks("increase.ask", refused, hook.url)
    assert hook.said()["text"].startswith("Asked for, and you hear as soon as somebody decides:")
    alice.clicks("increase.approve", waiting(alice)[0], hook.url)
    said = hook.said()
    assert said["replace_original"] is True
    assert "approved" in said["text"]
    assert made(engine, refused)


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
    assert "The limit is raised by 5 credits ($0.30) for this month." in said
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
