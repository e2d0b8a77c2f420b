"""Who spent what."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.budgets import WORKSPACE, Standing, Total, project_scope
from klingbot.domain.periods import Period, PeriodKind
from klingbot.engine.budgets import standing_of
from klingbot.engine.core import Engine
from klingbot.store import daily_spend, ledger
from klingbot.store.daily_spend import Share


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
    elsewhere: tuple[str, ...] = ()
    """Where a project has no jobs at all: the projects that have some in the same period, dearest first."""


def usage(engine: Engine, scope: str, kind: PeriodKind, by: str) -> Usage:
    """`by` is model, user, project or day."""
    reader, periods = engine.store.read(), engine.periods()
    period = periods.of(kind)
    standing = standing_of(reader, engine, scope, kind, periods)
    shares = daily_spend.breakdown(reader, scope, period.start, period.end, by)
    elsewhere = _projects(engine, period) if scope.startswith(project_scope("")) and not shares else ()
    return Usage(scope, period, ledger.total(reader, scope, period), standing, by, tuple(shares), elsewhere)


def _projects(engine: Engine, period: Period) -> tuple[str, ...]:
    shares = daily_spend.breakdown(engine.store.read(), WORKSPACE, period.start, period.end, "project")
    return tuple(share.name for share in shares)
