"""What the bot is told of what people do, as Slack words it.

Source: Slack's docs, the payloads of block_actions, view_submission, view_closed, shortcuts and app_home_opened.
"""

import secrets
import time
from collections.abc import Iterable, Iterator
from typing import Any

from klingbot.sandbox.slack import fields
from klingbot.sandbox.slack.chat import shown
from klingbot.sandbox.slack.delivery import Payload
from klingbot.sandbox.slack.elements import Block, Element, find
from klingbot.sandbox.slack.responses import Responses
from klingbot.sandbox.slack.roster import APP_ID, TEAM_DOMAIN, TEAM_ID
from klingbot.sandbox.slack.triggers import Triggers
from klingbot.sandbox.slack.views import View
from klingbot.sandbox.slack.workspace import Message, Workspace


class NothingToPressError(LookupError):
    """It has gone, this person does not see it, or no such thing is on it."""


class Payloads:
    """Each with a fresh trigger id, and a fresh response_url where there is a message to answer."""

    def __init__(self, workspace: Workspace, responses: Responses, triggers: Triggers, url: str) -> None:
        self._workspace = workspace
        self._responses = responses
        self._triggers = triggers
        self._url = url
        self._token = secrets.token_hex(12)

    def base(self, kind: str, user: str) -> Payload:
        """What every payload begins with."""
        person = self._workspace.people[user]
        return {
            "type": kind,
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": person.team_id},
            "api_app_id": APP_ID,
            "token": self._token,
            "trigger_id": self._triggers.open(user),
            "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def about(self, user: str, message: Message) -> Payload:
        """The message that somebody acts on."""
        channel = self._workspace.channels[message.channel]
        ephemeral = message.ephemeral_to is not None
        container = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": ephemeral,
        }
        return {
            "container": container | ({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            "channel": {"id": channel.id, "name": channel.name_for_bots()},
            # Slack shows the bot what it said to all, and not what one person alone has on their screen.
            **({} if ephemeral else {"message": shown(message)}),
            "response_url": f"{self._url}/response/{self._responses.open(channel.id, user, message)}",
        }

    def response_urls(self, view: View) -> Iterator[dict[str, str]]:
        """One for each conversation that was chosen where the bot wanted to answer."""
        said = fields.values(view.blocks, view.typed)
        for block in view.blocks:
            element = block.get("element", {})
            if not element.get("response_url_enabled"):
                continue
            ids = {"block_id": block["block_id"], "action_id": element["action_id"]}
            if channel := said[ids["block_id"]][ids["action_id"]]["selected_conversation"]:
                url = f"{self._url}/response/{self._responses.open(channel, view.user)}"
                yield {**ids, "channel_id": channel, "response_url": url}

    def home_opened(self, user: str, view: View | None) -> dict[str, Any]:
        """The event; `view` is what stands on the home already."""
        im = self._workspace.im_of(user)
        return {
            "type": "app_home_opened",
            "user": user,
            "channel": im.id if im else "",
            "tab": "home",
            "event_ts": f"{time.time():.6f}",
            **({"view": view.shown()} if view else {}),
        }


_TOLD = ("type", "action_id", "text", "value", "style")


def pressed(blocks: Iterable[Block], action_id: str, block_id: str | None, value: Any) -> dict[str, Any]:
    """What is told about what was pressed: all of it but the question it asked first; or what was chosen."""
    found = find(blocks, action_id, block_id)
    if found is None:
        raise NothingToPressError(action_id)
    block, element = found
    return {**_told(element, value), "block_id": block["block_id"], "action_ts": f"{time.time():.6f}"}


def _told(element: Element, value: Any) -> dict[str, Any]:
    if element["type"] == "button":
        return {name: element[name] for name in _TOLD if name in element}
    return {"type": element["type"], "action_id": element["action_id"], **fields.said(element, value)}
