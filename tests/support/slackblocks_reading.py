"""Our blocks as slackblocks' own objects, which raise past any limit of Slack's.

Its `from_dict` does not read elements yet, so those are read here.
"""

from __future__ import annotations

from typing import Any

import slackblocks
from slackblocks import elements, objects, rich_text

Json = dict[str, Any]


def block(given: Json) -> slackblocks.Block:
    block_id = given.get("block_id")
    if given["type"] == "actions":
        return slackblocks.ActionsBlock([element(each) for each in given["elements"]], block_id)
    if given["type"] == "image":
        return slackblocks.ImageBlock(
            alt_text=given["alt_text"], slack_file=objects.SlackFile.from_dict(given["slack_file"])
        )
    if given["type"] == "input":
        fields = {name: given[name] for name in ("hint", "optional", "dispatch_action") if name in given}
        hint = {"hint": objects.Text.from_dict(fields["hint"])} if "hint" in fields else {}
        label = objects.Text.from_dict(given["label"])
        return slackblocks.InputBlock(label, element(given["element"]), block_id=block_id, **{**fields, **hint})
    if "accessory" in given:
        return slackblocks.SectionBlock(objects.Text.from_dict(given["text"]), accessory=element(given["accessory"]))
    if given["type"] == "table":
        rows = [[_cell(cell) for cell in row] for row in given["rows"]]
        return slackblocks.TableBlock(rows, [objects.ColumnSettings(**each) for each in given["column_settings"]])
    if given["type"] == "data_visualization":
        return slackblocks.DataVisualizationBlock(given["title"], _bars(given["chart"]))
    return slackblocks.Block.from_dict(given)


def _cell(given: Json) -> Any:
    if given["type"] == "raw_text":
        return objects.RawText(given["text"])
    [line] = given["elements"]
    people = [rich_text.RichTextUser(each["user_id"]) for each in line["elements"]]
    return rich_text.RichTextSection(people)


def _bars(given: Json) -> objects.BarChart:
    series = [
        objects.DataSeries(each["name"], [objects.DataPoint(**point) for point in each["data"]])
        for each in given["series"]
    ]
    return objects.BarChart(series, objects.AxisConfig(**given["axis_config"]))


def element(given: Json) -> elements.Element:
    fields = {name: value for name, value in given.items() if name != "type"}
    return _ELEMENTS[given["type"]](**{name: _READ.get(name, _same)(value) for name, value in fields.items()})


def _same(value: Any) -> Any:
    return value


def _options(given: list[Json]) -> list[objects.Option]:
    return [objects.Option.from_dict(each) for each in given]


def _filter(given: Json) -> objects.ConversationFilter:
    return objects.ConversationFilter(**given)


_READ = {
    "text": objects.Text.from_dict,
    "placeholder": objects.Text.from_dict,
    "confirm": objects.ConfirmationDialogue.from_dict,
    "options": _options,
    "initial_option": objects.Option.from_dict,
    "initial_options": _options,
    "filter": _filter,
}
_ELEMENTS: dict[str, type[elements.Element]] = {
    "button": elements.Button,
    "checkboxes": elements.CheckboxGroup,
    "conversations_select": elements.ConversationSelectMenu,
    "multi_users_select": elements.UserMultiSelectMenu,
    "plain_text_input": elements.PlainTextInput,
    "static_select": elements.StaticSelectMenu,
    "timepicker": elements.TimePicker,
    "url_text_input": elements.URLInput,
    "users_select": elements.UserSelectMenu,
}
