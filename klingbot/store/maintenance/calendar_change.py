"""What a new time zone or week start does to the ledger: the open periods are kept under their new bounds."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo

from klingbot.domain.periods import WEEKDAYS, Calendar, PeriodKind
from klingbot.store.backend import metadata
from klingbot.store.backend.database import Database, Transaction
from klingbot.store.maintenance.totals_proof import rebuild

_COLUMNS = {PeriodKind.DAILY: "day_start", PeriodKind.WEEKLY: "week_start", PeriodKind.MONTHLY: "month_start"}
_FOREVER = 2**62


def adopt(tx: Transaction, calendar: Calendar, *, now: int) -> bool:
    """Moves the jobs of the open periods into this calendar's, if the database was kept by another. Reads all history.

    Without this, a budget would look unspent on the day the zone is changed. Periods that ended keep their bounds.
    """
    if metadata.get(tx, metadata.CALENDAR) == str(calendar):
        return False
    before = kept(tx)
    for kind, column in _COLUMNS.items():
        start = calendar.period(kind, now).start
        _move(tx, column, start)
        if before:
            _take_along(tx, kind, before.period(kind, now).start, start)
    day = calendar.period(PeriodKind.DAILY, min(period.start for period in calendar.periods(now)))
    while day.start <= now:
        _move(tx, "day_start", day.start, day.end)
        day = calendar.next(day)
    rebuild(tx)
    metadata.put(tx, metadata.CALENDAR, str(calendar))
    return True


def kept(db: Database) -> Calendar | None:
    """The calendar that the ledger was last opened with; None for a new one."""
    name = metadata.get(db, metadata.CALENDAR)
    return None if name is None else named(name)


@lru_cache
def named(name: str) -> Calendar:
    """The calendar of that name, as `str` names it."""
    zone, _, weekday = name.rpartition(" ")
    return Calendar(ZoneInfo(zone), WEEKDAYS.index(weekday))


def _take_along(tx: Transaction, kind: PeriodKind, old: int, new: int) -> None:
    """What was announced of an open period stays announced: a new time zone is no reason to say it again."""
    if old == new:
        return
    for table in ("crossings", "stories"):
        starts = {"kind": kind, "old": old, "new": new}
        tx.execute(f"DELETE FROM {table} WHERE period_kind = :kind AND period_start = :new", starts)
        tx.execute(f"UPDATE {table} SET period_start = :new WHERE period_kind = :kind AND period_start = :old", starts)


def _move(tx: Transaction, column: str, start: int, end: int = _FOREVER) -> None:
    sql = f"UPDATE jobs SET {column} = :start WHERE asked_at >= :start AND asked_at < :end"
    tx.execute(sql, {"start": start, "end": end})
