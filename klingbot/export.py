"""Jobs and entries for spreadsheets and other programs: CSV, or JSON lines.

Amounts are credits and US dollars in exact decimals, times ISO 8601 in UTC. In JSON, amounts are texts, because most
readers would turn numbers with a point into floats.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TextIO

from klingbot import money
from klingbot.store import snapshot
from klingbot.store.listing import Listing, listing
from klingbot.store.place import Place

_FORMULA = ("=", "+", "-", "@")


def export(place: Place, what: str, shape: str, file: TextIO) -> None:
    """Writes every one of `what` (jobs or entries) as `shape` (csv or jsonl). One moment's view, a row at a time.

    Raises DatabaseError.
    """
    with snapshot(place) as db:
        listed = listing(db, what)
        _write_csv(listed, file) if shape == "csv" else _write_jsonl(listed, file)


def _write_csv(listed: Listing, file: TextIO) -> None:
    writer = csv.writer(file)
    writer.writerow(map(_name, listed.columns))
    writer.writerows(map(_cell, row) for row in _rows(listed))


def _write_jsonl(listed: Listing, file: TextIO) -> None:
    names = [_name(column) for column in listed.columns]
    for row in _rows(listed):
        json.dump(dict(zip(names, map(_plain, row), strict=True)), file, ensure_ascii=False)
        file.write("\n")


def _rows(listed: Listing) -> Iterator[list[Any]]:
    for row in listed.rows:
        yield [_shown(column, value) for column, value in zip(listed.columns, row, strict=True)]


def _name(column: str) -> str:
    return column.replace("millicredits", "credits").replace("microusd", "usd")


def _shown(column: str, value: Any) -> Any:
    """The schema's columns carry their unit in their names."""
    if value is None:
        return None
    if column == "at" or column.endswith("_at"):
        return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if "millicredits" in column:
        return money.credits_of(value)
    return money.usd_of(value) if "microusd" in column else value


def _plain(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value


def _cell(value: Any) -> Any:
    """Texts that a spreadsheet would run as a formula get an apostrophe before them; amounts stay numbers (OWASP,
    "CSV Injection").
    """
    if isinstance(value, str) and value.lstrip().startswith(_FORMULA):
        return f"'{value}"
    return _plain(value)
