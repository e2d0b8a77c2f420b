"""The forms about digests: setting one, bringing one to another time or place, turning one off."""

from __future__ import annotations

from collections.abc import Sequence

from klingbot.blocks.digests import scheduled
from klingbot.blocks.message import Block, context, section
from klingbot.blocks.modals import view
from klingbot.blocks.modals.budget_modals import LONGEST_WHY
from klingbot.blocks.modals.scope_fields import every, whose
from klingbot.blocks.modals.view import View, field
from klingbot.domain.digest_schedules import NINE, Schedule, clock
from klingbot.domain.periods import Calendar, PeriodKind

SET, CHANGE, REMOVE = "digest.set", "digest.change", "digest.remove"


def set_digest(chosen: str, kind: PeriodKind, projects: Sequence[str], calendar: Calendar, memory: str) -> View:
    """A new one; where there is one already, it is brought to the chosen time. `chosen` is as in `whose`."""
    asked = (*whose(chosen, projects), every(kind, "When is it said? After every"), *_when_and_where(None, calendar))
    return View(SET, "Set a digest", "Set it", (*asked, _why()), memory)


def change(schedule: Schedule, calendar: Calendar, alerts_channel: str | None, memory: str) -> View:
    shown = section(scheduled(schedule, calendar, alerts_channel))
    asked = _when_and_where(schedule, calendar)
    return View(CHANGE, "Change a digest", "Change it", (shown, *asked, _why()), memory)


def remove(schedule: Schedule, calendar: Calendar, alerts_channel: str | None, memory: str) -> View:
    shown = section(scheduled(schedule, calendar, alerts_channel))
    kept = context("Nothing that was spent is forgotten: `/kling usage` shows it at any time")
    return View(REMOVE, "Turn a digest off", "Turn it off", (shown, kept, _why()), memory)


def _when_and_where(schedule: Schedule | None, calendar: Calendar) -> tuple[Block, Block]:
    at, place = (schedule.minute, schedule.channel_id) if schedule else (NINE, None)
    return (
        field("time", f"At what time? ({calendar.zone.key})", view.clock(clock(at))),
        field("channel", "Where to?", view.channel_select(place), hint="Left empty: where alerts go.", optional=True),
    )


def _why() -> Block:
    return field("why", "Why?", view.text_input(most=LONGEST_WHY), hint="It stands in /kling audit.", optional=True)
