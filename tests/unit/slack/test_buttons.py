"""Clicks: signed payloads in, acknowledged at once; the answer goes to the response_url that came with each."""

from __future__ import annotations

import re
from typing import Any

import pytest

from klingbot.blocks.message import message, section
from klingbot.domain.alert_history import ref_of
from klingbot.domain.budgets import WORKSPACE
from klingbot.domain.jobs import JobState
from klingbot.domain.notifications import JobStuck
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, budgets, kling_results, stuck_jobs
from klingbot.engine.budgets import Change
from klingbot.engine.usage import usage
from klingbot.slack.context import Answer, Click, Desk, Rewritten
from klingbot.slack.interactions import buttons
from klingbot.store import jobs
from tests.conftest import FakeClock
from tests.support.ledger_checks import queued

PRO = "--model kling-pro --duration 10"


def held_job(person: Any) -> str:
    found = re.search(r"Job ([a-z2-7]{12})", person.types(f"generate a fox {PRO}"))
    assert found
    return found[1]


def held_credits(engine: Engine) -> int:
    return usage(engine, "workspace", PeriodKind.MONTHLY, "model").total.held.millicredits


def test_a_click_is_acknowledged_before_anything_is_said(bob: Any, hook: Any) -> None:
    hook.opened.clear()
    response = bob.clicks("job.cancel", held_job(bob), hook.url)
    assert (response.status, response.body) == (200, "")
    hook.opened.set()
    assert hook.said()


def test_an_unsigned_click_is_refused(bob: Any, hook: Any, engine: Engine) -> None:
    job_id = held_job(bob)
    assert bob.clicks("job.cancel", job_id, hook.url, headers={}).status == 401
    assert held_credits(engine) == 40_000


def test_cancel_gives_the_hold_back_and_rewrites_the_message(bob: Any, hook: Any, engine: Engine) -> None:
    job_id = held_job(bob)
    bob.clicks("job.cancel", job_id, hook.url)
    said = hook.said()
    assert said["replace_original"] is True
    assert said["text"] == (
        f"Cancelled job {job_id}. Nothing was charged; the hold of 40 credits ($2.40) was given back."
    )
    assert not any(block["type"] == "actions" for block in said["blocks"])
    assert held_credits(engine) == 0


def test_a_second_click_changes_nothing_and_says_so_to_whoever_clicked(bob: Any, hook: Any, engine: Engine) -> None:
    job_id = held_job(bob)
    bob.clicks("job.cancel", job_id, hook.url)
    hook.said()
    bob.clicks("job.cancel", job_id, hook.url)
    said = hook.said()
    assert said["replace_original"] is False
    assert said["text"] == f"Job {job_id} was given up: there is nothing to cancel."
    assert held_credits(engine) == 0


def test_only_its_owner_or_an_admin_cancels_a_job(bob: Any, carol: Any, alice: Any, hook: Any, engine: Engine) -> None:
    job_id = held_job(bob)
    carol.clicks("job.cancel", job_id, hook.url)
    said = hook.said()
    assert said["replace_original"] is False
    assert "only they or an admin can cancel it" in said["text"]
    assert held_credits(engine) == 40_000
    alice.clicks("job.cancel", job_id, hook.url)
    assert hook.said()["replace_original"] is True
    job = jobs.get(engine.store.read(), job_id)
    assert job and job.state is JobState.RELEASED


def test_a_button_that_nobody_knows_is_answered_with_a_sentence(bob: Any, hook: Any) -> None:
    bob.clicks("job.teleport", "1", hook.url)
    said = hook.said()
    assert said["replace_original"] is False
    assert said["text"].startswith("This button belongs to another version of Klingbot")


