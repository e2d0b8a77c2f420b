"""A Slack client that tells of every answer that was an error, by Slack's word for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from klingbot.slack.trouble import UNREACHABLE

Met = Callable[[str], None]


def unheard(word: str) -> None:
    """For those who do not count."""


class CountingClient(WebClient):
    """Makes one try at each call; when to try again is for others to say."""

    def __init__(self, token: str, base_url: str, *, timeout: int, met: Met) -> None:
        super().__init__(token, base_url=base_url, timeout=timeout, retry_handlers=[])
        self._met = met

    def api_call(self, api_method: str, **sent: Any) -> Any:
        try:
            return super().api_call(api_method, **sent)
        except SlackApiError as e:
            self._met(str(e.response.get("error") or f"HTTP {e.response.status_code}"))
            raise
        except UNREACHABLE:
            self._met("unreachable")
            raise
