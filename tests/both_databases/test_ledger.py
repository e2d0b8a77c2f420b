"""Holds, their endings, budgets and what they announce, on a real file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klingbot.domain import prices
from klingbot.domain.budgets import OVER, WORKSPACE, Standing, Total, project_scope, user_scope
from klingbot.domain.jobs import JobState, id_for
from klingbot.domain.money import NOTHING, Amount
from klingbot.domain.notifications import (
    Crossed,
    JobFailed,
    SubmittingResumed,
    SubmittingStopped,
    TurnedAway,
    VideoReady,
)
from klingbot.domain.periods import WEEKDAYS, Calendar, PeriodKind
from klingbot.domain.pricing import NotSold, Wish
from klingbot.engine import (
    Engine,
    budgets,
    cancellation,
    hold_outcomes,
    job_requests,
    kling_results,
    open_engine,
    projects,
    usage,
    usage_records,
)
from klingbot.engine.budgets import BudgetSet, Change, NoLimit
from klingbot.engine.cancellation import Cancelled, NoSuchJob, NotYours, TooLate
from klingbot.engine.hold_outcomes import BudgetExceeded, Held, Repeated, Stopped
from klingbot.engine.usage_records import Spent
from klingbot.store import Store, daily_spend, jobs, ledger, open_store, outbox, outbox_leases
from tests.conftest import FakeClock, run_without_limit
from tests.support.ledger_checks import (
    REFUSED,
    TEN_SECONDS,
    ask,
    everything,
    hold,
    nine_totals,
    prove,
    queued,
    settle,
    slack_takes_everything,
    submit,
    total,
)

pytestmark = pytest.mark.both_databases

DAILY, WEEKLY, MONTHLY = PeriodKind
MARKETING = project_scope("marketing")
FORTY = Amount(40_000, 2_400_000)


@pytest.fixture(autouse=True)
def proved(store: Store) -> Iterator[None]:
    """Whatever a test did: afterwards the totals are what the entries say."""
    yield
    prove(store)


@pytest.fixture
def api_engine(store: Store, clock: FakeClock) -> Engine:
    """With Kling's own units, so that a job settles at what Kling deducted."""
    return open_engine(store, prices.load("kling-api"), Calendar(ZoneInfo("UTC")), clock)


@pytest.fixture
def listening(engine: Engine) -> Engine:
    """The engine, and a Slack that takes each message the moment it is queued."""
    slack_takes_everything(engine.store)
    return engine


def limit(engine: Engine, scope: str, credits: int, kind: PeriodKind = MONTHLY, **more: Any) -> Standing:
    """A budget of so many whole credits."""
    change = replace(Change(scope, kind, credits * 1_000), **more)
    outcome = budgets.set_budget(engine, change, by="UADMIN")
    assert isinstance(outcome, BudgetSet)
    return outcome.standing


def standing(engine: Engine, scope: str, kind: PeriodKind = MONTHLY) -> Standing:
    [found] = [s for s in budgets.standings_of(engine, scope) if s.budget.kind is kind]
    return found


def refused(engine: Engine, request_id: str, wish: Wish = TEN_SECONDS) -> BudgetExceeded:
    outcome = job_requests.hold(engine, ask(request_id, wish))
    assert isinstance(outcome, BudgetExceeded), outcome
    return outcome


# A hold and how it ends.


def test_a_hold_counts_in_all_nine_totals(engine: Engine) -> None:
    job = hold(engine, "r1")
    assert job.quote == FORTY
    assert nine_totals(engine, job) == dict.fromkeys(nine_totals(engine, job), Total(held=FORTY))
    assert len(nine_totals(engine, job)) == 9


def test_a_settle_replaces_the_hold_in_all_nine(engine: Engine) -> None:
    job = settle(engine, hold(engine, "r1"))
    assert (job.state, job.settled) == (JobState.SUCCEEDED, FORTY)
    assert set(nine_totals(engine, job).values()) == {Total(settled=FORTY)}


@pytest.mark.parametrize("submitted", [False, True])
def test_a_release_gives_the_hold_back_in_all_nine(engine: Engine, submitted: bool) -> None:
    job = hold(engine, "r1")
    if submitted:
        released = kling_results.failed(engine, submit(engine, job), "too dark")
    else:
        released = kling_results.refused(engine, job, "prompt blocked")
    assert released is not None
    assert released.state is (JobState.FAILED if submitted else JobState.RELEASED)
    assert set(nine_totals(engine, job).values()) == {Total()}
    assert [content.job.id for content in queued(engine.store, JobFailed)] == [job.id]


def test_a_cancel_gives_the_hold_back(engine: Engine) -> None:
    job = hold(engine, "r1")
    outcome = cancellation.cancel(engine, job.id, user_id="U1", is_admin=False)
    assert isinstance(outcome, Cancelled)
    assert outcome.job.reason == "cancelled by U1"
    assert set(nine_totals(engine, job).values()) == {Total()}


def test_other_peoples_jobs_count_apart_and_together(engine: Engine) -> None:
    hold(engine, "r1", user_id="U1", project="a")
    settle(engine, hold(engine, "r2", user_id="U2", project="a"))
    hold(engine, "r3", user_id="U2", project="b")
    month = engine.periods().monthly
    assert total(engine, user_scope("U1"), month) == Total(held=FORTY)
    assert total(engine, user_scope("U2"), month) == Total(FORTY, FORTY)
    assert total(engine, project_scope("a"), month) == Total(FORTY, FORTY)
    assert total(engine, project_scope("b"), month) == Total(held=FORTY)
    assert total(engine, WORKSPACE, month) == Total(FORTY + FORTY, FORTY)


