"""`/kling digest`: which there are, setting one, turning it off, and seeing one at once."""

from __future__ import annotations

from klingbot.blocks import budgets, digests
from klingbot.blocks.message import Message
from klingbot.engine import digesting
from klingbot.engine.figures import last
from klingbot.periods import PeriodKind
from klingbot.slack.desk import Asker, Desk
from klingbot.slack.directory import KnownChannel
from klingbot.slack.grammar import ChannelRef, DigestList, DigestNow, DigestOff, DigestSet


def show_all(desk: Desk, asker: Asker, command: DigestList) -> Message:
    scope = desk.scope(command.scope) if command.scope else None
    engine = desk.engine
    return digests.listing(digesting.wanted(engine, scope), engine.calendar, engine.clock(), desk.alerts_channel)


def put(desk: Desk, asker: Asker, command: DigestSet) -> Message:
    engine, channel = desk.engine, _channel(desk, command.channel)
    place = _place(desk, channel)
    scope, kind = desk.scope(command.scope), PeriodKind(command.period)
    schedule = digesting.want(engine, scope, kind, place, command.minute, by=asker.user_id)
    said = digests.was_set(schedule, engine.calendar, engine.clock(), desk.alerts_channel)
    return said.plus(budgets.invite_me(channel.id)) if channel and not channel.is_member else said


def turn_off(desk: Desk, asker: Asker, command: DigestOff) -> Message:
    scope, channel = desk.scope(command.scope), _channel(desk, command.channel)
    ended = digesting.unwant(desk.engine, scope, (_place(desk, channel) or "") if channel else None)
    return digests.turned_off(ended, scope, desk.engine.calendar, desk.alerts_channel)


def show_now(desk: Desk, asker: Asker, command: DigestNow) -> Message:
    """The one that came last, or would have: of the kind that was asked for, else that is set, else weekly."""
    scope = desk.scope(command.scope)
    wanted = digesting.wanted(desk.engine, scope)
    kind = PeriodKind(command.period) if command.period else wanted[0].kind if wanted else PeriodKind.WEEKLY
    return digests.digest(last(desk.engine, scope, kind), desk.engine.calendar)


def _channel(desk: Desk, ref: ChannelRef | None) -> KnownChannel | None:
    return desk.directory.channel(ref) if ref else None


def _place(desk: Desk, channel: KnownChannel | None) -> str | None:
    """None for the default place, also where that is named: no channel should get a digest twice."""
    return channel.id if channel and channel.id != desk.alerts_channel else None
