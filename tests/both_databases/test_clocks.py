"""A system clock that is wrong, for a moment or for long: nothing waits for the time that it showed."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from klingbot import sandbox
from klingbot.common.clock import FOLLOWED_MS, SETTLE_MS, SteadyClock
from klingbot.domain.jobs import JobState
from klingbot.domain.notifications import SubmittingResumed, kind_of_type
from klingbot.engine import Engine, clips, job_message_updates, kling_results
from klingbot.store import (
    Store,
    digests,
    job_messages,
    jobs,
    open_store,
    outbox,
    outbox_leases,
    periodic_jobs,
    stuck_marks,
    wanted_clips,
)
from klingbot.store.backend.location import DatabaseUrl
from klingbot.store.maintenance import clock_shift
from klingbot.store.maintenance.clock_shift import EXEMPT, TOLERANCE_MS, Kind, Longest, instants
from klingbot.workers import kling_poller, notifier, reconciler, submitter
from klingbot.workers.heartbeat import BEAT_SECONDS, Heartbeat
from klingbot.workers.nightly import LEASE_MS as NIGHTLY_LEASE_MS
from tests.conftest import FakeClock
from tests.support.ledger_checks import hold, prove, submit
from tests.support.live_bot import BOB, live_bot, until

pytestmark = pytest.mark.both_databases

HOUR = 3_600
MAY_BE_LATER = ("nightly", "stuck")
"""What is done once a day may be done as much later as the clock was ahead, where that is within the day."""
AHEAD = pytest.mark.parametrize("ahead", [HOUR, 40 * 24 * HOUR], ids=["an hour", "forty days"])


# Every column with an instant.


def instant_columns(store: Store) -> set[str]:
    """Return `table.column` of every column whose name says that it is an instant."""
    tx: Any
    with store.write() as tx:
        if isinstance(store.place, DatabaseUrl):
            sql = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
            named = [(row["table_name"], row["column_name"]) for row in tx.execute(sql).fetchall()]
        else:
            tables = [
                row["name"] for row in tx.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            ]
            named = [(t, row["name"]) for t in tables for row in tx.execute(f"PRAGMA table_info({t})").fetchall()]
        tx.abandon()
    ends = ("_at", "_until", "_since")
    return {f"{t}.{c}" for t, c in named if c.endswith(ends) and not t.startswith("_")}


def test_every_instant_in_the_schema_is_corrected_or_says_why_not(store: Store) -> None:
    listed = {f"{each.table}.{each.column}" for each in instants(Longest())}
    known = instant_columns(store)
    assert known - listed - EXEMPT.keys() == set(), (
        "list it in klingbot/store/maintenance/clock_shift.py, or say why nothing waits"
    )
    assert (listed | EXEMPT.keys()) - known == set(), "these are not in the schema any more"
    assert listed & EXEMPT.keys() == set()
    assert all(EXEMPT.values())


def test_no_legal_wait_is_longer_than_the_one_that_is_allowed_for_it() -> None:
    def longest(column: str, kind: Kind) -> int:
        return max(
            each.ahead_ms
            for each in instants(Longest())
            if f"{each.table}.{each.column}" == column and each.kind is kind
        )

    assert longest("jobs.lease_until", Kind.LEASE) >= submitter.LEASE_MS
    assert longest("outbox.lease_until", Kind.LEASE) >= notifier.LEASE_MS
    assert longest("clips.lease_until", Kind.LEASE) >= clips.LEASE_MS
    assert longest("rounds.lease_until", Kind.LEASE) >= max(NIGHTLY_LEASE_MS, reconciler.LEASE_MS)
    assert longest("digests.lease_until", Kind.LEASE) >= digests.LEASE_MS
    assert longest("jobs.due_at", Kind.DUE) >= kling_poller.WRITTEN_OFF_POLL_MS
    assert longest("gates.opens_at", Kind.DUE) >= max(kling_results.STOPPED_MOST_MS, kling_results.BUSY_MOST_MS)
    assert longest("lines.rests_until", Kind.DUE) >= outbox_leases.LONGEST_DELAY_MS
    assert longest("clips.due_at", Kind.DUE) >= clips.PATIENCE_MS
    assert longest("rounds.due_at", Kind.DUE) >= reconciler.DAY_MS
    by_poll = [each.ahead_ms for each in instants(Longest(poll_ms=7)) if "failures = 0" in each.where]
    assert by_poll == [kling_poller.LOST_REPLY_MS]


# What a wrong clock left behind.


@dataclass
class World:
    """A ledger in which something of every kind waits."""

    engine: Engine
    clock: FakeClock

    def fill(self) -> None:
        """As the bot does it in a few seconds."""
        engine, now = self.engine, self.clock()
        hold(engine, "held")
        submit(engine, hold(engine, "submitted"))
        kling_results.submitting(engine, hold(engine, "submitting"), "/v1/x", due_at=now + kling_poller.LOST_REPLY_MS)
        kling_results.busy(engine, "kling-pro", code=1303, reason="busy")
        with engine.store.write() as tx:
            outbox.put(tx, "new", kind_of_type(SubmittingResumed), {"reason": ""}, at=now, channel_id="C1")
            outbox.put(tx, "refused", kind_of_type(SubmittingResumed), {"reason": ""}, at=now, channel_id="C2")
            refused = outbox.find(tx, "refused")
            assert refused
            outbox_leases.again(tx, refused, due_at=now + 1_000, problem="ratelimited")
            [shown, carried, kept] = [job.id for job in jobs.live(tx, None, most=3)]
            jobs.show(tx, shown, at=now + 3_000)
            wanted_clips.want(tx, carried, "announcement", at=now, until=now + clips.PATIENCE_MS)
            periodic_jobs.claim(tx, "nightly", now=now, lease_until=now + NIGHTLY_LEASE_MS, first_at=now)
            periodic_jobs.done(tx, "nightly", next_at=now + reconciler.DAY_MS)
            stuck_marks.shown(tx, kept)
            stuck_marks.wait_until(tx, kept, now + 1_000)

    def claim(self) -> set[str]:
        """Claim everything that is due, as another bot would, and say what that was. Keep nothing."""
        now, found = self.clock(), set[str]()
        with self.engine.store.write() as tx:
            for state in (JobState.HELD, JobState.SUBMITTING, JobState.SUBMITTED):
                found |= {job.id for job in jobs.claim(tx, state, now=now, lease_until=now + 1, most=9)}
            while message := outbox_leases.claim(tx, now=now, lease_until=now + 1):
                found.add(message.key)
            found |= {f"show {job.id}" for job in jobs.to_show(tx, now, most=9)}
            found |= {f"clip {clip.job_id}" for clip in wanted_clips.claim(tx, now=now, lease_until=now + 1, most=9)}
            found |= {f"stuck {job.id}" for job in stuck_marks.due(tx, posted_before=now, now=now, most=9)}
            if periodic_jobs.claim(tx, "nightly", now=now, lease_until=now + 1, first_at=now):
                found.add("nightly")
            tx.abandon()
        return found


@pytest.fixture
def world(engine: Engine, clock: FakeClock) -> World:
    return World(engine, clock)


@AHEAD
@pytest.mark.parametrize("beats", [False, True], ids=["for less than a heartbeat", "for long"])
def test_nothing_waits_for_the_time_that_a_clock_showed(world: World, ahead: int, beats: bool) -> None:
    heartbeat = Heartbeat(world.engine)
    heartbeat.beat()
    world.clock.tick(ahead)
    if beats:
        heartbeat.beat()
    world.fill()
    world.clock.tick(reconciler.DAY_MS / 1000)
    everything = world.claim()
    assert len(everything) == 12, everything
    world.clock.tick(-reconciler.DAY_MS / 1000 - ahead)
    heartbeat.beat()
    world.clock.tick(kling_poller.LOST_REPLY_MS / 1000)
    assert world.claim() >= {each for each in everything if not each.startswith(MAY_BE_LATER)}
    if ahead > reconciler.DAY_MS / 1000:
        assert world.claim() == everything
    prove(world.engine.store)


@AHEAD
def test_what_was_claimed_meanwhile_is_claimed_again_after_one_lease_and_not_before(world: World, ahead: int) -> None:
    """Its holder may be at work on it."""
    heartbeat = Heartbeat(world.engine)
    heartbeat.beat()
    hold(world.engine, "held")
    world.clock.tick(ahead)
    now = world.clock()
    with world.engine.store.write() as tx:
        outbox.put(tx, "m1", kind_of_type(SubmittingResumed), {"reason": ""}, at=now, channel_id="C1")
        assert jobs.claim(tx, JobState.HELD, now=now, lease_until=now + submitter.LEASE_MS, most=9)
        assert outbox_leases.claim(tx, now=now, lease_until=now + notifier.LEASE_MS)
    world.clock.tick(-ahead)
    heartbeat.beat()
    [job] = jobs.live(world.engine.store.read(), None, most=9)
    assert not world.claim() & {job.id, "m1"}
    world.clock.tick(submitter.LEASE_MS / 1000)
    assert world.claim() >= {job.id, "m1"}
    prove(world.engine.store)


@AHEAD
def test_a_charge_that_is_waited_for_and_a_lost_reply_are_waited_for_no_longer(world: World, ahead: int) -> None:
    """Both are measured from an instant of the past."""
    engine, clock, heartbeat = world.engine, world.clock, Heartbeat(world.engine)
    heartbeat.beat()
    clock.tick(ahead)
    kling_results.uncharged(engine, submit(engine, hold(engine, "uncharged")), due_at=clock())
    kling_results.submitting(engine, hold(engine, "lost"), "/v1/x", due_at=clock())
    clock.tick(-ahead)
    heartbeat.beat()
    for job in jobs.live(engine.store.read(), None, most=9):
        assert job.finished_at in (None, clock())
        assert job.posted_at == clock()


def test_how_a_job_stands_is_told_again_within_seconds(world: World) -> None:
    engine, clock = world.engine, world.clock
    clock.tick(40 * 24 * HOUR)
    job = hold(engine, "r1")
    job_message_updates.show(engine, lambda: {})
    clock.tick(-40 * 24 * HOUR)
    with engine.store.write() as tx:
        tx.execute("DELETE FROM outbox")
        outbox.put(tx, job_messages.key_of(job.id), kind_of_type(SubmittingResumed), {"reason": ""}, at=clock())
        tx.execute("UPDATE outbox SET state = 'sent', sent_ts = '1.2'")
    submit(engine, job)
    for _ in range(2):
        job_message_updates.show(engine, lambda: {})
        clock.tick(job_message_updates.EVERY_MS / 1000)
    assert outbox.find(engine.store.read(), f"{job_messages.key_of(job.id)} 1")


@AHEAD
def test_right_instants_are_left_alone(world: World, ahead: int) -> None:
    """Also by a clock that goes on to run ahead: then things are early, as they are for any clock that is ahead."""
    world.fill()
    with world.engine.store.write() as tx:
        assert clock_shift.correct(tx, now=world.clock(), longest=Longest()) == []
        assert clock_shift.correct(tx, now=world.clock() - TOLERANCE_MS, longest=Longest()) == []
        assert clock_shift.correct(tx, now=world.clock() + ahead * 1000, longest=Longest()) == []


def test_a_poll_that_is_meant_to_be_rare_stays_rare(engine: Engine, clock: FakeClock) -> None:
    job = submit(engine, hold(engine, "r1"))
    kling_results.look_again(engine, job, due_at=clock() + HOUR * 1000)
    Heartbeat(engine, longest=Longest(poll_ms=HOUR * 1000)).beat()
    assert not jobs.any_due(engine.store.read(), JobState.SUBMITTED, clock() + HOUR * 1000 - 1)
    Heartbeat(engine).beat()
    assert jobs.any_due(engine.store.read(), JobState.SUBMITTED, clock())


# The clock that does not jump.


@dataclass
class Machine:
    """A system clock that can be set, and one that only goes on."""

    wall: int = 1_795_435_200_000
    elapsed: int = 77

    def go_on(self, ms: int) -> None:
        self.wall += ms
        self.elapsed += ms

    def clock(self) -> SteadyClock:
        return SteadyClock(lambda: self.wall, lambda: self.elapsed)


@pytest.fixture
def machine() -> Machine:
    return Machine()


JUMPS = pytest.mark.parametrize("jump", [s * 1000 for s in (10, -10, HOUR, -HOUR, 40 * 24 * HOUR, -40 * 24 * HOUR)])


@JUMPS
def test_a_jump_that_does_not_last_is_never_seen(machine: Machine, jump: int) -> None:
    clock, right = machine.clock(), machine.wall
    machine.wall += jump
    for _ in range(5):
        machine.go_on(1_000)
        assert clock.settled_step_ms() == 0
        assert clock.step_ms() == jump
    assert clock() == right + 5_000
    machine.wall -= jump
    assert clock.settled_step_ms() == 0
    machine.go_on(SETTLE_MS)
    assert (clock.settled_step_ms(), clock.step_ms(), clock()) == (0, 0, machine.wall)


@JUMPS
def test_a_jump_that_lasts_is_reported_and_then_followed(machine: Machine, jump: int) -> None:
    clock = machine.clock()
    machine.wall += jump
    assert clock.settled_step_ms() == 0
    machine.go_on(SETTLE_MS)
    step = clock.settled_step_ms()
    assert step == jump
    clock.adopt(step)
    assert (clock(), clock.settled_step_ms()) == (machine.wall, 0)


def test_a_clock_that_goes_on_jumping_is_not_believed(machine: Machine) -> None:
    clock = machine.clock()
    for jump in (HOUR, -2 * HOUR, 3 * HOUR):
        machine.wall += jump * 1000
        machine.go_on(SETTLE_MS // 2)
        assert clock.settled_step_ms() == 0


def test_a_clock_that_is_slewed_is_followed(machine: Machine) -> None:
    clock = machine.clock()
    for _ in range(100):
        machine.go_on(1_000)
        machine.wall += FOLLOWED_MS // 2
        assert clock() == machine.wall


@pytest.fixture
def steady(engine: Engine, machine: Machine) -> Engine:
    return replace(engine, clock=machine.clock())


def beats(heartbeat: Heartbeat, machine: Machine, ms: int) -> None:
    for _ in range(ms // (BEAT_SECONDS * 1000)):
        machine.go_on(BEAT_SECONDS * 1000)
        heartbeat.beat()


def heartbeat_of(engine: Engine) -> Heartbeat:
    assert isinstance(engine.clock, SteadyClock)
    return Heartbeat(engine, clock=engine.clock)


@JUMPS
def test_the_heartbeat_takes_over_a_jump_that_lasts(steady: Engine, machine: Machine, jump: int) -> None:
    heartbeat = heartbeat_of(steady)
    beats(heartbeat, machine, 10_000)
    machine.wall += jump
    beats(heartbeat, machine, 20_000)
    assert steady.clock() == machine.wall - jump
    beats(heartbeat, machine, 20_000)
    assert steady.clock() == machine.wall
    assert heartbeat.trouble() is None


def test_a_jump_ahead_ends_no_lease_and_proves_no_job_absent(steady: Engine, machine: Machine) -> None:
    """A request may be under way to Kling; to look it up too early, and not find it, would send it twice."""
    heartbeat, now = heartbeat_of(steady), steady.clock()
    hold(steady, "leased")
    posting = kling_results.submitting(
        steady, hold(steady, "posting"), "/v1/x", due_at=now + kling_poller.LOST_REPLY_MS
    )
    assert posting and posting.posted_at
    with steady.store.write() as tx:
        assert jobs.claim(tx, JobState.HELD, now=now, lease_until=now + submitter.LEASE_MS, most=9)
    machine.wall += HOUR * 1000
    beats(heartbeat, machine, SETTLE_MS + 10_000)
    now = steady.clock()
    assert now == machine.wall
    with steady.store.write() as tx:
        assert jobs.claim(tx, JobState.HELD, now=now, lease_until=now + 1, most=9) == []
        assert jobs.claim(tx, JobState.SUBMITTING, now=now, lease_until=now + 1, most=9) == []
        found = jobs.get(tx, posting.id)
        assert found and found.posted_at == posting.posted_at + HOUR * 1000
        later = now + submitter.LEASE_MS
        for state in (JobState.HELD, JobState.SUBMITTING):
            assert len(jobs.claim(tx, state, now=later, lease_until=later + 1, most=9)) == 1


def test_two_bots_on_one_machine_that_take_over_a_jump_do_no_harm(steady: Engine, machine: Machine) -> None:
    with closing(open_store(steady.store.place)) as store:
        other = replace(steady, store=store, clock=machine.clock())
        heartbeats, now = [heartbeat_of(steady), heartbeat_of(other)], steady.clock()
        hold(steady, "leased")
        with steady.store.write() as tx:
            jobs.claim(tx, JobState.HELD, now=now, lease_until=now + submitter.LEASE_MS, most=9)
        machine.wall += HOUR * 1000
        for _ in range(10):
            machine.go_on(BEAT_SECONDS * 1000)
            for heartbeat in heartbeats:
                heartbeat.beat()
        now = machine.wall
        with steady.store.write() as tx:
            assert jobs.claim(tx, JobState.HELD, now=now, lease_until=now + 1, most=9) == []
            later = now + submitter.LEASE_MS + TOLERANCE_MS
            assert len(jobs.claim(tx, JobState.HELD, now=later, lease_until=later + 1, most=9)) == 1


# The real bot.


@pytest.mark.slow
def test_a_bot_whose_clock_is_forty_days_ahead_for_a_moment_goes_on_at_once(tmp_path: Path) -> None:
    """Videos are requested before, meanwhile and afterwards: all are made, and count in today's budgets."""
    with ExitStack() as stack:
        local = sandbox.start(kling_seconds=1)
        stack.callback(local.stop)
        script = Path(__file__).parents[1] / "support" / "clock_bot.py"
        bot = stack.enter_context(live_bot(local, tmp_path, "bot", script=script))
        bot.wait_until_ready()
        for ahead in (0, 40 * 24 * HOUR, 0):
            (tmp_path / "ahead").write_text(str(ahead))
            time.sleep(0.2)
            local.send(BOB, "C0GENERAL1", f"/kling generate a fox {ahead}")
            time.sleep(2)
        with closing(open_store(tmp_path / "klingbot.db")) as store:
            until(lambda: len(jobs.ended(store.read(), None, most=9)) == 3, "all three are made")
            made = jobs.ended(store.read(), None, most=9)
            assert {job.state for job in made} == {JobState.SUCCEEDED}
            assert len({job.day_start for job in made}) == 1
            prove(store)
        until(lambda: len(local.workspace.messages("C0GENERAL1", BOB)) >= 3, "each has its message")
        wrong_date = (datetime.now(UTC) + timedelta(days=40)).strftime("%Y-%m-")
        assert wrong_date in bot.said(), "its clock was ahead indeed: the log has dates of then"
        assert "ERROR" not in bot.said()
