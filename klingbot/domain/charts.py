"""Pictures of what was spent. matplotlib takes half a second to import, so it is imported when one is drawn.

A picture has its own light ground, so that it reads the same in Slack's light and dark themes. It holds dates and
amounts only, nothing that people wrote.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from klingbot.domain.money import MICROUSD, MILLICREDITS, show_number, show_usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Slack shows a picture about 480 pixels wide: at six inches, ten points are still read there.
INCHES, DPI = (6.0, 2.9), 200
FEW_BARS = 8
"""So many bars can each carry their date and amount."""

_GROUND, _INK, _QUIET, _GRID = "#ffffff", "#1d1c1d", "#616061", "#e8e8ea"
_NOW, _BEFORE, _LINE = "#4f5fd6", "#c9cede", "#b3470b"


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: micro-USD or milli-credits, and those of the same day in the period before."""

    day: date
    value: int
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """Spend per day. The last `marked` bars are what it is about; those before them are there to compare."""

    bars: tuple[Bar, ...]
    marked: int
    in_usd: bool
    line: int | None
    """What the budget allows a day."""
    line_label: str
    before_label: str
    """What the pale bars are."""

    def show(self, value: int) -> str:
        return show_usd(value) if self.in_usd else show_number(value)


def alt(chart: Chart) -> str:
    """The same in words, for those who cannot see it."""
    unit = "" if chart.in_usd else " in credits"
    days = ", ".join(f"{bar.day:%a} {_short(bar.day)} {chart.show(bar.value)}" for bar in chart.bars)
    return f"Spend per day{unit}: {days}" + (f"; {chart.line_label}" if chart.line else "")


def draw(chart: Chart) -> bytes:
    """The chart as a PNG. Safe in any thread."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, dpi=DPI, facecolor=_GROUND)
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.1)
    axes = figure.add_subplot()
    _draw_bars(axes, chart)
    if chart.line:
        height = _scaled(chart, chart.line)
        axes.axhline(height, color=_LINE, linewidth=1.6, linestyle=(0, (5, 3)), label=chart.line_label)
    _dress(axes, chart)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _draw_bars(axes: Axes, chart: Chart) -> None:
    """Each day's bar, with the same day of the period before as a pale one to its left."""
    values = [_scaled(chart, bar.value) for bar in chart.bars]
    before = [_scaled(chart, bar.before or 0) for bar in chart.bars]
    compared = any(before)
    width, aside = (0.4, 0.21) if compared else (0.66, 0.0)
    if compared:
        axes.bar([x - aside for x in range(len(before))], before, width, color=_BEFORE, label=chart.before_label)
    pale = len(values) - chart.marked
    colours = [_BEFORE] * pale + [_NOW] * chart.marked
    drawn = axes.bar([x + aside for x in range(len(values))], values, width, color=colours)
    if chart.marked <= FEW_BARS:
        labels = [_brief(chart, bar.value) if place >= pale else "" for place, bar in enumerate(chart.bars)]
        axes.bar_label(drawn, labels, padding=2, fontsize=9, color=_INK)


def _dress(axes: Axes, chart: Chart) -> None:
    """Dates below, amounts at the side, and nothing else that is not needed."""
    few = len(chart.bars) <= FEW_BARS
    ticks = range(len(chart.bars)) if few else range((len(chart.bars) - 1) % 5, len(chart.bars), 5)
    labels = [f"{bar.day:%a}\n{_short(bar.day)}" if few else _short(bar.day) for bar in (chart.bars[x] for x in ticks)]
    axes.set_xticks(ticks, labels)
    axes.set_xlim(-0.7, len(chart.bars) - 0.3)
    axes.yaxis.set_major_formatter(lambda value, _: f"${value:,.2f}" if chart.in_usd else f"{value:,g}")
    axes.margins(y=0.14)
    axes.grid(axis="y", color=_GRID)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_QUIET, labelsize=9, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)
    axes.set_ylabel("USD a day" if chart.in_usd else "credits a day", color=_QUIET, fontsize=9)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9, labelcolor=_QUIET)


def _scaled(chart: Chart, value: int) -> float:
    """Whole credits or dollars: here alone money becomes a float, to be drawn."""
    return value / (MICROUSD if chart.in_usd else MILLICREDITS)


def _brief(chart: Chart, value: int) -> str:
    """An amount that fits over a bar: `$48.60`, `$1,235`, `$123k`; nothing for nothing."""
    scaled, sign = _scaled(chart, value), "$" if chart.in_usd else ""
    if scaled >= 100_000:
        return f"{sign}{scaled / 1000:,.0f}k"
    if scaled >= 1_000:
        return f"{sign}{scaled:,.0f}"
    return chart.show(value) if value else ""


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"
