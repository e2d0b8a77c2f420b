"""When a budget ends at the present rate, and which day is out of the ordinary."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from klingbot.domain.budgets import Budget, Standing, Total
from klingbot.domain.forecast import LOOK_BACK_DAYS, Recent, ends_at, usual_day
from klingbot.domain.money import NOTHING, Amount
from klingbot.domain.periods import Calendar, PeriodKind

DAILY, WEEKLY, MONTHLY = PeriodKind
DAY = 86_400_000
UTC_CALENDAR = Calendar(ZoneInfo("UTC"))


def utc(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def credits(number: int) -> Amount:
    """So many credits at $0.06."""
    return Amount(number * 1000, number * 60_000)


def stands(
    kind: PeriodKind, at: int, used: int, *, limit: int | None = 1000, usd: int | None = None, held: int = 0
) -> Standing:
    budget = Budget("workspace", kind, limit and limit * 1000, usd and usd * 1_000_000)
    return Standing(budget, UTC_CALENDAR.period(kind, at), Total(credits(held), credits(used)))


def days(*spent: int) -> Recent:
    """The latest days, today last; nothing before them."""
    filled = [0] * (LOOK_BACK_DAYS + 1 - len(spent)) + list(spent)
    return Recent(tuple(credits(each) for each in filled))


STEADY = days(*[70] * 7)
MONDAY_TO_WEDNESDAY = days(100, 100, 0, 0, 100, 100, 100)  # Thursday, Friday and a free weekend before them


@pytest.mark.parametrize(
    ("kind", "at", "used", "recent", "ends"),
    [
        # 70 credits a day and 210 left: three days.
        (MONTHLY, "2026-11-18 14:00", 790, STEADY, "2026-11-21 14:00"),
        (WEEKLY, "2026-11-18 14:00", 790, STEADY, "2026-11-21 14:00"),
        # It lasts: 12.4 days are left of November, and 14 days' worth of budget.
        (MONTHLY, "2026-11-18 14:00", 20, STEADY, None),
        # Not used up before the very end is not running out.
        (MONTHLY, "2026-11-28 00:00", 790, STEADY, None),
        (MONTHLY, "2026-11-28 00:00", 791, STEADY, "2026-11-30 23:39"),
        # A quarter of the period must have passed: 7.5 days of November, 42 hours of the week.
        (MONTHLY, "2026-11-08 11:59", 790, STEADY, None),
        (MONTHLY, "2026-11-08 12:00", 790, STEADY, "2026-11-11 12:00"),
        (WEEKLY, "2026-11-17 17:59", 790, STEADY, None),
        (WEEKLY, "2026-11-17 18:00", 790, STEADY, "2026-11-20 18:00"),
        # Two days are no rate; three are.
        (MONTHLY, "2026-11-18 14:00", 790, days(245, 0, 0, 0, 0, 0, 245), None),
        (MONTHLY, "2026-11-18 14:00", 790, days(245, 0, 0, 100, 0, 0, 145), "2026-11-21 14:00"),
        # Days without spending count: the weekend is in the rate, so a working week does not look like seven.
        (WEEKLY, "2026-11-18 18:00", 600, MONDAY_TO_WEDNESDAY, None),
        (WEEKLY, "2026-11-18 18:00", 800, MONDAY_TO_WEDNESDAY, "2026-11-21 13:12"),
        # What was spent more than a week ago is not the present rate.
        (MONTHLY, "2026-11-18 14:00", 790, days(900, 10, 10, 10, 10, 10, 10, 10), None),
        # A day has no rate, and what is used up has its own alert.
        (DAILY, "2026-11-18 14:00", 790, STEADY, None),
        (MONTHLY, "2026-11-18 14:00", 1000, STEADY, None),
        (MONTHLY, "2026-11-18 14:00", 1200, STEADY, None),
        # Nothing at all.
        (MONTHLY, "2026-11-18 14:00", 0, days(), None),
    ],
)
def test_a_budget_ends_when_days_like_the_last_seven_use_it_up(
    kind: PeriodKind, at: str, used: int, recent: Recent, ends: str | None
) -> None:
    found = ends_at(stands(kind, utc(at), used), recent, utc(at))
    assert (found // 60_000 if found else found) == (utc(ends) // 60_000 if ends else None)


def test_what_is_in_flight_counts_as_spent() -> None:
    now = utc("2026-11-18 14:00")
    assert ends_at(stands(MONTHLY, now, 720, held=70), STEADY, now) == now + 3 * DAY


def test_of_two_limits_the_one_that_ends_first_decides() -> None:
    now = utc("2026-11-18 14:00")
    assert ends_at(stands(MONTHLY, now, 300, limit=10_000, usd=24), STEADY, now) == now + 100 * DAY // 70
    assert ends_at(stands(MONTHLY, now, 300, limit=None, usd=24), STEADY, now) == now + 100 * DAY // 70


def test_a_period_that_is_over_has_no_forecast() -> None:
    november = stands(MONTHLY, utc("2026-11-18 14:00"), 990)
    assert ends_at(november, STEADY, utc("2026-12-01 00:00")) is None


AMOUNTS = st.integers(0, 10**6).map(credits)
RECENT = st.lists(AMOUNTS, min_size=31, max_size=31).map(lambda each: Recent(tuple(each)))


@given(RECENT, st.integers(0, 10**7), st.integers(1, 10**7), st.integers(0, 29 * 24 * 60))
def test_a_forecast_lies_between_now_and_the_end_of_the_period(
    recent: Recent, used: int, limit: int, minutes: int
) -> None:
    at = utc("2026-11-01 00:00") + minutes * 60_000
    standing = stands(MONTHLY, at, used, limit=limit)
    found = ends_at(standing, recent, at)
    assert found is None or at <= found < standing.period.end


@given(RECENT, st.integers(0, 999), st.integers(1, 1000))
def test_more_spent_never_makes_a_budget_last_longer(recent: Recent, used: int, more: int) -> None:
    at = utc("2026-11-18 14:00")
    before, after = stands(MONTHLY, at, used), stands(MONTHLY, at, used + more)
    assume(not after.used_up)
    first = ends_at(before, recent, at)
    assert first is None or (ends_at(after, recent, at) or first + 1) <= first


@pytest.mark.parametrize(
    ("before", "today", "spike"),
    [
        # More than three times the usual 40, and more than a tenth of 1,000.
        ([40] * 14, 121, True),
        ([40] * 14, 120, False),
        ([10] * 14, 101, True),
        ([10] * 14, 100, False),
        # Five days are needed to know what is usual; days without spending say nothing.
        ([40] * 5, 200, True),
        ([40] * 4, 200, False),
        ([40, 0, 0, 40, 0, 40, 0, 0, 0, 40, 40], 200, True),
        ([0] * 30, 200, False),
        # One day far above the others does not make the next one usual.
        ([40, 40, 900, 40, 40, 40], 200, True),
        # Only the last 14 days with spending count.
        ([500] * 14 + [40] * 14, 200, True),
        ([40] * 14 + [500] * 14, 200, False),
        # Of an even number the higher middle is usual.
        ([40, 40, 40, 80, 80, 80], 200, False),
    ],
)
def test_a_spike_is_far_above_the_usual_day_and_a_good_part_of_the_budget(
    before: list[int], today: int, spike: bool
) -> None:
    budget = stands(MONTHLY, utc("2026-11-18 14:00"), 0).budget
    assert (usual_day(budget, days(*before, today)) is not None) is spike


def test_a_spike_names_the_usual_day_in_both_currencies() -> None:
    budget = stands(MONTHLY, utc("2026-11-18 14:00"), 0, limit=None, usd=60).budget
    assert usual_day(budget, days(*[40] * 14, 200)) == credits(40)


def test_a_daily_budget_knows_no_spikes() -> None:
    budget = stands(DAILY, utc("2026-11-18 14:00"), 0).budget
    assert usual_day(budget, days(*[40] * 14, 900)) is None


@given(RECENT)
def test_an_idle_day_is_never_a_spike(recent: Recent) -> None:
    idle = Recent((*recent.days[:-1], NOTHING))
    assert usual_day(stands(MONTHLY, utc("2026-11-18 14:00"), 0).budget, idle) is None
