"""How much of a budget is used and left, as scripts are told. Pure and exact."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from klingbot.domain import money
from klingbot.domain.budgets import Standing
from klingbot.sdk.script_types import limits_of, number


def left_of(standings: Sequence[Standing]) -> tuple[int | float | None, float | None]:
    """Credits and USD that remain under all of them, below zero when overspent; None where none has a limit."""
    of_credits, of_usd = zip(*(_left(standing) for standing in standings), strict=True)
    credits = min((left for left in of_credits if left is not None), default=None)
    usd = min((left for left in of_usd if left is not None), default=None)
    return (
        None if credits is None else number(money.credits_of(credits)),
        None if usd is None else float(money.usd_of(usd)),
    )


def shares(standing: Standing) -> tuple[Fraction, Fraction]:
    """Committed as a share of the limit in credits, and of the one in USD: exactly, for 80% is 80%."""
    credits, usd = limits_of(standing.budget)
    committed = standing.total.committed
    return _share(committed.millicredits, credits), _share(committed.microusd, usd)


def _left(standing: Standing) -> tuple[int | None, int | None]:
    credits, usd = limits_of(standing.budget)
    committed = standing.total.committed
    return (
        None if credits is None else credits - committed.millicredits,
        None if usd is None else usd - committed.microusd,
    )


def _share(used: int, limit: int | None) -> Fraction:
    """Of a limit of zero, nothing is none of it and anything is all of it."""
    if limit is None:
        return Fraction(0)
    return Fraction(used, limit) if limit else Fraction(used > 0)
