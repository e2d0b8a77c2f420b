"""Which projects there are, and which one was meant by a name that nobody has used yet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klingbot.budgets import project_scope
from klingbot.engine import Engine, budgeting, projects, ruling
from klingbot.engine.budgeting import Change
from klingbot.engine.ruling import RuleChange
from klingbot.periods import PeriodKind
from tests.ledger_checks import hold


def budget(engine: Engine, name: str) -> None:
    budgeting.set_budget(engine, Change(project_scope(name), PeriodKind.MONTHLY, 90_000), by="UADMIN")


def rules(engine: Engine, name: str) -> None:
    ruling.set_rules(engine, RuleChange(name, ceiling=90_000), by="UADMIN")


def channel(engine: Engine, name: str) -> None:
    projects.set_project(engine, "C1", name, by="UADMIN")


@pytest.mark.parametrize("make", [budget, rules, channel])
def test_a_project_is_known_once_it_has_a_budget_rules_or_a_channel(
    engine: Engine, make: Callable[[Engine, str], None]
) -> None:
    assert projects.meant_by(engine, "video-lab") is None
    make(engine, "video-lab")
    assert projects.meant_by(engine, "vido-lab") == "video-lab"
    assert projects.meant_by(engine, "video-lab") is None


def test_what_was_asked_for_makes_a_project_known_but_is_never_what_was_meant(engine: Engine) -> None:
    hold(engine, "r1", project="video-lab")
    assert projects.meant_by(engine, "vido-lab") is None, "history is not searched for names"
    budget(engine, "video-labs")
    assert projects.meant_by(engine, "vido-lab") == "video-labs"
    assert projects.meant_by(engine, "video-lab") is None


def test_a_name_that_resembles_none_is_a_new_project(engine: Engine) -> None:
    budget(engine, "marketing")
    assert projects.meant_by(engine, "summer-sale") is None


def test_the_default_project_is_known_from_the_start(engine: Engine) -> None:
    assert projects.meant_by(engine, "default") is None
    assert projects.meant_by(engine, "defualt") == "default"


def test_a_person_is_no_project(engine: Engine) -> None:
    budgeting.set_budget(engine, Change("user:video-lab", PeriodKind.MONTHLY, 90_000), by="UADMIN")
    assert projects.meant_by(engine, "vido-lab") is None
