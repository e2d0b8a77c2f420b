"""Projects that are named before there is one of that name: begun on purpose, or mistyped."""

from __future__ import annotations

from klingbot.blocks import project_lists as project_blocks
from klingbot.blocks import short_answers
from klingbot.blocks.message import Block
from klingbot.domain.budgets import project_of
from klingbot.domain.project_access import ProjectState
from klingbot.engine import projects
from klingbot.slack.context import Desk


def doubts(desk: Desk, scope: str) -> list[Block]:
    """Return a doubt for an admin who sets up something for a scope. Ask before it is set up: then it is known."""
    project = project_of(scope)
    if project is None:
        return []
    if projects.state_of(desk.engine, project) is ProjectState.CLOSED:
        return project_blocks.is_closed(project)
    meant = projects.meant_by(desk.engine, project)
    return [short_answers.no_channel_yet(project, meant)] if meant else []
