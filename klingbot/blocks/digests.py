"""Digests: what a period came to, and what is said when they are set, listed and turned off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from klingbot.blocks.budget_status import bar, left, limit, resets
from klingbot.blocks.message import Block, Message, actions, button, context, image, message, section, sections
from klingbot.blocks.text import channel, code, mention, name, plural, scope_name, scope_typed, when
from klingbot.domain import charts
from klingbot.domain.digest_schedules import Schedule, clock, next_at
from klingbot.domain.digests import (
    BEFORE,
    Dear,
    Digest,
    Heading,
    Spender,
    Spenders,
    change_permille,
    chart,
    dearest_day,
)
from klingbot.domain.notifications import DigestReady
from klingbot.domain.periods import WEEKDAYS, Calendar, PeriodKind

MOST_LISTED = 50
MOST_PRESSED = 15
"""Digests that have buttons of their own in a list: as many as can be read, and as Slack takes in one message."""

_SINCE = {PeriodKind.DAILY: "today", PeriodKind.WEEKLY: "this week", PeriodKind.MONTHLY: "this month"}

Who = Callable[[str], str]
"""A person's id → how the person is shown."""


def ready(content: DigestReady, calendar: Calendar) -> Message:
    """As it comes to its channel."""
    names = {each.user_id: name(each.name) for each in content.names}
    said = digest(content.digest, calendar, lambda user_id: names.get(user_id) or mention(user_id), content.picture)
    remarks = [*_late(content, calendar), *_missed(content)]
    return said.plus(context(*remarks)) if remarks else said


def digest(shown: Digest, calendar: Calendar, who: Who = mention, picture: str | None = None) -> Message:
    """`who` shows a person. `picture` is Slack's id of the chart; without one, its figures are said in small print."""
    title = f"*📊 {_title(shown, who)}*"
    if shown.is_empty:
        return message(section(f"{title}: nothing was asked for, and nothing spent"))
    return message(
        section(title, _spent(shown), _budget(shown), _jobs(shown), _peak(shown)),
        *_chart(shown, picture),
        *_breakdowns(shown, who),
        *_dearest(shown, who),
        *_headings(shown, calendar, who),
        context(f"{_SINCE[shown.period.kind]} so far: {code(_usage(shown))}"),
    )


def listing(
    schedules: Sequence[Schedule],
    calendar: Calendar,
    now: int,
    alerts_channel: str | None,
    *,
    for_admin: bool = False,
) -> Message:
    """Which there are; for admins with buttons that change and end them."""
    if not schedules:
        example = code("/kling digest workspace weekly --at 09:00 --channel #finance")
        none_yet = section(f"No digests are set. An admin sets one: {example}")
        return message(none_yet, *([actions(set_button())] if for_admin else []))
    lines = [
        f"{scheduled(each, calendar, alerts_channel)}, {when(next_at(each, calendar, now), calendar, 'next')}"
        for each in schedules[:MOST_LISTED]
    ]
    own = MOST_PRESSED if for_admin else 0
    pressed: list[Block] = []
    for schedule, line in zip(schedules[:own], lines, strict=False):
        pressed += [section(line), _change_buttons(schedule)]
    more = [f"and {len(schedules) - MOST_LISTED:,} more"] if len(schedules) > MOST_LISTED else []
    rest = sections([*(f"• {line}" for line in lines[own:]), *more])
    return message(section("*Digests*"), *pressed, *rest, *([actions(set_button())] if for_admin else []))


def set_button() -> Block:
    return button("Set a digest", "digest.set", "any")


def _change_buttons(schedule: Schedule) -> Block:
    value = f"{schedule.kind} {schedule.channel_id or '-'} {schedule.scope}"
    return actions(button("Change", "digest.change", value), button("Turn off", "digest.remove", value))


def was_set(schedule: Schedule, calendar: Calendar, now: int, alerts_channel: str | None) -> Message:
    coming = when(next_at(schedule, calendar, now), calendar, "The next comes")
    return message(
        section(f"Digest set: {scheduled(schedule, calendar, alerts_channel)}. {coming}."),
        context(f"to see one now: {code(f'/kling digest {scope_typed(schedule.scope)} now --period {schedule.kind}')}"),
    )


def turned_off(ended: Sequence[Schedule], scope: str, calendar: Calendar, alerts_channel: str | None) -> Message:
    if not ended:
        return message(section(f"There is no such digest for {scope_name(scope)}. {code('/kling digest')} lists them."))
    return message(*sections(f"Turned off: {scheduled(each, calendar, alerts_channel)}" for each in ended))


def scheduled(schedule: Schedule, calendar: Calendar, alerts_channel: str | None) -> str:
    """`marketing, weekly at 09:00 (Europe/Berlin) to #finance`."""
    place = schedule.channel_id or alerts_channel
    at = f"{clock(schedule.minute)} ({calendar.zone.key})"
    return f"*{scope_name(schedule.scope)}*, {schedule.kind} at {at} to {channel(place) if place else 'the admins'}"


