"""The forms about increases: opened by a button, answered where the button was pressed."""

from __future__ import annotations

import json
from datetime import date

from klingbot.blocks import increase_forms as blocks
from klingbot.blocks import increases
from klingbot.money import Amount, AmountError, parse_credits
from klingbot.slack import increasing
from klingbot.slack.desk import Answer, Click, Desk, Opens, Private
from klingbot.slack.filled import Filled, Mistakes, Taken
from klingbot.slack.mistakes import MistakeError
from klingbot.store import increases as kept


def ask_opened(desk: Desk, click: Click) -> Answer:
    return Opens(blocks.ask(click.value, click.response_url))


def approve_opened(desk: Desk, click: Click) -> Answer:
    increase = kept.get(desk.engine.store.read(), click.value)
    return Opens(blocks.approve(increase, click.response_url)) if increase else _unknown(click)


def deny_opened(desk: Desk, click: Click) -> Answer:
    increase = kept.get(desk.engine.store.read(), click.value)
    return Opens(blocks.deny(increase, click.response_url)) if increase else _unknown(click)


def ask_submitted(desk: Desk, form: Filled) -> Mistakes | Taken:
    picked = form.values.get("until")
    until = date.fromisoformat(picked) if picked else None
    try:
        said = increasing.ask_for_refused_until(desk, _subject(form), form.user_id, _reason(form), until)
    except MistakeError as mistake:
        return Mistakes({"until": str(mistake)})
    return Taken(said, _response_url(form))


def approve_submitted(desk: Desk, form: Filled) -> Mistakes | Taken:
    try:
        amount: Amount = desk.engine.prices.amount(parse_credits(form.values.get("credits") or ""))
    except AmountError as mistake:
        return Mistakes({"credits": f"{mistake}."})
    return Taken(increasing.approve_amount(desk, _subject(form), form.user_id, amount), _response_url(form))


def deny_submitted(desk: Desk, form: Filled) -> Mistakes | Taken:
    return Taken(increasing.deny_for(desk, _subject(form), form.user_id, _reason(form)), _response_url(form))


def _unknown(click: Click) -> Private:
    return Private(increases.no_such_increase(click.value))


def _reason(form: Filled) -> str:
    return " ".join((form.values.get("reason") or "").split())


def _subject(form: Filled) -> str:
    return str(json.loads(form.memory)["id"])


def _response_url(form: Filled) -> str | None:
    url = json.loads(form.memory)["response_url"]
    return str(url) if url else None
