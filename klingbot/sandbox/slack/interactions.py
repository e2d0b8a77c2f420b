"""What people do besides typing: press, choose, submit, close; each becomes the payload that the bot gets.

Source: Slack's docs, the payloads of block_actions, view_submission, view_closed and shortcuts.
"""

import secrets
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from klingbot.sandbox.slack import fields
from klingbot.sandbox.slack.chat import shown
from klingbot.sandbox.slack.content import Refused
from klingbot.sandbox.slack.delivery import Deliver, Failure, Payload
from klingbot.sandbox.slack.elements import Block, Element, find
from klingbot.sandbox.slack.responses import Responses
from klingbot.sandbox.slack.triggers import Triggers
from klingbot.sandbox.slack.views import View, Views
from klingbot.sandbox.slack.workspace import APP_ID, TEAM_DOMAIN, TEAM_ID, Message, Workspace

Mistakes = dict[str, str]
"""Block id → what is shown below that field; the modal stays open."""


class NothingToPressError(LookupError):
    """It has gone, this person does not see it, or no such thing is on it."""


class Interactions:
    """Used from the server's event loop only."""

    def __init__(
        self, workspace: Workspace, views: Views, responses: Responses, triggers: Triggers, url: str, deliver: Deliver
    ) -> None:
        self._workspace = workspace
        self._views = views
        self._responses = responses
        self._triggers = triggers
        self._url = url
        self._deliver = deliver
        self._token = secrets.token_hex(12)
        self.sent: deque[Payload] = deque(maxlen=100)

    async def click(
        self, user: str, channel: str, ts: str, action_id: str, block_id: str | None = None, value: Any = None
    ) -> Failure | None:
        """Press or choose something in a message; None once the bot has acknowledged it. Raises NothingToPressError.

        `block_id` tells elements with the same action id apart; `value` is what was chosen.
        """
        message = self._workspace.find(channel, ts)
        if message is None or not self._workspace.sees(user, message):
            raise NothingToPressError(ts)
        action = _action(message.blocks, action_id, block_id, value)
        typed = {action["block_id"]: {action_id: value}} if value is not None else {}
        payload = self._base("block_actions", user) | self._about_message(user, message)
        state = {"values": fields.values(message.blocks, typed)}
        return await self._tell(payload | {"actions": [action], "state": state})

    async def act(
        self, user: str, view_id: str, action_id: str, block_id: str | None, value: Any, typed: fields.Typed
    ) -> Failure | None:
        """The same in a view, where `typed` is what stands in all its fields. Raises NothingToPressError."""
        view = self._views.fill_in(self._seen(user, view_id), typed)
        action = _action(view.blocks, action_id, block_id, value)
        container = {"type": "view", "view_id": view.id}
        payload = self._base("block_actions", user) | {"container": container, "view": view.shown()}
        return await self._tell(payload | {"actions": [action]})

    async def submit(self, user: str, view_id: str, typed: fields.Typed) -> Mistakes | Failure | Refused | None:
        """Submit a modal, unless Slack itself finds a field that cannot be so. Raises NothingToPressError.

        None: it was taken. Otherwise the modal stays, with the mistakes or with a sentence that it did not work.
        """
        view = self._views.fill_in(self._seen(user, view_id), typed)
        if mistakes := fields.mistakes(view.blocks, typed):
            return mistakes
        payload = self._base("view_submission", user) | {
            "view": view.shown(),
            "response_urls": list(self._response_urls(view)),
        }
        self.sent.append(payload)
        outcome = await self._deliver("interactive", payload)
        return outcome if isinstance(outcome, Failure) else self._submitted(view, outcome.answer)

    async def close(self, user: str, view_id: str, *, everything: bool) -> None:
        """Close a modal, or all that this person has open; the bot hears of it where it wanted to."""
        view = self._seen(user, view_id)
        everything = everything or bool(view.given.get("clear_on_close"))
        self._views.close(view, everything=everything)
        if view.given.get("notify_on_close"):
            payload = self._base("view_closed", user) | {"view": view.shown(), "is_cleared": everything}
            del payload["trigger_id"]
            await self._tell(payload)

    async def open_home(self, user: str) -> Failure | None:
        """Look at the app's home; the bot hears of it and draws it (Slack's docs, app_home_opened)."""
        im, view = self._workspace.im_of(user), self._views.home(user)
        event = {
            "type": "app_home_opened",
            "user": user,
            "channel": im.id if im else "",
            "tab": "home",
            "event_ts": f"{time.time():.6f}",
            **({"view": view.shown()} if view else {}),
        }
        payload = {
            "type": "event_callback",
            "token": self._token,
            "team_id": TEAM_ID,
            "api_app_id": APP_ID,
            "event": event,
            "event_id": f"Ev{secrets.token_hex(5).upper()}",
            "event_time": int(time.time()),
            "authorizations": [{"team_id": TEAM_ID, "user_id": self._workspace.bot_user_id, "is_bot": True}],
        }
        self.sent.append(payload)
        outcome = await self._deliver("events_api", payload)
        return outcome if isinstance(outcome, Failure) else None

    async def shortcut(self, user: str, callback_id: str) -> Failure | None:
        """Use a shortcut that is there everywhere."""
        return await self._tell(self._base("shortcut", user) | {"callback_id": callback_id})

    async def message_shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> Failure | None:
        """Use a shortcut on a message that everybody sees. Raises NothingToPressError."""
        message = self._workspace.find(channel, ts)
        if message is None or message.ephemeral_to is not None:
            raise NothingToPressError(ts)
        about = self._about_message(user, message)
        del about["container"]
        payload = self._base("message_action", user) | about
        return await self._tell(payload | {"callback_id": callback_id, "message_ts": ts})

    def _submitted(self, view: View, answer: dict[str, Any] | str | None) -> Mistakes | Refused | None:
        """What the acknowledgement of a submission asks for (Slack's docs, response actions)."""
        wanted = answer if isinstance(answer, dict) else {}
        match wanted.get("response_action"):
            case None:
                self._views.close(view)
                return None
            case "clear":
                self._views.close(view, everything=True)
                return None
            case "errors":
                return _errors(view, wanted.get("errors"))
            case "update":
                outcome = self._views.update(view.id, wanted.get("view"))
            case "push":
                outcome = self._views.push(view.user, wanted.get("view"))
            case _:
                return Refused("invalid_response_action")
        return outcome if isinstance(outcome, Refused) else None

    def _response_urls(self, view: View) -> Iterator[dict[str, str]]:
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

    def _seen(self, user: str, view_id: str) -> View:
        view = self._views.find(user, view_id)
        if view is None:
            raise NothingToPressError(view_id)
        return view

    async def _tell(self, payload: Payload) -> Failure | None:
        self.sent.append(payload)
        outcome = await self._deliver("interactive", payload)
        return outcome if isinstance(outcome, Failure) else None

    def _base(self, kind: str, user: str) -> Payload:
        name = self._workspace.people[user].name
        return {
            "type": kind,
            "user": {"id": user, "username": name, "name": name, "team_id": TEAM_ID},
            "api_app_id": APP_ID,
            "token": self._token,
            "trigger_id": self._triggers.open(user),
            "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _about_message(self, user: str, message: Message) -> Payload:
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


_TOLD = ("type", "action_id", "text", "value", "style")


def _action(blocks: tuple[Block, ...], action_id: str, block_id: str | None, value: Any) -> dict[str, Any]:
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


def _errors(view: View, errors: Any) -> Mistakes | Refused:
    """Slack takes errors only for blocks that can be filled in."""
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
        return Refused("invalid_response_errors")
    return {block_id: str(sentence) for block_id, sentence in errors.items()}
