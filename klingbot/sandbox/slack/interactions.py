"""What people do besides typing: press, choose, submit, close; each becomes the payload that the bot gets."""

from collections import deque
from typing import Any

from klingbot.sandbox.slack import fields
from klingbot.sandbox.slack.content import Refused
from klingbot.sandbox.slack.delivery import Deliver, Failure, Payload
from klingbot.sandbox.slack.events import Events
from klingbot.sandbox.slack.payloads import NothingToPressError, Payloads, pressed
from klingbot.sandbox.slack.responses import Responses
from klingbot.sandbox.slack.triggers import Triggers
from klingbot.sandbox.slack.views import View, Views
from klingbot.sandbox.slack.workspace import Workspace

Mistakes = dict[str, str]
"""Block id → what is shown below that field; the modal stays open."""


class Interactions:
    """Used from the server's event loop only."""

    def __init__(
        self,
        workspace: Workspace,
        views: Views,
        responses: Responses,
        triggers: Triggers,
        events: Events,
        url: str,
        deliver: Deliver,
    ) -> None:
        self._workspace = workspace
        self._views = views
        self._payloads = Payloads(workspace, responses, triggers, url)
        self._events = events
        self._deliver = deliver
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
        action = pressed(message.blocks, action_id, block_id, value)
        typed = {action["block_id"]: {action_id: value}} if value is not None else {}
        payload = self._payloads.base("block_actions", user) | self._payloads.about(user, message)
        state = {"values": fields.values(message.blocks, typed)}
        return await self._tell(payload | {"actions": [action], "state": state})

    async def act(
        self, user: str, view_id: str, action_id: str, block_id: str | None, value: Any, typed: fields.Typed
    ) -> Failure | None:
        """The same in a view, where `typed` is what stands in all its fields. Raises NothingToPressError."""
        view = self._views.fill_in(self._seen(user, view_id), typed)
        action = pressed(view.blocks, action_id, block_id, value)
        container = {"type": "view", "view_id": view.id}
        payload = self._payloads.base("block_actions", user) | {"container": container, "view": view.shown()}
        return await self._tell(payload | {"actions": [action]})

    async def submit(self, user: str, view_id: str, typed: fields.Typed) -> Mistakes | Failure | Refused | None:
        """Submit a modal, unless Slack itself finds a field that cannot be so. Raises NothingToPressError.

        None: it was taken. Otherwise the modal stays, with the mistakes or with a sentence that it did not work.
        """
        view = self._views.fill_in(self._seen(user, view_id), typed)
        if mistakes := fields.mistakes(view.blocks, typed):
            return mistakes
        payload = self._payloads.base("view_submission", user) | {
            "view": view.shown(),
            "response_urls": list(self._payloads.response_urls(view)),
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
            payload = self._payloads.base("view_closed", user) | {"view": view.shown(), "is_cleared": everything}
            del payload["trigger_id"]
            await self._tell(payload)

    async def open_home(self, user: str) -> Failure | None:
        """Look at the app's home; the bot hears of it and draws it (Slack's docs, app_home_opened)."""
        return await self._events.tell("app_home_opened", self._payloads.home_opened(user, self._views.home(user)))

    async def shortcut(self, user: str, callback_id: str) -> Failure | None:
        """Use a shortcut that is there everywhere."""
        return await self._tell(self._payloads.base("shortcut", user) | {"callback_id": callback_id})

    async def message_shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> Failure | None:
        """Use a shortcut on a message that everybody sees. Raises NothingToPressError."""
        message = self._workspace.find(channel, ts)
        if message is None or message.ephemeral_to is not None:
            raise NothingToPressError(ts)
        about = self._payloads.about(user, message)
        del about["container"]
        payload = self._payloads.base("message_action", user) | about
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

    def _seen(self, user: str, view_id: str) -> View:
        view = self._views.find(user, view_id)
        if view is None:
            raise NothingToPressError(view_id)
        return view

    async def _tell(self, payload: Payload) -> Failure | None:
        self.sent.append(payload)
        outcome = await self._deliver("interactive", payload)
        return outcome if isinstance(outcome, Failure) else None


def _errors(view: View, errors: Any) -> Mistakes | Refused:
    """Slack takes errors only for blocks that can be filled in."""
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
        return Refused("invalid_response_errors")
    return {block_id: str(sentence) for block_id, sentence in errors.items()}
