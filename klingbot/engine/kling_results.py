"""Booking what Kling says. The submitter reports here; each step is conditional: a second report changes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from klingbot.domain import money
from klingbot.domain.jobs import FAILURES_ENOUGH, Job, JobState
from klingbot.domain.money import Amount
from klingbot.domain.notifications import ModelRefused, SubmittingResumed, SubmittingStopped
from klingbot.engine import alerts, cancellation
from klingbot.engine import stuck_jobs as engine_stuck_jobs
from klingbot.engine.core import Engine, standings_with
from klingbot.store import Transaction, circuit_breakers, jobs, ledger, overdue_checks
from klingbot.store import stuck_marks as stuck_jobs

BUSY_FIRST_MS, BUSY_MOST_MS = 1_000, 15_000
"""How long jobs wait when Kling is busy; its docs advise a second or more, growing. A place there may be free soon."""
STOPPED_FIRST_MS, STOPPED_MOST_MS = 60_000, 600_000
"""How long until a refused account is tried again."""

NO_LINK = "Kling delivered no link to the video"
_DAY_MS = 86_400_000
_ANSWERED = {"unanswered_since": None}
_SOUND = {"failures": 0, "problem": None, **_ANSWERED}
H, S, T = JobState.HELD, JobState.SUBMITTING, JobState.SUBMITTED


class TaskTakenError(Exception):
    """Kling names a task that another job has: its charge must not be booked twice."""


def submitting(engine: Engine, job: Job, route: str, *, due_at: int) -> Job | None:
    """A request is about to leave for that route; with no word of it by `due_at`, its reply counts as lost.

    None when the job no longer waits or is wanted (it was cancelled), or was posted by another bot meanwhile.
    """
    with engine.store.write() as tx:
        known = jobs.get(tx, job.id)
        if _moved_on(tx, job) or known is None or known.cancel_by is not None:
            return None
        columns = {"route": route, "posted_at": engine.clock(), "due_at": due_at, "tries": job.tries + 1, **_ANSWERED}
        return jobs.move(tx, job.id, [H], state=S, **columns)


def postponed(engine: Engine, job: Job, *, until: int) -> None:
    """Leave the job in its place, and take it up again at `until`: what it needs cannot be had just now."""
    with engine.store.write() as tx:
        jobs.give_back(tx, job.id, until=until)


def probe_ended(engine: Engine, job: Job, *, until: int) -> None:
    """Let another job try the gates before that one; `until` is when its probe would have ended by itself."""
    with engine.store.write() as tx:
        circuit_breakers.end_probe(tx, job.model, until=until)


def submitted(engine: Engine, job: Job, task_id: str, *, due_at: int) -> Job | None:
    """Kling took it; look for its verdict at `due_at`.

    Also when it waits again: a late answer is as true as one in time, and keeps it from being posted a second time.
    Raises TaskTakenError.
    """
    now = engine.clock()
    with engine.store.write() as tx:
        other = jobs.of_task(tx, task_id)
        if other is not None and other.id != job.id:
            raise TaskTakenError(f"Kling gave it the task {task_id}, which is that of job {other.id}")
        before = jobs.get(tx, job.id)
        there = {"task_id": task_id, "submitted_at": now, "cancel_by": None, "cancel_response_url": None, **_ANSWERED}
        taken = jobs.move(tx, job.id, [H, S], state=T, due_at=due_at, reason=None, **there)
        if taken is not None and before is not None:
            cancellation.too_late(tx, engine, before, taken)
        return taken


def sought(engine: Engine, job: Job) -> Job | None:
    """Somebody wants a waiting job cancelled that Kling may have: it is looked up before anything else is done."""
    with engine.store.write() as tx:
        return None if _moved_on(tx, job) else jobs.move(tx, job.id, [H], state=S, due_at=engine.clock())


def held_again(engine: Engine, job: Job) -> Job | None:
    """Kling provably does not have it: it waits again, in its old place, or is cancelled where somebody wants that."""
    with engine.store.write() as tx:
        if _moved_on(tx, job):
            return None
        return _cancelled(tx, engine, job) or jobs.move(tx, job.id, [S], state=H, due_at=job.asked_at)


def not_taken(engine: Engine, job: Job, *, due_at: int | None = None) -> Job | None:
    """Kling provably took nothing of that post, so it does not count among the job's tries.

    The job waits again, in its old place unless `due_at` says otherwise. Where somebody wants it cancelled, it is; but
    if Kling may have it from an earlier post, that is looked up first.
    """
    waiting = {"state": H, "tries": job.tries - 1, "due_at": job.asked_at if due_at is None else due_at}
    with engine.store.write() as tx:
        if _moved_on(tx, job):
            return None
        cancelled = _cancelled(tx, engine, job) if job.tries == 1 else None
        return cancelled or jobs.move(tx, job.id, [S], **waiting)


def doubted(engine: Engine, job: Job, reason: str, *, due_at: int) -> Job | None:
    """Kling refused it, but may have taken an earlier post after all: to be looked up at `due_at`.

    If Kling has nothing then, the job is refused for that `reason`.
    """
    with engine.store.write() as tx:
        return None if _moved_on(tx, job) else jobs.move(tx, job.id, [S], reason=reason, due_at=due_at)


def look_again(engine: Engine, job: Job, *, due_at: int, answered: bool = True) -> Job | None:
    """Look at a job again that has no verdict yet; its hold stays. `answered`: whether Kling said anything about it."""
    since = job.unanswered_since if job.unanswered_since is not None else engine.clock()
    with engine.store.write() as tx:
        return jobs.move(tx, job.id, [S, T], due_at=due_at, unanswered_since=None if answered else since)


def running(engine: Engine, job: Job, *, due_at: int) -> Job | None:
    """Note a sound answer of Kling's that is no verdict, after ones that could not be booked; look again at `due_at`.

    Failures count from zero again. If no verdict comes within a day, the admins are shown the job again.
    """
    with engine.store.write() as tx:
        if job.is_set_aside:
            stuck_jobs.wait_until(tx, job.id, engine.clock() + _DAY_MS)
        return jobs.move(tx, job.id, [S, T], due_at=due_at, **_SOUND)


def unbookable(engine: Engine, job: Job, problem: str, *, due_at: int, hopeless: bool = False) -> Job | None:
    """Note that what Kling says about a job cannot be booked: its hold stays, and it is looked at again at `due_at`.

    After some failures in a row, or at once where it is `hopeless`, the job is set aside and shown to the admins.
    """
    now = engine.clock()
    with engine.store.write() as tx:
        known = jobs.get(tx, job.id)
        failures = 1 + (known.failures if known else 0)
        failures = max(failures, FAILURES_ENOUGH) if hopeless else failures
        failed = jobs.move(tx, job.id, [S, T], problem=problem, failures=failures, due_at=due_at, **_ANSWERED)
        if failed and known and failed.is_set_aside and not known.is_set_aside and failed.written_off_at is None:
            engine_stuck_jobs.show(tx, failed, at=now)
        return failed


def hinted(engine: Engine, job_id: str) -> Job | None:
    """Somebody says that Kling has news of this job: it is asked about now, if its verdict is waited for.

    A job whose reply may still come is left alone: only the settling delay can prove that Kling does not have it.
    """
    with engine.store.write() as tx:
        return jobs.move(tx, job_id, [T], due_at=engine.clock())


def uncharged(engine: Engine, job: Job, *, due_at: int) -> Job | None:
    """Note since when Kling has made a video without naming its charge or its address; look again at `due_at`."""
    finished_at = engine.clock() if job.finished_at is None else job.finished_at
    with engine.store.write() as tx:
        return jobs.move(tx, job.id, [S, T], finished_at=finished_at, due_at=due_at, **_SOUND)


def unsent(engine: Engine, job: Job, problem: str, *, due_at: int) -> Job | None:
    """Note that sending a job failed for a mistake of ours, and try again at `due_at`.

    After some failures in a row the hold of a job that was never sent is released, and the requester hears why. A job
    that Kling may have is shown to the admins instead.
    """
    with engine.store.write() as tx:
        known = jobs.get(tx, job.id)
        if known is not None and known.state is H:
            failures = known.failures + 1
            if failures >= FAILURES_ENOUGH and not known.tries:
                return _end_unpaid(tx, engine, job, [H], JobState.RELEASED, f"{problem}.")
            return jobs.move(tx, job.id, [H], problem=problem, failures=failures, due_at=due_at)
    return unbookable(engine, job, problem, due_at=due_at)


def succeeded(engine: Engine, job: Job, *, units: Decimal | None, video_url: str | None) -> Job | None:
    """The video is there: the hold is settled at what Kling charged, and the channel hears of it.

    `video_url` is None where Kling made the video and does not say where it is. The charge of a job that was written
    off is booked as a correction: its hold has ended.
    """
    now, actual = engine.clock(), _charged(job, units)
    reason = "; ".join(filter(None, (_remark(job, units, actual), "" if video_url else NO_LINK))) or None
    amounts = {"settled_millicredits": actual.millicredits, "settled_microusd": actual.microusd}
    with engine.store.write() as tx:
        done = jobs.move(
            tx, job.id, [S, T], state=JobState.SUCCEEDED, finished_at=now, video_url=video_url, reason=reason, **amounts
        )
        if done is None:
            return None
        if done.written_off_at is None:
            ledger.settle(tx, done, actual, at=now, reason=reason)
        else:
            late = "made after it was written off"
            ledger.correct(tx, done, actual, at=now, reason=f"{late}; {reason}" if reason else late)
        standings = standings_with(tx, engine, done)
        alerts.note_crossings(tx, standings, now)
        alerts.video_ready(tx, done, tuple(standings), now)
        return done


def failed(engine: Engine, job: Job, reason: str) -> Job | None:
    """Kling made nothing and charged nothing: the hold is released, and the requester hears why."""
    with engine.store.write() as tx:
        return _end_unpaid(tx, engine, job, [S, T], JobState.FAILED, reason)


def refused(engine: Engine, job: Job, reason: str) -> Job | None:
    """Kling did not take it: the hold is released, and the requester hears why.

    Nothing changes once Kling has it, once it was posted again (then the refusal was of another post), or once it
    was written off.
    """
    with engine.store.write() as tx:
        return None if _moved_on(tx, job) else _end_unpaid(tx, engine, job, [H, S], JobState.RELEASED, reason)


def given_up(engine: Engine, job: Job) -> Job | None:
    """Kling is not asked any more about a job that was written off. Its hold had been given back then."""
    with engine.store.write() as tx:
        return _end_unpaid(tx, engine, job, [S, T], JobState.RELEASED, "written off, and Kling never said how it ended")


def busy(engine: Engine, model: str, *, code: int, reason: str, again_ms: int | None = None) -> None:
    """Kling is at its limit for this model: jobs for it wait in line, their holds kept, and one asks again later.

    After `again_ms`, where Kling itself named a time; that lengthens no later wait.
    """
    with engine.store.write() as tx:
        if again_ms is None:
            _close(tx, engine, model, code, reason, BUSY_FIRST_MS, BUSY_MOST_MS)
        else:
            _close_for(tx, engine, model, code, reason, again_ms, counts=False)


def stopped(engine: Engine, *, code: int, reason: str) -> None:
    """Kling refuses the account: nothing is submitted and new jobs are refused, until one job may probe again.

    The admins hear of it once, however often the probe is refused.
    """
    with engine.store.write() as tx:
        gate = circuit_breakers.get(tx, circuit_breakers.ACCOUNT)
        first = gate is None or gate.tries == 0  # an admin who opened it by hand wants to know
        _close(tx, engine, circuit_breakers.ACCOUNT, code, reason, STOPPED_FIRST_MS, STOPPED_MOST_MS)
        if first:
            # The refused job itself is put back once the gate is closed, or another process would send it again.
            content = SubmittingStopped(code, reason, jobs.not_taken(tx))
            alerts.to_admins(tx, f"stopped {engine.clock()}", content, engine.clock())


def model_refused(engine: Engine, model: str, *, code: int, reason: str) -> None:
    """Kling makes nothing with this model for this account: the admins hear of it, once a day for each model."""
    now = engine.clock()
    with engine.store.write() as tx:
        key = f"model {model} refused {engine.periods().daily.start}"
        alerts.to_admins(tx, key, ModelRefused(model, code, reason), now)


def flowing(engine: Engine, job: Job) -> None:
    """Kling took a job: whatever gate was closed before it is open."""
    if not any(circuit_breakers.get(engine.store.read(), name) for name in (job.model, circuit_breakers.ACCOUNT)):
        return
    now = engine.clock()
    with engine.store.write() as tx:
        circuit_breakers.open_(tx, job.model)
        if gate := circuit_breakers.open_(tx, circuit_breakers.ACCOUNT):
            alerts.to_admins(tx, f"resumed {now}", SubmittingResumed(gate.reason), now)


def _close(tx: Transaction, engine: Engine, name: str, code: int, reason: str, first_ms: int, most_ms: int) -> None:
    """Close a gate for twice as long each time in a row."""
    gate = circuit_breakers.get(tx, name)
    tries = gate.tries if gate else 0
    _close_for(tx, engine, name, code, reason, min(first_ms * 2 ** min(tries, 20), most_ms))


def _close_for(
    tx: Transaction, engine: Engine, name: str, code: int, reason: str, wait_ms: int, *, counts: bool = True
) -> None:
    """Close a gate for that long; several refusals at one time count once."""
    now, gate = engine.clock(), circuit_breakers.get(tx, name)
    if gate and gate.closed(now):
        return
    circuit_breakers.close(tx, name, opens_at=now + wait_ms, code=code, reason=reason, at=now, counts=counts)
    overdue_checks.note_closed(tx, name, at=now)


def _cancelled(tx: Transaction, engine: Engine, job: Job) -> Job | None:
    known = jobs.get(tx, job.id)
    return cancellation.carry_out(tx, engine, known) if known is not None and known.cancel_by is not None else None


def _moved_on(tx: Transaction, job: Job) -> bool:
    """Whether the outcome that the caller brings is of an earlier post, or comes after the job was written off."""
    known = jobs.get(tx, job.id)
    return known is None or known.tries != job.tries or known.written_off_at is not None


def _end_unpaid(
    tx: Transaction, engine: Engine, job: Job, states: Iterable[JobState], ending: JobState, reason: str
) -> Job | None:
    now = engine.clock()
    done = jobs.move(tx, job.id, states, state=ending, finished_at=now, reason=reason)
    if done is None or done.written_off_at is not None:  # then the hold has ended, and the requester was told
        return done
    ledger.release(tx, done, at=now, reason=reason)
    alerts.note_crossings(tx, standings_with(tx, engine, done), now)
    alerts.job_failed(tx, done, now)
    return done


def _charged(job: Job, units: Decimal | None) -> Amount:
    """Kling's own deduction where the job was priced in Kling's units; else what was quoted.

    A deduction finer than a milli-credit is rounded up: a verdict must never fail for its decimals.
    """
    if units is None or not job.kling_units:
        return job.quote
    millicredits = math.ceil(units * money.MILLICREDITS)
    return Amount(millicredits, -(-millicredits * job.microusd_per_credit // money.MILLICREDITS))


def _remark(job: Job, units: Decimal | None, actual: Amount) -> str | None:
    """What the entry says about a charge that is not plainly the quote, confirmed."""
    if units is None and job.kling_units:
        return f"Kling named no units for it; settled at its quote, {job.quote}"
    return f"charged {actual}, held {job.quote}" if actual != job.quote else None
