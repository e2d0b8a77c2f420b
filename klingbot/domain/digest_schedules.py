"""When digests are due. Pure.

A digest is about the period that has just ended, and is due on the first day of the next one, at its time on the wall
clock. What is kept is the last period told about, by its date, and never the next due time: whatever the clock, the
time zone or the machine did meanwhile, what is due follows from the date and the calendar as they are now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from klingbot.domain.periods import Calendar, Period, PeriodKind

NINE = 9 * 60

LATE_MS = 15 * 60_000
"""A digest this long after its time says that it is late."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One scope's digests of one kind to one place."""

    scope: str
    kind: PeriodKind
    channel_id: str | None
    """None: the default alerts channel, else the admins."""
    minute: int
    """Minutes after midnight, on the wall clock of the bot's time zone."""
    since: date
    """The first day of the first period to tell about."""
    told: date
    """The first day of the last period told about."""
    set_at: int = 0


def clock(minute: int) -> str:
    """`09:00`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def in_words(schedule: Schedule | None) -> str:
    """`09:00 to #C1`, for the list of who changed what; empty for none. The default place is not named."""
    if schedule is None:
        return ""
    return clock(schedule.minute) + (f" to #{schedule.channel_id}" if schedule.channel_id else "")


@dataclass(frozen=True, slots=True)
class Due:
    """A digest that should be told now."""

    schedule: Schedule
    period: Period
    at: int
    missed: int
    """Digests before this one that were due and never told. They are not told any more."""

    def late(self, now: int) -> bool:
        """Whether the bot was away at its time. A schedule that was made or moved since then is not late."""
        return now - max(self.at, self.schedule.set_at) > LATE_MS


def due(schedule: Schedule, calendar: Calendar, now: int) -> Due | None:
    """The one digest to tell: about the last period whose time has come, unless that was told."""
    period = latest(calendar, schedule.kind, schedule.minute, now)
    told = schedule.told
    if told > calendar.period(PeriodKind.DAILY, now).first_day:
        # A period that has not begun was told about: the clock was ahead. Its word counts for nothing.
        told = calendar.previous(period).first_day
    if period.first_day <= told or period.first_day < schedule.since:
        return None
    return Due(schedule, period, _time(calendar, period, schedule.minute), _between(calendar, told, period))


def latest(calendar: Calendar, kind: PeriodKind, minute: int, now: int) -> Period:
    """The last period whose digest has come due by now."""
    period = calendar.previous(calendar.period(kind, now))
    return period if _time(calendar, period, minute) <= now else calendar.previous(period)


def next_at(schedule: Schedule, calendar: Calendar, now: int) -> int:
    """When the next digest after now comes."""
    ended = latest(calendar, schedule.kind, schedule.minute, now)
    return _time(calendar, calendar.next(ended), schedule.minute)


def _time(calendar: Calendar, period: Period, minute: int) -> int:
    return calendar.instant(calendar.next(period).first_day, minute)


def _between(calendar: Calendar, told: date, period: Period) -> int:
    count = 0
    while (period := calendar.previous(period)).first_day > told:
        count += 1
    return count
