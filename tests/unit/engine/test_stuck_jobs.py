"""Jobs that Kling leaves without a verdict: shown once, waited for or written off, and booked when a verdict comes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from klingbot import sandbox
from klingbot.domain.budgets import OVER, WORKSPACE, Total
from klingbot.domain.jobs import Job, JobState
from klingbot.domain.money import NOTHING, Amount
from klingbot.domain.notifications import AlertThread, JobFailed, JobStuck, JobWrittenOff, SubmittingStopped, VideoReady
from klingbot.domain.periods import PeriodKind
from klingbot.engine import (
    Engine,
    budgets,
    cancellation,
    hold_outcomes,
    job_queue,
    job_requests,
    kling_results,
    stuck_jobs,
    usage,
)
from klingbot.engine.budgets import Change
from klingbot.engine.cancellation import MayBeAtKling, NoSuchJob
from klingbot.engine.stuck_jobs import NotStuck, StillWaiting, WrittenOff
from klingbot.kling import ApiKey, KlingClient
from klingbot.sandbox import Sandbox
from klingbot.sandbox.kling import Fault
from klingbot.store import Store, circuit_breakers, jobs
from klingbot.store.maintenance import gauges, ledger_checks
from klingbot.workers.kling_poller import WRITTEN_OFF_MS, WRITTEN_OFF_POLL_MS
from klingbot.workers.submitter import Submitter
from tests.conftest import FakeClock
from tests.support.ledger_checks import ask, hold, nine_totals, prove, queued, settle, submit, total

pytestmark = pytest.mark.both_databases

DAY_MS = 86_400_000
FORTY = Amount(40_000, 2_400_000)


@pytest.fixture(autouse=True)
def proved(store: Store) -> Iterator[None]:
    """Whatever a test did: the sums are what the entries say, and the holds are those of live jobs."""
    yield
    prove(store)
    assert ledger_checks.strays(store.read()) == ([], [])


def now(engine: Engine, job: Job) -> Job:
    found = jobs.get(engine.store.read(), job.id)
    assert found is not None
    return found


def long_at_kling(engine: Engine, clock: FakeClock, request_id: str = "r1") -> Job:
    """A job that the admins have been shown as stuck."""
    job = submit(engine, hold(engine, request_id))
    clock.tick(86_400)
    stuck_jobs.show_stuck(engine, after_ms=DAY_MS)
    return job


def written_off(engine: Engine, clock: FakeClock) -> Job:
    job = long_at_kling(engine, clock)
    outcome = stuck_jobs.write_off(engine, job.id, by="UADMIN", reason="Kling is down for days")
    assert isinstance(outcome, WrittenOff)
    return outcome.job


def entries(engine: Engine, job: Job) -> list[tuple[str, str, str | None]]:
    sql = "SELECT kind, author, reason FROM entries WHERE job_id = :id ORDER BY id"
    return [tuple(row) for row in engine.store.read().execute(sql, {"id": job.id}).fetchall()]


def this_month(engine: Engine) -> Total:
    return total(engine, WORKSPACE, engine.periods().monthly)


# Shown to the admins.


def test_a_job_without_a_verdict_is_shown_once_when_its_time_is_up(engine: Engine, clock: FakeClock) -> None:
    submit(engine, hold(engine, "r1"))
    for seconds, shown in ((86_399, 0), (1, 1), (60, 1), (30 * 86_400, 1)):
        clock.tick(seconds)
        stuck_jobs.show_stuck(engine, after_ms=DAY_MS)
        assert len(queued(engine.store, JobStuck)) == shown


def test_a_job_whose_lost_reply_cannot_be_resolved_is_shown_too(engine: Engine, clock: FakeClock) -> None:
    job = hold(engine, "r1")
    kling_results.submitting(engine, job, "/text-to-video/kling-3.0", due_at=0)
    clock.tick(86_400)
    stuck_jobs.show_stuck(engine, after_ms=DAY_MS)
    [shown] = queued(engine.store, JobStuck)
    assert (shown.job.id, shown.job.state) == (job.id, JobState.SUBMITTING)


def test_jobs_that_wait_in_line_or_have_ended_are_not_stuck(engine: Engine, clock: FakeClock) -> None:
    hold(engine, "waits")
    settle(engine, hold(engine, "done"))
    clock.tick(90 * 86_400)
    stuck_jobs.show_stuck(engine, after_ms=DAY_MS)
    assert queued(engine.store, JobStuck) == []


def test_keeping_on_waiting_asks_again_after_the_same_time(engine: Engine, clock: FakeClock) -> None:
    job = long_at_kling(engine, clock)
    clock.tick(3_600)
    outcome = stuck_jobs.keep_waiting(engine, job.id, after_ms=DAY_MS)
    assert isinstance(outcome, StillWaiting)
    assert outcome.until == clock.at + DAY_MS
    for seconds, shown in ((86_399, 1), (1, 2), (30 * 86_400, 2)):
        clock.tick(seconds)
        stuck_jobs.show_stuck(engine, after_ms=DAY_MS)
        assert len(queued(engine.store, JobStuck)) == shown
    assert now(engine, job).state is JobState.SUBMITTED
    assert {found.held for found in nine_totals(engine, job).values()} == {FORTY}


# Written off.


def test_a_write_off_gives_the_hold_back_by_the_admins_name_and_tells_the_requester(
    engine: Engine, clock: FakeClock
) -> None:
    job = written_off(engine, clock)
    assert this_month(engine) == Total()
    assert entries(engine, job)[-1] == ("release", "UADMIN", "written off: Kling is down for days")
    assert [content.job.id for content in queued(engine.store, JobWrittenOff)] == [job.id]
    assert now(engine, job).state is JobState.SUBMITTED, "Kling has it still"


@pytest.mark.parametrize("verdict", ["waits", "fresh", "done", "written off"])
def test_only_a_job_that_was_shown_as_stuck_is_written_off(verdict: str, engine: Engine, clock: FakeClock) -> None:
    job = {
        "waits": lambda: hold(engine, "r"),
        "fresh": lambda: submit(engine, hold(engine, "r")),
        "done": lambda: settle(engine, hold(engine, "r")),
        "written off": lambda: written_off(engine, clock),
    }[verdict]()
    before = entries(engine, job)
    assert isinstance(stuck_jobs.write_off(engine, job.id, by="UADMIN", reason="impatient"), NotStuck)
    assert isinstance(stuck_jobs.keep_waiting(engine, job.id, after_ms=DAY_MS), NotStuck)
    assert entries(engine, job) == before


def test_an_unknown_job_is_said_to_be_unknown(engine: Engine) -> None:
    assert stuck_jobs.write_off(engine, "nothing", by="UADMIN", reason="why") == NoSuchJob()


def test_a_video_that_comes_after_the_write_off_is_booked_as_a_correction_and_delivered(
    engine: Engine, clock: FakeClock
) -> None:
    job = written_off(engine, clock)
    clock.tick(3 * 86_400)
    done = kling_results.succeeded(engine, job, units=None, video_url="https://kling.test/v.mp4")
    assert done is not None
    assert (done.state, done.settled) == (JobState.SUCCEEDED, FORTY)
    assert set(nine_totals(engine, job).values()) == {Total(NOTHING, FORTY)}, "in the periods it was asked for in"
    assert entries(engine, job)[-1] == ("correction", "kling", "made after it was written off")
    assert len(queued(engine.store, VideoReady)) == 1
    [share] = usage.usage(engine, WORKSPACE, PeriodKind.MONTHLY, "model").shares
    assert (share.jobs, share.failed) == (1, 0)

    assert kling_results.succeeded(engine, job, units=None, video_url="https://kling.test/v.mp4") is None
    assert kling_results.failed(engine, job, "too dark") is None
    assert [kind for kind, *_ in entries(engine, job)] == ["hold", "release", "correction"]


def test_a_late_charge_that_breaks_a_budget_is_booked_and_announced(engine: Engine, clock: FakeClock) -> None:
    budgets.set_budget(engine, Change(WORKSPACE, PeriodKind.MONTHLY, 50_000), by="UADMIN")
    job = written_off(engine, clock)
    hold(engine, "the room was used again")
    kling_results.succeeded(engine, job, units=None, video_url="https://kling.test/v.mp4")
    assert this_month(engine) == Total(FORTY, FORTY)
    [story] = queued(engine.store, AlertThread)[-1:]
    assert story.standing.exceeded
    assert story.told[-1].mark == OVER


def test_a_failure_that_comes_after_the_write_off_ends_the_job_and_books_nothing(
    engine: Engine, clock: FakeClock
) -> None:
    job = written_off(engine, clock)
    assert kling_results.failed(engine, job, "too dark") is not None
    assert now(engine, job).state is JobState.FAILED
    assert [kind for kind, *_ in entries(engine, job)] == ["hold", "release"]
    assert queued(engine.store, JobFailed) == [], "the requester was told when it was written off"


@pytest.mark.parametrize("report", ["refused", "not taken", "held again", "doubted"])
def test_a_job_that_was_written_off_never_goes_out_again(report: str, engine: Engine, clock: FakeClock) -> None:
    posting = kling_results.submitting(engine, hold(engine, "r"), "/text-to-video/kling-3.0", due_at=0)
    assert posting is not None
    clock.tick(86_400)
    stuck_jobs.show_stuck(engine, after_ms=DAY_MS)
    stuck_jobs.write_off(engine, posting.id, by="UADMIN", reason="lost")
    before = now(engine, posting)
    reports = {
        "refused": lambda: kling_results.refused(engine, posting, "no"),
        "not taken": lambda: kling_results.not_taken(engine, posting),
        "held again": lambda: kling_results.held_again(engine, posting),
        "doubted": lambda: kling_results.doubted(engine, posting, "no", due_at=0),
    }
    assert reports[report]() is None
    assert now(engine, posting) == before


def test_what_is_measured_follows_the_ledger(engine: Engine, clock: FakeClock) -> None:
    reader = engine.store.read()
    job = long_at_kling(engine, clock)
    assert gauges.read(reader).held == FORTY
    before = gauges.last_entry(reader)
    stuck_jobs.write_off(engine, job.id, by="UADMIN", reason="silence")
    assert (gauges.read(reader).held, gauges.read(reader).live) == (NOTHING, {"submitted": 1})
    written_off_at = gauges.last_entry(reader)
    assert gauges.ended(reader, after=before, upto=written_off_at) == {}
    kling_results.succeeded(engine, job, units=None, video_url="https://kling.test/v.mp4")
    assert gauges.ended(reader, after=written_off_at, upto=gauges.last_entry(reader)) == {"succeeded": 1}
    assert gauges.ended(reader, after=before, upto=gauges.last_entry(reader)) == {"succeeded": 1}


# Against the local Kling: it loses the reply, and says nothing for a long time.


@pytest.fixture
def local() -> Iterator[Sandbox]:
    started = sandbox.start(kling_seconds=0)
    yield started
    started.stop()


@pytest.fixture
def submitter(engine: Engine, local: Sandbox) -> Iterator[Submitter]:
    client = KlingClient(local.kling_api_url, ApiKey(local.kling_api_key))
    made = Submitter(engine, client, api_key=True, poll_ms=5_000)
    yield made
    made.close()


def lost_and_written_off(engine: Engine, submitter: Submitter, local: Sandbox, clock: FakeClock) -> Job:
    """Kling has it, and until now nobody could tell."""
    local.kling.faults.add(Fault(on="create", ending="drop", taken=True))
    job = hold(engine, "r1")
    submitter.submit()
    clock.tick(86_400)
    stuck_jobs.show_stuck(engine, after_ms=DAY_MS)
    assert isinstance(stuck_jobs.write_off(engine, job.id, by="UADMIN", reason="lost"), WrittenOff)
    return job


def test_a_lost_job_that_was_written_off_is_found_and_its_charge_is_booked(
    engine: Engine, submitter: Submitter, local: Sandbox, clock: FakeClock
) -> None:
    job = lost_and_written_off(engine, submitter, local, clock)
    assert this_month(engine) == Total()
    submitter.recover()
    assert now(engine, job).state is JobState.SUCCEEDED
    assert this_month(engine) == Total(NOTHING, FORTY)
    assert len(local.kling.tasks) == 1


def test_kling_is_asked_about_a_written_off_job_every_hour_for_thirty_days(
    engine: Engine, submitter: Submitter, local: Sandbox, clock: FakeClock
) -> None:
    job = lost_and_written_off(engine, submitter, local, clock)
    local.kling.account.tasks.clear()
    written_off_at = clock.at
    submitter.recover()
    assert now(engine, job).due_at == clock.at + WRITTEN_OFF_POLL_MS
    clock.at = written_off_at + WRITTEN_OFF_MS - 1
    submitter.recover()
    assert now(engine, job).state is JobState.SUBMITTING
    local.kling.faults.add(Fault(on="query", ending="code", code=5001))
    clock.at = now(engine, job).due_at
    submitter.recover()
    assert now(engine, job).state is JobState.SUBMITTING, "Kling did not answer, so this was not the last time"
    clock.at = now(engine, job).due_at
    submitter.recover()
    assert now(engine, job).state is JobState.RELEASED
    assert [kind for kind, *_ in entries(engine, job)] == ["hold", "release"]
    assert local.kling.tasks == [], "it was not sent again"


# What admins do with jobs that wait.


def test_a_job_that_waits_after_a_lost_reply_cannot_be_cancelled(engine: Engine) -> None:
    job = hold(engine, "r1")
    posting = kling_results.submitting(engine, job, "/text-to-video/kling-3.0", due_at=0)
    assert posting is not None
    kling_results.held_again(engine, posting)
    assert isinstance(cancellation.cancel(engine, job.id, user_id="U1", is_admin=False), MayBeAtKling)
    assert this_month(engine).held == FORTY


def test_a_job_that_kling_provably_never_took_can_be_cancelled(engine: Engine) -> None:
    posting = kling_results.submitting(engine, hold(engine, "r1"), "/text-to-video/kling-3.0", due_at=0)
    assert posting is not None
    kling_results.not_taken(engine, posting)
    assert isinstance(cancellation.cancel(engine, posting.id, user_id="U1", is_admin=False), cancellation.Cancelled)


def test_all_waiting_jobs_are_released_by_the_admins_name_but_those_that_may_be_at_kling(engine: Engine) -> None:
    waiting = [hold(engine, f"r{n}", user_id=f"U{n}") for n in range(3)]
    posting = kling_results.submitting(engine, hold(engine, "lost"), "/text-to-video/kling-3.0", due_at=0)
    assert posting is not None
    kling_results.held_again(engine, posting)
    at_kling = submit(engine, hold(engine, "at Kling"))
    assert job_queue.cancel_waiting(engine, by="UADMIN") == job_queue.WaitingCancelled(released=3, kept=1)
    assert {now(engine, job).state for job in waiting} == {JobState.RELEASED}
    assert {entries(engine, job)[-1][1] for job in waiting} == {"UADMIN"}
    assert {content.job.user_id for content in queued(engine.store, JobFailed)} == {"U0", "U1", "U2"}
    assert (now(engine, posting).state, now(engine, at_kling).state) == (JobState.HELD, JobState.SUBMITTED)
    assert this_month(engine).held == FORTY + FORTY


def test_more_waiting_jobs_than_fit_into_one_transaction_are_released(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_queue, "_AT_ONCE", 2)
    for n in range(5):
        hold(engine, f"r{n}")
    assert job_queue.cancel_waiting(engine, by="UADMIN").released == 5
    assert this_month(engine) == Total()


def test_a_thaw_takes_new_jobs_at_once_and_lets_one_waiting_job_try(engine: Engine, clock: FakeClock) -> None:
    hold(engine, "r1")
    kling_results.stopped(engine, code=1102, reason="no units left")
    assert isinstance(job_requests.hold(engine, ask("r2")), hold_outcomes.Stopped)
    assert job_queue.thaw(engine) == job_queue.Thawed(("no units left",), waiting=1)
    hold(engine, "r2")
    assert jobs.any_probe_due(engine.store.read(), clock.at), "so the submitter lets one try alone"


def test_a_kling_that_still_refuses_after_a_thaw_is_said_to_the_admins_again(engine: Engine, clock: FakeClock) -> None:
    hold(engine, "r1")
    for _ in range(2):
        kling_results.stopped(engine, code=1102, reason="no units left")
        clock.tick(61)
    assert len(queued(engine.store, SubmittingStopped)) == 1
    job_queue.thaw(engine)
    clock.tick(1)
    kling_results.stopped(engine, code=1102, reason="no units left")
    assert len(queued(engine.store, SubmittingStopped)) == 2
    gate = circuit_breakers.get(engine.store.read(), circuit_breakers.ACCOUNT)
    assert gate is not None
    assert gate.opens_at == clock.at + kling_results.STOPPED_FIRST_MS, "and the waiting begins anew"


# Who has which jobs.


def test_the_queue_shows_a_persons_jobs_newest_first_with_their_places(engine: Engine, clock: FakeClock) -> None:
    made = []
    for request_id, user_id in (("a", "U1"), ("b", "U2"), ("c", "U1"), ("d", "U1")):
        made.append(hold(engine, request_id, user_id=user_id))
        clock.tick(1)
    a, _, c, d = made
    kling_results.failed(engine, submit(engine, d), "too dark")
    found = job_queue.queue(engine, "U1")
    assert [(job.id, ahead) for job, ahead in zip(found.live, found.ahead, strict=True)] == [(c.id, 2), (a.id, 0)]
    assert [job.id for job in found.ended] == [d.id]
    assert len(job_queue.queue(engine, None).live) == 3
