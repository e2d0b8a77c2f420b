"""The table that a run comes to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- begin of what `make bench FULL=1` writes -->", "<!-- end -->"


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    found: str
    beside: str = ""
    """What it is compared with, and how."""
    goal: str = ""
    reached: bool | None = None
    """None where nothing was promised."""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: list[Row]


def text(machine: str, sections: Iterable[Section]) -> str:
    return "\n".join([machine, *(line for section in sections for line in _lines(section))]) + "\n"


def write(found: str) -> None:
    """Into the page, in place of what an earlier run found."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{found}\n{END}{after}", encoding="utf-8")


def seconds(value: float) -> str:
    """`480 µs`, `12.5 ms`, `2.10 s`."""
    if value < 0.001:
        return f"{value * 1_000_000:,.0f} µs"
    return f"{value * 1000:,.1f} ms" if value < 1 else f"{value:,.2f} s"


def _lines(section: Section) -> Iterator[str]:
    yield f"\n### {section.title}\n"
    yield "| | found | beside | goal | |"
    yield "|---|---|---|---|---|"
    for row in section.rows:
        verdict = {None: "", True: "reached", False: "**missed**"}[row.reached]
        yield f"| {row.what} | {row.found} | {row.beside} | {row.goal} | {verdict} |"