@pytest.mark.parametrize("ending", ["settle", "release", "cancel"])
def test_a_job_ends_in_the_periods_it_was_asked_for_in(engine: Engine, clock: FakeClock, ending: str) -> None:
    clock.set(2027, 1, 31, 23, 59, 59)  # a Sunday: with midnight begin a new day, week and month
    job = hold(engine, "r1")
    clock.tick(2)
    if ending == "settle":
        settle(engine, job)
    elif ending == "release":
        kling_results.failed(engine, submit(engine, job), "too dark")
    else:
        cancellation.cancel(engine, job.id, user_id="U1", is_admin=False)
    then = Total(settled=FORTY) if ending == "settle" else Total()
    assert set(nine_totals(engine, job).values()) == {then}
    for period in engine.periods():
        assert period.start > job.asked_at
        assert total(engine, WORKSPACE, period) == Total()


def test_yesterdays_holds_leave_todays_budget_alone(engine: Engine, clock: FakeClock) -> None:
    limit(engine, WORKSPACE, 40, DAILY)
    clock.set(2026, 11, 23, 23, 59, 59)
    hold(engine, "r1")
    refused(engine, "r2")
    clock.tick(1)
    hold(engine, "r3")


# Once only.


def test_the_same_request_again_is_the_same_job_and_no_second_hold(engine: Engine) -> None:
    job = hold(engine, "r1")
    before = everything(engine.store)
    assert job_requests.hold(engine, ask("r1")) == Repeated(job)
    assert job_requests.hold(engine, ask("r1", Wish("kling-v1", 5))) == Repeated(job)
    assert everything(engine.store) == before


def test_a_request_repeated_after_its_end_finds_how_it_ended(engine: Engine, clock: FakeClock) -> None:
    done = settle(engine, hold(engine, "r1"))
    clock.tick(3600)
    assert job_requests.hold(engine, ask("r1")) == Repeated(done)


def test_a_repeated_request_is_answered_even_when_the_budget_is_used_up_or_kling_stopped(engine: Engine) -> None:
    limit(engine, WORKSPACE, 40)
    job = hold(engine, "r1")
    kling_results.stopped(engine, code=1102, reason="no units left")
    assert job_requests.hold(engine, ask("r1")) == Repeated(job)


@pytest.mark.parametrize("first", ["succeeded", "failed", "refused", "cancelled"])
def test_a_second_ending_changes_nothing(engine: Engine, first: str) -> None:
    job = hold(engine, "r1")
    if first == "cancelled":
        cancellation.cancel(engine, job.id, user_id="U1", is_admin=False)
    elif first == "refused":
        kling_results.refused(engine, job, "prompt blocked")
    elif first == "failed":
        kling_results.failed(engine, submit(engine, job), "too dark")
    else:
        settle(engine, job)
    before = everything(engine.store)
    assert kling_results.succeeded(engine, job, units=None, video_url="https://kling.test/again.mp4") is None
    assert kling_results.failed(engine, job, "again") is None
    assert kling_results.refused(engine, job, "again") is None
    assert kling_results.held_again(engine, job) is None
    assert kling_results.look_again(engine, job, due_at=0) is None
    assert kling_results.submitting(engine, job, "/again", due_at=0) is None
    assert kling_results.submitted(engine, job, "task-again", due_at=0) is None
    assert isinstance(cancellation.cancel(engine, job.id, user_id="U1", is_admin=True), TooLate)
    assert everything(engine.store) == before


def test_what_was_never_sent_cannot_be_settled(engine: Engine) -> None:
    job = hold(engine, "r1")
    assert kling_results.succeeded(engine, job, units=None, video_url="https://kling.test/v.mp4") is None
    assert set(nine_totals(engine, job).values()) == {Total(held=FORTY)}


@pytest.mark.parametrize("change", ["UPDATE entries SET reason = 'tidied'", "DELETE FROM entries"])
def test_entries_are_never_edited(engine: Engine, change: str) -> None:
    hold(engine, "r1")
    with pytest.raises(REFUSED, match="entries are never edited"), engine.store.write() as tx:
        tx.execute(change)


def test_the_database_itself_refuses_to_end_a_hold_twice(engine: Engine) -> None:
    job = settle(engine, hold(engine, "r1"))
    hold(engine, "r2")  # so that no total would fall below zero
    with pytest.raises(REFUSED, match="entries"), engine.store.write() as tx:
        ledger.release(tx, job, at=0, reason="again")
    with pytest.raises(REFUSED, match="entries"), engine.store.write() as tx:
        ledger.hold(tx, job)


@pytest.mark.parametrize("column", ["held_millicredits", "held_microusd", "settled_millicredits", "settled_microusd"])
def test_no_total_can_go_below_zero(engine: Engine, column: str) -> None:
    hold(engine, "r1")
    with pytest.raises(REFUSED, match=r"(?i)check"), engine.store.write() as tx:
        tx.execute(f"UPDATE totals SET {column} = -1")


