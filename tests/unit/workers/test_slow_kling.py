"""One slow answer of Kling's delays its own job and no other: against the sandbox's Kling, over a slow wire."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from klingbot import sandbox
from klingbot.domain.jobs import Job, JobState, Request
from klingbot.domain.pricing import Wish
from klingbot.engine import Engine, hold_outcomes, job_requests, kling_results
from klingbot.kling import ApiKey, KlingClient
from klingbot.sandbox import Sandbox
from klingbot.sandbox.kling import Fault
from klingbot.store import circuit_breakers, jobs
from klingbot.workers.kling_poller import LOST_REPLY_MS
from klingbot.workers.submitter import AT_ONCE, LOOK_UPS_AT_ONCE, Submitter
from tests.conftest import FakeClock
from tests.support.live_bot import until
from tests.support.slow_wire import SlowWire, at_most, slow_wire

pytestmark = pytest.mark.both_databases

SOON = 3.0
SLOW_SECONDS = 8.0
"""The deadline of calls in these tests: the slow ones are still under way when the others are looked at."""


@dataclass
class World:
    engine: Engine
    clock: FakeClock
    local: Sandbox
    wire: SlowWire

    def submitter(self, seconds: float = SLOW_SECONDS, *, api_key: bool = True) -> Submitter:
        root = self.local.kling_api_url.replace(self.local.url, self.wire.url)
        client = KlingClient(root, ApiKey(self.local.kling_api_key), call_seconds=seconds, create_seconds=seconds)
        return Submitter(self.engine, client, api_key=api_key, poll_ms=5_000)

    def ask(self, number: int, model: str = "kling-pro") -> Job:
        outcome = job_requests.hold(self.engine, Request(f"r{number}", "UBOB", "CMARK", "a fox", Wish(model)))
        assert isinstance(outcome, hold_outcomes.Held)
        self.clock.tick(0.001)
        return outcome.job

    def state(self, job: Job) -> JobState:
        found = jobs.get(self.engine.store.read(), job.id)
        assert found is not None
        return found.state

    def are(self, state: JobState, made: list[Job]) -> Callable[[], bool]:
        return lambda: {self.state(job) for job in made} == {state}

    def slow_for(self, made: list[Job], *, on: bytes = b"") -> None:
        """Answer requests that name one of these jobs, or Kling's task of it, a byte a second."""
        names = {job.id for job in made}
        names |= {task for job in made if (task := jobs.get(self.engine.store.read(), job.id).task_id)}  # type: ignore[union-attr]
        self.wire.slow = lambda request: on in request and any(name.encode() in request for name in names)


@pytest.fixture
def world(engine: Engine, clock: FakeClock) -> Iterator[World]:
    local = sandbox.start(kling_seconds=0, kling_slots=100)
    with slow_wire(local.url) as wire:
        yield World(engine, clock, local, wire)
    local.stop()


@contextmanager
def ticking(submitter: Submitter, *errands: Callable[[], None]) -> Iterator[None]:
    """Run each errand again and again in a thread of its own, as the scheduler does."""
    stopping = threading.Event()

    def again(errand: Callable[[], None]) -> None:
        while not stopping.wait(0.1):
            errand()

    threads = [threading.Thread(target=again, args=(errand,)) for errand in errands]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        submitter.close()
        stopping.set()
        for thread in threads:
            thread.join()
        submitter.finish()


@pytest.mark.slow
def test_five_jobs_behind_a_slow_create_are_submitted_at_once(world: World) -> None:
    made = [world.ask(number) for number in range(6)]
    world.slow_for(made[:1])
    submitter = world.submitter(4.0)
    with ticking(submitter, submitter.submit):
        until(world.are(JobState.SUBMITTED, made[1:]), "the others are at Kling", seconds=SOON)
        later = world.ask(7)
        until(world.are(JobState.SUBMITTED, [later]), "a job that came meanwhile is there too", seconds=SOON)
        assert world.state(made[0]) is JobState.SUBMITTING
    world.clock.tick(LOST_REPLY_MS / 1000)
    world.wire.slow = lambda request: False
    once_more = world.submitter()
    once_more.recover()
    once_more.finish()
    assert world.state(made[0]) in (JobState.SUBMITTED, JobState.SUCCEEDED), "it was looked up and not sent again"
    assert len(world.local.kling.tasks) == 7


