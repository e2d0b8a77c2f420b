"""How a budget stands, in words. What has been settled is "used", what is held is "in flight"; the percentage counts
both."""

from __future__ import annotations

from collections.abc import Iterable

from klingbot.blocks.text import label, when
from klingbot.domain.budgets import Budget, Standing, Total
from klingbot.domain.money import show_credits, show_usd
from klingbot.domain.periods import Calendar


def bar(permille: int, cells: int) -> str:
    """`▰▰▰▰▱▱`: never full before the budget is, never empty once something is spent.

    In the text's own colour: as code it would be red in Slack, whatever it says.
    """
    filled = min(cells, permille * cells // 1000)
    if permille > 0:
        filled = max(1, filled)
    return "▰" * filled + "▱" * (cells - filled)


def limit(budget: Budget) -> str:
    """`10,000 credits`, `$600.00`, or both, as they were set; what grants add is named apart: `… plus … granted`."""
    given = budget.granted
    if not given:
        return _both(budget.limit_millicredits, budget.limit_microusd)
    credits, usd = budget.limit_millicredits, budget.limit_microusd
    own = _both(
        None if credits is None else credits - given.millicredits,
        None if usd is None else usd - given.microusd,
    )
    return f"{own} plus {given} granted"


def left(standing: Standing) -> str:
    """What may still be spent, in the currencies that are limited."""
    return f"{_both(standing.left_millicredits, standing.left_microusd)} left"


def spent(standing: Standing) -> str:
    """`764 credits ($45.84) used, 40 credits ($2.40) in flight`."""
    return sums(standing.total)


def sums(total: Total) -> str:
    return f"{total.settled} used, {f'{total.held} in flight' if total.held else 'nothing in flight'}"


def resets(standing: Standing, calendar: Calendar) -> str:
    return when(standing.period.end, calendar, "resets")


def full(standing: Standing, calendar: Calendar) -> str:
    """All there is to say in one sentence; the budget itself is named elsewhere."""
    return (
        f"{standing.percent} of {limit(standing.budget)} for {standing.period.label}: {spent(standing)}, "
        f"{left(standing)}; {resets(standing, calendar)}"
    )


def short(standing: Standing, calendar: Calendar) -> str:
    """`marketing (monthly): 80.4%, 196 credits left, resets …`."""
    return f"{label(standing.budget)}: {standing.percent}, {left(standing)}, {resets(standing, calendar)}"


def tightest(standings: Iterable[Standing], most: int) -> list[Standing]:
    """The fullest budgets, fullest first."""
    return sorted(standings, key=lambda standing: -standing.permille)[:most]


def _both(millicredits: int | None, microusd: int | None) -> str:
    parts = [] if millicredits is None else [show_credits(millicredits)]
    if microusd is not None:
        parts.append(show_usd(microusd))
    return " and ".join(parts)
