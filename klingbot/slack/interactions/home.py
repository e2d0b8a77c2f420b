"""The home tab: drawn when somebody opens it, and anew when something has moved, for as long as they may be looking."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from klingbot.blocks import home as home_blocks
from klingbot.blocks.message import Message, in_words
from klingbot.engine.home import home
from klingbot.slack.api.network_errors import UNREACHABLE
from klingbot.slack.api.retry_after import retry_after_ms
from klingbot.slack.context import Desk

log = logging.getLogger(__name__)

LOOKED_AT_SECONDS = 15 * 60
"""Slack does not say when somebody looks away."""
MOST_AT_ONCE = 20
"""Homes that are kept fresh: views.publish may be called a hundred times a minute (Slack's docs)."""


class Homes:
    """The homes that were opened lately. Safe to share between threads."""

    def __init__(self, desk: Desk, client: WebClient, seconds: Callable[[], float] = time.monotonic) -> None:
        self._desk = desk
        self._client = client
        self._seconds = seconds
        self._lock = threading.Lock()
        self._drawing: dict[str, threading.Lock] = {}
        """By person: an older drawing must not come after a newer one, and a slow one keeps nobody else waiting."""
        self._rests_until = 0.0
        self._opened: OrderedDict[str, float] = OrderedDict()
        self._shown: dict[str, str] = {}

    def open(self, user_id: str) -> None:
        """Draws it, and keeps it fresh from now on."""
        with self._lock:
            self._opened[user_id] = self._seconds()
            self._opened.move_to_end(user_id)
            if len(self._opened) > MOST_AT_ONCE:
                self._forget(next(iter(self._opened)))
            self._shown.pop(user_id, None)
        self._draw(user_id)

    def decline(self, user_id: str, why: Message) -> None:
        """Show why somebody has no home here, and nothing else from now on."""
        with self._lock:
            self._forget(user_id)
        with self._drawing_of(user_id):
            self._publish(user_id, {"type": "home", "blocks": list(why.blocks)})

    def refresh(self) -> None:
        """Draw those anew on which something has moved, unless Slack wants to be left alone."""
        if self._seconds() < self._rests_until:
            return
        with self._lock:
            for user_id, at in list(self._opened.items()):
                if self._seconds() - at > LOOKED_AT_SECONDS:
                    self._forget(user_id)
            looking = list(self._opened)
        for user_id in looking:
            if self._desk.directory.seems_admitted(user_id):
                self._draw(user_id)

    def _draw(self, user_id: str) -> None:
        engine = self._desk.engine
        with self._drawing_of(user_id):
            content = home(engine, user_id, is_admin=self._desk.directory.seems_admin(user_id))
            view = {"type": "home", "blocks": home_blocks.home(content, engine.calendar)}
            written = json.dumps(view)
            if self._shown.get(user_id) != written and self._publish(user_id, view):
                self._shown[user_id] = written

    def _publish(self, user_id: str, view: dict[str, Any]) -> bool:
        try:
            self._publish_drawn(user_id, view)
        except SlackApiError as e:
            log.warning("Slack did not take a home: %s", e.response.get("error"))
            self._rests_until = self._seconds() + (retry_after_ms(e.response.headers) or 0) / 1000
            return False
        except UNREACHABLE as e:
            log.warning("Slack could not be reached to draw a home: %s", type(e).__name__)
            return False
        return True

    def _publish_drawn(self, user_id: str, view: dict[str, Any]) -> None:
        """In words where Slack draws no tables on a home."""
        try:
            self._client.views_publish(user_id=user_id, view=view)
        except SlackApiError as e:
            if e.response.get("error") not in ("invalid_arguments", "invalid_blocks"):
                raise
            log.info("Slack does not draw a home; it is said in words")
            self._client.views_publish(user_id=user_id, view=view | {"blocks": [*in_words(view["blocks"])]})

    def _drawing_of(self, user_id: str) -> threading.Lock:
        with self._lock:
            return self._drawing.setdefault(user_id, threading.Lock())

    def _forget(self, user_id: str) -> None:
        self._opened.pop(user_id, None)
        self._shown.pop(user_id, None)


def register(app: App, homes: Homes) -> None:
    def acknowledge(ack: Ack) -> None:
        ack()

    def opened(event: dict[str, Any]) -> None:
        if event.get("tab") == "home" and (user_id := event.get("user")):
            homes.open(user_id)

    app.event("app_home_opened")(ack=acknowledge, lazy=[opened])
