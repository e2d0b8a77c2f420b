"""What is said about budgets as they stand: all of them, and one scope's."""

from __future__ import annotations

from collections.abc import Sequence

from klingbot.blocks.budget_status import bar, full, left, limit, tightest
from klingbot.blocks.message import Block, Message, actions, button, context, message, section, sections
from klingbot.blocks.text import channel, code, label, mention, scope_name, scope_typed, when
from klingbot.domain.budgets import Budget, Standing
from klingbot.domain.periods import Calendar, Period, PeriodKind

MOST_LISTED = 30
"""Budgets in one list: as many as can be read, and as Slack takes in one message with room to spare."""

MOST_NAMED = 10
"""Approvers named in one line."""

_GROUPS = {"workspace": "Workspace", "project": "Projects", "user": "People"}


def listing(standings: Sequence[Standing], calendar: Calendar, *, for_admin: bool = False) -> Message:
    """Every budget, or the fullest of them when they are too many."""
    fullest = tightest(tuple(standings), MOST_LISTED)
    shown = [standing for standing in standings if standing in fullest]
    hidden = len(standings) - len(shown)
    more = f"and {hidden:,} more, none of them fuller: {code('/kling budget show SCOPE')}" if hidden else ""
    return message(
        *_groups(shown),
        *([section(more)] if more else []),
        context(*_resets([standing.period for standing in shown], calendar)),
        *([actions(set_button(), button("Remove a budget", "budget.remove", "any"))] if for_admin else []),
    )


def set_button() -> Block:
    return button("Set a budget", "budget.set", "any")


def status(
    scope: str,
    standings: Sequence[Standing],
    calendar: Calendar,
    alerts_channel: str | None,
    *,
    for_admin: bool = False,
) -> Message:
    """The budgets of one scope, with everything there is to say about each."""
    if not standings:
        example = code(f"/kling budget set {scope_typed(scope)} --usd 600")
        return message(section(f"There is no budget for {scope_name(scope)}. An admin sets one: {example}"))
    blocks: list[Block] = []
    for each in standings:
        blocks += standing_blocks(each, calendar, alerts_channel)
        blocks += [_change_buttons(each.budget)] if for_admin else []
    return message(*blocks)


def invite_me(channel_id: str) -> Block:
    """For a channel that was chosen for alerts or digests and cannot get them yet."""
    return section(
        f"I am not in {channel(channel_id)} yet: invite me there (/invite @klingbot), or what is for it goes elsewhere."
    )


def _groups(standings: Sequence[Standing]) -> list[Block]:
    blocks: list[Block] = []
    for prefix, title in _GROUPS.items():
        lines = [_line(standing) for standing in standings if standing.budget.scope.partition(":")[0] == prefix]
        blocks += sections([f"*{title}*", *lines]) if lines else []
    return blocks


def _line(standing: Standing) -> str:
    drawn, budget = bar(standing.permille, 10), standing.budget
    return f"{drawn} {label(budget)}: {standing.percent}, {left(standing)} of {limit(budget)}"


def _resets(periods: Sequence[Period], calendar: Calendar) -> list[str]:
    ends = {period.kind: period.end for period in periods}
    return [when(ends[kind], calendar, f"{kind} resets") for kind in PeriodKind if kind in ends]


def standing_blocks(standing: Standing, calendar: Calendar, alerts_channel: str | None) -> list[Block]:
    """One budget with everything there is to say about it."""
    budget = standing.budget
    named = approvers(budget)
    return [
        section(f"*{label(budget)}*", bar(standing.permille, 20), full(standing, calendar)),
        context(_alerts(budget, alerts_channel), f"more is approved by {named}" if named else ""),
    ]


def _change_buttons(budget: Budget) -> Block:
    value = f"{budget.kind} {budget.scope}"
    return actions(button("Change", "budget.set", value), button("Remove", "budget.remove", value))


def approvers(budget: Budget) -> str:
    """The first of those who may grant more of it, besides the admins."""
    return ", ".join(mention(user_id) for user_id in budget.approvers[:MOST_NAMED])


def places(budget: Budget, alerts_channel: str | None) -> str:
    """Where its alerts go."""
    place = budget.channel_id or alerts_channel
    return channel(place) if place else "the admins"


def _alerts(budget: Budget, alerts_channel: str | None) -> str:
    shares = ", ".join(f"{threshold}%" for threshold in budget.thresholds)
    which = f"alerts at {shares}" if shares else "no threshold alerts; the others"
    said = [f"{which} go to {places(budget, alerts_channel)}"]
    if budget.kind is not PeriodKind.DAILY:
        said += [
            f"{name} {'on' if on else 'off'}" for name, on in (("forecast", budget.forecast), ("spike", budget.spike))
        ]
    return " · ".join(said)
