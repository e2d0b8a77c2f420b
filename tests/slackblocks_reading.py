"""Our blocks as slackblocks' own objects, which raise past any limit of Slack's.

Its `from_dict` does not read elements yet, so those are read here.
"""

from __future__ import annotations

from typing import Any

import slackblocks
from slackblocks import elements, objects

Json = dict[str, Any]


def block(given: Json) -> slackblocks.Block:
    block_id = given.get("block_id")
    if given["type"] == "actions":
        return slackblocks.ActionsBlock([element(each) for each in given["elements"]], block_id)
    if given["type"] == "image":
        return slackblocks.ImageBlock(
            alt_text=given["alt_text"], slack_file=objects.SlackFile.from_dict(given["slack_file"])
        )
    return slackblocks.Block.from_dict(given)


def element(given: Json) -> elements.Element:
    fields = {name: value for name, value in given.items() if name != "type"}
    return _ELEMENTS[given["type"]](**{name: _READ.get(name, _same)(value) for name, value in fields.items()})


def _same(value: Any) -> Any:
    return value


_READ = {"text": objects.Text.from_dict, "confirm": objects.ConfirmationDialogue.from_dict}
_ELEMENTS: dict[str, type[elements.Element]] = {"button": elements.Button}
