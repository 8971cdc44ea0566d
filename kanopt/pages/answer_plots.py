"""Pictures of a sweep, a line where one thing varies and cells where two do, and of a day that was driven."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kanopt.pages.charts import (
    ALARM,
    DIGIT,
    MUTED,
    SERIES,
    axes_or_new,
    draw_cells,
    draw_lines,
    halo,
    is_number,
    name_ends,
    name_values,
    pixels,
    series,
    set_x_title,
    set_y_title,
    shade,
    style_axes,
    write,
)
from kanopt.plans.findings import Status
from kanopt.questions.axes import value_text
from kanopt.questions.question import unit_of_axis
from kanopt.text import (
    column_decimals,
    fixed_text,
    money_text,
    shorten_middle,
    with_unit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.questions import Sweep
    from kanopt.questions.axes import Axis
    from kanopt.scenarios import Scenario

_BROKEN = frozenset({str(Status.INFEASIBLE), str(Status.PARTIAL), str(Status.NO_PLAN), ""})
_DOTS = 60
"""Points that are marked on a line, at most."""
_MOST_POINTS = 1_000
"""Points that are drawn, at most."""
_MOST_NUMBERS = 400
"""Cells with a number in them, at most."""
_CELL, _ROW = 30.0, 32
_TALLEST = 480


def plot_sweep(sweep: Sweep, ax: Axes | None = None) -> Axes:
    """Draw the prices of a sweep.

    One number that varies is a line: of the plans made anew with the noise of their searches, and of the plan that is
    kept. Two things that vary are cells. Else the prices stand in the order of the points.

    Parameters
    ----------
    sweep
        From :func:`kanopt.sweep`.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 680, sweep_height(sweep))
    labels = [axis.label for axis in sweep.axes]
    frame = sweep.points
    if len(labels) == 2 and len(frame) == math.prod(frame[label].nunique() for label in labels):
        _plot_cells(sweep, ax)
    else:
        _plot_line(sweep, ax)
    return ax


def sweep_height(sweep: Sweep) -> int:
    """Return the preferred height of the picture, in pixels."""
    if len(sweep.axes) != 2:
        return 320
    rows = sweep.points[sweep.axes[1].label].nunique()
    return int(min(max(90 + _CELL * rows, 200), _TALLEST))


def axis_title(scenario: Scenario, axis: Axis, most: int = 60) -> str:
    """Return what an axis varies, with its unit."""
    return with_unit(shorten_middle(axis.label, most), unit_of_axis(scenario, axis))


def _does_as_much(sweep: Sweep, frame: pd.DataFrame) -> pd.Series[bool]:
    """Say at which points the plan serves what must be served, and keeps rules, as that of the scenario does.

    Prices are drawn there, also where more or less is wanted than as it is, as where demands vary.
    """
    rank = sweep.base.rank
    same = (frame["unserved"] == rank.unserved) & (frame["violations"] == rank.violations)
    return same & frame["objective"].notna()


