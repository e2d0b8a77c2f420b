"""Clicks: acknowledged at once, then answered through the response_url that comes with each.

Slack waits three seconds for the acknowledgement and shows nothing of it (Slack's docs, handling user interaction). The
response_url reaches what the bot could not touch by itself: messages that only one person sees.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from slack_bolt import Ack, App
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.webhook import WebhookClient

from klingbot.blocks import answers
from klingbot.slack import failures, generating, increasing, queueing
from klingbot.slack.desk import Answer, Click, Desk, Private, Rewritten
from klingbot.slack.directory import SlackUnavailableError
from klingbot.slack.mistakes import MistakeError

log = logging.getLogger(__name__)

_ANY = re.compile("")
_SECONDS = 5


def register(app: App, desk: Desk) -> None:
    def acknowledge(ack: Ack) -> None:
        ack()

    def clicked(body: dict[str, Any]) -> None:
        try:
            click = _click(body)
        except (KeyError, IndexError):
            log.warning("a click was not understood: its payload has only %s", ", ".join(sorted(body)))
            return
        try:
            said = answer(desk, body["actions"][0]["action_id"], click)
        except Exception as error:
            said = Private(failures.noted(error))
        _say(click, said)

    app.action(_ANY)(ack=acknowledge, lazy=[clicked])


def answer(desk: Desk, action_id: str, click: Click) -> Answer:
    """What a click comes to. A person's mistake is answered; only a mistake of ours is raised."""
    row = _ACTIONS.get(action_id)
    if row is None:
        return Private(answers.outdated())
    try:
        if row.admins_only and not desk.directory.is_admin(click.user_id):
            return Private(answers.admins_only(row.admins_only))
        return row.answer(desk, click)
    except MistakeError as mistake:
        return Private(answers.mistake(str(mistake)))
    except SlackUnavailableError as trouble:
        return Private(answers.unavailable(str(trouble)))


def _click(body: dict[str, Any]) -> Click:
    return Click(
        user_id=body["user"]["id"],
        channel_id=body["container"]["channel_id"],
        message_ts=body["container"]["message_ts"],
        value=body["actions"][0].get("value", ""),
        response_url=body["response_url"],
        trigger_id=body["trigger_id"],
    )


def _say(click: Click, said: Answer) -> None:
    """What a click did is done by now; a person who cannot be told sees it when they look again."""
    webhook = WebhookClient(
        click.response_url,
        timeout=_SECONDS,
        retry_handlers=[ConnectionErrorRetryHandler(), RateLimitErrorRetryHandler(), ServerErrorRetryHandler()],
    )
    message, replaces = said.message, isinstance(said, Rewritten)
    try:
        reply = webhook.send(text=message.text, blocks=list(message.blocks), replace_original=replaces)
    except (OSError, HTTPException) as e:
        log.warning("an answer to a click was lost: %s", type(e).__name__)
        return
    if reply.status_code != 200:
        log.warning("Slack did not take an answer to a click: HTTP %s %s", reply.status_code, reply.body[:100])


@dataclass(frozen=True, slots=True)
class _Row:
    answer: Callable[[Desk, Click], Answer]
    admins_only: str | None = None
    """What only admins can do, to be said to everybody else."""


_ACTIONS = {
    "job.cancel": _Row(generating.cancel_clicked),
    "job.keep_waiting": _Row(queueing.keep_waiting_clicked, admins_only="decide about stuck jobs"),
    "job.write_off": _Row(queueing.write_off_clicked, admins_only="write jobs off"),
    **{f"refused.instead.{number}": _Row(increasing.instead_clicked) for number in range(3)},
    "increase.ask": _Row(increasing.ask_clicked),
    "increase.approve": _Row(increasing.approve_clicked),
    "increase.deny": _Row(increasing.deny_clicked),
}