def test_money_columns_take_integers_only(engine: Engine) -> None:
    hold(engine, "r1")
    with pytest.raises((*REFUSED, TypeError), match=r"cannot store REAL|is a float"), engine.store.write() as tx:
        tx.execute("UPDATE totals SET held_millicredits = :half", {"half": 0.5})


OF_NO_JOB = """
    INSERT INTO entries
      (job_id, kind, held_millicredits, held_microusd, settled_millicredits, settled_microusd, author, at)
    VALUES ('nobody', 'hold', 1, 1, 0, 0, 'U1', 0)"""


def test_a_write_that_breaks_leaves_nothing_and_the_next_one_works(engine: Engine) -> None:
    before = everything(engine.store)
    with pytest.raises(RuntimeError), engine.store.write() as tx:
        tx.execute("INSERT INTO projects VALUES ('C9', 'lost')")
        raise RuntimeError("the listener broke")
    with pytest.raises(REFUSED), engine.store.write() as tx:
        tx.execute(OF_NO_JOB)
    assert projects.project_of(engine, "C9") == "default"
    assert everything(engine.store) == before
    hold(engine, "r1")


@pytest.mark.backend("sqlite")
def test_a_commit_that_fails_leaves_nothing_and_the_next_one_works(engine: Engine) -> None:
    before = everything(engine.store)
    with pytest.raises(REFUSED), engine.store.write() as tx:
        # Checked at COMMIT, which then fails and leaves its transaction open, as on a full disk.
        tx.execute("PRAGMA defer_foreign_keys = ON")
        tx.execute(OF_NO_JOB)
    assert everything(engine.store) == before
    hold(engine, "r1")


# The named outcomes.


def test_what_is_not_sold_is_not_held(engine: Engine) -> None:
    before = everything(engine.store)
    assert isinstance(job_requests.hold(engine, ask("r1", Wish("kling-v9"))), NotSold)
    assert everything(engine.store) == before


def test_a_refusal_says_which_budgets_and_what_fits_and_holds_nothing(engine: Engine) -> None:
    limit(engine, MARKETING, 50)
    limit(engine, WORKSPACE, 1_000)
    hold(engine, "r1", Wish("kling-v1", 10))
    outcome = refused(engine, "r2")
    assert [s.budget.scope for s in outcome.refused] == [MARKETING]
    assert outcome.refused[0].total == Total(held=Amount(20_000, 1_200_000))
    assert outcome.refused[0].left_millicredits == 30_000
    assert [(q.model.name, q.duration_seconds) for q in outcome.fits] == [
        ("kling-pro", 7),
        ("kling-v1", 10),
        ("kling-v1.5", 10),
    ]
    assert jobs.get(engine.store.read(), id_for("r2")) is None
    assert total(engine, WORKSPACE, engine.periods().monthly).held == Amount(20_000, 1_200_000)


def test_a_refused_request_may_be_asked_again_when_there_is_room(engine: Engine) -> None:
    limit(engine, WORKSPACE, 39)
    refused(engine, "r1")
    limit(engine, WORKSPACE, 40)
    hold(engine, "r1")


def test_a_budget_in_usd_alone_refuses_too(engine: Engine) -> None:
    budgets.set_budget(engine, Change(user_scope("U1"), WEEKLY, limit_microusd=2_399_999), by="UADMIN")
    assert [s.budget.scope for s in refused(engine, "r1").refused] == ["user:U1"]


@pytest.mark.parametrize("scope", [WORKSPACE, MARKETING, user_scope("U1")])
@pytest.mark.parametrize("kind", PeriodKind)
def test_every_scope_and_period_is_held_to_its_budget(engine: Engine, scope: str, kind: PeriodKind) -> None:
    limit(engine, scope, 80, kind)
    hold(engine, "r1")
    hold(engine, "r2")
    assert [(s.budget.scope, s.budget.kind) for s in refused(engine, "r3").refused] == [(scope, kind)]


@pytest.mark.parametrize("scope", [project_scope("sales"), user_scope("U2")])
def test_other_peoples_budgets_refuse_nothing(engine: Engine, scope: str) -> None:
    limit(engine, scope, 1)
    hold(engine, "r1")


def test_an_estimate_says_what_a_hold_would_and_spends_nothing(engine: Engine) -> None:
    limit(engine, WORKSPACE, 50)
    before = everything(engine.store)
    fits = job_requests.estimate(engine, ask("r1"))
    assert isinstance(fits, hold_outcomes.Estimate)
    assert (fits.quote.amount, fits.refused, fits.fits) == (FORTY, (), ())
    assert everything(engine.store) == before
    hold(engine, "r1")
    estimated, outcome = job_requests.estimate(engine, ask("r2")), refused(engine, "r2")
    assert isinstance(estimated, hold_outcomes.Estimate)
    assert (estimated.refused, estimated.fits) == (outcome.refused, outcome.fits)


def test_while_kling_refuses_the_account_new_jobs_are_refused_with_the_reason(engine: Engine, clock: FakeClock) -> None:
    waiting = hold(engine, "r1")
    kling_results.stopped(engine, code=1102, reason="no units left")
    assert job_requests.hold(engine, ask("r2")) == Stopped("no units left")
    assert job_requests.hold(engine, ask("r2")) == Stopped("no units left")
    clock.tick(3600)
    kling_results.stopped(engine, code=1102, reason="no units left")
    assert [content.waiting for content in queued(engine.store, SubmittingStopped)] == [1]
    kling_results.flowing(engine, waiting)
    kling_results.flowing(engine, waiting)
    assert len(queued(engine.store, SubmittingResumed)) == 1
    hold(engine, "r2")


