"""`/kling rules` and `/kling audit`."""

from __future__ import annotations

from klingbot.blocks import rules
from klingbot.blocks.message import Message
from klingbot.engine import projects, ruling
from klingbot.engine.ruling import RuleChange, UnknownModels
from klingbot.slack.desk import Asker, Desk
from klingbot.slack.grammar import Audit, RulesSet, RulesShow
from klingbot.slack.mistakes import MistakeError


def show(desk: Desk, asker: Asker, command: RulesShow) -> Message:
    project = command.project or projects.project_of(desk.engine, asker.channel_id)
    return rules.show(ruling.rules_of(desk.engine, project))


def put(desk: Desk, asker: Asker, command: RulesSet) -> Message:
    change = RuleChange(
        project=command.project,
        models=command.models,
        ceiling=command.ceiling,
        confirm_above=command.confirm_above,
        approve_above=command.approve_above,
        why=command.reason,
    )
    outcome = ruling.set_rules(desk.engine, change, by=asker.user_id)
    if isinstance(outcome, UnknownModels):
        sold = ", ".join(desk.engine.prices.sold)
        raise MistakeError(f"The price list does not sell {', '.join(outcome.names)}. It sells {sold}.")
    return rules.were_set(outcome)


def audit(desk: Desk, asker: Asker, command: Audit) -> Message:
    scope = desk.scope(command.scope) if command.scope else None
    return rules.changes(ruling.changes(desk.engine, scope), desk.engine.calendar)
