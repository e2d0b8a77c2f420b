"""Who spent what."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.budgets import Standing, Total
from klingbot.engine.core import Engine
from klingbot.periods import Period, PeriodKind
from klingbot.store import budgets, ledger
from klingbot.store.ledger import Share


@dataclass(frozen=True, slots=True)
class Usage:
    """A scope's total in the current period, and what it is made of."""

    scope: str
    period: Period
    total: Total
    standing: Standing | None
    """The budget of that scope and period kind, if there is one."""
    by: str
    shares: tuple[Share, ...]


def usage(engine: Engine, scope: str, kind: PeriodKind, by: str) -> Usage:
    """`by` is model, user, project or day."""
    reader, periods = engine.store.read(), engine.periods()
    period = periods.of(kind)
    standing = next((s for s in budgets.standings_of(reader, (scope,) * 3, periods) if s.budget.kind is kind), None)
    shares = ledger.breakdown(reader, scope, period.start, period.end, by)
    return Usage(scope, period, ledger.total(reader, scope, period), standing, by, tuple(shares))
