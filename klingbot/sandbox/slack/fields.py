"""What people fill in: Slack's `state.values`, and what Slack refuses before the bot hears of it.

Source: Slack's docs, view submission payloads and the Block Kit reference of each element.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from klingbot.sandbox.slack.elements import Block, Element, elements

Typed = Mapping[str, Mapping[str, Any]]
"""Block id → action id → what stands in the field: a text, a list of texts, or None."""

REQUIRED = "Please complete this required field."


def values(blocks: Iterable[Block], typed: Typed) -> dict[str, dict[str, Any]]:
    """Every field as Slack tells the bot; one that was not touched has its initial value."""
    found: dict[str, dict[str, Any]] = {}
    for block in blocks:
        for element in elements(block):
            if element["type"] in _READ:
                read = {"type": element["type"], **said(element, _in(typed, block, element))}
                found.setdefault(block["block_id"], {})[element["action_id"]] = read
    return found


def said(element: Element, given: Any) -> dict[str, Any]:
    """What one field says, in Slack's form; nothing for a button."""
    read = _READ.get(element["type"])
    return read(element, given) if read else {}


def mistakes(blocks: Iterable[Block], typed: Typed) -> dict[str, str]:
    """Block id → the sentence that Slack itself shows below a field that cannot be submitted so."""
    inputs = [block for block in blocks if block["type"] == "input"]
    found = {block["block_id"]: _mistake(block, _in(typed, block, block["element"])) for block in inputs}
    return {block_id: sentence for block_id, sentence in found.items() if sentence}


def _in(typed: Typed, block: Block, element: Element) -> Any:
    return typed.get(block["block_id"], {}).get(element["action_id"], initial(element))


def initial(element: Mapping[str, Any]) -> Any:
    """What a field holds before anybody touches it."""
    match element["type"]:
        case "static_select" | "radio_buttons":
            return element.get("initial_option", {}).get("value")
        case "checkboxes":
            return [option["value"] for option in element.get("initial_options", ())]
        case "datepicker":
            return element.get("initial_date")
        case "timepicker":
            return element.get("initial_time")
        case "users_select":
            return element.get("initial_user")
        case "multi_users_select":
            return element.get("initial_users", [])
        case "channels_select":
            return element.get("initial_channel")
        case "conversations_select":
            return element.get("initial_conversation")
    return element.get("initial_value")


def _mistake(block: Block, given: Any) -> str | None:
    element = block["element"]
    if not given:
        return None if block.get("optional") else REQUIRED
    if element["type"] == "plain_text_input":
        return _length(element, str(given))
    if element["type"] == "number_input":
        return _number(element, str(given))
    if element["type"] == "multi_users_select" and len(given) > element.get("max_selected_items", len(given)):
        return f"Please choose {element['max_selected_items']} people or fewer."
    if element["type"] == "url_text_input" and not urlsplit(str(given)).netloc:
        return "Please enter a valid URL."
    return None


def _length(element: Element, given: str) -> str | None:
    if len(given) < element.get("min_length", 0):
        return f"Please use at least {element['min_length']} characters."
    most = element.get("max_length", 3000)
    return f"Please use {most:,} characters or fewer." if len(given) > most else None


def _number(element: Element, given: str) -> str | None:
    try:
        number = float(given) if element["is_decimal_allowed"] else int(given)
    except ValueError:
        return "Please enter a valid number."
    if number < float(element.get("min_value", "-inf")):
        return f"Please enter a number of at least {element['min_value']}."
    if number > float(element.get("max_value", "inf")):
        return f"Please enter a number of at most {element['max_value']}."
    return None


def _option(element: Element, value: Any) -> dict[str, Any] | None:
    groups = element.get("option_groups") or [element]
    return next((option for group in groups for option in group["options"] if option["value"] == value), None)


def _options(element: Element, chosen: Any) -> list[dict[str, Any]]:
    return [option for option in element["options"] if option["value"] in (chosen or ())]


_READ: Mapping[str, Callable[[Element, Any], dict[str, Any]]] = {
    "plain_text_input": lambda element, given: {"value": given or None},
    "number_input": lambda element, given: {"value": given or None},
    "url_text_input": lambda element, given: {"value": given or None},
    "static_select": lambda element, given: {"selected_option": _option(element, given)},
    "radio_buttons": lambda element, given: {"selected_option": _option(element, given)},
    "checkboxes": lambda element, given: {"selected_options": _options(element, given)},
    "datepicker": lambda element, given: {"selected_date": given or None},
    "timepicker": lambda element, given: {"selected_time": given or None},
    "users_select": lambda element, given: {"selected_user": given or None},
    "multi_users_select": lambda element, given: {"selected_users": given or []},
    "channels_select": lambda element, given: {"selected_channel": given or None},
    "conversations_select": lambda element, given: {"selected_conversation": given or None},
}
