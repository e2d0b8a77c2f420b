"""Access to the bot: one middleware that sees every request before any listener does.

Slack also delivers what members of other companies do in shared channels, and what guests and bots do (Slack's docs,
"Understanding Slack Connect"). They are declined politely, in the way that each surface can show.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import App, BoltResponse
from slack_sdk import WebClient

from klingbot.blocks import access_declines as access_blocks
from klingbot.blocks.message import Message
from klingbot.blocks.modals import view
from klingbot.domain.membership import Membership
from klingbot.slack.api.network_errors import SlackUnavailableError
from klingbot.slack.context import Desk, Private
from klingbot.slack.interactions import actors, answers, buttons, failures, form_values, message_text, modals
from klingbot.slack.interactions.home import Homes
from klingbot.slack.interactions.recent_ids import RecentIds

log = logging.getLogger(__name__)

Body = Mapping[str, Any]


def install(app: App, desk: Desk, homes: Homes) -> None:
    """Let only those through who may use the bot. To be called before any listener is registered."""
    later = app.listener_runner.listener_executor.submit
    refused = RecentIds()

    def only_members(body: dict[str, Any], client: WebClient, next: Callable[[], None]) -> BoltResponse | None:
        decline = _declined(desk, body)
        if decline is None:
            next()
            return None
        if not isinstance(decline, Message):
            return BoltResponse(status=200, body="")
        if _is_event(body):
            if refused.first(_event_id(body)):
                later(_quietly, lambda: _answer_event(client, homes, body, decline))
            return BoltResponse(status=200, body="")
        if body.get("type") in ("block_actions", "shortcut", "message_action"):
            later(_quietly, lambda: _answer_act(client, body, decline))
        return BoltResponse(status=200, body=_acknowledgement(body, decline))

    app.use(only_members)


def _declined(desk: Desk, body: Body) -> Message | Membership | None:
    """Return why the user may not use the bot; a bare Membership where nobody is to be told; None where they may."""
    actor = actors.read(body)
    if actor is None:
        return _nameless(body)
    try:
        found = desk.directory.membership(actor)
    except SlackUnavailableError as trouble:
        return access_blocks.unknown(str(trouble))
    if desk.directory.admits(found):
        return None
    if found is Membership.BOT and _is_event(body):
        return found  # bots that answer one another never end
    log.info("declined a request of %s: %s", actor.user_id, found)
    return access_blocks.declined(found)


def _nameless(body: Body) -> Membership:
    """Note a request behind which no user is named: nobody can be admitted, and nobody answered."""
    event = body.get("event")
    if not (isinstance(event, Mapping) and event.get("subtype")):  # edits and deletions name nobody
        failures.not_understood("request", body)
    return Membership.OUTSIDER


def _acknowledgement(body: Body, decline: Message) -> dict[str, Any] | str:
    """Return what Slack shows of the response itself (Slack's docs on commands, modals and option menus)."""
    if "command" in body:
        return {"response_type": "ephemeral", **decline.payload()}
    match body.get("type"):
        case "view_submission":
            form = form_values.read(body)
            return modals.refusal(form, decline.text) if form else ""
        case "block_suggestion":
            return {"options": []}
    return ""


def _answer_event(client: WebClient, homes: Homes, body: Body, decline: Message) -> None:
    event = body["event"]
    if event.get("type") == "app_home_opened":
        if event.get("tab") == "home":
            homes.decline(event["user"], decline)
        return
    try:
        said = message_text.read(body)
    except (KeyError, TypeError, AttributeError):
        failures.not_understood("message", body)
        return
    if said and said.is_direct:
        answers.tell(client, said.channel_id, decline, thread_ts=said.thread_ts)
    elif said:
        answers.whisper(client, said.channel_id, said.user_id, decline, thread_ts=said.thread_ts)


def _answer_act(client: WebClient, body: Body, decline: Message) -> None:
    """Answer a click in place, and a shortcut where it leads: in its channel, or in a form."""
    if body["type"] == "block_actions":
        buttons.show(client, body, Private(decline))
    elif url := body.get("response_url"):
        answers.answer(url, decline)
    else:
        trouble = answers.open_form(client, str(body.get("trigger_id")), view.told("Klingbot", decline, view.Origin()))
        if trouble:
            answers.tell(client, body["user"]["id"], decline)


def _quietly(answer: Callable[[], None]) -> None:
    """Nobody waits for the outcome: a mistake of ours is logged."""
    try:
        answer()
    except Exception as error:
        failures.noted(error)


def _is_event(body: Body) -> bool:
    return body.get("type") == "event_callback"


def _event_id(body: Body) -> str:
    return str(body.get("event_id") or body["event"].get("event_ts") or body["event"].get("ts"))