def _late(content: DigestReady, calendar: Calendar) -> Iterator[str]:
    if content.due_at is not None:
        yield f"🕘 late: {when(content.due_at, calendar, 'it was due')}, while Klingbot was away"


def _missed(content: DigestReady) -> Iterator[str]:
    if content.missed:
        yield f"{plural(content.missed, 'digest')} before this one never came"


def _title(shown: Digest, who: Who) -> str:
    return f"{shown.period.kind.capitalize()} digest for {_scope(shown.scope, who)} · {shown.period.label}"


def _scope(scope: str, who: Who) -> str:
    kind, _, user_id = scope.partition(":")
    return who(user_id) if kind == "user" else scope_name(scope)


def _spent(shown: Digest) -> str:
    in_flight = f", {shown.total.held} still in flight" if shown.total.held else ""
    return f"*{shown.total.settled}* spent{in_flight}: {_compared(shown)}"


def _compared(shown: Digest) -> str:
    before, change = BEFORE[shown.period.kind], change_permille(shown)
    if change is None:
        return f"nothing was spent {before}"
    if change == 0:
        return f"as much as {before}"
    return f"{_percent(abs(change))} {'more' if change > 0 else 'less'} than {before} ({shown.before})"


def _budget(shown: Digest) -> str:
    standing = shown.budget
    if standing is None:
        return ""
    over = " 🔴" if standing.exceeded else ""
    return f"{bar(standing.permille, 20)} {standing.percent} of its budget of {limit(standing.budget)}{over}"


def _jobs(shown: Digest) -> str:
    unmade = f", {shown.failed:,} of them not made" if shown.failed else ""
    refused = (
        f"; {shown.refused.jobs:,} refused for want of budget: {shown.refused.amount}" if shown.refused.jobs else ""
    )
    return f"{plural(shown.jobs, 'job')}{unmade}{refused}"


def _peak(shown: Digest) -> str:
    day = dearest_day(shown)
    if day is None or not day.amount:
        return ""
    return f"Dearest day: {WEEKDAYS[day.date.weekday()].capitalize()} {day.date.day} {day.date:%B}, {day.amount}"


def _chart(shown: Digest, picture: str | None) -> Iterator[Block]:
    drawn = chart(shown)
    if drawn is not None:
        yield image(picture, charts.alt(drawn)) if picture else context(charts.alt(drawn))


def _breakdowns(shown: Digest, who: Who) -> Iterator[Block]:
    """Each way of cutting the sum that says more than the scope itself does."""
    kind = shown.scope.partition(":")[0]
    if kind != "user":
        yield from _breakdown("People", shown.people, who, shown)
    if kind != "project":
        yield from _breakdown("Projects", shown.projects, name, shown)
    yield from _breakdown("Models", shown.models, name, shown)


def _breakdown(title: str, found: Spenders, named: Callable[[str], str], shown: Digest) -> Iterator[Block]:
    if not found.top:
        return
    lines = [
        f"• {named(each.name)}: {each.amount}{_share(each, shown)} · {plural(each.jobs, 'job')}" for each in found.top
    ]
    others = [f"• {found.others:,} more: {found.rest}"] if found.others else []
    yield section(f"*{title}*", *lines, *others)


def _share(spender: Spender, shown: Digest) -> str:
    whole = shown.total.settled.microusd
    if not whole:
        return ""
    # Rounded half up, as parts of a whole are; a budget's percentage is rounded down.
    return f", {_percent((spender.amount.microusd * 2000 + whole) // (2 * whole))}"


def _dearest(shown: Digest, who: Who) -> Iterator[Block]:
    if shown.dearest:
        yield section("*Dearest videos*", *(f"• {_dear(each, who)}" for each in shown.dearest))


def _dear(dear: Dear, who: Who) -> str:
    sound = ", with sound" if dear.audio else ""
    product = f"{name(dear.model)}, {dear.duration_seconds} s, {name(dear.resolution)}{sound}"
    return f"{dear.amount}: {product} · {who(dear.user_id)} for {name(dear.project)} · job {name(dear.job_id)}"


def _headings(shown: Digest, calendar: Calendar, who: Who) -> Iterator[Block]:
    if shown.headings:
        yield section("*Budgets now*", *(f"• {_heading(each, calendar, who)}" for each in shown.headings))


def _heading(heading: Heading, calendar: Calendar, who: Who) -> str:
    standing = heading.standing
    ends = f"; {when(heading.ends_at, calendar, 'at the present rate it ends')}" if heading.ends_at else ""
    budget = f"{_scope(standing.budget.scope, who)} ({standing.budget.kind})"
    return f"{budget}: {standing.percent}, {left(standing)}{ends}, {resets(standing, calendar)}"


def _usage(shown: Digest) -> str:
    return f"/kling usage {scope_typed(shown.scope)} --period {shown.period.kind}"


def _percent(permille: int) -> str:
    return f"{permille // 10:,}.{permille % 10}%"
