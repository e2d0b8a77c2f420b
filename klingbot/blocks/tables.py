"""Tables and charts that Slack draws itself, and the same in plain lines.

Limits are Slack's (docs, table block and data visualization block); where its docs and its newer libraries differ, the
smaller one is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from klingbot.blocks.text import mention, neutral

Block = dict[str, Any]

MOST_ROWS, MOST_CELL = 100, 80
MOST_POINTS, LONGEST_LABEL, LONGEST_TITLE = 20, 20, 50
NONE = "–"
"""What stands in a cell where there is nothing to say."""
BAR = 10


@dataclass(frozen=True, slots=True)
class Who:
    """A cell that shows a person as Slack does."""

    user_id: str


Cell = str | Who


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Block:
    """Plain words in cells, the first column to the left and figures to the right."""
    all_rows = [heads, *rows][:MOST_ROWS]
    return {
        "type": "table",
        "column_settings": [{"align": "right" if n else "left"} for n in range(len(heads))],
        "rows": [[_cell(cell) for cell in row] for row in all_rows],
    }


def bars(title: str, unit: str, points: Iterable[tuple[str, float]]) -> Block:
    """A bar for each point, of which the last are shown when they are too many."""
    shown = [*points][-MOST_POINTS:]
    labels = _labels([label for label, _ in shown])
    data = [{"label": label, "value": value} for label, (_, value) in zip(labels, shown, strict=True)]
    return {
        "type": "data_visualization",
        "title": title[:LONGEST_TITLE],
        "chart": {
            "type": "bar",
            "series": [{"name": unit, "data": data}],
            "axis_config": {"categories": labels, "y_label": unit},
        },
    }


def is_drawn(block: Block) -> bool:
    return block["type"] in ("table", "data_visualization")


def lines(block: Block) -> list[str]:
    """What it shows, a line for each row or bar."""
    return _rows_said(block) if block["type"] == "table" else _bars_said(block)


def _rows_said(block: Block) -> list[str]:
    heads, *rows = ([_said(cell) for cell in row] for row in block["rows"])
    return [f"• {name}: {', '.join(_figures(heads[1:], figures))}" for name, *figures in rows]


def _figures(heads: Sequence[str], figures: Sequence[str]) -> Iterator[str]:
    for head, figure in zip(heads, figures, strict=True):
        if figure != NONE:
            yield f"{head.lower()} {figure}"


def _bars_said(block: Block) -> list[str]:
    [series] = block["chart"]["series"]
    highest = max((point["value"] for point in series["data"]), default=0) or 1
    drawn = [(point, max(0, round(BAR * point["value"] / highest))) for point in series["data"]]
    return [
        f"*{neutral(block['title'])}* ({neutral(series['name'])})",
        *(f"{'▰' * n}{'▱' * (BAR - n)} {neutral(point['label'])}: {point['value']:,.2f}" for point, n in drawn),
    ]


def _cell(cell: Cell) -> Block:
    if isinstance(cell, str):
        return {"type": "raw_text", "text": " ".join(cell.split())[:MOST_CELL] or NONE}
    person = {"type": "user", "user_id": cell.user_id}
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [person]}]}


def _said(cell: Block) -> str:
    if cell["type"] == "raw_text":
        return neutral(cell["text"])
    [part] = cell["elements"][0]["elements"]
    return mention(part["user_id"])


def _labels(wanted: Sequence[str]) -> list[str]:
    """Short, and each another."""
    made: list[str] = []
    for label in wanted:
        short, number = label[:LONGEST_LABEL] or NONE, 1
        while short in made:
            number += 1
            short = f"{label[: LONGEST_LABEL - len(str(number)) - 1]} {number}"
        made.append(short)
    return made
