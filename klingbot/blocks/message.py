"""A Slack message: blocks of mrkdwn, and a `text` drawn from those same blocks, so that the two never disagree.

Slack shows the blocks; notifications and screen readers use the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from klingbot.blocks import tables

LONGEST = 3_000
"""Characters in one text of a block (Slack's docs, section block)."""
LONGEST_TEXT = 4_000
"""Characters in a message's `text` (Slack's docs, truncating really long messages: it recommends no more)."""
LONGEST_HEADING = 150
LONGEST_LABEL = 75
"""Characters on a button (Slack's docs, button element)."""

Block = dict[str, Any]

_MORE = "\n…"

# Bold, code and bars are only for the eye. What people wrote cannot contain the first two: see `text.neutral`.
_FOR_THE_EYE = re.compile("[*`▰▱]")


@dataclass(frozen=True, slots=True)
class Message:
    text: str
    blocks: tuple[Block, ...]

    def payload(self) -> dict[str, Any]:
        """Return the message as Slack's Web API and command answers take it."""
        return {"text": _first_lines(self.text), "blocks": list(self.blocks)}

    def plus(self, *blocks: Block) -> Message:
        """The same message with more at its end."""
        return message(*self.blocks, *blocks)

    @property
    def has_pictures(self) -> bool:
        """Whether something in it is drawn, which Slack may not do everywhere."""
        return any(block["type"] == "image" or tables.is_drawn(block) for block in self.blocks)

    def in_words(self) -> Message:
        """The same with what its pictures, tables and charts show said in words."""
        return message(*in_words(self.blocks))


def message(*blocks: Block) -> Message:
    lines = _FOR_THE_EYE.sub("", "\n".join(_said(block) for block in blocks)).splitlines()
    return Message("\n".join(line.strip() for line in lines if line.strip()), blocks)


def in_words(blocks: Iterable[Block]) -> Iterator[Block]:
    """The same blocks with what is drawn in them said in words."""
    for block in blocks:
        if block["type"] == "image":
            yield context(block["alt_text"])
        elif tables.is_drawn(block):
            yield from sections(tables.lines(block))
        else:
            yield block


def section(*lines: str) -> Block:
    """Lines of mrkdwn; empty ones are left out."""
    return {"type": "section", "text": _mrkdwn("\n".join(line for line in lines if line))}


def beside(said: Block, pressed: Block) -> Block:
    """A section with a button at its side."""
    return said | {"accessory": pressed}


def heading(text: str) -> Block:
    """A title, in words that need no formatting."""
    return {"type": "header", "text": plain(text, LONGEST_HEADING)}


def context(*remarks: str) -> Block:
    """Small print on one line; empty remarks are left out."""
    return {"type": "context", "elements": [_mrkdwn(" · ".join(remark for remark in remarks if remark))]}


def actions(*buttons: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def button(
    text: str,
    action_id: str,
    value: str,
    *,
    style: Literal["primary", "danger"] | None = None,
    confirm: Block | None = None,
) -> Block:
    """Return a button. `klingbot.slack.interactions.buttons` says what each action id does; `value` says to what."""
    pressed = {"type": "button", "text": plain(text, LONGEST_LABEL), "action_id": action_id, "value": value}
    return pressed | ({"style": style} if style else {}) | ({"confirm": confirm} if confirm else {})


def confirm(title: str, text: str, yes: str, *, no: str = "Back", danger: bool = False) -> Block:
    """What is asked before a press counts. `text` is mrkdwn. The limits are Slack's (docs, confirmation dialog)."""
    return {
        "title": plain(title, 100),
        "text": _mrkdwn(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
        "style": "danger" if danger else "primary",
    }


def image(slack_file: str, alt: str) -> Block:
    """A picture that was uploaded to Slack, and what it shows in words (Slack takes 2,000 characters)."""
    return {"type": "image", "slack_file": {"id": slack_file}, "alt_text": _cut(alt, 2_000)}


def sections(lines: Iterable[str]) -> list[Block]:
    """As few sections as hold all the lines, none cut in two."""
    packed: list[str] = []
    for line in lines:
        if packed and len(packed[-1]) + len(line) < LONGEST:
            packed[-1] += f"\n{line}"
        else:
            packed.append(line)
    return [section(each) for each in packed]


def _mrkdwn(text: str, most: int = LONGEST) -> Block:
    # `verbatim`: Slack makes nothing of a bare @here, #channel or address.
    return {"type": "mrkdwn", "text": _cut(text, most), "verbatim": True}


def plain(text: str, most: int) -> Block:
    """Words that Slack formats nothing in, as on buttons and labels."""
    return {"type": "plain_text", "text": _cut(text, most)}


def _cut(text: str, most: int) -> str:
    """Text past a limit would cost the whole message (`invalid_blocks`)."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _first_lines(text: str) -> str:
    """Return as many whole lines as `text` may have. The blocks still show everything.

    A cut within a line could leave half an escape or half a mention behind, so only a longer single line is cut.
    """
    if len(text) <= LONGEST_TEXT:
        return text
    most = LONGEST_TEXT - len(_MORE)
    end = max(text.rfind("\n", 0, most), 0) or max(text.rfind(" ", 0, most), 0) or most
    return f"{text[:end].rstrip()}{_MORE}"


def _said(block: Block) -> str:
    if block["type"] == "section":
        pressed = f" [{block['accessory']['text']['text']}]" if "accessory" in block else ""
        return f"{block['text']['text']}{pressed}"
    if block["type"] == "actions":
        return " ".join(f"[{element['text']['text']}]" for element in block["elements"])
    if block["type"] == "image":
        return str(block["alt_text"])
    if tables.is_drawn(block):
        return "\n".join(tables.lines(block))
    return " · ".join(element["text"] for element in block["elements"])
