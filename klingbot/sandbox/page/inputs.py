"""Fields to choose from and to fill in → HTML: the browser's own controls, so that keyboards and readers know them.

Each carries its block id and action id; `fields.js` reads and writes them. Source: Slack's Block Kit reference.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from klingbot.sandbox.page.markup import NOTHING, Html, join, tag, text
from klingbot.sandbox.page.mrkdwn import mrkdwn, with_emoji
from klingbot.sandbox.page.reader import Reader
from klingbot.sandbox.slack.fields import initial

Block = Mapping[str, Any]


def words(value: Block | None, reader: Reader) -> Html:
    """A text object."""
    if not value:
        return NOTHING
    said = str(value.get("text", ""))
    return mrkdwn(said, reader) if value.get("type") == "mrkdwn" else with_emoji(said)


def confirm(asked: Block | None, reader: Reader) -> str | None:
    """What the page asks before a press counts: JSON whose every text is HTML."""
    if not asked:
        return None
    said = {name: words(asked[name], reader) for name in ("title", "text", "confirm", "deny")}
    return json.dumps({**said, "style": str(asked.get("style", "primary"))})


def field(element: Block, reader: Reader, block_id: str, dispatch: bool = True) -> Html | None:
    """A field; with `dispatch` the bot hears of each change. None for what is no field."""
    draw = _FIELDS.get(str(element.get("type")))
    if draw is None:
        return None
    common = {
        "id": f"{block_id}.{element.get('action_id', '')}",
        "data_block_id": block_id,
        "data_action_id": str(element.get("action_id", "")),
        "data_dispatch": " ".join(_moments(element)) if dispatch else None,
        "data_confirm": confirm(element.get("confirm"), reader),
        "data_focus": bool(element.get("focus_on_load")),
        "data_current": bool(element.get("default_to_current_conversation")),
    }
    return draw(element, reader, common)


def input_block(block: Block, reader: Reader) -> Html:
    """A labelled field, with its hint and a place for what is wrong with it."""
    element, block_id = block.get("element", {}), str(block.get("block_id", ""))
    drawn = field(element, reader, block_id, dispatch=bool(block.get("dispatch_action")))
    label = [words(block.get("label"), reader)]
    if block.get("optional"):
        label.append(tag("small", text(" (optional)")))
    hint = tag("p", words(block.get("hint"), reader), class_="hint") if block.get("hint") else NOTHING
    shown = drawn or tag("div", text(f"{element.get('type')} is not drawn in the sandbox"), class_="unknown")
    names = {"for_": f"{block_id}.{element.get('action_id', '')}"}
    return tag("div", tag("label", *label, **names), shown, hint, class_="input", data_input=block_id)


def _moments(element: Block) -> list[str]:
    """When the bot hears of a change: of a choice at once, of a text when Enter is pressed unless it asks for more."""
    if not str(element.get("type")).endswith("_input"):
        return ["change"]
    asked = element.get("dispatch_action_config", {}).get("trigger_actions_on", ["on_enter_pressed"])
    return [{"on_enter_pressed": "enter", "on_character_entered": "character"}[moment] for moment in asked]


Common = Mapping[str, str | bool | None]


def _text_field(element: Block, reader: Reader, common: Common) -> Html:
    placeholder = str(element.get("placeholder", {}).get("text", ""))
    typed = {**common, "placeholder": placeholder or None, "class_": "control", "autocomplete": "off"}
    value = str(initial(element) or "")
    if element.get("multiline"):
        return tag("textarea", text(value), rows=4, **typed)
    kinds = {"url_text_input": "url", "number_input": "decimal"}
    return tag("input", type="text", inputmode=kinds.get(str(element["type"])), value=value, **typed)


def _date(element: Block, reader: Reader, common: Common) -> Html:
    return tag("input", type="date", value=initial(element), class_="control", **common)


def _time(element: Block, reader: Reader, common: Common) -> Html:
    return tag("input", type="time", value=initial(element), class_="control", **common)


def _select(element: Block, reader: Reader, common: Common) -> Html:
    chosen = initial(element)
    groups = element.get("option_groups")
    if not groups:
        return _choice(element, common, [_option(each, reader, chosen) for each in element.get("options", ())], chosen)
    drawn = (
        tag("optgroup", *(_option(each, reader, chosen) for each in group["options"]), label=group["label"]["text"])
        for group in groups
    )
    return _choice(element, common, list(drawn), chosen)


def _people(element: Block, reader: Reader, common: Common) -> Html:
    return _named(element, common, reader.people)


def _several_people(element: Block, reader: Reader, common: Common) -> Html:
    chosen = initial(element)
    options = [tag("option", text(name), value=key, selected=key in chosen) for key, name in reader.people.items()]
    return tag("select", *options, multiple=True, size=len(options), class_="control", **common)


def _channels(element: Block, reader: Reader, common: Common) -> Html:
    names = {key: f"#{name}" for key, name in reader.channels.items() if key.startswith("C")}
    return _named(element, common, names)


def _named(element: Block, common: Common, names: Mapping[str, str]) -> Html:
    chosen = initial(element)
    options = [tag("option", text(name), value=key, selected=key == chosen) for key, name in names.items()]
    return _choice(element, common, options, chosen)


def _choice(element: Block, common: Common, options: list[Html], chosen: Any) -> Html:
    placeholder = str(element.get("placeholder", {}).get("text", "")) or "Choose an option"
    empty = tag("option", text(placeholder), value="", selected=not chosen)
    return tag("select", empty, *options, class_="control", **common)


def _option(option: Block, reader: Reader, chosen: Any) -> Html:
    value = str(option.get("value"))
    return tag("option", words(option.get("text"), reader), value=value, selected=value == chosen)


def _buttons(kind: str) -> Callable[[Block, Reader, Common], Html]:
    def draw(element: Block, reader: Reader, common: Common) -> Html:
        first = initial(element)
        chosen = first if isinstance(first, list) else [first]
        drawn = join(_tick(kind, option, reader, str(common["id"]), chosen) for option in element.get("options", ()))
        return tag("div", drawn, class_="choices", role="radiogroup" if kind == "radio" else "group", **common)

    return draw


def _tick(kind: str, option: Block, reader: Reader, name: str, chosen: list[Any]) -> Html:
    value = str(option.get("value"))
    button = tag("input", type=kind, name=name, value=value, checked=value in chosen)
    more = tag("small", words(option["description"], reader)) if option.get("description") else NOTHING
    return tag("label", button, tag("span", words(option.get("text"), reader), more))


_FIELDS: Mapping[str, Callable[[Block, Reader, Common], Html]] = {
    "plain_text_input": _text_field,
    "number_input": _text_field,
    "url_text_input": _text_field,
    "datepicker": _date,
    "static_select": _select,
    "timepicker": _time,
    "users_select": _people,
    "multi_users_select": _several_people,
    "channels_select": _channels,
    "conversations_select": _channels,
    "radio_buttons": _buttons("radio"),
    "checkboxes": _buttons("checkbox"),
}
