"""The forms about digests: opened by buttons for admins, answered when they submit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from klingbot.blocks import digests, short_answers
from klingbot.blocks.modals import digest_modals as blocks
from klingbot.blocks.modals.generate_modal import refused
from klingbot.blocks.modals.view import View
from klingbot.common import dataclass_json
from klingbot.domain.budgets import WORKSPACE
from klingbot.domain.digest_schedules import Schedule
from klingbot.domain.periods import Calendar, PeriodKind
from klingbot.engine import budgets
from klingbot.engine import digests as engine_digests
from klingbot.slack.api.directory import KnownChannel
from klingbot.slack.command_line import values
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.command_line.tokenizer import tidy
from klingbot.slack.command_line.types import ChannelRef
from klingbot.slack.context import Answer, Click, Desk, Opens, Private
from klingbot.slack.features import form_scope, project_typos
from klingbot.slack.features.digests import HAVE_DIGEST, place_of, was_set
from klingbot.slack.interactions.form_values import Filled, Instead, Mistakes, Submitted, Taken


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the form showed."""

    whose: str
    """What was chosen of `klingbot.blocks.modals.scope_fields`; the scope of a digest that is there."""
    kind: PeriodKind
    place: str | None
    response_url: str | None


@dataclass(frozen=True, slots=True)
class _Wish:
    minute: int
    channel: KnownChannel | None
    why: str


def set_opened(desk: Desk, click: Click) -> Answer:
    return Opens(_set(desk, _Memory(WORKSPACE, PeriodKind.WEEKLY, None, click.response_url)))


def change_opened(desk: Desk, click: Click) -> Answer:
    return _about(desk, click, blocks.change)


def remove_opened(desk: Desk, click: Click) -> Answer:
    return _about(desk, click, blocks.remove)


def set_changed(desk: Desk, form: Filled) -> View:
    memory = _memory(form)
    kind = PeriodKind(form.values.get("kind") or memory.kind)
    return _set(desk, _Memory(form.values.get("whose") or memory.whose, kind, None, memory.response_url))


def set_submitted(desk: Desk, form: Filled) -> Submitted:
    memory, wish = _memory(form), _wish(desk, form)
    scope = form_scope.scope(form, form.values.get("whose") or memory.whose)
    if isinstance(scope, Mistakes):
        return scope
    if isinstance(wish, Mistakes):
        return wish
    if wrong := form_scope.not_a_member(desk, form, scope, HAVE_DIGEST):
        return wrong
    kind, place = PeriodKind(form.values.get("kind") or memory.kind), place_of(desk, wish.channel)
    schedule = engine_digests.want(desk.engine, scope, kind, place, wish.minute, by=form.user_id, why=wish.why)
    said = was_set(desk, schedule, wish.channel).plus(*project_typos.doubts(desk, scope))
    return Taken(said, memory.response_url)


def change_submitted(desk: Desk, form: Filled) -> Submitted:
    memory, wish = _memory(form), _wish(desk, form)
    if isinstance(wish, Mistakes):
        return wish
    found, place = _found(desk, memory), place_of(desk, wish.channel)
    moved = found and engine_digests.move(desk.engine, found, place, wish.minute, by=form.user_id, why=wish.why)
    if moved is None:
        return Instead(refused("Somebody has turned this digest off meanwhile, so nothing was changed."))
    return Taken(was_set(desk, moved, wish.channel), memory.response_url)


def remove_submitted(desk: Desk, form: Filled) -> Submitted:
    memory, why = _memory(form), tidy(form.values.get("why") or "")
    scope, place = memory.whose, memory.place or ""
    ended = engine_digests.unwant(desk.engine, scope, place, memory.kind, by=form.user_id, why=why)
    return Taken(digests.turned_off(ended, scope, desk.engine.calendar, desk.alerts_channel), memory.response_url)


def _set(desk: Desk, memory: _Memory) -> View:
    projects = budgets.known_projects(desk.engine)
    return blocks.set_digest(memory.whose, memory.kind, projects, desk.engine.calendar, _written(memory))


def _wish(desk: Desk, form: Filled) -> _Wish | Mistakes:
    time, channel_id = form.values.get("time"), form.values.get("channel")
    if not time:
        return Mistakes({"time": "Choose a time of day."})
    try:
        channel = desk.directory.channel(ChannelRef(channel_id)) if channel_id else None
    except MistakeError as mistake:
        return Mistakes({"channel": str(mistake)})
    return _Wish(values.clock(time), channel, tidy(form.values.get("why") or ""))


def _about(desk: Desk, click: Click, form: Callable[[Schedule, Calendar, str | None, str], View]) -> Answer:
    """Opens that form about the digest that the button names."""
    memory = _named(click)
    if memory is None:
        return Private(short_answers.outdated())
    found = _found(desk, memory)
    if found is None:
        return Private(digests.turned_off([], memory.whose, desk.engine.calendar, desk.alerts_channel))
    return Opens(form(found, desk.engine.calendar, desk.alerts_channel, _written(memory)))


def _named(click: Click) -> _Memory | None:
    """See `klingbot.blocks.digests.listing`; None for a button of another version."""
    kind, place, scope = [*click.value.split(" ", 2), "", ""][:3]
    if not scope or kind not in list(PeriodKind):
        return None
    return _Memory(scope, PeriodKind(kind), None if place == "-" else place, click.response_url)


def _found(desk: Desk, memory: _Memory) -> Schedule | None:
    return engine_digests.set_to(desk.engine, memory.whose, memory.kind, memory.place)


def _memory(form: Filled) -> _Memory:
    return dataclass_json.from_json(_Memory, json.loads(form.memory))


def _written(memory: _Memory) -> str:
    return json.dumps(dataclass_json.to_json(memory))
