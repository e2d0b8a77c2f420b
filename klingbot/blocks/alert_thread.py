"""The one message about a budget in a period: the gravest of what befell it, how it stands now, and what was told."""

from __future__ import annotations

from klingbot.blocks.alert_messages import crossing, details, take_note
from klingbot.blocks.budget_status import bar, full, left, sums
from klingbot.blocks.message import Block, Message, actions, button, context, message, section
from klingbot.blocks.text import channel, hour, label, mention, when
from klingbot.domain.alert_history import DEFAULT_CHANNEL, AlertEvent, AlertThread, Mute, ref_of
from klingbot.domain.budgets import FORECAST, OVER, TURNED_AWAY, Removal
from klingbot.domain.notifications import BudgetRemoved
from klingbot.domain.periods import Calendar

MOST_TOLD = 8
"""Lines about what happened; the latest are the ones that matter."""


def story(content: AlertThread, calendar: Calendar) -> Message:
    standing = content.standing
    title, meaning = _headline(content)
    return message(
        section(f"*{title}*", bar(standing.permille, 20), full(standing, calendar)),
        *([section(meaning)] if meaning else []),
        section(*(f"• {_line(told, calendar)}" for told in content.told[-MOST_TOLD:])),
        *_note(content, calendar),
        context(when(content.at, calendar, "As of"), details(standing)),
    )


def period_over(content: AlertThread) -> Message:
    return message(
        section(f"That was about {content.standing.period.label}, which is over. Nothing more is told of it.")
    )


def already_acknowledged(by: Mute, calendar: Calendar) -> Message:
    return message(section(f"{mention(by.user_id)} {when(by.at, calendar, 'has acknowledged it already,')}."))


def budget_removed(content: BudgetRemoved, calendar: Calendar) -> Message:
    """In place of the message about a budget's alerts, or below it where that cannot be edited."""
    standing = content.standing
    who = f"{mention(content.by)} {when(content.at, calendar, 'removed it')}." if content.by else ""
    return message(
        section(
            f"*☑️ The budget {label(standing.budget)} was removed*",
            who,
            f"Until then {standing.period.label} had {sums(standing.total)}.",
        )
    )


def budget_gone(removal: Removal, calendar: Calendar) -> Message:
    """Answer a button of an alert whose budget is not there any more."""
    who = f"{mention(removal.by)} {when(removal.at, calendar, 'removed it')}. " if removal.by else ""
    return message(section("That budget was removed, so this alert is closed.", f"{who}Nothing was changed."))


def alerts_moved(content: AlertThread) -> Message:
    """Answer a button of an alert in a channel that the budget has left."""
    return message(section(f"{_moved(content)}. Nothing was changed."))


def _moved(content: AlertThread) -> str:
    to = "the default alerts channel" if content.moved_to == DEFAULT_CHANNEL else channel(content.moved_to)
    return f"The alerts of this budget go to {to} now"


def _note(content: AlertThread, calendar: Calendar) -> list[Block]:
    """Who has taken note of it; else the buttons to do so. Neither where no more alerts come."""
    if content.closed:
        return []
    if content.moved_to:
        return [section(_moved(content))]
    muted, ref = content.muted, str(ref_of(content.standing))
    if muted is None:
        return [take_note(content.standing)]
    again = button("Tell the channel again", "alert.unmute", ref)
    acknowledge = [] if muted.acknowledged else [button("Acknowledge", "alert.acknowledge", ref)]
    return [
        section(f"{_muted(muted, calendar)}. What is new is said in the thread alone, unless the limit is exceeded."),
        actions(*acknowledge, again),
    ]


def _muted(muted: Mute, calendar: Calendar) -> str:
    who = mention(muted.user_id)
    if muted.acknowledged:
        return f"✅ {who} {when(muted.at, calendar, 'acknowledged it')}"
    return f"💤 {who} {when(muted.at, calendar, 'snoozed it')} {when(muted.until, calendar, 'until')}"


def _headline(content: AlertThread) -> tuple[str, str]:
    """The gravest thing, and what it means for people."""
    standing = content.standing
    budget, now = label(standing.budget), f"now at {standing.percent}"
    told = {each.mark for each in content.told}
    levels = sorted(filter(str.isdecimal, told), key=int)
    if content.closed:
        return f"☑️ {budget} ended {standing.period.label} at {standing.percent}", ""
    if standing.used_up:
        return crossing(standing, ())
    if TURNED_AWAY in told:
        return f"🚫 People have been turned away: {budget} has {left(standing)}, {now}", ""
    if levels or OVER in told:
        return crossing(standing, tuple(levels[-1:]))
    if FORECAST in told:
        return f"📈 {budget} may not last for its period, {now}", ""
    return f"📊 An unusual day: {budget}, {now}", ""


def _line(told: AlertEvent, calendar: Calendar) -> str:
    at = when(told.at, calendar)
    if told.mark == OVER:
        return f"{at}: above the limit"
    if told.user_id is not None:
        return f"{at}: {mention(told.user_id)} was turned away, needing {told.amount}"
    if told.ends_at is not None:
        return f"{at}: at the rate of the seven days before, {hour(told.ends_at, calendar, 'it would end')}"
    if told.usual is not None:
        return f"{at}: {told.amount} in one day, where {told.usual} is usual"
    return f"{at}: {told.mark}% reached"
