"""Slack's shortcuts: the form for a video from anywhere, and from a message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from klingbot.blocks.forms import LONGEST_PROMPT
from klingbot.frames import first_of
from klingbot.jobs import Request
from klingbot.pricing import Wish
from klingbot.slack import failures, generate_form, screen
from klingbot.slack.desk import Desk
from klingbot.slack.words import plain


def register(app: App, desk: Desk) -> None:
    def from_anywhere(ack: Ack, shortcut: dict[str, Any], client: WebClient) -> None:
        ack()
        _open(desk, client, shortcut, lambda: Request("", shortcut["user"]["id"], "", "", Wish()))

    def from_message(ack: Ack, shortcut: dict[str, Any], client: WebClient) -> None:
        ack()
        _open(desk, client, shortcut, lambda: _about(shortcut["message"], shortcut))

    app.global_shortcut("generate")(from_anywhere)
    app.message_shortcut("generate_from_message")(from_message)


def _open(desk: Desk, client: WebClient, shortcut: dict[str, Any], asked: Callable[[], Request]) -> None:
    try:
        request, trigger_id = asked(), shortcut["trigger_id"]
    except KeyError:
        failures.not_understood("shortcut", shortcut)
        return
    trouble = screen.open_form(client, trigger_id, generate_form.opened(desk, request).view)
    if trouble and request.response_url:
        screen.answer(request.response_url, trouble, thread_ts=request.thread_ts)
    elif trouble:
        screen.tell(client, request.user_id, trouble)


def _about(message: dict[str, Any], shortcut: dict[str, Any]) -> Request:
    thread_ts = message.get("thread_ts")
    return Request(
        request_id="",
        user_id=shortcut["user"]["id"],
        channel_id=shortcut["channel"]["id"],
        prompt=plain(message.get("text") or "").strip()[:LONGEST_PROMPT],
        wish=Wish(),
        image_url=next(_pictures(message), None),
        response_url=shortcut.get("response_url"),
        thread_ts=thread_ts if thread_ts != message.get("ts") else None,
    )


def _pictures(message: dict[str, Any]) -> Iterator[str]:
    """What was uploaded with it, then what it shows from the web."""
    if picture := first_of(message.get("files", ())):
        yield picture
    for part in (*message.get("attachments", ()), *message.get("blocks", ())):
        if url := part.get("image_url"):
            yield url
