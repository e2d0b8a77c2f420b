"""Quiet hours: when a channel is left in peace, by the wall clock. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from klingbot.domain.periods import Calendar


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Every day from one minute of the day to another; across midnight when the end is the earlier one."""

    channel_id: str
    begin_minute: int
    end_minute: int
    over_passes: bool
    """Whether alerts about budgets that are used up come through."""

    def __str__(self) -> str:
        """`22:00-08:00`."""
        return f"{_shown(self.begin_minute)}-{_shown(self.end_minute)}"


def quiet_until(hours: QuietHours, calendar: Calendar, at: int) -> int | None:
    """When the quiet hours end that hold this instant (both UTC epoch milliseconds); None outside of them.

    It is the wall clock that counts: in a night when the clocks change, they are an hour longer or shorter.
    """
    today = calendar.local(at).date()
    for day in (today - timedelta(days=1), today):
        last_day = day if hours.begin_minute < hours.end_minute else day + timedelta(days=1)
        begin = calendar.instant(day, hours.begin_minute)
        end = calendar.instant(last_day, hours.end_minute)
        if begin <= at < end:
            return end
    return None


def _shown(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
