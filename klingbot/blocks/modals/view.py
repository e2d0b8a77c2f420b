"""Forms: what a modal shows and asks for. Limits are Slack's (docs, "Modals" and the Block Kit reference)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from klingbot.blocks.message import Block, Message, plain
from klingbot.blocks.text import is_channel_id, is_id

LONGEST_TITLE = 24
LONGEST_OPTION = 75
LONGEST_VALUE = 150
MOST_OPTIONS = 100


TOLD = "told"
"""The callback id of what only tells something; its buttons are those of a message."""


@dataclass(frozen=True, slots=True)
class View:
    """A form to open. `callback_id` says which one it is, `memory` is what comes back with it unseen.

    Without `submit` it can only be read and closed.
    """

    callback_id: str
    title: str
    submit: str
    blocks: tuple[Block, ...]
    memory: str = ""
    close: str = "Cancel"

    def payload(self) -> dict[str, Any]:
        """As Slack's views.* methods take it."""
        return {
            "type": "modal",
            "callback_id": self.callback_id,
            "title": plain(self.title, LONGEST_TITLE),
            **({"submit": plain(self.submit, LONGEST_TITLE)} if self.submit else {}),
            "close": plain(self.close, LONGEST_TITLE),
            "private_metadata": self.memory,
            "blocks": list(self.blocks),
        }


@dataclass(frozen=True, slots=True)
class Origin:
    """Where somebody was when a form was opened, and is answered."""

    channel_id: str = ""
    response_url: str | None = None
    thread_ts: str | None = None


def told(title: str, said: Message, origin: Origin) -> View:
    """A message where a form was; its buttons lead on from the same origin. Forms take no tables and no charts."""
    return View(TOLD, title, "", said.in_words().blocks, json.dumps(asdict(origin)), close="Close")


def field(
    name: str, label: str, element: Block, *, hint: str = "", optional: bool = False, tells: bool = False, key: str = ""
) -> Block:
    """Something to fill in, known by its name. With `tells`, the bot hears of each change.

    Slack keeps what was filled in as long as the block id stays the same; another `key` begins anew.
    """
    block = {
        "type": "input",
        "block_id": f"{name}:{key}" if key else name,
        "label": plain(label, 2000),
        "element": {**element, "action_id": "field"},
        "optional": optional,
        "dispatch_action": tells,
    }
    return block | ({"hint": plain(hint, 2000)} if hint else {})


def text_input(value: str = "", *, most: int, example: str = "", lines: bool = False) -> Block:
    """Ask for a text of at most so many characters; a longer `value` is cut, because Slack would refuse the form."""
    element = {"type": "plain_text_input", "multiline": lines, "max_length": most}
    return element | ({"initial_value": value[:most]} if value else {}) | _example(example)


def url_input(value: str = "", *, example: str = "") -> Block:
    return {"type": "url_text_input"} | ({"initial_value": value} if value else {}) | _example(example)


def select(options: Mapping[str, str], chosen: str) -> Block:
    """One of several; `options` are labels by value."""
    offered = list(_options(options.items()))[:MOST_OPTIONS]
    first = [option for option in offered if option["value"] == chosen]
    return {"type": "static_select", "options": offered} | ({"initial_option": first[0]} if first else {})


def checkbox(label: str, value: str, *, ticked: bool) -> Block:
    return checkboxes({value: label}, [value] if ticked else [])


def checkboxes(options: Mapping[str, str], ticked: Collection[str]) -> Block:
    """Any of several; `options` are labels by value."""
    offered = list(_options(options.items()))
    first = [option for option in offered if option["value"] in ticked]
    return {"type": "checkboxes", "options": offered} | ({"initial_options": first} if first else {})


def day() -> Block:
    """A date to pick."""
    return {"type": "datepicker"}


def clock(time: str) -> Block:
    """A time of day to pick, like `09:00`."""
    return {"type": "timepicker", "initial_time": time}


def person_select() -> Block:
    return {"type": "users_select"}


def people_select(user_ids: Iterable[str], most: int) -> Block:
    """Up to `most` people."""
    chosen = [user_id for user_id in user_ids if is_id(user_id)][:most]
    element = {"type": "multi_users_select", "max_selected_items": most}
    return element | ({"initial_users": chosen} if chosen else {})


def channel_select(channel_id: str | None) -> Block:
    """A channel that the bot is to write in."""
    chosen = {"initial_conversation": channel_id} if channel_id and is_channel_id(channel_id) else {}
    return {"type": "conversations_select", "filter": {"include": ["public", "private"]}} | chosen


def place_select() -> Block:
    """A channel, which the bot can answer in without being there."""
    return {
        "type": "conversations_select",
        "default_to_current_conversation": True,
        "response_url_enabled": True,
        "filter": {"include": ["public", "private"]},
    }


def _options(labels: Iterable[tuple[str, str]]) -> Iterable[Block]:
    return ({"text": plain(label, LONGEST_OPTION), "value": value[:LONGEST_VALUE]} for value, label in labels)


def _example(text: str) -> Block:
    return {"placeholder": plain(text, 150)} if text else {}
