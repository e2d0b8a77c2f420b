"""Projects that are named before anybody has spent for them: begun on purpose, or mistyped."""

from __future__ import annotations

from klingbot.blocks import answers
from klingbot.blocks.message import Block
from klingbot.engine import projects
from klingbot.slack.desk import Desk
from klingbot.slack.mistakes import MistakeError


def checked(desk: Desk, project: str) -> str:
    """The project, to be spent for. Raises MistakeError where it was probably mistyped.

    A mistyped name would be held at once, round the budgets and the rules of the project that was meant.
    """
    meant = projects.meant_by(desk.engine, project)
    if meant is None:
        return project
    raise MistakeError(
        f"There is no project {project} yet. Did you mean {meant}?"
        f" A new project begins with /kling project {project} in its channel."
    )


def doubts(desk: Desk, scope: str) -> list[Block]:
    """What an admin hears who sets up something for that scope. To be asked before it is set up: then it is known."""
    kind, _, project = scope.partition(":")
    meant = projects.meant_by(desk.engine, project) if kind == "project" else None
    return [answers.no_channel_yet(project, meant)] if meant else []
