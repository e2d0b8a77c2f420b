"""What people say to the bot in messages: by mention in channels and threads, and in its direct messages. Pure.

Threads know no slash commands, and there is nothing to escape from in a direct message: both take the same words as
the command. Source: Slack's docs, app_mention and message.im events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klingbot.domain.source_images import NoPicture, Upload, first_of
from klingbot.slack.command_line.slack_encoding import trimmed
from klingbot.slack.interactions.actors import SLACKBOT

_ADDRESS = re.compile(r"<@(\w+)(?:\|[^<>]*)?>[\s:,：，、]*")
_SLASH = re.compile(r"/kling(?:\s+|$)")
_BY_PEOPLE = (None, "file_share", "thread_broadcast")
"""Of all subtypes of a message; the others are edits, deletions and what Slack itself says."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something said by a person to the bot."""

    user_id: str
    channel_id: str
    ts: str
    thread_ts: str | None
    """The message in whose thread it was said."""
    words: str | None
    """As after `/kling`; None where the bot is mentioned in the middle: talked about, perhaps, and not to."""
    is_direct: bool
    has_files: bool
    picture: Upload | NoPicture | None
    """The first that was sent along, or why none of them can be used."""

    @property
    def request_id(self) -> str:
        """The same message delivered again has the same."""
        return f"{self.channel_id} {self.ts}"


def read(body: Mapping[str, Any]) -> Spoken | None:
    """None for what no person has said to the bot: edits, bots and its own messages. Raises KeyError, TypeError.

    An edit asks for nothing: whoever mistyped says it anew.
    """
    event = body["event"]
    is_direct = event["type"] == "message"
    if is_direct and event.get("channel_type") != "im":
        return None
    if event.get("subtype") not in _BY_PEOPLE or event.get("bot_id") or event.get("edited"):
        return None
    bot, user, channel, ts, thread = _bot(body), event["user"], event["channel"], event["ts"], event.get("thread_ts")
    if not all(isinstance(each, str) for each in (user, channel, ts, thread or "")):
        raise TypeError("an id is a text")
    if user in (bot, SLACKBOT):
        return None
    return Spoken(
        user_id=user,
        channel_id=channel,
        ts=ts,
        thread_ts=thread,
        words=_words(event.get("text") or "", bot, is_direct),
        is_direct=is_direct,
        has_files=bool(event.get("files")),
        picture=first_of(event.get("files") or ()),
    )


def _bot(body: Mapping[str, Any]) -> str:
    """The bot user that the event was sent to."""
    return str(next((each["user_id"] for each in body.get("authorizations") or () if each.get("is_bot")), ""))


def _words(text: str, bot: str, is_direct: bool) -> str | None:
    text = trimmed(text)
    addressed = _ADDRESS.match(text)
    if addressed and addressed[1] == bot:
        return _as_typed(text[addressed.end() :])
    return _as_typed(text) if is_direct else None


def _as_typed(text: str) -> str:
    """Without what is copied along from the bot's own messages: backticks around it, and the command's name."""
    words = trimmed(text)
    if words.startswith("`") and words.endswith("`"):
        words = words.strip("`").strip()
    return _SLASH.sub("", words, count=1) if words.startswith("/") else words
