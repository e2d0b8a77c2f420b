"""Clicks: acknowledged at once, then answered through the response_url that comes with each.

Slack waits three seconds for the acknowledgement and shows nothing of it (Slack's docs, handling user interaction). The
response_url reaches what the bot could not touch by itself: messages that only one person sees.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from klingbot.blocks import short_answers
from klingbot.blocks.modals import view
from klingbot.slack.api.network_errors import SlackUnavailableError
from klingbot.slack.command_line.mistakes import MistakeError
from klingbot.slack.context import Answer, Click, Desk, Hands, Opens, Private, Rewritten
from klingbot.slack.features import (
    budget_forms,
    budgets,
    digest_forms,
    first_budget_buttons,
    generate,
    generate_form,
    increase_forms,
    increases,
    mute_buttons,
    project_commands,
    queue_commands,
    usage,
    write_off_form,
)
from klingbot.slack.interactions import answers, commands, failures, modals

log = logging.getLogger(__name__)

_ANY = re.compile("")


def register(app: App, desk: Desk) -> None:
    def acknowledge(ack: Ack) -> None:
        ack()

    def clicked(body: dict[str, Any], client: WebClient) -> None:
        form = body.get("view", {})
        if form.get("type") == "modal" and form.get("callback_id") != view.TOLD:
            modals.changed(desk, client, body)
            return
        try:
            click = _click(body)
        except (KeyError, IndexError, ValueError):
            failures.not_understood("click", body)
            return
        try:
            said = answer(desk, body["actions"][0]["action_id"], click)
        except Exception as error:
            said = Private(failures.noted(error))
        _show(client, click, said)

    app.action(_ANY)(ack=acknowledge, lazy=[clicked])


def answer(desk: Desk, action_id: str, click: Click) -> Answer:
    """What a click comes to. A person's mistake is answered; only a mistake of ours is raised."""
    row = ACTIONS.get(action_id)
    if row is None:
        return Private(short_answers.outdated())
    try:
        if row.admins_only and not desk.directory.is_admin(click.user_id):
            return Private(short_answers.admins_only(row.admins_only))
        return failures.again(lambda: row.answer(desk, click))
    except MistakeError as mistake:
        return Private(short_answers.mistake(str(mistake)))
    except SlackUnavailableError as trouble:
        return Private(short_answers.unavailable(str(trouble)))


def show(client: WebClient, body: Mapping[str, Any], said: Answer) -> None:
    """Answer a click where it was made. A click that cannot be read is logged."""
    try:
        click = _click(body)
    except (KeyError, IndexError, ValueError):
        failures.not_understood("click", body)
    else:
        _show(client, click, said)


def _click(body: Mapping[str, Any]) -> Click:
    if body["container"]["type"] == "view":
        return _click_in_view(body, body["view"])
    thread_ts = body["container"].get("thread_ts")
    return Click(
        user_id=body["user"]["id"],
        channel_id=body["container"]["channel_id"],
        message_ts=body["container"]["message_ts"],
        value=body["actions"][0].get("value") or "",
        response_url=body["response_url"],
        trigger_id=body["trigger_id"],
        thread_ts=thread_ts if thread_ts != body["container"]["message_ts"] else None,
    )


def _click_in_view(body: Mapping[str, Any], form: Mapping[str, Any]) -> Click:
    """On the home tab, or in a form that tells what a message would: `klingbot.blocks.modals.view.told`."""
    where = json.loads(form.get("private_metadata") or "{}")
    return Click(
        user_id=body["user"]["id"],
        channel_id=where.get("channel_id", ""),
        message_ts="",
        value=body["actions"][0].get("value") or "",
        response_url=where.get("response_url"),
        trigger_id=body["trigger_id"],
        thread_ts=where.get("thread_ts"),
        view_id=form["id"] if form["type"] == "modal" else None,
    )


def _show(client: WebClient, click: Click, said: Answer) -> None:
    if isinstance(said, Hands):
        said = Private(answers.hand(client, click.user_id, said))
    if click.view_id is not None:
        _show_in_form(client, click, click.view_id, said)
        return
    if isinstance(said, Opens):
        trouble = answers.open_form(client, click.trigger_id, said.view)
        if trouble is None:
            return
        said = Private(trouble)
    _say(client, click, said)