def _plot_line(sweep: Sweep, ax: Axes) -> None:
    """Draw prices over one number, or point by point over anything else."""
    axis, several = sweep.axes[0], len(sweep.axes) > 1
    numeric = not several and is_number(sweep.points[axis.label])
    frame = _thinned(sweep.points.sort_values(axis.label) if numeric else sweep.points)
    x = frame[axis.label].to_numpy(float) if numeric else np.arange(len(frame), dtype=float)
    price, noise = frame["objective"].to_numpy(float), frame["noise"].to_numpy(float)
    unlike = ~_does_as_much(sweep, frame).to_numpy()
    best = np.where(unlike, np.nan, price)
    lines = {"planned anew" if sweep.anew else "the same plan": best}
    if sweep.anew and numeric:
        lines["the plan as it is"] = (
            frame["kept_objective"].where(~frame["kept_status"].isin(_BROKEN)).to_numpy(float)
        )
        ax.fill_between(x, best - noise, best + noise, color=series(0).light, alpha=0.15, linewidth=0)
    look = {"marker": "o" if len(x) <= _DOTS or not numeric else "", "markersize": 3.5}
    draw_lines(ax, x, lines, linestyle="-" if numeric else "", **look)
    if np.any(unlike & np.isfinite(price)):
        ax.plot(x[unlike], price[unlike], "x", color=ALARM.light, markersize=6, label="not like with like")
    if (base := sweep.base.objective) is not None:
        ax.axhline(base, color=MUTED.light, linewidth=0.9, linestyle=":")
        place = {"xycoords": ("axes fraction", "data"), "va": "bottom"}
        write(ax, f"as it is {money_text(base)}", (0.0, base), MUTED, (3, 3), **place, **halo())
    style_axes(ax)
    ax.margins(y=0.12)
    if numeric:
        finite = {name: values[np.isfinite(values)] for name, values in lines.items()}
        name_ends(
            ax, float(x[-1]), {name: float(values[-1]) for name, values in finite.items() if len(values)}
        )
    elif not several:
        name_values(ax, "x", [value_text(value) for value in frame[axis.label]])
    set_x_title(ax, "number of the point, as in the table" if several else axis_title(sweep.scenario, axis))
    title = f"price, {sweep.unit}" if sweep.unit else "price"
    set_y_title(ax, f"{title}{'; band: noise of the searches' if np.any(noise > 0) else ''}")


def _thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows, evenly chosen where there are more than a picture shows."""
    return rows.iloc[:: 1 + len(rows) // _MOST_POINTS]


def _plot_cells(sweep: Sweep, ax: Axes) -> None:
    across, up = sweep.axes
    frame = sweep.points
    shown, (columns, rows) = frame, (_values(frame[axis.label]) for axis in (across, up))
    is_like = _does_as_much(sweep, shown)
    places = [
        (columns.index(column), rows.index(row))
        for column, row in zip(shown[across.label], shown[up.label], strict=True)
    ]
    changes = shown["change"].where(is_like).to_numpy(float)
    widest = float(np.nanmax(np.abs(changes))) if np.isfinite(changes).any() else 0.0
    looks = [
        shade(0.0 if math.isnan(each) else abs(each) / (widest or 1.0), SERIES[1 if each > 0 else 2])
        for each in changes
    ]
    draw_cells(ax, [*map(value_text, columns)], [*map(value_text, rows)], places, looks)
    texts = _cell_texts(shown["objective"].where(is_like).to_numpy(float))
    room = pixels(ax)[0] / max(len(columns), 1)
    fits = len(texts) <= _MOST_NUMBERS and max(map(len, texts), default=0) * DIGIT < room
    for at, text in zip(places, texts, strict=True) if fits else ():
        write(ax, text, at, ha="center")
    unlike = f"; {'–' if fits else 'grey'}: no price that compares" if np.isnan(changes).any() else ""
    set_x_title(ax, f"{axis_title(sweep.scenario, across)}{unlike}")
    set_y_title(ax, f"{axis_title(sweep.scenario, up, max(int(pixels(ax)[0] / DIGIT) - 36, 12))} ↑")
    # which colour means what: two words at the right, the later one first
    for place, (word, colour) in enumerate((("dearer", SERIES[1]), ("cheaper than as it is", SERIES[2]))):
        above = {"xycoords": "axes fraction", "ha": "right", "va": "bottom"}
        write(ax, word, (1.0, 1.0), colour, (-50 * place, 7), **above)


def _values(column: pd.Series[Any]) -> list[Any]:
    """Return the values of an axis in order."""
    values = column.drop_duplicates()
    return list(values.sort_values() if is_number(column) else values)


def _cell_texts(prices: np.ndarray) -> list[str]:
    finite = prices[np.isfinite(prices)]
    spread = float(np.ptp(finite)) if len(finite) else 0.0
    decimals = 0 if spread >= 20 else min(column_decimals(finite), 2)
    return ["–" if math.isnan(price) else fixed_text(price, decimals) for price in prices]
