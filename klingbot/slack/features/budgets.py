"""`/kling budget`, `budget show`, `budget set` and `budget remove`."""

from __future__ import annotations

from klingbot.blocks import budget_changes, budgets, short_answers
from klingbot.blocks import first_budget_notice as requirement_blocks
from klingbot.blocks.message import Message
from klingbot.domain.periods import PeriodKind
from klingbot.engine import budgets as engine_budgets
from klingbot.engine.budgets import Change, ChangedMeanwhile, NoLimit, Removed
from klingbot.engine.first_budget import coverage
from klingbot.slack.api.directory import KnownChannel
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.command_line.types import (
    BudgetList,
    BudgetRemove,
    BudgetSet,
    BudgetShow,
    ChannelRef,
    DefaultChannel,
)
from klingbot.slack.context import Answer, Asker, Click, Desk, Private, Rewritten
from klingbot.slack.features import budget_proposals, first_budget_buttons, project_typos
from klingbot.slack.features.budget_proposals import Proposal

_NO_LIMIT_GIVEN = "A new budget needs a limit. Give --credits, --usd or both, like --usd 600."
_NO_LIMIT_LEFT = "That would leave the budget without a limit. To do away with it, write /kling budget remove."


HAVE_BUDGET = "have a budget"


def show_all(desk: Desk, asker: Asker, command: BudgetList) -> Message:
    standings = engine_budgets.standings(desk.engine)
    if not standings:
        return first_budget_buttons.none_set(desk, asker.user_id)
    admin = desk.directory.seems_admin(asker.user_id)
    return budgets.listing(standings, desk.engine.calendar, for_admin=admin)


def show(desk: Desk, asker: Asker, command: BudgetShow) -> Message:
    scope = desk.scope(command.scope)
    standings = engine_budgets.standings_of(desk.engine, scope)
    admin = desk.directory.seems_admin(asker.user_id)
    return budgets.status(scope, standings, desk.engine.calendar, desk.alerts_channel, for_admin=admin)


def put(desk: Desk, asker: Asker, command: BudgetSet) -> Message:
    channel = named_channel(desk, command.channel)
    approvers = None if command.approvers is None else tuple(map(desk.directory.user_id, command.approvers))
    desk.directory.must_be_members(approvers or (), "approve requests")
    scope = desk.scope(command.scope)
    desk.must_be_members(scope, HAVE_BUDGET)
    change = Change(
        scope=scope,
        kind=PeriodKind(command.period),
        limit_millicredits=command.millicredits,
        limit_microusd=command.microusd,
        thresholds=command.thresholds,
        channel_id=channel.id if channel else "" if command.channel else None,
        approvers=approvers,
        forecast=command.forecast,
        spike=command.spike,
        why=command.reason,
    )
    weighed = engine_budgets.weigh(desk.engine, change)
    if isinstance(weighed, NoLimit):
        raise MistakeError(_NO_LIMIT_LEFT if weighed.before else _NO_LIMIT_GIVEN)
    if weighed.raises:
        proposal = budget_proposals.written(Proposal(change, weighed.seen))
        return budget_changes.asks(weighed, proposal, desk.alerts_channel, change.why)
    doubts = project_typos.doubts(desk, change.scope)
    outcome = engine_budgets.set_budget(desk.engine, change, by=asker.user_id, seen=weighed.seen)
    return said(desk, outcome, channel).plus(*doubts)


def raise_clicked(desk: Desk, click: Click) -> Answer:
    """Below the question whether a limit is to be raised."""
    proposal = budget_proposals.read(click.value)
    if proposal is None:
        return Private(short_answers.outdated())
    channel = channel_of(desk, proposal.change)
    outcome = engine_budgets.set_budget(desk.engine, proposal.change, by=click.user_id, seen=proposal.seen)
    return Rewritten(said(desk, outcome, channel))


def remove(desk: Desk, asker: Asker, command: BudgetRemove) -> Message:
    scope, kind = desk.scope(command.scope), PeriodKind(command.period)
    now = engine_budgets.see(desk.engine, scope, kind)
    if now.standing is None:
        return budget_changes.not_there(scope, kind)
    proposal = budget_proposals.written(Proposal(Change(scope, kind, why=command.reason), now.mark))
    warning = requirement_blocks.before_last(coverage(desk.engine))
    return budget_changes.asks_to_remove(now.standing, proposal, command.reason, warning)


def remove_clicked(desk: Desk, click: Click) -> Answer:
    """Below the question whether a budget is to be removed."""
    proposal = budget_proposals.read(click.value)
    if proposal is None:
        return Private(short_answers.outdated())
    change = proposal.change
    outcome = engine_budgets.remove_budget(
        desk.engine, change.scope, change.kind, by=click.user_id, why=change.why, seen=proposal.seen
    )
    return Rewritten(removed(desk, outcome, change.scope, change.kind))


def removed(desk: Desk, outcome: Removed | ChangedMeanwhile | None, scope: str, kind: PeriodKind) -> Message:
    if isinstance(outcome, ChangedMeanwhile):
        return budget_changes.changed_meanwhile()
    if outcome is None:
        return budget_changes.not_there(scope, kind)
    follows = requirement_blocks.after_last(coverage(desk.engine), desk.engine.calendar)
    return budget_changes.removed(scope, kind, outcome.closed_requests).plus(*follows)


def said(desk: Desk, outcome: engine_budgets.Outcome, channel: KnownChannel | None) -> Message:
    """`channel` is where its alerts are to go from now on, where that was chosen."""
    match outcome:
        case engine_budgets.BudgetSet():
            message = budget_changes.was_set(outcome, desk.engine.calendar, desk.alerts_channel)
            return message.plus(budgets.invite_me(channel.id)) if channel and not channel.is_member else message
        case ChangedMeanwhile():
            return budget_changes.changed_meanwhile()
        case NoLimit(before):
            raise MistakeError(_NO_LIMIT_LEFT if before else _NO_LIMIT_GIVEN)


def named_channel(desk: Desk, ref: ChannelRef | DefaultChannel | None) -> KnownChannel | None:
    """Return the channel that was named; None for the default one. Raise MistakeError, SlackUnavailableError."""
    return desk.directory.channel(ref) if isinstance(ref, ChannelRef) else None


def channel_of(desk: Desk, change: Change) -> KnownChannel | None:
    """Raises MistakeError for a channel that the bot cannot see, SlackUnavailableError."""
    return desk.directory.channel(ChannelRef(change.channel_id)) if change.channel_id else None
