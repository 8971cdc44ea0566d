"""Pictures of answers: lines and cells of sweeps, bars of tornados, ranges that are parted where a plan tips."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kanopt.problems.result import Status
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
from kanopt.reports.palette import ALARM, FAINT, INK, MUTED, SERIES, series
from kanopt.reports.series import label_ends
from kanopt.text import (
    amount_text,
    column_decimals,
    fixed_text,
    money_text,
    number_text,
    shorten,
    shorten_middle,
    with_unit,
)
from kanopt.whatif.questions.axes import value_text
from kanopt.whatif.questions.prepare import unit_of_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.whatif import Scenario, Sweep, SwitchPoints, Tornado
    from kanopt.whatif.questions.axes import Axis
    from kanopt.whatif.questions.switch_points import AxisSwitches

_BROKEN = frozenset({str(Status.INFEASIBLE), str(Status.PARTIAL), str(Status.NO_PLAN), ""})
_DOTS = 60
"""Points that are marked on a line, at most."""
_MOST_POINTS = 1_000
"""Points that are drawn, at most."""
_MOST_CELLS = 30
"""Rows and columns of cells that are drawn, at most."""
_MOST_NUMBERS = 400
"""Cells with a number in them, at most."""
_DIGIT = 6.6  # pixels
_CELL, _INPUT, _RANGE = 30.0, 34, 84
"""Heights of a row of cells, of an input of a tornado, and of a path with switch points."""
_TALLEST = 480
_HEIGHT, _BAR = 0.6, 0.3
"""Of the bar of an input, and of a path, as a share of its row."""


def plot_sweep(sweep: Sweep, ax: Axes | None = None, switches: SwitchPoints | None = None) -> Axes:
    """Draw the prices of a sweep.

    One number that varies is a line: of the plans made anew with the noise of their searches, and of the plan that is
    kept. Two things that vary are cells. Else the prices stand in the order of the points.

    Parameters
    ----------
    sweep
        From :func:`kanopt.sweep`.
    ax
        Where to draw; a new figure if None.
    switches
        Switch points of the same path, to be marked on the line.
    """
    ax = axes_or_new(ax, 680, sweep_height(sweep))
    labels = [axis.label for axis in sweep.axes]
    frame = sweep.points
    if len(labels) == 1 and _is_number(frame[labels[0]]):
        _plot_line(sweep, ax, switches)
    elif len(labels) == 2 and len(frame) == math.prod(frame[label].nunique() for label in labels):
        _plot_cells(sweep, ax)
    else:
        _plot_in_turn(sweep, ax)
    return ax


def sweep_height(sweep: Sweep) -> int:
    """Return the preferred height of the picture, in pixels."""
    if len(sweep.axes) != 2:
        return 320
    rows = min(sweep.points[sweep.axes[1].label].nunique(), _MOST_CELLS)
    return int(min(max(90 + _CELL * rows, 200), _TALLEST))


def axis_title(scenario: Scenario, axis: Axis, most: int = 60) -> str:
    """Return what an axis varies, with its unit."""
    return with_unit(shorten_middle(axis.label, most), unit_of_axis(scenario, axis))


def _is_number(column: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column))


def _does_as_much(sweep: Sweep, frame: pd.DataFrame) -> pd.Series[bool]:
    """Say at which points the plan serves what must be served, and keeps rules, as that of the scenario does.

    Prices are drawn there, also where more or less is wanted than as it is, as where demands vary.
    """
    rank = sweep.base.rank
    same = (frame["unserved"] == rank.unserved) & (frame["violations"] == rank.violations)
    return same & frame["objective"].notna()


def _price_title(sweep: Sweep) -> str:
    return f"price, {sweep.unit}" if sweep.unit else "price"


def _plot_line(sweep: Sweep, ax: Axes, switches: SwitchPoints | None) -> None:
    axis = sweep.axes[0]
    frame = _thinned(sweep.points.sort_values(axis.label))
    x, price = frame[axis.label].to_numpy(float), frame["objective"].to_numpy(float)
    unlike = ~_does_as_much(sweep, frame).to_numpy()
    lines = {"planned anew" if sweep.anew else "the same plan": np.where(unlike, np.nan, price)}
    if sweep.anew:
        kept = frame["kept_objective"].where(~frame["kept_status"].isin(_BROKEN))
        lines["the plan as it is"] = kept.to_numpy(float)
        noise = frame["noise"].to_numpy(float)
        best = next(iter(lines.values()))
        ax.fill_between(x, best - noise, best + noise, color=series(0).light, alpha=0.15, linewidth=0)
    marker = "o" if len(x) <= _DOTS else ""
    for place, (name, values) in reversed(list(enumerate(lines.items()))):
        style = "-" if place == 0 else "--"
        ax.plot(
            x,
            values,
            style,
            marker=marker,
            markersize=3.5,
            color=series(place).light,
            linewidth=1.8,
            label=name,
        )
    if np.any(unlike & np.isfinite(price)):
        ax.plot(x[unlike], price[unlike], "x", color=ALARM.light, markersize=6, label="not like with like")
    _mark_base(sweep, ax)
    style_axes(ax)
    ax.margins(y=0.12)
    ends = {name: values[np.isfinite(values)] for name, values in lines.items() if np.isfinite(values).any()}
    if ends:
        label_ends(ax, float(x[-1]), list(ends), np.array([values[-1] for values in ends.values()]))
    set_x_title(ax, axis_title(sweep.scenario, axis))
    set_y_title(ax, f"{_price_title(sweep)}{'; band: noise of the searches' if _has_noise(frame) else ''}")
    if switches is not None:
        _mark_switches(sweep, ax, switches)


def _thinned(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows evenly chosen where there are more than a picture shows."""
    if len(frame) <= _MOST_POINTS:
        return frame
    return frame.iloc[np.linspace(0, len(frame) - 1, _MOST_POINTS).round().astype(int)]


