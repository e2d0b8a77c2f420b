"""Asking for more: what is short, who may decide, what a grant does and when it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingbot.domain.budgets import WORKSPACE, Budget, Standing, Total, project_scope
from klingbot.domain.increases import Increase, IncreaseState, shortfall
from klingbot.domain.jobs import JobState
from klingbot.domain.money import NOTHING, Amount
from klingbot.domain.notifications import Crossed, GrantEnded, IncreaseAsked, IncreaseClosed, TurnedAway
from klingbot.domain.periods import Period, PeriodKind
from klingbot.domain.pricing import Wish
from klingbot.engine import (
    Engine,
    budgets,
    increase_decisions,
    increase_requests,
    job_requests,
    kling_results,
    project_rules,
    projects,
)
from klingbot.engine.budgets import Change
from klingbot.engine.hold_outcomes import BudgetExceeded, Held
from klingbot.engine.increase_decisions import ClosedBefore, NoSuchIncrease, NotAnApprover, OwnIncrease
from klingbot.engine.increase_requests import Asked, AskedBefore, NoBudget, NothingRefused, Wanted
from klingbot.engine.project_rules import RuleChange
from klingbot.store import Store, jobs
from tests.conftest import FakeClock
from tests.support.ledger_checks import ask, hold, prove, queued, settle, slack_takes_everything

pytestmark = pytest.mark.both_databases

DAILY, WEEKLY, MONTHLY = PeriodKind
MARKETING = project_scope("marketing")
NOVEMBER = Period(MONTHLY, 0, 1, date(2026, 11, 1))
FORTY = Amount(40_000, 2_400_000)


@pytest.fixture(autouse=True)
def proved(store: Store) -> Iterator[None]:
    yield
    prove(store)


def limit(engine: Engine, scope: str, credits: int, kind: PeriodKind = MONTHLY, **more: Any) -> None:
    budgets.set_budget(engine, replace(Change(scope, kind, credits * 1_000), **more), by="UADMIN")


def standing(engine: Engine, scope: str = MARKETING, kind: PeriodKind = MONTHLY) -> Standing:
    [found] = [s for s in budgets.standings_of(engine, scope) if s.budget.kind is kind]
    return found


def refused(engine: Engine, request_id: str = "late", **options: Any) -> str:
    """The id of a request of 40 credits that is refused."""
    outcome = job_requests.hold(engine, ask(request_id, **options))
    assert isinstance(outcome, BudgetExceeded), outcome
    return outcome.id


def increase_for(engine: Engine, refused_id: str, *, until: date | None = None) -> Increase:
    outcome = increase_requests.ask_for_refused(engine, refused_id, Wanted("U1", "launch", until))
    assert isinstance(outcome, Asked), outcome
    [increase] = outcome.increases
    return increase


def granted(engine: Engine, increase_id: str, amount: Amount | None = None) -> IncreaseClosed:
    outcome = increase_decisions.grant(engine, increase_id, by="UBOSS", is_admin=True, amount=amount)
    assert isinstance(outcome, IncreaseClosed), outcome
    return outcome


def told(store: Store) -> list[str]:
    """What waits to be said to whoever asked, in person."""
    return [row["kind"] for row in store.read().execute("SELECT kind FROM outbox WHERE user_id = 'U1'").fetchall()]


# What is short.

amounts = st.integers(0, 10**9)


@given(
    credits=st.none() | st.integers(1, 10**9),
    usd=st.none() | st.integers(1, 10**9),
    committed=st.builds(Amount, amounts, amounts),
    needed=st.builds(Amount, st.integers(1, 10**9), st.integers(1, 10**9)),
)
def test_with_the_shortfall_granted_the_rest_fits_and_with_less_it_does_not(
    credits: int | None, usd: int | None, committed: Amount, needed: Amount
) -> None:
    if credits is None and usd is None:
        return
    before = Standing(Budget(MARKETING, MONTHLY, credits, usd), NOVEMBER, Total(settled=committed))
    short = shortfall(before, needed)
    assert not replace(before, budget=before.budget.raised(short)).with_held(needed).exceeded
    if short:
        less = Amount(short.millicredits - 1, short.microusd - 1)
        # Each is rounded up by less than a unit: with a unit less of both, the tighter limit is too low.
        assert replace(before, budget=before.budget.raised(less)).with_held(needed).exceeded


def test_the_shortfall_is_named_in_both_currencies_at_the_price_of_what_was_wanted() -> None:
    before = Standing(Budget(MARKETING, MONTHLY, 50_000, None), NOVEMBER, Total(settled=Amount(30_000, 1_800_000)))
    assert shortfall(before, FORTY) == Amount(20_000, 1_200_000)


# Asking.


def test_each_budget_that_is_short_is_asked_for_its_own_part(engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    limit(engine, WORKSPACE, 10, channel_id="C9")
    outcome = increase_requests.ask_for_refused(engine, refused(engine), Wanted("U1", "launch"))
    assert isinstance(outcome, Asked)
    assert {(i.scope, i.amount.millicredits) for i in outcome.increases} == {(MARKETING, 10_000), (WORKSPACE, 30_000)}
    asked = queued(engine.store, IncreaseAsked)
    assert {content.increase.id for content in asked} == {increase.id for increase in outcome.increases}


def test_asking_twice_asks_once(engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    refused_id = refused(engine)
    first = increase_for(engine, refused_id)
    again = increase_requests.ask_for_refused(engine, refused_id, Wanted("U1", "please"))
    assert isinstance(again, AskedBefore)
    assert (again.increase.id, again.increase.reason) == (first.id, "launch")
    assert len(queued(engine.store, IncreaseAsked)) == 1


def test_what_fits_by_now_is_held_without_asking_anybody(engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    refused_id = refused(engine)
    limit(engine, MARKETING, 100)
    outcome = increase_requests.ask_for_refused(engine, refused_id, Wanted("U1", ""))
    assert isinstance(outcome, Held)
    assert outcome.job.id == refused_id
    assert increase_requests.pending(engine) == []


@pytest.mark.parametrize("user_id", ["U1", "U2"])
def test_only_what_was_refused_to_oneself_can_be_asked_for(engine: Engine, user_id: str) -> None:
    limit(engine, MARKETING, 30)
    refused_id = refused(engine) if user_id == "U2" else "nosuchthing"
    outcome = increase_requests.ask_for_refused(engine, refused_id, Wanted(user_id, ""))
    assert outcome == NothingRefused()


def test_an_amount_can_be_asked_for_without_a_video(engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    wish = {"scope": MARKETING, "kind": MONTHLY, "amount": FORTY}
    assert isinstance(increase_requests.ask_for_amount(engine, "t1", Wanted("U1", "launch"), **wish), Asked)
    assert isinstance(increase_requests.ask_for_amount(engine, "t1", Wanted("U1", "launch"), **wish), AskedBefore)
    assert (
        increase_requests.ask_for_amount(engine, "t2", Wanted("U1", "launch"), **wish | {"kind": DAILY}) == NoBudget()
    )
    [increase] = increase_requests.pending(engine)
    outcome = granted(engine, increase.id)
    assert outcome.job is None
    assert standing(engine).budget.limit_millicredits == 70_000


def test_what_was_refused_is_asked_for_its_own_project_wherever_the_channel_spends_by_then(engine: Engine) -> None:
    projects.set_project(engine, "C1", "marketing", by="UADMIN")
    limit(engine, MARKETING, 30)
    increase = increase_for(engine, refused(engine, project=None))
    projects.set_project(engine, "C1", "elsewhere", by="UADMIN")
    outcome = granted(engine, increase.id)
    assert outcome.job is not None
    assert outcome.job.project == "marketing"


# Deciding.


def test_a_grant_raises_the_limit_and_makes_the_refused_video(engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    refused_id = refused(engine)
    outcome = granted(engine, increase_for(engine, refused_id).id)
    assert outcome.job is not None and outcome.grant is not None
    assert (outcome.job.id, outcome.job.state, outcome.job.prompt) == (refused_id, JobState.HELD, "a fox in the snow")
    assert outcome.grant.amount == Amount(10_000, 600_000)
    assert standing(engine).total == Total(held=FORTY)
    assert (standing(engine).budget.limit_millicredits, standing(engine).percent) == (40_000, "100.0%")
    assert {content.job.id for content in queued(engine.store, IncreaseClosed)} == {refused_id}
    assert told(engine.store) == ["increase closed"]


def test_an_approver_may_grant_another_amount_and_what_still_does_not_fit_is_said(engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    increase = increase_for(engine, refused(engine))
    outcome = granted(engine, increase.id, Amount(5_000, 300_000))
    assert outcome.job is None
    assert [short.budget.scope for short in outcome.short] == [MARKETING]
    assert standing(engine).budget.limit_millicredits == 35_000
    assert standing(engine).total == Total()


def test_of_two_short_budgets_the_second_grant_makes_the_video(engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    limit(engine, WORKSPACE, 20)
    asked = increase_requests.ask_for_refused(engine, refused(engine), Wanted("U1", "launch"))
    assert isinstance(asked, Asked)
    first, second = asked.increases
    assert [s.budget.scope for s in granted(engine, first.id).short] == [second.scope]
    assert granted(engine, second.id).job is not None


def test_a_budget_that_is_removed_takes_what_was_granted_along(engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    limit(engine, WORKSPACE, 20)
    asked = increase_requests.ask_for_refused(engine, refused(engine), Wanted("U1", "launch"))
    assert isinstance(asked, Asked)
    for increase in asked.increases:
        granted(engine, increase.id)
    budgets.remove_budget(engine, MARKETING, MONTHLY, by="UADMIN")
    limit(engine, MARKETING, 100)
    assert standing(engine).budget.limit_millicredits == 100_000
    assert standing(engine, WORKSPACE).budget.limit_millicredits == 40_000, "another budget keeps its own"


def test_a_budget_that_the_granted_video_fills_again_is_not_announced_again(engine: Engine) -> None:
    slack_takes_everything(engine.store)
    limit(engine, MARKETING, 60)
    hold(engine, "r1")
    hold(engine, "r2", Wish("kling-v1", 10))
    granted(engine, increase_for(engine, refused(engine)).id)
    assert standing(engine).percent == "100.0%"
    assert [content.marks for content in queued(engine.store, Crossed)] == [("80", "100")]


def test_a_budget_that_has_room_again_after_a_grant_is_announced_when_it_is_full_once_more(engine: Engine) -> None:
    slack_takes_everything(engine.store)
    limit(engine, MARKETING, 40)
    hold(engine, "r1")
    granted(engine, increase_for(engine, refused(engine)).id, Amount(100_000, 6_000_000))
    assert standing(engine).percent == "57.1%"
    hold(engine, "r2")
    hold(engine, "r3", Wish("kling-v1", 10))
    assert [content.marks for content in queued(engine.store, Crossed)] == [("80", "100"), ("80",), ("100",)]


@pytest.mark.parametrize("rules", [{"ceiling": 39_000}, {"models": ("kling-v1",)}, {"approve_above": 30_000}])
def test_a_grant_makes_nothing_that_the_projects_rules_forbid_by_then(engine: Engine, rules: dict[str, Any]) -> None:
    limit(engine, MARKETING, 30)
    increase = increase_for(engine, refused(engine))
    project_rules.set_rules(engine, RuleChange("marketing", **rules), by="UADMIN")
    outcome = granted(engine, increase.id)
    assert outcome.grant is not None and outcome.job is None
    assert "marketing" in (outcome.obstacle or "")
    assert standing(engine).total == Total()


def test_a_grant_counts_for_a_hold_whose_clock_is_a_little_behind(engine: Engine, clock: FakeClock) -> None:
    """Or whose turn came just after midnight: its end has been told by then."""
    clock.set(2026, 11, 23, 23, 59, 59)
    limit(engine, MARKETING, 30, DAILY)
    granted(engine, increase_for(engine, refused(engine)).id, FORTY)
    clock.tick(2)
    increase_decisions.sweep(engine)
    assert queued(engine.store, GrantEnded)
    clock.tick(-2)
    assert standing(engine, kind=DAILY).budget.limit_millicredits == 70_000
    refused(engine, "too much")
    outcome = job_requests.hold(engine, ask("fits", Wish("kling-v1", 10)))
    assert isinstance(outcome, Held)


def test_nobody_decides_their_own_request(engine: Engine) -> None:
    limit(engine, MARKETING, 30, approvers=("U1",))
    increase = increase_for(engine, refused(engine))
    for is_admin in (True, False):
        assert increase_decisions.grant(engine, increase.id, by="U1", is_admin=is_admin) == OwnIncrease()
        assert increase_decisions.deny(engine, increase.id, by="U1", is_admin=is_admin, remark="") == OwnIncrease()
    assert standing(engine).budget.limit_millicredits == 30_000


def test_the_budgets_approvers_and_admins_decide_and_nobody_else(engine: Engine) -> None:
    limit(engine, MARKETING, 30, approvers=("UBOSS",))
    increase = increase_for(engine, refused(engine))
    assert increase_decisions.grant(engine, increase.id, by="U2", is_admin=False) == NotAnApprover(("UBOSS",))
    assert isinstance(increase_decisions.grant(engine, increase.id, by="UBOSS", is_admin=False), IncreaseClosed)


def test_a_denied_request_is_over_and_nothing_is_held(engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    refused_id = refused(engine)
    increase = increase_for(engine, refused_id)
    outcome = increase_decisions.deny(engine, increase.id, by="UBOSS", is_admin=True, remark="next month")
    assert isinstance(outcome, IncreaseClosed)
    assert (outcome.increase.state, outcome.increase.remark) == (IncreaseState.DENIED, "next month")
    assert isinstance(increase_decisions.grant(engine, increase.id, by="UBOSS", is_admin=True), ClosedBefore)
    assert jobs.get(engine.store.read(), refused_id) is None


def test_only_its_own_requester_withdraws_it(engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    increase = increase_for(engine, refused(engine))
    assert increase_decisions.withdraw(engine, increase.id, user_id="U2") == NoSuchIncrease()
    outcome = increase_decisions.withdraw(engine, increase.id, user_id="U1")
    assert isinstance(outcome, IncreaseClosed)
    assert isinstance(increase_decisions.withdraw(engine, increase.id, user_id="U1"), ClosedBefore)
    assert told(engine.store) == [], "whoever withdrew it knows"


def test_two_approvers_clicking_at_once_produce_one_grant(engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    increase = increase_for(engine, refused(engine))
    outcomes: list[object] = []
    start = threading.Barrier(8)

    def click(n: int) -> None:
        start.wait()
        outcomes.append(increase_decisions.grant(engine, increase.id, by=f"UBOSS{n}", is_admin=True))

    threads = [threading.Thread(target=click, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ClosedBefore"] * 7 + ["IncreaseClosed"]
    assert standing(engine).budget.limit_millicredits == 40_000


def test_after_the_period_rolled_an_approval_needs_no_grant_where_the_video_fits(
    engine: Engine, clock: FakeClock
) -> None:
    clock.set(2026, 11, 28)
    limit(engine, MARKETING, 50)
    settle(engine, hold(engine, "r1"))
    increase = increase_for(engine, refused(engine))
    clock.set(2026, 12, 1)
    outcome = granted(engine, increase.id)
    assert outcome.grant is None and outcome.job is not None
    assert (standing(engine).budget.limit_millicredits, standing(engine).total) == (50_000, Total(held=FORTY))


def test_a_grant_arms_the_thresholds_and_the_turning_away_again(engine: Engine) -> None:
    slack_takes_everything(engine.store)
    limit(engine, MARKETING, 50)
    hold(engine, "r1")
    granted(engine, increase_for(engine, refused(engine)).id, Amount(100_000, 6_000_000))
    assert [content.marks for content in queued(engine.store, Crossed)] == [("80",)]
    hold(engine, "r2")
    assert [content.marks for content in queued(engine.store, Crossed)] == [("80",), ("80",)]
    refused(engine, "r3")
    assert len(queued(engine.store, TurnedAway)) == 2


# The end of a grant.


def test_a_grant_for_one_period_counts_in_that_period_alone(engine: Engine, clock: FakeClock) -> None:
    limit(engine, MARKETING, 30)
    granted(engine, increase_for(engine, refused(engine)).id)
    clock.set(2026, 11, 30, 23, 59, 59)
    increase_decisions.sweep(engine)
    assert queued(engine.store, GrantEnded) == []
    assert standing(engine).budget.limit_millicredits == 40_000
    clock.set(2026, 12, 1)
    assert standing(engine).budget.limit_millicredits == 30_000
    for _ in range(2):
        increase_decisions.sweep(engine)
    [ended] = queued(engine.store, GrantEnded)
    assert ended.standing.budget.limit_millicredits == 30_000


def test_a_grant_until_a_day_counts_in_every_period_that_begins_before_it(engine: Engine, clock: FakeClock) -> None:
    limit(engine, MARKETING, 30, DAILY)
    granted(engine, increase_for(engine, refused(engine), until=date(2026, 11, 26)).id)
    for day, expected in ((23, 40_000), (25, 40_000), (26, 30_000)):
        clock.set(2026, 11, day, 12)
        assert standing(engine, kind=DAILY).budget.limit_millicredits == expected, day


def test_a_job_that_ends_in_the_next_period_is_judged_with_the_grant_of_its_own(
    engine: Engine, clock: FakeClock
) -> None:
    limit(engine, MARKETING, 30)
    job = granted(engine, increase_for(engine, refused(engine)).id).job
    assert job is not None
    before = len(queued(engine.store, Crossed))
    clock.set(2026, 12, 1)
    assert settle(engine, job).settled == FORTY
    assert len(queued(engine.store, Crossed)) == before, "it is not over the limit that was raised for it"


def test_a_request_that_nobody_decides_expires_and_its_requester_hears(engine: Engine, clock: FakeClock) -> None:
    limit(engine, MARKETING, 30)
    increase_for(engine, refused(engine))
    clock.tick(increase_requests.EXPIRES_MS / 1000)
    for _ in range(2):
        increase_decisions.sweep(engine)
    assert {content.increase.state for content in queued(engine.store, IncreaseClosed)} == {IncreaseState.EXPIRED}
    assert told(engine.store) == ["increase closed"]
    assert increase_requests.pending(engine) == []


@pytest.mark.parametrize("decide", ["grant", "deny"])
def test_after_a_week_it_has_expired_also_when_nobody_has_said_so_yet(
    engine: Engine, clock: FakeClock, decide: str
) -> None:
    """The bot was away, and an approver presses the button before it has swept."""
    limit(engine, MARKETING, 30)
    increase = increase_for(engine, refused(engine))
    clock.tick(increase_requests.EXPIRES_MS / 1000)
    if decide == "grant":
        outcome = increase_decisions.grant(engine, increase.id, by="UBOSS", is_admin=True)
    else:
        outcome = increase_decisions.deny(engine, increase.id, by="UBOSS", is_admin=True, remark="no")
    assert isinstance(outcome, IncreaseClosed)
    assert (outcome.increase.state, outcome.grant, outcome.job) == (IncreaseState.EXPIRED, None, None)
    assert standing(engine).budget.limit_millicredits == 30_000
    increase_decisions.sweep(engine)
    assert told(engine.store) == ["increase closed"]


def test_prompts_of_refused_requests_are_forgotten(engine: Engine, clock: FakeClock, store: Store) -> None:
    limit(engine, MARKETING, 30)
    refused_id = refused(engine)
    increase_decisions.deny(engine, increase_for(engine, refused_id).id, by="UBOSS", is_admin=True, remark="")
    assert store.read().execute("SELECT count(*) AS n FROM increases WHERE request IS NOT NULL").fetchone()["n"] == 0
    clock.tick(increase_requests.EXPIRES_MS / 1000 + 1)
    increase_decisions.sweep(engine)
    assert store.read().execute("SELECT count(*) AS n FROM refused_requests").fetchone()["n"] == 0


def test_released_holds_leave_the_granted_room_to_others(engine: Engine) -> None:
    limit(engine, MARKETING, 30)
    job = granted(engine, increase_for(engine, refused(engine)).id).job
    assert job is not None
    kling_results.refused(engine, job, "prompt blocked")
    assert standing(engine).total.committed == NOTHING
    hold(engine, "r2", Wish("kling-pro", 10))
