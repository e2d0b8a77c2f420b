"""A clock that ran ahead and is put back: nothing waits for the time that it showed."""

from __future__ import annotations

import pytest

from klingbot.domain.jobs import JobState
from klingbot.domain.notifications import SubmittingResumed, kind_of_type
from klingbot.engine import Engine
from klingbot.store import circuit_breakers, jobs, outbox, outbox_leases
from klingbot.store.maintenance.clock_shift import TOLERANCE_MS
from klingbot.workers.heartbeat import Heartbeat
from klingbot.workers.submitter import LEASE_MS
from tests.conftest import FakeClock
from tests.support.ledger_checks import hold, prove

pytestmark = pytest.mark.both_databases

HOUR = 3_600


def claimed(engine: Engine, now: int) -> tuple[int, bool]:
    """How many jobs could go to Kling, and whether a message could go to Slack."""
    with engine.store.write() as tx:
        taken = jobs.claim(tx, JobState.HELD, now=now, lease_until=now + LEASE_MS, most=10)
        said = outbox_leases.claim(tx, now=now, lease_until=now + LEASE_MS)
        tx.abandon()
    return len(taken), said is not None


def test_what_a_clock_that_ran_ahead_set_waits_no_longer_than_it_was_meant_to(engine: Engine, clock: FakeClock) -> None:
    heartbeat = Heartbeat(engine)
    clock.tick(HOUR)
    heartbeat.beat()
    hold(engine, "r1")
    with engine.store.write() as tx:
        outbox.put(tx, "m1", kind_of_type(SubmittingResumed), {"reason": ""}, at=clock.at)
        jobs.claim(tx, JobState.HELD, now=clock.at, lease_until=clock.at + LEASE_MS, most=10)
        circuit_breakers.close(tx, "account", opens_at=clock.at + 10_000, code=1303, reason="busy", at=clock.at)
    clock.tick(-HOUR)
    assert claimed(engine, clock.at) == (0, False)
    heartbeat.beat()
    clock.tick(LEASE_MS / 1000)
    assert claimed(engine, clock.at) == (1, True)
    prove(engine.store)


def test_another_bot_whose_clock_is_ahead_for_ever_moves_nothing_again_and_again(
    engine: Engine, clock: FakeClock
) -> None:
    """Else every gate would open, and every lease end, with each beat."""
    here, ahead = Heartbeat(engine), Heartbeat(engine)
    here.beat()
    hold(engine, "r1")
    with engine.store.write() as tx:
        jobs.claim(tx, JobState.HELD, now=clock.at, lease_until=clock.at + LEASE_MS, most=10)
    for _ in range(3):
        clock.tick(HOUR)
        ahead.beat()
        clock.tick(-HOUR)
        here.beat()
    assert claimed(engine, clock.at) == (0, False)


def test_two_bots_that_notice_it_move_everything_once(engine: Engine, clock: FakeClock) -> None:
    heartbeats = Heartbeat(engine), Heartbeat(engine)
    clock.tick(HOUR)
    for heartbeat in heartbeats:
        heartbeat.beat()
    hold(engine, "r1")
    with engine.store.write() as tx:
        jobs.claim(tx, JobState.HELD, now=clock.at, lease_until=clock.at + LEASE_MS, most=10)
    clock.tick(-HOUR)
    for heartbeat in heartbeats:
        heartbeat.beat()
    assert claimed(engine, clock.at) == (0, False), "the lease that runs goes on running"


def test_bots_whose_clocks_differ_a_little_move_nothing(engine: Engine, clock: FakeClock) -> None:
    heartbeat = Heartbeat(engine)
    heartbeat.beat()
    hold(engine, "r1")
    with engine.store.write() as tx:
        jobs.claim(tx, JobState.HELD, now=clock.at, lease_until=clock.at + LEASE_MS, most=10)
    clock.tick(-TOLERANCE_MS / 1000)
    heartbeat.beat()
    clock.tick(TOLERANCE_MS / 1000)
    assert claimed(engine, clock.at) == (0, False)
