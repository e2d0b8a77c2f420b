"""`/kling ask`, `requests`, `approve`, `deny` and `withdraw`."""

from __future__ import annotations

import re
from datetime import date

from klingbot.blocks import increases, short_answers
from klingbot.blocks.message import Message, message
from klingbot.domain.money import Amount
from klingbot.domain.notifications import IncreaseClosed
from klingbot.domain.periods import PeriodKind
from klingbot.engine import increase_decisions, increase_requests
from klingbot.engine.increase_decisions import ClosedBefore, NoSuchIncrease, NotAnApprover, OwnIncrease
from klingbot.engine.increase_requests import Asked, AskedBefore, NoBudget, NothingRefused, Wanted
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.command_line.types import Approve, AskForAmount, AskForRefused, Deny, Requests, Withdraw
from klingbot.slack.context import Answer, Asker, Click, Desk, Private, Rewritten
from klingbot.slack.features import generate

_OFFER = re.compile(r"(?P<refused>\w+) (?P<model>\S+) (?P<seconds>\d{1,4}) (?P<resolution>\S+) (?P<sound>audio|silent)")
"""As `refusals` writes it on its buttons."""

Decision = IncreaseClosed | ClosedBefore | NoSuchIncrease | OwnIncrease | NotAnApprover


def ask_for_refused(desk: Desk, asker: Asker, command: AskForRefused) -> Message:
    return ask_for_refused_until(desk, command.refused, Wanted(asker.user_id, command.reason, command.until))


def ask_for_refused_until(desk: Desk, refused: str, wanted: Wanted) -> Message:
    """Raises MistakeError for a day that is past."""
    _must_come(desk, wanted.until)
    outcome = increase_requests.ask_for_refused(desk.engine, refused, wanted)
    match outcome:
        case Asked(asked):
            return increases.were_asked(asked)
        case AskedBefore(increase):
            return increases.asked_before(increase)
        case NothingRefused():
            return increases.nothing_refused(refused)
        case _:
            return generate.said_of(desk, outcome)


def ask_for_amount(desk: Desk, asker: Asker, command: AskForAmount) -> Message:
    _must_come(desk, command.until)
    amount = _amount(desk, command.millicredits, command.microusd)
    assert amount is not None
    outcome = increase_requests.ask_for_amount(
        desk.engine,
        asker.request_id,
        Wanted(asker.user_id, command.reason, command.until),
        scope=desk.scope(command.scope),
        kind=PeriodKind(command.period),
        amount=amount,
    )
    match outcome:
        case Asked(asked):
            return increases.were_asked(asked)
        case AskedBefore(increase):
            return increases.asked_before(increase)
        case NoBudget():
            raise MistakeError("There is no such budget, so there is no limit to raise. See all: /kling budget.")


def requests(desk: Desk, asker: Asker, command: Requests) -> Message:
    return increases.listing(increase_requests.pending(desk.engine), desk.engine.calendar)


def approve(desk: Desk, asker: Asker, command: Approve) -> Message:
    amount = _amount(desk, command.millicredits, command.microusd)
    return _said(desk, command.request, _approve(desk, command.request, asker.user_id, amount))


def deny(desk: Desk, asker: Asker, command: Deny) -> Message:
    return deny_for(desk, command.request, asker.user_id, command.reason)


def approve_amount(desk: Desk, increase_id: str, by: str, amount: Amount) -> Message:
    return _said(desk, increase_id, _approve(desk, increase_id, by, amount))


def deny_for(desk: Desk, increase_id: str, by: str, reason: str) -> Message:
    return _said(desk, increase_id, _deny(desk, increase_id, by, reason))


def _approve(desk: Desk, increase_id: str, by: str, amount: Amount | None = None) -> Decision:
    """Slack is asked who is an admin only where that matters."""
    outcome = increase_decisions.grant(desk.engine, increase_id, by=by, is_admin=False, amount=amount)
    if isinstance(outcome, NotAnApprover) and desk.directory.is_admin(by):
        return increase_decisions.grant(desk.engine, increase_id, by=by, is_admin=True, amount=amount)
    return outcome


