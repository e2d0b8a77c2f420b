"""Slack's limits on what a message may hold, as strict as Slack itself.

The figures are those of Slack's Block Kit reference. Only blocks that can stand in a message and that the
page can draw are known; any other is refused, as Slack refuses one that it does not know.
"""

from collections.abc import Iterator
from typing import Any

from klingbot.sandbox.slack.shapes import Check, Problem, by_type, list_of, object_of, one_of, string

LONGEST_TEXT = 40_000
"""Slack cuts a longer `text` off; refusing it says so louder."""
LONGEST_MARKDOWN = 12_000
LONGEST_BLOCKS = 13_200
"""Characters in all blocks together. Slack does not document it; measured in slackapi/bolt-js#2509."""
MOST_BLOCKS = 50


def problems(blocks: object) -> list[Problem]:
    """Everything Slack would refuse these blocks for (its error is `invalid_blocks`); empty when all is well."""
    found = list(_MESSAGE(blocks, "/blocks"))
    return found or list(_across(blocks))


def characters(blocks: object) -> int:
    """How many characters of text the blocks hold together; above LONGEST_BLOCKS is `msg_blocks_too_long`."""
    if isinstance(blocks, dict):
        own = len(blocks["text"]) if isinstance(blocks.get("text"), str) else 0
        return own + sum(characters(value) for value in blocks.values())
    if isinstance(blocks, list | tuple):
        return sum(characters(item) for item in blocks)
    return 0


_FLAG = one_of(True, False)


def _plain(longest: int) -> Check:
    return by_type({"plain_text": object_of({"text": string(longest)}, {"emoji": _FLAG})})


def _text(longest: int) -> Check:
    return by_type(
        {
            "plain_text": _plain(longest),
            "mrkdwn": object_of({"text": string(longest)}, {"verbatim": _FLAG}),
        }
    )


_ID = string(255)
_CONFIRM = object_of(
    {"title": _plain(100), "text": _text(300), "confirm": _plain(30), "deny": _plain(30)},
    {"style": one_of("primary", "danger")},
)
_OPTION = object_of({"text": _text(75), "value": string(150)}, {"description": _text(75)})
_BUTTON = object_of(
    {"text": _plain(75)},
    {
        "action_id": _ID,
        "value": string(2000),
        "url": string(3000),
        "style": one_of("primary", "danger"),
        "confirm": _CONFIRM,
        "accessibility_label": string(75),
    },
)
_OVERFLOW = object_of({"options": list_of(5, _OPTION)}, {"action_id": _ID, "confirm": _CONFIRM})
_SELECT = object_of(
    {"options": list_of(100, _OPTION)},
    {"action_id": _ID, "placeholder": _plain(150), "initial_option": _OPTION, "confirm": _CONFIRM},
)
_ELEMENTS = {"button": _BUTTON, "overflow": _OVERFLOW, "static_select": _SELECT}


def _block(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return object_of(required, {"block_id": _ID} | (optional or {}))


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

_MESSAGE = list_of(
    MOST_BLOCKS,
    by_type(
        {
            "section": _block(
                {},
                {
                    "text": _text(3000),
                    "fields": list_of(10, _text(2000)),
                    "accessory": by_type(_ELEMENTS | {"image": _image()}),
                    "expand": _FLAG,
                },
            ),
            "header": _block({"text": _plain(150)}),
            "divider": _block({}),
            "context": _block({"elements": list_of(10, _TEXT_OR_IMAGE)}),
            "actions": _block({"elements": list_of(25, by_type(_ELEMENTS))}),
            "image": _image({"block_id": _ID, "title": _plain(2000)}),
            "markdown": _block({"text": string(LONGEST_MARKDOWN)}),
        }
    ),
)


def _across(blocks: Any) -> Iterator[Problem]:
    """The rules that look beyond one field; the blocks are well formed by now."""
    yield from _repeated(blocks, "block_id", "/blocks")
    for index, block in enumerate(blocks):
        if block["type"] == "section" and not block.keys() & {"text", "fields"}:
            yield Problem(f"/blocks/{index}", "missing required field: text")
        yield from _repeated(block.get("elements", ()), "action_id", f"/blocks/{index}/elements")
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > LONGEST_MARKDOWN:
        yield Problem("/blocks", f"markdown blocks must be less than {LONGEST_MARKDOWN + 1} characters together")


def _repeated(items: Any, name: str, place: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        if name in item and item[name] in seen:
            yield Problem(f"{place}/{index}/{name}", f"`{name}` already exists: {item[name]}")
        seen.add(item.get(name, ""))
