"""Pictures of a plan on many days: where things lie against their limits, and what days cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kanopt.errors import ProblemError
from kanopt.reports.canvas import (
    axes_or_new,
    escape_text,
    halo,
    name_letters,
    named_rows,
    pixels,
    set_x_title,
    set_y_title,
    style_axes,
)
from kanopt.reports.palette import ALARM, INK, MUTED, series
from kanopt.text import money_text, percent_text, shorten_middle, sure_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.whatif.risks.risk import DayRanges, Risk

_MOST = 25
_FEWEST = 5
_ROW = 22
_BINS = 40
_LETTER = 6.4  # pixels


def plot_ranges(risk: Risk, ax: Axes | None = None) -> Axes:
    """Draw where things lie on 90 % of the days against their limits, the least certain on top.

    Zero is the limit; a dot is the median, a tick what was planned. The share of days on which the limit holds stands
    at the right.

    Parameters
    ----------
    risk
        From :func:`kanopt.risk`.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    ProblemError
        If nothing has a limit.
    """
    ranges = risk.ranges()
    if ranges.frame.empty:
        raise ProblemError(
            "nothing of this plan has a limit to be drawn against; plot_costs() draws its costs"
        )
    frame = shown_ranges(ranges).iloc[::-1].reset_index(drop=True)
    ax = axes_or_new(ax, 680, ranges_height(ranges))
    ax.axvline(0.0, color=ALARM.light, linewidth=1.0)
    for place, row in enumerate(named_rows(frame)):
        low, middle, high, planned = (value - row.limit for value in (row.q05, row.q50, row.q95, row.planned))
        ax.plot([low, high], [place, place], color=series(0).light, linewidth=3.5, solid_capstyle="butt")
        ax.plot([middle], [place], "o", color=series(0).light, markersize=5)
        ax.plot([planned], [place], "|", color=INK.light, markersize=10)
        ax.annotate(
            sure_text(row.share),
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            color=(ALARM if row.share < 0.5 else INK).light,
            annotation_clip=False,
        )
    letters = name_letters(ax)
    ax.set_yticks(range(len(frame)), [escape_text(shorten_middle(name, letters)) for name in frame["name"]])
    ax.set_ylim(-0.7, len(frame) - 0.3)
    set_x_title(ax, f"{ranges.title}, {ranges.unit} (bar: 90 % {risk.of_all}, tick: planned)")
    ax.margins(x=0.05)
    return style_axes(ax, grid="x")


def shown_ranges(ranges: DayRanges) -> pd.DataFrame:
    """Return the rows that are drawn: those that are not sure, the least certain first, and a few more."""
    frame = ranges.frame
    nearest = frame.assign(_room=frame["limit"] - frame["q95"])
    frame = nearest.sort_values(["share", "_room"], kind="stable").drop(columns="_room")
    unsure = int((frame["share"] < 1.0).sum())
    return frame.head(min(max(unsure, _FEWEST), _MOST))


def ranges_height(ranges: DayRanges) -> int:
    """Return the preferred height of the picture of ranges, in pixels."""
    return 60 + _ROW * len(shown_ranges(ranges))


def plot_day_costs(risk: Risk, ax: Axes | None = None) -> Axes:
    """Draw how often a day costs how much, with what was planned, the mean, and the dear end.

    Parameters
    ----------
    risk
        From :func:`kanopt.risk`.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 680, 260)
    cost, unit = risk.cost, risk.assessment.problem.unit
    # a few very dear days would leave one bar for all others
    low, high = np.quantile(cost, [0.002, 0.998])
    span = (low, high) if high > low else (low - 0.5, low + 0.5)
    shown = np.clip(cost, *span)
    counts, edges = np.histogram(shown, bins=min(_BINS, max(10, risk.draws // 25)), range=span)
    ax.bar(
        edges[:-1], counts / risk.draws, width=np.diff(edges), align="edge", color=series(0).light, alpha=0.45
    )
    ax.yaxis.set_major_formatter(lambda value, _: percent_text(value))
    marks = (
        ("planned", float(risk.assessment.pricing.objective), MUTED, ":"),
        ("mean", float(cost.mean()), INK, "-"),
        ("95 % at most", risk.cost_quantile(0.95), series(1), "-"),
        ("dearest 5 %", risk.cvar(), ALARM, "-"),
    )
    tallest, wide = float(counts.max()) / risk.draws, pixels(ax)[0]
    places = [float(np.clip(value, *span)) for _, value, *_ in marks]
    left = [
        (span[1] - at) / (span[1] - span[0]) * wide < _LETTER * (len(name) + 10)
        for at, (name, *_) in zip(places, marks, strict=True)
    ]
    # a label at the right ends above lower lines, one at the left above all of them
    order = [
        *(k for k in reversed(range(len(marks))) if left[k]),
        *(k for k in range(len(marks)) if not left[k]),
    ]
    for level, k in enumerate(order):
        (name, value, colour, style), at = marks[k], places[k]
        height = tallest * (1.45 - 0.11 * level)
        ax.plot([at, at], [0.0, height], style, color=colour.light, linewidth=1.3)
        ax.annotate(
            f"{name} {money_text(value)}",
            (at, height),
            xytext=(-4 if left[k] else 4, -1),
            textcoords="offset points",
            ha="right" if left[k] else "left",
            va="top",
            fontsize="small",
            color=colour.light,
            **halo(),
        )
    ax.set_ylim(0.0, 1.5 * tallest)
    style_axes(ax)
    ax.set_xlabel(escape_text(f"cost, {unit}" if unit else "cost"))
    set_y_title(ax, f"share {risk.of_all}; the outermost bars hold all beyond")
    return ax
