"""Malformed answers of Kling's about some jobs: the others are settled, no charge is guessed, and the admins decide.

The local Kling tells `oddities` about tasks by a word in their prompts, over real HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from klingbot import blocks, sandbox
from klingbot.blocks import job_lists as queue_blocks
from klingbot.domain import prices
from klingbot.domain.jobs import ENDED, Job, JobState, Request
from klingbot.domain.money import NOTHING, Amount
from klingbot.domain.notifications import JobFailed, JobShown, JobStuck, VideoReady
from klingbot.domain.pricing import Wish
from klingbot.domain.source_images import Picture, uploaded
from klingbot.engine import (
    Engine,
    hold_outcomes,
    job_message_updates,
    job_queue,
    job_requests,
    kling_results,
    open_engine,
    stuck_jobs,
)
from klingbot.engine.stuck_jobs import StillWaiting, WrittenOff
from klingbot.kling import Accepted, AlreadyTaken, ApiKey, KlingClient, LookUp, Task, TaskRequest
from klingbot.sandbox import Sandbox
from klingbot.sandbox.kling import Fault
from klingbot.store import NotKeptError, jobs
from klingbot.store.maintenance import ledger_checks
from klingbot.workers.heartbeat import Heartbeat
from klingbot.workers.kling_poller import LINK_MS, LOST_REPLY_MS, SET_ASIDE_POLL_MS
from klingbot.workers.submitter import LEASE_MS, Submitter
from tests.conftest import FakeClock
from tests.support.ledger_checks import nine_totals, prove, queued, slack_takes_everything

pytestmark = pytest.mark.both_databases

DAY_MS = 86_400_000
POLL_MS = 5_000
NOT_TEXTS: list[Any] = [None, True, 0, -1, 10**400, float("nan"), float("inf"), [], {}, [[]], ["77"], {"a": {}}]
TEXTS = ["", " ", "\ud800", "a\x00b", "\u202egnp", "<!channel>", "x" * 50_000, "\u2028", "; DROP TABLE jobs"]
AMOUNTS: list[Any] = [
    *("1_0", " 10", "١٠", "0x10", "NaN", "Infinity", "-1", "1e3", "1e999999999", "9" * 19, "1" * 5000),
    *(True, 1e19, -1, 1e300, 60_001),
]
ODD = [*NOT_TEXTS, *TEXTS]
URLS = ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://[::1", "https://x/\x00", "//x"]
NEW_FIELDS: dict[str, list[Any]] = {
    **dict.fromkeys(("id", "status", "external_id", "message", "outputs", "billing"), ODD),
    "create_time": [10**400, "soon"],
}
LEGACY_FIELDS: dict[str, list[Any]] = {
    **dict.fromkeys(("task_id", "task_status", "task_info", "task_status_msg", "task_result"), ODD),
    **{field: [*NOT_TEXTS, *AMOUNTS] for field in ("final_unit_deduction", "final_balance_deduction")},
}


@dataclass
class World:
    """A bot and a local Kling that makes videos at once; the bot's clock stands still until it is told."""

    engine: Engine
    local: Sandbox
    submitter: Submitter
    clock: FakeClock

    def ask(self, request_id: str, prompt: str = "a fox in snow") -> Job:
        outcome = job_requests.hold(self.engine, Request(request_id, "UBOB", "CMARK", prompt, Wish("kling-2.6", 5)))
        assert isinstance(outcome, hold_outcomes.Held), outcome
        return outcome.job

    def odd(self, number: int, fields: dict[str, Any]) -> Job:
        """A job about whose task Kling tells those fields instead of the true ones."""
        self.local.kling.oddities.add(f"odd-{number}", fields)
        return self.ask(f"odd {number}", f"a fox odd-{number}")

    def go_on(self, seconds: float = 5, *, times: int = 1) -> None:
        for _ in range(times):
            self.clock.tick(seconds)
            for step in (self.submitter.submit, self.submitter.recover, self.submitter.poll):
                with suppress(NotKeptError):  # a busy machine; the bot's next tick does it
                    step()

    def end(self, made: list[Job]) -> None:
        """Go on until those jobs have ended; on a busy machine a lease may have to end before."""
        for _ in range(LEASE_MS // POLL_MS + 5):
            self.go_on()
            if self.states(made) <= set(ENDED):
                return

    def now(self, job: Job) -> Job:
        found = jobs.get(self.engine.store.read(), job.id)
        assert found is not None
        return found

    def states(self, made: list[Job]) -> set[JobState]:
        return {self.now(job).state for job in made}

    def held(self, job: Job) -> bool:
        """Whether the ledger has its hold and nothing else."""
        entries = self.engine.store.read().execute("SELECT kind FROM entries WHERE job_id = :id", {"id": job.id})
        return [row["kind"] for row in entries.fetchall()] == ["hold"]

    def stuck(self) -> list[JobStuck]:
        return queued(self.engine.store, JobStuck)


@pytest.fixture(scope="module")
def local() -> Iterator[Sandbox]:
    started = sandbox.start(kling_seconds=0, kling_slots=10_000)
    yield started
    started.stop()


@pytest.fixture(params=[True, False], ids=["new", "legacy"])
def api_key(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def submitter_for(engine: Engine, local: Sandbox, *, api_key: bool) -> Submitter:
    client = KlingClient(local.kling_api_url, ApiKey(local.kling_api_key))
    return Submitter(engine, client, api_key=api_key, poll_ms=POLL_MS)


@pytest.fixture
def world(engine: Engine, local: Sandbox, clock: FakeClock, api_key: bool) -> Iterator[World]:
    """In Kling's units. Whatever happens, the ledger adds up and what is queued can be said in Slack."""
    local.kling.oddities.clear()
    local.kling.account.tasks.clear()
    units = replace(engine, prices=prices.load("kling-api"))
    submitter = submitter_for(units, local, api_key=api_key)
    yield World(units, local, submitter, clock)
    submitter.finish()
    prove(engine.store)
    assert ledger_checks.strays(engine.store.read()) == ([], [])
    for content in queued(engine.store, object):  # type: ignore[type-abstract]
        payload = blocks.render(content, engine.calendar).payload()
        json.dumps(payload, ensure_ascii=False).encode()


only_new = pytest.mark.parametrize("api_key", [True], indirect=True, ids=["new"])


def a_charge(amount: Any, *, api_key: bool) -> dict[str, Any]:
    """The fields that name a charge, on either standard."""
    if api_key:
        return {"billing": [{"charge_type": "unit", "amount": amount, "package_type": "video"}]}
    return {"final_unit_deduction": amount}


def a_failure(message: Any, *, api_key: bool) -> dict[str, Any]:
    free = a_charge("0", api_key=api_key)
    if api_key:
        return {"status": "failed", "message": message, "outputs": [], **free}
    return {"task_status": "failed", "task_status_msg": message, "task_result": {}, **free}


def no_url(url: Any, *, api_key: bool) -> dict[str, Any]:
    videos = [{"type": "video", "id": "v", "url": url}]
    return {"outputs": videos} if api_key else {"task_result": {"videos": videos}}


def test_45_jobs_at_one_route_are_settled_beside_three_malformed_tasks(world: World, api_key: bool) -> None:
    free_of_words = world.odd(1, a_failure("risk \ud800 \x00 \u202e control", api_key=api_key))
    impossible = world.odd(2, a_charge("1e19", api_key=api_key))
    nowhere = world.odd(3, no_url("", api_key=api_key))
    others = [world.ask(f"r{number}") for number in range(45)]
    world.end([free_of_words, *others])
    assert world.states(others) == {JobState.SUCCEEDED}
    assert world.now(free_of_words).state is JobState.FAILED
    assert world.now(free_of_words).reason == "Kling could not make this video: risk control"
    assert len(queued(world.engine.store, JobFailed)) == 1

    assert world.held(impossible)
    [shown] = world.stuck()
    assert (shown.job.id, shown.problem) == (impossible.id, "Kling named an impossible charge for it: 1e19")

    assert world.held(nowhere)
    world.go_on(LINK_MS / 1000)
    done = world.now(nowhere)
    assert (done.state, done.settled, done.video_url) == (JobState.SUCCEEDED, done.quote, None)
    told = next(each for each in queued(world.engine.store, VideoReady) if each.job.id == nowhere.id)
    assert "no link to it" in blocks.render(told, world.engine.calendar).text


def test_45_jobs_are_settled_beside_malformed_tasks_a_slow_response_and_a_clock_that_was_an_hour_ahead(
    world: World, api_key: bool
) -> None:
    """The clock is ahead for one round of claims, which then lease jobs for an hour, and a heartbeat corrects that."""
    malformed = [
        world.odd(1, a_failure("risk \ud800 control", api_key=api_key)),
        world.odd(2, a_charge("1e19", api_key=api_key)),
        world.odd(3, no_url("", api_key=api_key)),
    ]
    others = [world.ask(f"r{number}") for number in range(45)]
    world.local.kling.faults.add(Fault(on="create", delay_seconds=2))
    world.go_on()
    world.local.kling.faults.add(Fault(on="query", delay_seconds=2))
    world.clock.tick(3600)
    world.go_on()
    world.clock.tick(-3600)
    Heartbeat(world.engine).beat()
    world.end([malformed[0], *others])
    assert world.states(others) == {JobState.SUCCEEDED}
    assert world.now(malformed[0]).state is JobState.FAILED
    assert world.held(malformed[1])
    assert len(world.local.kling.tasks) == 48, "Kling was asked once for each"


@pytest.mark.parametrize("field", [*NEW_FIELDS, "amount", "charge_type", "type", "url"])
@only_new
def test_any_value_in_any_field_of_the_new_standard_stays_with_its_job(world: World, field: str) -> None:
    for number, fields in enumerate(_new_oddities(field)):
        world.odd(number, fields)
    others = [world.ask(f"r{number}") for number in range(3)]
    world.end(others)
    assert world.states(others) == {JobState.SUCCEEDED}
    world.go_on(times=3)
    _only_true_charges_are_booked(world)


@pytest.mark.parametrize("field", [*LEGACY_FIELDS, "url", "external_task_id"])
@pytest.mark.parametrize("api_key", [False], indirect=True, ids=["legacy"])
def test_any_value_in_any_field_of_the_legacy_standard_stays_with_its_job(world: World, field: str) -> None:
    for number, fields in enumerate(_legacy_oddities(field)):
        world.odd(number, fields)
    others = [world.ask(f"r{number}") for number in range(3)]
    world.end(others)
    assert world.states(others) == {JobState.SUCCEEDED}
    world.go_on(times=3)
    _only_true_charges_are_booked(world)


def _new_oddities(field: str) -> Iterator[dict[str, Any]]:
    if field in NEW_FIELDS:
        yield from ({field: value} for value in NEW_FIELDS[field])
    elif field == "amount":
        yield from (a_charge(value, api_key=True) for value in [*AMOUNTS, *NOT_TEXTS])
    elif field == "url":
        yield from (no_url(value, api_key=True) for value in [*URLS, *ODD])
    elif field == "charge_type":
        yield from ({"billing": [{"charge_type": value, "amount": "2"}]} for value in ODD)
    else:
        yield from ({"outputs": [{"type": value, "url": "https://x/v"}]} for value in ODD)


def _legacy_oddities(field: str) -> Iterator[dict[str, Any]]:
    if field in LEGACY_FIELDS:
        yield from ({field: value} for value in LEGACY_FIELDS[field])
    elif field == "url":
        yield from (no_url(value, api_key=False) for value in [*URLS, *ODD])
    else:
        yield from ({"task_info": {"external_task_id": value}} for value in ODD)


def _only_true_charges_are_booked(world: World) -> None:
    """Each job has ended at what Kling can have meant, or has its hold and nothing else."""
    known = world.engine.store.read().execute("SELECT * FROM jobs").fetchall()
    for job in map(jobs.of_row, known):
        ended = job.state in (JobState.SUCCEEDED, JobState.FAILED)
        assert world.held(job) or (ended and job.settled in (None, NOTHING, job.quote)), job


@pytest.mark.parametrize("amount", AMOUNTS, ids=lambda value: repr(value)[:20])
@only_new
def test_an_impossible_charge_keeps_the_hold_and_asks_the_admins_once(world: World, amount: Any) -> None:
    job = world.odd(1, a_charge(amount, api_key=True))
    world.go_on(times=3)
    assert world.held(job)
    assert {found.held for found in nine_totals(world.engine, job).values()} == {job.quote}
    [shown] = world.stuck()
    assert shown.problem is not None and shown.problem.startswith("Kling named an impossible charge for it: ")
    assert "needs your decision" in blocks.render(shown, world.engine.calendar).text
    assert world.now(job).due_at == world.clock.at - POLL_MS + SET_ASIDE_POLL_MS, "it is asked for rarely"


def test_a_charge_above_the_hold_that_is_possible_is_booked_in_full(world: World, api_key: bool) -> None:
    job = world.odd(1, a_charge("150", api_key=api_key))
    world.go_on(times=2)
    assert world.now(job).settled == Amount(150_000, 21_000_000)
    assert world.stuck() == []


def test_a_job_with_an_impossible_charge_is_written_off_and_what_is_charged_later_is_booked(
    world: World, api_key: bool
) -> None:
    job = world.odd(1, a_charge("-1", api_key=api_key))
    world.go_on(times=2)
    outcome = stuck_jobs.write_off(world.engine, job.id, by="UADMIN", reason="Kling will not say")
    assert isinstance(outcome, WrittenOff)
    assert {found.held for found in nine_totals(world.engine, job).values()} == {NOTHING}
    world.local.kling.oddities.clear()
    world.go_on(3_600)
    done = world.now(job)
    assert (done.state, done.settled) == (JobState.SUCCEEDED, job.quote)
    assert {found.settled for found in nine_totals(world.engine, job).values()} == {job.quote}


@only_new
def test_an_impossible_charge_that_kling_puts_right_is_settled(world: World) -> None:
    job = world.odd(1, a_charge("free", api_key=True))
    world.go_on(times=2)
    world.local.kling.oddities.clear()
    world.go_on(SET_ASIDE_POLL_MS / 1000)
    assert world.now(job).settled == job.quote


@only_new
def test_an_admin_who_keeps_waiting_is_asked_again_a_day_later_with_the_reason(world: World) -> None:
    job = world.odd(1, a_charge("NaN", api_key=True))
    world.go_on(times=2)
    assert isinstance(stuck_jobs.keep_waiting(world.engine, job.id, after_ms=3_600_000), StillWaiting)
    for seconds, shown in ((3_599, 1), (1, 2), (3_600, 2)):
        world.clock.tick(seconds)
        stuck_jobs.show_stuck(world.engine, after_ms=DAY_MS)
        assert len(world.stuck()) == shown
    assert world.stuck()[0].problem == world.stuck()[1].problem


@only_new
def test_the_admins_hear_after_three_failures_in_a_row_and_again_only_after_new_ones(world: World) -> None:
    job = world.odd(1, {"status": None})
    world.go_on(times=2)
    world.local.kling.oddities.add("odd-1", {"status": "processing"})
    world.go_on()
    assert (world.now(job).failures, world.now(job).problem) == (0, None), "a sound answer counts from zero again"
    world.local.kling.oddities.add("odd-1", {"status": 7})
    world.go_on(times=2)
    assert (world.now(job).failures, world.stuck()) == (2, [])
    again = submitter_for(world.engine, world.local, api_key=True)  # as after a restart
    world.clock.tick(5)
    again.poll()
    again.finish()
    assert [shown.problem for shown in world.stuck()] == ["Kling did not say how it stands"]
    world.go_on(SET_ASIDE_POLL_MS / 1000, times=3)
    assert len(world.stuck()) == 1
    assert world.held(job)


@only_new
def test_a_job_whose_answer_got_sound_again_is_shown_again_when_no_verdict_follows(world: World) -> None:
    job = world.odd(1, {"status": None})
    world.go_on(times=4)
    assert len(world.stuck()) == 1
    world.local.kling.oddities.add("odd-1", {"status": "processing"})
    world.go_on(SET_ASIDE_POLL_MS / 1000)
    assert world.now(job).due_at < world.clock.at + SET_ASIDE_POLL_MS, "it is asked for often again"
    for seconds, shown in ((86_000, 1), (400, 2)):
        world.clock.tick(seconds)
        stuck_jobs.show_stuck(world.engine, after_ms=DAY_MS)
        assert len(world.stuck()) == shown
    assert world.stuck()[1].problem is None


@only_new
def test_what_a_person_sees_of_a_job_that_is_set_aside(world: World) -> None:
    world.odd(1, a_charge("1_0", api_key=True))
    world.go_on(times=2)
    [standing] = [
        queue_blocks.standing_words(job, 0, world.clock.at, world.engine.calendar)
        for job in job_queue.queue(world.engine, "UBOB").live
    ]
    assert "an admin decides" in standing


def test_a_success_that_gets_its_link_late_is_delivered_with_it(world: World, api_key: bool) -> None:
    job = world.odd(1, no_url("", api_key=api_key))
    world.go_on(times=3)
    assert world.now(job).state is JobState.SUBMITTED
    world.local.kling.oddities.clear()
    world.go_on()
    assert world.now(job).state is JobState.SUCCEEDED
    assert (world.now(job).video_url or "").startswith("http://127.0.0.1")


# What the ledger itself refuses for one job.


REFUSE = {
    "sqlite": ["CREATE TRIGGER refuse BEFORE UPDATE ON jobs WHEN {when} BEGIN SELECT RAISE(ABORT, 'refused'); END"],
    "postgres": [
        "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'refused'; END $$ LANGUAGE plpgsql",
        "CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse()",
    ],
}


@only_new
def test_a_job_that_the_database_refuses_to_settle_keeps_its_hold_and_no_other_waits(
    world: World, request: pytest.FixtureRequest
) -> None:
    bad, *others = [world.ask(f"r{number}") for number in range(5)]
    world.submitter.submit()
    kept_in = "sqlite" if "sqlite" in request.node.callspec.id else "postgres"
    with world.engine.store.write() as tx:
        for statement in REFUSE[kept_in]:
            tx.execute(statement.format(when=f"NEW.state = 'succeeded' AND NEW.id = '{bad.id}'"))
    world.go_on()
    assert world.states(others) == {JobState.SUCCEEDED}
    world.go_on(times=4)
    assert world.held(bad)
    [shown] = world.stuck()
    assert shown.problem is not None and "could not book" in shown.problem and "refused" in shown.problem
    with world.engine.store.write() as tx:
        tx.execute("DROP TRIGGER refuse" + ("" if kept_in == "sqlite" else " ON jobs"))
        if kept_in == "postgres":
            tx.execute("DROP FUNCTION refuse()")
    world.go_on(SET_ASIDE_POLL_MS / 1000)
    assert world.now(bad).state is JobState.SUCCEEDED


# Contradictions, from a Kling whose every answer the test decides.


class ContradictingKling:
    """Takes every job, always as one and the same task."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def create(self, request: TaskRequest, route: str) -> Any:
        return Accepted(self.task.task_id)

    def look_up(self, route: str, *, job_ids: Any = (), task_ids: Any = ()) -> Any:
        return LookUp(dict.fromkeys((*job_ids, *task_ids), self.task), frozenset())


def contradicted(engine: Engine, kling: Any) -> Submitter:
    return Submitter(replace(engine, prices=prices.load("kling-api")), kling, api_key=True, poll_ms=POLL_MS)


def hold(engine: Engine, request_id: str) -> Job:
    outcome = job_requests.hold(engine, Request(request_id, "UBOB", "CMARK", "a fox", Wish("kling-2.6", 5)))
    assert isinstance(outcome, hold_outcomes.Held)
    return outcome.job


@pytest.mark.parametrize("named", [True, False])
def test_one_task_of_two_jobs_is_booked_once(engine: Engine, clock: FakeClock, named: bool) -> None:
    task = Task("77", None, "succeeded", "", "https://x/v", None, Decimal("1.5"), ())
    submitter = contradicted(engine, ContradictingKling(task))
    first = hold(submitter.engine, "r1")
    submitter.submit()
    if named:
        submitter.kling.task = replace(task, job_id=first.id)  # type: ignore[attr-defined]
    second = hold(submitter.engine, "r2")
    submitter.submit()
    for _ in range(6):
        clock.tick(60)
        submitter.recover()
        submitter.poll()
    submitter.finish()
    found = {job.id: jobs.get(engine.store.read(), job.id) for job in (first, second)}
    assert [job.state for job in found.values() if job] == [JobState.SUCCEEDED, JobState.SUBMITTING]
    [shown] = queued(engine.store, JobStuck)
    assert shown.job.id == second.id
    prove(engine.store)


def test_a_job_that_kling_claims_to_have_and_never_shows_is_shown_to_the_admins(
    engine: Engine, clock: FakeClock
) -> None:
    class Denying(ContradictingKling):
        def create(self, request: TaskRequest, route: str) -> Any:
            return AlreadyTaken("Kling says that it has this job already, and does not show it")

        def look_up(self, route: str, *, job_ids: Any = (), task_ids: Any = ()) -> Any:
            return LookUp({}, frozenset(job_ids))

    submitter = contradicted(engine, Denying(Task("77", None, "processing", "", None, None, None, ())))
    job = hold(submitter.engine, "r1")
    for _ in range(8):
        submitter.submit()
        clock.tick(LOST_REPLY_MS / 1000)
        submitter.recover()
    submitter.finish()
    [shown] = queued(engine.store, JobStuck)
    assert shown.problem is not None and "has this job already" in shown.problem
    outcome = stuck_jobs.write_off(engine, job.id, by="UADMIN", reason="Kling lost it")
    assert isinstance(outcome, WrittenOff)
    prove(engine.store)


def test_a_job_whose_id_kling_refuses_beside_others_is_shown_to_the_admins(engine: Engine, clock: FakeClock) -> None:
    class Refusing(ContradictingKling):
        def look_up(self, route: str, *, job_ids: Any = (), task_ids: Any = ()) -> Any:
            return LookUp(
                {}, frozenset(), dict.fromkeys((*job_ids, *task_ids), "Kling refused a value in the request.")
            )

    submitter = contradicted(engine, Refusing(Task("77", None, "processing", "", None, None, None, ())))
    job = hold(submitter.engine, "r1")
    submitter.submit()
    for _ in range(4):
        clock.tick(5)
        submitter.poll()
    submitter.finish()
    [shown] = queued(engine.store, JobStuck)
    assert "Kling refused a value in the request. Nothing was booked." in blocks.render(shown, engine.calendar).text
    assert shown.job.id == job.id


@only_new
def test_the_message_in_the_channel_says_that_an_admin_decides(world: World) -> None:
    world.odd(1, a_charge("1e19", api_key=True))
    world.go_on(times=2)
    slack_takes_everything(world.engine.store)
    for _ in range(3):
        world.clock.tick(5)
        job_message_updates.show(world.engine, dict)
    *_, last = queued(world.engine.store, JobShown)
    assert "an admin decides" in blocks.render(last, world.engine.calendar).text


# Jobs that cannot even be sent.


def test_a_job_that_cannot_be_sent_is_given_back_after_three_failures(world: World) -> None:
    def broken(file_id: str, most_bytes: int) -> Picture:
        raise RuntimeError("a mistake \x00 in the code")

    picture = uploaded("F0PICTURE1")
    wanted = Request("odd", "UBOB", "CMARK", "a fox", Wish("kling-2.6", 5), image_url=picture)
    outcome = job_requests.hold(world.engine, wanted)
    assert isinstance(outcome, hold_outcomes.Held)
    bad, good = outcome.job, world.ask("good")
    submitter = replace(world.submitter, picture=broken)
    for failures in (1, 2):
        submitter.submit()
        assert (world.now(bad).state, world.now(bad).failures) == (JobState.HELD, failures)
        world.clock.tick(LOST_REPLY_MS / 1000)
    assert world.now(good).state is JobState.SUBMITTED
    submitter.submit()
    assert world.now(bad).state is JobState.RELEASED
    [told] = queued(world.engine.store, JobFailed)
    assert told.job.reason == "Klingbot could not send it to Kling (RuntimeError: a mistake in the code)."


def test_a_job_that_fails_while_it_is_sent_is_looked_up_and_in_the_end_shown_to_the_admins(
    engine: Engine, clock: FakeClock
) -> None:
    class Broken(ContradictingKling):
        def create(self, request: TaskRequest, route: str) -> Any:
            raise KeyError("2k")

        def look_up(self, route: str, *, job_ids: Any = (), task_ids: Any = ()) -> Any:
            return LookUp({}, frozenset(job_ids))

    submitter = contradicted(engine, Broken(Task("77", None, "processing", "", None, None, None, ())))
    job = hold(submitter.engine, "r1")
    for _ in range(8):
        submitter.submit()
        clock.tick(LOST_REPLY_MS / 1000)
        submitter.recover()
    submitter.finish()
    [shown] = queued(engine.store, JobStuck)
    assert shown.job.id == job.id
    assert shown.problem == "Klingbot could not send it to Kling (KeyError: '2k')"
    assert isinstance(stuck_jobs.write_off(engine, job.id, by="UADMIN", reason="a mistake"), WrittenOff)
    prove(engine.store)


def test_a_job_with_failures_is_read_by_a_new_process(engine: Engine) -> None:
    job = hold(engine if engine.prices.kling_units else replace(engine, prices=prices.load("kling-api")), "r1")
    kling_results.submitting(engine, job, "/text-to-video/kling-2.6", due_at=0)
    for _ in range(2):
        kling_results.unbookable(engine, job, "odd", due_at=0)
    fresh = open_engine(engine.store, engine.prices, engine.calendar, engine.clock)
    known = jobs.get(fresh.store.read(), job.id)
    assert known is not None and (known.failures, known.is_set_aside) == (2, False)
