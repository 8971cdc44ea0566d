"""What charts are made of: words, lines with their names at the ends, rows, spreads, cells, legends and clocks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from kanopt.array_types import Floats
from kanopt.pages.canvas import (
    axes_or_new,
    escape_text,
    halo,
    name_letters,
    pixels,
    set_x_title,
    set_y_title,
    style_axes,
)
from kanopt.pages.palette import FAINT, INK, MUTED, Colour, series
from kanopt.text import clock_text, shorten, shorten_middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.plans.views import SeriesView

_STEPS = np.array([5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200, 10080])
_PER_MINUTE = {"min": 1.0, "minute": 1.0, "h": 1 / 60, "hour": 1 / 60, "s": 60.0, "d": 1 / 1440}
_CLOCK = 62.0  # pixels of a label of a clock
_ROW = 13.0  # pixels that a name at the left of a row takes
DIGIT = 6.6  # pixels
_MOST_IN_LEGEND = 5
_MOST_NAMES = 20
_HALF = 0.47  # of a cell


def write(
    ax: Axes,
    text: object,
    at: tuple[Any, Any],
    colour: Colour = INK,
    shift: tuple[float, float] = (0, 0),
    **look: Any,
) -> None:
    """Write a small text beside a place, `shift` pixels from it; `look` has what matplotlib calls the rest."""
    style: dict[str, Any] = {"fontsize": "small", "va": "center", "annotation_clip": False} | look
    ax.annotate(escape_text(text), at, xytext=shift, textcoords="offset points", color=colour.light, **style)


def is_number(column: pd.Series[Any]) -> bool:
    """Say whether a column has numbers."""
    return bool(is_numeric_dtype(column) and not is_bool_dtype(column))


# Lines


def draw_lines(ax: Axes, x: Floats, lines: Mapping[str, Floats], **look: Any) -> None:
    """Draw a line for each series, the first on top; `look` is what matplotlib calls the rest."""
    style: dict[str, Any] = {"linewidth": 1.8} | look
    for place, (name, values) in reversed(list(enumerate(lines.items()))):
        ax.plot(x, values, color=series(place).light, label=escape_text(name), **style)


def name_ends(ax: Axes, x: float, ends: Mapping[str, float]) -> None:
    """Name lines at their right ends, in their colours, moved apart where they would overlap."""
    low, high = ax.get_ylim()
    gap = 14 * (high - low) / pixels(ax)[1]
    names, values = list(ends), np.array([*ends.values()], dtype=float)
    order = np.argsort(values)
    spread = values[order]
    for index in range(1, len(spread)):
        spread[index] = max(spread[index], spread[index - 1] + gap)
    overshoot = max(0.0, float(spread[-1]) - high)
    for at, index in zip(spread - overshoot, order, strict=True):
        write(ax, shorten(names[index], 24), (x, at), series(int(index)), (5, 0), **halo())


def plot_series(view: SeriesView, ax: Axes | None = None) -> Axes:
    """Draw one line per column, each named at its end.

    Parameters
    ----------
    view
        The numbers; where ``view.step`` is set a value holds until the next.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 680, 300)
    data = view.data
    numeric = is_numeric_dtype(data.index)
    along = data.index.to_numpy(float) if numeric else np.arange(len(data), dtype=float)
    lines = {str(column): data[column].to_numpy(float) for column in data.columns}
    draw_lines(ax, along, lines, drawstyle="steps-post" if view.step else "default")
    if view.clock:
        time_axis(ax, float(along[0]), float(along[-1]), view.clock, clock=True)
    else:
        ax.set_xlabel(escape_text(view.x_label))
        if numeric:
            ax.locator_params(axis="x", nbins=max(int(pixels(ax)[0] / 70), 3))
    if not numeric:
        name_values(ax, "x", [str(name) for name in data.index])
    style_axes(ax)
    set_y_title(ax, view.y_label)
    if len(lines) > 1:
        name_ends(ax, float(along[-1]), {name: float(values[-1]) for name, values in lines.items()})
    return ax


def time_axis(ax: Axes, low: float, high: float, unit: str, *, clock: bool) -> None:
    """Let the horizontal axis run from `low` to `high`, with labels at whole hours where it is time of day."""
    ax.set_xlim(low, high if high > low else low + 1.0)
    most = max(int(pixels(ax)[0] / _CLOCK), 3)
    if clock and unit in _PER_MINUTE:
        scale = _PER_MINUTE[unit]
        fitting = _STEPS[(high - low) / scale / _STEPS <= most - 1]
        step = float(fitting[0] if len(fitting) else _STEPS[-1]) * scale
        ticks = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
        ax.set_xticks(ticks, [clock_text(tick, unit) for tick in ticks])
        ax.set_xlabel("time of day")
    else:
        ax.locator_params(axis="x", nbins=most - 1)
        ax.set_xlabel(escape_text(f"time ({unit})"))


