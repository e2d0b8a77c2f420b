"""Slack's shortcuts: the form for a video from anywhere, and from a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient

from klingbot.domain.jobs import Request
from klingbot.domain.pricing import Wish
from klingbot.domain.source_images import NoPicture, Upload, first_of, unreachable
from klingbot.slack.command_line.slack_encoding import clean, plain, trimmed
from klingbot.slack.context import Desk
from klingbot.slack.features import generate_form
from klingbot.slack.interactions import answers, failures, mention_names


def register(app: App, desk: Desk) -> None:
    def from_anywhere(ack: Ack, shortcut: dict[str, Any], client: WebClient) -> None:
        ack()
        _open(desk, client, shortcut, lambda: (Request("", shortcut["user"]["id"], "", "", Wish()), ""))

    def from_message(ack: Ack, shortcut: dict[str, Any], client: WebClient) -> None:
        ack()
        _open(desk, client, shortcut, lambda: _about(desk, shortcut["message"], shortcut))

    app.global_shortcut("generate")(from_anywhere)
    app.message_shortcut("generate_from_message")(from_message)


def _open(desk: Desk, client: WebClient, shortcut: dict[str, Any], asked: Callable[[], tuple[Request, str]]) -> None:
    """Open the form with the request and the note that `asked` reads from the shortcut."""
    try:
        (request, note), trigger_id = asked(), shortcut["trigger_id"]
    except KeyError:
        failures.not_understood("shortcut", shortcut)
        return
    trouble = answers.open_form(client, trigger_id, generate_form.opened(desk, request, note=note).view)
    if trouble and request.response_url:
        answers.answer(request.response_url, trouble, thread_ts=request.thread_ts)
    elif trouble:
        answers.tell(client, request.user_id, trouble)


def _about(desk: Desk, message: dict[str, Any], shortcut: dict[str, Any]) -> tuple[Request, str]:
    """Return the request that the message amounts to, and why its picture is not taken over, if so."""
    thread_ts = message.get("thread_ts")
    picture = first_of(message.get("files") or ())
    upload = picture if isinstance(picture, Upload) else None
    shown = None if upload else _shown(message)
    request = Request(
        request_id="",
        user_id=shortcut["user"]["id"],
        channel_id=shortcut["channel"]["id"],
        prompt=trimmed(plain(mention_names.with_names(desk, clean(_text(message))))),
        wish=Wish(),
        image_url=upload.image_url if upload else shown if isinstance(shown, str) else None,
        response_url=shortcut.get("response_url"),
        thread_ts=thread_ts if thread_ts != message.get("ts") else None,
        picture=upload,
    )
    missing = next((each for each in (shown, picture) if isinstance(each, NoPicture)), None)
    return request, missing.reason if missing and not request.image_url else ""


def _text(message: dict[str, Any]) -> str:
    """Return the words of a message. Apps may put theirs into blocks and attachments alone."""
    text = message.get("text")
    parts = (*(message.get("blocks") or ()), *(message.get("attachments") or ()))
    return text if text and isinstance(text, str) else "\n".join(filter(None, map(_text_of_part, parts)))


def _text_of_part(part: Any) -> str:
    """Read a section or header block, or an attachment (Slack's docs, Block Kit and secondary attachments)."""
    if not isinstance(part, dict):
        return ""
    text = part.get("text")
    text = text.get("text") if isinstance(text, dict) else text or part.get("fallback")
    return text if isinstance(text, str) else ""


def _shown(message: dict[str, Any]) -> str | NoPicture | None:
    """Return the first picture from the web that the message shows and Kling can open, or why Kling can open none.

    Whoever made the message chose these addresses: nothing but a web address is taken from them.
    """
    parts = (*(message.get("attachments") or ()), *(message.get("blocks") or ()))
    urls = [url for part in parts if isinstance(part, dict) and isinstance(url := part.get("image_url"), str) and url]
    reasons = {url: unreachable(url) for url in urls}
    usable = (url for url, reason in reasons.items() if reason is None)
    return next(usable, next((NoPicture(reason) for reason in reasons.values() if reason), None))
