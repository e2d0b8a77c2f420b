"""The Bolt app: how requests are checked, what answers them, and what is said when something breaks."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.http_retry import default_retry_handlers

from klingbot.slack.api.directory import QUICK_SECONDS, quick_client
from klingbot.slack.api.slack_client import SlackClient
from klingbot.slack.context import Desk
from klingbot.slack.interactions import access, buttons, commands, failures, home, messages, modals, shortcuts
from klingbot.slack.interactions.home import Homes

CLICKS_AT_ONCE = 10


class TimedApp(App):
    """An app whose listeners get a client with time limits, and which tells how long each request took.

    In seconds: Slack's three seconds are about that.
    """

    def __init__(self, took: Callable[[float], None], **options: Any) -> None:
        super().__init__(**options)
        self._took = took

    def dispatch(self, req: BoltRequest) -> BoltResponse:
        began = time.monotonic()
        try:
            return super().dispatch(req)
        finally:
            self._took(time.monotonic() - began)

    def _init_context(self, req: BoltRequest) -> None:
        """Replace the client that Bolt makes for each request, which is always the SDK's own."""
        super()._init_context(req)
        req.context["client"] = _click_client(self.client.base_url)


def build(
    desk: Desk,
    *,
    token: str,
    api_url: str,
    signing_secret: str | None = None,
    took: Callable[[float], None] = lambda seconds: None,
    homes: Homes | None = None,
) -> App:
    """The app for one workspace. Makes no call to Slack until somebody asks for something.

    Listeners do only fast work, so they run before the response (`process_before_response`): Bolt's other way answers
    from a pool of five threads that it polls every 10 ms. What a click comes to is worked out after the response, by
    threads of its own.
    """
    # What is worth knowing of what they log, Klingbot says itself, and once.
    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)
    app = TimedApp(
        took,
        logger=logging.getLogger("slack_bolt"),
        client=_click_client(api_url),
        # By itself Bolt asks Slack whose token this is before the first listener runs.
        authorize=lambda: AuthorizeResult(enterprise_id=None, team_id=None, bot_token=token),
        # Socket Mode has no signatures. Then nothing that comes over HTTP may ever pass for Slack's.
        signing_secret=signing_secret or secrets.token_hex(32),
        process_before_response=True,
        listener_executor=ThreadPoolExecutor(CLICKS_AT_ONCE, thread_name_prefix="click"),
    )
    app.error(_answer_failure)
    homes = homes or Homes(desk, quick_client(token, api_url))
    access.install(app, desk, homes)
    commands.register(app, desk)
    buttons.register(app, desk)
    modals.register(app, desk)
    shortcuts.register(app, desk)
    messages.register(app, desk)
    home.register(app, homes)
    return app


def _click_client(api_url: str) -> SlackClient:
    """Return a client for one request. Bolt gives it the token."""
    return SlackClient(None, api_url, timeout=QUICK_SECONDS, retry_handlers=default_retry_handlers())


def _answer_failure(error: Exception) -> BoltResponse:
    return BoltResponse(status=200, body={"response_type": "ephemeral", **failures.noted(error).payload()})