def test_a_job_can_be_cancelled_by_its_owner_or_an_admin_while_it_waits(engine: Engine) -> None:
    job = hold(engine, "r1")
    assert cancellation.cancel(engine, "nosuchjob", user_id="U1", is_admin=True) == NoSuchJob()
    assert cancellation.cancel(engine, job.id, user_id="U2", is_admin=False) == NotYours(job)
    assert isinstance(cancellation.cancel(engine, job.id, user_id="U2", is_admin=True), Cancelled)


def test_kling_has_no_cancel(engine: Engine) -> None:
    job = submit(engine, hold(engine, "r1"))
    assert cancellation.cancel(engine, job.id, user_id="U1", is_admin=True) == TooLate(job)
    assert set(nine_totals(engine, job).values()) == {Total(held=FORTY)}


def test_a_hold_says_how_many_jobs_wait_before_it(engine: Engine, clock: FakeClock) -> None:
    def ahead_of(request_id: str) -> int:
        clock.tick(1)
        outcome = job_requests.hold(engine, ask(request_id))
        assert isinstance(outcome, Held)
        return outcome.ahead

    first = hold(engine, "r0")
    assert [ahead_of(f"r{n}") for n in (1, 2, 3)] == [1, 2, 3]
    submit(engine, first)
    assert ahead_of("r4") == 3


def test_a_channel_spends_for_its_project(engine: Engine) -> None:
    assert hold(engine, "r1", project=None).project == "default"
    projects.set_project(engine, "C1", "sales", by="UADMIN")
    assert hold(engine, "r2", project=None).project == "sales"
    assert hold(engine, "r3", project="marketing").project == "marketing"


# Kling charges something else than was held.


@pytest.mark.parametrize(
    ("units", "settled"),
    [
        (None, Amount(5_000, 700_000)),
        ("5.0", Amount(5_000, 700_000)),
        ("4.5", Amount(4_500, 630_000)),
        ("0", NOTHING),
        ("6", Amount(6_000, 840_000)),
        ("1.8333", Amount(1_834, 256_760)),  # finer than what is kept: rounded up, never lost
    ],
)
def test_a_job_in_klings_units_settles_at_klings_deduction(
    api_engine: Engine, units: str | None, settled: Amount
) -> None:
    job = settle(api_engine, hold(api_engine, "r1", Wish("kling-2.6", 10)), units)
    assert job.settled == settled
    assert set(nine_totals(api_engine, job).values()) == {Total(settled=settled)}
    assert (job.reason is None) == (units is not None and settled == job.quote)


def test_a_job_in_plain_credits_settles_at_its_quote(engine: Engine) -> None:
    assert settle(engine, hold(engine, "r1"), "1.5").settled == FORTY


def test_an_actual_above_the_hold_is_settled_and_the_budget_shows_it(api_engine: Engine) -> None:
    slack_takes_everything(api_engine.store)
    limit(api_engine, WORKSPACE, 5)
    job = settle(api_engine, hold(api_engine, "r1", Wish("kling-2.6", 10)), "6")
    assert job.reason == "charged 6 credits ($0.84), held 5 credits ($0.70)"
    after = standing(api_engine, WORKSPACE)
    assert (after.exceeded, after.percent) == (True, "120.0%")
    assert [content.marks for content in queued(api_engine.store, Crossed)] == [("80", "100"), (OVER,)]
    [ready] = queued(api_engine.store, VideoReady)
    assert ready.standings == (after,)
    outcome = job_requests.hold(api_engine, ask("r2", Wish("kling-2.6", 5)))
    assert isinstance(outcome, BudgetExceeded)
    assert outcome.fits == ()


# Announcements.


def crossed(engine: Engine) -> list[tuple[str, ...]]:
    return [content.marks for content in queued(engine.store, Crossed)]


def test_a_threshold_is_announced_once(listening: Engine) -> None:
    limit(listening, WORKSPACE, 100)
    hold(listening, "r1")
    assert crossed(listening) == []
    hold(listening, "r2")
    settle(listening, hold(listening, "r3", Wish("kling-v1", 5)))
    hold(listening, "r4", Wish("kling-v1", 5))
    assert crossed(listening) == [("80",), ("100",)]


def test_thresholds_passed_in_one_step_are_one_message(engine: Engine) -> None:
    limit(engine, WORKSPACE, 40, thresholds=(50, 75, 100))
    hold(engine, "r1")
    assert crossed(engine) == [("50", "75", "100")]


def test_an_announcement_shows_the_budget_as_it_then_stood_and_goes_to_its_channel(engine: Engine) -> None:
    limit(engine, MARKETING, 50, channel_id="CFINANCE")
    hold(engine, "r1")
    [content] = queued(engine.store, Crossed)
    assert content.standing == standing(engine, MARKETING)
    row = engine.store.read().execute("SELECT channel_id FROM outbox").fetchone()
    assert row["channel_id"] == "CFINANCE"


def test_a_release_arms_a_threshold_again(listening: Engine) -> None:
    limit(listening, WORKSPACE, 50)
    for n in range(3):
        job = hold(listening, f"r{n}")
        kling_results.failed(listening, submit(listening, job), "too dark")
    assert crossed(listening) == [("80",)] * 3


