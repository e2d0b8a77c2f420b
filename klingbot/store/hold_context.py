"""What a new job meets, read at once: a hold is waited for, and each statement of its own would cost it more."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.jobs import DEFAULT_PROJECT, Request
from klingbot.domain.periods import Calendar, Periods
from klingbot.domain.project_rules import Rules
from klingbot.store.backend.database import Database
from klingbot.store.backend.metadata import CALENDAR
from klingbot.store.circuit_breakers import ACCOUNT
from klingbot.store.first_budget_choice import MET
from klingbot.store.jobs import LIVE
from klingbot.store.known_projects import open_sql
from klingbot.store.maintenance.calendar_change import named

_TERMS = f"""
    SELECT wanted.project AS project, models, ceiling_millicredits, confirm_millicredits, approve_millicredits,
      people, channels, {open_sql("wanted.project")} AS project_open,
      gates.reason AS reason, EXISTS (SELECT 1 FROM grants WHERE end_day > :first_day) AS granted,
      (SELECT value FROM facts WHERE name = '{CALENDAR}') AS calendar, {MET} AS requirement_met,
      (SELECT count(*) FROM jobs WHERE state = 'held' AND {LIVE} AND due_at < :now) AS ahead
    FROM (
        SELECT coalesce(
          :project, (SELECT project FROM projects WHERE channel_id = :channel_id), :default_project) AS project
      ) AS wanted
      LEFT JOIN rules ON rules.project = wanted.project
      LEFT JOIN gates ON gates.name = '{ACCOUNT}' AND (gates.opens_at IS NULL OR gates.opens_at > :now)"""


@dataclass(frozen=True, slots=True)
class Terms:
    project: str
    """The one that was asked for, or that the channel spends for."""
    is_open: bool
    """Whether an admin lets members spend for that project."""
    rules: Rules
    """What that project allows."""
    stopped: str | None
    """Why Kling takes no jobs from the account just now."""
    periods: Periods
    """Of the calendar that the ledger is kept by: another bot may have been started with a new one meanwhile."""
    granted: bool
    """Whether a grant may be in force. As a rule none is, and nobody needs to look for those of each budget."""
    requirement_met: bool
    """Whether there is any budget at all, or an admin chose to go without."""
    ahead: int
    """How many jobs wait already."""


def of(db: Database, request: Request, calendar: Calendar, *, now: int) -> Terms:
    """`calendar` is the one that it is most likely kept by."""
    periods = calendar.periods(now)
    asked = {"project": request.project, "channel_id": request.channel_id, "default_project": DEFAULT_PROJECT}
    first_day = min(periods.weekly.first_day, periods.monthly.first_day).isoformat()
    row = db.execute(_TERMS, asked | {"now": now, "first_day": first_day}).fetchone()
    project, models, ceiling, confirm_above, approve_above, people, channels, is_open = row[:8]
    stopped, granted, name, met, ahead = row[8:]
    allowed = Rules(project, _words(models), ceiling, confirm_above, approve_above, _words(people), _words(channels))
    if name == str(calendar):
        return Terms(project, bool(is_open), allowed, stopped, periods, bool(granted), bool(met), ahead)
    return Terms(project, bool(is_open), allowed, stopped, named(name).periods(now), True, bool(met), ahead)


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(text.split()) if text else ()
