"""`/kling project`: the one that a channel spends for, and which ones members may spend for at all."""

from __future__ import annotations

from klingbot.blocks import project_lists as blocks
from klingbot.blocks import short_answers
from klingbot.blocks.message import Message
from klingbot.domain.project_access import ProjectState
from klingbot.engine import projects
from klingbot.slack.command_line import people_and_scopes
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.command_line.types import ProjectClose, ProjectList, ProjectNew, ProjectSet, ProjectShow
from klingbot.slack.context import Answer, Asker, Click, Desk, Rewritten

WHO = "create and close projects"


def show(desk: Desk, asker: Asker, command: ProjectShow) -> Message:
    return short_answers.project(projects.project_of(desk.engine, asker.channel_id))


def put(desk: Desk, asker: Asker, command: ProjectSet) -> Message:
    """Let the channel spend for a project, which is created where there is none."""
    if meant := projects.meant_by(desk.engine, command.name):
        raise MistakeError(
            f"There is no project {command.name} yet. Did you mean {meant}?"
            f" Otherwise create it first: /kling project new {command.name}"
        )
    before = projects.project_of(desk.engine, asker.channel_id)
    state = projects.set_project(desk.engine, asker.channel_id, command.name, by=asker.user_id, why=command.reason)
    said = short_answers.project_set(before, command.name)
    return said if state is ProjectState.OPEN else said.plus(*blocks.is_closed(command.name))


def listing(desk: Desk, asker: Asker, command: ProjectList) -> Message:
    return blocks.listing(projects.listing(desk.engine), for_admin=desk.directory.seems_admin(asker.user_id))


def create(desk: Desk, asker: Asker, command: ProjectNew) -> Message:
    """Open a project, or ask first where its name is almost that of another."""
    if meant := projects.meant_by(desk.engine, command.name):
        return blocks.doubted(command.name, meant)
    return blocks.decided(
        projects.decide(desk.engine, command.name, is_open=True, by=asker.user_id, why=command.reason)
    )


def close(desk: Desk, asker: Asker, command: ProjectClose) -> Message:
    if projects.state_of(desk.engine, command.name) is ProjectState.UNKNOWN:
        meant = projects.meant_by(desk.engine, command.name)
        hint = f" Did you mean {meant}?" if meant else " See all: /kling project list"
        raise MistakeError(f"There is no project {command.name}, so there is nothing to close.{hint}")
    return blocks.decided(
        projects.decide(desk.engine, command.name, is_open=False, by=asker.user_id, why=command.reason)
    )


def open_clicked(desk: Desk, click: Click) -> Answer:
    """Open the project that was declined, or doubted."""
    name = people_and_scopes.project_name(click.value)
    return Rewritten(blocks.decided(projects.decide(desk.engine, name, is_open=True, by=click.user_id)))


def keep_clicked(desk: Desk, click: Click) -> Answer:
    """Open one of the projects of before, in the list of those that no admin has decided about."""
    if projects.state_of(desk.engine, click.value) is ProjectState.UNDECIDED:
        projects.decide(desk.engine, click.value, is_open=True, by=click.user_id)
    return Rewritten(_left(desk, [click.value], click.user_id))


def keep_all_clicked(desk: Desk, click: Click) -> Answer:
    return Rewritten(_left(desk, projects.open_undecided(desk.engine, by=click.user_id), click.user_id))


def leave_clicked(desk: Desk, click: Click) -> Answer:
    projects.close_undecided(desk.engine, by=click.user_id)
    return Rewritten(_left(desk, [], click.user_id))


def _left(desk: Desk, opened: list[str], by: str) -> Message:
    return blocks.after(projects.listing(desk.engine).undecided, opened, by)
