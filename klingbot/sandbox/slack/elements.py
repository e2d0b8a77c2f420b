"""What can be pressed, chosen or filled in: the elements inside blocks, each with an id as in Slack."""

import secrets
from collections.abc import Iterable, Iterator
from typing import Any

Block = dict[str, Any]
Element = dict[str, Any]

_PLACES = ("elements", "accessory", "element")
_BUTTONS = {"button", "overflow"}
_CHOICES = {"static_select", "radio_buttons", "checkboxes", "datepicker", "timepicker"}
_PLACES_AND_PEOPLE = {"users_select", "multi_users_select", "channels_select", "conversations_select"}
_TEXTS = {"plain_text_input", "number_input", "url_text_input"}
_KINDS = _BUTTONS | _CHOICES | _PLACES_AND_PEOPLE | _TEXTS


def identified(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """The blocks and their elements with ids, which Slack gives to those that have none."""
    return tuple(_with_ids(block) for block in blocks)


def elements(block: Block) -> Iterator[Element]:
    """Everything in a block that people can act on."""
    for place in _PLACES:
        here = block.get(place, ())
        yield from (each for each in (here if isinstance(here, list | tuple) else [here]) if "action_id" in each)


def find(blocks: Iterable[Block], action_id: str, block_id: str | None = None) -> tuple[Block, Element] | None:
    """The first element with that action id, in any block or in that one."""
    for block in blocks:
        for element in elements(block):
            if element["action_id"] == action_id and block_id in (None, block["block_id"]):
                return block, element
    return None


def _with_ids(block: Block) -> Block:
    given: Block = {"block_id": _fresh_id(), **block}
    for place in (place for place in _PLACES if place in given):
        here = given[place]
        given[place] = [_acting(each) for each in here] if isinstance(here, list | tuple) else _acting(here)
    return given


def _acting(element: Element) -> Element:
    return {"action_id": _fresh_id()} | element if element["type"] in _KINDS else element


def _fresh_id() -> str:
    return secrets.token_urlsafe(4)
