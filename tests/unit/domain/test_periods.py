"""Days, weeks and months over every change of the clocks: no instant is lost, and none counts twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from klingbot.domain.periods import WEEKDAYS, Calendar, Period, PeriodKind

HOUR = 3_600_000
MONDAY, SUNDAY = WEEKDAYS.index("monday"), WEEKDAYS.index("sunday")
DAILY, WEEKLY, MONTHLY = PeriodKind


def calendar(zone: str, week_start: int = MONDAY) -> Calendar:
    return Calendar(ZoneInfo(zone), week_start)


def utc(text: str) -> int:
    """`2026-11-23 12:00` in UTC epoch milliseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def local_days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days)]


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours"),
    [
        # The clocks change in the night: 23 hours in spring, 25 in autumn.
        ("America/New_York", "2026-03-08", "2026-03-08 05:00", 23),
        ("America/New_York", "2026-11-01", "2026-11-01 04:00", 25),
        ("Europe/Berlin", "2026-03-29", "2026-03-28 23:00", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-24 22:00", 25),
        # By half an hour only, and in autumn's order south of the equator.
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04 13:00", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03 13:30", 23.5),
        # Never.
        ("Asia/Tokyo", "2026-03-29", "2026-03-28 15:00", 24),
        ("UTC", "2026-03-29", "2026-03-29 00:00", 24),
        # Midnight itself is skipped: the day begins at 01:00.
        ("America/Havana", "2026-03-08", "2026-03-08 05:00", 23),
        ("Asia/Beirut", "2026-03-29", "2026-03-28 22:00", 23),
        ("Africa/Cairo", "2026-04-24", "2026-04-23 22:00", 23),
        ("America/Santiago", "2026-09-06", "2026-09-06 04:00", 23),
        # Midnight comes twice: the day begins at the first.
        ("America/Havana", "2026-11-01", "2026-11-01 04:00", 25),
        ("America/St_Johns", "2006-10-29", "2006-10-29 02:30", 25),
        # Midnight turns back to 23:00 before it is reached: the day before has 25 hours.
        ("Asia/Beirut", "2026-10-24", "2026-10-23 21:00", 25),
        ("Asia/Beirut", "2026-10-25", "2026-10-24 22:00", 24),
        ("Africa/Cairo", "2026-10-29", "2026-10-28 21:00", 25),
        ("America/Santiago", "2026-04-04", "2026-04-04 03:00", 25),
        # Samoa crossed the date line: 30 December 2011 never was, and the 29th ends where the 31st begins.
        ("Pacific/Apia", "2011-12-29", "2011-12-29 10:00", 24),
        ("Pacific/Apia", "2011-12-31", "2011-12-30 10:00", 24),
    ],
)
def test_a_day_begins_at_its_first_instant_and_ends_where_the_next_begins(
    zone: str, day: str, start: str, hours: float
) -> None:
    begins, ends = utc(start), utc(start) + round(hours * HOUR)
    period = calendar(zone).period(DAILY, begins)
    assert (period.start, period.end, str(period.first_day)) == (begins, ends, day)
    assert calendar(zone).period(DAILY, ends - 1) == period
    assert calendar(zone).period(DAILY, begins - 1).end == begins


@pytest.mark.parametrize(
    ("at", "first_day", "days"),
    [
        ("2026-01-01 00:00", "2026-01-01", 31),
        ("2025-12-31 23:59", "2025-12-01", 31),
        ("2026-02-28 23:59", "2026-02-01", 28),
        ("2028-02-29 12:00", "2028-02-01", 29),
        ("2100-02-28 12:00", "2100-02-01", 28),
        ("2026-04-30 12:00", "2026-04-01", 30),
        ("2026-12-31 23:59", "2026-12-01", 31),
    ],
)
def test_a_month_has_the_days_it_has(at: str, first_day: str, days: int) -> None:
    month = calendar("UTC").period(MONTHLY, utc(at))
    assert (str(month.first_day), month.end - month.start) == (first_day, days * 24 * HOUR)


