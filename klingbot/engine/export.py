"""Jobs and entries for spreadsheets and other programs: CSV, or JSON lines.

Amounts are credits and US dollars in exact decimals, times ISO 8601 in UTC. In JSON, amounts are texts, because most
readers would turn numbers with a point into floats.
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import IO, Any

from klingbot.domain.money import credits_of, usd_of
from klingbot.domain.periods import Calendar
from klingbot.engine.usage import Usage
from klingbot.store import snapshot
from klingbot.store.backend.location import Place
from klingbot.store.maintenance.export_rows import Listing, listing

_SHARES = (
    "scope", "period", "from", "by", "name", "called", "jobs", "not_made",
    "used_credits", "used_usd", "in_flight_credits", "in_flight_usd",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@")
_UNSEEN = {"Cc", "Cf", "Zl", "Zp", "Zs"}
"""Unicode's categories of spaces, controls and characters without a shape."""
BYTE_ORDER_MARK = "\ufeff"
"""Tells Excel that a CSV file is UTF-8: without it, “Zoë” is shown as “ZoÃ«”. JSON has none (RFC 8259, section 8.1)."""


def export(place: Place, what: str, shape: str, file: IO[str]) -> None:
    """Writes every one of `what` (jobs or entries) as `shape` (csv or jsonl). One moment's view, a row at a time.

    Raises DatabaseError.
    """
    with snapshot(place) as db:
        listed = listing(db, what)
        _write_csv(listed, file) if shape == "csv" else _write_jsonl(listed, file)


def usage_csv(usage: Usage, names: Mapping[str, str], calendar: Calendar) -> str:
    """Return a row for each share of what was spent; `names` are people's, by id. Days are ISO dates."""
    file = io.StringIO()
    file.write(BYTE_ORDER_MARK)
    writer = csv.writer(file)
    writer.writerow(_SHARES)
    whole = (usage.scope, usage.period.kind.value, usage.period.first_day.isoformat(), usage.by)
    for share in usage.shares:
        by_day = usage.by == "day"
        name = calendar.periods(int(share.name)).daily.first_day.isoformat() if by_day else share.name
        amounts = (share.total.settled, share.total.held)
        figures = [figure for each in amounts for figure in (credits_of(each.millicredits), usd_of(each.microusd))]
        row = (*whole, name, names.get(share.name, ""), share.jobs, share.failed, *figures)
        writer.writerow(map(_cell, row))
    return file.getvalue()


def _write_csv(listed: Listing, file: IO[str]) -> None:
    file.write(BYTE_ORDER_MARK)
    writer = csv.writer(file)
    writer.writerow(map(_name, listed.columns))
    writer.writerows(map(_cell, row) for row in _rows(listed))


def _write_jsonl(listed: Listing, file: IO[str]) -> None:
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
        return credits_of(value)
    return usd_of(value) if "microusd" in column else value


def _plain(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value


def _cell(value: Any) -> Any:
    """Return what to write into a cell. A text that a spreadsheet would run as a formula gets an apostrophe before it.

    Amounts stay numbers. Spreadsheets skip unseen characters and also take full-width signs (OWASP, "CSV Injection").
    """
    return f"'{value}" if isinstance(value, str) and _is_formula(value) else _plain(value)


def _is_formula(text: str) -> bool:
    first = next((sign for sign in text if unicodedata.category(sign) not in _UNSEEN), "")
    return unicodedata.normalize("NFKC", first).startswith((*_FORMULA, "\N{MINUS SIGN}"))
