"""Nothing is started before there is a budget, unless an admin has chosen to run without one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlite_utils import Database

from klingbot.domain import prices
from klingbot.domain.budgets import UPGRADE, WORKSPACE, Waiver, project_scope, user_scope
from klingbot.domain.notifications import IncreaseClosed, RunsUnlimited
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.domain.project_rules import Consent
from klingbot.engine import (
    Engine,
    budgets,
    first_budget,
    increase_decisions,
    increase_requests,
    job_requests,
    open_engine,
    project_rules,
)
from klingbot.engine.budgets import Change
from klingbot.engine.hold_outcomes import Estimate, Held, NeedsConsent, NoBudgetYet, Repeated
from klingbot.sdk.cost_file_import import take_over
from klingbot.store import Store, open_store
from klingbot.store import first_budget_choice as kept
from klingbot.store.maintenance.ledger_copy import move
from migrations.migrations import migrations
from tests.conftest import FakeClock
from tests.support.ledger_checks import ask, hold, prove, queued, rows_of
from tests.unit.workers.test_notifier import Post, local, post  # noqa: F401

pytestmark = pytest.mark.both_databases

ADMIN = "U0ADMIN"


@pytest.fixture
def fresh(new_engine: Engine) -> Engine:
    return new_engine


def engine_on(store: Store, clock: FakeClock) -> Engine:
    return open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), clock)


def set_budget(engine: Engine, scope: str = WORKSPACE, kind: PeriodKind = PeriodKind.MONTHLY, **limits: int) -> None:
    change = Change(scope, kind, **(limits or {"limit_millicredits": 1_000_000}))
    assert isinstance(budgets.set_budget(engine, change, by=ADMIN), budgets.BudgetSet)


def remove_budget(engine: Engine, scope: str = WORKSPACE) -> None:
    assert budgets.remove_budget(engine, scope, PeriodKind.MONTHLY, by=ADMIN)


def waiver(engine: Engine) -> Waiver | None:
    return kept.waiver(engine.store.read())


def test_a_new_ledger_starts_nothing_and_says_why(fresh: Engine) -> None:
    outcome = job_requests.hold(fresh, ask("r1"))
    assert isinstance(outcome, NoBudgetYet)
    assert outcome.user_id == "U1"
    assert rows_of(fresh.store.read(), "jobs") == rows_of(fresh.store.read(), "entries") == []
    assert rows_of(fresh.store.read(), "totals") == rows_of(fresh.store.read(), "outbox") == []
    prove(fresh.store)


def test_what_was_declined_is_kept_so_that_it_can_be_sent_again(fresh: Engine) -> None:
    outcome = job_requests.hold(fresh, ask("r1"))
    assert isinstance(outcome, NoBudgetYet)
    assert increase_requests.refused_request(fresh, outcome.id, "U1") == ask("r1")
    set_budget(fresh)
    assert isinstance(job_requests.hold(fresh, ask("r1")), Held)


def test_a_quote_says_that_nothing_can_be_started(fresh: Engine) -> None:
    quoted = job_requests.estimate(fresh, ask("r1"))
    assert isinstance(quoted, Estimate)
    assert quoted.no_budget_yet
    set_budget(fresh)
    quoted = job_requests.estimate(fresh, ask("r1"))
    assert isinstance(quoted, Estimate)
    assert not quoted.no_budget_yet


@pytest.mark.parametrize("scope", [WORKSPACE, project_scope("other"), user_scope("U9")])
@pytest.mark.parametrize("limit", ["limit_millicredits", "limit_microusd"])
@pytest.mark.parametrize("kind", PeriodKind)
def test_any_budget_opens_the_bot(fresh: Engine, scope: str, limit: str, kind: PeriodKind) -> None:
    set_budget(fresh, scope, kind, **{limit: 100_000_000})
    hold(fresh, "r1")


def test_the_bot_stops_again_when_the_last_budget_is_removed(fresh: Engine) -> None:
    set_budget(fresh)
    set_budget(fresh, project_scope("other"))
    made = hold(fresh, "r1")
    remove_budget(fresh)
    hold(fresh, "r2")
    remove_budget(fresh, project_scope("other"))
    assert isinstance(job_requests.hold(fresh, ask("r3")), NoBudgetYet)
    # What was held before stays, and the same request once more has the same answer.
    assert job_requests.hold(fresh, ask("r1")) == Repeated(made)
    prove(fresh.store)


def test_an_admin_may_choose_to_run_without_a_limit_and_take_that_back(fresh: Engine, clock: FakeClock) -> None:
    assert first_budget.waive(fresh, by=ADMIN, why="trial").may_start
    assert waiver(fresh) == Waiver(ADMIN, clock.at)
    hold(fresh, "r1")
    clock.tick(60)
    first_budget.waive(fresh, by="U0OTHER")  # the first choice stays on record
    assert waiver(fresh) == Waiver(ADMIN, clock.at - 60_000)
    first_budget.require(fresh, by="U0OTHER", why="enough")
    assert isinstance(job_requests.hold(fresh, ask("r2")), NoBudgetYet)
    first_budget.require(fresh, by="U0OTHER")
    noted = [(each.by, each.before, each.after, each.why) for each in project_rules.changes(fresh, WORKSPACE)]
    assert noted == [("U0OTHER", "waived", "required", "enough"), (ADMIN, "required", "waived", "trial")]


def test_the_choice_of_an_admin_outlives_the_last_budget(fresh: Engine) -> None:
    first_budget.waive(fresh, by=ADMIN)
    set_budget(fresh)
    remove_budget(fresh)
    hold(fresh, "r1")


def test_the_need_for_a_budget_comes_before_a_projects_rules(fresh: Engine) -> None:
    project_rules.set_rules(fresh, project_rules.RuleChange("marketing", approve_above=1_000), by=ADMIN)
    assert isinstance(job_requests.hold(fresh, ask("r1")), NoBudgetYet)


def test_an_approved_video_is_not_made_without_a_budget(fresh: Engine) -> None:
    set_budget(fresh)
    project_rules.set_rules(fresh, project_rules.RuleChange("marketing", approve_above=1_000), by=ADMIN)
    asked = job_requests.hold(fresh, ask("r1"))
    assert isinstance(asked, NeedsConsent)
    assert isinstance(
        increase_requests.ask_for_refused(fresh, asked.id, increase_requests.Wanted("U1", "")), increase_requests.Asked
    )
    [increase] = increase_requests.pending(fresh)
    remove_budget(fresh)
    outcome = increase_decisions.grant(fresh, increase.id, by=ADMIN, is_admin=True)
    assert isinstance(outcome, IncreaseClosed)
    assert outcome.job is None
    assert outcome.obstacle == "Nobody has set a budget yet, so no video can be started."
    assert rows_of(fresh.store.read(), "jobs") == []


def test_confirming_and_making_something_cheaper_need_a_budget_too(fresh: Engine) -> None:
    set_budget(fresh)
    project_rules.set_rules(fresh, project_rules.RuleChange("marketing", confirm_above=1_000), by=ADMIN)
    asked = job_requests.hold(fresh, ask("r1"))
    assert isinstance(asked, NeedsConsent)
    assert asked.wanted is Consent.CONFIRMED
    remove_budget(fresh)
    assert isinstance(increase_requests.confirm(fresh, asked.id, user_id="U1"), NoBudgetYet)
    cheaper = {"model": "kling-v1", "duration_seconds": 5, "resolution": "1080p", "audio": False}
    assert isinstance(increase_requests.make_instead(fresh, asked.id, user_id="U1", **cheaper), NoBudgetYet)


def test_scripts_keep_the_default_of_the_guide(fresh: Engine, new_store: Store, clock: FakeClock) -> None:
    script = open_engine(new_store, fresh.prices, fresh.calendar, clock, requires_budget=False)
    hold(script, "r1")
    assert isinstance(job_requests.hold(fresh, ask("r2")), NoBudgetYet)


def test_usage_that_was_imported_is_no_choice_but_an_imported_budget_is_a_budget(fresh: Engine) -> None:
    record = {
        "job_id": "a", "timestamp": "2026-11-02T10:00:00", "duration": 10, "model": "kling-pro", "credits_used": 40,
        "cost_usd": 2.4, "user_id": "U1", "project_id": "marketing",
    }  # fmt: skip
    assert take_over(fresh, json.dumps({"records": [record], "budgets": {}}).encode()).records == 1
    assert isinstance(job_requests.hold(fresh, ask("r1")), NoBudgetYet)
    budget = {"period": "monthly", "limit_credits": 1_000, "limit_usd": 60.0, "alert_threshold": 0.8}
    assert take_over(fresh, json.dumps({"records": [], "budgets": {"marketing": budget}}).encode()).budgets == 1
    hold(fresh, "r2")


def test_the_choice_moves_with_the_ledger(fresh: Engine, tmp_path: Path, clock: FakeClock) -> None:
    first_budget.waive(fresh, by=ADMIN)
    move(fresh.store.place, tmp_path / "moved.db", now=clock.at)
    with closing(open_store(tmp_path / "moved.db")) as store:
        moved = engine_on(store, clock)
        assert waiver(moved) == waiver(fresh)
        hold(moved, "r1")


# What a version before this one left behind.


def older(path: Path, *, jobs: int = 0, channel: str = "C1", budget: bool = False) -> None:
    """A ledger file of the last version that needed no budget."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        old = Database(connection)
        migrations.apply(old, stop_before="m019_budget_requirement")
        for n in range(jobs):
            connection.execute(
                """
                INSERT INTO jobs (id, state, user_id, project, channel_id, prompt, model, duration_seconds, resolution,
                  audio, aspect, omni, price_list, kling_units, microusd_per_credit, quote_millicredits, quote_microusd,
                  asked_at, day_start, week_start, month_start, due_at, finished_at)
                VALUES (?, 'failed', 'U1', 'marketing', ?, '', 'kling-pro', 10, '1080p', 0, '16:9', 0, 'credits', 0,
                  60000, 40000, 2400000, 1, 0, 0, 0, 1, 1)""",
                [f"old{n}", channel],
            )
        if budget:
            connection.execute(
                "INSERT INTO budgets (scope, period_kind, limit_millicredits, thresholds, set_by, set_at)"
                " VALUES ('workspace', 'monthly', 1000000, '80,100', 'UADMIN', 0)"
            )


