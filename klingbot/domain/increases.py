"""Asking for more than a budget has left, and what is granted. Pure.

Somebody who was refused asks for an increase; an approver grants or denies it. A grant raises the limit of one budget,
for every period that begins from `first_day` on and before `end_day`, and ends by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from klingbot.domain.budgets import Standing
from klingbot.domain.jobs import Request
from klingbot.domain.money import Amount
from klingbot.domain.periods import PeriodKind


@dataclass(frozen=True, slots=True)
class Lack:
    """What a refused request is short of: room in one budget, or its project's approval."""

    scope: str
    kind: PeriodKind
    amount: Amount
    raises: bool = True
    """False: no limit is to be raised; a video of that amount is to be allowed."""


class IncreaseState(StrEnum):
    PENDING = "pending"
    GRANTED = "granted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Increase:
    """More asked for one budget. Instants are UTC epoch milliseconds."""

    id: str
    user_id: str
    scope: str
    kind: PeriodKind
    amount: Amount
    """What is asked for; the approver may grant another amount."""
    reason: str
    until: date | None
    """The first day on which it no longer counts; None: it counts for the period in which it is granted."""
    request: Request | None
    """The refused request, to be held and made as soon as it fits."""
    asked_at: int
    expires_at: int
    raises: bool = True
    """False: a video is to be allowed that its project's rules do not allow unasked; no limit is raised."""
    state: IncreaseState = IncreaseState.PENDING
    decided_at: int | None = None
    decided_by: str | None = None
    remark: str | None = None
    """What the approver said."""
    budget_removed: bool = False
    """It was closed, as expired, because its budget was removed."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A raised limit with an end. `increase_id` is the increase that it answers."""

    increase_id: str
    user_id: str
    """Who asked."""
    scope: str
    kind: PeriodKind
    amount: Amount
    first_day: date
    end_day: date
    granted_by: str
    granted_at: int


def shortfall(standing: Standing, needed: Amount) -> Amount:
    """How much of `needed` does not fit into a budget as it stands, in both currencies, rounded up.

    Where both limits are short, the shorter one decides, so that the rest fits under each.
    """
    budget, committed = standing.budget, standing.total.committed
    share = max(
        _short(budget.limit_millicredits, committed.millicredits, needed.millicredits),
        _short(budget.limit_microusd, committed.microusd, needed.microusd),
    )
    return Amount(_up(needed.millicredits * share), _up(needed.microusd * share))


def _short(limit: int | None, committed: int, needed: int) -> Fraction:
    return (
        Fraction(0) if limit is None or not needed else max(Fraction(committed + needed - limit, needed), Fraction(0))
    )


def _up(number: Fraction) -> int:
    return -(-number.numerator // number.denominator)
