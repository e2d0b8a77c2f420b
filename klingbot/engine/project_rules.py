"""A project's rules, and the list of who changed the rules of money."""

from __future__ import annotations

from dataclasses import dataclass, replace

from klingbot.domain.budgets import project_scope
from klingbot.domain.project_rules import Rules, in_words
from klingbot.engine.core import Engine
from klingbot.store import Transaction, audit, known_projects, project_rules
from klingbot.store.audit import Change

MOST_CHANGES = 15


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What to set; what is None stays as it was. An amount of 0 takes that rule away, and so does an empty list."""

    project: str
    models: tuple[str, ...] | None = None
    ceiling: int | None = None
    confirm_above: int | None = None
    approve_above: int | None = None
    people: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    why: str = ""
    """For the list of who changed what."""


@dataclass(frozen=True, slots=True)
class RulesSet:
    before: Rules
    after: Rules


@dataclass(frozen=True, slots=True)
class UnknownModels:
    """Nothing changed: the price list does not sell these."""

    names: tuple[str, ...]


def rules_of(engine: Engine, project: str) -> Rules:
    return project_rules.get(engine.store.read(), project)


def set_rules(engine: Engine, change: RuleChange, *, by: str) -> RulesSet | UnknownModels:
    unknown = tuple(model for model in change.models or () if model not in engine.prices.sold)
    if unknown:
        return UnknownModels(unknown)
    with engine.store.write() as tx:
        before = project_rules.get(tx, change.project)
        after = _changed(before, change)
        if after != before:
            project_rules.put(tx, after)
            known_projects.register(tx, after.project)
            _note(tx, before, after, by=by, at=engine.clock(), why=change.why)
        return RulesSet(before, after)


def changes(engine: Engine, scope: str | None) -> list[Change]:
    """The newest first, of one scope or of all."""
    return audit.latest(engine.store.read(), subject=scope, most=MOST_CHANGES)


def _note(tx: Transaction, before: Rules, after: Rules, *, by: str, at: int, why: str) -> None:
    audit.note(
        tx,
        at=at,
        by=by,
        what="project rules",
        subject=project_scope(after.project),
        before=in_words(before),
        after=in_words(after),
        why=why,
    )


def _changed(before: Rules, change: RuleChange) -> Rules:
    given = {
        name: value
        for name in ("models", "ceiling", "confirm_above", "approve_above", "people", "channels")
        if (value := getattr(change, name)) is not None
    }
    after = replace(before, **given)
    return replace(
        after,
        ceiling=after.ceiling or None,
        confirm_above=after.confirm_above or None,
        approve_above=after.approve_above or None,
    )
