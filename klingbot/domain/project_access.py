"""Access to projects: who may spend for which one and where, and the sentences for everybody else. Pure.

In the sentences people and channels stand by their ids, `@U012AB3CD` and `#C012AB3CD`; blocks make mentions of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from klingbot.domain.project_rules import Rules

MOST_NAMED = 8
"""Projects that a sentence names."""


class ProjectState(StrEnum):
    """State of a project: members may spend for open ones."""

    OPEN = "open"
    CLOSED = "closed"
    UNDECIDED = "undecided"
    """It was spent for before admins had to create projects."""
    UNKNOWN = "unknown"


def unknown(project: str, opened: Sequence[str], meant: str | None) -> str:
    """Say that no admin has created the project. `meant` is the open project whose name is almost the same."""
    if meant:
        return f"There is no project {project} yet. Did you mean {meant}? Only admins create projects."
    others = f" You can use {_listed(opened, 'or')}." if opened else ""
    return f"There is no project {project} yet. Only admins create projects.{others}"


def undecided(project: str, opened: Sequence[str]) -> str:
    """Say that an admin has to open a project that was used before admins had to create them."""
    others = f" Until then you can use {_listed(opened, 'or')}." if opened else ""
    return f"The project {project} is not open yet. Since the upgrade, an admin has to open each project once.{others}"


def closed(project: str, opened: Sequence[str], *, is_channels: bool) -> str:
    """Say that the project is closed. `is_channels`: nobody named it, the channel spends for it."""
    title = f"The project {project} is closed"
    why = f"{title}, and this channel spends for it." if is_channels else f"{title}."
    others = f" You can use another project: {_listed(opened, 'or')}." if opened and is_channels else ""
    return f"{why} An admin can open it again.{others}"


def not_for(rules: Rules, user_id: str, channel_id: str) -> str | None:
    """Return why the project's rules do not let this person spend for it in this channel, None where they do."""
    if rules.people and user_id not in rules.people:
        who = _listed([f"@{each}" for each in rules.people], "and")
        return f"Only {who} may spend for the project {rules.project}. Ask one of them, or ask an admin to let you in."
    if rules.channels and channel_id not in rules.channels:
        where = _listed([f"#{each}" for each in rules.channels], "or")
        return f"Videos for the project {rules.project} are made in {where} only. Ask there, or choose another project."
    return None


def _listed(names: Sequence[str], last: str) -> str:
    """`a, b and c`; the first few where there are many."""
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"
    return f" {last} ".join(filter(None, (", ".join(names[:-1]), names[-1])))