def name_values(ax: Axes, side: str, names: Sequence[str]) -> None:
    """Name evenly spaced values of an axis; where there is no room for all, every second or so."""
    shown = [escape_text(shorten(name, 14)) for name in names]
    widest = DIGIT * max((len(name) for name in shown), default=1) + 8
    room = pixels(ax)[0] / max(len(shown), 1)
    every = max(math.ceil(widest / room if side == "x" else len(shown) / _MOST_NAMES), 1)
    set_ticks = ax.set_xticks if side == "x" else ax.set_yticks
    set_ticks(range(0, len(shown), every), shown[::every])


# Rows


def rows_that_fit(ax: Axes) -> int:
    """Return how many rows have room for their names."""
    return max(int(pixels(ax)[1] / _ROW), 4)


def name_rows(ax: Axes, names: Sequence[object], title: str, *, fewest: int = 1, grid: Any = "x") -> Axes:
    """Name the rows of a chart from the top down, title the axis below them, and style it.

    Parameters
    ----------
    ax
        Where they are drawn, the first at 0.
    names
        A name for each.
    title
        Of the axis below.
    fewest
        Room is left for so many.
    grid
        As for :func:`~kanopt.pages.canvas.style_axes`.
    """
    letters = name_letters(ax)
    ax.set_yticks(range(len(names)), [escape_text(shorten_middle(str(name), letters)) for name in names])
    ax.set_ylim(max(len(names), fewest) - 0.4, -0.6)
    set_x_title(ax, title)
    return style_axes(ax, grid=grid)


def draw_spread(
    ax: Axes, row: float, ends: tuple[float, float], middle: float, tick: float, colour: Colour
) -> None:
    """Draw from where to where something lies: a bar with a dot in it, and a tick."""
    ax.plot([*ends], [row, row], color=colour.light, linewidth=3.5, solid_capstyle="butt")
    ax.plot([middle], [row], "o", color=colour.light, markersize=5)
    ax.plot([tick], [row], "|", color=INK.light, markersize=10)


def write_beside(ax: Axes, row: float, text: str, colour: Colour) -> None:
    """Write at the right of a row, outside of the axes."""
    write(ax, text, (1.0, row), colour, (4, 0), xycoords=("axes fraction", "data"))


def draw_bars(ax: Axes, labels: Sequence[str], values: Floats, title: str, *, named: str = "") -> Axes:
    """Draw a bar for each label, the first on top; where there are more than have room, those of the largest values.

    Parameters
    ----------
    ax
        Where to draw.
    labels, values
        What each is called, and how long it is.
    title
        What the values are.
    named
        What the labels are.
    """
    shown = np.sort(np.argsort(-np.abs(values), kind="stable")[: rows_that_fit(ax)])
    ax.barh(range(len(shown)), values[shown], height=0.62, color=series(0).light)
    ax.axvline(0, color=MUTED.light, linewidth=0.8)
    left_out = len(values) - len(shown)
    name_rows(ax, [shorten(labels[at], 18) for at in shown], "", fewest=4)
    ax.set_xlabel(escape_text(f"{title}; {left_out} smaller not drawn" if left_out else title))
    set_y_title(ax, named)
    return ax


# Cells


def draw_cells(
    ax: Axes,
    columns: Sequence[str],
    rows: Sequence[str],
    places: Sequence[tuple[int, int]],
    looks: Sequence[Any],
) -> None:
    """Draw cells, each in a colour of its own, and name their columns and rows."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    cells = [Rectangle((x - _HALF, y - _HALF), 2 * _HALF, 2 * _HALF) for x, y in places]
    ax.add_collection(PatchCollection(cells, facecolors=[*looks], linewidths=0))
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(-0.5, len(rows) - 0.5)
    name_values(ax, "x", columns)
    name_values(ax, "y", rows)
    style_axes(ax, grid="")
    ax.spines["bottom"].set_visible(False)


def shade(share: float, colour: Colour) -> tuple[float, float, float, float]:
    """Return the colour of a cell, the stronger the larger its share; of none a faint grey."""
    from matplotlib.colors import to_rgba

    return to_rgba(colour.light, 0.08 + 0.4 * share) if share else to_rgba(FAINT.light)


# Legends


def draw_legend(ax: Axes, handles: Sequence[Any], **look: Any) -> None:
    """Draw a legend in rows above the axes, or where `look` says."""
    if handles:
        place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "handlelength": 0.9}
        columns = min(len(handles), _MOST_IN_LEGEND)
        style: dict[str, Any] = {"frameon": False, "fontsize": "small", "labelcolor": MUTED.light}
        style |= {"borderaxespad": 0.2, "columnspacing": 1.1, "handleheight": 0.9, "ncols": columns}
        ax.legend(handles=handles, **(place | style | look))


def patches(looks: Mapping[str, str], most: int = 20) -> list[Any]:
    """Return what a legend shows of colours."""
    from matplotlib.patches import Patch

    return [Patch(facecolor=face, label=escape_text(shorten(name, most))) for name, face in looks.items()]