@pytest.mark.parametrize(
    ("zone", "month", "hours"),
    [
        ("America/New_York", "2026-03-15 12:00", 31 * 24 - 1),
        ("America/New_York", "2026-11-15 12:00", 30 * 24 + 1),
        ("Europe/Berlin", "2026-10-15 12:00", 31 * 24 + 1),
    ],
)
def test_a_month_over_a_change_of_the_clocks_is_an_hour_off(zone: str, month: str, hours: int) -> None:
    period = calendar(zone).period(MONTHLY, utc(month))
    assert period.end - period.start == hours * HOUR


@pytest.mark.parametrize(
    ("week_start", "at", "first_day"),
    [
        (MONDAY, "2026-11-23 00:00", "2026-11-23"),
        (MONDAY, "2026-11-22 23:59", "2026-11-16"),
        (MONDAY, "2026-11-29 23:59", "2026-11-23"),
        (SUNDAY, "2026-11-22 00:00", "2026-11-22"),
        (SUNDAY, "2026-11-21 23:59", "2026-11-15"),
        (SUNDAY, "2026-11-28 23:59", "2026-11-22"),
        (WEEKDAYS.index("saturday"), "2026-11-27 23:59", "2026-11-21"),
        (MONDAY, "2027-01-01 12:00", "2026-12-28"),
        (SUNDAY, "2028-02-29 12:00", "2028-02-27"),
    ],
)
def test_a_week_begins_on_the_weekday_that_was_set(week_start: int, at: str, first_day: str) -> None:
    week = calendar("UTC", week_start).period(WEEKLY, utc(at))
    assert str(week.first_day) == first_day
    assert week.end - week.start == 7 * 24 * HOUR


def test_the_same_instant_is_another_day_elsewhere() -> None:
    at = utc("2026-11-30 16:00")
    here, there = calendar("America/New_York").periods(at), calendar("Asia/Tokyo").periods(at)
    assert [str(p.first_day) for p in here] == ["2026-11-30", "2026-11-30", "2026-11-01"]
    assert [str(p.first_day) for p in there] == ["2026-12-01", "2026-11-30", "2026-12-01"]


def test_labels_name_the_local_date_on_which_a_period_begins() -> None:
    periods = calendar("Asia/Tokyo").periods(utc("2026-11-30 16:00"))
    assert [p.label for p in periods] == ["1 December 2026", "the week of 30 November 2026", "December 2026"]


def test_a_calendar_names_its_zone_and_week_start() -> None:
    assert str(calendar("Europe/Berlin", SUNDAY)) == "Europe/Berlin sunday"


# Over all zones.

ZONES = sorted(available_timezones() - {"Factory", "localtime"})
CALENDARS = st.builds(calendar, st.sampled_from(ZONES), st.integers(0, 6))
INSTANTS = st.integers(utc("1970-01-02 00:00"), utc("2099-12-30 00:00"))


@st.composite
def near_changes(draw: st.DrawFn) -> tuple[Calendar, int]:
    """A calendar, and an instant within two hours of one of its changes of the clocks, when it has any."""
    chosen, at = draw(CALENDARS), draw(INSTANTS)
    for _ in range(366):
        after = at + 24 * HOUR
        if chosen.local(at).utcoffset() != chosen.local(after).utcoffset():
            return chosen, _change(chosen, at, after) + draw(st.integers(-2 * HOUR, 2 * HOUR))
        at = after
    return chosen, at


def _change(chosen: Calendar, before: int, after: int) -> int:
    while after - before > 1:
        middle = (before + after) // 2
        if chosen.local(middle).utcoffset() == chosen.local(before).utcoffset():
            before = middle
        else:
            after = middle
    return after


ANYWHEN = st.one_of(st.tuples(CALENDARS, INSTANTS), near_changes())


# In Newfoundland the clocks went back from 00:01 to 23:01: for an hour the wall showed yesterday's date again.
SEEMS_YESTERDAY = (calendar("America/St_Johns"), utc("2006-10-29 03:00"))


