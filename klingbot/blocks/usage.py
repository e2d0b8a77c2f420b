"""What is said about who spent what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from klingbot.blocks.budget_status import bar, left, limit, resets, sums
from klingbot.blocks.message import Block, Message, actions, button, context, message, section
from klingbot.blocks.tables import MOST_POINTS, NONE, Cell, Who, bars, table
from klingbot.blocks.text import capital, code, is_id, name, scope_name
from klingbot.domain.budgets import Standing, Total
from klingbot.domain.money import usd_of
from klingbot.domain.periods import WEEKDAYS, Calendar
from klingbot.engine.usage import Usage
from klingbot.store.daily_spend import Share

MOST_SHARES = 20


def usage(outcome: Usage, calendar: Calendar) -> Message:
    if not outcome.shares:
        return _nothing(outcome)
    budget = _budget(outcome.standing, calendar) if outcome.standing else ""
    which = f"{outcome.period.kind} {outcome.by} {outcome.scope}"
    return message(
        section(
            f"*Usage of {scope_name(outcome.scope)}* · {capital(outcome.period.label)}",
            sums(outcome.total),
            budget,
        ),
        shares(outcome, calendar),
        actions(button("As a chart", "usage.chart", which), button("As CSV", "usage.csv", which)),
    )


def shares(outcome: Usage, calendar: Calendar) -> Block:
    """A table of what the sum is made of."""
    all_shares = _shares(outcome, calendar)
    most = len(all_shares) if outcome.by == "day" else MOST_SHARES
    shown, rest = all_shares[:most], all_shares[most:]
    rows = [(_named(share, outcome.by, calendar), *_figures(share)) for share in shown]
    others = [(f"{len(rest):,} more", *_figures(_sum(rest)))] if rest else []
    return table((f"By {outcome.by}", "Used", "In flight", "Jobs", "Not made"), [*rows, *others])


def chart(outcome: Usage, calendar: Calendar, names: Mapping[str, str]) -> Message:
    """What was used and is in flight, in USD; `names` are people's, by id."""
    if not outcome.shares:
        return _nothing(outcome)
    all_shares = _shares(outcome, calendar)
    shown = all_shares if outcome.by == "day" else all_shares[:MOST_POINTS]
    points = [(_labelled(share, outcome.by, calendar, names), _dollars(share)) for share in shown]
    hidden = len(all_shares) - min(len(shown), MOST_POINTS)
    drawn = bars(f"By {outcome.by}, {outcome.period.label}", "USD", points)
    said = message(section(f"*Usage of {scope_name(outcome.scope)}* · {capital(outcome.period.label)}"), drawn)
    return said.plus(context(f"{hidden:,} more are not drawn")) if hidden else said


def handed() -> Message:
    return message(section("The CSV is in your direct messages with me. Nobody else sees it there."))


def file_words(outcome: Usage) -> str:
    """What comes with the file."""
    return f"Usage of {scope_name(outcome.scope)} by {outcome.by}, {outcome.period.label}"


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


def _shares(outcome: Usage, calendar: Calendar) -> tuple[Share, ...]:
    """What the sum is made of; by day with the days between the first and the last on which nothing was asked for."""
    if outcome.by != "day":
        return outcome.shares
    days = {_day(share, calendar) for share in outcome.shares}
    first, last = min(days), max(days)
    between = (first + timedelta(days=number) for number in range((last - first).days))
    empty = [Share(str(calendar.midnight(day)), 0, 0, Total()) for day in between if day not in days]
    return tuple(sorted((*outcome.shares, *empty), key=lambda share: int(share.name)))


def _named(share: Share, by: str, calendar: Calendar) -> Cell:
    if by == "day":
        day = _day(share, calendar)
        return f"{WEEKDAYS[day.weekday()].capitalize()} {day.day} {day:%B}"
    return Who(share.name) if by == "user" and is_id(share.name) else share.name


def _labelled(share: Share, by: str, calendar: Calendar, names: Mapping[str, str]) -> str:
    if by == "day":
        day = _day(share, calendar)
        return f"{day:%a} {day.day} {day:%b}"
    return names.get(share.name, share.name)


def _day(share: Share, calendar: Calendar) -> date:
    """From the day's start in UTC epoch milliseconds, which is its name."""
    return calendar.periods(int(share.name)).daily.first_day


def _figures(share: Share) -> tuple[str, str, str, str]:
    held = share.total.held
    return (
        str(share.total.settled),
        str(held) if held else NONE,
        f"{share.jobs:,}",
        f"{share.failed:,}" if share.failed else NONE,
    )


def _dollars(share: Share) -> float:
    """To a cent: only to be drawn."""
    return float(round(usd_of(share.total.committed.microusd), 2))


def _sum(shares: tuple[Share, ...]) -> Share:
    total = Total()
    for share in shares:
        total = Total(total.held + share.total.held, total.settled + share.total.settled)
    return Share("", sum(share.jobs for share in shares), sum(share.failed for share in shares), total)