@pytest.mark.backend("sqlite")
def test_a_ledger_that_ran_without_budgets_goes_on_and_the_admins_are_told_once(place: Path, clock: FakeClock) -> None:
    older(place, jobs=2)
    for _ in range(3):
        with closing(open_store(place)) as store:
            engine = engine_on(store, clock)
            hold(engine, f"r{clock.at}")
            assert waiver(engine) == Waiver(UPGRADE, clock.at - clock.at % 86_400_000 + 43_200_000)
            assert len(queued(store, RunsUnlimited)) == 1
            [noted] = project_rules.changes(engine, WORKSPACE)
            assert (noted.by, noted.before, noted.after) == ("Klingbot", "required", "waived")
        clock.tick(60)


@pytest.mark.backend("postgres")
def test_a_database_that_ran_without_budgets_goes_on_too(store: Store, clock: FakeClock) -> None:
    hold(engine_on(store, clock), "r1")
    with store.write() as tx:  # as it was before
        tx.execute("DELETE FROM _migrations WHERE name = :name", {"name": "m019_budget_requirement"})
        kept.end_waiver(tx)
    with closing(open_store(store.place)) as upgraded:
        engine = engine_on(upgraded, clock)
        assert waiver(engine) == Waiver(UPGRADE, clock.at)
        assert len(queued(upgraded, RunsUnlimited)) == 1
        hold(engine, "r2")


