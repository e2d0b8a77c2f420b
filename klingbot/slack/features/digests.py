"""`/kling digest`: which there are, setting one, turning it off, and seeing one at once."""

from __future__ import annotations

from klingbot.blocks import budgets, digests
from klingbot.blocks.message import Message
from klingbot.domain.digest_schedules import Schedule
from klingbot.domain.periods import PeriodKind
from klingbot.engine import digests as engine_digests
from klingbot.engine.digest_figures import last
from klingbot.slack.api.directory import KnownChannel
from klingbot.slack.command_line.types import DigestList, DigestNow, DigestOff, DigestSet
from klingbot.slack.context import Asker, Desk
from klingbot.slack.features import project_typos
from klingbot.slack.features.budgets import named_channel

HAVE_DIGEST = "have a digest"


def show_all(desk: Desk, asker: Asker, command: DigestList) -> Message:
    scope = desk.scope(command.scope) if command.scope else None
    engine, admin = desk.engine, desk.directory.seems_admin(asker.user_id)
    wanted = engine_digests.wanted(engine, scope)
    return digests.listing(wanted, engine.calendar, engine.clock(), desk.alerts_channel, for_admin=admin)


def put(desk: Desk, asker: Asker, command: DigestSet) -> Message:
    channel = named_channel(desk, command.channel)
    place = place_of(desk, channel)
    scope, kind = desk.scope(command.scope), PeriodKind(command.period)
    desk.must_be_members(scope, HAVE_DIGEST)
    minute, why = command.minute, command.reason
    schedule = engine_digests.want(desk.engine, scope, kind, place, minute, by=asker.user_id, why=why)
    return was_set(desk, schedule, channel).plus(*project_typos.doubts(desk, scope))


def turn_off(desk: Desk, asker: Asker, command: DigestOff) -> Message:
    scope, channel = desk.scope(command.scope), named_channel(desk, command.channel)
    place = (place_of(desk, channel) or "") if command.channel else None
    ended = engine_digests.unwant(desk.engine, scope, place, by=asker.user_id, why=command.reason)
    return digests.turned_off(ended, scope, desk.engine.calendar, desk.alerts_channel)


def show_now(desk: Desk, asker: Asker, command: DigestNow) -> Message:
    """The one that came last, or would have: of the kind that was asked for, else that is set, else weekly."""
    scope = desk.scope(command.scope)
    wanted = engine_digests.wanted(desk.engine, scope)
    kind = PeriodKind(command.period) if command.period else wanted[0].kind if wanted else PeriodKind.WEEKLY
    return digests.digest(last(desk.engine, scope, kind), desk.engine.calendar)


def was_set(desk: Desk, schedule: Schedule, channel: KnownChannel | None) -> Message:
    """`channel` is where it is to come, where that was chosen."""
    said = digests.was_set(schedule, desk.engine.calendar, desk.engine.clock(), desk.alerts_channel)
    return said.plus(budgets.invite_me(channel.id)) if channel and not channel.is_member else said


def place_of(desk: Desk, channel: KnownChannel | None) -> str | None:
    """None for the default place, also where that is named: no channel should get a digest twice."""
    return channel.id if channel and channel.id != desk.alerts_channel else None
