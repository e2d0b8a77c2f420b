"""Jobs out to Kling and their verdicts back, against a Kling whose every answer the test decides."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from klingbot import sandbox
from klingbot.domain import prices
from klingbot.domain.jobs import Job, JobState, Request
from klingbot.domain.money import Amount
from klingbot.domain.notifications import JobFailed, ModelRefused, SubmittingStopped
from klingbot.domain.pricing import Wish
from klingbot.domain.source_images import NoPicture, Picture, uploaded
from klingbot.engine import Engine, cancellation, hold_outcomes, job_requests, kling_results
from klingbot.kling import (
    Accepted,
    Action,
    AlreadyTaken,
    ApiKey,
    Cash,
    KlingClient,
    LookUp,
    NotSent,
    Rejected,
    ReplyLost,
    Task,
    TaskRequest,
    Unreachable,
)
from klingbot.sandbox.kling import Fault
from klingbot.store import circuit_breakers, jobs, ledger, outbox
from klingbot.store.maintenance import totals_proof
from klingbot.workers.kling_poller import CHARGE_MS, LOST_REPLY_MS
from klingbot.workers.submitter import AT_ONCE, LEASE_MS, PICTURE_TURN_MS, PICTURES_AT_ONCE, Submitter
from tests.conftest import FakeClock
from tests.support.ledger_checks import queued

pytestmark = pytest.mark.both_databases

BUSY = Rejected(1303, "parallel task over resource pack limit", Action.WAIT, "Kling is full.", "r")
DRY = Rejected(1102, "Account balance not enough", Action.FREEZE, "The Kling account has no units left.", "r")
BLOCKED = Rejected(1301, "risk", Action.REFUSE, "Kling's content rules blocked this prompt.", "r")


@dataclass
class ScriptedKling:
    """Answers creates from a script (default: accepted) and look-ups from the tasks it holds."""

    creates: list[Any] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    look_ups: list[Any] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)
    frames: list[str | None] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def create(self, request: TaskRequest, route: str) -> Any:
        self.posted.append(request.job_id)
        self.frames.append(request.image_url)
        outcome = self.creates.pop(0) if self.creates else None
        return outcome or self.take(request.job_id)

    def take(self, job_id: str) -> Accepted:
        self.tasks[f"t-{job_id}"] = Task(f"t-{job_id}", job_id, "processing", "", None, None, None, ())
        return Accepted(f"t-{job_id}")

    def end(self, job_id: str, status: Any, **fields: Any) -> None:
        self.tasks[f"t-{job_id}"] = Task(
            f"t-{job_id}",
            job_id,
            status,
            fields.get("message", ""),
            fields.get("url"),
            None,
            fields.get("units"),
            fields.get("cash", ()),
        )

    def look_up(self, route: str, *, job_ids: Any = (), task_ids: Any = ()) -> Any:
        self.asked.append((*job_ids, *task_ids))
        if self.look_ups:
            return self.look_ups.pop(0)
        known = {task.job_id: task for task in self.tasks.values()} | self.tasks
        asked = [*job_ids, *task_ids]
        return LookUp({i: known[i] for i in asked if i in known}, frozenset(i for i in asked if i not in known))


@pytest.fixture
def kling() -> ScriptedKling:
    return ScriptedKling()


@pytest.fixture
def submitter(engine: Engine, kling: ScriptedKling) -> Iterator[Submitter]:
    client: KlingClient = kling  # type: ignore[assignment]
    made = Submitter(engine, client, api_key=True, poll_ms=5_000)
    yield made
    made.finish()


def ask(engine: Engine, request_id: str = "r1", **wish: Any) -> Job:
    request = Request(request_id, "UBOB", "CMARK", "a fox in snow", Wish(**wish))
    outcome = job_requests.hold(engine, request)
    assert isinstance(outcome, hold_outcomes.Held), outcome
    return outcome.job


def now(engine: Engine, job: Job) -> Job:
    found = jobs.get(engine.store.read(), job.id)
    assert found is not None
    return found


def messages(engine: Engine) -> list[str]:
    return [row["kind"] for row in engine.store.read().execute("SELECT kind FROM outbox ORDER BY id").fetchall()]


def total(engine: Engine) -> tuple[Amount, Amount]:
    found = ledger.total(engine.store.read(), "workspace", engine.periods().monthly)
    return found.held, found.settled


def test_a_job_goes_out_once_and_its_verdict_settles_the_hold(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = ask(engine, model="kling-pro", duration_seconds=10)
    submitter.submit()
    submitter.submit()
    assert kling.posted == [job.id]
    assert now(engine, job).state is JobState.SUBMITTED

    kling.end(job.id, "succeeded", url="https://kling.example/v.mp4", units=Decimal("8.0"))
    submitter.poll()
    assert now(engine, job).state is JobState.SUBMITTED, "not due before the first poll interval"
    clock.tick(5)
    submitter.poll()

    done = now(engine, job)
    assert (done.state, done.video_url) == (JobState.SUCCEEDED, "https://kling.example/v.mp4")
    assert total(engine) == (Amount(0, 0), Amount(40_000, 2_400_000)), "the list `credits` is not in Kling's units"
    assert messages(engine) == ["video ready"]


@pytest.fixture
def in_units(engine: Engine, kling: ScriptedKling) -> Iterator[Submitter]:
    """With the list `kling-api`: jobs settle at what Kling deducts."""
    client: KlingClient = kling  # type: ignore[assignment]
    made = Submitter(replace(engine, prices=prices.load("kling-api")), client, api_key=True, poll_ms=5_000)
    yield made
    made.finish()


def finished(submitter: Submitter, kling: ScriptedKling, clock: FakeClock, **fields: Any) -> Job:
    """A job that Kling has taken and whose video it has just made."""
    job = ask(submitter.engine)
    submitter.submit()
    kling.end(job.id, "succeeded", **fields)
    clock.tick(5)
    submitter.poll()
    return job


def test_a_video_without_its_charge_is_settled_once_kling_names_it(
    in_units: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    engine = in_units.engine
    job = finished(in_units, kling, clock, url="https://v")
    assert now(engine, job).state is JobState.SUBMITTED
    assert total(engine) == (job.quote, Amount(0, 0))

    kling.end(job.id, "succeeded", url="https://v", units=Decimal("3"))
    clock.tick(5)
    in_units.poll()
    done = now(engine, job)
    assert (done.state, done.settled) == (JobState.SUCCEEDED, Amount(3_000, 420_000))
    assert total(engine) == (Amount(0, 0), Amount(3_000, 420_000))


def test_a_charge_that_kling_never_names_is_settled_at_the_quote_and_says_so(
    in_units: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    engine = in_units.engine
    job = finished(in_units, kling, clock, url="https://v")
    clock.tick(CHARGE_MS / 1000 - 1)
    in_units.poll()
    assert now(engine, job).state is JobState.SUBMITTED
    clock.tick(5)
    in_units.poll()
    assert total(engine) == (Amount(0, 0), job.quote)
    entry = engine.store.read().execute("SELECT reason FROM entries WHERE kind = 'settle'").fetchone()
    assert "named no units" in entry["reason"]
    assert messages(engine) == ["video ready"]


def test_a_charge_in_cash_is_not_waited_for_in_units(
    in_units: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = finished(in_units, kling, clock, url="https://v", cash=(Cash(Decimal("0.35"), "USD", is_test=False),))
    assert now(in_units.engine, job).state is JobState.SUCCEEDED


def test_a_success_without_a_video_is_asked_for_again(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = finished(submitter, kling, clock)
    assert now(engine, job).state is JobState.SUBMITTED
    kling.end(job.id, "succeeded", url="https://v")
    clock.tick(10)
    submitter.poll()
    assert now(engine, job).state is JobState.SUCCEEDED


def test_a_failed_task_releases_the_hold_and_says_klings_reason(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = ask(engine)
    submitter.submit()
    kling.end(job.id, "failed", message="Failure to pass the risk control system")
    clock.tick(5)
    submitter.poll()
    done = now(engine, job)
    assert done.state is JobState.FAILED
    assert done.reason is not None and "risk control" in done.reason
    assert total(engine) == (Amount(0, 0), Amount(0, 0))
    assert messages(engine) == ["job failed"]


def test_a_refused_job_releases_the_hold_and_tells_the_person(
    engine: Engine, submitter: Submitter, kling: ScriptedKling
) -> None:
    kling.creates = [BLOCKED]
    job = ask(engine)
    submitter.submit()
    assert now(engine, job).state is JobState.RELEASED
    assert total(engine) == (Amount(0, 0), Amount(0, 0))
    assert messages(engine) == ["job failed"]


def test_a_model_that_kling_refuses_is_told_to_the_requester_each_time_and_to_the_admins_once_a_day(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    barred = Rejected(1103, "no permission", Action.REFUSE, "The account has no right to it.", "r", of_model=True)
    for day in (0, 0, 1):
        clock.tick(day * 86_400)
        kling.creates = [barred]
        ask(engine, f"r{len(kling.posted)}")
        submitter.submit()
    told, admins = queued(engine.store, JobFailed), queued(engine.store, ModelRefused)
    assert [each.job.reason for each in told] == ["The account has no right to it."] * 3
    assert admins == [ModelRefused(told[0].job.model, 1103, "The account has no right to it.")] * 2
    assert total(engine) == (Amount(0, 0), Amount(0, 0))
    taken = ask(engine, "of another model")
    submitter.submit()
    assert now(engine, taken).state is JobState.SUBMITTED, "nothing else is stopped"


def test_a_lost_reply_is_looked_up_before_anything_is_posted_again(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = ask(engine)
    kling.take(job.id)
    kling.creates = [ReplyLost("timed out")]
    submitter.submit()
    submitter.recover()
    assert now(engine, job).state is JobState.SUBMITTING, "not looked up before the settling delay"

    clock.tick(LOST_REPLY_MS / 1000)
    submitter.submit()
    submitter.recover()
    assert now(engine, job).state is JobState.SUBMITTED
    assert kling.posted == [job.id], "found at Kling: never posted twice"
    assert kling.asked == [(job.id,)]


def test_a_job_that_is_provably_absent_after_a_lost_reply_is_posted_again(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = ask(engine)
    kling.creates = [ReplyLost("reset")]
    submitter.submit()
    clock.tick(LOST_REPLY_MS / 1000)
    submitter.recover()
    assert now(engine, job).state is JobState.HELD
    submitter.submit()
    assert now(engine, job).state is JobState.SUBMITTED
    assert kling.posted == [job.id, job.id]


def lost_and_wrongly_absent(engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock) -> Job:
    """A job that is posted a second time, after a look-up that found nothing."""
    job = ask(engine)
    kling.creates = [ReplyLost("reset"), *kling.creates]
    submitter.submit()
    kling.look_ups = [LookUp({}, frozenset({job.id}))]
    clock.tick(LOST_REPLY_MS / 1000)
    submitter.recover()
    submitter.submit()
    assert kling.posted == [job.id, job.id]
    return job


def test_a_refusal_after_a_lost_reply_releases_nothing_before_kling_was_asked_again(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    kling.creates = [BLOCKED]
    job = lost_and_wrongly_absent(engine, submitter, kling, clock)
    submitter.recover()
    assert now(engine, job).state is JobState.SUBMITTING
    assert total(engine)[0] == job.quote

    clock.tick(LOST_REPLY_MS / 1000)
    submitter.recover()
    done = now(engine, job)
    assert (done.state, done.reason) == (JobState.RELEASED, BLOCKED.plain), "absent once more: the refusal stands"
    assert messages(engine) == ["job failed"]


def test_a_refusal_that_hid_a_task_of_an_earlier_post_is_not_believed(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    kling.creates = [BLOCKED]
    job = lost_and_wrongly_absent(engine, submitter, kling, clock)
    kling.take(job.id)
    kling.look_ups = [Unreachable("down")]
    for _ in range(2):
        clock.tick(LOST_REPLY_MS / 1000)
        submitter.recover()
    found = now(engine, job)
    assert (found.state, found.task_id, found.reason) == (JobState.SUBMITTED, f"t-{job.id}", None)


def test_a_refusal_after_posts_that_kling_did_not_take_is_final_at_once(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = ask(engine)
    kling.creates = [NotSent("refused"), BUSY, BLOCKED]
    for _ in range(3):
        submitter.submit()
        clock.tick(5)
    assert now(engine, job).state is JobState.RELEASED
    assert kling.asked == []


def test_a_lost_task_that_kling_first_denies_and_then_refuses_a_second_time_is_found(
    engine: Engine, clock: FakeClock
) -> None:
    with ExitStack() as stack:
        local = sandbox.start(kling_seconds=0)
        stack.callback(local.stop)
        client = KlingClient(local.kling_api_url, ApiKey(local.kling_api_key))
        # On the legacy standard, because only there a single answer (1201) can deny a task that exists.
        submitter = Submitter(engine, client, api_key=False, poll_ms=5_000)
        local.kling.faults.add(Fault(on="create", ending="drop", taken=True))
        local.kling.faults.add(Fault(on="query", ending="code", code=1201))
        job = ask(engine)
        stack.callback(submitter.finish)
        submitter.submit()
        clock.tick(LOST_REPLY_MS / 1000)
        submitter.recover()
        assert now(engine, job).state is JobState.HELD, "Kling said that it has no such task"
        submitter.submit()
        assert now(engine, job).tries == 2
        clock.tick(LOST_REPLY_MS / 1000)
        submitter.recover()
        assert now(engine, job).state is JobState.SUCCEEDED
        assert len(local.kling.tasks) == 1
        assert total(engine) == (Amount(0, 0), job.quote)


@pytest.mark.parametrize("again", ["posted", "taken"])
def test_a_refusal_of_a_post_that_was_given_up_changes_nothing(again: str, engine: Engine) -> None:
    job = ask(engine)
    first = kling_results.submitting(engine, job, "/text-to-video/kling-2.6", due_at=0)
    assert first is not None
    waiting = kling_results.held_again(engine, first)
    assert waiting is not None
    second = kling_results.submitting(engine, waiting, "/text-to-video/kling-2.6", due_at=0)
    assert second is not None
    if again == "taken":
        kling_results.submitted(engine, second, "task", due_at=0)
    before = now(engine, job)
    assert kling_results.refused(engine, first, "already exists") is None
    assert kling_results.doubted(engine, first, "already exists", due_at=0) is None
    assert kling_results.not_taken(engine, first) is None
    assert kling_results.held_again(engine, first) is None
    assert now(engine, job) == before


def test_a_late_yes_keeps_a_job_that_waits_again_from_being_posted_twice(
    engine: Engine, submitter: Submitter, kling: ScriptedKling
) -> None:
    job = ask(engine)
    first = kling_results.submitting(engine, job, "/text-to-video/kling-2.6", due_at=0)
    assert first is not None
    kling_results.held_again(engine, first)
    assert kling_results.submitted(engine, first, "task", due_at=0) is not None
    submitter.submit()
    assert kling.posted == []
    assert now(engine, job).state is JobState.SUBMITTED


@pytest.mark.parametrize("answer", [Unreachable("down"), LookUp({}, frozenset()), BUSY])
def test_a_look_up_that_proves_nothing_keeps_the_hold_and_posts_nothing(
    answer: Any, engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = ask(engine)
    kling.creates = [ReplyLost("reset")]
    submitter.submit()
    kling.look_ups = [answer]
    clock.tick(LOST_REPLY_MS / 1000)
    submitter.recover()
    submitter.submit()
    assert now(engine, job).state is JobState.SUBMITTING
    assert total(engine)[0] == job.quote
    assert kling.posted == [job.id]


def test_a_request_that_never_left_is_sent_again_without_a_look_up(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = ask(engine)
    kling.creates = [NotSent("refused")]
    submitter.submit()
    assert now(engine, job).state is JobState.HELD
    clock.tick(5)
    submitter.submit()
    assert now(engine, job).state is JobState.SUBMITTED
    assert kling.asked == []


def test_a_busy_kling_keeps_holds_and_places_and_is_asked_again_with_growing_delay(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    first = ask(engine, "r1")
    kling.creates = [BUSY]
    submitter.submit()
    clock.tick(0.5)
    second = ask(engine, "r2")
    submitter.submit()
    assert kling.posted == [first.id], "the gate is closed for a second"

    clock.tick(0.6)
    kling.creates = [BUSY]
    submitter.submit()
    gate = circuit_breakers.get(engine.store.read(), "kling-v1.5")
    assert gate is not None and gate.opens_at == clock.at + 2_000
    clock.tick(2)
    kling.posted.clear()
    submitter.submit()
    assert sorted(kling.posted) == sorted([first.id, second.id])
    assert now(engine, first).state is now(engine, second).state is JobState.SUBMITTED
    assert circuit_breakers.get(engine.store.read(), "kling-v1.5") is None


def test_a_busy_model_does_not_hold_up_another(engine: Engine, submitter: Submitter, kling: ScriptedKling) -> None:
    ask(engine, "r1", model="kling-v1")
    kling.creates = [BUSY]
    submitter.submit()
    other = ask(engine, "r2", model="kling-pro")
    submitter.submit()
    assert now(engine, other).state is JobState.SUBMITTED


def test_a_dry_account_stops_new_jobs_with_the_reason_and_tells_the_admins_once(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = ask(engine)
    kling.creates = [DRY, DRY]
    submitter.submit()
    assert now(engine, job).state is JobState.HELD, "it keeps its place and its hold"
    [stopped] = queued(engine.store, SubmittingStopped)
    assert stopped.waiting == 1, "the admins hear of it as one that waits"
    request = Request("r2", "UBOB", "CMARK", "a fox", Wish())
    assert job_requests.hold(engine, request) == hold_outcomes.Stopped("The Kling account has no units left.")

    clock.tick(61)
    submitter.submit()
    assert len(kling.posted) == 2, "one probe after a minute"
    assert messages(engine) == ["submitting stopped"]

    clock.tick(121)
    submitter.submit()
    assert now(engine, job).state is JobState.SUBMITTED
    assert messages(engine) == ["submitting stopped", "submitting resumed"]
    assert isinstance(job_requests.hold(engine, request), hold_outcomes.Held)


@pytest.mark.parametrize(("refusal", "closed_seconds"), [(BUSY, 1), (DRY, 60)])
def test_a_gate_that_comes_due_lets_one_job_try_and_the_others_through_behind_it(
    refusal: Rejected, closed_seconds: int, engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: Any
) -> None:
    made = []
    for i in range(AT_ONCE + 4):
        made.append(ask(engine, f"r{i}"))
        clock.tick(0.001)
    kling.creates = [refusal] * AT_ONCE
    submitter.submit()
    kling.posted.clear()

    clock.tick(closed_seconds)
    kling.creates = [refusal]
    submitter.submit()
    assert kling.posted == [made[0].id]

    clock.tick(2 * closed_seconds)
    submitter.submit()
    assert {now(engine, job).state for job in made} == {JobState.SUBMITTED}
    assert len(kling.posted) == 1 + len(made)


def test_a_gate_that_nobody_waits_before_holds_nobody_up(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    left = ask(engine, "r1", model="kling-v1")
    kling.creates = [BUSY]
    submitter.submit()
    cancellation.cancel(engine, left.id, user_id="UBOB", is_admin=False)
    clock.tick(2)
    ask(engine, "r2", model="kling-pro")
    assert not jobs.any_probe_due(engine.store.read(), clock.at)
    ask(engine, "r3", model="kling-v1")
    assert jobs.any_probe_due(engine.store.read(), clock.at)


def test_a_poll_that_learns_nothing_is_no_verdict_and_is_repeated_less_and_less_often(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = ask(engine)
    submitter.submit()
    waits = []
    for _ in range(60):
        due = now(engine, job).due_at
        waits.append(due - clock.at)
        clock.at = due
        submitter.poll()
    assert waits[0] == 5_000
    assert waits == sorted(waits)
    assert waits[-1] == 60_000
    assert now(engine, job).state is JobState.SUBMITTED


def test_a_task_that_kling_no_longer_mentions_keeps_its_hold(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = ask(engine)
    submitter.submit()
    kling.tasks.clear()
    clock.tick(5)
    submitter.poll()
    assert now(engine, job).state is JobState.SUBMITTED
    assert total(engine)[0] == job.quote


def test_jobs_of_one_route_are_polled_in_one_call(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    for i in range(20):
        ask(engine, f"r{i}", model="kling-pro")
    submitter.submit()
    clock.tick(5)
    submitter.poll()
    assert [len(ids) for ids in kling.asked] == [20]


def test_many_jobs_of_one_route_are_polled_in_calls_of_twenty(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    for i in range(45):
        ask(engine, f"r{i}", model="kling-pro")
    submitter.submit()
    clock.tick(5)
    submitter.poll()
    assert sorted(len(ids) for ids in kling.asked) == [5, 20, 20]


@pytest.mark.parametrize("api_key", [True, False], ids=["new", "legacy"])
def test_many_jobs_in_flight_at_one_route_are_all_settled(engine: Engine, clock: FakeClock, api_key: bool) -> None:
    with ExitStack() as stack:
        local = sandbox.start(kling_seconds=0, kling_slots=100)
        stack.callback(local.stop)
        client = KlingClient(local.kling_api_url, ApiKey(local.kling_api_key))
        submitter = Submitter(engine, client, api_key=api_key, poll_ms=5_000)
        stack.callback(submitter.finish)
        made = [ask(engine, f"r{i}", model="kling-pro") for i in range(45)]
        submitter.submit()
        clock.tick(5)
        submitter.poll()
        assert {now(engine, job).state for job in made} == {JobState.SUCCEEDED}


def test_a_second_post_of_a_job_that_kling_has_is_looked_up_and_keeps_its_hold(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = ask(engine)
    kling.take(job.id)
    kling.creates = [AlreadyTaken("Kling says that it has this job already")]
    submitter.submit()
    assert now(engine, job).state is JobState.SUBMITTING
    assert total(engine)[0] == job.quote
    clock.tick(5)
    submitter.recover()
    assert (now(engine, job).state, now(engine, job).task_id) == (JobState.SUBMITTED, f"t-{job.id}")
    assert (kling.posted, messages(engine)) == ([job.id], [])


def test_a_job_cancelled_while_it_waited_is_not_posted(
    engine: Engine, submitter: Submitter, kling: ScriptedKling
) -> None:
    job = ask(engine)
    assert isinstance(cancellation.cancel(engine, job.id, user_id="UBOB", is_admin=False), cancellation.Cancelled)
    submitter.submit()
    assert kling.posted == []


def test_one_broken_errand_does_not_stop_the_others(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = ask(engine, "r1"), ask(engine, "r2")
    create = kling.create

    def breaks(request: TaskRequest, route: str) -> Any:
        if request.job_id == bad.id:
            raise RuntimeError("a mistake in the code")
        return create(request, route)

    monkeypatch.setattr(kling, "create", breaks)
    submitter.submit()
    assert now(engine, good).state is JobState.SUBMITTED
    assert now(engine, bad).state is JobState.SUBMITTING, "it is looked up, not posted again"


def test_every_total_is_proved_by_its_entries(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    made = [ask(engine, f"r{i}") for i in range(6)]
    kling.creates = [BLOCKED]
    submitter.submit()
    for job in made:
        kling.end(job.id, "succeeded" if job.id > made[0].id else "failed", url="https://v")
    clock.tick(24 * 3600)
    submitter.poll()
    assert totals_proof.mismatches(engine.store.read()) == []
    assert outbox.counts(engine.store.read()) == {"waiting": 6, "failed": 0}


# First frames.


def with_picture(engine: Engine, picture: str = uploaded("F0PICTURE1")) -> Job:
    outcome = job_requests.hold(engine, Request("r1", "UBOB", "CMARK", "a fox wakes up", Wish(), image_url=picture))
    assert isinstance(outcome, hold_outcomes.Held), outcome
    return outcome.job


def test_a_picture_on_the_web_goes_to_kling_by_its_address(
    engine: Engine, submitter: Submitter, kling: ScriptedKling
) -> None:
    with_picture(engine, "https://x.com/fox.png")
    submitter.submit()
    assert kling.frames == ["https://x.com/fox.png"]


def test_a_picture_that_was_uploaded_to_slack_goes_to_kling_itself(
    engine: Engine, submitter: Submitter, kling: ScriptedKling
) -> None:
    with_picture(engine)
    replace(submitter, picture=lambda file_id, _: Picture(file_id.encode())).submit()
    assert kling.frames == [base64.b64encode(b"F0PICTURE1").decode()]


def test_without_its_picture_a_video_is_not_made_and_the_requester_hears_why(
    engine: Engine, submitter: Submitter, kling: ScriptedKling
) -> None:
    job = with_picture(engine)
    replace(submitter, picture=lambda *_: NoPicture("The picture was deleted.")).submit()
    assert kling.posted == []
    assert (now(engine, job).state, now(engine, job).reason) == (JobState.RELEASED, "The picture was deleted.")
    assert total(engine) == (Amount(0, 0), Amount(0, 0))
    assert [told.job.id for told in queued(engine.store, JobFailed)] == [job.id]


def test_few_pictures_are_in_memory_at_once_and_the_other_videos_wait_for_their_turn(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    for n in range(5):
        job_requests.hold(
            engine, Request(f"r{n}", "UBOB", "CMARK", "a fox", Wish(), image_url=uploaded(f"F0PICTURE{n}"))
        )
    job_requests.hold(engine, Request("words", "UBOB", "CMARK", "a fox in words", Wish()))
    entered, enough = threading.Semaphore(0), threading.Event()

    def slow(file_id: str, most_bytes: int) -> Picture:
        entered.release()
        enough.wait(30)
        return Picture(file_id.encode())

    slowly = replace(submitter, picture=slow)
    submitting = threading.Thread(target=slowly.submit)
    submitting.start()
    assert all(entered.acquire(timeout=30) for _ in range(PICTURES_AT_ONCE))
    assert not entered.acquire(timeout=0.5)
    assert kling.frames == [None], "what needs no picture does not wait"
    enough.set()
    submitting.join(30)
    while len(kling.posted) < 6:
        before = len(kling.posted)
        clock.tick(PICTURE_TURN_MS / 1000)
        slowly.submit()
        assert len(kling.posted) > before


def test_while_slack_cannot_be_reached_a_video_waits_for_its_picture(
    engine: Engine, submitter: Submitter, kling: ScriptedKling, clock: FakeClock
) -> None:
    job = with_picture(engine)
    answers: list[Picture | NoPicture] = [NoPicture("Slack is away.", passing=True), Picture(b"fox")]
    patient = replace(submitter, picture=lambda *_: answers.pop(0))
    patient.submit()
    assert (kling.posted, now(engine, job).state) == ([], JobState.HELD)
    clock.tick(LEASE_MS / 1000)
    patient.submit()
    assert (kling.posted, now(engine, job).state) == ([job.id], JobState.SUBMITTED)
