"""What belongs to a budget goes with it: alerts said and unsaid, requests for more, grants; a new one starts afresh."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from klingbot import blocks
from klingbot.domain.alert_history import DEFAULT_CHANNEL, AlertThread, AlertThreadRef, read_ref, ref_of
from klingbot.domain.budgets import WORKSPACE, project_scope
from klingbot.domain.increases import Increase, IncreaseState
from klingbot.domain.notifications import BudgetRemoved, Crossed, IncreaseAsked, IncreaseClosed, from_json
from klingbot.domain.periods import PeriodKind
from klingbot.domain.pricing import Wish
from klingbot.domain.quiet_hours import QuietHours
from klingbot.engine import (
    Engine,
    alert_mutes,
    alerts,
    budgets,
    increase_decisions,
    increase_requests,
    job_requests,
    project_rules,
)
from klingbot.engine import outbox as engine_outbox
from klingbot.engine.alert_mutes import BudgetGone, Moved
from klingbot.engine.budgets import Change, Removed
from klingbot.engine.hold_outcomes import BudgetExceeded, Held, NeedsConsent
from klingbot.engine.increase_decisions import ClosedBefore
from klingbot.engine.increase_requests import Asked, NoBudget, Wanted
from klingbot.engine.period_checks import watch
from klingbot.store import Store, alert_threads, outbox, outbox_leases
from klingbot.store import increases as kept_increases
from klingbot.store.outbox import OutboxMessage
from tests.conftest import FakeClock
from tests.support.ledger_checks import ask, hold, prove, queued

# The notifier against a sandbox's Slack, as in its own tests.
from tests.unit.workers.test_notifier import ALICE, BOB, FINANCE, MARKETING, Post, local, post  # noqa: F401

pytestmark = pytest.mark.both_databases

DAILY, WEEKLY, MONTHLY = PeriodKind
PROJECT = project_scope("marketing")
TEN_CREDITS = Wish("kling-v1", 5)
LEASE_MS = 40_000


@pytest.fixture(autouse=True)
def proved(store: Store) -> Iterator[None]:
    yield
    prove(store)


def limit(engine: Engine, credits: int, scope: str = PROJECT, kind: PeriodKind = MONTHLY, **more: Any) -> None:
    budgets.set_budget(engine, Change(scope, kind, credits * 1000, **more), by="U0ADMIN")


def remove(engine: Engine, scope: str = PROJECT, kind: PeriodKind = MONTHLY) -> Removed:
    outcome = budgets.remove_budget(engine, scope, kind, by="U0ADMIN")
    assert isinstance(outcome, Removed)
    return outcome


def spend(engine: Engine, *names: str) -> None:
    for name in names:
        hold(engine, name, TEN_CREDITS)


def rows(engine: Engine) -> list[OutboxMessage]:
    found = engine.store.read().execute("SELECT * FROM outbox ORDER BY id").fetchall()
    return [outbox.message_of(row) for row in found]


def waiting(engine: Engine) -> list[OutboxMessage]:
    return [each for each in rows(engine) if each.state == "waiting"]


def deliver(engine: Engine) -> list[OutboxMessage]:
    """Let Slack take everything that waits; return what it got, in order."""
    said = []
    while message := claim(engine):
        said.append(message)
        take(engine, message)
    return said


def claim(engine: Engine) -> OutboxMessage | None:
    now = engine.clock()
    with engine.store.write() as tx:
        outbox_leases.route(tx, default="C0ALERTS01", admins_only=())
        tx.execute("DELETE FROM lines")
        return outbox_leases.claim(tx, now=now, lease_until=now + LEASE_MS)


def take(engine: Engine, message: OutboxMessage) -> None:
    with engine.store.write() as tx:
        outbox_leases.sent(tx, message, at=engine.clock(), to=message.line, ts=f"1.{message.id}")


def story_ref(engine: Engine, scope: str = PROJECT) -> AlertThreadRef:
    [standing] = budgets.standings_of(engine, scope)
    return ref_of(standing)


def asked_for_more(engine: Engine, name: str = "late", user_id: str = "U1") -> Increase:
    refused = job_requests.hold(engine, ask(name, user_id=user_id))
    assert isinstance(refused, BudgetExceeded)
    outcome = increase_requests.ask_for_refused(engine, refused.id, Wanted(user_id, "launch"))
    assert isinstance(outcome, Asked)
    [increase] = outcome.increases
    return increase


# Alerts.


def test_an_alert_that_waits_is_never_said(engine: Engine) -> None:
    limit(engine, 20, thresholds=(50, 100))
    spend(engine, "a", "b")
    assert isinstance(job_requests.hold(engine, ask("c")), BudgetExceeded)
    remove(engine)
    assert waiting(engine) == []
    assert deliver(engine) == []


def test_alerts_that_were_given_up_do_not_come_back(engine: Engine) -> None:
    limit(engine, 20, thresholds=(50,))
    spend(engine, "a")
    message = claim(engine)
    assert message is not None
    with engine.store.write() as tx:
        outbox_leases.failed(tx, message, problem="no")
    remove(engine)
    with engine.store.write() as tx:
        assert outbox_leases.retry(tx, at=engine.clock()) == 0


def test_other_budgets_keep_their_alerts(engine: Engine) -> None:
    for kind in (DAILY, MONTHLY):
        limit(engine, 20, kind=kind, thresholds=(50,))
    limit(engine, 20, WORKSPACE, thresholds=(50,))
    spend(engine, "a")
    remove(engine)
    said = [from_json(each.kind, each.content) for each in deliver(engine)]
    left = [each.standing.budget for each in said if isinstance(each, Crossed)]
    assert {(budget.scope, budget.kind) for budget in left} == {(WORKSPACE, MONTHLY), (PROJECT, DAILY)}


def test_a_posted_alert_says_that_the_budget_was_removed_and_has_no_buttons(engine: Engine) -> None:
    limit(engine, 40, thresholds=(50,))
    spend(engine, "a", "b")
    [root] = deliver(engine)
    remove(engine)
    [edit] = deliver(engine)
    assert (edit.replaces, edit.line) == (root.key, root.line)
    content = from_json(edit.kind, edit.content)
    assert isinstance(content, BudgetRemoved)
    said = blocks.render(content, engine.calendar)
    assert "The budget marketing (monthly) was removed" in said.text
    assert "left" not in said.text
    assert [block for block in said.blocks if block["type"] == "actions"] == []


def test_an_edit_that_waits_does_not_overtake_the_removal(engine: Engine) -> None:
    limit(engine, 40, thresholds=(25, 50))
    spend(engine, "a")
    deliver(engine)
    spend(engine, "b")  # a reply and an edit wait
    assert len(waiting(engine)) == 2
    remove(engine)
    assert [from_json(each.kind, each.content).__class__ for each in deliver(engine)] == [BudgetRemoved]


def test_an_alert_that_is_on_its_way_is_edited_afterwards(engine: Engine) -> None:
    limit(engine, 20, thresholds=(50,))
    spend(engine, "a")
    message = claim(engine)
    assert message is not None
    remove(engine)
    take(engine, message)
    [edit] = deliver(engine)
    assert (edit.kind, edit.replaces) == ("budget removed", message.key)


def test_an_alert_on_its_way_that_slack_does_not_take_says_so_when_it_is_tried_again(engine: Engine) -> None:
    limit(engine, 20, thresholds=(50,))
    spend(engine, "a")
    message = claim(engine)
    assert message is not None
    remove(engine)
    with engine.store.write() as tx:
        outbox_leases.again(tx, message, due_at=engine.clock(), problem="ratelimited")
    assert {each.kind for each in deliver(engine)} == {"budget removed"}


@pytest.mark.parametrize("posted", [False, True])
@pytest.mark.parametrize("kind", PeriodKind)
@pytest.mark.parametrize("channel", [None, "C0FINANCE1"])
def test_a_new_budget_begins_a_new_alert_thread_with_fresh_thresholds(
    engine: Engine, kind: PeriodKind, channel: str | None, *, posted: bool
) -> None:
    limit(engine, 20, kind=kind, thresholds=(50,), channel_id=channel)
    spend(engine, "a")
    if posted:
        deliver(engine)
        assert isinstance(alert_mutes.acknowledge(engine, story_ref(engine), by="U2"), alert_mutes.Changed)
        deliver(engine)
    remove(engine, kind=kind)
    limit(engine, 20, kind=kind, thresholds=(50,), channel_id=channel)
    new = [each for each in deliver(engine) if each.kind != "budget removed"]
    assert [(each.kind, each.thread, each.replaces) for each in new] == [("crossed", None, None)]
    assert from_json(new[0].kind, new[0].content).opens  # type: ignore[union-attr]
    kept = alert_threads.find(engine.store.read(), story_ref(engine))
    assert kept is not None
    assert (kept.root, kept.content.muted) == (new[0].key, None)


def test_removed_and_set_again_many_times_each_says_its_own(engine: Engine) -> None:
    """All at one instant of the clock."""
    spend(engine, "a")
    for _ in range(3):
        limit(engine, 20, thresholds=(50,))
        deliver(engine)
        remove(engine)
    said = [each.kind for each in rows(engine)]
    assert said == ["crossed", "budget removed"] * 3


def test_turned_away_and_renewed_are_dropped_too(engine: Engine, clock: FakeClock) -> None:
    limit(engine, 10, kind=DAILY, thresholds=(100,))
    spend(engine, "a")
    watch(engine)
    deliver(engine)
    clock.tick(86_400)
    watch(engine)
    assert [each.kind for each in waiting(engine)] == ["renewed", "story"]
    assert isinstance(job_requests.hold(engine, ask("b")), BudgetExceeded)
    remove(engine, kind=DAILY)
    assert [each.kind for each in deliver(engine)] == []


def test_that_a_budget_was_renewed_is_edited_when_it_is_removed(engine: Engine, clock: FakeClock) -> None:
    limit(engine, 10, kind=DAILY, thresholds=(100,))
    spend(engine, "a")
    watch(engine)
    clock.tick(86_400)
    watch(engine)
    [renewed] = [each for each in deliver(engine) if each.kind == "renewed"]
    remove(engine, kind=DAILY)
    assert [(each.kind, each.replaces) for each in deliver(engine)] == [("budget removed", renewed.key)]


def test_what_was_dropped_with_one_budget_is_not_edited_with_the_next(engine: Engine, clock: FakeClock) -> None:
    limit(engine, 10, kind=DAILY, thresholds=(100,))
    spend(engine, "a")
    watch(engine)
    clock.tick(86_400)
    watch(engine)  # that it is renewed waits to be said
    for _ in range(2):
        remove(engine, kind=DAILY)
        limit(engine, 10, kind=DAILY, thresholds=(100,))
    assert deliver(engine) == []


def test_the_story_of_an_ended_period_stays_as_it_ended(engine: Engine, clock: FakeClock) -> None:
    limit(engine, 20, kind=DAILY, thresholds=(50,))
    spend(engine, "a")
    watch(engine)
    deliver(engine)
    clock.tick(86_400)
    watch(engine)
    deliver(engine)
    remove(engine, kind=DAILY)
    assert deliver(engine) == []


def test_a_story_whose_end_is_still_to_be_said_ends_with_its_budget(engine: Engine, clock: FakeClock) -> None:
    limit(engine, 20, kind=DAILY, thresholds=(50,))
    spend(engine, "a")
    watch(engine)
    deliver(engine)
    clock.tick(86_400)
    remove(engine, kind=DAILY)
    [edit] = deliver(engine)
    content = from_json(edit.kind, edit.content)
    assert isinstance(content, BudgetRemoved)
    assert content.standing.total.held.millicredits == 10_000
    watch(engine)
    assert deliver(engine) == []


def test_a_refusal_that_comes_after_the_removal_announces_nothing(engine: Engine) -> None:
    limit(engine, 10)
    standing = budgets.standings_of(engine, PROJECT)
    outcome = job_requests.hold(engine, ask("a"))
    assert isinstance(outcome, BudgetExceeded)
    remove(engine)
    job = hold(engine, "b")
    with engine.store.write() as tx:
        alerts.note_turned_away(tx, standing, job)
    assert waiting(engine) == []


# Buttons that were posted earlier.


def test_an_old_button_says_that_the_budget_was_removed(engine: Engine) -> None:
    limit(engine, 20, thresholds=(50,))
    spend(engine, "a")
    deliver(engine)
    ref = story_ref(engine)
    remove(engine)
    for press in (lambda: alert_mutes.acknowledge(engine, ref, by="U2"), lambda: alert_mutes.unmute(engine, ref)):
        outcome = press()
        assert isinstance(outcome, BudgetGone)
        assert outcome.removal.by == "U0ADMIN"


def test_an_old_button_does_not_mute_the_new_budget(engine: Engine) -> None:
    limit(engine, 20, thresholds=(50,))
    spend(engine, "a")
    old = story_ref(engine)
    remove(engine)
    limit(engine, 20, thresholds=(50,))
    new = story_ref(engine)
    assert isinstance(alert_mutes.acknowledge(engine, old, by="U2"), BudgetGone)
    assert isinstance(alert_mutes.snooze(engine, old, by="U2"), BudgetGone)
    assert isinstance(alert_mutes.acknowledge(engine, new, by="U2"), alert_mutes.Changed)


@pytest.mark.parametrize("generation", [0, 1, 12])
@pytest.mark.parametrize("channel", [None, "C0FINANCE1"])
def test_a_button_names_its_budget(generation: int, channel: str | None) -> None:
    ref = AlertThreadRef(MONTHLY, 1, channel, PROJECT, generation)
    assert read_ref(str(ref)) == ref
    assert read_ref(f"monthly 1 - {PROJECT}") == AlertThreadRef(MONTHLY, 1, None, PROJECT)


# Requests for more.


def test_open_requests_are_closed_and_their_requesters_told_once(engine: Engine) -> None:
    limit(engine, 10, channel_id="C0FINANCE1")
    first, second = asked_for_more(engine, "a"), asked_for_more(engine, "b", "U2")
    deliver(engine)
    assert remove(engine).closed_requests == 2
    assert increase_requests.pending(engine) == []
    said = [(each.kind, each.user_id, each.replaces) for each in waiting(engine) if each.kind == "increase closed"]
    assert sorted(said, key=str) == sorted(
        [
            ("increase closed", None, f"increase {first.id}"),
            ("increase closed", "U1", None),
            ("increase closed", None, f"increase {second.id}"),
            ("increase closed", "U2", None),
        ],
        key=str,
    )
    increase_decisions.sweep(engine)
    deliver(engine)
    assert len(queued(engine.store, IncreaseClosed)) == 4
    [text, *_] = [blocks.render(content, engine.calendar).text for content in queued(engine.store, IncreaseClosed)]
    assert "marketing (monthly) was removed" in text
    assert "approved" not in text


def test_deciding_after_the_removal_grants_nothing_and_says_why(engine: Engine) -> None:
    limit(engine, 10, approvers=("UBOSS",))
    increase = asked_for_more(engine)
    remove(engine)
    for outcome in (
        increase_decisions.grant(engine, increase.id, by="UBOSS", is_admin=False),
        increase_decisions.grant(engine, increase.id, by="U0ADMIN", is_admin=True),
        increase_decisions.deny(engine, increase.id, by="UBOSS", is_admin=False, remark=""),
        increase_decisions.withdraw(engine, increase.id, user_id="U1"),
    ):
        assert isinstance(outcome, ClosedBefore)
        assert (outcome.increase.state, outcome.increase.budget_removed) == (IncreaseState.EXPIRED, True)
    assert engine.store.read().execute("SELECT * FROM grants").fetchall() == []
    assert [change.what for change in project_rules.changes(engine, PROJECT)] == ["monthly budget", "monthly budget"]


def test_a_new_budget_has_no_part_in_the_old_requests(engine: Engine) -> None:
    limit(engine, 10)
    increase = asked_for_more(engine)
    remove(engine)
    limit(engine, 10)
    assert isinstance(increase_decisions.grant(engine, increase.id, by="U0ADMIN", is_admin=True), ClosedBefore)
    [standing] = budgets.standings_of(engine, PROJECT)
    assert standing.budget.limit_millicredits == 10_000


def test_a_request_for_an_approval_stays_and_names_who_decides_now(engine: Engine) -> None:
    limit(engine, 1_000, approvers=("UBOSS",))
    project_rules.set_rules(engine, project_rules.RuleChange("marketing", approve_above=1_000), by="U0ADMIN")
    asked = job_requests.hold(engine, ask("a"))
    assert isinstance(asked, NeedsConsent)
    assert isinstance(increase_requests.ask_for_refused(engine, asked.id, Wanted("U1", "")), Asked)
    deliver(engine)
    remove(engine)
    [increase] = increase_requests.pending(engine)
    [edit] = deliver(engine)
    assert edit.replaces == f"increase {increase.id}"
    assert "For an admin" in blocks.render(from_json(edit.kind, edit.content), engine.calendar).text
    outcome = increase_decisions.grant(engine, increase.id, by="U0ADMIN", is_admin=True)
    assert isinstance(outcome, IncreaseClosed)
    assert outcome.job is not None


def test_a_request_that_an_earlier_version_left_behind_is_closed(engine: Engine) -> None:
    for decide in (True, False):
        limit(engine, 10)
        increase = asked_for_more(engine, f"left {decide}")
        with engine.store.write() as tx:  # as a removal was before
            tx.execute("DELETE FROM budgets")
        if decide:
            outcome = increase_decisions.grant(engine, increase.id, by="U0ADMIN", is_admin=True)
            assert isinstance(outcome, IncreaseClosed)
            assert (outcome.increase.budget_removed, outcome.grant, outcome.job) == (True, None, None)
        else:
            increase_decisions.sweep(engine)
        closed = kept_increases.get(engine.store.read(), increase.id)
        assert closed is not None
        assert (closed.state, closed.budget_removed) == (IncreaseState.EXPIRED, True)


def test_an_alert_that_an_earlier_version_left_behind_is_ended(engine: Engine) -> None:
    limit(engine, 20, thresholds=(50,))
    spend(engine, "a")
    deliver(engine)
    with engine.store.write() as tx:
        tx.execute("DELETE FROM budgets")
    for _ in range(2):
        watch(engine)
    assert [each.kind for each in deliver(engine)] == ["budget removed"]


def test_nothing_is_asked_of_a_budget_that_is_not_there(engine: Engine) -> None:
    limit(engine, 10)
    refused = job_requests.hold(engine, ask("a"))
    assert isinstance(refused, BudgetExceeded)
    remove(engine)
    assert isinstance(increase_requests.ask_for_refused(engine, refused.id, Wanted("U1", "")), Held)
    amount = refused.wanted.amount
    outcome = increase_requests.ask_for_amount(
        engine, "x", Wanted("U1", ""), scope=PROJECT, kind=MONTHLY, amount=amount
    )
    assert isinstance(outcome, NoBudget)
    assert queued(engine.store, IncreaseAsked) == []


def test_removing_and_granting_at_once_leave_no_grant_behind(engine: Engine) -> None:
    for n in range(5):
        limit(engine, 10)
        increase = asked_for_more(engine, f"r{n}", user_id=f"U{n}")
        with ThreadPoolExecutor(2) as pool:
            removing = pool.submit(remove, engine)
            granting_ = pool.submit(increase_decisions.grant, engine, increase.id, by="U0ADMIN", is_admin=True)
        assert removing.result(30)
        assert isinstance(granting_.result(30), ClosedBefore | IncreaseClosed)
        assert engine.store.read().execute("SELECT * FROM grants").fetchall() == []
        assert increase_requests.pending(engine) == []


# Changes of a budget.


def test_a_raised_limit_is_shown_by_the_alert_at_once(engine: Engine) -> None:
    limit(engine, 20, thresholds=(50,))
    spend(engine, "a", "b")
    limit(engine, 200, thresholds=(50,))
    said = deliver(engine)
    content = from_json(said[-1].kind, said[-1].content)
    assert isinstance(content, AlertThread)
    assert content.standing.percent == "10.0%"


def test_an_alert_nobody_has_read_goes_to_the_new_channel(engine: Engine) -> None:
    limit(engine, 20, thresholds=(50,), channel_id="C0OLD00001")
    spend(engine, "a")
    budgets.set_budget(engine, Change(PROJECT, MONTHLY, channel_id="C0NEW00001"), by="U0ADMIN")
    spend(engine, "b")
    assert {each.line for each in deliver(engine)} == {"C0NEW00001"}


@pytest.mark.parametrize(("to", "shown"), [("C0NEW00001", "C0NEW00001"), ("", DEFAULT_CHANNEL)])
def test_an_alert_that_was_posted_says_where_the_next_ones_go(engine: Engine, to: str, shown: str) -> None:
    limit(engine, 40, thresholds=(25, 50), channel_id="C0OLD00001")
    spend(engine, "a")
    deliver(engine)
    old = story_ref(engine)
    budgets.set_budget(engine, Change(PROJECT, MONTHLY, channel_id=to), by="U0ADMIN")
    [edit] = deliver(engine)
    content = from_json(edit.kind, edit.content)
    assert isinstance(content, AlertThread)
    assert content.moved_to == shown
    said = blocks.render(content, engine.calendar)
    assert "The alerts of this budget go to" in said.text
    assert [block for block in said.blocks if block["type"] == "actions"] == []
    assert isinstance(alert_mutes.acknowledge(engine, old, by="U2"), Moved)

    spend(engine, "b")
    [alert] = deliver(engine)
    assert alert.line == (to or "C0ALERTS01")
    budgets.set_budget(engine, Change(PROJECT, MONTHLY, channel_id="C0OLD00001"), by="U0ADMIN")
    assert isinstance(
        alert_mutes.acknowledge(engine, old, by="U2"), alert_mutes.Changed
    )  # it is the budget's channel again


def test_a_question_nobody_has_read_goes_to_the_new_channel(engine: Engine) -> None:
    limit(engine, 10, channel_id="C0OLD00001")
    increase = asked_for_more(engine)
    budgets.set_budget(engine, Change(PROJECT, MONTHLY, channel_id="C0NEW00001"), by="U0ADMIN")
    said = {each.key: each.line for each in deliver(engine)}
    assert said[f"increase {increase.id}"] == "C0NEW00001"
    assert set(said.values()) == {"C0NEW00001"}


def test_new_approvers_are_named_in_the_questions_that_wait(engine: Engine) -> None:
    limit(engine, 10, approvers=("UBOSS",))
    increase = asked_for_more(engine)
    deliver(engine)
    budgets.set_budget(engine, Change(PROJECT, MONTHLY, approvers=("U0CAROL001",)), by="U0ADMIN")
    [edit] = [each for each in deliver(engine) if each.kind == "increase asked"]
    assert edit.replaces == f"increase {increase.id}"
    said = blocks.render(from_json(edit.kind, edit.content), engine.calendar).text
    assert "<@U0CAROL001>" in said
    assert "UBOSS" not in said


# With the notifier and Slack.


@pytest.mark.backend("sqlite")
def test_in_slack_the_alert_is_edited_and_a_new_budget_alerts_in_a_new_message(post: Post) -> None:  # noqa: F811
    engine = post.engine
    limit(engine, 40, WORKSPACE, thresholds=(25, 50), channel_id=MARKETING)
    spend(engine, "a")
    post.deliver(3)
    [alert] = post.seen(MARKETING)
    alert_mutes.acknowledge(engine, story_ref(engine, WORKSPACE), by=ALICE)
    post.deliver(3)
    remove(engine, WORKSPACE)
    post.deliver(3)
    [edited] = post.seen(MARKETING)
    assert (edited.ts, "was removed" in edited.text, "left" in edited.text) == (alert.ts, True, False)
    limit(engine, 40, WORKSPACE, thresholds=(25, 50), channel_id=MARKETING)
    post.deliver(3)
    old, new = post.seen(MARKETING)
    assert old.ts == alert.ts
    assert "has reached 25%" in new.text
    assert new.thread_ts in (None, new.ts)


@pytest.mark.backend("sqlite")
def test_alerts_that_were_said_together_cannot_be_edited_so_the_removal_is_a_message(post: Post) -> None:  # noqa: F811
    engine = post.engine
    limit(engine, 40, WORKSPACE, thresholds=(25,), channel_id=MARKETING)
    limit(engine, 40, PROJECT, thresholds=(25,), channel_id=MARKETING)
    spend(engine, "a")
    post.clock.tick(120)
    post.deliver(3)
    [both] = post.seen(MARKETING)
    assert "2 alerts had to wait" in both.text
    remove(engine, PROJECT)
    post.deliver(3)
    same, removal = post.seen(MARKETING)
    assert same.text == both.text
    assert "The budget marketing (monthly) was removed" in removal.text


@pytest.mark.backend("sqlite")
def test_what_the_admins_were_told_in_person_is_edited_for_each(post: Post) -> None:  # noqa: F811
    engine = post.engine
    limit(engine, 40, WORKSPACE, thresholds=(25,))
    spend(engine, "a")
    notifier = post.notifier(alerts_channel=None, admins=(ALICE, BOB))
    post.deliver(4, notifier)
    remove(engine, WORKSPACE)
    post.deliver(4, notifier)
    for direct, person in (("D0ALICE001", ALICE), ("D0BOB00001", BOB)):
        [said] = post.seen(direct, person)
        assert "The budget workspace (monthly) was removed" in said.text
    assert post.waiting() == 0


@pytest.mark.backend("sqlite")
def test_an_alert_held_in_quiet_hours_is_not_said_afterwards(post: Post) -> None:  # noqa: F811
    engine = post.engine
    engine_outbox.set_quiet(engine, QuietHours(MARKETING, 11 * 60, 13 * 60, over_passes=False), by=ALICE)
    limit(engine, 40, WORKSPACE, thresholds=(25,), channel_id=MARKETING)
    spend(engine, "a")
    post.deliver(2)
    remove(engine, WORKSPACE)
    post.clock.tick(2 * 3600)
    post.deliver(3)
    assert post.seen(MARKETING) == []
    assert post.waiting() == 0
