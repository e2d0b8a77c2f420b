"""The button *Write off* under a stuck job: it asks for the reason first, and the ledger keeps it beside the name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt import App

from klingbot.domain.notifications import JobWrittenOff
from klingbot.engine import Engine, kling_results, stuck_jobs
from klingbot.slack.api.directory import Directory
from klingbot.slack.bolt_app import build
from klingbot.slack.context import Desk
from klingbot.store import jobs
from tests.conftest import FakeClock
from tests.support.ledger_checks import queued
from tests.unit.slack.conftest import Person
from tests.unit.slack.filling import submit

DAY = 86_400


@pytest.fixture
def app(engine: Engine, directory: Directory, hook: Any, secret: str) -> Iterator[App]:
    """Its forms are opened where its answers go."""
    built = build(Desk(engine, directory), token="xoxb-fake", api_url=f"{hook.url}/", signing_secret=secret)
    yield built
    built.listener_runner.listener_executor.shutdown()


@pytest.fixture
def job_id(bob: Any, engine: Engine, clock: FakeClock) -> str:
    """Bob's job of 40 credits, which Kling has kept for a day without a word."""
    said = bob.types("generate a fox --model kling-pro --duration 10")
    job = jobs.get(engine.store.read(), re.search(r"Job (\w{12})", said)[1])  # type: ignore[index]
    assert job
    kling_results.submitting(engine, job, "/text-to-video/kling-3.0", due_at=0)
    clock.tick(DAY)
    stuck_jobs.show_stuck(engine, after_ms=DAY * 1000)
    return job.id


def endings(engine: Engine) -> list[tuple[str, str]]:
    """Who has given a hold back, and why."""
    rows = engine.store.read().execute("SELECT author, reason FROM entries WHERE kind = 'release'").fetchall()
    return [(row["author"], row["reason"]) for row in rows]


def test_the_reason_that_an_admin_writes_stands_in_the_ledger_and_is_told(
    alice: Any, hook: Any, engine: Engine, job_id: str
) -> None:
    alice.clicks("job.write_off", job_id, f"{hook.url}/answer")
    view = hook.said()["view"]
    assert "40 credits ($2.40)" in view["blocks"][0]["text"]["text"]
    assert endings(engine) == [], "nothing is given back before there is a reason"
    assert submit(alice, view, reason="Kling was\ndown for days") == {}
    said = hook.said()
    assert said["replace_original"] is True
    assert said["text"].startswith(f"Wrote off job {job_id}: its hold of 40 credits ($2.40) was given back.")
    assert endings(engine) == [(alice.user_id, "written off: Kling was down for days")]
    assert [each.reason for each in queued(engine.store, JobWrittenOff)] == ["Kling was down for days"]


def test_without_a_reason_nothing_is_written_off(alice: Any, hook: Any, engine: Engine, job_id: str) -> None:
    alice.clicks("job.write_off", job_id, f"{hook.url}/answer")
    assert submit(alice, hook.said()["view"], reason=" \n ") == {"reason": "Say why nobody waits any more."}
    assert endings(engine) == []


def test_members_get_no_form_and_can_submit_none(alice: Any, bob: Any, hook: Any, engine: Engine, job_id: str) -> None:
    bob.clicks("job.write_off", job_id, f"{hook.url}/answer")
    assert hook.said()["text"].startswith("Only admins can write jobs off.")
    alice.clicks("job.write_off", job_id, f"{hook.url}/answer")
    refused = submit(bob, hook.said()["view"], reason="mine")
    assert refused["reason"].startswith("Only admins can write jobs off.")
    assert endings(engine) == []


def test_while_slack_cannot_say_who_is_an_admin_the_form_stays_open(
    alice: Any, hook: Any, engine: Engine, slack: Any, job_id: str
) -> None:
    alice.clicks("job.write_off", job_id, f"{hook.url}/answer")
    view = hook.said()["view"]
    slack.trouble = TimeoutError()
    dave = Person(alice.app, "U0DAVE0001")
    assert "Slack" in submit(dave, view, reason="gone")["reason"]
    assert endings(engine) == []


def test_the_second_admin_comes_too_late_and_is_told(
    alice: Any, hook: Any, engine: Engine, clock: FakeClock, job_id: str
) -> None:
    alice.clicks("job.write_off", job_id, f"{hook.url}/answer")
    view = hook.said()["view"]
    stuck_jobs.write_off(engine, job_id, by="UADMIN", reason="first")
    assert submit(alice, view, reason="second") == {}
    late = hook.said()
    assert late["replace_original"] is False
    assert f"Job {job_id} <!date^1795521600^was written off {{" in late["text"]
    for action in ("job.write_off", "job.keep_waiting"):
        alice.clicks(action, job_id, f"{hook.url}/answer")
        assert f"Job {job_id} <!date^1795521600^was written off {{" in hook.said()["text"]
    assert endings(engine) == [("UADMIN", "written off: first")]
