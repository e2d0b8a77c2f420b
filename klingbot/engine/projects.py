"""Projects: which one a channel spends for, which ones are open to members, and what a mistyped name meant."""

from __future__ import annotations

from dataclasses import dataclass

from klingbot.common.typo_suggestions import resembled
from klingbot.domain.budgets import project_scope
from klingbot.domain.project_access import ProjectState
from klingbot.engine.core import Engine
from klingbot.store import Transaction, audit, jobs, known_projects


@dataclass(frozen=True, slots=True)
class ProjectList:
    """Every project that was set up, decided about or, before that was needed, spent for; by name."""

    opened: tuple[str, ...]
    closed: tuple[str, ...]
    undecided: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a project."""

    project: str
    before: ProjectState
    after: ProjectState
    under_way: int = 0
    """How many of its videos wait or are rendered; closing it does not end them."""


def project_of(engine: Engine, channel_id: str) -> str:
    """Return the project that a channel spends for."""
    return known_projects.of_channel(engine.store.read(), channel_id)


def set_project(engine: Engine, channel_id: str, project: str, *, by: str, why: str = "") -> ProjectState:
    """Let a channel spend for a project, which is created where there is none; return its state.

    A project that was closed stays closed.
    """
    with engine.store.write() as tx:
        before = known_projects.of_channel(tx, channel_id)
        known_projects.put(tx, channel_id, project)
        known_projects.register(tx, project)
        if before != project:
            what, at, scope = f"project of #{channel_id}", engine.clock(), project_scope(project)
            audit.note(tx, at=at, by=by, what=what, subject=scope, before=before, after=project, why=why)
        return known_projects.state(tx, project)


def state_of(engine: Engine, project: str) -> ProjectState:
    return known_projects.state(engine.store.read(), project)


def decide(engine: Engine, project: str, *, is_open: bool, by: str, why: str = "") -> Decided:
    """Create, reopen or close a project. Closing one ends no video that is under way."""
    with engine.store.write() as tx:
        return _decide(tx, engine, project, is_open=is_open, by=by, why=why)


def open_undecided(engine: Engine, *, by: str) -> list[str]:
    """Open every project of before that no admin has decided about, and return their names."""
    with engine.store.write() as tx:
        names = known_projects.undecided(tx)
        for name in names:
            _decide(tx, engine, name, is_open=True, by=by, why="")
        return names


def close_undecided(engine: Engine, *, by: str) -> list[str]:
    """Close every project of before that no admin has decided about, and return their names."""
    with engine.store.write() as tx:
        names = known_projects.undecided(tx)
        for name in names:
            _decide(tx, engine, name, is_open=False, by=by, why="")
        return names


def _decide(tx: Transaction, engine: Engine, project: str, *, is_open: bool, by: str, why: str) -> Decided:
    before, after = known_projects.state(tx, project), ProjectState.OPEN if is_open else ProjectState.CLOSED
    known_projects.decide(tx, project, is_open=is_open)
    if before is not after:
        scope, was = project_scope(project), "" if before is ProjectState.UNKNOWN else str(before)
        audit.note(tx, at=engine.clock(), by=by, what="project", subject=scope, before=was, after=str(after), why=why)
    return Decided(project, before, after, 0 if is_open else jobs.under_way_for(tx, project))


def listing(engine: Engine) -> ProjectList:
    reader = engine.store.read()
    found = known_projects.opened(reader), known_projects.closed(reader), known_projects.undecided(reader)
    return ProjectList(*(tuple(names) for names in found))


def meant_by(engine: Engine, project: str) -> str | None:
    """Return the project, open or not, that this name is most likely a misspelling of.

    None for a project that there is, and for a new name that resembles none.
    """
    reader = engine.store.read()
    if known_projects.state(reader, project) is not ProjectState.UNKNOWN:
        return None
    kinds = (known_projects.opened, known_projects.closed, known_projects.undecided)
    return resembled(project, tuple(name for of_kind in kinds for name in of_kind(reader)))
