"""What a digest says about a period that has ended, from its figures. Pure.

Prompts are left out: a digest goes to other people than the channel where a video was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from klingbot.domain.budgets import Standing, Total
from klingbot.domain.charts import Bar, Chart
from klingbot.domain.money import NOTHING, Amount, show_credits, show_usd
from klingbot.domain.periods import Period, PeriodKind

MOST_SPENDERS = 5
MOST_DEAREST = 3
DAY_MS = 86_400_000
DAYS_OF_A_DAILY = 14
"""A daily digest shows its day beside those before it."""

BEFORE = {
    PeriodKind.DAILY: "the day before",
    PeriodKind.WEEKLY: "the week before",
    PeriodKind.MONTHLY: "the month before",
}


@dataclass(frozen=True, slots=True)
class Spender:
    """One person, project or model."""

    name: str
    amount: Amount
    jobs: int


@dataclass(frozen=True, slots=True)
class Spenders:
    """Those who spent most, dearest first, and all others together."""

    top: tuple[Spender, ...]
    others: int = 0
    rest: Amount = NOTHING


@dataclass(frozen=True, slots=True)
class Day:
    """What was settled of one local day."""

    date: date
    amount: Amount


@dataclass(frozen=True, slots=True)
class Dear:
    """A job that cost much."""

    job_id: str
    user_id: str
    project: str
    model: str
    duration_seconds: int
    resolution: str
    audio: bool
    amount: Amount


@dataclass(frozen=True, slots=True)
class Refused:
    """Jobs that were refused for want of budget, and what they would have cost."""

    jobs: int = 0
    amount: Amount = NOTHING


@dataclass(frozen=True, slots=True)
class Heading:
    """How a budget stands in its running period, and when it ends at the present rate; None: it lasts, or who knows."""

    standing: Standing
    ends_at: int | None


@dataclass(frozen=True, slots=True)
class Digest:
    """One scope in one period that has ended."""

    scope: str
    period: Period
    budget: Standing | None
    """The scope's budget of the same kind as it stood at the end; with today's limits: old ones are not kept."""
    total: Total
    jobs: int
    failed: int
    refused: Refused
    before: Amount
    """Settled in the period before."""
    people: Spenders
    projects: Spenders
    models: Spenders
    days: tuple[Day, ...]
    """Of a daily digest the last fourteen days; otherwise each day of the period."""
    days_before: tuple[Day, ...]
    """Each day of the period before; of a daily digest none."""
    dearest: tuple[Dear, ...]
    headings: tuple[Heading, ...]
    longer: Standing | None = None
    """The shortest budget of a longer period, in that one of its periods in which this period ended."""

    @property
    def is_empty(self) -> bool:
        return not self.jobs and not self.refused.jobs


def people_in(digest: Digest) -> set[str]:
    """The ids of everybody whom the digest names."""
    kind, _, name = digest.scope.partition(":")
    named = {each.name for each in digest.people.top} | {each.user_id for each in digest.dearest}
    return named | ({name} if kind == "user" else set())


def spenders(found: Iterable[Spender]) -> Spenders:
    """The dearest few by name, and the rest as one."""
    ranked = sorted(found, key=lambda each: (-each.amount.microusd, -each.jobs, each.name))
    rest = ranked[MOST_SPENDERS:]
    return Spenders(tuple(ranked[:MOST_SPENDERS]), len(rest), sum((each.amount for each in rest), NOTHING))


def change_permille(digest: Digest) -> int | None:
    """By how many tenths of a percent more (or less, below zero) was spent than before; None after nothing."""
    before, now = digest.before.microusd, digest.total.settled.microusd
    return None if not before else round((now - before) * 1000 / before)


def dearest_day(digest: Digest) -> Day | None:
    """The day on which most was spent, of periods with more than one day."""
    if digest.period.kind is PeriodKind.DAILY:
        return None
    return max(digest.days, key=lambda day: day.amount.microusd, default=None)


def chart(digest: Digest) -> Chart | None:
    """Spend per day, against what the budget allows a day. None of a period in which nothing was spent."""
    if not any(day.amount for day in digest.days):
        return None
    allowed = digest.budget or digest.longer
    in_usd = allowed is None or allowed.budget.limit_microusd is not None
    before = [_value(day.amount, in_usd) for day in digest.days_before]
    bars = tuple(
        Bar(day.date, _value(day.amount, in_usd), before[index] if index < len(before) else None)
        for index, day in enumerate(digest.days)
    )
    marked = 1 if digest.period.kind is PeriodKind.DAILY else len(bars)
    line, label = _line(allowed, in_usd) if allowed else (None, "")
    return Chart(bars, marked, in_usd, line, label, BEFORE[digest.period.kind])


def _line(allowed: Standing, in_usd: bool) -> tuple[int, str]:
    """The budget spread evenly over the days of its period."""
    budget, period = allowed.budget, allowed.period
    limit = budget.limit_microusd if in_usd else budget.limit_millicredits
    line = (limit or 0) // max(1, round((period.end - period.start) / DAY_MS))
    shown = show_usd(line) if in_usd else show_credits(line)
    if budget.kind is PeriodKind.DAILY:
        return line, f"daily budget: {shown}"
    return line, f"{budget.kind} budget, spread evenly: {shown} a day"


def _value(amount: Amount, in_usd: bool) -> int:
    return amount.microusd if in_usd else amount.millicredits
