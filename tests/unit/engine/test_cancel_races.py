"""Cancel is pressed while a job is being sent to Kling: the wish is remembered, and the person hears how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from klingbot.domain.jobs import Job, JobState, Request
from klingbot.domain.money import Amount
from klingbot.domain.notifications import CancelEnded, JobFailed
from klingbot.domain.pricing import Wish
from klingbot.engine import (
    Engine,
    cancellation,
    hold_outcomes,
    job_message_updates,
    job_queue,
    job_requests,
    kling_results,
    stuck_jobs,
)
from klingbot.engine.cancellation import Cancelled, MayBeAtKling, TooLate
from klingbot.kling import KlingClient, LookUp, NotSent, ReplyLost, TaskRequest, Unreachable
from klingbot.store import job_messages, ledger, outbox
from klingbot.workers.kling_poller import LOST_REPLY_MS
from klingbot.workers.submitter import Submitter
from tests.conftest import FakeClock
from tests.support.ledger_checks import queued
from tests.unit.workers.test_submitter import BLOCKED, BUSY, DRY, ScriptedKling, ask, now, total

pytestmark = pytest.mark.both_databases

NOBODY = Amount(0, 0)


@dataclass
class Pressed(ScriptedKling):
    """Somebody does something while a call to this Kling is under way."""

    during_create: Callable[[], Any] = lambda: None
    during_look_up: Callable[[], Any] = lambda: None

    def create(self, request: TaskRequest, route: str) -> Any:
        self.during_create()
        return super().create(request, route)

    def look_up(self, route: str, **ids: Any) -> Any:
        self.during_look_up()
        return super().look_up(route, **ids)


@pytest.fixture
def kling() -> Pressed:
    return Pressed()


@pytest.fixture
def submitter(engine: Engine, kling: Pressed) -> Iterator[Submitter]:
    client: KlingClient = kling  # type: ignore[assignment]
    made = Submitter(engine, client, api_key=True, poll_ms=5_000)
    yield made
    made.finish()


def cancel(engine: Engine, job: Job, by: str = "UBOB", *, admin: bool = False) -> cancellation.CancelOutcome:
    return cancellation.cancel(engine, job.id, user_id=by, is_admin=admin, response_url=f"https://r.example/{by}")


def is_cancelled(engine: Engine, job: Job, by: str = "UBOB") -> bool:
    ended = now(engine, job)
    last = ledger.entries_of(engine.store.read(), job.id)[-1]
    return (ended.state, last.kind, last.author) == (JobState.RELEASED, "release", by) and total(engine) == (
        NOBODY,
        NOBODY,
    )


def told(engine: Engine) -> list[tuple[str | None, str | None, bool]]:
    """Who hears how a cancellation ended, where, and whether it was too late."""
    rows = engine.store.read().execute("SELECT key FROM outbox WHERE kind = 'cancel ended' ORDER BY id").fetchall()
    found = [outbox.find(engine.store.read(), row["key"]) for row in rows]
    return [(each.user_id, each.response_url, each.content["too_late"]) for each in found if each]


@pytest.mark.parametrize("ending", [BUSY, DRY, NotSent("refused")], ids=["busy", "stopped", "not sent"])
def test_a_job_that_kling_did_not_take_is_cancelled_as_was_wanted(
    ending: Any, engine: Engine, submitter: Submitter, kling: Pressed, clock: FakeClock
) -> None:
    job, said = ask(engine), []
    kling.creates = [ending]
    kling.during_create = lambda: said.append(cancel(engine, job))
    submitter.submit()
    assert [type(outcome) for outcome in said] == [MayBeAtKling]
    assert is_cancelled(engine, job)
    assert told(engine) == [("UBOB", "https://r.example/UBOB", False)]
    clock.tick(3_600)
    submitter.submit()
    submitter.recover()
    assert kling.posted == [job.id]


def test_a_job_that_kling_took_is_made_and_the_person_hears_that_it_is_too_late(
    engine: Engine, submitter: Submitter, kling: Pressed
) -> None:
    job = ask(engine)
    kling.during_create = lambda: cancel(engine, job)
    submitter.submit()
    assert (now(engine, job).state, now(engine, job).cancel_by) == (JobState.SUBMITTED, None)
    assert total(engine)[0] == job.quote
    assert told(engine) == [("UBOB", "https://r.example/UBOB", True)]
    assert isinstance(cancel(engine, job), TooLate)


def test_a_job_that_kling_refuses_for_good_says_why_and_nothing_of_the_cancellation(
    engine: Engine, submitter: Submitter, kling: Pressed
) -> None:
    job = ask(engine)
    kling.creates = [BLOCKED]
    kling.during_create = lambda: cancel(engine, job)
    submitter.submit()
    assert (now(engine, job).state, now(engine, job).reason) == (JobState.RELEASED, BLOCKED.plain)
    assert (told(engine), len(queued(engine.store, JobFailed))) == ([], 1)


@pytest.mark.parametrize("there", [True, False])
def test_after_a_lost_reply_the_look_up_decides(
    there: bool, engine: Engine, submitter: Submitter, kling: Pressed, clock: FakeClock
) -> None:
    job = ask(engine)
    if there:
        kling.take(job.id)
    kling.creates, kling.look_ups = [ReplyLost("reset")], [Unreachable("down")]
    kling.during_create = lambda: cancel(engine, job)
    submitter.submit()
    assert now(engine, job).state is JobState.SUBMITTING
    for _ in range(2):
        clock.tick(LOST_REPLY_MS / 1000)
        submitter.recover()
    if there:
        assert now(engine, job).state is JobState.SUBMITTED
        assert told(engine) == [("UBOB", "https://r.example/UBOB", True)]
    else:
        assert is_cancelled(engine, job)
        assert told(engine) == [("UBOB", "https://r.example/UBOB", False)]
    assert kling.posted == [job.id]


@pytest.mark.parametrize("there", [True, False])
def test_a_press_during_the_look_up_of_a_lost_reply_counts(
    there: bool, engine: Engine, submitter: Submitter, kling: Pressed, clock: FakeClock
) -> None:
    job = ask(engine)
    if there:
        kling.take(job.id)
    kling.creates = [ReplyLost("reset")]
    submitter.submit()
    clock.tick(LOST_REPLY_MS / 1000)
    kling.during_look_up = lambda: cancel(engine, job)
    submitter.recover()
    assert is_cancelled(engine, job) is not there
    assert [too_late for _, _, too_late in told(engine)] == [there]


@pytest.mark.parametrize("there", [True, False])
def test_a_job_that_waits_again_after_a_lost_reply_is_looked_up_once_more_and_not_sent(
    there: bool, engine: Engine, submitter: Submitter, kling: Pressed, clock: FakeClock
) -> None:
    job = ask(engine)
    kling.creates, kling.look_ups = [ReplyLost("reset")], [LookUp({}, frozenset({job.id}))]
    submitter.submit()
    clock.tick(LOST_REPLY_MS / 1000)
    submitter.recover()
    assert now(engine, job).state is JobState.HELD
    if there:
        kling.take(job.id)
    kling_results.stopped(engine, code=1102, reason="no units left")
    assert isinstance(cancel(engine, job), MayBeAtKling)
    submitter.submit()
    assert now(engine, job).state is JobState.HELD
    submitter.recover()
    assert is_cancelled(engine, job) is not there
    assert (now(engine, job).state is JobState.SUBMITTED) is there
    assert kling.posted == [job.id]


def test_a_refusal_of_a_second_post_looks_the_first_one_up_before_it_cancels(
    engine: Engine, submitter: Submitter, kling: Pressed, clock: FakeClock
) -> None:
    job = ask(engine)
    kling.creates = [ReplyLost("reset"), BUSY]
    kling.look_ups = [LookUp({}, frozenset({job.id}))]
    submitter.submit()
    clock.tick(LOST_REPLY_MS / 1000)
    submitter.recover()
    kling.take(job.id)
    kling.during_create = lambda: cancel(engine, job)
    submitter.submit()
    assert (now(engine, job).state, total(engine)[0]) == (JobState.HELD, job.quote)
    for _ in range(2):
        submitter.recover()
        clock.tick(LOST_REPLY_MS / 1000)
    assert now(engine, job).state is JobState.SUBMITTED, "Kling had it from the first post after all"
    assert [too_late for _, _, too_late in told(engine)] == [True]


def test_the_first_who_asks_hears_how_it_ended_and_the_others_are_told_who_that_is(
    engine: Engine, submitter: Submitter, kling: Pressed
) -> None:
    job, said = ask(engine), []

    def press() -> None:
        said.append(cancel(engine, job))
        said.append(cancel(engine, job, "UALICE", admin=True))
        said.append(cancel(engine, job))

    kling.creates, kling.during_create = [BUSY], press
    submitter.submit()
    assert [outcome.asked_before_by for outcome in said] == [None, "UBOB", None]
    assert is_cancelled(engine, job)
    assert [(who, late) for who, _, late in told(engine)] == [("UBOB", False)]


def test_the_same_request_again_does_not_take_the_wish_back(
    engine: Engine, submitter: Submitter, kling: Pressed
) -> None:
    job = ask(engine)

    def press() -> None:
        cancel(engine, job)
        again = job_requests.hold(engine, Request("r1", "UBOB", "CMARK", "a fox in snow", Wish()))
        assert isinstance(again, hold_outcomes.Repeated)

    kling.creates, kling.during_create = [BUSY], press
    submitter.submit()
    assert is_cancelled(engine, job)


def test_an_admin_who_cancels_somebody_elses_job_has_its_requester_told(
    engine: Engine, submitter: Submitter, kling: Pressed
) -> None:
    job = ask(engine)
    kling.creates, kling.during_create = [BUSY], lambda: cancel(engine, job, "UALICE", admin=True)
    submitter.submit()
    assert is_cancelled(engine, job, by="UALICE")
    assert [content.job.user_id for content in queued(engine.store, JobFailed)] == ["UBOB"]
    assert [who for who, *_ in told(engine)] == ["UALICE"]


def test_releasing_all_that_waits_includes_what_is_just_being_sent(
    engine: Engine, submitter: Submitter, kling: Pressed
) -> None:
    job, said = ask(engine), []
    kling.creates, kling.during_create = [BUSY], lambda: said.append(job_queue.cancel_waiting(engine, by="UALICE"))
    submitter.submit()
    assert said == [job_queue.WaitingCancelled(released=0, kept=1)]
    assert is_cancelled(engine, job, by="UALICE")


def test_what_the_jobs_own_message_says_is_not_said_again_in_person(
    engine: Engine, submitter: Submitter, kling: Pressed, clock: FakeClock
) -> None:
    job = ask(engine)
    job_message_updates.show(engine, dict)
    kling.creates, kling.during_create = [BUSY], lambda: cancel(engine, job)
    submitter.submit()
    assert is_cancelled(engine, job)
    assert told(engine) == []
    clock.tick(5)
    job_message_updates.show(engine, dict)
    shown = outbox.find(engine.store.read(), job_messages.key_of(job.id))
    assert shown is not None
    assert shown.content["cancelled_by"] == "UBOB"


def test_while_it_is_not_decided_the_jobs_message_says_so(engine: Engine, clock: FakeClock) -> None:
    job = ask(engine)
    kling_results.submitting(engine, job, "/text-to-video/kling-3.0", due_at=clock() + 1)
    cancel(engine, job)
    assert now(engine, job).cancel_by == "UBOB"
    posted = now(engine, job)
    assert kling_results.look_again(engine, posted, due_at=clock() + 5_000) is not None
    assert now(engine, job).cancel_by == "UBOB", "no verdict changes nothing"


def test_a_job_that_was_written_off_is_not_cancelled_as_well(engine: Engine, clock: FakeClock) -> None:
    job = ask(engine)
    posting = kling_results.submitting(engine, job, "/text-to-video/kling-3.0", due_at=clock())
    assert posting is not None
    stuck_jobs.show_stuck(engine, after_ms=0)
    stuck_jobs.write_off(engine, job.id, by="UALICE", reason="lost")
    assert isinstance(cancel(engine, job), TooLate)
    assert told(engine) == []


def test_a_job_that_has_not_left_yet_is_cancelled_at_once(engine: Engine) -> None:
    assert isinstance(cancel(engine, ask(engine)), Cancelled)


def test_no_post_begins_once_a_job_is_wanted_cancelled(engine: Engine, clock: FakeClock) -> None:
    """Another bot has claimed it and fetches its picture."""
    job = ask(engine)
    posting = kling_results.submitting(engine, job, "/text-to-video/kling-3.0", due_at=0)
    assert posting is not None
    waiting = kling_results.held_again(engine, posting)
    assert waiting is not None
    cancel(engine, job)
    assert kling_results.submitting(engine, waiting, "/text-to-video/kling-3.0", due_at=0) is None


def test_a_queued_cancellation_reads_as_it_was_written(engine: Engine) -> None:
    job = ask(engine)
    kling_results.submitting(engine, job, "/text-to-video/kling-3.0", due_at=0)
    cancel(engine, job)
    kling_results.submitted(engine, now(engine, job), "task", due_at=0)
    assert [content.too_late for content in queued(engine.store, CancelEnded)] == [True]
