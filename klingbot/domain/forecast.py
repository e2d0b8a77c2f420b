"""Where a budget is heading, and which days are out of the ordinary. Pure.

Both look at what was committed on each day, so what is in flight counts. Both speak of weekly and monthly budgets only:
a day is too short to have a rate, and a daily budget has its thresholds. (AWS Budgets has no forecasts for daily ones
either: docs.aws.amazon.com, "Creating a budget".)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median_high

from klingbot.domain.budgets import Budget, Standing
from klingbot.domain.money import NOTHING, Amount
from klingbot.domain.periods import PeriodKind

LOOK_BACK_DAYS = 30
"""How many days before today are looked at."""
WEEK_DAYS = 7
FEWEST_DAYS_OF_A_RATE = 3
USUAL_DAYS, FEWEST_USUAL_DAYS = 14, 5
SPIKE_TIMES = 3
SPIKE_SHARE = 10
"""A spike is above a tenth of the budget, whatever is usual."""

_WEEK_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Recent:
    """What a scope committed on its latest days, oldest first, today last; nothing on days without spending."""

    days: tuple[Amount, ...]

    @property
    def today(self) -> Amount:
        return self.days[-1]

    @property
    def week(self) -> tuple[Amount, ...]:
        """Today and the six days before it: each day of the week once, so that weekends are in it as they are."""
        return self.days[-WEEK_DAYS:]


def ends_at(standing: Standing, recent: Recent, at: int) -> int | None:
    """When the budget is used up if the coming days are like the last seven, today among them.

    None when it lasts for its period, and while it is too early to say: before a quarter of the period has passed, and
    with fewer than three days of spending among the seven. A day that is not over yet counts as it is, and so does one
    before anything was ever spent: the forecast is rather late than wrong.
    """
    if not _has_a_rate(standing, recent, at):
        return None
    spent = sum(recent.week, NOTHING)
    ends = [at + left * _WEEK_MS // rate for left, rate in _limited(standing, spent) if rate]
    soonest = min(ends, default=standing.period.end)
    return soonest if soonest < standing.period.end else None


def usual_day(budget: Budget, recent: Recent) -> Amount | None:
    """The usual day that today is a spike above; None when today is nothing out of the ordinary.

    Usual is the median of the last 14 days with spending, of the 30 before today; it takes five of them to know it. A
    median, because one earlier spike must not make the next one look usual. A spike is more than three times that, and
    more than a tenth of the budget.
    """
    active = [day for day in recent.days[:-1] if day][-USUAL_DAYS:]
    if budget.kind is PeriodKind.DAILY or len(active) < FEWEST_USUAL_DAYS:
        return None
    usual = Amount(median_high(day.millicredits for day in active), median_high(day.microusd for day in active))
    return usual if any(_is_spike(*each) for each in _compared(budget, recent.today, usual)) else None


def _has_a_rate(standing: Standing, recent: Recent, at: int) -> bool:
    period = standing.period
    return (
        period.kind is not PeriodKind.DAILY
        and not standing.used_up
        and at < period.end
        and 4 * (at - period.start) >= period.end - period.start
        and sum(map(bool, recent.week)) >= FEWEST_DAYS_OF_A_RATE
    )


def _limited(standing: Standing, spent: Amount) -> Iterator[tuple[int, int]]:
    """What is left beside what was spent, for each currency that is limited."""
    if standing.left_millicredits is not None:
        yield standing.left_millicredits, spent.millicredits
    if standing.left_microusd is not None:
        yield standing.left_microusd, spent.microusd


def _compared(budget: Budget, today: Amount, usual: Amount) -> Iterator[tuple[int, int, int]]:
    """Today, the usual day and the limit, for each currency that is limited."""
    if budget.limit_millicredits is not None:
        yield today.millicredits, usual.millicredits, budget.limit_millicredits
    if budget.limit_microusd is not None:
        yield today.microusd, usual.microusd, budget.limit_microusd


def _is_spike(today: int, usual: int, limit: int) -> bool:
    return today > SPIKE_TIMES * usual and today * SPIKE_SHARE > limit
