"""The need for a first budget, the choice to run without one, and the spending that no budget limits."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.domain.budgets import WORKSPACE, Waiver
from klingbot.engine.core import Engine
from klingbot.store import Database, Transaction, audit, first_budget_choice

_WHAT, _REQUIRED, _WAIVED = "need for a budget", "required", "waived"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage of spending by budgets. A budget of the workspace, of the project or of the person limits it."""

    budgets: int
    waiver: Waiver | None
    """The choice to run without a limit. It counts only while there is no budget at all."""
    uncovered_projects: tuple[str, ...]
    """Without a limit for people who have no budget of their own, by name."""

    @property
    def has_budget(self) -> bool:
        return self.budgets > 0

    @property
    def may_start(self) -> bool:
        return self.has_budget or self.waiver is not None


EVERYTHING_LIMITED = Coverage(budgets=1, waiver=None, uncovered_projects=())


def coverage(engine: Engine) -> Coverage:
    """Return what the budgets cover now."""
    return coverage_of(engine.store.read())


def coverage_of(db: Database) -> Coverage:
    """Return what the budgets of this ledger cover."""
    return Coverage(
        budgets=first_budget_choice.count_budgets(db),
        waiver=first_budget_choice.waiver(db),
        uncovered_projects=tuple(first_budget_choice.uncovered_projects(db)),
    )


def waive(engine: Engine, *, by: str, why: str = "") -> Coverage:
    """Let videos be made without any budget, in this admin's name. The first admin's choice stays on record."""
    now = engine.clock()
    with engine.store.write() as tx:
        before = first_budget_choice.waiver(tx)
        if before is None or not before.is_chosen:
            first_budget_choice.waive(tx, Waiver(by, now))
            was = _WAIVED if before else _REQUIRED
            audit.note(tx, at=now, by=by, what=_WHAT, subject=WORKSPACE, before=was, after=_WAIVED, why=why)
        return coverage_of(tx)


def require(engine: Engine, *, by: str, why: str = "") -> Coverage:
    """Let nothing be started without a budget again."""
    with engine.store.write() as tx:
        if first_budget_choice.waiver(tx):
            _end_waiver(tx, by=by, at=engine.clock(), why=why)
        return coverage_of(tx)


def note_budget(tx: Transaction, *, by: str, at: int) -> None:
    """End a waiver that no admin chose, now that an admin has set a budget."""
    waiver = first_budget_choice.waiver(tx)
    if waiver and not waiver.is_chosen:
        _end_waiver(tx, by=by, at=at, why="a budget was set")


def _end_waiver(tx: Transaction, *, by: str, at: int, why: str) -> None:
    first_budget_choice.end_waiver(tx)
    audit.note(tx, at=at, by=by, what=_WHAT, subject=WORKSPACE, before=_WAIVED, after=_REQUIRED, why=why)