def test_a_release_that_stays_above_a_threshold_does_not_announce_it_again(listening: Engine) -> None:
    limit(listening, WORKSPACE, 50)
    hold(listening, "r1")
    for n in range(3):
        job = hold(listening, f"s{n}", Wish("kling-v1", 5))
        cancellation.cancel(listening, job.id, user_id="U1", is_admin=False)
    assert crossed(listening) == [("80",), ("100",), ("100",), ("100",)]


def test_a_settle_crosses_nothing_that_its_hold_had_crossed(engine: Engine) -> None:
    limit(engine, WORKSPACE, 50)
    settle(engine, hold(engine, "r1"))
    assert crossed(engine) == [("80",)]


def test_thresholds_are_fresh_in_each_period(engine: Engine, clock: FakeClock) -> None:
    limit(engine, WORKSPACE, 50, DAILY)
    hold(engine, "r1")
    clock.tick(86_400)
    hold(engine, "r2")
    assert crossed(engine) == [("80",)] * 2


def test_usd_is_watched_as_credits_are(engine: Engine) -> None:
    budgets.set_budget(engine, Change(WORKSPACE, MONTHLY, 10**9, 3_000_000), by="UADMIN")
    hold(engine, "r1")
    assert crossed(engine) == [("80",)]


def test_each_budget_announces_for_itself(engine: Engine) -> None:
    limit(engine, WORKSPACE, 50, DAILY)
    limit(engine, WORKSPACE, 50, MONTHLY)
    limit(engine, MARKETING, 45, MONTHLY)
    limit(engine, user_scope("U2"), 1, MONTHLY)
    hold(engine, "r1")
    told = {(c.standing.budget.scope, c.standing.budget.kind) for c in queued(engine.store, Crossed)}
    assert told == {(WORKSPACE, DAILY), (WORKSPACE, MONTHLY), (MARKETING, MONTHLY)}


def test_people_being_turned_away_is_announced_once_per_budget_and_period(engine: Engine, clock: FakeClock) -> None:
    limit(engine, WORKSPACE, 30, DAILY)
    limit(engine, MARKETING, 30, MONTHLY)
    refused(engine, "r1")
    refused(engine, "r2")

    def told() -> list[tuple[str, PeriodKind]]:
        return [(c.standing.budget.scope, c.standing.budget.kind) for c in queued(engine.store, TurnedAway)]

    assert sorted(told()) == [(MARKETING, MONTHLY), (WORKSPACE, DAILY)]
    clock.tick(86_400)
    refused(engine, "r3")
    assert sorted(told()) == [(MARKETING, MONTHLY), (WORKSPACE, DAILY), (WORKSPACE, DAILY)]
    first = queued(engine.store, TurnedAway)[0]
    assert (first.needed, first.user_id, first.standing.total) == (FORTY, "U1", Total())


def test_what_still_fitted_in_between_does_not_announce_it_again(engine: Engine) -> None:
    limit(engine, WORKSPACE, 30)
    refused(engine, "r1")
    cancellation.cancel(engine, hold(engine, "r2", Wish("kling-v1", 5)).id, user_id="U1", is_admin=False)
    refused(engine, "r3")
    assert len(queued(engine.store, TurnedAway)) == 1


def test_a_new_limit_lets_people_be_turned_away_anew(listening: Engine) -> None:
    limit(listening, WORKSPACE, 30)
    refused(listening, "r1")
    limit(listening, WORKSPACE, 35)
    refused(listening, "r2")
    refused(listening, "r3")
    assert len(queued(listening.store, TurnedAway)) == 2


def test_a_video_is_announced_once_with_its_budgets_as_they_stand_after_it(engine: Engine) -> None:
    limit(engine, WORKSPACE, 100)
    job = settle(engine, hold(engine, "r1"))
    assert queued(engine.store, VideoReady) == [VideoReady(job, (standing(engine, WORKSPACE),))]
    assert standing(engine, WORKSPACE).total == Total(settled=FORTY)


# Budgets.


def test_a_budget_set_in_mid_period_counts_what_was_spent_before(engine: Engine) -> None:
    settle(engine, hold(engine, "r1"))
    hold(engine, "r2")
    assert limit(engine, WORKSPACE, 100).total == Total(FORTY, FORTY)
    assert crossed(engine) == [("80",)]
    refused(engine, "r3")


def test_a_raised_limit_arms_its_thresholds_again(listening: Engine) -> None:
    limit(listening, WORKSPACE, 50)
    hold(listening, "r1")
    limit(listening, WORKSPACE, 100)
    hold(listening, "r2")
    assert crossed(listening) == [("80",), ("80",)]


def test_a_lowered_limit_is_over_at_once(engine: Engine) -> None:
    limit(engine, WORKSPACE, 1_000)
    hold(engine, "r1")
    assert limit(engine, WORKSPACE, 10).exceeded
    assert crossed(engine) == [("80", "100", OVER)]


def test_a_budget_needs_a_limit(engine: Engine) -> None:
    assert budgets.set_budget(engine, Change(WORKSPACE, MONTHLY), by="UADMIN") == NoLimit(None)
    assert budgets.standings(engine) == []


