"""`/kling usage`, `reconcile` and `project`."""

from __future__ import annotations

from klingbot.blocks import answers, billing
from klingbot.blocks import usage as usage_blocks
from klingbot.blocks.message import Message
from klingbot.budgets import WORKSPACE
from klingbot.engine import projects, reconciling
from klingbot.engine.usage import usage as usage_of
from klingbot.periods import PeriodKind
from klingbot.slack.desk import Asker, Desk
from klingbot.slack.grammar import ProjectSet, ProjectShow, Reconcile, Usage


def usage(desk: Desk, asker: Asker, command: Usage) -> Message:
    scope = desk.scope(command.scope) if command.scope else WORKSPACE
    outcome = usage_of(desk.engine, scope, PeriodKind(command.period), command.by or "model")
    return usage_blocks.usage(outcome, desk.engine.calendar)


def reconcile(desk: Desk, asker: Asker, command: Reconcile) -> Message:
    return billing.books(reconciling.books(desk.engine), desk.engine.calendar)


def show_project(desk: Desk, asker: Asker, command: ProjectShow) -> Message:
    return answers.project(projects.project_of(desk.engine, asker.channel_id))


def set_project(desk: Desk, asker: Asker, command: ProjectSet) -> Message:
    before = projects.project_of(desk.engine, asker.channel_id)
    projects.set_project(desk.engine, asker.channel_id, command.name, by=asker.user_id)
    return answers.project_set(before, command.name)
