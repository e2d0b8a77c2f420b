"""What is read for a person: usage, the budget list, a digest, the home tab. From the question to its Block Kit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench import ledgers
from bench.measure import Contender, race, ratio
from bench.table import Row, Section, seconds
from klingbot.blocks import budgets as budget_blocks
from klingbot.blocks import digests as digest_blocks
from klingbot.blocks import home as home_blocks
from klingbot.blocks import usage as usage_blocks
from klingbot.domain.budgets import WORKSPACE, project_scope, user_scope
from klingbot.domain.periods import PeriodKind
from klingbot.engine import Engine, budgets
from klingbot.engine.budgets import Change
from klingbot.engine.digest_figures import figures
from klingbot.engine.home import home
from klingbot.engine.usage import usage

_BUDGETS = 200
_RECENT_DAYS = 92
"""The running month, and the two before it that a monthly digest compares."""


def section(folder: Path, jobs: int, rounds: int) -> Section:
    """Over that much history, beside its last three months alone: what is older must not be felt."""
    with ExitStack() as stack:
        old = stack.enter_context(ledgers.ledger_with(jobs, folder / "old"))
        young = stack.enter_context(ledgers.ledger_with(jobs, folder / "young", days=_RECENT_DAYS))
        for engine in (old, young):
            _set_budgets(engine)
        rows = [_row(name, screen, old, young, rounds) for name, screen in _SCREENS.items()]
    return Section(f"Reading over {jobs:,} jobs and {_BUDGETS} budgets", rows)


def _row(name: str, screen: Callable[[Engine], object], old: Engine, young: Engine, rounds: int) -> Row:
    found = race(
        [Contender("old", partial(screen, old)), Contender("young", partial(screen, young))], rounds=rounds, each=5
    )
    took = found["old"]
    young_took = f"{seconds(found['young'].p50)} with the last {_RECENT_DAYS} days of it alone"
    beside = f"{ratio(took, found['young'])} of {young_took}"
    goal = took.cpu_p50 < 0.020
    return Row(name, f"{seconds(took.p50)} (CPU {seconds(took.cpu_p50)})", beside, "< 20 ms", goal)


def _set_budgets(engine: Engine) -> None:
    scopes = [WORKSPACE, *(project_scope(f"p{n}") for n in range(ledgers.PROJECTS))]
    scopes += [user_scope(f"U{n}") for n in range(_BUDGETS - len(scopes))]
    for scope in scopes:
        budgets.set_budget(engine, Change(scope, PeriodKind.MONTHLY, 10**12), by=ledgers.USER)


def _usage(engine: Engine, scope: str, by: str) -> object:
    return usage_blocks.usage(usage(engine, scope, PeriodKind.MONTHLY, by), engine.calendar)


def _digest(engine: Engine, kind: PeriodKind) -> object:
    period = engine.calendar.previous(engine.periods().of(kind))
    return digest_blocks.digest(figures(engine, WORKSPACE, period), engine.calendar)


_SCREENS: dict[str, Callable[[Engine], object]] = {
    "`/kling usage`, workspace, by model": lambda engine: _usage(engine, WORKSPACE, "model"),
    "`/kling usage`, workspace, by user": lambda engine: _usage(engine, WORKSPACE, "user"),
    "`/kling usage`, one person, by day": lambda engine: _usage(engine, user_scope(ledgers.USER), "day"),
    "`/kling budget`": lambda engine: budget_blocks.listing(budgets.standings(engine), engine.calendar),
    "weekly digest of the workspace": lambda engine: _digest(engine, PeriodKind.WEEKLY),
    "monthly digest of the workspace": lambda engine: _digest(engine, PeriodKind.MONTHLY),
    "home tab of a member": lambda engine: home_blocks.home(home(engine, "U7", is_admin=False), engine.calendar),
    "home tab of an admin": lambda engine: home_blocks.home(home(engine, "U7", is_admin=True), engine.calendar),
}
