"""Digests are due once a period, about the period that ended, at their time on the wall clock: through every change of
the clocks, through absences, and when the machine's own clock jumps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klingbot.domain.digest_schedules import Due, Schedule, due, latest, next_at
from klingbot.domain.periods import Calendar, PeriodKind

ZONES = ("America/New_York", "Europe/Berlin", "Asia/Tokyo", "Australia/Lord_Howe")
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def ms(*moment: int, zone: str = "UTC") -> int:
    return round(datetime(*moment, tzinfo=ZoneInfo(zone)).timestamp() * 1000)  # type: ignore[arg-type, misc]


def schedule(kind: PeriodKind = PeriodKind.DAILY, *, minute: int = 540, told: date = date(2025, 12, 30)) -> Schedule:
    return Schedule("project:marketing", kind, "C1", minute, date(2020, 1, 1), told)


def told_after(wanted: Schedule, found: Due) -> Schedule:
    return replace(wanted, told=found.period.first_day)


def lived(calendar: Calendar, wanted: Schedule, start: int, end: int, step_ms: int = HOUR_MS // 2) -> list[Due]:
    """What is told to somebody who looks every half hour."""
    found = []
    for now in range(start, end, step_ms):
        if each := due(wanted, calendar, now):
            wanted = told_after(wanted, each)
            found.append(each)
    return found


@pytest.mark.parametrize("minute", [0, 150, 540, 1439])
@pytest.mark.parametrize("zone", ZONES)
def test_every_day_of_a_year_has_its_digest_once_at_its_time(zone: str, minute: int) -> None:
    calendar = Calendar(ZoneInfo(zone))
    wanted = schedule(minute=minute, told=date(2025, 12, 31))
    start, end = ms(2026, 1, 1, zone=zone), ms(2027, 1, 3, zone=zone)

    found = [
        each for each in lived(calendar, wanted, start, end, step_ms=2 * HOUR_MS) if each.period.first_day.year == 2026
    ]

    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [each.period.first_day for each in found] == days
    assert not any(each.missed for each in found)
    for each in found:
        local = calendar.local(each.at)
        assert local.date() == each.period.first_day + timedelta(days=1), "on the day after"
        assert local.hour * 60 + local.minute == minute or _is_skipped(zone, local.date(), minute)


def _is_skipped(zone: str, day: date, minute: int) -> bool:
    wall = datetime.combine(day, time(*divmod(minute, 60)), ZoneInfo(zone))
    return wall.astimezone(UTC).astimezone(ZoneInfo(zone)).time() != wall.time()


@pytest.mark.parametrize("zone", ZONES)
def test_every_month_and_week_of_a_year_has_its_digest_once(zone: str) -> None:
    calendar = Calendar(ZoneInfo(zone))
    start, end = ms(2026, 1, 1, 12, zone=zone), ms(2027, 1, 1, 12, zone=zone)

    months = lived(calendar, schedule(PeriodKind.MONTHLY, told=date(2025, 12, 1)), start, end)
    weeks = lived(calendar, schedule(PeriodKind.WEEKLY, told=date(2025, 12, 22)), start, end)

    assert [each.period.first_day for each in months] == [date(2026, month, 1) for month in range(1, 13)]
    assert [calendar.local(each.at).day for each in months] == [1] * 12
    assert [each.period.first_day for each in weeks] == [date(2025, 12, 29) + timedelta(days=7 * n) for n in range(52)]
    assert {calendar.local(each.at).strftime("%A %H:%M") for each in weeks} == {"Monday 09:00"}


@pytest.mark.parametrize(
    ("zone", "day", "minute", "expected"),
    [
        ("America/New_York", date(2026, 3, 8), 150, ms(2026, 3, 8, 7)),  # 02:30 is skipped: 03:00 EDT
        ("America/New_York", date(2026, 11, 1), 90, ms(2026, 11, 1, 5, 30)),  # 01:30 comes twice: EDT, the first
        ("Europe/Berlin", date(2026, 3, 29), 150, ms(2026, 3, 29, 1)),  # 02:30 is skipped: 03:00 CEST
        ("Europe/Berlin", date(2026, 10, 25), 150, ms(2026, 10, 25, 0, 30)),  # 02:30 comes twice: CEST
        ("Australia/Lord_Howe", date(2026, 10, 4), 135, ms(2026, 10, 3, 15, 30)),  # half an hour is skipped
        ("Asia/Beirut", date(2026, 3, 29), 0, ms(2026, 3, 28, 22)),  # midnight itself is skipped
        ("Asia/Tokyo", date(2026, 3, 29), 540, ms(2026, 3, 29, 0)),
    ],
)
def test_a_time_that_is_skipped_is_the_next_that_exists_and_one_that_comes_twice_is_the_first(
    zone: str, day: date, minute: int, expected: int
) -> None:
    assert Calendar(ZoneInfo(zone)).instant(day, minute) == expected


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from([*ZONES, "Asia/Beirut", "America/St_Johns", "Africa/Casablanca", "Pacific/Chatham"]),
    day=st.dates(date(1990, 1, 1), date(2035, 12, 30)),
    minute=st.integers(0, 1438),
)
def test_the_minutes_of_a_day_come_in_their_order_and_within_that_day(zone: str, day: date, minute: int) -> None:
    calendar = Calendar(ZoneInfo(zone))
    at = calendar.instant(day, minute)
    assert calendar.midnight(day) <= at <= calendar.midnight(day + timedelta(days=1))
    assert at <= calendar.instant(day, minute + 1)


def test_after_three_days_away_the_last_digest_comes_and_says_how_many_did_not() -> None:
    calendar = Calendar(ZoneInfo("Europe/Berlin"))
    wanted = schedule(told=date(2026, 11, 19))

    now = ms(2026, 11, 24, 11, zone="Europe/Berlin")
    found = due(wanted, calendar, now)

    assert found and found.period.first_day == date(2026, 11, 23)
    assert found.missed == 3  # of the 20th, 21st and 22nd
    assert found.late(now)
    assert due(told_after(wanted, found), calendar, now) is None


def test_a_digest_is_late_from_a_quarter_of_an_hour_on() -> None:
    calendar = Calendar(ZoneInfo("UTC"))
    found = due(schedule(told=date(2026, 11, 22)), calendar, ms(2026, 11, 24, 9, 14))
    assert found and not found.late(ms(2026, 11, 24, 9, 15))
    assert found.late(ms(2026, 11, 24, 9, 16))


def test_a_digest_that_was_just_moved_to_an_earlier_time_is_not_late() -> None:
    calendar, noon = Calendar(ZoneInfo("UTC")), ms(2026, 11, 24, 12)
    moved = replace(schedule(told=date(2026, 11, 22)), set_at=noon)
    found = due(moved, calendar, noon)
    assert found and not found.late(noon)


def test_a_clock_that_goes_back_to_before_the_first_one_tells_nothing() -> None:
    calendar = Calendar(ZoneInfo("UTC"))
    wanted = replace(schedule(told=date(2026, 11, 23)), since=date(2026, 11, 23))
    assert due(wanted, calendar, ms(2026, 11, 20, 10)) is None


def test_a_clock_that_goes_back_repeats_nothing() -> None:
    calendar = Calendar(ZoneInfo("UTC"))
    wanted = schedule(told=date(2026, 11, 23))  # told on the 24th at nine
    for back in (HOUR_MS, DAY_MS, 5 * DAY_MS):
        found = due(wanted, calendar, ms(2026, 11, 24, 10) - back)
        assert found is None or found.period.first_day < date(2026, 11, 23), "only what was told before, by its key"
    assert due(wanted, calendar, ms(2026, 11, 24, 10)) is None


def test_a_clock_that_was_a_year_ahead_for_a_while_skips_nothing() -> None:
    calendar = Calendar(ZoneInfo("UTC"))
    ahead = due(schedule(told=date(2026, 11, 22)), calendar, ms(2027, 11, 24, 10))
    assert ahead
    wanted = told_after(schedule(), ahead)

    found = lived(calendar, wanted, ms(2026, 11, 24, 10), ms(2026, 11, 28, 10))

    assert [each.period.first_day.day for each in found] == [23, 24, 25, 26, 27]
    assert not any(each.missed for each in found)


@pytest.mark.parametrize("kind", list(PeriodKind))
def test_another_time_zone_neither_repeats_nor_skips(kind: PeriodKind) -> None:
    """What was told is kept as a date, which is the same in every zone."""
    before, after = Calendar(ZoneInfo("Asia/Tokyo")), Calendar(ZoneInfo("America/New_York"))
    start, change, end = ms(2026, 9, 1, 12), ms(2026, 10, 16, 12), ms(2026, 12, 31, 23)
    wanted = schedule(kind, told=latest(before, kind, 540, start).first_day)

    first = lived(before, wanted, start, change)
    second = lived(after, told_after(wanted, first[-1]), change, end)

    told = [each.period.first_day for each in (*first, *second)]
    following = [after.next(after.period(kind, after.midnight(day))).first_day for day in told]
    assert told[1:] == following[:-1]
    assert len(told) >= 3


@settings(max_examples=80, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    kind=st.sampled_from(list(PeriodKind)),
    minute=st.integers(0, 1439),
    jumps=st.lists(st.integers(-3 * DAY_MS, 9 * DAY_MS), min_size=1, max_size=40),
)
def test_however_the_clock_runs_no_period_is_told_twice(
    zone: str, kind: PeriodKind, minute: int, jumps: list[int]
) -> None:
    """A period is told when its key is new, as in the outbox."""
    calendar, now = Calendar(ZoneInfo(zone)), ms(2026, 3, 1)
    wanted = schedule(kind, minute=minute, told=latest(calendar, kind, minute, now).first_day)
    keys: list[date] = []
    for jump in jumps:
        now += jump
        if found := due(wanted, calendar, now):
            assert found.at <= now and found.period.end <= now, "about a period that has ended, not before its time"
            wanted = told_after(wanted, found)
            keys.append(found.period.first_day)
    steady = lived(calendar, wanted, now, now + 70 * DAY_MS, step_ms=3 * HOUR_MS)
    after = [each.period.first_day for each in steady]
    assert after == sorted(set(after))
    assert after[-1] == latest(calendar, kind, minute, now + 70 * DAY_MS - 3 * HOUR_MS).first_day


@pytest.mark.parametrize("kind", list(PeriodKind))
def test_the_next_one_is_announced_for_when_it_comes(kind: PeriodKind) -> None:
    calendar, now = Calendar(ZoneInfo("Europe/Berlin")), ms(2026, 3, 27, 12)
    wanted = schedule(kind, told=latest(calendar, kind, 540, now).first_day)
    coming = next_at(wanted, calendar, now)
    assert due(wanted, calendar, coming - 1) is None
    found = due(wanted, calendar, coming)
    assert found and found.at == coming
