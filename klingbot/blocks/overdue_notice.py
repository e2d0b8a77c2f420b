"""Messages to the admins about overdue work."""

from __future__ import annotations

from klingbot.blocks.message import Message, context, message, section
from klingbot.blocks.text import code, plural
from klingbot.domain.notifications import WorkOverdue
from klingbot.domain.overdue_work import Overdue, OverdueKind
from klingbot.domain.periods import Calendar

_NOUNS = {
    OverdueKind.SUBMISSION: ("video", "has", "have", "not been sent to Kling, which takes jobs"),
    OverdueKind.LOST_REPLY: ("video", "has", "have", "not been looked up at Kling after a lost reply"),
    OverdueKind.POLL: ("rendering video", "has", "have", "not been asked about at Kling"),
    OverdueKind.ANSWER: ("rendering video", "has", "have", "had no answer from Kling"),
    OverdueKind.CLIP: ("finished video", "has", "have", "not been uploaded to Slack"),
    OverdueKind.MESSAGE: ("message", "has", "have", "not been sent to Slack"),
    OverdueKind.DIGEST: ("digest", "has", "have", "not been sent"),
    OverdueKind.REQUEST: ("increase request", "has", "have", "not expired as it should"),
}
_DAILY = {
    OverdueKind.PERIOD: "Budgets have not been checked for the new day",
    OverdueKind.NIGHTLY: "The nightly check has not run",
    OverdueKind.RECONCILIATION: "Kling's bill has not been compared",
}


def work_overdue(content: WorkOverdue, calendar: Calendar) -> Message:
    """Return the message for the admins, which is edited when more becomes overdue, and when nothing is."""
    if not content.items:
        return message(section("*✅ Nothing is overdue any more*", "Everything that was late is done."))
    return message(
        section("*⏰ Some work is overdue*", *lines(content.items, content.at)),
        section("Nothing is lost, and I keep trying. My log says what gets in the way."),
        context(f"{code('python bot.py doctor')} has the details · this message changes when it is over"),
    )


def lines(items: tuple[Overdue, ...], now: int) -> list[str]:
    """Return a sentence for each kind."""
    return [_line(each, now) for each in items]


def _line(overdue: Overdue, now: int) -> str:
    late = _span(now - overdue.since)
    if overdue.kind in _DAILY:
        return f"• {_DAILY[overdue.kind]}, {late} late"
    noun, one, several, what = _NOUNS[overdue.kind]
    which = plural(overdue.count, noun)
    since = f"for {late}" if overdue.count == 1 else f"the oldest for {late}"
    return f"• {which} {one if overdue.count == 1 else several} {what}, {since}"


def _span(ms: int) -> str:
    """Return `12 min`, `3 h` or `2 days`."""
    minutes = max(ms, 0) // 60_000
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else plural(minutes // 1440, "day")
