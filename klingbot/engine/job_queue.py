"""The jobs that wait, run and have lately ended: who has which, and what admins do with those that wait."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.jobs import Job, JobState
from klingbot.engine import alerts
from klingbot.engine.core import Engine, standings_with
from klingbot.store import circuit_breakers, jobs, ledger

MOST_LIVE, MOST_ENDED = 10, 5
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Queue:
    """A person's jobs, or everybody's, newest first, as they were `at` that instant."""

    at: int
    live: tuple[Job, ...]
    ahead: tuple[int, ...]
    """How many jobs wait before each of those."""
    ended: tuple[Job, ...]


def queue(engine: Engine, user_id: str | None) -> Queue:
    """`user_id`: None means everybody."""
    reader = engine.store.read()
    live = jobs.live(reader, user_id, most=MOST_LIVE)
    ahead = [jobs.ahead_of(reader, job) if job.state is JobState.HELD else 0 for job in live]
    ended = jobs.ended(reader, user_id, most=MOST_ENDED)
    return Queue(engine.clock(), tuple(live), tuple(ahead), tuple(ended))


@dataclass(frozen=True, slots=True)
class Thawed:
    """The gates are open: `reasons` are what had closed them, `waiting` is how many jobs wait."""

    reasons: tuple[str, ...]
    waiting: int


def thaw(engine: Engine) -> Thawed:
    """Opens every gate by hand. One waiting job tries Kling alone, and the rest follow if it is taken."""
    with engine.store.write() as tx:
        opened = circuit_breakers.thaw(tx, at=engine.clock())
        return Thawed(tuple(gate.reason for gate in opened), jobs.waiting(tx))


@dataclass(frozen=True, slots=True)
class WaitingCancelled:
    """How many jobs were released; `kept` may be at Kling, and are released as soon as it proves not to have them."""

    released: int
    kept: int


def cancel_waiting(engine: Engine, *, by: str) -> WaitingCancelled:
    """Release every job that waits for its turn at Kling, and tell those who asked for them.

    Those that are being sent, or whose reply was lost, are released once Kling proves not to have them.
    """
    released = 0
    while batch := _release_some(engine, by):
        released += batch
    with engine.store.write() as tx:
        return WaitingCancelled(released, jobs.want_all_cancelled(tx, by=by))


def _release_some(engine: Engine, by: str) -> int:
    """A few in each transaction, so that nobody else waits for long."""
    now, reason = engine.clock(), "An admin released all jobs that waited for Kling."
    with engine.store.write() as tx:
        waiting = jobs.never_posted(tx, most=_AT_ONCE)
        for job in waiting:
            done = jobs.move(
                tx, job.id, [JobState.HELD], state=JobState.RELEASED, finished_at=now, response_url=None, reason=reason
            )
            assert done is not None  # it was read in this transaction
            ledger.release(tx, done, at=now, reason=reason, author=by)
            alerts.note_crossings(tx, standings_with(tx, engine, done), now)
            alerts.job_failed(tx, done, now)
        return len(waiting)