def test_what_a_change_does_not_name_stays(engine: Engine) -> None:
    limit(engine, WORKSPACE, 50, thresholds=(60,), channel_id="C7")
    outcome = budgets.set_budget(engine, Change(WORKSPACE, MONTHLY, limit_microusd=5_000_000), by="UADMIN")
    assert isinstance(outcome, BudgetSet)
    assert outcome.before is not None
    assert outcome.standing.budget == replace(outcome.before, limit_microusd=5_000_000)
    assert (outcome.before.limit_millicredits, outcome.before.thresholds) == (50_000, (60,))


def test_one_of_two_limits_can_be_taken_away_but_not_the_last(engine: Engine) -> None:
    budgets.set_budget(engine, Change(WORKSPACE, MONTHLY, 50_000, 5_000_000), by="UADMIN")
    outcome = budgets.set_budget(engine, Change(WORKSPACE, MONTHLY, limit_millicredits=0), by="UADMIN")
    assert isinstance(outcome, BudgetSet)
    kept = outcome.standing.budget
    assert (kept.limit_millicredits, kept.limit_microusd) == (None, 5_000_000)
    outcome = budgets.set_budget(engine, Change(WORKSPACE, MONTHLY, limit_microusd=0), by="UADMIN")
    assert outcome == NoLimit(kept)
    assert [s.budget for s in budgets.standings(engine)] == [kept]


def test_a_removed_budget_refuses_nothing_and_a_new_one_starts_afresh(listening: Engine) -> None:
    limit(listening, WORKSPACE, 45)
    hold(listening, "r1")
    assert budgets.remove_budget(listening, WORKSPACE, MONTHLY, by="UADMIN")
    assert not budgets.remove_budget(listening, WORKSPACE, MONTHLY, by="UADMIN")
    hold(listening, "r2")
    assert limit(listening, WORKSPACE, 100).total.held == FORTY + FORTY
    assert crossed(listening) == [("80",), ("80",)]


def test_budgets_are_listed_the_workspaces_first_then_projects_then_people(engine: Engine) -> None:
    for scope in (user_scope("U1"), project_scope("b"), WORKSPACE, project_scope("a")):
        for kind in (MONTHLY, DAILY):
            limit(engine, scope, 10, kind)
    listed = [(s.budget.scope, s.budget.kind) for s in budgets.standings(engine)]
    order = [WORKSPACE, "project:a", "project:b", "user:U1"]
    assert listed == [(scope, kind) for scope in order for kind in (DAILY, MONTHLY)]


# Usage.


def test_every_breakdown_adds_up_to_its_total(engine: Engine, clock: FakeClock) -> None:
    clock.set(2026, 11, 22)
    for n in range(30):
        job = hold(engine, f"r{n}", Wish("kling-pro", 3 + n % 7), user_id=f"U{n % 3}", project="ab"[n % 2])
        if n % 3:
            settle(engine, job)
        elif n % 2:
            kling_results.failed(engine, submit(engine, job), "too dark")
        clock.tick(2 * 3600)
    scopes = (WORKSPACE, project_scope("a"), user_scope("U2"))
    for scope, kind, by in product(scopes, PeriodKind, ("model", "user", "project", "day")):
        found = usage.usage(engine, scope, kind, by)
        assert found.total == total(engine, scope, engine.periods().of(kind)), (scope, kind, by)
        assert found.total.committed
        held = sum((share.total.held for share in found.shares), NOTHING)
        settled = sum((share.total.settled for share in found.shares), NOTHING)
        assert Total(held, settled) == found.total, (scope, kind, by)


def test_a_breakdown_of_a_past_day_leaves_out_the_days_around_it(engine: Engine, clock: FakeClock) -> None:
    clock.set(2026, 11, 20, 23, 59, 59)
    for n in range(3):
        hold(engine, f"r{n}")
        clock.tick(1 if n == 0 else 86_400)
    day = engine.calendar.period(DAILY, clock.at - 2 * 86_400_000)
    [share] = daily_spend.breakdown(engine.store.read(), WORKSPACE, day.start, day.end, "model")
    assert (share.jobs, share.total) == (1, total(engine, WORKSPACE, day))


def test_a_breakdown_names_its_shares_dearest_first_and_counts_jobs(engine: Engine) -> None:
    settle(engine, hold(engine, "r1", Wish("kling-v1", 5)))
    hold(engine, "r2")
    kling_results.failed(engine, submit(engine, hold(engine, "r3")), "too dark")
    shares = usage.usage(engine, WORKSPACE, MONTHLY, "model").shares
    assert [(s.name, s.jobs, s.failed) for s in shares] == [("kling-pro", 2, 1), ("kling-v1", 1, 0)]
    assert shares[0].total == Total(held=FORTY)


def test_breakdowns_read_at_once_are_those_read_one_by_one(engine: Engine) -> None:
    for n in range(12):
        job = hold(
            engine, f"r{n}", Wish("kling-pro" if n % 2 else "kling-v1", 5), user_id=f"U{n % 3}", project="ab"[n % 2]
        )
        if n % 4:
            settle(engine, job)
    reader, month = engine.store.read(), engine.periods().monthly
    for scope in (WORKSPACE, project_scope("a"), user_scope("U2")):
        for by, shares in daily_spend.by_spender(reader, scope, month.start, month.end).items():
            assert shares == daily_spend.breakdown(reader, scope, month.start, month.end, by), (scope, by)
            assert shares


