"""Clicks: from a button in a message to the payload that the bot gets (Slack's docs, block_actions payload)."""

import secrets
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from klingbot.sandbox.slack.chat import shown
from klingbot.sandbox.slack.delivery import Deliver, Failure, Payload, trigger_id
from klingbot.sandbox.slack.responses import Responses
from klingbot.sandbox.slack.workspace import APP_ID, TEAM_DOMAIN, TEAM_ID, Message, Workspace

_TOLD = ("type", "action_id", "text", "value", "style")


class NothingToPressError(LookupError):
    """The message has gone, this person does not see it, or no such button is on it."""


class Interactions:
    """Turns clicks into deliveries. Used from the server's event loop only."""

    def __init__(self, workspace: Workspace, responses: Responses, url: str, deliver: Deliver) -> None:
        self._workspace = workspace
        self._responses = responses
        self._url = url
        self._deliver = deliver
        self._token = secrets.token_hex(12)
        self.sent: deque[Payload] = deque(maxlen=100)

    async def click(
        self, user: str, channel: str, ts: str, action_id: str, block_id: str | None = None
    ) -> Failure | None:
        """Deliver a click; None once the bot has acknowledged it. Raises NothingToPressError.

        `block_id` tells buttons with the same action id apart.
        """
        message = self._workspace.find(channel, ts)
        if message is None or not self._workspace.sees(user, message):
            raise NothingToPressError(ts)
        payload = self._payload(user, message, _action(message, action_id, block_id))
        self.sent.append(payload)
        outcome = await self._deliver("interactive", payload)
        return outcome if isinstance(outcome, Failure) else None

    def _payload(self, user: str, message: Message, action: dict[str, Any]) -> Payload:
        channel, person = self._workspace.channels[message.channel], self._workspace.people[user]
        ephemeral = message.ephemeral_to is not None
        ticket = self._responses.open(channel.id, user, message)
        container = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": ephemeral,
        }
        return {
            "type": "block_actions",
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": TEAM_ID},
            "api_app_id": APP_ID,
            "token": self._token,
            "container": container | ({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            "trigger_id": trigger_id(),
            "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": channel.id, "name": channel.name_for_bots()},
            # Slack shows the bot what it said to all, and not what one person alone has on their screen.
            **({} if ephemeral else {"message": shown(message)}),
            "state": {"values": {}},
            "response_url": f"{self._url}/response/{ticket}",
            "actions": [action],
        }


def _action(message: Message, action_id: str, block_id: str | None) -> dict[str, Any]:
    """What is told about the button that was pressed: all of it but the question it asked first."""
    for block in message.blocks:
        for element in _elements(block):
            if element.get("action_id") == action_id and block_id in (None, block["block_id"]):
                told = {name: element[name] for name in _TOLD if name in element}
                return {**told, "block_id": block["block_id"], "action_ts": f"{time.time():.6f}"}
    raise NothingToPressError(action_id)


def _elements(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from block.get("elements", ())
    if accessory := block.get("accessory"):
        yield accessory
