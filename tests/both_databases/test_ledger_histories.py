"""Random histories against a model so plain that it can be read at a glance: a list of jobs, summed by asking time.

The clock moves on through midnights, weeks, months and a change of the clocks; budgets come, change and go; Kling
charges more or less than was held. After each step the ledger must say what the list says.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from klingbot.domain import prices
from klingbot.domain.budgets import DEFAULT_THRESHOLDS, WORKSPACE, project_scope, scopes_of, user_scope
from klingbot.domain.jobs import Job, Request
from klingbot.domain.money import NOTHING, Amount
from klingbot.domain.periods import Calendar, Period, PeriodKind
from klingbot.domain.pricing import Wish
from klingbot.engine import (
    Clock,
    Engine,
    cancellation,
    hold_outcomes,
    job_requests,
    kling_results,
    open_engine,
    stuck_jobs,
)
from klingbot.engine import budgets as engine_budgets
from klingbot.engine.budgets import Change
from klingbot.engine.hold_outcomes import BudgetExceeded, Held, Repeated
from klingbot.store import open_store
from klingbot.store.backend.location import Place
from tests.conftest import FakeClock, run_without_limit
from tests.support.ledger_checks import ask, create, prove, slack_takes_everything, submit, total

USERS, PROJECTS = ("U1", "U2"), ("a", "b")
SCOPES = (WORKSPACE, *map(project_scope, PROJECTS), *map(user_scope, USERS))
WISHES = (Wish("kling-2.6", 5, "720p"), Wish("kling-2.6", 10), Wish("kling-3.0", 15, "4k"), Wish("kling-3.0", 7))
CHANGES = st.builds(
    Change,
    scope=st.sampled_from(SCOPES),
    kind=st.sampled_from(PeriodKind),
    limit_millicredits=st.sampled_from((None, 6_000, 20_000, 60_000)),
    limit_microusd=st.sampled_from((None, 800_000, 4_000_000)),
    thresholds=st.none(),
    channel_id=st.none(),
)
VIDEO = "https://kling.test/v.mp4"
PICKS = st.integers(0, 999)
"""Which job, of those there are. What is drawn must not depend on what came of earlier steps: see two bots at once."""
UNITS = (None, "0", "0.5", "1.5", "5", "12.25", "60")

Limits = tuple[int | None, int | None]
"""Of one budget, in milli-credits and micro-USD."""
Key = tuple[str, PeriodKind]
"""A budget's scope and period kind."""


@dataclass
class Model:
    """What a careful person would keep in a notebook."""

    jobs: dict[str, Job] = field(default_factory=dict)
    counts: dict[str, Amount] = field(default_factory=dict)
    """By job: its quote while it is held, what Kling charged once it succeeded, nothing once released."""
    budgets: dict[Key, Limits] = field(default_factory=dict)
    reached: dict[tuple[str, Period], frozenset[str]] = field(default_factory=dict)
    """By scope and period: the crossings that were announced and still hold."""
    turned_away: set[tuple[str, Period]] = field(default_factory=set)
    written_off: list[Job] = field(default_factory=list)
    """Jobs whose hold was given back while Kling may still make them."""
    announcements: int = 0
    alarms: int = 0

    def committed(self, scope: str, period: Period) -> Amount:
        counted = (
            self.counts[job.id]
            for job in self.jobs.values()
            if scope in scopes_of(job.user_id, job.project) and period.start <= job.asked_at < period.end
        )
        return sum(counted, NOTHING)

    def note(self, scope: str, period: Period) -> None:
        """Something moved: what was newly crossed is one announcement."""
        if (scope, period.kind) not in self.budgets:
            return
        now = crossings(self.committed(scope, period), self.budgets[scope, period.kind])
        self.announcements += bool(now - self.reached.get((scope, period), frozenset()))
        self.reached[scope, period] = now


def crossings(committed: Amount, limits: Limits) -> frozenset[str]:
    pairs = [(committed.millicredits, limits[0]), (committed.microusd, limits[1])]
    found = {str(t) for t in DEFAULT_THRESHOLDS for used, most in pairs if most and used * 100 >= most * t}
    return frozenset(found | {"over" for used, most in pairs if most and used > most})


def refused_by(outcome: Held | BudgetExceeded) -> set[Key]:
    return set() if isinstance(outcome, Held) else {(s.budget.scope, s.budget.kind) for s in outcome.refused}


def open_bot(place: Place, clock: Clock) -> Engine:
    """A zone whose clocks change, and prices in fractions of a credit."""
    return open_engine(open_store(place), prices.load("kling-api"), Calendar(ZoneInfo("Europe/Berlin")), clock)