def _has_noise(frame: pd.DataFrame) -> bool:
    return bool((frame["noise"] > 0).any())


def _mark_base(sweep: Sweep, ax: Axes) -> None:
    base = sweep.base.objective
    if base is None:
        return
    ax.axhline(base, color=MUTED.light, linewidth=0.9, linestyle=":")
    ax.annotate(
        escape_text(f"as it is {money_text(base)}"),
        (0.0, base),
        xycoords=("axes fraction", "data"),
        xytext=(3, 3),
        textcoords="offset points",
        fontsize="small",
        color=MUTED.light,
        **halo(),
    )


def _mark_switches(sweep: Sweep, ax: Axes, switches: SwitchPoints) -> None:
    axis = sweep.axes[0]
    for found in switches.axes:
        for one in found.switches if found.axis.label == axis.label else ():
            ax.axvline(one.value, color=series(2).light, linewidth=1.0)
            ax.annotate(
                escape_text(amount_text(one.value, found.unit)),
                (one.value, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(3, -3),
                textcoords="offset points",
                va="top",
                fontsize="small",
                color=series(2).light,
                **halo(),
            )


def _plot_cells(sweep: Sweep, ax: Axes) -> None:
    across, up = sweep.axes
    frame = sweep.points
    columns, rows = (_few(frame[axis.label]) for axis in (across, up))
    shown = frame[frame[across.label].isin(columns) & frame[up.label].isin(rows)]
    is_like = _does_as_much(sweep, shown)
    places = [
        (columns.index(column), rows.index(row))
        for column, row in zip(shown[across.label], shown[up.label], strict=True)
    ]
    changes = shown["change"].where(is_like).to_numpy(float)
    _fill_cells(ax, places, changes)
    room = pixels(ax)[0] / max(len(columns), 1)
    texts = _cell_texts(shown["objective"].where(is_like).to_numpy(float))
    fits = len(texts) <= _MOST_NUMBERS and max(map(len, texts), default=0) * _DIGIT < room
    for at, text in zip(places, texts, strict=True) if fits else ():
        ax.annotate(text, at, ha="center", va="center", fontsize="small", color=INK.light)
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(-0.5, len(rows) - 0.5)
    _value_ticks(ax, "x", columns, room)
    _value_ticks(ax, "y", rows, math.inf)
    style_axes(ax, grid="")
    ax.spines["bottom"].set_visible(False)
    unlike = f"; {'–' if fits else 'grey'}: no price that compares" if np.isnan(changes).any() else ""
    set_x_title(ax, f"{axis_title(sweep.scenario, across)}{unlike}")
    set_y_title(ax, f"{axis_title(sweep.scenario, up, max(int(pixels(ax)[0] / _DIGIT) - 36, 12))} ↑")
    _label_colours(ax)


def _fill_cells(ax: Axes, places: list[tuple[int, int]], changes: np.ndarray) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    widest = float(np.nanmax(np.abs(changes))) if np.isfinite(changes).any() else 0.0
    colours = [_colour(change / (widest or 1.0)) for change in changes]
    cells = [Rectangle((column - 0.48, row - 0.47), 0.96, 0.94) for column, row in places]
    ax.add_collection(PatchCollection(cells, facecolors=colours, linewidths=0))


def _label_colours(ax: Axes) -> None:
    """Say above the cells which colour means what: two words at the right, the later one first."""
    for place, (word, colour) in enumerate((("dearer", SERIES[1]), ("cheaper than as it is", SERIES[2]))):
        ax.annotate(
            word,
            (1.0, 1.0),
            xycoords="axes fraction",
            xytext=(-50 * place, 7),
            textcoords="offset points",
            ha="right",
            fontsize="small",
            color=colour.light,
        )


def _few(column: pd.Series[Any]) -> list[Any]:
    """Return the values of an axis in order, evenly chosen where there are very many."""
    values = list(column.unique())
    if _is_number(column):
        values.sort()
    if len(values) <= _MOST_CELLS:
        return values
    return [values[round(k * (len(values) - 1) / (_MOST_CELLS - 1))] for k in range(_MOST_CELLS)]


def _cell_texts(prices: np.ndarray) -> list[str]:
    finite = prices[np.isfinite(prices)]
    spread = float(np.ptp(finite)) if len(finite) else 0.0
    decimals = 0 if spread >= 20 else min(column_decimals(finite), 2)
    return ["–" if math.isnan(price) else fixed_text(price, decimals) for price in prices]


def _colour(change: float) -> tuple[float, float, float, float]:
    """Return the colour of a cell, the stronger the more its price differs from what is; `change` is from -1 to 1."""
    from matplotlib.colors import to_rgba

    if math.isnan(change) or change == 0:
        return to_rgba(FAINT.light)
    return to_rgba((SERIES[1] if change > 0 else SERIES[2]).light, 0.08 + 0.4 * abs(change))


def _value_ticks(ax: Axes, side: str, values: list[Any], room: float) -> None:
    short = [number_text(value) if isinstance(value, float) else value_text(value) for value in values]
    told = short if len(set(short)) == len(short) else map(value_text, values)
    names = [escape_text(shorten(name, 14)) for name in told]
    widest = _DIGIT * max((len(name) for name in names), default=1) + 8
    every = max(math.ceil(widest / room), 1) if side == "x" else max(math.ceil(len(names) / 20), 1)
    set_ticks = ax.set_xticks if side == "x" else ax.set_yticks
    set_ticks(range(0, len(names), every), names[::every])


def _plot_in_turn(sweep: Sweep, ax: Axes) -> None:
    frame = _thinned(sweep.points)
    price = frame["objective"].where(_does_as_much(sweep, frame))
    at = frame["point"]
    ax.plot(at, price, "o", markersize=4, color=series(0).light)
    _mark_base(sweep, ax)
    style_axes(ax)
    label = sweep.axes[0].label
    if len(sweep.axes) == 1:
        _value_ticks(ax, "x", list(frame[label]), pixels(ax)[0] / max(len(frame), 1))
        set_x_title(ax, axis_title(sweep.scenario, sweep.axes[0]))
    else:
        ax.set_xlabel("number of the point, as in the table")
    set_y_title(ax, _price_title(sweep))


def plot_tornado(tornado: Tornado, ax: Axes | None = None) -> Axes:
    """Draw a bar for each input, from the price at one end to that at the other, the widest on top.

    The value stands at either end. Where plans were made anew, a thin line in the bar is the plan that is kept. An
    input without a bar has a value at which the plan breaks rules or leaves out something else.

    Parameters
    ----------
    tornado
        From :func:`kanopt.tornado`.
    ax
        Where to draw; a new figure if None.
    """
    frame = tornado.frame.iloc[::-1].reset_index(drop=True)
    ax = axes_or_new(ax, 680, tornado_height(tornado))
    for place, row in enumerate(named_rows(frame)):
        ends = (
            (row.low_effect, row.kept_low, row.low, 0),
            (row.high_effect, row.kept_high, row.high, 1),
        )
        for effect, kept, value, colour in ends:
            if effect != effect:
                continue
            ax.barh(place, effect, height=_HEIGHT, color=series(colour).light)
            reach = max(effect, kept) if effect > 0 else min(effect, kept)
            outward = 5 if effect > 0 or (effect == 0 and colour) else -5
            ax.annotate(
                escape_text(value_text(value)),
                (reach if reach == reach else effect, place),
                xytext=(outward, 0),
                textcoords="offset points",
                ha="left" if outward > 0 else "right",
                va="center",
                fontsize="small",
                color=series(colour).light,
            )
        if tornado.anew:
            for effect in (row.kept_low, row.kept_high):
                ax.plot([0, effect], [place, place], color=MUTED.light, linewidth=1.2)
    ax.axvline(0, color=MUTED.light, linewidth=0.8)
    letters = name_letters(ax)
    ax.set_yticks(range(len(frame)), [escape_text(shorten_middle(path, letters)) for path in frame["path"]])
    ax.margins(x=0.15)
    base = money_text(tornado.base.objective or 0.0, tornado.unit)
    line = "; line: the plan that is kept" if tornado.anew else ""
    set_x_title(ax, f"change of the price, {tornado.unit} (as it is: {base}{line})")
    return style_axes(ax, grid="x")


def tornado_height(tornado: Tornado) -> int:
    """Return the preferred height of the picture, in pixels."""
    return 90 + _INPUT * len(tornado.frame)


def plot_switch_points(found: SwitchPoints, ax: Axes | None = None) -> Axes:
    """Draw a bar for each path from its lowest to its highest value, parted where decisions change.

    The value stands at each place; a pale stretch is where it may lie. Small marks are values at which the problem was
    solved.

    Parameters
    ----------
    found
        From :func:`kanopt.switch_points`.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 680, switch_height(found))
    rows = [axis for axis in found.axes if len(axis.points)]
    for place, axis in enumerate(reversed(rows)):
        _draw_range(ax, axis, place)
    letters = name_letters(ax)
    names = [escape_text(shorten_middle(axis.axis.label, letters)) for axis in reversed(rows)]
    ax.set_yticks(range(len(rows)), names)
    ax.set_ylim(-0.6, len(rows) - 0.3)
    ax.set_xlim(-0.03, 1.03)
    style_axes(ax, grid="")
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    return ax


def switch_height(found: SwitchPoints) -> int:
    """Return the preferred height of the picture, in pixels."""
    return 20 + _RANGE * max(len(found.axes), 1)


def _draw_range(ax: Axes, axis: AxisSwitches, place: int) -> None:
    low, high = float(axis.points["value"].min()), float(axis.points["value"].max())
    wide = (high - low) or 1.0

    def at(value: float) -> float:
        return min(max((value - low) / wide, 0.0), 1.0)

    edges = [0.0, *(at(one.value) for one in axis.switches), 1.0]
    for part, (start, end) in enumerate(itertools.pairwise(edges)):
        shade = {"color": FAINT.light} if part % 2 == 0 else {"color": series(0).light, "alpha": 0.35}
        ax.barh(place, end - start, left=start, height=_BAR, **shade)
    solved = [at(value) for value in axis.points["value"]]
    ax.plot(solved, [place] * len(solved), "|", color=MUTED.light, markersize=5)
    for value, text, side in (
        (0.0, number_text(low), "left"),
        (1.0, amount_text(high, axis.unit), "right"),
    ):
        _label(ax, text, (value, place - _BAR / 2), (0, -3), ha=side, va="top", color=MUTED.light)
    room, level, end = pixels(ax)[0] * 0.75, 0, -1.0
    for one in axis.switches:
        x = at(one.value)
        text = number_text(one.value)
        half = 0.5 * (_DIGIT * len(text) + 4) / room
        level = (level + 1) % 3 if x - half < end else 0
        end = x + half
        if one.high > one.low:
            ax.plot(
                [at(one.low), at(one.high)], [place, place], color=series(1).light, alpha=0.35, linewidth=7
            )
        style = "-" if one.verdict == "known" else ":"
        ax.plot([x, x], [place - _BAR * 0.7, place + _BAR * 0.7], style, color=series(1).light, linewidth=2)
        _label(
            ax, text, (x, place + _BAR * 0.7), (0, 2 + 12 * level), ha="center", va="bottom", color=INK.light
        )


def _label(
    ax: Axes, text: str, at: tuple[float, float], shift: tuple[int, int], *, ha: str, va: str, color: str
) -> None:
    ax.annotate(
        escape_text(text),
        at,
        xytext=shift,
        textcoords="offset points",
        ha=ha,
        va=va,
        fontsize="small",
        color=color,
        **halo(),
    )