def test_the_dearest_share_is_the_one_with_the_highest_sum_and_not_the_dearest_day(
    engine: Engine, clock: FakeClock
) -> None:
    clock.set(2026, 11, 10)
    for n in range(4):
        settle(engine, hold(engine, f"many{n}", Wish("kling-v1", 10), project="steady"))
        clock.tick(86_400)
    settle(engine, hold(engine, "one", Wish("kling-pro", 10), project="once"))
    shares = usage.usage(engine, WORKSPACE, MONTHLY, "project").shares
    assert [(s.name, s.jobs) for s in shares] == [("steady", 4), ("once", 1)]


def test_usage_of_a_project_that_nobody_knows_names_those_that_are_there(engine: Engine) -> None:
    hold(engine, "r1", project="marketing")
    assert usage.usage(engine, project_scope("marketign"), MONTHLY, "model").elsewhere == ("marketing",)
    assert usage.usage(engine, user_scope("U9"), MONTHLY, "model").elsewhere == ()


def test_usage_names_its_budget_when_there_is_one(engine: Engine) -> None:
    limit(engine, MARKETING, 100, WEEKLY)
    hold(engine, "r1")
    assert usage.usage(engine, MARKETING, WEEKLY, "model").standing == standing(engine, MARKETING, WEEKLY)
    assert usage.usage(engine, MARKETING, MONTHLY, "model").standing is None


# The queue.


def claim(engine: Engine, state: JobState = JobState.HELD, *, most: int = 10, lease: int = 60_000) -> list[str]:
    now = engine.clock()
    with engine.store.write() as tx:
        return [job.id for job in jobs.claim(tx, state, now=now, lease_until=now + lease, most=most)]


def test_held_jobs_are_claimed_in_the_order_they_were_asked_for(engine: Engine, clock: FakeClock) -> None:
    ids = []
    for n in range(5):
        ids.append(hold(engine, f"r{n}").id)
        clock.tick(1)
    assert claim(engine, most=2) == ids[:2]
    assert claim(engine) == ids[2:]
    assert claim(engine) == []


def test_a_claim_that_was_never_used_comes_up_again_when_its_lease_ends(engine: Engine, clock: FakeClock) -> None:
    job = hold(engine, "r1")
    assert claim(engine) == [job.id]
    clock.tick(59.999)
    assert claim(engine) == []
    clock.tick(0.001)
    assert claim(engine) == [job.id]


def test_a_request_under_way_is_nobody_elses_until_its_reply_is_late(engine: Engine, clock: FakeClock) -> None:
    job = hold(engine, "r1")
    claim(engine)
    assert kling_results.submitting(engine, job, "/text-to-video/kling-3.0", due_at=clock.at + 90_000)
    assert claim(engine, JobState.SUBMITTING) == claim(engine, JobState.HELD) == []
    clock.tick(90)
    assert claim(engine, JobState.SUBMITTING) == [job.id]


def test_a_busy_model_keeps_its_own_jobs_waiting_and_no_others(engine: Engine, clock: FakeClock) -> None:
    slow, quick = hold(engine, "r1"), hold(engine, "r2", Wish("kling-v1", 5))
    kling_results.busy(engine, slow.model, code=1303, reason="parallel task over resource pack limit")
    assert claim(engine) == [quick.id]
    clock.tick(30)
    assert claim(engine) == [slow.id]


def test_nothing_is_claimed_while_the_account_is_refused(engine: Engine, clock: FakeClock) -> None:
    job = hold(engine, "r1")
    kling_results.stopped(engine, code=1102, reason="no units left")
    assert claim(engine) == []
    clock.tick(3600)
    assert claim(engine) == [job.id]


def test_a_slow_notifiers_failure_does_not_undo_what_another_delivered(engine: Engine) -> None:
    now = engine.clock()
    with engine.store.write() as tx:
        outbox.put(tx, "m1", "submitting resumed", {"reason": ""}, at=now)
        slow = outbox_leases.claim(tx, now=now, lease_until=now + 1)
        assert outbox_leases.claim(tx, now=now, lease_until=now + 1) is None
        quick = outbox_leases.claim(tx, now=now + 1, lease_until=now + 60_000)
        assert slow and quick
        outbox_leases.sent(tx, quick, at=now + 2, to="C1", ts="1.2")
        outbox_leases.failed(tx, slow, problem="is_archived")
        outbox_leases.again(tx, slow, due_at=now + 3, problem="ratelimited")
        outbox_leases.unbind(tx, slow)
        outbox_leases.reroute(tx, slow, to="C2", detour="C1: is_archived")
        assert outbox_leases.claim(tx, now=now + 90_000, lease_until=now + 90_001) is None
        told = outbox.find(tx, "m1")
    assert told and (told.state, told.line, told.problem) == ("sent", "", None)


# Another calendar.


def test_a_new_time_zone_keeps_the_spend_of_the_open_periods(store: Store, engine: Engine, clock: FakeClock) -> None:
    clock.set(2026, 11, 23, 1)  # still the 22nd, a Sunday, in New York
    limit(engine, WORKSPACE, 100, DAILY)
    settle(engine, hold(engine, "r1"))
    hold(engine, "r2")
    elsewhere = open_engine(store, engine.prices, Calendar(ZoneInfo("America/New_York")), clock)
    assert standing(elsewhere, WORKSPACE, DAILY).total == Total(FORTY, FORTY)
    refused(elsewhere, "r3")


