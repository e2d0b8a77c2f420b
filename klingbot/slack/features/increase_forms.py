"""The forms about increases: opened by a button, answered where the button was pressed."""

from __future__ import annotations

import json
from datetime import date

from klingbot.blocks import increases
from klingbot.blocks.message import Message
from klingbot.blocks.modals import increase_modals as blocks
from klingbot.common import dataclass_json
from klingbot.domain.increases import Increase, IncreaseState, Lack
from klingbot.domain.money import Amount, AmountError, parse_credits
from klingbot.domain.periods import PeriodKind
from klingbot.engine import increase_requests as engine
from klingbot.engine.increase_requests import NothingRefused, Wanted
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.command_line.values import typed_in_form, ungrouped
from klingbot.slack.context import Answer, Click, Desk, Opens, Private
from klingbot.slack.features import increases as slack_increases
from klingbot.slack.interactions.form_values import Filled, Mistakes, Taken


def ask_opened(desk: Desk, click: Click) -> Answer:
    lacks = engine.lacks(desk.engine, click.value, click.user_id)
    if isinstance(lacks, NothingRefused):
        return Private(increases.nothing_refused(click.value))
    return Opens(blocks.ask(click.value, lacks, click.user_id, click.origin))


def approve_opened(desk: Desk, click: Click) -> Answer:
    increase = engine.increase_of(desk.engine, click.value)
    if increase is None or increase.state is not IncreaseState.PENDING:
        return _over(click, increase)
    return Opens(blocks.approve(increase, click.origin))


def deny_opened(desk: Desk, click: Click) -> Answer:
    increase = engine.increase_of(desk.engine, click.value)
    if increase is None or increase.state is not IncreaseState.PENDING:
        return _over(click, increase)
    return Opens(blocks.deny(increase, click.origin))


def ask_submitted(desk: Desk, form: Filled) -> Mistakes | Taken:
    picked = form.values.get("until")
    until = date.fromisoformat(picked) if picked else None
    try:
        wanted = Wanted(form.user_id, _reason(form), until, _amounts(desk, form))
        said = slack_increases.ask_for_refused_until(desk, _subject(form), wanted)
    except FieldError as mistake:
        return Mistakes({mistake.name: str(mistake)})
    except MistakeError as mistake:
        return Mistakes({"until": str(mistake)})
    return _taken(said, form)


def approve_submitted(desk: Desk, form: Filled) -> Mistakes | Taken:
    try:
        amount: Amount = desk.engine.prices.amount(parse_credits(ungrouped(typed_in_form(form.values.get("credits")))))
    except AmountError as mistake:
        return Mistakes({"credits": f"{mistake}."})
    return _taken(slack_increases.approve_amount(desk, _subject(form), form.user_id, amount), form)


def deny_submitted(desk: Desk, form: Filled) -> Mistakes | Taken:
    return _taken(slack_increases.deny_for(desk, _subject(form), form.user_id, _reason(form)), form)


class FieldError(ValueError):
    """What stands in the field of that name cannot be meant."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


def _amounts(desk: Desk, form: Filled) -> dict[tuple[str, PeriodKind], Amount]:
    """What was typed for each budget that is short. Raises FieldError for less than the video lacks."""
    lacks = [dataclass_json.from_json(Lack, lack) for lack in json.loads(form.memory)["lacks"]]
    return {(lack.scope, lack.kind): _amount(desk, form, number, lack) for number, lack in enumerate(lacks)}


def _amount(desk: Desk, form: Filled, number: int, lack: Lack) -> Amount:
    name = blocks.amount_field(number)
    try:
        amount = desk.engine.prices.amount(parse_credits(ungrouped(typed_in_form(form.values.get(name)))))
    except AmountError as mistake:
        raise FieldError(name, f"{mistake}.") from None
    if amount.millicredits < lack.amount.millicredits:
        raise FieldError(name, f"This video lacks {lack.amount}. Ask for at least that.")
    return amount


def _over(click: Click, increase: Increase | None) -> Private:
    """Nobody can decide it any more."""
    return Private(increases.closed_before(increase) if increase else increases.no_such_increase(click.value))


def _reason(form: Filled) -> str:
    return " ".join((form.values.get("reason") or "").split())


def _subject(form: Filled) -> str:
    return str(json.loads(form.memory)["id"])


def _taken(said: Message, form: Filled) -> Taken:
    origin = json.loads(form.memory)["origin"]
    return Taken(said, origin["response_url"], origin["thread_ts"])
