"""Reading `cost_tracking.json`, the file of the "klingai-cost-controls" guide, version 1.0.0. Pure.

What is wrong with one record does not hide the others: it becomes a problem that names the record, counted from 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from klingbot.domain import money
from klingbot.domain.money import Amount
from klingbot.engine.budgets import Change
from klingbot.engine.usage_records import UNATTRIBUTED, Spent
from klingbot.sdk.script_types import Budget, BudgetPeriod, change_of, project_name

_EMPTY: dict[str, Any] = {"records": [], "budgets": {}}
"""What stands for a part that is missing or null."""
_YEARS = range(2000, 2100)
_USUAL_THRESHOLD = 0.8
_LONGEST_SAID = 60
_FLOAT_NOISE = Decimal("1e-9")
"""Dollars were multiplied as floats there: 3 × 0.1 is 0.30000000000000004."""


class NotACostFileError(ValueError):
    """Nothing of the file can be read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class CostFile:
    """What could be read of it, and a sentence for everything that could not."""

    spent: tuple[Spent, ...]
    budgets: tuple[Change, ...]
    problems: tuple[str, ...]


def read(content: bytes) -> CostFile:
    """Raises NotACostFileError."""
    try:
        data = json.loads(content.decode("utf-8-sig"), parse_float=Decimal, parse_constant=Decimal)
    except json.JSONDecodeError as e:
        raise NotACostFileError(f"it is not JSON: {e.msg} in line {e.lineno}, column {e.colno}") from e
    except (ValueError, RecursionError) as e:
        raise NotACostFileError(f"it is not JSON: {e}") from e
    if not isinstance(data, dict):
        raise NotACostFileError("it must be an object with records and budgets")
    records, budgets = (default if data.get(name) is None else data[name] for name, default in _EMPTY.items())
    if not isinstance(records, list) or not isinstance(budgets, dict):
        raise NotACostFileError("records must be a list, and budgets an object")
    problems: list[str] = []
    spent = tuple(_all_spent(records, problems))
    return CostFile(spent, tuple(_all_budgets(budgets, problems)), tuple(problems))


def _all_spent(records: list[Any], problems: list[str]) -> Iterator[Spent]:
    seen: dict[str, int] = {}
    for position, record in enumerate(records, 1):
        try:
            spent = _spent(record)
        except ValueError as e:
            problems.append(f"record {position}: {e}")
            continue
        if first := seen.get(spent.job_id):
            problems.append(f"record {position}: job_id {spent.job_id} is record {first}'s too, and a job counts once")
            continue
        seen[spent.job_id] = position
        yield spent


def _all_budgets(budgets: dict[str, Any], problems: list[str]) -> Iterator[Change]:
    for key, budget in budgets.items():
        try:
            yield change_of(key, _budget(budget))
        except ValueError as e:
            problems.append(f"budget {key}: {e}")


def _spent(record: Any) -> Spent:
    if not isinstance(record, dict):
        raise ValueError("it is not an object")
    return Spent(
        job_id=_text(record, "job_id"),
        at=_at(record),
        model=_text(record, "model"),
        duration_seconds=_seconds(record),
        amount=Amount(money.millicredits(_amount(record, "credits_used", money.MOST_CREDITS)), _microusd(record)),
        project=project_name(_optional(record, "project_id")),
        user_id=_optional(record, "user_id") or UNATTRIBUTED,
    )


def _budget(budget: Any) -> Budget:
    if not isinstance(budget, dict):
        raise ValueError("it is not an object")
    period = str(budget.get("period")).lower()
    if period not in [each.value for each in BudgetPeriod]:
        raise ValueError(f"period must be daily, weekly or monthly, got {_said(budget.get('period'))}")
    threshold = _number_of(budget, "alert_threshold")
    return Budget(
        period=BudgetPeriod(period),
        limit_credits=_number_of(budget, "limit_credits"),
        limit_usd=_number_of(budget, "limit_usd"),
        alert_threshold=_USUAL_THRESHOLD if threshold is None else threshold,
    )


def _text(record: dict[str, Any], name: str) -> str:
    text = _optional(record, name)
    if not text:
        raise ValueError(f"{name} is missing")
    return text


def _optional(record: dict[str, Any], name: str) -> str | None:
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} must be a text, got {_said(value)}")
    if value is not None and not value.isascii():
        value.encode()  # a lone surrogate is a ValueError here, and would be one in the database
    return value


def _at(record: dict[str, Any]) -> int:
    """UTC epoch milliseconds. The guide's tracker wrote `utcnow()`, so a time without a zone is UTC."""
    text = _text(record, "timestamp")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"timestamp {text!r} is not an ISO 8601 time") from None
    if moment.year not in _YEARS:
        raise ValueError(f"timestamp {text!r} is not of this century")
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _seconds(record: dict[str, Any]) -> int:
    seconds = _decimal(record.get("duration"))
    if seconds is None or not 0 < seconds < 10**6 or seconds % 1:
        raise ValueError(f"duration must be a whole number of seconds, got {_said(record.get('duration'))}")
    return int(seconds)


def _amount(record: dict[str, Any], name: str, most: int) -> Decimal:
    value = _decimal(record.get(name))
    if value is None or not _FLOAT_NOISE < value <= most:
        raise ValueError(f"{name} must be a number above zero, got {_said(record.get(name))}")
    return value


def _microusd(record: dict[str, Any]) -> int:
    cost = _amount(record, "cost_usd", money.MOST_USD)
    rounded = round(cost, 6)
    return money.microusd(rounded if abs(cost - rounded) < _FLOAT_NOISE else cost)


def _number_of(budget: dict[str, Any], name: str) -> float | None:
    """Return the number; None where it is missing or null: no such limit."""
    if budget.get(name) is None:
        return None
    value = _decimal(budget[name])
    if value is None:
        raise ValueError(f"{name} must be a number, got {_said(budget[name])}")
    return float(value)


def _decimal(value: Any) -> Decimal | None:
    """Return the number, or None for what is none: `true` and NaN are not."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value != value:
        return None
    return Decimal(value)


def _said(value: Any) -> str:
    """Return the value to be named in a sentence, shortened."""
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= _LONGEST_SAID else f"{text[:_LONGEST_SAID]}…"
