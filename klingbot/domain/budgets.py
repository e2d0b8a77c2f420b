"""What budgets say about totals: standing, refusal, crossings. Pure.

A budget is judged by what is committed (held + settled), in credits and in USD: the one nearer to its limit decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256

from klingbot.domain.money import NOTHING, Amount, show_credits, show_usd
from klingbot.domain.periods import Period, PeriodKind

WORKSPACE = "workspace"
DEFAULT_THRESHOLDS = (80, 100)
MOST_APPROVERS = 20

OVER = "over"
TURNED_AWAY = "turned-away"
FORECAST = "forecast"


@dataclass(frozen=True, slots=True)
class Removal:
    """The last removal of a budget of one scope and period kind. `at` is UTC epoch milliseconds."""

    times: int
    """How many budgets of that scope and period kind were removed so far."""
    by: str
    at: int


UPGRADE = "upgrade"
"""Who chose to run without a limit where nobody did: the ledger had been used without budgets before one was needed."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """The choice that videos may be made although there is no budget. `at` is UTC epoch milliseconds."""

    by: str
    """The admin's user id, or UPGRADE."""
    at: int

    @property
    def is_chosen(self) -> bool:
        """Whether an admin made the choice."""
        return self.by != UPGRADE


def project_scope(name: str) -> str:
    return f"project:{name}"


def project_of(scope: str) -> str | None:
    """Return the name of the project that the scope is about, None for another scope."""
    return scope.removeprefix("project:") if scope.startswith("project:") else None


def user_scope(user_id: str) -> str:
    return f"user:{user_id}"


def scopes_of(user_id: str, project: str) -> tuple[str, str, str]:
    """The scopes a job counts for, in the one order in which totals are touched: the row that all share comes last."""
    return user_scope(user_id), project_scope(project), WORKSPACE


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one scope for one period kind; at least one of them is set."""

    scope: str
    kind: PeriodKind
    limit_millicredits: int | None
    limit_microusd: int | None
    thresholds: tuple[int, ...] = DEFAULT_THRESHOLDS
    """Percentages of the budget whose crossing is announced."""
    channel_id: str | None = None
    """Where its alerts go; None: the default alerts channel."""
    approvers: tuple[str, ...] = ()
    """User ids of those who may grant an increase of it; empty: the admins."""
    granted: Amount = NOTHING
    """By how much grants raise its limits in the period in question; the limits here have it in them."""
    forecast: bool = True
    """Whether it is said when the budget will not last for its period."""
    spike: bool = True
    """Whether it is said when a day's spending is far above the usual."""
    generation: int = 0
    """How many budgets of this scope and period kind were removed before it: what was said of those is not about it."""

    @property
    def alerts_from(self) -> int:
        """The percentage from which on there is something to say of it: its lowest threshold, or its limit."""
        return min((*self.thresholds, 100))

    def raised(self, granted: Amount) -> Budget:
        """The same budget while these grants are in force."""
        if not granted:
            return self
        credits, usd = self.limit_millicredits, self.limit_microusd
        return replace(
            self,
            limit_millicredits=None if credits is None else credits + granted.millicredits,
            limit_microusd=None if usd is None else usd + granted.microusd,
            granted=granted,
        )


