"""Nothing on a command's path, nor on a timer's, reads all history: a budget must not grow slower as it grows older.

Every statement that the store really executes is traced, and SQLite is asked how it would run it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from klingbot.domain.alert_history import AlertThreadRef
from klingbot.domain.budgets import WORKSPACE, project_scope, user_scope
from klingbot.domain.increases import Increase
from klingbot.domain.jobs import Job, JobState
from klingbot.domain.periods import PeriodKind
from klingbot.domain.quiet_hours import QuietHours
from klingbot.domain.reconciliation import Billed
from klingbot.engine import (
    Engine,
    alert_mutes,
    budgets,
    cancellation,
    digests,
    hold_outcomes,
    home,
    increase_decisions,
    increase_requests,
    job_queue,
    job_requests,
    kling_results,
    period_checks,
    projects,
    reconciliation,
    stuck_jobs,
    usage,
)
from klingbot.engine import outbox as engine_outbox
from klingbot.engine.budgets import Change
from klingbot.engine.digest_figures import figures
from klingbot.store import jobs, outbox, outbox_leases, quiet_channels
from klingbot.store.maintenance import clock_shift
from klingbot.workers.heartbeat import Heartbeat
from tests.conftest import FakeClock
from tests.support.ledger_checks import ask, hold, settle, submit

pytestmark = pytest.mark.backend("sqlite")

GROW_WITH_HISTORY = (
    "jobs",
    "entries",
    "totals",
    "daily_spend",
    "crossings",
    "stories",
    "outbox",
    "refusals",
    "findings",
    "increases",
    "grants",
    "refused_requests",
)
ONLY_WAITING = (
    "INDEX jobs_live",
    "INDEX outbox_waiting",
    "INDEX outbox_lines",
    "INDEX outbox_failed",
    "INDEX increases_pending",
    "INDEX grants_running",
)
NEWEST_FIRST = "INDEX jobs_ended"
"""Read from its newest row on, and no further than a LIMIT says."""
STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")


class Traced:
    """A connection that notes each statement before it executes it."""

    def __init__(self, connection: Any, found: dict[str, Any]) -> None:
        self.connection = connection
        self.found = found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def execute(self, sql: str, *params: Any) -> Any:
        self.found[sql.strip()] = params[0] if params else None
        return self.connection.execute(sql, *params)


def traced(engine: Engine, work: Callable[[], object]) -> dict[str, Any]:
    """Every statement that the work executes, with its parameters, on the writer's connection and this thread's."""
    found: dict[str, Any] = {}
    with engine.store.write() as tx:
        writer = tx.db
        tx.abandon()
    with pytest.MonkeyPatch.context() as listening:
        for database in (writer, engine.store.read()):
            listening.setattr(database, "conn", Traced(database.conn, found))
        work()
    return {sql: params for sql, params in found.items() if sql.startswith(STATEMENTS)}


def plan(engine: Engine, sql: str, params: Any) -> list[str]:
    # Foreign keys are off here: for an insert of a job SQLite would plan to look for entries that it might mend, and
    # never do so, because no entry is broken. That it does not is what the test of its steps is for.
    with closing(sqlite3.connect(engine.store.place)) as connection:
        return [detail for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {sql}", params or {})]


def scans(engine: Engine, sql: str, params: Any) -> list[str]:
    """The steps of its plan that read a whole table; an index of what is waiting is not one."""
    return [
        step
        for step in plan(engine, sql, params)
        if step.startswith(tuple(f"SCAN {table}" for table in GROW_WITH_HISTORY))
        and not step.endswith((*ONLY_WAITING, NEWEST_FIRST))
    ]


@pytest.fixture
def lived_in(engine: Engine) -> Engine:
    """Some history, some jobs in every live state, and budgets near their limits."""
    for n in range(30):
        settle(engine, hold(engine, f"done {n}", user_id=f"U{n % 3}"))
    submit(engine, hold(engine, "submitted"))
    kling_results.submitting(engine, hold(engine, "submitting"), "/v1/videos/text2video", due_at=0)
    hold(engine, "held")
    for scope in (WORKSPACE, project_scope("marketing"), user_scope("U1")):
        budgets.set_budget(engine, Change(scope, PeriodKind.MONTHLY, 1_400_000), by="UADMIN")
    return engine


def waiting(engine: Engine) -> Job:
    return hold(engine, f"again {engine.clock()}")


def submitting(engine: Engine) -> Job:
    posting = kling_results.submitting(engine, waiting(engine), "/v1/videos/text2video", due_at=0)
    assert posting is not None
    return posting


def refuse(engine: Engine) -> hold_outcomes.BudgetExceeded:
    budgets.set_budget(engine, Change(WORKSPACE, PeriodKind.DAILY, 1_000), by="UADMIN")
    refused = job_requests.hold(engine, ask("too much"))
    assert isinstance(refused, hold_outcomes.BudgetExceeded)
    return refused


def ask_for_more(engine: Engine) -> Increase:
    asked = increase_requests.ask_for_refused(engine, refuse(engine).id, increase_requests.Wanted("U1", "launch", None))
    assert isinstance(asked, increase_requests.Asked)
    return asked.increases[0]


def mute(engine: Engine) -> None:
    hold(engine, "one more")  # which brings the workspace's month to 97 %: a story begins
    ref = AlertThreadRef(PeriodKind.MONTHLY, engine.periods().monthly.start, None, WORKSPACE)
    for act in (alert_mutes.snooze, alert_mutes.acknowledge):
        assert isinstance(act(engine, ref, by="U1"), alert_mutes.Changed)
    alert_mutes.unmute(engine, ref)


def schedule_digests(engine: Engine) -> None:
    digests.want(engine, WORKSPACE, PeriodKind.WEEKLY, "C1", 540, by="UADMIN")
    digests.wanted(engine)
    later = replace(engine, clock=lambda: engine.clock() + 15 * 86_400_000)
    [due] = digests.due(later)
    assert digests.claim(later, due)
    assert digests.tell(later, due, figures(engine, WORKSPACE, due.period), None)
    found = digests.set_to(engine, WORKSPACE, PeriodKind.WEEKLY, "C1")
    assert found and digests.move(engine, found, "C2", 540, by="UADMIN")
    digests.unwant(engine, WORKSPACE, None, by="UADMIN")


def written_off(engine: Engine) -> Job:
    posting = submitting(engine)
    stuck_jobs.show_stuck(engine, after_ms=0)
    outcome = stuck_jobs.write_off(engine, posting.id, by="UADMIN", reason="lost")
    assert isinstance(outcome, stuck_jobs.WrittenOff)
    return outcome.job


def claim(engine: Engine) -> None:
    now = engine.clock() + 1_000
    jobs.any_probe_due(engine.store.read(), now)
    for state in (JobState.HELD, JobState.SUBMITTING, JobState.SUBMITTED):
        jobs.any_due(engine.store.read(), state, now)
        with engine.store.write() as tx:
            jobs.claim(tx, state, now=now, lease_until=now + 1, most=5)
            jobs.claim_of_one_route(tx, state, now=now, lease_until=now + 1, most=5)
    with engine.store.write() as tx:
        jobs.claim_ungated(tx, now=now, lease_until=now + 1, most=5)
        jobs.claim_probe(tx, now=now, lease_until=now + 1)


def deliver(engine: Engine) -> None:
    now = engine.clock()
    outbox_leases.any_due(engine.store.read(), now)
    outbox.counts(engine.store.read())
    with engine.store.write() as tx:
        outbox_leases.route(tx, default="C1", admins_only=["submitting stopped"])
        message = outbox_leases.claim(tx, now=now, lease_until=now + 1)
        assert message
        behind = outbox_leases.claim_behind(tx, message, kinds=("crossed",), most=5, now=now)
        outbox_leases.release(tx, message)
        quiet_channels.get(tx, message.line)
        outbox_leases.hold(tx, message, until=now)
        outbox_leases.wake(tx, message.line, at=now)
        for n, bound in enumerate(({"replaces": message.key}, {"thread": message.key}) * 2):
            outbox.put(tx, f"more {n}", "crossed", {}, at=now, **bound)
        outbox.said_as(tx.db, message.key)
        outbox_leases.again(tx, message, due_at=now, problem="ratelimited")
        outbox_leases.unbind(tx, message)
        outbox_leases.reroute(tx, message, to="C2", detour="C1: is_archived")
        outbox_leases.hand_over(tx, message, ["U1"], at=now)
        outbox_leases.sent(tx, message, at=now, to="C1", ts="1.2", others=[*behind, message])
        outbox_leases.failed(tx, message, problem="is_archived")


def look_at_the_clock(engine: Engine) -> None:
    period_checks.watch(engine)
    waiting(engine)
    period_checks.watch(replace(engine, clock=lambda: engine.clock() + 40 * 86_400_000))


def jump(engine: Engine) -> None:
    with engine.store.write() as tx:
        clock_shift.extend(tx, now=engine.clock(), by=1)


PATHS: dict[str, Callable[[Engine], object]] = {
    "a hold": waiting,
    "a repeated request": lambda engine: job_requests.hold(engine, ask("held")),
    "a refusal": refuse,
    "an estimate": lambda engine: job_requests.estimate(engine, ask("what if")),
    "a settle": lambda engine: settle(engine, waiting(engine)),
    "a release": lambda engine: kling_results.failed(engine, submit(engine, waiting(engine)), "too dark"),
    "a cancel": lambda engine: cancellation.cancel(engine, waiting(engine).id, user_id="U1", is_admin=False),
    "waiting again": lambda engine: kling_results.held_again(engine, submitting(engine)),
    "posting again": lambda engine: kling_results.not_taken(engine, submitting(engine)),
    "a doubted refusal": lambda engine: kling_results.doubted(engine, submitting(engine), "already exists", due_at=0),
    "looking again": lambda engine: kling_results.look_again(engine, waiting(engine), due_at=0),
    "a busy model": lambda engine: kling_results.busy(engine, "kling-pro", code=1303, reason="busy"),
    "a refused account": lambda engine: kling_results.stopped(engine, code=1102, reason="no units left"),
    "showing stuck jobs": lambda engine: stuck_jobs.show_stuck(engine, after_ms=0),
    "a write-off": written_off,
    "a video after a write-off": lambda engine: kling_results.succeeded(
        engine, written_off(engine), units=None, video_url="https://v"
    ),
    "a home": lambda engine: home.home(engine, "U1", is_admin=True),
    "one's own jobs": lambda engine: job_queue.queue(engine, "U1"),
    "everybody's jobs": lambda engine: job_queue.queue(engine, None),
    "releasing what waits": lambda engine: job_queue.cancel_waiting(engine, by="UADMIN"),
    "a thaw": job_queue.thaw,
    "reconciling": lambda engine: reconciliation.compare(
        engine, [Billed("task-1", 2_500, 0, "kling-2.6", "")], since=engine.clock()
    ),
    "Kling's bill": reconciliation.books,
    "asking for more": ask_for_more,
    "granting it": lambda engine: increase_decisions.grant(engine, ask_for_more(engine).id, by="UBOSS", is_admin=True),
    "denying it": lambda engine: increase_decisions.deny(
        engine, ask_for_more(engine).id, by="UBOSS", is_admin=True, remark="no"
    ),
    "withdrawing it": lambda engine: increase_decisions.withdraw(engine, ask_for_more(engine).id, user_id="U1"),
    "what was asked for": increase_requests.pending,
    "a sweep": increase_decisions.sweep,
    "snoozing and acknowledging": mute,
    "schedules of digests": schedule_digests,
    "claims": claim,
    "deliveries": deliver,
    "setting a budget": lambda engine: budgets.set_budget(
        engine, Change(WORKSPACE, PeriodKind.WEEKLY, 1_000), by="UADMIN"
    ),
    "removing a budget": lambda engine: budgets.remove_budget(engine, WORKSPACE, PeriodKind.MONTHLY, by="UADMIN"),
    "showing budgets": budgets.standings,
    "showing what is unsaid": engine_outbox.unsaid,
    "trying again what was given up": engine_outbox.retry,
    "quiet hours": lambda engine: engine_outbox.set_quiet(engine, QuietHours("C1", 0, 60, False), by="UADMIN"),
    "no quiet hours": lambda engine: engine_outbox.end_quiet(engine, "C1"),
    "a look at the clock": look_at_the_clock,
    "a heartbeat": lambda engine: Heartbeat(engine).beat(),
    "correcting what a wrong clock left": lambda engine: Heartbeat(replace(engine, clock=lambda: 1)).beat(),
    "a jump of the clock": jump,
    "a project's name": lambda engine: projects.meant_by(engine, "marketing"),
    "a mistyped project's name": lambda engine: projects.meant_by(engine, "markting"),
    "a channel's project": lambda engine: projects.set_project(engine, "C1", "sales", by="UADMIN"),
}


@pytest.mark.parametrize("path", PATHS)
def test_no_command_reads_all_history(lived_in: Engine, path: str) -> None:
    statements = traced(lived_in, lambda: PATHS[path](lived_in))
    assert statements
    for sql, params in statements.items():
        assert scans(lived_in, sql, params) == [], sql


@pytest.mark.parametrize("by", ["model", "user", "project", "day"])
@pytest.mark.parametrize("scope", [WORKSPACE, project_scope("marketing"), user_scope("U1")])
def test_no_breakdown_reads_beyond_its_span(lived_in: Engine, scope: str, by: str) -> None:
    statements = traced(lived_in, lambda: usage.usage(lived_in, scope, PeriodKind.MONTHLY, by))
    assert any("daily_spend" in sql for sql in statements)
    for sql, params in statements.items():
        assert scans(lived_in, sql, params) == [], sql


@pytest.mark.parametrize("kind", list(PeriodKind))
@pytest.mark.parametrize("scope", [WORKSPACE, project_scope("marketing"), user_scope("U1")])
def test_no_digest_reads_beyond_its_span(lived_in: Engine, scope: str, kind: PeriodKind) -> None:
    period = lived_in.periods().of(kind)
    statements = traced(lived_in, lambda: figures(lived_in, scope, period))
    assert any("FROM refusals" in sql for sql in statements)
    for sql, params in statements.items():
        assert scans(lived_in, sql, params) == [], sql
    [dearest] = [(sql, params) for sql, params in statements.items() if "ORDER BY settled_microusd" in sql]
    [step] = plan(lived_in, *dearest)
    assert step.startswith("SEARCH jobs USING INDEX jobs_dearest_of_"), (
        "each day's dearest come first, nothing is sorted"
    )


def test_counting_the_waiting_jobs_looks_at_waiting_jobs_only(lived_in: Engine) -> None:
    reader = lived_in.store.read()
    for count_them in (jobs.waiting, jobs.not_taken):
        [(sql, params)] = traced(lived_in, lambda counted=count_them: counted(reader)).items()  # type: ignore[misc]
        assert plan(lived_in, sql, params) == ["SEARCH jobs USING COVERING INDEX jobs_live (state=?)"]


def steps_of(engine: Engine, work: Callable[[], object]) -> int:
    """How many instructions SQLite's machine runs for it."""
    steps = count()
    with engine.store.write() as tx:
        writer = tx.db.conn
        tx.abandon()
    writer.set_progress_handler(lambda: next(steps) and None, 1)
    work()
    writer.set_progress_handler(None, 0)
    return next(steps)


def test_a_job_takes_no_more_work_when_there_were_many_before_it(engine: Engine, clock: FakeClock) -> None:
    def whole_life() -> None:
        settle(engine, waiting(engine))
        claim(engine)

    def one_day() -> int:
        clock.tick(86_400)
        claim(engine)
        return steps_of(engine, whole_life)

    first = [one_day() for _ in range(3)][-1]
    for n in range(300):
        settle(engine, hold(engine, f"old {n}", user_id=f"U{n}"))
    assert one_day() <= first * 1.02


def test_a_scan_would_be_noticed(lived_in: Engine) -> None:
    assert scans(lived_in, "SELECT count(*) FROM jobs WHERE state = 'held'", None) != []
    assert scans(lived_in, "SELECT sum(settled_microusd) FROM entries", None) != []
