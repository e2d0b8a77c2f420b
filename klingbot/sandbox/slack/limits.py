"""Slack's limits on what a message may hold, as strict as Slack itself.

The figures are those of Slack's Block Kit reference. Only blocks that can stand in a message and that the
page can draw are known; any other is refused, as Slack refuses one that it does not know.
"""

from collections.abc import Iterator
from typing import Any

from klingbot.sandbox.slack.payload_shapes import Check, Problem, by_type, list_of, object_of, one_of, string

LONGEST_TEXT = 40_000
"""Slack cuts a longer `text` off; refusing it says so louder."""
LONGEST_MARKDOWN = 12_000
LONGEST_TABLE = 10_000
LONGEST_BLOCKS = 13_200
"""Characters in all blocks together. Slack does not document it; measured in slackapi/bolt-js#2509."""
MOST_BLOCKS = 50


def problems(blocks: object) -> list[Problem]:
    """Everything Slack would refuse these blocks for (its error is `invalid_blocks`); empty when all is well."""
    found = list(_MESSAGE(blocks, "/blocks"))
    return found or list(across(blocks, "/blocks"))


def characters(blocks: object) -> int:
    """How many characters of text the blocks hold together; above LONGEST_BLOCKS is `msg_blocks_too_long`."""
    if isinstance(blocks, dict):
        own = len(blocks["text"]) if isinstance(blocks.get("text"), str) else 0
        return own + sum(characters(value) for value in blocks.values())
    if isinstance(blocks, list | tuple):
        return sum(characters(item) for item in blocks)
    return 0


FLAG = one_of(True, False)


def plain(longest: int) -> Check:
    return by_type({"plain_text": object_of({"text": string(longest)}, {"emoji": FLAG})})


def _text(longest: int) -> Check:
    return by_type(
        {
            "plain_text": plain(longest),
            "mrkdwn": object_of({"text": string(longest)}, {"verbatim": FLAG}),
        }
    )


