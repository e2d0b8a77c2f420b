"""What Slack says about the bot's own tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from klingbot.slack.api import web_answers
from klingbot.slack.api.network_errors import UNREACHABLE
from klingbot.slack.api.slack_client import SlackClient

_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the bot token is for."""

    team: str
    bot: str
    scopes: frozenset[str]
    """The bot scopes that were granted (`x-oauth-scopes`)."""
    slack_time: datetime | None
    """Slack's clock, to the second."""


@dataclass(frozen=True, slots=True)
class Room:
    """A channel, as the bot sees it."""

    name: str
    is_member: bool
    is_archived: bool
    is_shared: bool = False
    """Whether people of other companies are in it (Slack Connect)."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Slack refused the token or could not be asked; in Slack's word, or the network's."""

    word: str
    refused: bool


def look_up(token: str, api_url: str) -> Account | Trouble:
    """Asks `auth.test`."""
    said = _asked(_client(token, api_url).auth_test)
    if isinstance(said, Trouble):
        return said
    headers = {name.lower(): value for name, value in said.headers.items()}
    scopes = frozenset(scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",") if scope.strip())
    return Account(said.get("team") or "", said.get("user") or "", scopes, _time(headers.get("date")))


def room(token: str, api_url: str, channel_id: str) -> Room | Trouble:
    """Asks `conversations.info`."""
    said = _asked(lambda: _client(token, api_url).conversations_info(channel=channel_id))
    if isinstance(said, Trouble):
        return said
    channel = web_answers.part(said, "channel")
    is_shared = bool(channel.get("is_ext_shared") or channel.get("is_pending_ext_shared"))
    is_member, is_archived = bool(channel.get("is_member")), bool(channel.get("is_archived"))
    return Room(channel.get("name") or channel_id, is_member, is_archived, is_shared)


def try_app_token(token: str, api_url: str) -> Trouble | None:
    """Asks for a Socket Mode address, which is not connected to; None when Slack gave one."""
    client = _client(token, api_url)
    said = _asked(lambda: client.apps_connections_open(app_token=token))
    return said if isinstance(said, Trouble) else None


def _client(token: str, api_url: str) -> WebClient:
    return SlackClient(token, api_url, timeout=_SECONDS)


def _asked(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except SlackApiError as e:
        return Trouble(str(e.response.get("error") or f"HTTP {e.response.status_code}"), refused=True)
    except UNREACHABLE as e:
        return Trouble(type(e).__name__, refused=False)


def _time(header: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
