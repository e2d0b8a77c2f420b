"""A change of a budget on its way through Slack: on a button or in a form's memory, until somebody says yes to it.

It comes back as it went out, because Slack signs what it brings. Who may make the change is asked when it comes back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from klingbot.common import dataclass_json
from klingbot.engine.budgets import Change


@dataclass(frozen=True, slots=True)
class Proposal:
    change: Change
    seen: str
    """The mark of the budget that the change is for."""
    response_url: str | None = None
    """Where to say what came of it, for a form."""


def written(proposal: Proposal) -> str:
    """Short enough for a button, which carries 2,000 characters (Slack's docs, button element)."""
    said = dataclass_json.to_json(proposal)
    said["change"] = {name: value for name, value in said["change"].items() if value is not None}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def read(text: str) -> Proposal | None:
    """None for what another version wrote."""
    try:
        return dataclass_json.from_json(Proposal, json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
