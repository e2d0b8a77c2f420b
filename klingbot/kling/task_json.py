"""A task in Kling's JSON, of either standard, read into a `Task`. Pure.

Every field is read as if it might be missing or odd: a reply about money must never turn into a traceback.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from klingbot.kling.tasks import Cash, Status, Task

log = logging.getLogger(__name__)

_STATUSES: dict[str, Status] = {
    "submitted": "submitted",
    "processing": "processing",
    "succeed": "succeeded",
    "succeeded": "succeeded",
    "failed": "failed",
}


def read_tasks(data: Any) -> Iterator[Task]:
    """The tasks in the `data` of a reply, one or a list, as either standard describes them."""
    for item in data if isinstance(data, list) else [data]:
        task = _read_task(item)
        if task is not None:
            yield task


def _read_task(item: Any) -> Task | None:
    """None when it has no id or no status."""
    fields = fields_of(item)
    if "task_id" in fields:
        return _legacy_task(fields)
    return _new_task(fields)


def _legacy_task(fields: dict[str, Any]) -> Task | None:
    video = _first(fields_of(fields.get("task_result")).get("videos"))
    balance = fields_of(fields.get("final_balance_deduction"))
    quota = number_of(balance.get("quota"))
    return _task(
        task_id=fields.get("task_id"),
        job_id=fields_of(fields.get("task_info")).get("external_task_id"),
        status=fields.get("task_status"),
        message=fields.get("task_status_msg"),
        video=video,
        units=number_of(fields.get("final_unit_deduction")),
        cash=() if not quota else (Cash(quota, currency=None, is_test=False),),
    )


def _new_task(fields: dict[str, Any]) -> Task | None:
    outputs = [each for each in items_of(fields.get("outputs")) if each.get("type") == "video"]
    rows = [(row, number_of(row.get("amount"))) for row in items_of(fields.get("billing"))]
    units = [amount for row, amount in rows if row.get("charge_type") == "unit" and amount is not None]
    return _task(
        task_id=fields.get("id"),
        job_id=fields.get("external_id"),
        status=fields.get("status"),
        message=fields.get("message"),
        video=_first(outputs),
        units=sum(units, Decimal(0)) if units else None,
        cash=tuple(_cash(row, amount) for row, amount in rows if row.get("charge_type") == "cash" and amount),
    )


def _cash(row: dict[str, Any], amount: Decimal) -> Cash:
    return Cash(amount, text_of(row.get("currency")) or None, is_test=row.get("cash_type") == "test_balance")


def _task(
    *,
    task_id: Any,
    job_id: Any,
    status: Any,
    message: Any,
    video: dict[str, Any],
    units: Decimal | None,
    cash: tuple[Cash, ...],
) -> Task | None:
    if not text_of(task_id) or not text_of(status):
        return None
    return Task(
        task_id=text_of(task_id),
        job_id=text_of(job_id) or None,
        status=_status(text_of(status), text_of(task_id)),
        message=text_of(message),
        video_url=text_of(video.get("url")) or None,
        video_seconds=number_of(video.get("duration")),
        units=units,
        cash=cash,
    )


def _status(word: str, task_id: str) -> Status:
    """An unknown word is never a verdict: the task counts as running until Kling says something clear."""
    if word not in _STATUSES:
        log.warning("Kling gave task %s the unknown status %r", task_id, word)
    return _STATUSES.get(word, "processing")


def fields_of(value: Any) -> dict[str, Any]:
    """The JSON object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items_of(value: Any) -> list[dict[str, Any]]:
    """The JSON objects in a list; none for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _first(value: Any) -> dict[str, Any]:
    return next(iter(items_of(value)), {})


def text_of(value: Any) -> str:
    """The JSON string, or an empty one for anything else."""
    return value if isinstance(value, str) else ""


def number_of(value: Any) -> Decimal | None:
    """An amount or a length, sent as a decimal string; None when it is missing, empty or not a number."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None
