"""What Kling says of its own billing: the packs that were bought, and a row for each charge in units. Pure.

Source: kling.ai/document-api, account information. Charges in cash have a ledger of their own at Kling; it is not asked
for, because money and units must never be added.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from klingbot.kling.json_values import Impossible, amount_of, fields_of, instant_of, items_of, number_of, text_of
from klingbot.kling.task_json import MOST_ITEMS

log = logging.getLogger(__name__)

_VIDEO = "video"
_VIDEO_NAME = re.compile("video|视频", re.IGNORECASE)
_OTHER_NAME = re.compile("image|picture|photo|try.?on|audio|speech|图|试穿|音频", re.IGNORECASE)
_MOST_IN_A_PACK = Decimal(1_000_000_000)
"""Far above any pack, far below what a 64-bit column holds in thousandths."""
_LONGEST_CURSOR = 2_000


@dataclass(frozen=True, slots=True)
class Pack:
    """A prepaid pack that is in force."""

    id: str
    name: str
    total: Decimal
    """In units."""
    left: Decimal
    """Up to 12 hours behind (Kling's docs)."""
    ends_at: int
    """UTC epoch milliseconds; what is left then is lost."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Units that one task took out of a pack."""

    task_id: str
    units: Decimal
    at: int
    """UTC epoch milliseconds."""
    model: str
    api_key_name: str


@dataclass(frozen=True, slots=True)
class Charges:
    """A page of charges; with a `cursor`, another follows."""

    rows: tuple[Charge, ...]
    cursor: str | None


def packs_in(data: Any) -> tuple[Pack, ...] | None:
    """Return the packs for videos in the `data` of a reply; None when it has a refusal of its own.

    Without packs the key is gone.
    """
    fields = fields_of(data)
    if fields.get("code", 0) != 0:
        return None
    found = items_of(fields.get("resource_pack_subscribe_infos"))
    packs = [pack for row in found if row.get("status") == "online" and (pack := _pack(row)) and _is_for_videos(pack)]
    return tuple({pack.id: pack for pack in packs}.values())


def charges_in(data: Any) -> Charges:
    """The charges for videos in the `data` of a reply; image units are another currency and left out."""
    fields = fields_of(data)
    result = fields_of(fields.get("result"))
    # Kling's docs put these into `result`, another reading of the live API beside it.
    more = result.get("has_more", fields.get("has_more"))
    cursor = result.get("next_cursor", fields.get("next_cursor"))
    follows = more is True and isinstance(cursor, str) and 0 < len(cursor) <= _LONGEST_CURSOR
    return Charges(tuple(_charges(result.get("detail"))), cursor if follows else None)


def _pack(row: dict[str, Any]) -> Pack | None:
    total, left = (number_of(row.get(name), _MOST_IN_A_PACK) for name in ("total_quantity", "remaining_quantity"))
    ends_at, pack_id = instant_of(row.get("invalid_time")), text_of(row.get("resource_pack_id"), 100)
    if not pack_id or total is None or left is None or ends_at is None:
        return None
    return Pack(pack_id, text_of(row.get("resource_pack_name"), 200), total, left, ends_at)


def _is_for_videos(pack: Pack) -> bool:
    """Return whether its units are for videos, which its name alone says: units for images are another currency.

    Names of one video pack and one image pack are known: `Trial-Video-100Units-5Con-1Months` and
    `Trial-Image-1000Units-9Con-1Months`. What names no other product counts: a warning too many does no harm.
    """
    return bool(_VIDEO_NAME.search(pack.name)) or not _OTHER_NAME.search(pack.name)


def _charges(detail: Any) -> Iterator[Charge]:
    for row in items_of(detail)[:MOST_ITEMS]:
        if row.get("product_type") != _VIDEO:
            continue
        units, at = amount_of(row.get("deduction_amount")), instant_of(row.get("deduction_time"))
        task_id = text_of(row.get("task_id"), 100)
        if isinstance(units, Impossible):
            log.error("a row of Kling's bill, for task %s, has an impossible charge: %s", task_id, units.shown)
        elif task_id and units is not None and at is not None:
            model, key_name = text_of(row.get("model_name"), 100), text_of(row.get("api_key_name"), 100)
            yield Charge(task_id, units, at, model, key_name)
