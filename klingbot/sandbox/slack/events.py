"""What the app has subscribed to hear of: each event once, and again for as long as the bot does not acknowledge it.

Source: Slack's docs, the Events API, app_mention and message.im.
"""

import asyncio
import re
import secrets
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from klingbot.sandbox.slack.chat import shown
from klingbot.sandbox.slack.delivery import Deliver, Failure, Payload, Retry
from klingbot.sandbox.slack.roster import APP_ID, TEAM_ID
from klingbot.sandbox.slack.workspace import Change, Message, Workspace
from klingbot.slack.manifest import Manifest

AGAIN_SECONDS = (0.0, 60.0, 300.0)
"""Slack tries three times more: nearly at once, after a minute, and after five."""
SCOPE_OF = {"app_mention": "app_mentions:read", "message.im": "im:history", "app_home_opened": None}
"""The events that happen here, and the scope that lets an app hear of each."""

Event = dict[str, Any]


class Events:
    """Used from the server's event loop only."""

    def __init__(
        self,
        workspace: Workspace,
        manifest: Manifest,
        deliver: Deliver,
        again_seconds: tuple[float, ...] = AGAIN_SECONDS,
    ) -> None:
        self._workspace = workspace
        self._manifest = manifest
        self._deliver = deliver
        self._again_seconds = again_seconds
        self._retrying: set[asyncio.Task[None]] = set()
        self._token = secrets.token_hex(12)
        self.sent: deque[Payload] = deque(maxlen=100)

    async def tell(self, name: str, event: Event) -> Failure | None:
        """Deliver an event, if the app has asked for it; None once the bot has acknowledged it, or need not hear."""
        if name not in self._manifest.events or not self._may_hear(name):
            return None
        payload = self._envelope(event)
        self.sent.append(payload)
        return await self.deliver(payload)

    async def deliver(self, payload: Payload) -> Failure | None:
        """Deliver a payload, and not only once if asked again: bots must survive repeated deliveries.

        What fails now is tried again later, unchanged, without anybody waiting for it.
        """
        outcome = await self._deliver("events_api", payload)
        if not isinstance(outcome, Failure):
            return None
        retrying = asyncio.create_task(self._try_again(payload, outcome))
        self._retrying.add(retrying)
        retrying.add_done_callback(self._retrying.discard)
        return outcome

    async def _try_again(self, payload: Payload, why: Failure) -> None:
        for attempt, seconds in enumerate(self._again_seconds, 1):
            await asyncio.sleep(seconds)
            outcome = await self._deliver("events_api", payload, Retry(attempt, why))
            if not isinstance(outcome, Failure):
                return
            why = outcome

    def _may_hear(self, name: str) -> bool:
        scope = SCOPE_OF[name]
        return scope is None or scope in self._manifest.scopes

    def _is_shared(self, event: Event) -> bool:
        channel = self._workspace.channels.get(event.get("channel", ""))
        return channel is not None and self._workspace.is_shared(channel)

    def _envelope(self, event: Event) -> Payload:
        return {
            "type": "event_callback",
            "token": self._token,
            "team_id": TEAM_ID,
            "api_app_id": APP_ID,
            "event": event,
            "event_id": f"Ev{secrets.token_hex(5).upper()}",
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": TEAM_ID,
                    "user_id": self._workspace.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": self._is_shared(event),
        }


def told_of(change: Change, workspace: Workspace) -> Iterator[tuple[str, Event]]:
    """What of a change there is to hear, by the name of the event.

    A mention where the bot is a member; everything in its direct messages, also what it says there itself.
    """
    message, bot = change.message, workspace.bot_user_id
    channel = workspace.channels[message.channel]
    if message.ephemeral_to is not None:
        return
    place = {"channel": channel.id, "event_ts": message.ts}
    if channel.is_im:
        yield (
            "message.im",
            {**_in_direct_messages(change), **place, **_from_elsewhere(change, workspace), "channel_type": "im"},
        )
    elif change.kind == "posted" and bot in channel.members and _mentions(message, bot):
        yield "app_mention", {**shown(message), **place, **_from_elsewhere(change, workspace), "type": "app_mention"}


def _from_elsewhere(change: Change, workspace: Workspace) -> Event:
    """What Slack adds to a message of somebody from another company (Slack's docs, "Understanding Slack Connect")."""
    person = workspace.people[change.message.user]
    if change.kind != "posted" or not person.is_outsider:
        return {}
    return {"team": person.team_id, "user_team": person.team_id, "source_team": person.team_id}


def _mentions(message: Message, bot: str) -> bool:
    return message.user != bot and re.search(rf"<@{bot}(\|[^>]*)?>", message.text) is not None


def _in_direct_messages(change: Change) -> Event:
    if change.kind == "posted":
        return shown(change.message)
    hidden = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": change.message.ts}
    if change.kind == "updated":
        return {**hidden, "message": shown(change.message)}
    return {**hidden, "subtype": "message_deleted", "deleted_ts": change.message.ts}
