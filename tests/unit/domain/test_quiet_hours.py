"""Quiet hours by the wall clock, through the nights in which it changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klingbot.domain.periods import Calendar
from klingbot.domain.quiet_hours import QuietHours, quiet_until

NEW_YORK = Calendar(ZoneInfo("America/New_York"))
MINUTES = st.integers(0, 1439)


def hours(begin: str, end: str) -> QuietHours:
    return QuietHours("C1", *(int(at[:2]) * 60 + int(at[3:]) for at in (begin, end)), over_passes=False)


def until(calendar: Calendar, quiet: QuietHours, moment: str) -> str | None:
    """`moment` and the answer in UTC."""
    end = quiet_until(quiet, calendar, round(datetime.fromisoformat(f"{moment}+00:00").timestamp() * 1000))
    return None if end is None else f"{datetime.fromtimestamp(end / 1000, UTC):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-11-23 21:59", None),
        ("2026-11-23 22:00", "2026-11-24 08:00"),
        ("2026-11-24 03:00", "2026-11-24 08:00"),
        ("2026-11-24 07:59", "2026-11-24 08:00"),
        ("2026-11-24 08:00", None),
    ],
)
def test_a_night_ends_the_next_morning(moment: str, end: str | None) -> None:
    assert until(Calendar(ZoneInfo("UTC")), hours("22:00", "08:00"), moment) == end


def test_hours_within_one_day_do_not_cross_midnight() -> None:
    lunch = hours("12:00", "13:00")
    utc = Calendar(ZoneInfo("UTC"))
    assert until(utc, lunch, "2026-11-24 12:30") == "2026-11-24 13:00"
    assert until(utc, lunch, "2026-11-24 00:30") is None


def test_the_night_of_the_spring_change_is_an_hour_shorter_and_that_of_the_autumn_change_longer() -> None:
    night = hours("22:00", "08:00")
    assert until(NEW_YORK, night, "2026-03-08 03:00") == "2026-03-08 12:00"  # 22:00 EST on the 7th; 9 hours
    assert until(NEW_YORK, night, "2026-11-01 02:00") == "2026-11-01 13:00"  # 22:00 EDT on the 31st; 11 hours


def test_an_end_that_is_skipped_is_the_change_and_one_that_comes_twice_is_the_first() -> None:
    assert until(NEW_YORK, hours("22:00", "02:30"), "2026-03-08 06:59") == "2026-03-08 07:00"
    assert until(NEW_YORK, hours("22:00", "02:30"), "2026-03-08 07:00") is None
    assert until(NEW_YORK, hours("22:00", "01:30"), "2026-11-01 05:29") == "2026-11-01 05:30"
    assert until(NEW_YORK, hours("22:00", "01:30"), "2026-11-01 06:10") is None, "the second 01:10"


@given(
    st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Asia/Tokyo", "Australia/Lord_Howe"]),
    MINUTES,
    MINUTES,
    st.integers(0, 730 * 24 * 60),
)
def test_quiet_hours_always_end_later_and_then_it_is_no_longer_quiet(
    zone: str, begin: int, end: int, minute: int
) -> None:
    if begin == end:
        return
    quiet, calendar = QuietHours("C1", begin, end, False), Calendar(ZoneInfo(zone))
    at = round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000) + minute * 60_000
    ends = quiet_until(quiet, calendar, at)
    if ends is None:
        return
    assert at < ends <= at + timedelta(hours=25) / timedelta(milliseconds=1)
    assert quiet_until(quiet, calendar, ends) is None
