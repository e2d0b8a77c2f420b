"""Posts to a response_url, which Slack hands out with a command or a click (docs.slack.dev, handling interactions)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

from slack_sdk.proxy_env_variable_loader import load_http_proxy_from_env

from klingbot.common import deadlines
from klingbot.common.url_openers import opener
from klingbot.slack.api import web_answers
from klingbot.slack.api.retry_after import retry_after_ms
from klingbot.slack.api.web_answers import NotSlackError

_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Reply:
    """Slack's answer."""

    status: int
    body: str
    headers: Mapping[str, str]

    @property
    def passing(self) -> bool:
        """Return whether another try may do better."""
        return web_answers.is_passing(self.status)

    @property
    def is_from_elsewhere(self) -> bool:
        """Return whether a proxy or a portal answered: Slack neither redirects nor answers 200 with a page."""
        return 300 <= self.status < 400 or (self.status == 200 and web_answers.looks_like_a_page(self.body))

    @property
    def retry_after_ms(self) -> int | None:
        """Return when Slack wants to be asked again."""
        return retry_after_ms(self.headers)


def post(response_url: str, payload: Mapping[str, Any], *, seconds: float) -> Reply:
    """Post once, in so many seconds as a whole. Raises what `trouble.UNREACHABLE` names."""
    if not response_url.lower().startswith(("http://", "https://")):  # urllib would open files as well
        raise ValueError("not a web address")
    sent = json.dumps({key: value for key, value in payload.items() if value is not None}).encode()
    headers = {"Content-Type": "application/json;charset=utf-8"}
    request = Request(response_url, data=sent, headers=headers, method="POST")
    with deadlines.within(seconds, _MOST_BYTES):
        try:
            with opener(load_http_proxy_from_env()).open(request, timeout=seconds) as answer:
                return Reply(answer.status, answer.read().decode(errors="replace"), dict(answer.headers.items()))
        except HTTPError as error:
            return Reply(error.code, error.read().decode(errors="replace"), dict(error.headers.items()))
        except (OverflowError, MemoryError) as error:
            raise NotSlackError("an answer of an absurd length") from error
