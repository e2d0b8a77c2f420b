"""What is said about who spent what."""

from __future__ import annotations

from klingbot.blocks.message import Message, message, section, sections
from klingbot.blocks.standings import bar, left, limit, resets, sums
from klingbot.blocks.text import code, mention, name, plural, scope_name
from klingbot.budgets import Standing, Total
from klingbot.engine.usage import Usage
from klingbot.periods import WEEKDAYS, Calendar
from klingbot.store.ledger import Share

MOST_SHARES = 10


def usage(outcome: Usage, calendar: Calendar) -> Message:
    if not outcome.shares:
        return _nothing(outcome)
    budget = _budget(outcome.standing, calendar) if outcome.standing else ""
    return message(
        section(
            f"*Usage of {scope_name(outcome.scope)}* · {outcome.period.label}",
            sums(outcome.total),
            budget,
        ),
        *sections([f"*By {outcome.by}*", *_lines(outcome, calendar)]),
    )


def _nothing(outcome: Usage) -> Message:
    example = code("/kling generate a fox in the snow")
    where = f"{scope_name(outcome.scope)}, {outcome.period.label}"
    if outcome.elsewhere:
        known = ", ".join(name(project) for project in outcome.elsewhere[:MOST_SHARES])
        return message(section(f"Nothing was asked for yet ({where}). Projects with videos: {known}"))
    return message(section(f"Nothing was asked for yet ({where}). Make a video: {example}"))


def _budget(standing: Standing, calendar: Calendar) -> str:
    return (
        f"{bar(standing.permille, 10)} {standing.percent} of {limit(standing.budget)}, {left(standing)}, "
        f"{resets(standing, calendar)}"
    )


def _lines(outcome: Usage, calendar: Calendar) -> list[str]:
    if outcome.by == "day":
        return [f"• {_day(share.name, calendar)}: {_amounts(share)}" for share in outcome.shares]
    lines = [f"• {_named(share, outcome.by)}: {_amounts(share)}" for share in outcome.shares[:MOST_SHARES]]
    rest = outcome.shares[MOST_SHARES:]
    return [*lines, f"• {len(rest):,} more: {_amounts(_sum(rest))}"] if rest else lines


def _named(share: Share, by: str) -> str:
    return mention(share.name) if by == "user" else name(share.name)


def _day(start: str, calendar: Calendar) -> str:
    """`Monday 23 November`, from the day's start in UTC epoch milliseconds."""
    day = calendar.periods(int(start)).daily.first_day
    return f"{WEEKDAYS[day.weekday()].capitalize()} {day.day} {day:%B}"


def _amounts(share: Share) -> str:
    in_flight = f", {share.total.held} in flight" if share.total.held else ""
    unmade = f", {share.failed:,} not made" if share.failed else ""
    return f"{share.total.settled}{in_flight} · {plural(share.jobs, 'job')}{unmade}"


def _sum(shares: tuple[Share, ...]) -> Share:
    total = Total()
    for share in shares:
        total = Total(total.held + share.total.held, total.settled + share.total.settled)
    return Share("", sum(share.jobs for share in shares), sum(share.failed for share in shares), total)
