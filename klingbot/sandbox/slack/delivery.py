"""How a command or a click reaches the bot: what may come back, and the way over signed HTTP.

The other way, over Socket Mode, is `socket_mode.py`.
"""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import requests

ACK_SECONDS = 3.0
"""Slack waits this long for an acknowledgement (Slack's docs, slash commands)."""


@dataclass(frozen=True, slots=True)
class Acked:
    """The bot acknowledged in time; `answer` is what it wants shown, if anything."""

    answer: dict[str, Any] | str | None


class Failure(Enum):
    """Why there is no acknowledgement; the value is the word Slack shows to the person."""

    UNREACHED = "dispatch_failed"
    TIMED_OUT = "operation_timeout"


Payload = dict[str, Any]
Kind = Literal["slash_commands", "interactive", "events_api"]
"""What is delivered, in Socket Mode's words."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The same event once more. `attempt` counts from 1; `why` is how the one before failed."""

    attempt: int
    why: Failure


class Deliver(Protocol):
    """A way over. Only events are tried again."""

    async def __call__(self, kind: Kind, payload: Payload, retry: Retry | None = None) -> Acked | Failure: ...


_REASONS = {Failure.TIMED_OUT: "http_timeout", Failure.UNREACHED: "http_error"}
"""As `x-slack-retry-reason` says it (Slack's docs, the Events API)."""


def over_http(url: str, signing_secret: str) -> Deliver:
    """Delivery as a form POST to `url`, signed with Slack's v0 scheme."""

    async def deliver(kind: Kind, payload: Payload, retry: Retry | None = None) -> Acked | Failure:
        if kind == "events_api":
            body, content_type = json.dumps(payload), "application/json"
        else:
            form = {"payload": json.dumps(payload)} if kind == "interactive" else payload
            body, content_type = urlencode(form), "application/x-www-form-urlencoded"
        try:
            async with asyncio.timeout(ACK_SECONDS):
                return await asyncio.to_thread(_post, url, signing_secret, body, content_type, retry)
        except TimeoutError:
            return Failure.TIMED_OUT

    return deliver


def signature(signing_secret: str, timestamp: str, body: str) -> str:
    """Slack's v0 request signature (Slack's docs, verifying requests)."""
    base = f"v0:{timestamp}:{body}".encode()
    return "v0=" + hmac.new(signing_secret.encode(), base, hashlib.sha256).hexdigest()


def _post(url: str, signing_secret: str, body: str, content_type: str, retry: Retry | None) -> Acked | Failure:
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": content_type,
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature(signing_secret, timestamp, body),
    }
    if retry:
        headers |= {"X-Slack-Retry-Num": str(retry.attempt), "X-Slack-Retry-Reason": _REASONS[retry.why]}
    try:
        reply = requests.post(url, body, headers=headers, timeout=ACK_SECONDS, allow_redirects=False)
        if reply.status_code != 200:
            return Failure.UNREACHED
        is_json = reply.headers.get("Content-Type", "").startswith("application/json")
        return Acked(reply.json() if is_json and reply.text else reply.text)
    except requests.Timeout:
        return Failure.TIMED_OUT
    except requests.RequestException:  # no connection, or an answer that is not what it says it is
        return Failure.UNREACHED
