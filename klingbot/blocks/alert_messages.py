"""What is said when a budget is crossed, will not last or turns people away, and when Kling stops taking jobs."""

from __future__ import annotations

from klingbot.blocks.budget_status import bar, full, left, limit
from klingbot.blocks.message import Block, Message, actions, button, context, message, section
from klingbot.blocks.text import code, hour, label, mention, name, neutral, plural, scope_typed
from klingbot.domain.alert_history import ref_of
from klingbot.domain.budgets import OVER, Standing
from klingbot.domain.notifications import (
    Alert,
    Crossed,
    ModelRefused,
    Renewed,
    RunningOut,
    Spiked,
    SubmittingResumed,
    SubmittingStopped,
    TurnedAway,
    Unsound,
)
from klingbot.domain.periods import Calendar

_ONCE = "Said once per period, unless the limit changes"
"""Of what is armed again when it does: see docs/alerts.md."""


def crossed(content: Crossed, calendar: Calendar) -> Message:
    standing = content.standing
    title, meaning = crossing(standing, content.marks)
    return message(
        section(f"*{title}*", bar(standing.permille, 20), full(standing, calendar)),
        *([section(meaning)] if meaning else []),
        *_buttons(content),
        context(details(standing)),
    )


def turned_away(content: TurnedAway, calendar: Calendar) -> Message:
    standing = content.standing
    return message(
        section(
            f"*🚫 People are being turned away: {label(standing.budget)} has {left(standing)}*",
            f"{mention(content.user_id)} needed {content.needed}.",
            full(standing, calendar),
        ),
        *_buttons(content),
        context(_ONCE, details(standing)),
    )


def running_out(content: RunningOut, calendar: Calendar) -> Message:
    standing = content.standing
    return message(
        section(
            f"*📈 At the present rate {label(standing.budget)} {hour(content.ends_at, calendar, 'ends')}*",
            "That is if the coming days are like the last seven; what is in flight counts.",
            bar(standing.permille, 20),
            full(standing, calendar),
        ),
        *_buttons(content),
        context(_ONCE, details(standing)),
    )


def spiked(content: Spiked, calendar: Calendar) -> Message:
    standing = content.standing
    return message(
        section(
            f"*📊 An unusual day: {label(standing.budget)} has spent {content.today} today*",
            f"A usual day comes to {content.usual}.",
            full(standing, calendar),
        ),
        *_buttons(content),
        context("Said once per day", details(standing)),
    )


def renewed(content: Renewed, calendar: Calendar) -> Message:
    ended, standing = content.ended, content.standing
    return message(
        section(
            f"*🟢 {label(standing.budget)} has {left(standing)} again* for {standing.period.label}, "
            f"of {limit(standing.budget)}.",
            f"Before that, {ended.period.label} ended at {ended.percent}: {ended.total.committed} spent.",
        )
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


def model_refused(content: ModelRefused, calendar: Calendar) -> Message:
    return message(
        section(
            f"*🚧 Kling makes no videos with {name(content.model)} for this account*",
            f"{neutral(content.reason)} (Kling's code {content.code})",
            "Whoever asked was told, and nothing was charged. Other models are made as ever. Get the account the right "
            "to this one, or take it off the price list.",
        ),
        context("Said once a day for each model"),
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


def take_note(standing: Standing) -> Block:
    """Return the buttons under the first message of an alert thread."""
    ref = str(ref_of(standing))
    return actions(
        button("Acknowledge", "alert.acknowledge", ref),
        button("Snooze until tomorrow", "alert.snooze", ref),
    )


def _buttons(content: Alert) -> list[Block]:
    return [take_note(content.standing)] if content.opens else []


def crossing(standing: Standing, marks: tuple[str, ...]) -> tuple[str, str]:
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
    reached = " and ".join(f"{mark}%" for mark in marks if mark != OVER) or "its limit"
    return f"⚠️ Budget alert: {budget} has reached {reached}, now at {standing.percent}", ""


def details(standing: Standing) -> str:
    return f"details: {code(f'/kling budget show {scope_typed(standing.budget.scope)}')}"
