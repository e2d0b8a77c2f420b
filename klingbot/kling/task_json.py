"""A task in Kling's JSON, of either standard, read into a `Task`. Pure.

Every field is read as if it might be missing or odd: a reply about money must never turn into a traceback.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from klingbot.kling.json_values import (
    MOST_UNITS,
    Impossible,
    amount_of,
    fields_of,
    id_of,
    items_of,
    number_of,
    text_of,
    url_of,
)
from klingbot.kling.tasks import Cash, Status, Task

log = logging.getLogger(__name__)

_STATUSES: dict[str, Status] = {
    "submitted": "submitted",
    "processing": "processing",
    "succeed": "succeeded",
    "succeeded": "succeeded",
    "failed": "failed",
}
MOST_ITEMS = 1_000
"""Of one list. Kling is never asked for more than 500; each odd one costs a line in the log."""
NO_ID = "?"
"""In the place of an id that is not well-formed: it is never that of a job."""


def read_tasks(data: Any) -> Iterator[Task]:
    """Yield the tasks in the `data` of a reply, one or a list, as either standard describes them."""
    for item in data[:MOST_ITEMS] if isinstance(data, list) else [data]:
        task = _read_task(fields_of(item))
        if task is not None:
            yield task


@dataclass(frozen=True, slots=True)
class _Bill:
    """What Kling charged for a task."""

    units: Decimal | None = None
    cash: tuple[Cash, ...] = ()
    problem: str = ""


def _read_task(fields: dict[str, Any]) -> Task | None:
    """Return None when it has no id."""
    return _legacy_task(fields) if isinstance(fields.get("task_id"), str) else _new_task(fields)


def _legacy_task(fields: dict[str, Any]) -> Task | None:
    balance = fields_of(fields.get("final_balance_deduction"))
    return _task(
        task_id=fields.get("task_id"),
        job_id=fields_of(fields.get("task_info")).get("external_task_id"),
        status=fields.get("task_status"),
        message=fields.get("task_status_msg"),
        videos=items_of(fields_of(fields.get("task_result")).get("videos")),
        bill=_bill([fields.get("final_unit_deduction")], [(balance, balance.get("quota"))]),
    )


def _new_task(fields: dict[str, Any]) -> Task | None:
    rows = items_of(fields.get("billing"))
    return _task(
        task_id=fields.get("id"),
        job_id=fields.get("external_id"),
        status=fields.get("status"),
        message=fields.get("message"),
        videos=[each for each in items_of(fields.get("outputs")) if each.get("type") == "video"],
        bill=_bill(
            [row.get("amount") for row in rows if row.get("charge_type") == "unit"],
            [(row, row.get("amount")) for row in rows if row.get("charge_type") == "cash"],
        ),
    )


def _bill(units: Iterable[Any], cash: Iterable[tuple[dict[str, Any], Any]]) -> _Bill:
    """Return the sums; a problem and no amounts, where one of them cannot be an amount."""
    in_units = [amount_of(value) for value in units]
    in_cash = [(row, amount_of(value)) for row, value in cash]
    known = [amount for amount in in_units if isinstance(amount, Decimal)]
    total = sum(known, Decimal(0)) if known else None
    impossible = [each for each in (*in_units, *(amount for _, amount in in_cash)) if isinstance(each, Impossible)]
    if impossible or (total is not None and total > MOST_UNITS):
        shown = impossible[0].shown if impossible else str(total)
        return _Bill(problem=f"Kling named an impossible charge for it: {shown}")
    return _Bill(total, tuple(_cash(row, amount) for row, amount in in_cash if isinstance(amount, Decimal) and amount))


def _cash(row: dict[str, Any], amount: Decimal) -> Cash:
    return Cash(amount, text_of(row.get("currency")) or None, is_test=row.get("cash_type") == "test_balance")


def _task(
    *, task_id: Any, job_id: Any, status: Any, message: Any, videos: list[dict[str, Any]], bill: _Bill
) -> Task | None:
    if not text_of(task_id):
        return None
    known_id, word = id_of(task_id) or NO_ID, text_of(status)
    ended = _STATUSES.get(word) in ("succeeded", "failed")
    return Task(
        task_id=known_id,
        job_id=None if job_id is None or job_id == "" else id_of(job_id) or NO_ID,
        status=_status(word, known_id),
        message=text_of(message),
        video_url=next((url for video in videos if (url := url_of(video.get("url")))), None),
        video_seconds=number_of(videos[0].get("duration")) if videos else None,
        units=bill.units,
        cash=bill.cash,
        problem=(bill.problem if ended else "") if word else "Kling did not say how it stands",
    )


def _status(word: str, task_id: str) -> Status:
    """Return what the word stands for. An unknown one is never a verdict: the task counts as running."""
    if word not in _STATUSES:
        log.warning("Kling gave task %s the unknown status %r", task_id, word)
    return _STATUSES.get(word, "processing")
