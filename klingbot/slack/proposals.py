"""A change of a budget on its way through Slack: on a button or in a form's memory, until somebody says yes to it.

It comes back as it went out, because Slack signs what it brings. Who may make the change is asked when it comes back.
"""

from __future__ import annotations

import json

from klingbot import plain
from klingbot.engine.budgeting import Change


def written(change: Change, seen: str) -> str:
    """Short enough for a button, which carries 2,000 characters (Slack's docs, button element)."""
    said = {name: value for name, value in plain.to_json(change).items() if value is not None}
    return json.dumps({"seen": seen, "change": said}, ensure_ascii=False, separators=(",", ":"))


def read(text: str) -> tuple[Change, str] | None:
    """The change, and the mark of the budget that it is for; None for what another version wrote."""
    try:
        said = json.loads(text)
        return plain.from_json(Change, said["change"]), str(said["seen"])
    except (ValueError, KeyError, TypeError):
        return None