@given(ANYWHEN)
@example(SEEMS_YESTERDAY)
def test_every_instant_lies_in_exactly_one_period_of_each_kind(where: tuple[Calendar, int]) -> None:
    chosen, at = where
    for period in chosen.periods(at):
        assert period.start <= at < period.end
        assert chosen.period(period.kind, period.start) == period
        assert chosen.period(period.kind, period.end - 1) == period


@given(ANYWHEN)
def test_periods_join_without_gap_or_overlap(where: tuple[Calendar, int]) -> None:
    chosen, at = where
    for period in chosen.periods(at):
        following, before = chosen.next(period), chosen.previous(period)
        assert (before.end, following.start) == (period.start, period.end)
        assert chosen.previous(following) == chosen.next(before) == period


def days_of(chosen: Calendar, span: Period) -> list[Period]:
    days = [chosen.period(DAILY, span.start)]
    while days[-1].end < span.end:
        days.append(chosen.next(days[-1]))
    return days


@given(ANYWHEN, st.sampled_from([WEEKLY, MONTHLY]))
def test_days_make_up_weeks_and_months_exactly(where: tuple[Calendar, int], kind: PeriodKind) -> None:
    chosen, at = where
    span = chosen.period(kind, at)
    days = days_of(chosen, span)
    assert (days[0].start, days[-1].end) == (span.start, span.end)
    assert all(earlier.end == later.start for earlier, later in pairwise(days))
    assert all(chosen.period(kind, day.start) == span for day in days)


@given(ANYWHEN)
def test_a_day_begins_with_the_first_instant_that_bears_its_date(where: tuple[Calendar, int]) -> None:
    chosen, at = where
    day = chosen.period(DAILY, at)
    assert chosen.local(day.start).date() == day.first_day
    assert chosen.local(day.start - 1).date() < day.first_day


@given(ANYWHEN)
def test_a_week_begins_on_its_weekday_and_a_month_on_its_first(where: tuple[Calendar, int]) -> None:
    chosen, at = where
    periods = chosen.periods(at)
    assert periods.weekly.first_day.weekday() == chosen.week_start
    assert periods.monthly.first_day.day == 1


@pytest.mark.slow
def test_no_day_of_any_zone_begins_late_in_the_year_to_come() -> None:
    for zone in ZONES:
        chosen = calendar(zone)
        for day in local_days(date(2026, 7, 1), date(2027, 7, 1)):
            begins = chosen.midnight(day)
            assert chosen.local(begins).date() == day, (zone, day)
            assert chosen.local(begins - 1).date() == day - timedelta(days=1), (zone, day)


ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Tokyo", "Australia/Lord_Howe", "America/Havana"]


@given(
    st.sampled_from(ZONES),
    st.sampled_from(ZONES),
    st.sampled_from([DAILY, MONTHLY]),
    st.integers(utc("2025-01-01"), utc("2027-01-01")),
)
def test_a_period_that_another_calendar_began_keeps_its_start_its_name_and_its_length(
    before: str, after: str, kind: PeriodKind, at: int
) -> None:
    kept = calendar(before).period(kind, at)
    found = calendar(after).since(kind, kept.start)
    assert (found.start, found.label) == (kept.start, kept.label)
    assert abs(found.end - kept.end) <= 2 * HOUR


@pytest.mark.parametrize("kind", PeriodKind)
def test_a_period_of_the_calendar_itself_is_found_by_its_start(kind: PeriodKind) -> None:
    berlin = calendar("Europe/Berlin", SUNDAY)
    period = berlin.period(kind, utc("2026-10-25 12:00"))
    assert berlin.since(kind, period.start) == period


def test_a_week_that_began_on_another_weekday_keeps_its_seven_days() -> None:
    kept = calendar("UTC", MONDAY).period(WEEKLY, utc("2026-11-25 12:00"))
    assert calendar("UTC", SUNDAY).since(WEEKLY, kept.start) == kept
