"""What is said about messages that are still to be said: what waits, what failed, tests, quiet hours."""

from __future__ import annotations

from klingbot.blocks import overdue_notice
from klingbot.blocks.message import Message, context, message, section, sections
from klingbot.blocks.text import channel, code, mention, name, neutral, plural, when
from klingbot.domain.notifications import AlertTest, AlertTested
from klingbot.domain.periods import Calendar
from klingbot.domain.quiet_hours import QuietHours
from klingbot.engine.outbox import Unsaid
from klingbot.store.outbox import ADMINS, CLIP, DEFAULT, QUIET, OutboxMessage
from klingbot.store.outbox_leases import Line

_REASON = 100
MOST_QUIET = 15


def unsaid(outcome: Unsaid, calendar: Calendar) -> Message:
    waiting = [_line(line, calendar) for line in outcome.lines]
    more = outcome.waiting - sum(line.waiting for line in outcome.lines)
    failed = [_failed(each, calendar) for each in outcome.last_failed]
    quiet = [_hours(each, calendar) for each in outcome.quiet[:MOST_QUIET]]
    late = overdue_notice.lines(outcome.overdue, outcome.at)
    return message(
        *(sections(["*Overdue*", *late]) if late else []),
        *sections(
            [
                f"*Waiting: {plural(outcome.waiting, 'message')}*" if waiting else "Nothing waits to be said.",
                *waiting,
                *([f"and {more:,} more elsewhere"] if more else []),
            ]
        ),
        *(sections([f"*Given up: {plural(outcome.failed, 'message')}*", *failed]) if failed else []),
        *(sections(["*Quiet hours*", *quiet]) if quiet else []),
        context(
            f"try one: {code('/kling alerts test #channel')}",
            f"put back what was given up: {code('/kling alerts retry')}" if failed else "",
        ),
    )


def retried(number: int) -> Message:
    if not number:
        return message(section("Nothing was given up, so there is nothing to try again."))
    shown = code("/kling alerts")
    return message(section(f"{plural(number, 'message')} will be tried again now. {shown} shows what comes of it."))


def test_queued(channel_id: str | None) -> Message:
    place = channel(channel_id) if channel_id else "the admins, by direct message"
    return message(section(f"A test alert is on its way to {place}. You hear from me as soon as it has arrived."))


def test(content: AlertTest, calendar: Calendar) -> Message:
    return message(
        section("*🧪 This is a test alert*", f"{mention(content.user_id)} wanted to know whether alerts arrive here.")
    )


def tested(content: AlertTested, calendar: Calendar) -> Message:
    """A test that arrived elsewhere than meant is not a success."""
    place = channel(content.arrived_in)
    tries = f"Slack took it after {plural(content.failures, 'failed attempt')}." if content.failures else ""
    if content.detour is None:
        return message(section(f"✅ The test alert has arrived in {place}. {tries}".strip()))
    meant_for, _, problem = content.detour.partition(": ")
    return message(
        section(
            f"⚠️ {channel(meant_for)} did not take the test alert ({neutral(problem, _REASON)}), so it went to {place}.",
            "If I am not in that channel, invite me there: /invite @klingbot",
        )
    )


def quiet_set(hours: QuietHours, calendar: Calendar) -> Message:
    return message(
        section(
            f"Quiet hours set: {_hours(hours, calendar)}",
            "Alerts are judged as ever, held while it is quiet, and said in one message afterwards. Finished videos, "
            "and what is for one person, come at once.",
        )
    )


def quiet_ended(channel_id: str, *, had: bool) -> Message:
    if not had:
        return message(section(f"{channel(channel_id)} has no quiet hours."))
    return message(section(f"{channel(channel_id)} has no quiet hours any more. What was held goes out now."))


def _line(line: Line, calendar: Calendar) -> str:
    oldest = when(line.oldest_at, calendar, "the oldest from")
    count = f"{_place(line.name)}: {plural(line.waiting, 'message')}, {oldest}"
    if line.name.startswith(QUIET):
        return f"{count} · {when(line.next_at, calendar, 'quiet hours until')}"
    if not line.problem:
        return count
    tries = f", tried {line.tries:,}×" if line.tries else ""
    return f"{count} · {neutral(line.problem, _REASON)}{tries} · {when(line.next_at, calendar, 'next try')}"


def _failed(each: OutboxMessage, calendar: Calendar) -> str:
    problem = neutral(each.problem or "", _REASON)
    return f"{name(each.kind)} for {_place(each.line)}, {when(each.created_at, calendar, 'from')}: {problem}"


def _place(line: str) -> str:
    if line in (ADMINS, DEFAULT):
        return "the admins" if line == ADMINS else "where alerts go by default"
    if line.startswith(CLIP):
        return "videos whose clips go up to Slack"
    if line.startswith("http"):
        return "a late answer to a command"
    return mention(line) if line.startswith(("U", "W")) else channel(line.removeprefix(QUIET))


def _hours(hours: QuietHours, calendar: Calendar) -> str:
    passing = "; what is over budget comes through" if hours.over_passes else ""
    return f"{channel(hours.channel_id)} {hours} ({calendar.zone.key}){passing}"
