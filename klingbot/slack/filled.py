"""A form as somebody has filled it in, read from Slack's payload; and what submitting one can come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from klingbot.blocks.message import Message
from klingbot.slack import failures


@dataclass(frozen=True, slots=True)
class Filled:
    """`values` are by field name: a text, a list of texts for checkboxes, or None where nothing stands."""

    callback_id: str
    view_id: str
    user_id: str
    memory: str
    values: Mapping[str, Any]
    block_ids: Mapping[str, str]
    """Of every field, by its name."""
    response_url: str | None
    """For the channel that was chosen in the form."""
    at: str
    """When it was done, by Slack's clock; a later moment is greater."""


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What to put right, by field name; in plain text. The form stays open."""

    by_field: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """It was done; the form closes, and the person is told, through the response_url where there is one."""

    message: Message
    response_url: str | None


def read(body: Mapping[str, Any]) -> Filled | None:
    """From a view_submission, or from a block_actions in a form (Slack's docs); None for what is neither."""
    try:
        return _read(body, body["view"])
    except (KeyError, IndexError):
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
        at=body["actions"][0]["action_ts"] if body.get("actions") else "",
    )


def _name(block_id: str) -> str:
    """Without the key after the colon: see `klingbot.blocks.view.field`."""
    return block_id.partition(":")[0]


def _value(said: Mapping[str, Any]) -> Any:
    if "selected_options" in said:
        return [option["value"] for option in said["selected_options"]]
    if "selected_option" in said:
        return (said["selected_option"] or {}).get("value")
    return said.get("value") or said.get("selected_conversation") or said.get("selected_date")
