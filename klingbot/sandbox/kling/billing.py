"""What the local Kling says about its account: the pack that was bought, and a row for each charge.

Source: kling.ai/document-api, account information. Kling asks for at most one question a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from klingbot.sandbox.kling.local_tasks import Account, LocalTask
from klingbot.sandbox.kling.refusals import Refusal
from klingbot.sandbox.kling.task_requests import Fields, invalid

LAG_SECONDS = 12 * 3_600
"""How far behind a pack's balance is."""
VALID_SECONDS = 180 * 86_400
MOST_ROWS = 500

_PACK = "local-pack"
_IMAGE_PACK = {
    "resource_pack_name": "Trial-Image-1000Units-9Con-1Months",
    "resource_pack_id": "local-image-pack",
    "total_quantity": 1000.0,
    "remaining_quantity": 1000.0,
    "status": "online",
}
"""Units for images are another currency; nothing but the name of a pack says which it has."""


def span(start: object, end: object) -> tuple[int, int]:
    """Two instants in epoch milliseconds, both required. Raises Refusal."""
    for name, value in (("start_time", start), ("end_time", end)):
        if not str(value if value is not None else "").isdecimal():
            raise Refusal(1201, f"{name} is required")
    return int(str(start)), int(str(end))


def packs(account: Account, bought_at: float, asked: tuple[int, int], now: float) -> Fields:
    """The `data` of a reply about packs *bought* in that span. Without any, the list is left out."""
    data: Fields = {"code": 0, "msg": ""}
    if account.units is None or not asked[0] <= bought_at * 1000 <= asked[1]:
        return data
    left = account.units - account.charged(now - LAG_SECONDS)
    over = "expired" if now >= bought_at + VALID_SECONDS else "runOut"
    pack = {
        "resource_pack_name": f"Trial-Video-{account.units:f}Units-5Con-6Months",
        "resource_pack_id": _PACK,
        "resource_pack_type": "decreasing_total",
        "total_quantity": float(account.units),
        "remaining_quantity": float(left),
        "purchase_time": round(bought_at * 1000),
        "effective_time": round(bought_at * 1000),
        "invalid_time": round((bought_at + VALID_SECONDS) * 1000),
        "status": "online" if left > 0 and now < bought_at + VALID_SECONDS else over,
    }
    return data | {"resource_pack_subscribe_infos": [pack, pack | _IMAGE_PACK]}


def charges(account: Account, asked: Fields, now: float) -> Fields:
    """The `data` of a reply about charges: the span and a limit for the first page, a cursor alone for the others."""
    if "cursor" in asked:
        if asked.keys() != {"cursor"}:
            raise Refusal(1201, "cursor goes alone")
        start, end, limit, offset = _cursor(asked["cursor"])
    else:
        start, end = span(asked.get("start_time"), asked.get("end_time"))
        limit, offset = asked.get("limit", 100), 0
        if type(limit) is not int or not 1 <= limit <= MOST_ROWS:
            raise invalid("limit", limit)
    rows = [row for row in _rows(account, now) if start <= row["deduction_time"] <= end]
    page, rest = rows[offset : offset + limit], rows[offset + limit :]
    following = f"{start}.{end}.{limit}.{offset + limit}" if rest else ""
    # The key of an empty list is left out, as in the list of tasks.
    detail = {"detail": page} if page else {}
    return {"result": {**detail, "count": len(rows), "next_cursor": following, "has_more": bool(rest)}}


def _cursor(text: object) -> tuple[int, int, int, int]:
    parts = str(text).split(".")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise invalid("cursor", text)
    start, end, limit, offset = map(int, parts)
    return start, end, limit, offset


def _rows(account: Account, now: float) -> list[Fields]:
    done: Sequence[LocalTask] = sorted(account.tasks.values(), key=lambda task: task.done_at)
    left, rows = account.units or Decimal(10**6), []
    for task in done:
        if charge := task.charge(now):
            rows.append(_row(task, charge, left))
            left -= charge
    return rows


def _row(task: LocalTask, charge: Decimal, left: Decimal) -> Fields:
    ask = task.ask
    return {
        "package_id": _PACK,
        "product_type": "video",
        "task_id": task.task_id,
        "api_key_name": "sandbox",
        "product_function": task.route.strip("/").split("/")[0],
        "model_name": ask.model.path_name,
        "resolution": ask.resolution,
        "duration": str(ask.seconds),
        "refer_video_input": False,
        "video_sound": ask.with_sound,
        "voice_control": False,
        "deduction_time": round(task.done_at * 1000),
        "unit_before_deduction": str(left),
        "deduction_amount": str(charge),
        "unit_after_deduction": str(left - charge),
    }
