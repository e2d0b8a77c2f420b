"""What is said when a budget is crossed, when people are turned away, and when Kling stops taking jobs."""

from __future__ import annotations

from klingbot.blocks.message import Message, context, message, section
from klingbot.blocks.standings import bar, full, left
from klingbot.blocks.text import code, label, mention, name, neutral, plural, scope_typed
from klingbot.budgets import OVER, Standing
from klingbot.outbox import Crossed, SubmittingResumed, SubmittingStopped, TurnedAway, Unsound
from klingbot.periods import Calendar


def crossed(content: Crossed, calendar: Calendar) -> Message:
    standing = content.standing
    title, meaning = _crossing(standing, content.marks)
    return message(
        section(f"*{title}*", bar(standing.permille, 20), full(standing, calendar)),
        *([section(meaning)] if meaning else []),
        context(_more(standing)),
    )


def turned_away(content: TurnedAway, calendar: Calendar) -> Message:
    standing = content.standing
    return message(
        section(
            f"*🚫 People are being turned away: {label(standing.budget)} has {left(standing)}*",
            f"{mention(content.user_id)} needed {content.needed}.",
            full(standing, calendar),
        ),
        context("Said once per period", _more(standing)),
    )


def submitting_stopped(content: SubmittingStopped, calendar: Calendar) -> Message:
    return message(
        section(
            "*⛔ Kling takes no more jobs from this account*",
            f"{neutral(content.reason)} (Kling's code {content.code})",
            f"Waiting, with their cost held: {plural(content.waiting, 'job')}. New ones are refused until this is put "
            "right. Klingbot keeps trying, and says when Kling takes jobs again.",
            f"To try at once: {code('/kling thaw')}. To give the waiting jobs up: {code('/kling cancel waiting')}.",
        )
    )


def submitting_resumed(content: SubmittingResumed, calendar: Calendar) -> Message:
    return message(
        section(
            "*✅ Kling takes jobs again*",
            f"It had stopped because: {neutral(content.reason)}",
            "Waiting jobs go out now.",
        )
    )


def unsound(content: Unsound, calendar: Calendar) -> Message:
    return message(
        section(
            f"*🩺 Something is wrong with Klingbot's ledger: {name(content.what)}*",
            f"{neutral(content.said)}.",
            neutral(content.fix),
        ),
        context(f"Found by the nightly check, and said once · {code('python bot.py doctor')} has the details"),
    )


def _crossing(standing: Standing, marks: tuple[str, ...]) -> tuple[str, str]:
    """What happened, and what that means for people."""
    budget = label(standing.budget)
    if standing.exceeded:
        return (
            f"🔴 Over budget: {budget} is at {standing.percent}",
            "Klingbot starts nothing above a limit; this comes of a limit that was lowered, or of a video that Kling "
            "charged above its hold. Nothing more can be started until the budget resets or is raised.",
        )
    if standing.used_up:
        return (
            f"🔴 Budget used up: {budget} is at {standing.percent}",
            "Nothing more can be started until it resets or is raised.",
        )
    reached = " and ".join(f"{mark}%" for mark in marks if mark != OVER)
    return f"⚠️ Budget alert: {budget} has reached {reached}, now at {standing.percent}", ""


def _more(standing: Standing) -> str:
    return f"details: {code(f'/kling budget show {scope_typed(standing.budget.scope)}')}"