def test_what_only_admins_may_do_is_refused_to_everybody_else(
    bob: Any, alice: Any, hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def approve(desk: Desk, click: Click) -> Answer:
        return Rewritten(message(section(f"Approved {click.value} by {click.user_id}")))

    monkeypatch.setitem(buttons.ACTIONS, "request.approve", buttons._Row(approve, admins_only="approve requests"))
    bob.clicks("request.approve", "7", hook.url)
    assert hook.said()["text"] == "Only admins can approve requests. Ask one of them; nothing was changed."
    alice.clicks("request.approve", "7", hook.url)
    assert hook.said()["text"] == f"Approved 7 by {alice.user_id}"


def test_while_slack_cannot_say_who_is_an_admin_nobody_is(bob: Any, carol: Any, hook: Any, slack: Any) -> None:
    job_id = held_job(bob)
    slack.trouble = TimeoutError()
    carol.clicks("job.cancel", job_id, hook.url)
    assert "Slack" in hook.said()["text"]


def test_a_failure_of_ours_is_answered_with_a_reference(
    bob: Any, hook: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(desk: Desk, click: Click) -> Answer:
        raise ZeroDivisionError

    monkeypatch.setitem(buttons.ACTIONS, "job.cancel", buttons._Row(broken))
    bob.clicks("job.cancel", "1", hook.url)
    reference = re.search(r"ref ([0-9a-f]{6})", hook.said()["text"])
    assert reference and reference[1] in caplog.text


def test_an_answer_is_sent_again_when_slack_stumbles(bob: Any, hook: Any) -> None:
    hook.statuses = [500]
    bob.clicks("job.cancel", held_job(bob), hook.url)
    assert hook.said()["replace_original"] is True


def test_an_answer_that_slack_does_not_take_is_logged(bob: Any, hook: Any, caplog: pytest.LogCaptureFixture) -> None:
    hook.statuses = [404]
    bob.clicks("job.cancel", held_job(bob), hook.url)
    bob.app.listener_runner.listener_executor.shutdown()
    assert "Slack did not take an answer to a click: HTTP 404" in caplog.text


def stuck_job(person: Any, engine: Engine, clock: FakeClock) -> str:
    """A job that Kling has kept for a day without a word."""
    job = jobs.get(engine.store.read(), held_job(person))
    assert job
    kling_results.submitting(engine, job, "/text-to-video/kling-3.0", due_at=0)
    clock.tick(86_400)
    stuck_jobs.show_stuck(engine, after_ms=86_400_000)
    return job.id


def test_an_admin_who_keeps_waiting_is_asked_again_later(
    alice: Any, bob: Any, hook: Any, engine: Engine, clock: FakeClock
) -> None:
    job_id = stuck_job(bob, engine, clock)
    alice.clicks("job.keep_waiting", job_id, hook.url)
    said = hook.said()
    assert said["replace_original"] is True
    assert f"Job {job_id} goes on waiting" in said["text"]
    assert held_credits(engine) == 40_000
    clock.tick(86_400)
    stuck_jobs.show_stuck(engine, after_ms=86_400_000)
    assert len(queued(engine.store, JobStuck)) == 2


# Alerts.


@pytest.fixture
def story(bob: Any, engine: Engine) -> str:
    """What the buttons of an alert carry."""
    budgets.set_budget(engine, Change(WORKSPACE, PeriodKind.MONTHLY, 10_000), by="UADMIN")
    bob.types("generate a fox in the snow --model kling-v1")
    return str(ref_of(budgets.standings(engine)[0]))


def test_anybody_may_acknowledge_an_alert_and_the_message_says_who_did(
    bob: Any, carol: Any, hook: Any, story: str
) -> None:
    bob.clicks("alert.acknowledge", story, hook.url)
    said = hook.said()
    assert said["replace_original"] is True
    assert "✅ <@U0BOB00001> <!date^1795435200^acknowledged it {" in said["text"]
    carol.clicks("alert.snooze", story, hook.url)
    said = hook.said()
    assert said["replace_original"] is False
    assert said["text"].startswith("<@U0BOB00001> <!date^1795435200^has acknowledged it already, {")
    carol.clicks("alert.unmute", story, hook.url)
    assert "acknowledged" not in hook.said()["text"]
    carol.clicks("alert.snooze", story, hook.url)
    assert "<@U0CAROL001> <!date^1795435200^snoozed it {" in hook.said()["text"]


@pytest.mark.parametrize("value", ["", "nonsense", "hourly 1 - workspace", "monthly soon - workspace", "daily 1 - x"])
def test_a_click_on_an_alert_that_is_not_there_is_answered(bob: Any, hook: Any, story: str, value: str) -> None:
    bob.clicks("alert.acknowledge", value, hook.url)
    assert hook.said()["replace_original"] is False
    assert "Acknowledged" not in alert_text(bob, hook, story)


def alert_text(bob: Any, hook: Any, story: str) -> str:
    bob.clicks("alert.unmute", story, hook.url)
    return str(hook.said()["text"])


def test_a_click_on_the_alert_of_an_old_period_says_so(bob: Any, hook: Any, story: str, clock: FakeClock) -> None:
    clock.tick(30 * 86_400)
    bob.clicks("alert.acknowledge", story, hook.url)
    assert hook.said()["text"] == "That was about November 2026, which is over. Nothing more is told of it."


@pytest.mark.parametrize("word", ["budget", "jobs", "usage", "help"])
def test_a_button_of_the_menu_does_what_typing_its_word_does(bob: Any, hook: Any, word: str) -> None:
    bob.clicks(f"menu.{word}", word, hook.url)
    said = hook.said()
    assert said["replace_original"] is False
    assert said["text"] == bob.types(word)
