"""What reaches one person's screen: answers that only they see, and forms."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from klingbot.blocks import short_answers
from klingbot.blocks.message import Message
from klingbot.blocks.modals.view import View
from klingbot.common import deadlines
from klingbot.slack.api import response_urls
from klingbot.slack.api.network_errors import UNREACHABLE, is_timeout
from klingbot.slack.api.response_urls import Reply
from klingbot.slack.api.retry_after import retry_after_ms
from klingbot.slack.context import Hands

log = logging.getLogger(__name__)

_SECONDS = 5
_MOMENT_MS = 500
_PATIENCE_SECONDS = 8
"""Less than a bot that is asked to end may take; and others' clicks may wait for the same threads."""


def answer(response_url: str, message: Message, *, replaces: bool = False, thread_ts: str | None = None) -> None:
    """Says it to whoever acted, in the thread where they did; or rewrites the message that they acted on.

    What was asked for is done by now; a person who cannot be told sees it when they look again.
    """
    thread = {"thread_ts": thread_ts} if thread_ts and not replaces else {}
    try:
        with deadlines.within(_PATIENCE_SECONDS):
            reply = _posted(response_url, {**message.payload(), "replace_original": replaces, **thread})
            if message.has_pictures and 400 <= reply.status < 500:
                log.info("Slack does not draw an answer; it is said in words")
                words = message.in_words().payload()
                reply = _posted(response_url, {**words, "replace_original": replaces, **thread})
    except UNREACHABLE as e:
        log.warning("an answer to a click was lost: %s", type(e).__name__)
        return
    if reply.status != 200:
        log.warning("Slack did not take an answer to a click: HTTP %s %s", reply.status, reply.body[:100])


def _posted(response_url: str, payload: dict[str, Any]) -> Reply:
    """Post, and once more after a moment where Slack is busy or the connection broke. Raises as `post` does.

    After a time-out there is no second post: Slack may have taken the first.
    """
    latest = time.monotonic() + _PATIENCE_SECONDS
    try:
        reply = response_urls.post(response_url, payload, seconds=_SECONDS)
        pause = (reply.retry_after_ms or _MOMENT_MS) / 1000
        if not reply.passing or time.monotonic() + pause > latest:
            return reply
    except UNREACHABLE as e:
        if is_timeout(e):
            raise
        pause = _MOMENT_MS / 1000
    time.sleep(pause)
    return response_urls.post(response_url, payload, seconds=_SECONDS)


def tell(client: WebClient, to: str, message: Message, *, thread_ts: str | None = None) -> None:
    """Says it in somebody's direct messages, where there is no response_url; `to` is their id, or that of these."""
    said = {"channel": to, "thread_ts": thread_ts, **message.payload()}
    try:
        _in_its_turn(lambda: client.chat_postMessage(unfurl_links=False, **said))
    except SlackApiError as e:
        if message.has_pictures and e.response.get("error") == "invalid_blocks":
            tell(client, to, message.in_words(), thread_ts=thread_ts)
            return
        log.warning("an answer was lost: %s", e.response.get("error"))
    except UNREACHABLE as e:
        log.warning("an answer was lost: %s", type(e).__name__)


def hand(client: WebClient, to: str, file: Hands) -> Message:
    """Puts a file into somebody's direct messages, where nobody else sees it; what to say of it."""
    try:
        direct = client.conversations_open(users=to)["channel"]["id"]
        client.files_upload_v2(
            channel=direct, filename=file.name, title=file.name, content=file.content, initial_comment=file.words
        )
    except SlackApiError as e:
        log.warning("Slack did not take a file: %s", e.response.get("error"))
    except UNREACHABLE as e:
        log.warning("a file was lost: %s", type(e).__name__)
    else:
        return file.message
    return short_answers.unavailable("Slack did not take the file just now. Press again in a minute.")


def whisper(client: WebClient, channel_id: str, user_id: str, message: Message, *, thread_ts: str | None) -> None:
    """Says it in a channel to one person alone; in their direct messages where the channel does not take it.

    A thread that is quiet as yet would hide it (Slack's docs, chat.postEphemeral): so only where it was asked in one.
    """
    said = {"channel": channel_id, "user": user_id, "thread_ts": thread_ts, **message.payload()}
    try:
        _in_its_turn(lambda: client.chat_postEphemeral(**said))
    except SlackApiError as e:
        log.info("Slack did not take a private answer in a channel: %s", e.response.get("error"))
        tell(client, user_id, message)
    except UNREACHABLE as e:
        log.warning("an answer was lost: %s", type(e).__name__)


def _in_its_turn(say: Callable[[], object]) -> None:
    """Slack takes about one message a second for each channel (its docs, rate limits): more of them wait a little.

    Only for threads for which nobody waits. Raises SlackApiError, also when that has lasted for long.
    """
    latest = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            with deadlines.within(_PATIENCE_SECONDS):
                say()
            return
        except SlackApiError as e:
            pause = (retry_after_ms(e.response.headers) or 1000) / 1000
            if e.response.get("error") != "ratelimited" or time.monotonic() + pause > latest:
                raise
            time.sleep(pause)


def open_form(client: WebClient, trigger_id: str, view: View, *, over: bool = False) -> Message | None:
    """Opens it, `over` one that is open; what to say instead where Slack does not.

    A trigger is good for three seconds (Slack's docs).
    """
    try:
        if over:
            client.views_push(trigger_id=trigger_id, view=view.payload())
        else:
            client.views_open(trigger_id=trigger_id, view=view.payload())
    except SlackApiError as e:
        log.warning("Slack did not open the form %s: %s", view.callback_id, e.response.get("error"))
    except UNREACHABLE as e:
        log.warning("Slack could not be reached to open the form %s: %s", view.callback_id, type(e).__name__)
    else:
        return None
    return short_answers.unavailable("Slack did not open the form in time. Nothing was held or changed; try again.")


def renew_form(client: WebClient, view_id: str, view: View) -> bool:
    """Shows it anew, and whether that came to the screen: a form that was closed meanwhile stays closed."""
    try:
        client.views_update(view_id=view_id, view=view.payload())
    except SlackApiError as e:
        if e.response.get("error") != "not_found":
            log.warning("Slack did not update the form %s: %s", view.callback_id, e.response.get("error"))
    except UNREACHABLE as e:
        log.warning("Slack could not be reached to update the form %s: %s", view.callback_id, type(e).__name__)
    else:
        return True
    return False
