"""Which project a channel spends for, and which one was meant by a name that nobody has used yet."""

from __future__ import annotations

from klingbot.budgets import project_scope
from klingbot.engine.core import Engine
from klingbot.jobs import DEFAULT_PROJECT
from klingbot.spelling import resembled
from klingbot.store import audit, projects


def project_of(engine: Engine, channel_id: str) -> str:
    """The project that a channel spends for."""
    return projects.of_channel(engine.store.read(), channel_id)


def set_project(engine: Engine, channel_id: str, project: str, *, by: str, why: str = "") -> None:
    with engine.store.write() as tx:
        before = projects.of_channel(tx, channel_id)
        projects.put(tx, channel_id, project)
        if before != project:
            what, at, scope = f"project of #{channel_id}", engine.clock(), project_scope(project)
            audit.note(tx, at=at, by=by, what=what, subject=scope, before=before, after=project, why=why)


def meant_by(engine: Engine, project: str) -> str | None:
    """The known project that this name is most likely a misspelling of.

    None for a known one, and for a new one that resembles none.
    """
    reader = engine.store.read()
    if project == DEFAULT_PROJECT or projects.is_known(reader, project):
        return None
    return resembled(project, [DEFAULT_PROJECT, *projects.known(reader)])
