"""Values in Kling's JSON, each read as if it might be missing, odd or hostile. Pure.

Everything that Kling says comes through here: what leaves this module fits into every database and every message.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from klingbot.common.clean_text import one_line

MOST_TEXT = 500
MOST_URL = 2_000
"""Kling's addresses, with their signatures, have some hundred characters; Slack takes 3,000 in a block, escaped."""
MOST_UNITS = Decimal(60_000)
"""The largest pack that Kling sells, in units: no task can take more than there is in one. A video costs up to 45."""
MOST_INSTANT = 4_102_444_800_000
"""The year 2100, in epoch milliseconds."""

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_PLAIN_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_LONGEST_INTEGER = 30
"""Digits. Python refuses to read an integer of some thousand, and with it the whole reply."""


@dataclass(frozen=True, slots=True)
class Impossible:
    """Something in the place of an amount that cannot be one."""

    shown: str
    """As Kling sent it, shortened."""


def json_of(content: bytes) -> Any:
    """Return the JSON in a body; None when it is none. Bytes that are no UTF-8 cost only the text they are in."""
    try:
        return json.loads(content.decode("utf-8-sig", "replace"), parse_int=_integer)
    except (ValueError, RecursionError):
        return None


def fields_of(value: Any) -> dict[str, Any]:
    """Return the JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items_of(value: Any) -> list[dict[str, Any]]:
    """Return the JSON objects in a list; none for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text_of(value: Any, most: int = MOST_TEXT) -> str:
    """Return the JSON string as one harmless line, or an empty one for anything else."""
    return one_line(value, most) if isinstance(value, str) else ""


def is_id(text: str) -> bool:
    """Return whether the text is an id that can be stored, and asked for in an address."""
    return _ID.fullmatch(text) is not None


def id_of(value: Any) -> str | None:
    """Return the id, or None for anything that is not well-formed: cleaning one could make it another's."""
    return value if isinstance(value, str) and is_id(value) else None


def url_of(value: Any) -> str | None:
    """Return the web address, or None for anything that a browser should not be sent to."""
    if not isinstance(value, str) or len(value) + sum(4 * value.count(each) for each in "&<>|*`") > MOST_URL:
        return None
    if " " in value or one_line(value, MOST_URL) != value:
        return None
    try:
        parts = urlsplit(value)
        named = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
    except ValueError:
        return None
    return value if named else None


def amount_of(value: Any, most: Decimal = MOST_UNITS) -> Decimal | Impossible | None:
    """Return an amount, sent as a plain decimal number or a text of one; None when it is missing or empty."""
    if value is None or value == "":
        return None
    text = _plain(value) if type(value) in (int, float) else value
    if not isinstance(text, str) or not _PLAIN_DECIMAL.fullmatch(text) or Decimal(text) > most:
        return Impossible(_shown(text))
    return Decimal(text)


def number_of(value: Any, most: Decimal = MOST_UNITS) -> Decimal | None:
    """Return a number that nothing depends on; None when it is missing or cannot be one."""
    amount = amount_of(value, most)
    return None if isinstance(amount, Impossible) else amount


def instant_of(value: Any) -> int | None:
    """Return an instant in epoch milliseconds; None for anything that is none of this century."""
    number = number_of(value, Decimal(MOST_INSTANT))
    return None if number is None else int(number)


def _plain(value: float) -> str:
    """Return a JSON number without an exponent: `1e-05` is as good a number as `0.00001`."""
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 128 else "a number of very many digits"
    return f"{Decimal(str(value)):f}" if math.isfinite(value) else str(value)


def _shown(value: Any) -> str:
    named = "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else str(value).lower()
    return one_line(value if isinstance(value, str) else named, 40) or "an empty text"


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else math.copysign(math.inf, -digits.startswith("-") or 1)