@dataclass(frozen=True, slots=True)
class Total:
    """The running sums of one scope in one period."""

    held: Amount = NOTHING
    settled: Amount = NOTHING

    @property
    def committed(self) -> Amount:
        return self.held + self.settled


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget beside its total in one period."""

    budget: Budget
    period: Period
    total: Total

    @property
    def permille(self) -> int:
        """Committed as tenths of a percent of the limit, rounded down so that 80.0 % is never shown before it is so."""
        committed = self.total.committed
        return max(
            _permille(committed.millicredits, self.budget.limit_millicredits),
            _permille(committed.microusd, self.budget.limit_microusd),
        )

    @property
    def percent(self) -> str:
        return f"{self.permille // 10:,}.{self.permille % 10}%"

    @property
    def exceeded(self) -> bool:
        committed = self.total.committed
        return _above(committed.millicredits, self.budget.limit_millicredits) or _above(
            committed.microusd, self.budget.limit_microusd
        )

    @property
    def used_up(self) -> bool:
        return self.permille >= 1000

    @property
    def left_millicredits(self) -> int | None:
        """What may still be committed, never below zero; None without a limit in credits."""
        return _left(self.budget.limit_millicredits, self.total.committed.millicredits)

    @property
    def left_microusd(self) -> int | None:
        return _left(self.budget.limit_microusd, self.total.committed.microusd)

    def with_held(self, held: Amount) -> Standing:
        """The same standing with that hold added."""
        return self.without(-held)

    def without(self, held: Amount) -> Standing:
        """The same standing before that hold was added."""
        return Standing(self.budget, self.period, Total(self.total.held - held, self.total.settled))


def refusals(standings: Iterable[Standing], needed: Amount) -> list[Standing]:
    """The budgets that a hold of `needed`, already added to their totals, would break: as they stood before it.

    The fullest comes first. A budget that was broken before (Kling charged more than was held) refuses
    everything until its period ends or its limit is raised.
    """
    broken = [standing.without(needed) for standing in standings if standing.exceeded]
    return sorted(broken, key=lambda standing: (-standing.permille, standing.budget.scope))


def marks(standing: Standing) -> frozenset[str]:
    """The crossings in force: each threshold that committed has reached, and `over` when it is above the limit."""
    permille = standing.permille
    reached = {str(threshold) for threshold in standing.budget.thresholds if permille >= threshold * 10}
    return frozenset(reached | {OVER}) if permille >= 1000 and standing.exceeded else frozenset(reached)


def is_level(mark: str) -> bool:
    """Whether a mark is of how full the budget is, so that it is armed again when the budget falls back below."""
    return mark == OVER or mark.isdecimal()


def spike_mark(day: date) -> str:
    """The mark of that day's spike: each day has its own."""
    return f"spike {day.isoformat()}"


def _permille(committed: int, limit: int | None) -> int:
    return committed * 1000 // limit if limit else 0


def _above(committed: int, limit: int | None) -> bool:
    return limit is not None and committed > limit


def _higher(before: int | None, after: int | None) -> bool:
    return before is not None and (after is None or after > before)


def _left(limit: int | None, committed: int) -> int | None:
    return None if limit is None else max(0, limit - committed)


def in_words(budget: Budget | None) -> str:
    """`10,000 credits and $600.00, alerts at 80%, 100% to #C1`; empty for none. Without what is granted.

    Two budgets are in the same words only if they are set to the same, to a cent.
    """
    if budget is None:
        return ""
    limits = [show_credits(budget.limit_millicredits)] if budget.limit_millicredits is not None else []
    limits += [show_usd(budget.limit_microusd)] if budget.limit_microusd is not None else []
    shares = ", ".join(f"{threshold}%" for threshold in budget.thresholds)
    alerts = f"alerts at {shares}" if shares else "no threshold alerts"
    place = f" to #{budget.channel_id}" if budget.channel_id else ""
    approvers = f", approved by {', '.join(f'@{user}' for user in budget.approvers)}" if budget.approvers else ""
    silent = "".join(f", no {name}" for name, on in (("forecast", budget.forecast), ("spike", budget.spike)) if not on)
    return f"{' and '.join(limits)}, {alerts}{place}{approvers}{silent}"


def raises(before: Budget | None, after: Budget) -> bool:
    """Whether more may be spent than before: a limit is higher, or gone. A new budget raises nothing."""
    if before is None:
        return False
    return _higher(before.limit_millicredits, after.limit_millicredits) or _higher(
        before.limit_microusd, after.limit_microusd
    )


def mark(budget: Budget | None) -> str:
    """A short mark of what a budget is set to, without its grants: another mark means that somebody has changed it."""
    return sha256(in_words(budget).encode()).hexdigest()[:16]
