"""Daily, weekly and monthly periods in the bot's time zone: start included, end excluded. Pure.

Instants are UTC epoch milliseconds. A period's bounds are the instants of local midnights, so a day over a change of
the clocks has 23 or 25 hours. Where a zone skips midnight itself, the day starts at the first instant that exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class PeriodKind(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Period:
    """One span of a kind; `start` and `end` are UTC epoch milliseconds, `end` is the next period's start."""

    kind: PeriodKind
    start: int
    end: int
    first_day: date
    """The local date on which it starts."""

    @property
    def label(self) -> str:
        """As it stands in a sentence: `23 November 2026`, `the week of 23 November 2026`, `November 2026`."""
        return named(self.kind, self.first_day)


def named(kind: PeriodKind, first_day: date) -> str:
    """What the period that begins with that day is called, in the middle of a sentence."""
    if kind is PeriodKind.MONTHLY:
        return f"{first_day:%B %Y}"
    day = f"{first_day.day} {first_day:%B %Y}"
    return f"the week of {day}" if kind is PeriodKind.WEEKLY else day


@dataclass(frozen=True, slots=True)
class Periods:
    """The three periods that an instant belongs to."""

    daily: Period
    weekly: Period
    monthly: Period

    def __iter__(self) -> Iterator[Period]:
        return iter((self.daily, self.weekly, self.monthly))

    def of(self, kind: PeriodKind) -> Period:
        if kind is PeriodKind.MONTHLY:
            return self.monthly
        return self.weekly if kind is PeriodKind.WEEKLY else self.daily


@dataclass(frozen=True, slots=True)
class Calendar:
    """A time zone and the weekday on which weeks start (0 = Monday)."""

    zone: ZoneInfo
    week_start: int = 0

    def __str__(self) -> str:
        return f"{self.zone.key} {WEEKDAYS[self.week_start]}"

    def local(self, at: int) -> datetime:
        """That instant on the wall clock."""
        return datetime.fromtimestamp(at / 1000, self.zone)

    def periods(self, at: int) -> Periods:
        """The day, week and month that hold this instant."""
        latest = _latest.get(self)
        if latest is None or not latest.daily.start <= at < latest.daily.end:
            latest = _latest[self] = _periods(self, self._day_of(at))
        return latest

    def period(self, kind: PeriodKind, at: int) -> Period:
        return self.periods(at).of(kind)

    def previous(self, period: Period) -> Period:
        return self.period(period.kind, period.start - 1)

    def next(self, period: Period) -> Period:
        return self.period(period.kind, period.end)

    def since(self, kind: PeriodKind, start: int) -> Period:
        """The period of that kind that began at `start`: one of this calendar's, or one that an earlier calendar began.

        Of the latter the start is what the ledger knows; the end is as far from it as this calendar makes it.
        """
        period = self.period(kind, start)
        if period.start == start:
            return period
        # Midnights west of Greenwich come at 00:00 to 10:00 UTC of their own date, those east of it at 11:00 to 24:00
        # of the date before.
        first = datetime.fromtimestamp(start / 1000 + 13 * 3600, UTC).date()
        following = _following(kind, first)
        return Period(kind, start, start + self.midnight(following) - self.midnight(first), first)

    def midnight(self, day: date) -> int:
        """The first instant of a local day."""
        return _midnight(self.zone, day)

    def instant(self, day: date, minute: int) -> int:
        """When the wall clock of that day shows that minute (0 to 1,439), which exists on every day exactly once.

        A time that the clocks skip is the first one after it that exists; of a time that comes twice, the first.
        """
        return _instant(self.zone, datetime.combine(day, time(*divmod(minute, 60))))

    def _day_of(self, at: int) -> date:
        day = self.local(at).date()
        # Where the clocks went back across midnight, the wall clock shows yesterday's date again after today began.
        following = day + timedelta(days=1)
        return following if at >= self.midnight(following) else day


_latest: dict[Calendar, Periods] = {}
"""What was asked for last: nearly always the same day is asked for again."""


@lru_cache(maxsize=256)
def _periods(calendar: Calendar, day: date) -> Periods:
    return Periods(
        _period(calendar, PeriodKind.DAILY, day),
        _period(calendar, PeriodKind.WEEKLY, day - timedelta(days=(day.weekday() - calendar.week_start) % 7)),
        _period(calendar, PeriodKind.MONTHLY, day.replace(day=1)),
    )


def _period(calendar: Calendar, kind: PeriodKind, first: date) -> Period:
    return Period(kind, calendar.midnight(first), calendar.midnight(_following(kind, first)), first)


def _following(kind: PeriodKind, first: date) -> date:
    """The first day of the next period."""
    if kind is PeriodKind.MONTHLY:
        return (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    return first + timedelta(days=7 if kind is PeriodKind.WEEKLY else 1)


@lru_cache(maxsize=1024)
def _midnight(zone: ZoneInfo, day: date) -> int:
    # fold=0 takes the earlier of two midnights; a midnight that was skipped maps to the instant of the change, since
    # the round trip through UTC resolves it with the offset in force before.
    local = datetime.combine(day, time(), zone)
    return round(local.astimezone(UTC).timestamp() * 1000)


@lru_cache(maxsize=1024)
def _instant(zone: ZoneInfo, local: datetime) -> int:
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    if _wall(zone, instant) != local:
        instant = _after_gap(zone, local)
    return round(instant.timestamp() * 1000)


def _after_gap(zone: ZoneInfo, skipped: datetime) -> datetime:
    """The instant of the change that skipped this time, to the second."""
    before = skipped.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = skipped.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (before, middle) if _wall(zone, middle) > skipped else (middle, after)
    return after


def _wall(zone: ZoneInfo, instant: datetime) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)