def test_a_bot_that_goes_on_with_the_old_time_zone_spends_no_limit_twice(
    store: Store, engine: Engine, clock: FakeClock
) -> None:
    """While bots are replaced one after the other, say."""
    limit(engine, WORKSPACE, 100)
    hold(engine, "r1")
    newer = open_engine(store, engine.prices, Calendar(ZoneInfo("Asia/Tokyo")), clock)
    hold(engine, "r2")
    assert standing(newer, WORKSPACE).total.committed == FORTY + FORTY
    refused(engine, "r3")
    refused(newer, "r4")


def test_what_is_recorded_by_the_old_time_zone_counts_in_the_new_ones_periods(
    store: Store, engine: Engine, clock: FakeClock
) -> None:
    newer = open_engine(store, engine.prices, Calendar(ZoneInfo("Asia/Tokyo")), clock)
    usage_records.record(engine, [Spent("s1", clock.at, "kling-pro", 10, FORTY)], by="a script")
    assert total(newer, WORKSPACE, newer.periods().monthly) == Total(settled=FORTY)


def test_a_hold_from_before_the_change_settles_where_it_was_moved(
    store: Store, engine: Engine, clock: FakeClock
) -> None:
    job = hold(engine, "r1")
    elsewhere = open_engine(store, engine.prices, Calendar(ZoneInfo("Asia/Tokyo"), WEEKDAYS.index("sunday")), clock)
    settle(elsewhere, job)
    assert set(nine_totals(elsewhere, job).values()) == {Total(settled=FORTY)}


def test_a_video_of_a_closed_period_shows_its_budget_as_it_stood_under_the_old_calendar(
    store: Store, engine: Engine, clock: FakeClock
) -> None:
    clock.set(2026, 10, 15)
    limit(engine, WORKSPACE, 100)
    job = hold(engine, "r1")
    clock.set(2026, 11, 23)
    elsewhere = open_engine(store, engine.prices, Calendar(ZoneInfo("Asia/Tokyo")), clock)
    settle(elsewhere, job)
    [ready] = queued(store, VideoReady)
    [shown] = ready.standings
    assert (shown.percent, shown.period.label) == ("40.0%", "October 2026")


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_a_new_time_zone_repeats_no_announcement(store: Store, listening: Engine, clock: FakeClock, zone: str) -> None:
    limit(listening, WORKSPACE, 100, thresholds=(40, 80))
    hold(listening, "r1")
    elsewhere = open_engine(store, listening.prices, Calendar(ZoneInfo(zone)), clock)
    hold(elsewhere, "r2")
    assert crossed(elsewhere) == [("40",), ("80",)]
    replies = store.read().execute("SELECT * FROM outbox WHERE thread_key IS NOT NULL").fetchall()
    assert len(replies) == 1, "the story goes on, too"


def test_the_same_calendar_again_changes_nothing(store: Store, engine: Engine, clock: FakeClock) -> None:
    hold(engine, "r1")
    before = everything(store)
    open_engine(store, engine.prices, engine.calendar, clock)
    assert everything(store) == before


ZONES = ("UTC", "America/New_York", "Asia/Tokyo", "Asia/Kolkata", "Pacific/Kiritimati", "America/Havana")
CALENDARS = st.builds(lambda zone, start: Calendar(ZoneInfo(zone), start), st.sampled_from(ZONES), st.integers(0, 6))


@pytest.mark.backend("sqlite")
@settings(deadline=None, max_examples=12)
@given(
    steps=st.lists(st.tuples(st.integers(0, 5 * 86_400), st.booleans()), min_size=1, max_size=12),
    calendars=st.lists(CALENDARS, min_size=2, max_size=4),
)
def test_under_any_calendar_the_open_periods_hold_what_was_asked_for_in_them(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bool]], calendars: list[Calendar]
) -> None:
    clock = FakeClock(0)
    clock.set(2026, 10, 20, 12)
    store = open_store(tmp_path_factory.mktemp("calendar") / "klingbot.db")
    run_without_limit(store)
    asked: list[int] = []
    for n, calendar in enumerate(calendars):
        engine = open_engine(store, prices.load("credits"), calendar, clock)
        for wait, settled in steps:
            clock.tick(wait)
            job = hold(engine, f"{n} {len(asked)}", Wish("kling-v1", 5))
            asked.append(job.asked_at)
            if settled:
                settle(engine, job)
    final = open_engine(store, prices.load("credits"), calendars[0], clock)
    for period in final.periods():
        inside = sum(period.start <= at < period.end for at in asked)
        assert total(final, WORKSPACE, period).committed.millicredits == inside * 10_000
        shares = usage.usage(final, WORKSPACE, period.kind, "day").shares
        assert sum(share.jobs for share in shares) == inside
    prove(store)
    store.close()


@pytest.mark.backend("sqlite")
def test_a_database_lives_on_where_it_was_left(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "kept.db"
    for n in range(3):
        store = open_store(path)
        engine = open_engine(store, prices.load("credits"), Calendar(ZoneInfo("UTC")), clock)
        run_without_limit(store)
        hold(engine, f"r{n}")
        store.close()
    store = open_store(path)
    assert ledger.total(store.read(), WORKSPACE, engine.periods().monthly).held == Amount(120_000, 7_200_000)
    store.close()
