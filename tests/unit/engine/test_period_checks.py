"""What the clock brings about: new periods, forecasts, spikes, stories brought up to date. Each is said once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from klingbot.domain.alert_history import AlertThread
from klingbot.domain.budgets import WORKSPACE, user_scope
from klingbot.domain.money import Amount
from klingbot.domain.notifications import Crossed, Renewed, RunningOut, Spiked
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.domain.pricing import Wish
from klingbot.engine import Engine, budgets, job_requests, open_engine
from klingbot.engine.budgets import Change
from klingbot.engine.period_checks import watch
from klingbot.store import Store
from tests.conftest import FakeClock
from tests.support.ledger_checks import ask, hold, prove, queued, settle, slack_takes_everything

# What is decided here is the same on both backends: each statement runs on both, each decision on one.
pytestmark = [pytest.mark.backend("sqlite"), pytest.mark.both_databases]
ON_BOTH = pytest.mark.backend("sqlite", "postgres")

DAILY, WEEKLY, MONTHLY = PeriodKind
TEN_CREDITS, TWENTY_CREDITS = Wish("kling-v1", 5), Wish("kling-v1", 10)
DAY = 86_400


@pytest.fixture(autouse=True)
def proved(store: Store) -> Iterator[None]:
    yield
    prove(store)


@pytest.fixture
def watched(engine: Engine) -> Engine:
    """An engine that has looked at the clock once, and a Slack that takes each message the moment it is queued."""
    slack_takes_everything(engine.store)
    watch(engine)
    return engine


def limit(engine: Engine, scope: str, credits: int, kind: PeriodKind = MONTHLY, **more: Any) -> None:
    budgets.set_budget(engine, Change(scope, kind, credits * 1000, **more), by="UADMIN")


def spend(engine: Engine, name: str, times: int = 1, **who: Any) -> None:
    for n in range(times):
        settle(engine, hold(engine, f"{name} {n} {engine.clock()}", TEN_CREDITS, **who))


def live(engine: Engine, clock: FakeClock, *days: int) -> None:
    """So many videos on each day, and a look at the clock in between."""
    for videos in days:
        spend(engine, "day", videos)
        watch(engine)
        clock.tick(DAY)
        watch(engine)


# New periods.


@ON_BOTH
def test_a_line_says_what_is_there_again_after_a_budget_was_used_up(watched: Engine, clock: FakeClock) -> None:
    limit(watched, WORKSPACE, 20, DAILY, channel_id="CFINANCE")
    spend(watched, "a", 2)
    clock.tick(DAY)
    watch(watched)
    [said] = queued(watched.store, Renewed)
    assert (said.ended.percent, said.ended.period.label) == ("100.0%", "23 November 2026")
    assert (said.standing.percent, said.standing.period.label) == ("0.0%", "24 November 2026")
    row = watched.store.read().execute("SELECT * FROM outbox WHERE kind = 'renewed'").fetchone()
    assert (row["channel_id"], row["thread_key"]) == ("CFINANCE", None)


def test_people_who_were_turned_away_hear_of_it_too(watched: Engine, clock: FakeClock) -> None:
    limit(watched, WORKSPACE, 30, DAILY)
    job_requests.hold(watched, ask("too much"))
    clock.tick(DAY)
    watch(watched)
    assert len(queued(watched.store, Renewed)) == 1


@ON_BOTH
def test_a_budget_that_lasted_begins_its_next_period_in_silence(watched: Engine, clock: FakeClock) -> None:
    limit(watched, WORKSPACE, 100, DAILY)
    spend(watched, "a", 9)
    clock.tick(DAY)
    watch(watched)
    assert queued(watched.store, Renewed) == []


def test_a_period_that_ended_while_the_bot_was_down_is_told_once_on_return(watched: Engine, clock: FakeClock) -> None:
    limit(watched, WORKSPACE, 20, DAILY)
    limit(watched, user_scope("U1"), 20, WEEKLY)
    spend(watched, "a", 2)
    clock.tick(10 * DAY)
    for _ in range(3):
        watch(watched)
        clock.tick(60)
    assert sorted(said.ended.period.label for said in queued(watched.store, Renewed)) == [
        "23 November 2026",
        "the week of 23 November 2026",
    ]


def test_a_first_start_has_nothing_to_tell_of_the_past(engine: Engine, clock: FakeClock) -> None:
    limit(engine, WORKSPACE, 20, DAILY)
    spend(engine, "a", 2)
    clock.tick(DAY)
    watch(engine)
    assert queued(engine.store, Renewed) == []


def test_a_clock_that_is_put_back_repeats_nothing(watched: Engine, clock: FakeClock) -> None:
    limit(watched, WORKSPACE, 20, DAILY)
    spend(watched, "a", 2)
    for seconds in (DAY, -DAY, DAY, -2 * DAY, 2 * DAY):
        clock.tick(seconds)
        watch(watched)
    assert len(queued(watched.store, Renewed)) == 1


def test_a_new_time_zone_is_not_a_new_period(store: Store, watched: Engine, clock: FakeClock) -> None:
    limit(watched, WORKSPACE, 20)
    spend(watched, "a", 2)
    for zone in ("Asia/Tokyo", "America/New_York", "UTC"):
        watch(open_engine(store, watched.prices, Calendar(ZoneInfo(zone)), clock))
    assert queued(store, Renewed) == []


def test_the_story_of_a_period_that_is_over_is_closed(watched: Engine, clock: FakeClock) -> None:
    limit(watched, WORKSPACE, 100, DAILY, thresholds=(50,))
    spend(watched, "a", 6)
    clock.tick(DAY)
    watch(watched)
    [closing] = queued(watched.store, AlertThread)
    assert (closing.closed, closing.standing.percent, closing.standing.period.label) == (
        True,
        "60.0%",
        "23 November 2026",
    )
    clock.tick(DAY)
    watch(watched)
    assert len(queued(watched.store, AlertThread)) == 1


# Stories.


def test_a_story_follows_its_budget_by_whole_percents(watched: Engine, clock: FakeClock) -> None:
    limit(watched, WORKSPACE, 2_000, thresholds=(1,))
    spend(watched, "a", 2)  # 1.0%
    spend(watched, "b", 1)  # 1.5%
    watch(watched)
    assert queued(watched.store, AlertThread) == []
    spend(watched, "c", 2)  # 2.5%
    watch(watched)
    watch(watched)
    [story] = queued(watched.store, AlertThread)
    assert (story.standing.percent, [told.mark for told in story.told], story.at) == ("2.5%", ["1"], clock())


def test_a_story_is_left_alone_when_its_budget_is_gone(watched: Engine) -> None:
    limit(watched, WORKSPACE, 100, thresholds=(10,))
    spend(watched, "a")
    budgets.remove_budget(watched, WORKSPACE, MONTHLY, by="UADMIN")
    spend(watched, "b", 5)
    watch(watched)
    assert queued(watched.store, AlertThread) == []


# Forecasts and spikes.


def test_a_budget_that_will_not_last_is_told_once_in_its_period(watched: Engine, clock: FakeClock) -> None:
    clock.set(2026, 11, 9, 12)
    limit(watched, WORKSPACE, 330, thresholds=(200,))
    live(watched, clock, *[2] * 12)
    [said] = queued(watched.store, RunningOut)
    # On the 14th, the sixth day of 20 credits: 210 credits are left, at 120 in seven days.
    assert said.standing.period.label == "November 2026"
    assert said.ends_at < said.standing.period.end
    clock.set(2026, 12, 8, 12)
    live(watched, clock, *[3] * 9)
    assert [each.standing.period.label for each in queued(watched.store, RunningOut)] == [
        "November 2026",
        "December 2026",
    ]


def test_a_new_limit_is_forecast_anew(watched: Engine, clock: FakeClock) -> None:
    clock.set(2026, 11, 9, 12)
    limit(watched, WORKSPACE, 300, thresholds=(200,))
    live(watched, clock, *[2] * 8)
    limit(watched, WORKSPACE, 330, thresholds=(200,))
    live(watched, clock, 2, 2)
    assert len(queued(watched.store, RunningOut)) == 2


def test_a_day_far_above_the_usual_is_told_once_that_day(watched: Engine, clock: FakeClock) -> None:
    limit(watched, WORKSPACE, 1_000, thresholds=(200,), forecast=False)
    live(watched, clock, 1, 1, 1, 1, 1, 11)
    [said] = queued(watched.store, Spiked)
    assert (said.today, said.usual) == (Amount(110_000, 6_600_000), Amount(10_000, 600_000))
    live(watched, clock, 1, 12, 1)
    assert len(queued(watched.store, Spiked)) == 2


def test_what_is_in_flight_makes_a_spike_as_well(watched: Engine, clock: FakeClock) -> None:
    limit(watched, WORKSPACE, 1_000, thresholds=(200,))
    live(watched, clock, 1, 1, 1, 1, 1)
    for n in range(11):
        hold(watched, f"in flight {n}", TEN_CREDITS)
    watch(watched)
    assert len(queued(watched.store, Spiked)) == 1


@pytest.mark.parametrize(("switch", "content"), [("forecast", RunningOut), ("spike", Spiked)])
def test_either_can_be_turned_off_for_a_budget(watched: Engine, clock: FakeClock, switch: str, content: type) -> None:
    clock.set(2026, 11, 12, 12)
    limit(watched, WORKSPACE, 400, thresholds=(200,), **{switch: False})
    limit(watched, user_scope("U1"), 400, thresholds=(200,))
    live(watched, clock, 1, 1, 1, 1, 1, 10, 10)
    said = [each.standing.budget.scope for each in queued(watched.store, content)]
    assert set(said) == {user_scope("U1")}


def test_others_spending_is_not_ones_own_spike(watched: Engine, clock: FakeClock) -> None:
    limit(watched, user_scope("U2"), 100, thresholds=(200,))
    live(watched, clock, 1, 1, 1, 1, 1, 20)
    assert queued(watched.store, Spiked) == []


@pytest.mark.backend("sqlite")
def test_a_look_at_the_clock_writes_nothing_when_there_is_nothing_to_say(watched: Engine, clock: FakeClock) -> None:
    limit(watched, WORKSPACE, 400, thresholds=(10,))
    live(watched, clock, 1, 1, 1, 1, 1, 10, 10)
    before = watched.store.read().execute("PRAGMA data_version").fetchone()[0]
    clock.tick(60)
    watch(watched)
    assert watched.store.read().execute("PRAGMA data_version").fetchone()[0] == before


@ON_BOTH
def test_another_process_says_nothing_a_second_time(store: Store, watched: Engine, clock: FakeClock) -> None:
    clock.set(2026, 11, 12, 12)
    limit(watched, WORKSPACE, 250, thresholds=(30,))
    limit(watched, user_scope("U1"), 20, DAILY)
    other_store = type(store)(store.place)  # type: ignore[attr-defined]
    other = open_engine(other_store, watched.prices, watched.calendar, clock)
    for videos in (1, 1, 1, 1, 1, 2, 2, 2, 2):
        spend(watched, "day", videos)
        watch(other)
        watch(watched)
        clock.tick(DAY)
        watch(watched)
        watch(other)
    other_store.close()
    keys = Counter(row["key"] for row in store.read().execute("SELECT key FROM outbox").fetchall())
    assert set(keys.values()) == {1}
    assert len(queued(store, RunningOut)) == 1
    assert len(queued(store, Renewed)) == 4


# A year.


ZONES = ("America/New_York", "Europe/Berlin", "Asia/Tokyo", "Australia/Lord_Howe")
THRESHOLDS = {DAILY: (20, (50, 100)), WEEKLY: (140, (50, 100)), MONTHLY: (620, (50, 90))}
"""Limits in credits that 20 a day never exceed, and shares of them that are reached in every whole period."""
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def reached_in_a_year() -> Counter[tuple[PeriodKind, date, str]]:
    """By counting days on paper: each crossing of 20 credits a day, with the first day of its period."""
    reached: Counter[tuple[PeriodKind, date, str]] = Counter()
    spent: Counter[tuple[PeriodKind, date]] = Counter()
    for n in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=n)
        begun = {DAILY: day, WEEKLY: day - timedelta(days=day.weekday()), MONTHLY: day.replace(day=1)}
        for kind, first in begun.items():
            credits, shares = THRESHOLDS[kind]
            before = spent[kind, first]
            spent[kind, first] += 20
            reached.update((kind, first, str(s)) for s in shares if before * 100 < s * credits <= (before + 20) * 100)
    return reached


@pytest.mark.slow
@pytest.mark.backend("sqlite")
@pytest.mark.parametrize("zone", ZONES)
def test_over_a_year_each_threshold_is_announced_once_in_each_period(
    store: Store, engine: Engine, clock: FakeClock, zone: str
) -> None:
    slack_takes_everything(store)
    store._writer.execute("PRAGMA synchronous = OFF")  # type: ignore[attr-defined]  # a year of waiting for the disk
    calendar = Calendar(ZoneInfo(zone))
    clock.at = calendar.midnight(FIRST)
    living = open_engine(store, engine.prices, calendar, clock)
    for kind, (credits, shares) in THRESHOLDS.items():
        limit(living, WORKSPACE, credits, kind, thresholds=shares, forecast=False, spike=False)
    while clock.at <= calendar.midnight(LAST):
        today = calendar.period(DAILY, clock.at)
        watch(living)
        clock.at = today.end - 1 if today.first_day.day % 2 else today.start
        hold(living, f"{today.first_day}", TWENTY_CREDITS)
        living = open_engine(store, engine.prices, calendar, clock)  # as after a restart
        clock.at = today.end
    watch(living)

    said = [
        (s.period.kind, s.period.first_day, mark)
        for c in queued(store, Crossed)
        for s in [c.standing]
        for mark in c.marks
    ]
    assert Counter(said) == reached_in_a_year()
    renewed = Counter(said.ended.period.kind for said in queued(store, Renewed))
    # The first and the last week are cut short, and only a month of 31 days uses its budget up.
    assert renewed == {DAILY: 365, WEEKLY: 51, MONTHLY: 7}
