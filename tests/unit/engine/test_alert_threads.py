"""One message per budget and period: it is rewritten while the period lasts, and what comes later is in its thread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from klingbot.domain.alert_history import AlertThread, AlertThreadRef, Mute, read_ref, ref_of
from klingbot.domain.budgets import OVER, TURNED_AWAY, WORKSPACE, project_scope
from klingbot.domain.notifications import Content, Crossed, TurnedAway, from_json
from klingbot.domain.periods import PeriodKind
from klingbot.domain.pricing import Wish
from klingbot.engine import Engine, alert_mutes, budgets, cancellation, hold_outcomes, job_requests, open_engine
from klingbot.engine.alert_mutes import AlreadyAcknowledged, Changed, NoStory, PeriodOver
from klingbot.engine.budgets import Change
from klingbot.engine.period_checks import watch
from klingbot.store import Store
from tests.conftest import FakeClock
from tests.support.ledger_checks import ask, hold, prove, slack_takes_everything

pytestmark = pytest.mark.both_databases

DAILY, WEEKLY, MONTHLY = PeriodKind
TEN_CREDITS = Wish("kling-v1", 5)
MARKETING = project_scope("marketing")
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Queued:
    key: str
    content: Content
    channel: str | None
    thread: str | None
    broadcast: bool
    replaces: str | None


def outbox(engine: Engine) -> list[Queued]:
    rows = engine.store.read().execute("SELECT * FROM outbox ORDER BY id").fetchall()
    return [
        Queued(
            row["key"],
            from_json(row["kind"], json.loads(row["content"])),
            row["channel_id"],
            row["thread_key"],
            bool(row["broadcast"]),
            row["replaces_key"],
        )
        for row in rows
    ]


@pytest.fixture(autouse=True)
def proved(store: Store) -> Iterator[None]:
    yield
    prove(store)


@pytest.fixture
def listening(engine: Engine) -> Engine:
    """An engine, and a Slack that takes each message the moment it is queued."""
    slack_takes_everything(engine.store)
    return engine


def limit(engine: Engine, scope: str, credits: int, kind: PeriodKind = MONTHLY, **more: Any) -> None:
    budgets.set_budget(engine, Change(scope, kind, credits * 1000, **more), by="UADMIN")


def spend(engine: Engine, *names: str) -> None:
    for name in names:
        hold(engine, name, TEN_CREDITS)


def refuse(engine: Engine, name: str) -> None:
    assert isinstance(job_requests.hold(engine, ask(name)), hold_outcomes.BudgetExceeded)


def told(content: Content) -> list[str]:
    assert isinstance(content, AlertThread)
    return [each.mark for each in content.told]


def test_the_first_alert_opens_the_story_in_the_budgets_channel(listening: Engine) -> None:
    limit(listening, WORKSPACE, 20, channel_id="CFINANCE", thresholds=(50, 100))
    spend(listening, "a")
    [root] = outbox(listening)
    assert isinstance(root.content, Crossed)
    assert root.content.opens
    assert (root.channel, root.thread, root.replaces) == ("CFINANCE", None, None)


def test_a_later_crossing_is_a_reply_and_the_story_shows_it(listening: Engine) -> None:
    limit(listening, WORKSPACE, 40, thresholds=(25, 50, 75))
    spend(listening, "a", "b", "c")
    root, second, edit, third, again = outbox(listening)
    for reply, mark in ((second, "50"), (third, "75")):
        assert isinstance(reply.content, Crossed)
        assert (reply.content.marks, reply.content.opens, reply.thread) == ((mark,), False, root.key)
        assert not reply.broadcast
    assert [edit.replaces, again.replaces] == [root.key, root.key]
    assert [told(edit.content), told(again.content)] == [["25", "50"], ["25", "50", "75"]]
    assert again.content.standing.percent == "75.0%"  # type: ignore[union-attr]


def test_used_up_over_and_turned_away_are_shown_to_the_channel_too(listening: Engine) -> None:
    limit(listening, WORKSPACE, 20, thresholds=(50, 100))
    spend(listening, "a", "b")
    refuse(listening, "c")
    limit(listening, WORKSPACE, 15)
    replies = [each for each in outbox(listening) if each.thread]
    assert [type(each.content) for each in replies] == [Crossed, TurnedAway, Crossed]
    assert all(each.broadcast for each in replies)
    assert told(outbox(listening)[-1].content) == ["50", "100", TURNED_AWAY, OVER]


def test_being_turned_away_can_open_a_story(listening: Engine) -> None:
    limit(listening, WORKSPACE, 30)
    refuse(listening, "a")
    spend(listening, "b", "c", "d")
    root, *later = outbox(listening)
    assert isinstance(root.content, TurnedAway)
    assert root.content.opens
    assert {each.thread or each.replaces for each in later} == {root.key}


def test_a_story_that_nobody_has_read_yet_just_tells_more(engine: Engine) -> None:
    limit(engine, WORKSPACE, 40, thresholds=(25, 50, 100))
    spend(engine, "a", "b", "c", "d")
    unsaid = [each for each in outbox(engine) if each.replaces is None]
    [root] = unsaid
    assert told(root.content) == ["25", "50", "100"]
    waiting = engine.store.read().execute("SELECT count(*) AS n FROM outbox WHERE state = 'waiting'").fetchone()["n"]
    assert waiting == 1


def test_a_crossing_that_is_armed_again_is_told_once_more_and_listed_once(listening: Engine, clock: FakeClock) -> None:
    limit(listening, WORKSPACE, 20, thresholds=(50,))
    for name in "abc":
        clock.tick(60)
        job = hold(listening, name, TEN_CREDITS)
        cancellation.cancel(listening, job.id, user_id="U1", is_admin=False)
    replies = [each for each in outbox(listening) if each.thread]
    assert len(replies) == 2
    last = outbox(listening)[-1].content
    assert told(last) == ["50"]
    assert last.told[0].at == clock(), "the latest of its kind"  # type: ignore[union-attr]


def test_each_budget_and_period_has_a_story_of_its_own(listening: Engine, clock: FakeClock) -> None:
    limit(listening, WORKSPACE, 10, DAILY)
    limit(listening, MARKETING, 10, DAILY)
    spend(listening, "a")
    clock.tick(86_400)
    spend(listening, "b")
    roots = [each for each in outbox(listening) if not each.thread and not each.replaces]
    assert len(roots) == 4


def test_after_a_change_of_channel_the_story_begins_anew_there(listening: Engine) -> None:
    limit(listening, WORKSPACE, 40, thresholds=(25, 50, 75), channel_id="COLD")
    spend(listening, "a")
    budgets.set_budget(listening, Change(WORKSPACE, MONTHLY, channel_id="CNEW"), by="UADMIN")
    spend(listening, "b", "c")
    [left, goodbye] = [each for each in outbox(listening) if each.channel == "COLD"]
    assert isinstance(goodbye.content, AlertThread)
    assert (goodbye.replaces, goodbye.content.moved_to) == (left.key, "CNEW")
    [root, reply, edit] = [each for each in outbox(listening) if each.channel == "CNEW"]
    assert (reply.thread, edit.replaces, told(edit.content)) == (root.key, root.key, ["50", "75"])


@pytest.mark.backend("sqlite")
def test_what_breaks_in_the_same_transaction_takes_its_alert_along(listening: Engine) -> None:
    limit(listening, WORKSPACE, 20, thresholds=(50,))
    with listening.store.write() as tx:
        tx.execute("CREATE TRIGGER broken BEFORE INSERT ON stories BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(Exception, match="no"):
        spend(listening, "a")
    assert outbox(listening) == []
    with listening.store.write() as tx:
        tx.execute("DROP TRIGGER broken")
    spend(listening, "a")
    assert len(outbox(listening)) == 1


# Taking note.


@pytest.fixture
def half_used(listening: Engine) -> Engine:
    """A budget of 40 credits whose story has begun, with 10 of them used."""
    limit(listening, WORKSPACE, 40, thresholds=(25, 75, 100))
    spend(listening, "a")
    return listening


def ref(engine: Engine) -> AlertThreadRef:
    return ref_of(budgets.standings(engine)[0])


def broadcast(engine: Engine) -> list[str]:
    return [type(each.content).__name__ for each in outbox(engine) if each.broadcast]


def test_who_acknowledged_it_and_when_stands_in_the_story(half_used: Engine, clock: FakeClock) -> None:
    clock.tick(60)
    outcome = alert_mutes.acknowledge(half_used, ref(half_used), by="UALICE")
    assert isinstance(outcome, Changed)
    muted = outcome.story.muted
    assert muted == Mute("UALICE", clock(), outcome.story.standing.period.end, acknowledged=True)
    edit = outbox(half_used)[-1]
    assert edit.content == outcome.story
    assert edit.replaces == outbox(half_used)[0].key


def test_after_that_only_exceeding_the_limit_is_shown_to_the_channel(half_used: Engine) -> None:
    alert_mutes.acknowledge(half_used, ref(half_used), by="UALICE")
    spend(half_used, "b", "c", "d")
    refuse(half_used, "e")
    assert broadcast(half_used) == []
    assert len([each for each in outbox(half_used) if each.thread]) == 3, "the thread has them all"
    limit(half_used, WORKSPACE, 35)
    assert broadcast(half_used) == ["Crossed"]


def test_a_snooze_ends_by_itself_and_the_buttons_come_back(half_used: Engine, clock: FakeClock) -> None:
    alert_mutes.snooze(half_used, ref(half_used), by="UALICE")
    spend(half_used, "b", "c")
    refuse(half_used, "d")
    assert broadcast(half_used) == []
    clock.tick(DAY)
    watch(half_used)
    story = outbox(half_used)[-1].content
    assert isinstance(story, AlertThread)
    assert story.muted is None
    spend(half_used, "e")
    assert broadcast(half_used) == ["Crossed"]


def test_the_channel_can_be_told_again(half_used: Engine) -> None:
    alert_mutes.acknowledge(half_used, ref(half_used), by="UALICE")
    outcome = alert_mutes.unmute(half_used, ref(half_used))
    assert isinstance(outcome, Changed)
    assert outcome.story.muted is None
    spend(half_used, "b", "c", "d")
    assert broadcast(half_used) == ["Crossed"]


def test_a_restart_keeps_what_was_acknowledged(half_used: Engine, clock: FakeClock) -> None:
    alert_mutes.acknowledge(half_used, ref(half_used), by="UALICE")
    again = open_engine(half_used.store, half_used.prices, half_used.calendar, clock)
    spend(again, "b", "c", "d")
    assert broadcast(again) == []


def test_the_second_to_acknowledge_hears_who_was_first(half_used: Engine) -> None:
    alert_mutes.acknowledge(half_used, ref(half_used), by="UALICE")
    for second in (alert_mutes.acknowledge, alert_mutes.snooze):
        outcome = second(half_used, ref(half_used), by="UBOB")
        assert isinstance(outcome, AlreadyAcknowledged)
        assert outcome.by.user_id == "UALICE"


@pytest.mark.parametrize("watched", [True, False])
def test_a_click_on_an_old_period_says_so_and_changes_nothing(
    half_used: Engine, clock: FakeClock, watched: bool
) -> None:
    old = ref(half_used)
    clock.tick(10 * DAY)
    if watched:
        watch(half_used)
    before = outbox(half_used)
    assert isinstance(alert_mutes.acknowledge(half_used, old, by="UALICE"), PeriodOver)
    assert isinstance(alert_mutes.snooze(half_used, old, by="UALICE"), PeriodOver)
    assert isinstance(alert_mutes.unmute(half_used, old), PeriodOver)
    assert isinstance(alert_mutes.acknowledge(half_used, ref(half_used), by="UALICE"), NoStory)
    assert outbox(half_used) == before


@pytest.mark.parametrize("channel_id", [None, "C0FINANCE1"])
@pytest.mark.parametrize("kind", PeriodKind)
def test_a_button_carries_which_story_it_is_about(kind: PeriodKind, channel_id: str | None) -> None:
    story = AlertThreadRef(kind, 1_795_435_200_000, channel_id, "project:two words")
    assert read_ref(str(story)) == story
    assert len(str(story)) < 2_000
