"""How a message leaves for Slack, and what Slack's answer means for it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http.client import HTTPException
from typing import Literal

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

from klingbot.blocks.message import Message

log = logging.getLogger(__name__)

# Slack's own words for trouble that passes (docs.slack.dev, chat.postMessage). Every other word is about this place or
# this message, and asking again will not change it.
_PASSING = {
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "message_limit_exceeded",
}
# The bot itself is at fault. Every place would answer the same, so wait for somebody to mend it.
_OURS = {
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "missing_scope",
    "team_access_not_granted",
    "ekm_access_denied",
}
OURS_AGAIN_MS = 60_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where to say something: a channel, a person's direct messages, or the response_url of a command."""

    kind: Literal["channel", "direct", "answer"]
    address: str

    @classmethod
    def channel(cls, channel_id: str) -> Place:
        return cls("channel", channel_id)

    @classmethod
    def direct(cls, user_id: str) -> Place:
        return cls("direct", user_id)

    @classmethod
    def answer(cls, response_url: str) -> Place:
        return cls("answer", response_url)


@dataclass(frozen=True, slots=True)
class Sent:
    channel: str
    ts: str | None
    """Slack's id of the message; an answer through a response_url has none."""


@dataclass(frozen=True, slots=True)
class Later:
    """Trouble that passes. `after_ms` is Slack's own wish, None when it had none."""

    problem: str
    after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Impossible:
    """This place cannot be told; another may."""

    problem: str


class Sender:
    """Says messages in Slack, one call each, without retrying: when to try again is the outbox's business."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def send(self, place: Place, message: Message) -> Sent | Later | Impossible:
        try:
            return self._answer(place, message) if place.kind == "answer" else self._post(place, message)
        except SlackApiError as e:
            return _meaning(e)
        except (OSError, HTTPException, SlackClientError, ValueError) as e:
            log.info("Slack could not be reached: %s", type(e).__name__)
            return Later(f"Slack could not be reached ({type(e).__name__})")

    def _post(self, place: Place, message: Message) -> Sent:
        channel = place.address
        if place.kind == "direct":
            channel = self._client.conversations_open(users=channel)["channel"]["id"]
        posted = self._client.chat_postMessage(
            channel=channel, text=message.text, blocks=list(message.blocks), unfurl_links=False
        )
        return Sent(posted["channel"], posted["ts"])

    def _answer(self, place: Place, message: Message) -> Sent | Later | Impossible:
        webhook = WebhookClient(place.address, timeout=self._client.timeout)
        reply = webhook.send(text=message.text, blocks=list(message.blocks), response_type="in_channel")
        if reply.status_code == 200:
            return Sent(place.address, None)
        passing = reply.status_code == 429 or reply.status_code >= 500
        return Later(f"HTTP {reply.status_code}") if passing else Impossible(reply.body[:100])


def _meaning(error: SlackApiError) -> Later | Impossible:
    reply = error.response
    word = str(reply.get("error") or f"HTTP {reply.status_code}")
    if word in _OURS:
        return Later(word, OURS_AGAIN_MS)
    if word in _PASSING or reply.status_code == 429 or reply.status_code >= 500:
        wait = str(reply.headers.get("Retry-After", ""))
        return Later(word, int(wait) * 1000 if wait.isdecimal() else None)
    return Impossible(word)