@pytest.mark.slow
def test_slow_creates_in_every_slot_stop_no_look_up(world: World) -> None:
    submitter = world.submitter()
    with ticking(submitter):
        there = [world.ask(number) for number in range(3)]
        submitter.submit()
        slow = [world.ask(number) for number in range(10, 10 + AT_ONCE)]
        world.slow_for(slow)
        world.clock.tick(5)
        with ticking(submitter, submitter.submit, submitter.poll):
            until(lambda: world.wire.slowed >= AT_ONCE, "every slot waits", seconds=SOON)
            until(world.are(JobState.SUCCEEDED, there), "the others have their verdicts", seconds=SOON)


@pytest.mark.slow
@pytest.mark.parametrize("api_key", [True, False], ids=["new", "legacy"])
def test_a_slow_look_up_delays_its_own_jobs_alone(world: World, api_key: bool) -> None:
    submitter = world.submitter(api_key=api_key)
    slow, quick = [world.ask(1, "kling-v1")], [world.ask(number) for number in range(2, 30)]
    submitter.submit()
    assert world.are(JobState.SUBMITTED, slow + quick)()
    world.slow_for(slow, on=b"GET ")
    world.clock.tick(5)
    with ticking(submitter, submitter.poll):
        until(world.are(JobState.SUCCEEDED, quick), "the others have their verdicts", seconds=SOON)
        assert world.state(slow[0]) is JobState.SUBMITTED


@pytest.mark.slow
def test_more_slow_look_ups_than_slots_end_at_their_deadline(world: World) -> None:
    submitter = world.submitter(1.5, api_key=False)
    slow = [world.ask(number, "kling-v1") for number in range(LOOK_UPS_AT_ONCE)]
    quick = world.ask(20)
    submitter.submit()
    world.slow_for(slow, on=b"GET ")
    world.clock.tick(5)
    with ticking(submitter, submitter.poll):
        until(world.are(JobState.SUCCEEDED, [quick]), "it had to wait for one deadline", seconds=SOON + 1.5)


@pytest.mark.slow
def test_a_slow_job_that_tries_a_gate_is_alone_and_holds_no_other_model_up(world: World) -> None:
    world.local.kling.faults.add(Fault("create", "code", code=1303))
    first = world.ask(1, "kling-v1")
    submitter, other_bot = world.submitter(3.0), world.submitter(3.0)
    submitter.submit()
    behind = [world.ask(number, "kling-v1") for number in range(2, 5)]
    world.slow_for([first])
    world.clock.tick(2)
    with ticking(submitter, submitter.submit), ticking(other_bot, other_bot.submit):
        until(lambda: world.wire.slowed == 1, "one job tries", seconds=SOON)
        free = world.ask(5, "kling-pro")
        until(world.are(JobState.SUBMITTED, [free]), "another model's job is at Kling", seconds=SOON)
        assert {world.state(job) for job in behind} == {JobState.HELD}
        until(world.are(JobState.SUBMITTED, behind), "its reply was lost, so the next one tried", seconds=8)
    assert circuit_breakers.get(world.engine.store.read(), "kling-v1") is None


@pytest.mark.slow
def test_a_dispatcher_that_closes_waits_no_longer_than_one_deadline(world: World) -> None:
    made = [world.ask(number) for number in range(2 * AT_ONCE)]
    world.slow_for(made)
    submitter = world.submitter(2.0)
    with at_most(4.0), ticking(submitter, submitter.submit):
        until(lambda: world.wire.slowed >= AT_ONCE, "every slot waits", seconds=SOON)
    waiting = [job for job in made if world.state(job) is JobState.HELD]
    assert len(waiting) == AT_ONCE, "none was begun after the closing"


def test_what_a_bot_learns_after_its_lease_ended_books_nothing_twice(engine: Engine, clock: FakeClock) -> None:
    """Two bots ask about one job, and both bring the same verdict."""
    outcome = job_requests.hold(engine, Request("r1", "UBOB", "CMARK", "a fox", Wish()))
    assert isinstance(outcome, hold_outcomes.Held)
    late = kling_results.submitting(engine, outcome.job, "/text-to-video/kling-3.0", due_at=0)
    assert late is not None
    assert kling_results.submitting(engine, outcome.job, "/text-to-video/kling-3.0", due_at=0) is None
    kling_results.held_again(engine, late)
    assert kling_results.submitting(engine, outcome.job, "/text-to-video/kling-3.0", due_at=0) is None, (
        "it fetched a picture while another bot posted the job, lost the reply and looked it up"
    )
