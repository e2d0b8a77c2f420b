"""Forms: shown anew as people choose, and answered when they submit. One table says which form does what.

A submission must be acknowledged within three seconds, and its acknowledgement is what Slack shows: the mistakes below
their fields, or the form closes (Slack's docs, "Modals").
"""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from klingbot.blocks import short_answers
from klingbot.blocks.modals import budget_modals as budget_blocks
from klingbot.blocks.modals import digest_modals as digest_blocks
from klingbot.blocks.modals import generate_modal as form_blocks
from klingbot.blocks.modals import increase_modals as increase_blocks
from klingbot.blocks.modals.view import View
from klingbot.blocks.modals.write_off_modal import WRITE_OFF
from klingbot.slack.api.network_errors import SlackUnavailableError
from klingbot.slack.context import Desk
from klingbot.slack.features import budget_forms, digest_forms, generate_form, increase_forms, write_off_form
from klingbot.slack.interactions import answers, failures
from klingbot.slack.interactions.form_values import Filled, Instead, Mistakes, Over, Submitted, Taken, read

log = logging.getLogger(__name__)

_ANY = re.compile("")
_REMEMBERED = 200


def register(app: App, desk: Desk) -> None:
    later = app.listener_runner.listener_executor.submit

    def submitted(ack: Ack, body: dict[str, Any], client: WebClient) -> None:
        form = read(body)
        if form is None:
            ack()
            return
        outcome = _submitted(desk, form)
        ack(_acknowledgement(form, outcome))
        if isinstance(outcome, Taken):
            later(_tell, client, form, outcome)

    app.view_submission(_ANY)(submitted)


def _submitted(desk: Desk, form: Filled) -> Submitted:
    """Whatever goes wrong, the form stays open with what was typed."""
    row = FORMS.get(form.callback_id)
    if row is None:
        return _refused(form, "This form belongs to another version of Klingbot. Close it and open it again.")
    try:
        if row.admins_only and not desk.directory.is_admin(form.user_id):
            return _refused(form, short_answers.admins_only(row.admins_only).text)
        return failures.again(lambda: row.submitted(desk, form))
    except SlackUnavailableError as trouble:
        return _refused(form, short_answers.unavailable(str(trouble)).text)
    except Exception as error:
        return _refused(form, failures.noted(error).text)


def refusal(form: Filled, sentence: str) -> dict[str, Any] | str:
    """Return the acknowledgement that leaves the form open and says why it was not taken."""
    return _acknowledgement(form, _refused(form, sentence))


def _refused(form: Filled, sentence: str) -> Mistakes | Instead:
    return Mistakes({form.first_field: sentence}) if form.first_field else Instead(form_blocks.refused(sentence))


def _acknowledgement(form: Filled, outcome: Submitted) -> dict[str, Any] | str:
    """What it means to Slack (its docs, "Modals", response actions)."""
    match outcome:
        case Mistakes(by_field):
            below = {form.block_ids[name]: sentence for name, sentence in by_field.items()}
            return {"response_action": "errors", "errors": below}
        case Over(view):
            return {"response_action": "push", "view": view.payload()}
        case Instead(view):
            return {"response_action": "update", "view": view.payload()}
        case Taken():
            return {"response_action": "clear"} if form.lies_over else ""


def changed(desk: Desk, client: WebClient, body: dict[str, Any]) -> None:
    """Somebody chose something: the form is shown anew, unless they have chosen again by then."""
    form = read(body)
    row = FORMS.get(form.callback_id) if form else None
    if form is None or row is None or row.changed is None:
        return
    turn = _TURNS.of(form.view_id)
    turn.newest = max(turn.newest, form.at)
    with turn.lock:
        if form.at == turn.newest:
            answers.renew_form(client, form.view_id, row.changed(desk, form))


def _tell(client: WebClient, form: Filled, taken: Taken) -> None:
    if taken.response_url:
        answers.answer(taken.response_url, taken.message, replaces=taken.rewrites, thread_ts=taken.thread_ts)
    else:
        answers.tell(client, form.user_id, taken.message)


@dataclass(slots=True)
class _Turn:
    """The changes of one form, shown one after another: an older one must not come after a newer."""

    newest: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Turns:
    """The forms that were changed last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: OrderedDict[str, _Turn] = OrderedDict()

    def of(self, view_id: str) -> _Turn:
        with self._lock:
            turn = self._turns.setdefault(view_id, _Turn())
            self._turns.move_to_end(view_id)
            if len(self._turns) > _REMEMBERED:
                self._turns.popitem(last=False)
            return turn


_TURNS = _Turns()


@dataclass(frozen=True, slots=True)
class _Form:
    submitted: Callable[[Desk, Filled], Submitted]
    changed: Callable[[Desk, Filled], View] | None = None
    """For forms that show something else as people choose."""
    admins_only: str | None = None
    """What only admins can do, to be said to everybody else."""


FORMS: Mapping[str, _Form] = {
    form_blocks.GENERATE: _Form(generate_form.submitted, generate_form.changed),
    budget_blocks.SET: _Form(budget_forms.set_submitted, budget_forms.set_changed, admins_only="set budgets"),
    budget_blocks.CONFIRM: _Form(budget_forms.confirm_submitted, admins_only="set budgets"),
    budget_blocks.REMOVE: _Form(
        budget_forms.remove_submitted, budget_forms.remove_changed, admins_only="remove budgets"
    ),
    digest_blocks.SET: _Form(digest_forms.set_submitted, digest_forms.set_changed, admins_only="set digests"),
    digest_blocks.CHANGE: _Form(digest_forms.change_submitted, admins_only="set digests"),
    digest_blocks.REMOVE: _Form(digest_forms.remove_submitted, admins_only="turn digests off"),
    increase_blocks.ASK: _Form(increase_forms.ask_submitted),
    increase_blocks.APPROVE: _Form(increase_forms.approve_submitted),
    increase_blocks.DENY: _Form(increase_forms.deny_submitted),
    WRITE_OFF: _Form(write_off_form.submitted, admins_only=write_off_form.WHO),
}
