"""The one message about a budget in a period: the gravest of what befell it, how it stands now, and what was told."""

from __future__ import annotations

from klingbot.blocks.alerts import crossing, details
from klingbot.blocks.message import Message, context, message, section
from klingbot.blocks.standings import bar, full, left
from klingbot.blocks.text import hour, label, mention, when
from klingbot.budgets import FORECAST, OVER, TURNED_AWAY
from klingbot.outbox import Story, Told
from klingbot.periods import Calendar

MOST_TOLD = 8
"""Lines about what happened; the latest are the ones that matter."""


def story(content: Story, calendar: Calendar) -> Message:
    standing = content.standing
    title, meaning = _headline(content)
    return message(
        section(f"*{title}*", bar(standing.permille, 20), full(standing, calendar)),
        *([section(meaning)] if meaning else []),
        section(*(f"• {_line(told, calendar)}" for told in content.told[-MOST_TOLD:])),
        context(f"As of {when(content.at, calendar)}", details(standing)),
    )


def _headline(content: Story) -> tuple[str, str]:
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
        return f"🚫 People were turned away: {budget} has {left(standing)}, {now}", ""
    if levels or OVER in told:
        return crossing(standing, tuple(levels[-1:]))
    if FORECAST in told:
        return f"📈 {budget} may not last for its period, {now}", ""
    return f"📊 An unusual day: {budget}, {now}", ""


def _line(told: Told, calendar: Calendar) -> str:
    at = when(told.at, calendar)
    if told.mark == OVER:
        return f"{at}: above the limit"
    if told.user_id is not None:
        return f"{at}: {mention(told.user_id)} was turned away, needing {told.amount}"
    if told.ends_at is not None:
        return f"{at}: at the rate of the seven days before, it would end {hour(told.ends_at, calendar)}"
    if told.usual is not None:
        return f"{at}: {told.amount} in one day, where {told.usual} is usual"
    return f"{at}: {told.mark}% reached"
