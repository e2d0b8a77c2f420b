"""What a create request to the local Kling asks for, and the checks that both of Kling's shapes share.

One thing is stricter than Kling, which ignores a field that it does not know: here such a field is refused, because
a bot that sends one believes that it matters.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from klingbot.sandbox.kling.models import KlingModel
from klingbot.sandbox.kling.refusals import Refusal

Fields = dict[str, Any]

ASPECTS = ("16:9", "9:16", "1:1")


@dataclass(frozen=True, slots=True)
class Ask:
    """A video that the local Kling can make."""

    model: KlingModel
    prompt: str
    seconds: int
    resolution: str
    with_sound: bool
    with_shots: bool
    aspect: str
    external_id: str
    callback_url: str = ""
    """Empty: nobody is told."""

    @property
    def units(self) -> Decimal:
        """What a success is charged: the length that was asked for, never the file's."""
        return self.model.units_per_second[self.resolution, self.with_sound] * self.seconds


def sold(ask: Ask) -> Ask:
    """The ask, if its resolution is sold with or without sound as it wants. Raises Refusal."""
    if (ask.resolution, ask.with_sound) not in ask.model.units_per_second:
        sound = "with" if ask.with_sound else "without"
        raise Refusal(1201, f"{ask.resolution} {sound} audio is not supported by {ask.model.path_name}")
    return ask


def only(fields: Fields, known: Collection[str], prefix: str = "") -> None:
    """Raises Refusal for the first field that is not known here."""
    for name in fields:
        if name not in known:
            raise Refusal(1201, f"{prefix}{name} is not supported here")


def one_of(value: Any, allowed: Collection[str], field: str) -> str:
    """The value, if it is one of the words allowed. Raises Refusal."""
    if not isinstance(value, str) or value not in allowed:
        raise invalid(field, value)
    return value


def text(value: Any, limit: int, field: str) -> str:
    """The value, if it is a text of 1 to `limit` characters. Raises Refusal."""
    if not isinstance(value, str) or not value.strip():
        raise Refusal(1201, f"{field} is required")
    if len(value) > limit:
        raise Refusal(1201, f"{field} length must not exceed {limit}")
    return value


def external_id(value: Any) -> str:
    """The caller's own id, empty when it gave none. Raises Refusal."""
    if not isinstance(value, str):
        raise invalid("external_task_id", value)
    return value


def callback_url(value: Any) -> str:
    """Where to tell of each change of status, empty when nobody wants to know. Raises Refusal."""
    if not isinstance(value, str) or (value and not value.startswith(("http://", "https://"))):
        raise invalid("callback_url", value)
    return value


def invalid(field: str, value: Any) -> Refusal:
    """Kling's usual sentence about a bad value."""
    return Refusal(1201, f"{field} value '{value}' is invalid")
