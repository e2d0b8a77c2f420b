"""A form as somebody has filled it in, read from Slack's payload; and what submitting one can come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klingbot.blocks.message import Message
from klingbot.blocks.modals.view import View
from klingbot.slack.interactions import failures


@dataclass(frozen=True, slots=True)
class Filled:
    """`values` are by field name: a text, a list of texts where several can be chosen, or None where nothing stands."""

    callback_id: str
    view_id: str
    user_id: str
    memory: str
    values: Mapping[str, Any]
    block_ids: Mapping[str, str]
    """Of every field, by its name."""
    response_url: str | None
    """For the channel that was chosen in the form."""
    lies_over: bool
    """Whether another form lies under it."""
    at: str
    """When it was done, by Slack's clock; a later moment is greater."""

    @property
    def first_field(self) -> str | None:
        """Its name; None for a form that asks for nothing."""
        return next(iter(self.block_ids), None)


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What to put right, by field name; in plain text. The form stays open."""

    by_field: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """It was done; the form closes, and the person is told, through the response_url where there is one."""

    message: Message
    response_url: str | None
    thread_ts: str | None = None
    """The message in whose thread they are told."""
    rewrites: bool = False
    """In place of the message whose button opened the form."""


@dataclass(frozen=True, slots=True)
class Over:
    """Another form is laid over this one; closing it leads back."""

    view: View


@dataclass(frozen=True, slots=True)
class Instead:
    """This form shows something else; what was filled in stays where the field does."""

    view: View


Submitted = Mistakes | Taken | Over | Instead


def read(body: Mapping[str, Any]) -> Filled | None:
    """From a view_submission, or from a block_actions in a form (Slack's docs); None for what is neither."""
    try:
        return _read(body, body["view"])
    except (KeyError, IndexError, StopIteration):
        failures.not_understood("form", body)
        return None


def _read(body: Mapping[str, Any], view: Mapping[str, Any]) -> Filled:
    fields = {block: next(iter(said.values())) for block, said in view["state"]["values"].items()}
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    urls = body.get("response_urls") or [{}]
    return Filled(
        callback_id=view["callback_id"],
        view_id=view["id"],
        user_id=body["user"]["id"],
        memory=view["private_metadata"],
        values={_name(block): _value(said) for block, said in fields.items()},
        block_ids={_name(block): block for block in inputs},
        response_url=urls[0].get("response_url"),
        lies_over=bool(view.get("previous_view_id")),
        at=(body["actions"][0].get("action_ts") or "") if body.get("actions") else "",
    )


_SINGLE = ("value", "selected_user", "selected_conversation", "selected_date", "selected_time")


def _name(block_id: str) -> str:
    """Without the key after the colon: see `klingbot.blocks.modals.view.field`."""
    return block_id.partition(":")[0]


def _value(said: Mapping[str, Any]) -> Any:
    if "selected_options" in said:
        return [option["value"] for option in said["selected_options"]]
    if "selected_users" in said:
        return list(said["selected_users"])
    if "selected_option" in said:
        return (said["selected_option"] or {}).get("value")
    return next((said[name] for name in _SINGLE if said.get(name)), None)