class Histories(RuleBasedStateMachine):
    @initialize(budgets=st.lists(CHANGES, min_size=1, max_size=6))
    def begin(self, budgets: list[Change]) -> None:
        self.place = self.new_place()
        self.clock = FakeClock(0)
        self.clock.set(2026, 10, 23, 12)
        self.open_the_ledger()
        slack_takes_everything(self.store)  # else what nobody has read yet is only told more of
        create(self.store, *PROJECTS)
        self.model = Model()
        for change in budgets:
            self.an_admin_sets_a_budget(change)

    def new_place(self) -> Place:
        self.folder = tempfile.TemporaryDirectory()
        return Path(self.folder.name) / "klingbot.db"

    def leave_place(self) -> None:
        self.folder.cleanup()

    def open_the_ledger(self) -> None:
        self.engine = open_bot(self.place, self.clock)
        self.store = self.engine.store
        run_without_limit(self.store)  # the histories also remove the last budget

    def do(self, use_case: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Somebody wants this of the bot."""
        return use_case(self.engine, *args, **options)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            prove(self.store)
            self.store.close()
            self.leave_place()

    @property
    def live(self) -> list[Job]:
        """The jobs that Kling does not have yet, as far as the notebook knows."""
        gone = self.ended | {job.id for job in self.model.written_off}
        return [job for job in self.model.jobs.values() if job.id not in gone]

    @property
    def ended(self) -> set[str]:
        rows = self.store.read().execute("SELECT id FROM jobs WHERE finished_at IS NOT NULL").fetchall()
        return {row["id"] for row in rows}

    def live_job(self, pick: int) -> Job | None:
        return self.live[pick % len(self.live)] if self.live else None

    @rule(seconds=st.sampled_from((0.001, 60, 3_600, 86_400, 9 * 86_400)))
    def time_passes(self, seconds: float) -> None:
        self.clock.tick(seconds)

    @rule(
        user=st.sampled_from(USERS),
        project=st.sampled_from(PROJECTS),
        wish=st.sampled_from(WISHES),
    )
    def somebody_asks(self, user: str, project: str, wish: Wish) -> None:
        request = ask(f"r{len(self.model.jobs)} {self.clock.at} {user}", wish, user_id=user, project=project)
        estimate = self.do(job_requests.estimate, request)
        assert isinstance(estimate, hold_outcomes.Estimate)
        broken = self.broken_by(request, estimate.quote.amount)
        outcome = self.do(job_requests.hold, request)
        assert refused_by(outcome) == broken
        self.answered(request, outcome)
        if isinstance(outcome, BudgetExceeded):
            assert estimate.refused == outcome.refused
        else:
            assert self.do(job_requests.hold, request) == Repeated(outcome.job)

    @rule(pick=PICKS, units=st.sampled_from(UNITS))
    def kling_makes_one(self, pick: int, units: str | None) -> None:
        job = self.live_job(pick)
        if job is None:
            return
        charged = None if units is None else Decimal(units)
        done = self.do(kling_results.succeeded, self.do(submit, job), units=charged, video_url=VIDEO)
        assert done.settled is not None
        self.model.counts[job.id] = done.settled
        self._moved(job)

    @rule(pick=PICKS)
    def kling_fails_at_one(self, pick: int) -> None:
        job = self.live_job(pick)
        if job is None:
            return
        assert self.do(kling_results.failed, self.do(submit, job), "too dark")
        self._released(job)

    @rule(pick=PICKS)
    def somebody_cancels(self, pick: int) -> None:
        job = self.live_job(pick)
        if job is None:
            return
        assert isinstance(
            self.do(cancellation.cancel, job.id, user_id=job.user_id, is_admin=False), cancellation.Cancelled
        )
        self._released(job)

    @rule(pick=PICKS)
    def an_admin_writes_one_off(self, pick: int) -> None:
        job = self.live_job(pick)
        if job is None:
            return
        self.do(submit, job)
        self.do(stuck_jobs.show_stuck, after_ms=0)
        assert isinstance(self.do(stuck_jobs.write_off, job.id, by="UADMIN", reason="silence"), stuck_jobs.WrittenOff)
        self.model.written_off.append(job)
        self._released(job)

    @rule(pick=PICKS, units=st.sampled_from((*UNITS, "failed")))
    def kling_says_after_all_how_one_ended(self, pick: int, units: str | None) -> None:
        if not self.model.written_off:
            return
        job = self.model.written_off.pop(pick % len(self.model.written_off))
        if units == "failed":
            assert self.do(kling_results.failed, job, "too dark")
            return
        charged = None if units is None else Decimal(units)
        done = self.do(kling_results.succeeded, job, units=charged, video_url=VIDEO)
        self.model.counts[job.id] = done.settled
        self._moved(job)

    @rule(pick=PICKS)
    def a_verdict_comes_twice(self, pick: int) -> None:
        ended = [job for job in self.model.jobs.values() if job.id in self.ended]
        if not ended:
            return
        job = ended[pick % len(ended)]
        assert self.do(kling_results.succeeded, job, units=None, video_url=VIDEO) is None
        assert self.do(kling_results.failed, job, "again") is None

    @rule(change=CHANGES)
    def an_admin_sets_a_budget(self, change: Change) -> None:
        scope, kind = change.scope, change.kind
        before = self.model.budgets.get((scope, kind), (None, None))
        limits = (change.limit_millicredits or before[0], change.limit_microusd or before[1])
        self.do(engine_budgets.set_budget, change, by="UADMIN")
        if limits == (None, None):
            return
        self.model.budgets[scope, kind] = limits
        period = self.engine.periods().of(kind)
        if limits != before:
            self.model.turned_away.discard((scope, period))
        self.model.note(scope, period)

    @precondition(lambda self: self.model.budgets)
    @rule(data=st.data())
    def an_admin_removes_a_budget(self, data: st.DataObject) -> None:
        scope, kind = data.draw(st.sampled_from(sorted(self.model.budgets)))
        assert self.do(engine_budgets.remove_budget, scope, kind, by="UADMIN")
        del self.model.budgets[scope, kind]
        self.model.reached = {
            key: at for key, at in self.model.reached.items() if (key[0], key[1].kind) != (scope, kind)
        }
        self.model.turned_away = {key for key in self.model.turned_away if (key[0], key[1].kind) != (scope, kind)}

    @rule()
    def the_bot_restarts(self) -> None:
        self.store.close()
        self.open_the_ledger()

    @invariant()
    def every_total_is_what_the_notebook_adds_up_to(self) -> None:
        for scope in SCOPES:
            for period in self.engine.periods():
                assert total(self.engine, scope, period).committed == self.model.committed(scope, period)

    @invariant()
    def every_budget_stands_where_the_notebook_says(self) -> None:
        found = {
            (s.budget.scope, s.budget.kind): (
                (s.budget.limit_millicredits, s.budget.limit_microusd),
                s.total.committed,
            )
            for s in engine_budgets.standings(self.engine)
        }
        periods = self.engine.periods()
        assert found == {
            (scope, kind): (limits, self.model.committed(scope, periods.of(kind)))
            for (scope, kind), limits in self.model.budgets.items()
        }

    @invariant()
    def everything_was_announced_once(self) -> None:
        rows = self.store.read().execute("SELECT kind, count(*) AS n FROM outbox GROUP BY kind").fetchall()
        counts = {row["kind"]: row["n"] for row in rows}
        assert counts.get("crossed", 0) == self.model.announcements
        assert counts.get("turned away", 0) == self.model.alarms

    def broken_by(self, request: Request, cost: Amount) -> set[Key]:
        """The budgets that would not hold it, as the notebook has them."""
        return {
            (scope, period.kind)
            for scope, period in self._touched(request)
            if (limits := self.model.budgets.get((scope, period.kind)))
            and "over" in crossings(self.model.committed(scope, period) + cost, limits)
        }

    def answered(self, request: Request, outcome: Held | BudgetExceeded) -> None:
        """Writes down what became of a request."""
        if isinstance(outcome, Held):
            self.model.jobs[outcome.job.id], self.model.counts[outcome.job.id] = outcome.job, outcome.job.quote
            self._moved(outcome.job)
            return
        broken = refused_by(outcome)
        told = {(scope, period) for scope, period in self._touched(request) if (scope, period.kind) in broken}
        self.model.alarms += len(told - self.model.turned_away)
        self.model.turned_away |= told

    def _touched(self, request: Request) -> list[tuple[str, Period]]:
        scopes = scopes_of(request.user_id, request.project or "")
        return [(scope, period) for scope in scopes for period in self.engine.periods()]

    def _released(self, job: Job) -> None:
        self.model.counts[job.id] = NOTHING
        self._moved(job)

    def _moved(self, job: Job) -> None:
        for scope in scopes_of(job.user_id, job.project):
            for period in self.engine.calendar.periods(job.asked_at):
                self.model.note(scope, period)


TestHistories = pytest.mark.slow(Histories.TestCase)
TestHistories.settings = settings(deadline=None, max_examples=15, stateful_step_count=40)
