"""Slack's limits on modals and homes, as strict as Slack itself. The figures are those of its Block Kit reference."""

from collections.abc import Iterator
from typing import Any

from klingbot.sandbox.slack.limits import BLOCKS, DRAWN, ELEMENTS, FLAG, ID, across, block, plain
from klingbot.sandbox.slack.payload_shapes import Check, Problem, by_type, list_of, object_of, one_of, string

MOST_BLOCKS = 100
LONGEST_TITLE = 24
LONGEST_METADATA = 3000
LONGEST_INPUT = 3000


def problems(view: object, kind: str) -> list[Problem]:
    """Everything Slack would refuse a view of that kind for (`invalid_arguments`); empty when all is well."""
    if not isinstance(view, dict) or view.get("type") != kind:
        return [Problem("/view/type", f"must be {kind}")]
    found = list(_SHAPES[kind](view, "/view"))
    return found or list(_beyond(view))


def _beyond(view: dict[str, Any]) -> Iterator[Problem]:
    """The rules that look beyond one field; the view is well formed by now."""
    yield from across(view["blocks"], "/view/blocks")
    inputs = [each for each in view["blocks"] if each["type"] == "input"]
    if view["type"] == "modal" and inputs and "submit" not in view:
        yield Problem("/view", "missing required field: submit")
    if sum(bool(each["element"].get("focus_on_load")) for each in inputs) > 1:
        yield Problem("/view/blocks", "only one element may have focus_on_load")


def _count(most: int) -> Check:
    def check(value: Any, place: str) -> Iterator[Problem]:
        if not isinstance(value, int) or not 0 <= value <= most:
            yield Problem(place, f"must be a number from 0 to {most}")

    return check


def _maybe_empty(longest: int) -> Check:
    def check(value: Any, place: str) -> Iterator[Problem]:
        if value != "":
            yield from string(longest)(value, place)

    return check


_DISPATCH = object_of(
    {"trigger_actions_on": list_of(2, one_of("on_enter_pressed", "on_character_entered"))},
)
_TYPED = {
    "action_id": ID,
    "placeholder": plain(150),
    "initial_value": _maybe_empty(LONGEST_INPUT),
    "dispatch_action_config": _DISPATCH,
    "focus_on_load": FLAG,
}
_INPUTS: dict[str, Check] = {
    "plain_text_input": object_of(
        {}, _TYPED | {"multiline": FLAG, "min_length": _count(LONGEST_INPUT), "max_length": _count(LONGEST_INPUT)}
    ),
    "url_text_input": object_of({}, _TYPED),
    "number_input": object_of(
        {"is_decimal_allowed": FLAG}, _TYPED | {"min_value": string(50), "max_value": string(50)}
    ),
}
_FIELDS = {kind: check for kind, check in ELEMENTS.items() if kind not in ("button", "overflow")}
_INPUT = block(
    {"label": plain(2000), "element": by_type(_FIELDS | _INPUTS)},
    {"hint": plain(2000), "optional": FLAG, "dispatch_action": FLAG},
)
_BLOCKS = {"blocks": list_of(MOST_BLOCKS, by_type(BLOCKS | {"input": _INPUT}))}
_HOME_BLOCKS = {"blocks": list_of(MOST_BLOCKS, by_type(BLOCKS | DRAWN | {"input": _INPUT}))}
_NAMED = {
    "private_metadata": _maybe_empty(LONGEST_METADATA),
    "callback_id": ID,
    "external_id": _maybe_empty(255),
}
_SHAPES = {
    "modal": object_of(
        _BLOCKS | {"title": plain(LONGEST_TITLE)},
        _NAMED
        | {"submit": plain(LONGEST_TITLE), "close": plain(LONGEST_TITLE)}
        | {"clear_on_close": FLAG, "notify_on_close": FLAG},
    ),
    "home": object_of(_HOME_BLOCKS, _NAMED),
}
