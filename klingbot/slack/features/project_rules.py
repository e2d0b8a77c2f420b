"""`/kling rules` and `/kling audit`."""

from __future__ import annotations

from klingbot.blocks import project_rules as blocks_project_rules
from klingbot.blocks.message import Message
from klingbot.domain.budgets import project_scope
from klingbot.engine import project_rules, projects
from klingbot.engine.project_rules import RuleChange, UnknownModels
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.command_line.types import Audit, RulesSet, RulesShow
from klingbot.slack.context import Asker, Desk
from klingbot.slack.features import project_typos


def show(desk: Desk, asker: Asker, command: RulesShow) -> Message:
    project = command.project or projects.project_of(desk.engine, asker.channel_id)
    return blocks_project_rules.show(project_rules.rules_of(desk.engine, project))


def put(desk: Desk, asker: Asker, command: RulesSet) -> Message:
    people = None if command.people is None else tuple(map(desk.directory.user_id, command.people))
    desk.directory.must_be_members(people or (), "spend for a project")
    channels = None if command.channels is None else tuple(desk.directory.channel(each).id for each in command.channels)
    change = RuleChange(
        project=command.project,
        models=command.models,
        ceiling=command.ceiling,
        confirm_above=command.confirm_above,
        approve_above=command.approve_above,
        people=people,
        channels=channels,
        why=command.reason,
    )
    doubts = project_typos.doubts(desk, project_scope(command.project))
    outcome = project_rules.set_rules(desk.engine, change, by=asker.user_id)
    if isinstance(outcome, UnknownModels):
        sold = ", ".join(desk.engine.prices.sold)
        raise MistakeError(f"The price list does not sell {', '.join(outcome.names)}. It sells {sold}.")
    return blocks_project_rules.were_set(outcome).plus(*doubts)


def audit(desk: Desk, asker: Asker, command: Audit) -> Message:
    scope = desk.scope(command.scope) if command.scope else None
    return blocks_project_rules.changes(project_rules.changes(desk.engine, scope), desk.engine.calendar)
