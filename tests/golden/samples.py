"""Samples of what is stored in the ledger and in Slack, made from the code as it is."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from itertools import count
from typing import Any

from klingbot.domain.notifications import KINDS, to_json
from tests.unit.blocks.test_form_limits import FORMS
from tests.unit.blocks.test_message_limits import EXTREMES


def outbox_contents() -> dict[str, Any]:
    """Return one content of each kind, with every field filled, as JSON."""
    return {kind: to_json(_filled(content, count(1))) for kind, content in sorted(KINDS.items())}


def button_values() -> dict[str, str]:
    """Return one value of each button that a message or form shows, by the button's action id."""
    found: dict[str, str] = {}
    for blocks in [*(m.blocks for m in EXTREMES.values()), *(f.blocks for f in FORMS.values())]:
        for element in _elements(blocks):
            if element.get("type") == "button" and "action_id" in element:
                found.setdefault(element["action_id"], element.get("value", ""))
    return dict(sorted(found.items()))


def form_memories() -> dict[str, list[str]]:
    """Return the `private_metadata` of each form, by its callback id."""
    found: dict[str, list[str]] = {}
    for form in FORMS.values():
        found.setdefault(form.callback_id, []).append(form.memory)
    return dict(sorted(found.items()))


def form_fields() -> dict[str, list[str]]:
    """Return the names of the fields of each form, by its callback id."""
    found: dict[str, set[str]] = {}
    for form in FORMS.values():
        names = {each["block_id"].partition(":")[0] for each in form.blocks if "block_id" in each}
        found.setdefault(form.callback_id, set()).update(names)
    return {callback_id: sorted(names) for callback_id, names in sorted(found.items())}


def _elements(value: Any) -> typing.Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _elements(each)


def _filled(hint: Any, numbers: typing.Iterator[int]) -> Any:
    """Return a value of that type whose every part is there and differs from the others."""
    if isinstance(hint, types.UnionType):
        hint = next(kind for kind in hint.__args__ if kind is not types.NoneType)
    if typing.get_origin(hint) is tuple:
        return (_filled(hint.__args__[0], numbers),)
    if is_dataclass(hint) and isinstance(hint, type):
        hints = typing.get_type_hints(hint)
        return hint(**{field.name: _filled(hints[field.name], numbers) for field in fields(hint)})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[-1]
    made = {int: lambda: next(numbers), str: lambda: f"text {next(numbers)}", bool: lambda: True}
    return date(2026, 11, 30) if hint is date else made[hint]()