ID = string(255)
CONFIRM = object_of(
    {"title": plain(100), "text": _text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
_OPTION = object_of({"text": _text(75), "value": string(150)}, {"description": _text(75)})
_BUTTON = object_of(
    {"text": plain(75)},
    {
        "action_id": ID,
        "value": string(2000),
        "url": string(3000),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(75),
    },
)
_OVERFLOW = object_of({"options": list_of(5, _OPTION)}, {"action_id": ID, "confirm": CONFIRM})
_OPTIONS = {"options": list_of(100, _OPTION)}
_GROUP = object_of({"label": plain(75)} | _OPTIONS)
_CHOICE = {
    "action_id": ID,
    "placeholder": plain(150),
    "initial_option": _OPTION,
    "confirm": CONFIRM,
    "focus_on_load": FLAG,
}


def _select(value: Any, place: str) -> Iterator[Problem]:
    """Options or groups of them, and an initial option that is among them."""
    groups = isinstance(value, dict) and "option_groups" in value
    chosen = {"option_groups": list_of(100, _GROUP)} if groups else _OPTIONS
    found = list(object_of(chosen, _CHOICE)(value, place))
    yield from found
    if not found and "initial_option" in value:
        offered = [option for group in value.get("option_groups", [value]) for option in group["options"]]
        if value["initial_option"] not in offered:
            yield Problem(f"{place}/initial_option", "must be one of the options")


def _at_least_one(value: Any, place: str) -> Iterator[Problem]:
    if not isinstance(value, int) or value < 1:
        yield Problem(place, "must be a number of at least 1")


_PICK = {"action_id": ID, "placeholder": plain(150), "confirm": CONFIRM, "focus_on_load": FLAG}
ELEMENTS: dict[str, Check] = {
    "button": _BUTTON,
    "overflow": _OVERFLOW,
    "static_select": _select,
    "radio_buttons": object_of({"options": list_of(10, _OPTION)}, _PICK | {"initial_option": _OPTION}),
    "checkboxes": object_of({"options": list_of(10, _OPTION)}, _PICK | {"initial_options": list_of(10, _OPTION)}),
    "datepicker": object_of({}, _PICK | {"initial_date": string(10)}),
    "timepicker": object_of({}, _PICK | {"initial_time": string(5), "timezone": string(100)}),
    "users_select": object_of({}, _PICK | {"initial_user": string(20)}),
    "multi_users_select": object_of(
        {}, _PICK | {"initial_users": list_of(100, string(20)), "max_selected_items": _at_least_one}
    ),
    "channels_select": object_of({}, _PICK | {"initial_channel": string(20)}),
    "conversations_select": object_of(
        {},
        _PICK
        | {"initial_conversation": string(20), "default_to_current_conversation": FLAG, "response_url_enabled": FLAG}
        | {"filter": object_of({"include": list_of(4, one_of("im", "mpim", "private", "public"))})},
    ),
}
"""What may stand in an actions block or beside a section."""


def block(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return object_of(required, {"block_id": ID} | (optional or {}))


def _image(more: dict[str, Check] | None = None) -> Check:
    """A picture from the web or one that was uploaded, never both."""
    sources = {"image_url": string(3000), "slack_file": object_of({"id": string(255)})}
    shape = object_of({"alt_text": string(2000)}, sources | (more or {}))

    def check(value: Any, place: str) -> Iterator[Problem]:
        yield from shape(value, place)
        given = [source for source in sources if source in value]
        if len(given) != 1:
            yield Problem(place, "exactly one of image_url and slack_file is required")

    return check


_TEXT_OR_IMAGE = by_type(
    {kind: _text(3000) for kind in ("plain_text", "mrkdwn")} | {"image": _image()},
)

BLOCKS: dict[str, Check] = {
    "section": block(
        {},
        {
            "text": _text(3000),
            "fields": list_of(10, _text(2000)),
            "accessory": by_type(ELEMENTS | {"image": _image()}),
            "expand": FLAG,
        },
    ),
    "header": block({"text": plain(150)}),
    "divider": block({}),
    "context": block({"elements": list_of(10, _TEXT_OR_IMAGE)}),
    "actions": block({"elements": list_of(25, by_type(ELEMENTS))}),
    "image": _image({"block_id": ID, "title": plain(2000)}),
    "markdown": block({"text": string(LONGEST_MARKDOWN)}),
}
"""What may stand in a message; views take the same and fields to fill in."""
_RIGHT_OR_LEFT = object_of({}, {"align": one_of("left", "center", "right"), "is_wrapped": FLAG})
_USER = by_type({"user": object_of({"user_id": string(20)})})
_LINE = by_type({"rich_text_section": object_of({"elements": list_of(20, _USER)})})
_CELL = by_type(
    {"raw_text": object_of({"text": string(LONGEST_TABLE)}), "rich_text": object_of({"elements": list_of(20, _LINE)})}
)


def _number(value: Any, place: str) -> Iterator[Problem]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield Problem(place, "must be a number")


_POINT = object_of({"label": string(20), "value": _number})
_SERIES = object_of({"name": string(20), "data": list_of(20, _POINT)})
_AXES = object_of({"categories": list_of(20, string(20))}, {"x_label": string(50), "y_label": string(50)})
_AXIS_CHART = object_of({"series": list_of(6, _SERIES), "axis_config": _AXES})
DRAWN: dict[str, Check] = {
    "table": block(
        {"rows": list_of(100, list_of(20, _CELL))},
        {"column_settings": list_of(20, _RIGHT_OR_LEFT)},
    ),
    "data_visualization": block(
        {"title": string(50), "chart": by_type(dict.fromkeys(("bar", "line", "area"), _AXIS_CHART))}
    ),
}
"""What Slack draws in messages and on a home, and in no modal."""
_MESSAGE = list_of(MOST_BLOCKS, by_type(BLOCKS | DRAWN))


def across(blocks: Any, place: str) -> Iterator[Problem]:
    """The rules that look beyond one field; the blocks are well formed by now."""
    yield from _repeated(blocks, "block_id", place)
    for index, each in enumerate(blocks):
        if each["type"] == "section" and not each.keys() & {"text", "fields"}:
            yield Problem(f"{place}/{index}", "missing required field: text")
        yield from _repeated(each.get("elements", ()), "action_id", f"{place}/{index}/elements")
    yield from _drawn(blocks, place)
    if sum(len(each["text"]) for each in blocks if each["type"] == "markdown") > LONGEST_MARKDOWN:
        yield Problem(place, f"markdown blocks must be less than {LONGEST_MARKDOWN + 1} characters together")


def _drawn(blocks: Any, place: str) -> Iterator[Problem]:
    tables = [each for each in blocks if each["type"] == "table"]
    charts = [each["chart"] for each in blocks if each["type"] == "data_visualization"]
    if len(tables) > 1:
        yield Problem(place, "only one table is allowed")
    if len(charts) > 2:
        yield Problem(place, "no more than 2 charts allowed")
    if characters(tables) > LONGEST_TABLE:
        yield Problem(place, f"table must be less than {LONGEST_TABLE + 1} characters")
    for chart in charts:
        categories = chart["axis_config"]["categories"]
        labels = [[point["label"] for point in series["data"]] for series in chart["series"]]
        if len(set(categories)) < len(categories) or any(sorted(each) != sorted(categories) for each in labels):
            yield Problem(place, "every series must have one point for each category")


def _repeated(items: Any, name: str, place: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        if name in item and item[name] in seen:
            yield Problem(f"{place}/{index}/{name}", f"`{name}` already exists: {item[name]}")
        seen.add(item.get(name, ""))
