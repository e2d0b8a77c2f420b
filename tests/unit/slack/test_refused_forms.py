"""Refused in the form: why, the ways out, and the way back to what was typed, all in the form itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App

from klingbot.domain.increases import Increase
from klingbot.domain.jobs import Job
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, budgets, increase_requests, project_rules
from klingbot.engine.budgets import Change
from klingbot.engine.project_rules import RuleChange
from klingbot.sandbox.slack import view_limits
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from klingbot.store import jobs
from tests.unit.slack.filling import answer, as_slack_has_it, block, chosen, names, submit, text

MARKETING, MONTHLY, DAILY = "project:marketing", PeriodKind.MONTHLY, PeriodKind.DAILY
PRO = "--model kling-pro --duration 10 --project marketing"
"""40 credits ($2.40)."""


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    built = build(Desk(engine, directory), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    yield built
    built.listener_runner.listener_executor.shutdown()


def limit(engine: Engine, scope: str, credits: int, kind: PeriodKind = MONTHLY) -> None:
    budgets.set_budget(engine, Change(scope, kind, credits * 1_000), by="U1")


def opened(person: Any, hook: Any, options: str = PRO) -> dict[str, Any]:
    person.send(f"generate {options}", response_url=f"{hook.url}/answer")
    return dict(hook.said()["view"])


def refused(person: Any, view: dict[str, Any], **filled: Any) -> dict[str, Any]:
    """What the form shows instead once it is submitted."""
    said = answer(person, view, prompt="a fox in the snow", **filled)
    assert said["response_action"] == "update"
    assert view_limits.problems(said["view"], "modal") == []
    return dict(said["view"])


def buttons(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By what stands on them."""
    rows = [each["elements"] for each in view["blocks"] if each["type"] == "actions"]
    return {button["text"]["text"]: button for row in rows for button in row}


def press(person: Any, view: dict[str, Any], label: str, *, trigger: str = "press.1") -> None:
    button = buttons(view)[label]
    body = {
        "type": "block_actions",
        "container": {"type": "view", "view_id": "V0FORM0001"},
        "view": as_slack_has_it(view),
        "trigger_id": trigger,
        "actions": [{**button, "block_id": "b", "action_ts": "1.0"}],
    }
    assert person.acts(body).status == 200


def over(view: dict[str, Any]) -> dict[str, Any]:
    """As Slack tells of a form that lies over another."""
    return {**view, "previous_view_id": "V0FORM0000"}


def ask(person: Any, view: dict[str, Any], **filled: Any) -> None:
    """Submits the form that lies over the refusal; both close."""
    assert answer(person, over(view), **filled) == {"response_action": "clear"}


def made(engine: Engine) -> list[Job]:
    rows = engine.store.read().execute("SELECT id FROM jobs").fetchall()
    return [job for row in rows if (job := jobs.get(engine.store.read(), row["id"]))]


def pending(engine: Engine) -> list[Increase]:
    return increase_requests.pending(engine)


def test_what_does_not_fit_is_said_in_the_form_with_what_fits_and_a_way_to_ask(
    bob: Any, hook: Any, engine: Engine
) -> None:
    limit(engine, MARKETING, 30)
    view = refused(bob, opened(bob, hook))
    assert text(view).startswith("*Budget exceeded for marketing (monthly)*\nNeeded: 40 credits ($2.40)")
    assert "• *kling-pro*, 7 s, 1080p → 28 credits ($1.68)" in text(view), "nobody has typed --duration here"
    assert "> a fox in the snow" in text(view)
    assert [label.partition(",")[0] for label in buttons(view)][-3:] == ["Make kling-v1.5", "Ask for more", "Change it"]
    assert "Make kling-pro, 7 s, 1080p: $1.68" in buttons(view)
    assert "submit" not in view and view["close"]["text"] == "Close"
    assert made(engine) == []


