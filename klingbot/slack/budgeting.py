"""`/kling budget`, `budget show`, `budget set` and `budget remove`."""

from __future__ import annotations

from klingbot.blocks import budgets
from klingbot.blocks.message import Message
from klingbot.engine import budgeting
from klingbot.engine.budgeting import Change, NoLimit
from klingbot.periods import PeriodKind
from klingbot.slack.desk import Asker, Desk
from klingbot.slack.grammar import BudgetList, BudgetRemove, BudgetSet, BudgetShow
from klingbot.slack.mistakes import MistakeError

_NO_LIMIT_GIVEN = "A new budget needs a limit. Give --credits, --usd or both, like --usd 600."
_NO_LIMIT_LEFT = "That would leave the budget without a limit. To do away with it, write /kling budget remove."


def show_all(desk: Desk, asker: Asker, command: BudgetList) -> Message:
    return budgets.listing(budgeting.standings(desk.engine), desk.engine.calendar)


def show(desk: Desk, asker: Asker, command: BudgetShow) -> Message:
    scope = desk.scope(command.scope)
    standings = budgeting.standings_of(desk.engine, scope)
    return budgets.status(scope, standings, desk.engine.calendar, desk.alerts_channel)


def put(desk: Desk, asker: Asker, command: BudgetSet) -> Message:
    channel = desk.directory.channel(command.channel) if command.channel else None
    change = Change(
        scope=desk.scope(command.scope),
        kind=PeriodKind(command.period),
        limit_millicredits=command.millicredits,
        limit_microusd=command.microusd,
        thresholds=command.thresholds,
        channel_id=channel.id if channel else None,
        approvers=None if command.approvers is None else tuple(map(desk.directory.user_id, command.approvers)),
        forecast=command.forecast,
        spike=command.spike,
    )
    outcome = budgeting.set_budget(desk.engine, change, by=asker.user_id)
    if isinstance(outcome, NoLimit):
        raise MistakeError(_NO_LIMIT_LEFT if outcome.before else _NO_LIMIT_GIVEN)
    said = budgets.was_set(outcome, desk.engine.calendar, desk.alerts_channel)
    return said.plus(budgets.invite_me(channel.id)) if channel and not channel.is_member else said


def remove(desk: Desk, asker: Asker, command: BudgetRemove) -> Message:
    scope, kind = desk.scope(command.scope), PeriodKind(command.period)
    there = budgeting.remove_budget(desk.engine, scope, kind, by=asker.user_id)
    return budgets.removed(scope, kind) if there else budgets.not_there(scope, kind)
