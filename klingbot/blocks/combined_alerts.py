"""Several messages that had to wait, said in one."""

from __future__ import annotations

from collections.abc import Sequence

from klingbot.blocks.message import Message, context, message, section
from klingbot.blocks.text import when
from klingbot.domain.periods import Calendar

NEW_LINE = "\n"
MOST_BLOCKS = 50
"""In one message (Slack's docs, Block Kit)."""
MOST_CHARACTERS = 12_000
"""In all blocks together. Slack does not document its limit; 13,200 was measured in slackapi/bolt-js#2509."""


def together(parts: Sequence[tuple[int, Message]], calendar: Calendar) -> tuple[Message, int]:
    """As many of these messages as fit into one, and how many that are.

    Each comes with the instant at which it was queued (UTC epoch milliseconds), oldest first. Buttons are left out:
    a click rewrites the message that it stands in, and here that would be everybody's.
    """
    entries = [_entry(at, part, calendar) for at, part in parts]
    most = max(1, sum(_fits(entries[:number]) for number in range(1, len(entries) + 1)))
    title = f"{most} alerts had to wait. Oldest first:"
    # The whole text of so many alerts would be cut, and screen readers read nothing else: so the first line of each.
    news = [f"• {part.text.partition(NEW_LINE)[0]}" for _, part in parts[:most]]
    shown = (section(f"*{title}*"), *(block for entry in entries[:most] for block in entry.blocks))
    return Message("\n".join([title, *news]), shown), most


def _fits(entries: Sequence[Message]) -> bool:
    blocks = sum(len(entry.blocks) for entry in entries)
    return blocks < MOST_BLOCKS and sum(len(entry.text) for entry in entries) < MOST_CHARACTERS


def _entry(at: int, part: Message, calendar: Calendar) -> Message:
    said = [block for block in part.blocks if block["type"] != "actions"]
    return message(context(when(at, calendar)), *said)