def test_change_it_leads_back_to_everything_that_was_typed(bob: Any, hook: Any, engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    view = refused(bob, opened(bob, hook), aspect="9:16", negative="fog", image="https://x.com/fox.png")
    press(bob, view, "Change it")
    said = hook.said()
    assert (said["method"], said["view_id"]) == ("views.update", "V0FORM0001")
    again = said["view"]
    assert block(again, "prompt")["element"]["initial_value"] == "a fox in the snow"
    assert block(again, "negative")["element"]["initial_value"] == "fog"
    assert block(again, "image")["element"]["initial_value"] == "https://x.com/fox.png"
    assert (chosen(again, "model"), chosen(again, "length"), chosen(again, "aspect")) == ("kling-pro", "10", "9:16")
    assert submit(bob, again, length="5") == {}
    assert hook.said()["method"] == "answer"
    [job] = made(engine)
    assert (job.duration_seconds, job.negative, job.project) == (5, "fog", "marketing")


def test_what_was_changed_is_another_request_so_that_more_is_asked_for_what_is_meant(
    bob: Any, hook: Any, engine: Engine
) -> None:
    limit(engine, MARKETING, 30)
    first = refused(bob, opened(bob, hook))
    press(bob, first, "Change it", trigger="back.1")
    second = refused(bob, hook.said()["view"], length="15")
    assert buttons(first)["Ask for more"]["value"] != buttons(second)["Ask for more"]["value"]
    press(bob, second, "Ask for more")
    asks = hook.said()["view"]
    assert block(asks, "credits0")["element"]["initial_value"] == "30"
    ask(bob, asks, reason="launch week")
    [increase] = pending(engine)
    assert increase.request is not None and increase.request.wish.duration_seconds == 15


def test_more_is_asked_for_over_the_refusal_and_both_close_together(bob: Any, hook: Any, engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    press(bob, refused(bob, opened(bob, hook)), "Ask for more")
    said = hook.said()
    assert said["method"] == "views.push"
    ask(bob, said["view"], reason="launch week")
    told = hook.said()
    assert told["method"] == "answer"
    assert told["text"].startswith("Asked for, and you hear as soon as somebody decides:")
    [increase] = pending(engine)
    assert (increase.amount.millicredits, increase.reason) == (10_000, "launch week")


def test_what_still_fits_is_made_by_a_press_and_said_in_the_form(bob: Any, hook: Any, engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    press(bob, refused(bob, opened(bob, hook)), "Make kling-pro, 7 s, 1080p: $1.68")
    said = hook.said()
    assert said["method"] == "views.update"
    assert text(said["view"]).startswith("🎬 Held 28 credits ($1.68) for *kling-pro*, 7 s, 1080p")
    assert [(job.duration_seconds, job.prompt) for job in made(engine)] == [(7, "a fox in the snow")]


def test_submitting_a_refused_form_twice_refuses_it_once(bob: Any, hook: Any, engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    view = opened(bob, hook)
    assert refused(bob, view) == refused(bob, view)
    rows = engine.store.read().execute("SELECT count(*) AS n FROM refused_requests").fetchone()
    assert rows["n"] == 1


def test_a_project_that_confirms_asks_once_more_in_the_form(bob: Any, hook: Any, engine: Engine) -> None:
    project_rules.set_rules(engine, RuleChange("marketing", confirm_above=30_000), by="U1")
    view = refused(bob, opened(bob, hook))
    assert "the project marketing asks once more before a video of that price" in text(view)
    assert made(engine) == []
    press(bob, view, "Make it for $2.40")
    assert text(hook.said()["view"]).startswith("🎬 Held 40 credits ($2.40)")
    assert len(made(engine)) == 1
    press(bob, view, "Make it for $2.40")
    assert text(hook.said()["view"]).startswith("This is the same request as before")
    assert len(made(engine)) == 1


def test_what_wants_an_approver_is_asked_for_in_the_form_and_made_once_approved(
    alice: Any, bob: Any, hook: Any, engine: Engine
) -> None:
    project_rules.set_rules(engine, RuleChange("marketing", approve_above=30_000), by="U1")
    press(bob, refused(bob, opened(bob, hook)), "Ask for approval")
    asks = hook.said()["view"]
    assert asks["title"]["text"] == "Ask for approval"
    assert names(asks) == ["reason"], "no amount and no day: no limit is raised"
    ask(bob, asks, reason="launch week")
    hook.said()
    [increase] = pending(engine)
    assert not increase.raises
    assert "The video is on its way" in alice.types(f"approve {increase.id}")
    assert [job.prompt for job in made(engine)] == ["a fox in the snow"]


def test_each_budget_that_is_short_is_asked_for_its_own_amount_or_more(bob: Any, hook: Any, engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    limit(engine, f"user:{bob.user_id}", 15, DAILY)
    press(bob, refused(bob, opened(bob, hook)), "Ask for more")
    asks = hook.said()["view"]
    fields = {name: block(asks, name) for name in ("credits0", "credits1")}
    labels = {each["label"]["text"]: each["element"]["initial_value"] for each in fields.values()}
    assert labels == {"Credits more for your own budget (daily)": "25", "Credits more for marketing (monthly)": "10"}
    own = next(name for name, each in fields.items() if "your own" in each["label"]["text"])
    other = next(name for name in fields if name != own)
    assert submit(bob, over(asks), reason="x", **{own: "24"}) == {
        own: "This video lacks 25 credits ($1.50). Ask for at least that."
    }
    assert "is not an amount" in submit(bob, over(asks), reason="x", **{other: "plenty"})[other]
    assert pending(engine) == []
    ask(bob, asks, reason="x", **{other: "200"})
    assert {each.scope: each.amount.millicredits for each in pending(engine)} == {
        MARKETING: 200_000,
        f"user:{bob.user_id}": 25_000,
    }


def test_nobody_goes_back_to_what_another_was_refused(bob: Any, carol: Any, hook: Any, engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    press(carol, refused(bob, opened(bob, hook)), "Change it")
    said = hook.said()
    assert said["method"] == "views.push"
    assert "No request" in text(said["view"])


def test_a_form_that_slack_does_not_open_is_told_of_beside_it(bob: Any, hook: Any, engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    view = refused(bob, opened(bob, hook))
    hook.refused["views.push"] = "expired_trigger_id"
    press(bob, view, "Ask for more")
    said = hook.said()
    assert (said["method"], said["replace_original"]) == ("answer", False)
    assert said["text"].startswith("Slack did not open the form in time.")


def test_what_was_made_from_a_form_that_was_closed_meanwhile_is_told_all_the_same(
    bob: Any, hook: Any, engine: Engine
) -> None:
    limit(engine, MARKETING, 30)
    view = refused(bob, opened(bob, hook))
    hook.refused["views.update"] = "not_found"
    press(bob, view, "Make kling-pro, 7 s, 1080p: $1.68")
    said = hook.said()
    assert (said["method"], said["replace_original"]) == ("answer", False)
    assert said["text"].startswith("🎬 Held 28 credits ($1.68)")
    assert len(made(engine)) == 1


def test_in_a_thread_the_way_out_leads_to_the_thread_too(bob: Any, hook: Any, engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    bob.clicks("menu.form", f"generate {PRO}", f"{hook.url}/answer", thread_ts="1699999999.000100")
    view = refused(bob, hook.said()["view"])
    press(bob, view, "Make kling-pro, 7 s, 1080p: $1.68")
    hook.said()
    assert [job.thread_ts for job in made(engine)] == ["1699999999.000100"]