@pytest.mark.backend("sqlite")
def test_in_slack_each_admin_is_told_once_with_the_ways_out(post: Post) -> None:  # noqa: F811
    store, clock = post.engine.store, post.clock
    with store.write() as tx:  # as the migration leaves it
        kept.waive(tx, Waiver(UPGRADE, 0))
    for _ in range(2):
        engine_on(store, clock)
        post.deliver(3, post.notifier(alerts_channel=None, admins=("U0ALICE001", "U0BOB00001")))
    for direct, person in (("D0ALICE001", "U0ALICE001"), ("D0BOB00001", "U0BOB00001")):
        [said] = post.seen(direct, person)
        assert said.text.startswith("No budget limits what your team spends on videos")
        [row] = [block for block in said.blocks if block["type"] == "actions"]
        assert [each["action_id"] for each in row["elements"]] == ["budget.set", "budget.unlimited"]


@pytest.mark.backend("sqlite")
def test_what_an_upgrade_allowed_ends_with_the_first_budget(place: Path, clock: FakeClock) -> None:
    older(place, jobs=1)
    with closing(open_store(place)) as store:
        engine = engine_on(store, clock)
        set_budget(engine)
        assert waiver(engine) is None
        remove_budget(engine)
        assert isinstance(job_requests.hold(engine, ask("r1")), NoBudgetYet)


@pytest.mark.backend("sqlite")
def test_an_admin_may_confirm_what_an_upgrade_allowed(place: Path, clock: FakeClock) -> None:
    older(place, jobs=1)
    with closing(open_store(place)) as store:
        engine = engine_on(store, clock)
        first_budget.waive(engine, by=ADMIN)
        assert waiver(engine) == Waiver(ADMIN, clock.at)


@pytest.mark.backend("sqlite")
@pytest.mark.parametrize(
    ("jobs", "channel", "budget"),
    [(0, "C1", False), (2, "", False), (0, "C1", True), (2, "C1", True)],
    ids=["never used", "used by scripts alone", "with a budget", "with a budget and jobs"],
)
def test_nothing_changes_for_other_ledgers(
    place: Path, clock: FakeClock, jobs: int, channel: str, budget: bool
) -> None:
    older(place, jobs=jobs, channel=channel, budget=budget)
    with closing(open_store(place)) as store:
        engine = engine_on(store, clock)
        assert waiver(engine) is None
        assert queued(store, RunsUnlimited) == []
        assert isinstance(job_requests.hold(engine, ask("r1", project=None)), Held if budget else NoBudgetYet)
