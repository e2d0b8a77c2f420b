"""What scripts hand in and get back, and what it is in the ledger. Here, and only here, amounts are plain numbers.

The interface is that of the "klingai-cost-controls" guide, version 1.0.0 (Jeremy Longshore, MIT).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum

from klingbot.domain import budgets, money
from klingbot.domain.budgets import project_scope
from klingbot.domain.jobs import DEFAULT_PROJECT, Job
from klingbot.domain.periods import PeriodKind
from klingbot.engine.budgets import Change
from klingbot.engine.usage_records import UNATTRIBUTED

_LEAST = 1
"""How a limit of zero is kept: the ledger's limits are above zero, and nothing costs as little as this."""


class BudgetPeriod(Enum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass
class UsageRecord:
    """One video that was paid for. `timestamp` knows its time zone; `duration` is in seconds."""

    timestamp: datetime
    job_id: str
    credits_used: int | float
    """A float only where the price list charges fractions of a credit."""
    cost_usd: float
    model: str
    duration: int
    user_id: str | None = None
    project_id: str | None = None


@dataclass
class Budget:
    """Limits of one project for one period; None or infinity is no limit, zero allows nothing."""

    period: BudgetPeriod
    limit_credits: int | float | None
    limit_usd: float | None
    alert_threshold: float = 0.8
    """The share of the budget at which to alert: 0.8 is 80%."""


def project_name(key: str | None) -> str:
    """The project as Slack writes it, so that scripts and people share its budget: `Q4 Launch` is `q4-launch`."""
    return "-".join((key or "").lower().split()) or DEFAULT_PROJECT


def change_of(key: str, budget: Budget) -> Change:
    """Raises ValueError for limits that are no amounts."""
    credits = _limit(budget.limit_credits, "limit_credits", money.MOST_CREDITS)
    usd = _limit(budget.limit_usd, "limit_usd", money.MOST_USD)
    if credits is None and usd is None:
        raise ValueError(f"the budget of {key} needs a limit in credits, USD or both")
    return Change(
        scope=project_scope(project_name(key)),
        kind=PeriodKind(budget.period.value),
        limit_millicredits=None if credits is None else max(_LEAST, money.millicredits(credits)),
        limit_microusd=None if usd is None else max(_LEAST, money.microusd(usd)),
        thresholds=_thresholds(budget.alert_threshold),
    )


def budget_of(kept: budgets.Budget) -> Budget:
    credits, usd = limits_of(kept)
    return Budget(
        period=BudgetPeriod(kept.kind.value),
        limit_credits=None if credits is None else number(money.credits_of(credits)),
        limit_usd=None if usd is None else float(money.usd_of(usd)),
        alert_threshold=min(kept.thresholds, default=100) / 100,
    )


def limits_of(kept: budgets.Budget) -> tuple[int | None, int | None]:
    """Its limits in milli-credits and micro-USD; None where there is none, zero where nothing is allowed."""
    kept_limits = (kept.limit_millicredits, kept.limit_microusd)
    credits, usd = (0 if limit == _LEAST else limit for limit in kept_limits)
    return credits, usd


def record_of(job: Job) -> UsageRecord:
    paid = job.quote if job.settled is None else job.settled
    return UsageRecord(
        timestamp=datetime.fromtimestamp(job.asked_at / 1000, UTC),
        job_id=job.id,
        credits_used=number(money.credits_of(paid.millicredits)),
        cost_usd=float(money.usd_of(paid.microusd)),
        model=job.model,
        duration=job.duration_seconds,
        user_id=None if job.user_id == UNATTRIBUTED else job.user_id,
        project_id=job.project,
    )


def number(exact: Decimal) -> int | float:
    """An int where it is whole."""
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _limit(value: float | Decimal | None, name: str, most: int) -> Decimal | None:
    if value is None or value == math.inf:
        return None
    exact = Decimal(str(value))
    if exact.is_nan() or not 0 <= exact <= most:
        raise ValueError(f"{name} must be from 0 to {most:,}, got {value}")
    return exact


def _thresholds(share: float) -> tuple[int, ...]:
    """In whole percent; the limit itself is always one of them."""
    if not 0 <= share <= 2:
        raise ValueError(f"alert_threshold must be from 0 to 2 (0.8 is 80%), got {share}")
    return tuple(sorted({max(1, round(share * 100)), 100}))