def _show_in_form(client: WebClient, click: Click, view_id: str, said: Private | Rewritten | Opens) -> None:
    """What is said to one person lies over the form, and what is rewritten takes its place, while it is open."""
    match said:
        case Opens(view=form, in_place=True):
            answers.renew_form(client, view_id, form)
        case Opens(view=form):
            trouble = answers.open_form(client, click.trigger_id, form, over=True)
            if trouble:
                _say(client, click, Private(trouble))
        case Rewritten(told):
            if not answers.renew_form(client, view_id, view.told("Klingbot", told, click.origin)):
                _say(client, click, Private(told))
        case Private(told):
            if answers.open_form(client, click.trigger_id, view.told("Klingbot", told, click.origin), over=True):
                _say(client, click, said)


def _say(client: WebClient, click: Click, said: Private | Rewritten) -> None:
    if click.response_url is None:
        answers.tell(client, click.user_id, said.message)
    else:
        replaces = isinstance(said, Rewritten)
        answers.answer(click.response_url, said.message, replaces=replaces, thread_ts=click.thread_ts)


@dataclass(frozen=True, slots=True)
class _Row:
    answer: Callable[[Desk, Click], Answer]
    admins_only: str | None = None
    """What only admins can do, to be said to everybody else."""


ACTIONS = {
    **{f"menu.{word}": _Row(commands.pressed) for word in ("budget", "digest", "jobs", "usage", "help", "form")},
    "form.back": _Row(generate_form.back_clicked),
    "video.form": _Row(generate.form_clicked),
    "video.again": _Row(generate.again_clicked),
    "video.vary": _Row(generate.vary_clicked),
    "alert.acknowledge": _Row(mute_buttons.acknowledge_clicked),
    "alert.snooze": _Row(mute_buttons.snooze_clicked),
    "alert.unmute": _Row(mute_buttons.unmute_clicked),
    "job.cancel": _Row(generate.cancel_clicked),
    "job.cancel_shown": _Row(generate.cancel_shown_clicked),
    "job.details": _Row(generate.details_clicked),
    "job.keep_waiting": _Row(queue_commands.keep_waiting_clicked, admins_only="decide about stuck jobs"),
    "job.write_off": _Row(write_off_form.opened, admins_only=write_off_form.WHO),
    **{f"refused.instead.{number}": _Row(increases.instead_clicked) for number in range(3)},
    "budget.set": _Row(budget_forms.set_opened, admins_only="set budgets"),
    "budget.remove": _Row(budget_forms.remove_opened, admins_only="remove budgets"),
    "budget.removal": _Row(budgets.remove_clicked, admins_only="remove budgets"),
    "budget.unlimited": _Row(first_budget_buttons.waive_clicked, admins_only="decide to run without a limit"),
    "budget.required": _Row(first_budget_buttons.require_clicked, admins_only="decide whether a budget is needed"),
    "budget.raise": _Row(budgets.raise_clicked, admins_only="raise budgets"),
    "digest.set": _Row(digest_forms.set_opened, admins_only="set digests"),
    "digest.change": _Row(digest_forms.change_opened, admins_only="set digests"),
    "digest.remove": _Row(digest_forms.remove_opened, admins_only="turn digests off"),
    "usage.chart": _Row(usage.chart_clicked),
    "usage.csv": _Row(usage.csv_clicked),
    "project.open": _Row(project_commands.open_clicked, admins_only=project_commands.WHO),
    "project.keep": _Row(project_commands.keep_clicked, admins_only=project_commands.WHO),
    "project.keep_all": _Row(project_commands.keep_all_clicked, admins_only=project_commands.WHO),
    "project.leave": _Row(project_commands.leave_clicked, admins_only=project_commands.WHO),
    "job.confirm": _Row(increases.confirm_clicked),
    "increase.ask": _Row(increase_forms.ask_opened),
    "increase.approve": _Row(increases.approve_clicked),
    "increase.amount": _Row(increase_forms.approve_opened),
    "increase.deny": _Row(increase_forms.deny_opened),
    "increase.withdraw": _Row(increases.withdraw_clicked),
}
