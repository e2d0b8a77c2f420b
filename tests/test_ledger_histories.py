"""Random histories against a model so plain that it can be read at a glance: a list of jobs, summed by asking time.

The clock moves on through midnights, weeks, months and a change of the clocks; budgets come, change and go; Kling
charges more or less than was held. After each step the ledger must say what the list says.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from klingbot import prices
from klingbot.budgets import DEFAULT_THRESHOLDS, WORKSPACE, project_scope, scopes_of, user_scope
from klingbot.engine import Engine, asking, budgeting, open_engine, verdicts
from klingbot.engine.asking import BudgetExceeded, Held, Repeated
from klingbot.engine.budgeting import Change
from klingbot.jobs import Job
from klingbot.money import NOTHING, Amount
from klingbot.periods import Calendar, Period, PeriodKind
from klingbot.pricing import Wish
from klingbot.store import Store
from tests.conftest import FakeClock
from tests.ledger_checks import ask, prove, settle, submit, total

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


class Histories(RuleBasedStateMachine):
    @initialize(budgets=st.lists(CHANGES, min_size=1, max_size=6))
    def begin(self, budgets: list[Change]) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(Path(self.folder.name) / "klingbot.db")
        self.clock = FakeClock(0)
        self.clock.set(2026, 10, 23, 12)
        self.engine: Engine = open_engine(
            self.store, prices.load("kling-api"), Calendar(ZoneInfo("Europe/Berlin")), self.clock
        )
        self.model = Model()
        for change in budgets:
            self.an_admin_sets_a_budget(change)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            prove(self.store)
            self.store.close()
            self.folder.cleanup()

    @property
    def live(self) -> list[Job]:
        """The jobs that Kling does not have yet, as far as the notebook knows."""
        return [job for job in self.model.jobs.values() if job.id not in self.ended]

    @property
    def ended(self) -> set[str]:
        rows = self.store.read().execute("SELECT id FROM jobs WHERE finished_at IS NOT NULL").fetchall()
        return {row["id"] for row in rows}

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
        estimate = asking.estimate(self.engine, request)
        assert isinstance(estimate, asking.Estimate)
        cost, periods = estimate.quote.amount, list(self.engine.periods())
        touched = [(scope, period) for scope in scopes_of(user, project) for period in periods]
        broken = {
            (scope, period.kind)
            for scope, period in touched
            if (limits := self.model.budgets.get((scope, period.kind)))
            and "over" in crossings(self.model.committed(scope, period) + cost, limits)
        }
        outcome = asking.hold(self.engine, request)
        if broken:
            assert isinstance(outcome, BudgetExceeded)
            assert {(s.budget.scope, s.budget.kind) for s in outcome.refused} == broken
            assert estimate.refused == outcome.refused
            told = {(scope, period) for scope, period in touched if (scope, period.kind) in broken}
            self.model.alarms += len(told - self.model.turned_away)
            self.model.turned_away |= told
            return
        assert isinstance(outcome, Held)
        self.model.jobs[outcome.job.id], self.model.counts[outcome.job.id] = outcome.job, cost
        self._moved(outcome.job)
        assert asking.hold(self.engine, request) == Repeated(outcome.job)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), units=st.sampled_from(UNITS))
    def kling_makes_one(self, data: st.DataObject, units: str | None) -> None:
        job = data.draw(st.sampled_from(self.live))
        done = settle(self.engine, job, units)
        assert done.settled is not None
        self.model.counts[job.id] = done.settled
        self._moved(job)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def kling_fails_at_one(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.live))
        assert verdicts.failed(self.engine, submit(self.engine, job), "too dark")
        self._released(job)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def somebody_cancels(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.live))
        assert isinstance(asking.cancel(self.engine, job.id, user_id=job.user_id, is_admin=False), asking.Cancelled)
        self._released(job)

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def a_verdict_comes_twice(self, data: st.DataObject) -> None:
        job = self.model.jobs[data.draw(st.sampled_from(sorted(self.ended)))]
        assert verdicts.succeeded(self.engine, job, units=None, video_url="https://kling.test/v.mp4") is None
        assert verdicts.failed(self.engine, job, "again") is None

    @rule(change=CHANGES)
    def an_admin_sets_a_budget(self, change: Change) -> None:
        scope, kind = change.scope, change.kind
        before = self.model.budgets.get((scope, kind), (None, None))
        limits = (change.limit_millicredits or before[0], change.limit_microusd or before[1])
        budgeting.set_budget(self.engine, change, by="UADMIN")
        if limits == (None, None):
            return
        self.model.budgets[scope, kind] = limits
        period = self.engine.periods().of(kind)
        self.model.turned_away.discard((scope, period))
        self.model.note(scope, period)

    @precondition(lambda self: self.model.budgets)
    @rule(data=st.data())
    def an_admin_removes_a_budget(self, data: st.DataObject) -> None:
        scope, kind = data.draw(st.sampled_from(sorted(self.model.budgets)))
        assert budgeting.remove_budget(self.engine, scope, kind)
        del self.model.budgets[scope, kind]
        self.model.reached = {
            key: at for key, at in self.model.reached.items() if (key[0], key[1].kind) != (scope, kind)
        }
        self.model.turned_away = {key for key in self.model.turned_away if (key[0], key[1].kind) != (scope, kind)}

    @rule()
    def the_bot_restarts(self) -> None:
        self.store.close()
        self.store = Store(self.store.path)
        self.engine = open_engine(self.store, self.engine.prices, self.engine.calendar, self.clock)

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
            for s in budgeting.standings(self.engine)
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

    def _released(self, job: Job) -> None:
        self.model.counts[job.id] = NOTHING
        self._moved(job)

    def _moved(self, job: Job) -> None:
        for scope in scopes_of(job.user_id, job.project):
            for period in self.engine.calendar.periods(job.asked_at):
                self.model.note(scope, period)


TestHistories = pytest.mark.slow(Histories.TestCase)
TestHistories.settings = settings(deadline=None, max_examples=60, stateful_step_count=40)