def _deny(desk: Desk, increase_id: str, by: str, remark: str = "") -> Decision:
    outcome = increase_decisions.deny(desk.engine, increase_id, by=by, is_admin=False, remark=remark)
    if isinstance(outcome, NotAnApprover) and desk.directory.is_admin(by):
        return increase_decisions.deny(desk.engine, increase_id, by=by, is_admin=True, remark=remark)
    return outcome


def withdraw(desk: Desk, asker: Asker, command: Withdraw) -> Message:
    return _said(
        desk, command.request, increase_decisions.withdraw(desk.engine, command.request, user_id=asker.user_id)
    )


def withdraw_clicked(desk: Desk, click: Click) -> Answer:
    """Everything that was asked for at once, one request for each budget that was short."""
    outcomes = [
        (each, increase_decisions.withdraw(desk.engine, each, user_id=click.user_id)) for each in click.value.split()
    ]
    said = [_said(desk, increase_id, outcome) for increase_id, outcome in outcomes]
    if not any(isinstance(outcome, IncreaseClosed) for _, outcome in outcomes):
        return Private(said[0] if said else short_answers.outdated())
    return Rewritten(message(*(block for each in said for block in each.blocks)))


def approve_clicked(desk: Desk, click: Click) -> Answer:
    return _answered(desk, click, _approve(desk, click.value, click.user_id))


def confirm_clicked(desk: Desk, click: Click) -> Answer:
    """Under the question whether a video is worth its price."""
    outcome = increase_requests.confirm(desk.engine, click.value, user_id=click.user_id)
    if isinstance(outcome, NothingRefused):
        return Private(increases.nothing_refused(click.value))
    return Rewritten(generate.said_of(desk, outcome))


def instead_clicked(desk: Desk, click: Click) -> Answer:
    """What still fits, in place of what was refused."""
    offer = _OFFER.fullmatch(click.value)
    if offer is None:
        return Private(short_answers.outdated())
    refused = offer["refused"]
    outcome = increase_requests.make_instead(
        desk.engine,
        refused,
        user_id=click.user_id,
        model=offer["model"],
        duration_seconds=int(offer["seconds"]),
        resolution=offer["resolution"],
        audio=offer["sound"] == "audio",
    )
    if isinstance(outcome, NothingRefused):
        return Private(increases.nothing_refused(refused))
    return Rewritten(generate.said_of(desk, outcome))


def _answered(desk: Desk, click: Click, outcome: Decision) -> Answer:
    said = _said(desk, click.value, outcome)
    return Rewritten(said) if isinstance(outcome, IncreaseClosed) else Private(said)


def _said(desk: Desk, increase_id: str, outcome: Decision) -> Message:
    match outcome:
        case IncreaseClosed():
            return increases.closed(outcome, desk.engine.calendar)
        case ClosedBefore(increase):
            return increases.closed_before(increase)
        case NoSuchIncrease():
            return increases.no_such_increase(increase_id)
        case OwnIncrease():
            return increases.own_increase()
        case NotAnApprover(approvers):
            return increases.not_an_approver(approvers)


def _amount(desk: Desk, millicredits: int | None, microusd: int | None) -> Amount | None:
    """What was typed in one currency or both; the other one follows from the price list."""
    if millicredits is not None and microusd is not None:
        return Amount(millicredits, microusd)
    if millicredits is not None:
        return desk.engine.prices.amount(millicredits)
    return None if microusd is None else desk.engine.prices.amount_in_usd(microusd)


def _must_come(desk: Desk, until: date | None) -> None:
    today = desk.engine.periods().daily.first_day
    if until is not None and until <= today:
        raise MistakeError(f"--until {until} is past. Give a day to come, or leave it out for this period alone.")
