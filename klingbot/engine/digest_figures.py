"""The figures of a digest: what one scope spent in one period, and where its budgets are heading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from klingbot.domain import digests
from klingbot.domain.budgets import Standing, Total
from klingbot.domain.digests import Day, Digest, Heading, Spender, Spenders
from klingbot.domain.forecast import LOOK_BACK_DAYS, Recent, ends_at
from klingbot.domain.money import NOTHING
from klingbot.domain.periods import Calendar, Period, PeriodKind
from klingbot.engine.budgets import standing_of
from klingbot.engine.core import Engine
from klingbot.store import Database, budgets, daily_spend, declined_counts
from klingbot.store.daily_spend import Share

_DAY = timedelta(days=1)


def last(engine: Engine, scope: str, kind: PeriodKind) -> Digest:
    """Of the period that ended last."""
    return figures(engine, scope, engine.calendar.previous(engine.periods().of(kind)))


def figures(engine: Engine, scope: str, period: Period) -> Digest:
    """All of one moment, whatever is settled meanwhile. Reads two periods and thirty days, and nothing older."""
    before = engine.calendar.previous(period)
    with engine.store.view() as db:
        days = _Days.read(db, engine, scope, since=before)
        by = daily_spend.by_spender(db, scope, *days.bounds(period))
        total = _sum(share.total for share in by["model"])
        return Digest(
            scope=scope,
            period=period,
            budget=_at_the_end(db, engine, scope, period, total),
            total=total,
            jobs=sum(share.jobs for share in by["model"]),
            failed=sum(share.failed for share in by["model"]),
            refused=declined_counts.within(db, scope, period.start, period.end),
            before=_sum(days.totals(before)).settled,
            people=_spenders(by["user"]),
            projects=_spenders(by["project"]),
            models=_spenders(by["model"]),
            days=days.shown(period),
            days_before=() if period.kind is PeriodKind.DAILY else days.shown(before),
            dearest=tuple(daily_spend.dearest(db, scope, days.starts(period), digests.MOST_DEAREST)),
            headings=tuple(_headings(db, engine, scope, days)),
            longer=_longer(db, engine, scope, period),
        )


@dataclass(frozen=True, slots=True)
class _Days:
    """A scope's daily totals by date, and the instants at which those days start."""

    calendar: Calendar
    by_start: dict[int, Total]
    start_of: dict[date, int]

    @classmethod
    def read(cls, db: Database, engine: Engine, scope: str, since: Period) -> _Days:
        """From `since`, and at least as far back as forecasts look, until now."""
        calendar, now = engine.calendar, engine.clock()
        today = calendar.period(PeriodKind.DAILY, now).first_day
        first = min(since.first_day, today - LOOK_BACK_DAYS * _DAY)
        # One day more, because a day that an earlier calendar began may start before this calendar's.
        by_start = daily_spend.by_day(db, scope, calendar.midnight(first - _DAY), now + 1)
        return cls(calendar, by_start, {calendar.since(PeriodKind.DAILY, start).first_day: start for start in by_start})

    def starts(self, period: Period) -> list[int]:
        """Of the days of that period on which anything was asked for."""
        return [self.start_of[day] for day in self._dates(period) if day in self.start_of]

    def bounds(self, period: Period) -> tuple[int, int]:
        """From the start of the first of those days to just after that of the last."""
        starts = self.starts(period) or [period.start]
        return min(starts), max(starts) + 1

    def totals(self, period: Period) -> Iterator[Total]:
        return (self.by_start[start] for start in self.starts(period))

    def shown(self, period: Period) -> tuple[Day, ...]:
        """What was settled on each day of the period; of a single day, on those that led up to it too."""
        dates = list(self._dates(period))
        if period.kind is PeriodKind.DAILY:
            dates = [period.first_day - n * _DAY for n in reversed(range(digests.DAYS_OF_A_DAILY))]
        return tuple(Day(day, self._total(day).settled) for day in dates)

    def recent(self, today: date) -> Recent:
        """What forecasts are made from."""
        dates = (today - n * _DAY for n in range(LOOK_BACK_DAYS, -1, -1))
        return Recent(tuple(self._total(day).committed for day in dates))

    def _total(self, day: date) -> Total:
        return self.by_start[self.start_of[day]] if day in self.start_of else Total()

    def _dates(self, period: Period) -> Iterator[date]:
        day, after = period.first_day, self.calendar.next(period).first_day
        while day < after:
            yield day
            day += _DAY


def _at_the_end(db: Database, engine: Engine, scope: str, period: Period, total: Total) -> Standing | None:
    """The scope's budget of the period's kind, with what was granted for that period."""
    then = standing_of(db, engine, scope, period.kind, engine.calendar.periods(period.start))
    return Standing(then.budget, period, total) if then else None


def _longer(db: Database, engine: Engine, scope: str, period: Period) -> Standing | None:
    """Return the scope's shortest budget of a longer period, as of the last instant of `period`.

    Not as of now: a digest about February is sent in March, which has other days and other grants.
    """
    kinds = list(PeriodKind)
    then = budgets.standings_of(db, (scope, scope, scope), engine.calendar.periods(period.end - 1))
    longer = [each for each in then if kinds.index(each.budget.kind) > kinds.index(period.kind)]
    return min(longer, key=lambda each: kinds.index(each.budget.kind), default=None)


def _headings(db: Database, engine: Engine, scope: str, days: _Days) -> Iterator[Heading]:
    """The scope's budgets in the periods that are running."""
    now = engine.clock()
    periods = engine.calendar.periods(now)
    recent = days.recent(periods.daily.first_day)
    for standing in budgets.standings_of(db, (scope, scope, scope), periods):
        yield Heading(standing, ends_at(standing, recent, now))


def _spenders(shares: Iterable[Share]) -> Spenders:
    return digests.spenders(Spender(share.name, share.total.settled, share.jobs) for share in shares)


def _sum(totals: Iterable[Total]) -> Total:
    held, settled = NOTHING, NOTHING
    for total in totals:
        held, settled = held + total.held, settled + total.settled
    return Total(held, settled)
