"""Plots of laws: the output along one input or two, the effects of a model, and its network."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.errors import FitError, FormulaError, nearest
from kanopt.formulas import Formula, Variable
from kanopt.pages.charts import (
    FAINT,
    INK,
    LINE,
    MUTED,
    PAPER,
    SERIES,
    axes_or_new,
    canvas_size,
    draw_bars,
    draw_cells,
    draw_lines,
    escape_text,
    halo,
    panels_or_new,
    pixels,
    series,
    set_y_title,
    shade,
    style_axes,
    write,
)
from kanopt.text import amount_text, join_list, list_names, number_text, shorten, shorten_middle, with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.surrogates.curves import Diagram, DiagramEdge
    from kanopt.surrogates.readings import Effects

Value = float | str
_POINTS = 121
_FEW = 4  # a range with whole ends this far apart gets whole ticks
_CELLS = (12, 9)  # of a heat map, across and up
_TOGETHER = 0.05  # of what two inputs do, what they do only together, from which on that is drawn
_WIDE = 100.0  # a range this many times longer than it starts is halved by ratio, not by difference


def reference_values(formula: Formula) -> dict[str, Value]:
    """Return the value at which each input is held while another varies.

    The median and the commonest category of the rows it was learned from. Where these are not known, the middle of its
    range (the geometric middle of one that spans more than a factor of 100) and the first of its categories; 1 where
    nothing is known.
    """
    held: dict[str, Value] = {}
    for variable in _used(formula):
        if variable.is_category:
            known = known_labels(formula, variable.name)
            if not known:
                raise FormulaError(
                    f"category {variable.name!r} of the law {formula.output.name!r} has no labels"
                )
            held[variable.name] = dict(formula.domain.commonest).get(variable.name, known[0])
        else:
            held[variable.name] = _middle(formula, variable)
    return held


def fixed_inputs_text(formula: Formula, held: Mapping[str, Value]) -> str:
    """Return the values at which inputs are held, in words."""
    units = {variable.name: variable.unit for variable in formula.inputs}
    parts = [
        f"{name} = {value if isinstance(value, str) else number_text(float(value), 3)} {units[name]}".rstrip()
        for name, value in held.items()
    ]
    return join_list(parts, 12)


def plottable_inputs(formula: Formula) -> list[str]:
    """Return the inputs along which a law can be drawn: those with a range or with categories."""
    return [v.name for v in _used(formula) if v.is_category or range_of_input(formula, v) is not None]


def plot_formula(
    formula: Formula,
    ax: Axes | None = None,
    *,
    along: str = "",
    at: Mapping[str, Value] | None = None,
    caption: bool = True,
) -> Axes:
    """Draw a law as a function of one input, over its training range.

    All other inputs are held at `at`; a band holds 90 % of the held-out rows. Categories are bars, without those of
    which nothing was learned since they have too few rows.

    Parameters
    ----------
    formula
        The law.
    ax
        Where to draw; a new figure if None.
    along
        The input on the horizontal axis; the first that has a range if empty.
    at
        Values at which inputs are held; if not given, the median and the commonest category of the rows learned from.
    caption
        Whether to state below the axis at which values what does not vary is held, and which categories are not drawn.

    Raises
    ------
    FormulaError
        If `along` is not an input, or its range is unknown.
    """
    choices = plottable_inputs(formula)
    name = along or (choices[0] if choices else "")
    if name not in choices:
        what = f"along {name!r}" if name else "at all"
        raise FormulaError(
            f"the law {formula.output.name!r} cannot be drawn {what}: no range is known; {nearest(name, choices)}"
        )
    held = {**reference_values(formula), **(at or {})}
    ax = axes_or_new(ax, 420, 300)
    if _variable(formula, name).is_category:
        labels, title = known_labels(formula, name), with_unit(formula.output.name, formula.output.unit)
        draw_bars(ax, labels, _over_labels(formula, name, labels, held), title, named=name)
        if caption:
            _add_caption(formula, ax, name, {key: value for key, value in held.items() if key != name})
        return ax
    x = _points(formula, name, _POINTS)
    line = np.broadcast_to(formula.evaluate({**held, name: x}), x.shape)
    draw_lines(ax, x, {formula.output.name: line})
    _scatter_band(formula, ax, x, line)
    variable = _variable(formula, name)
    ax.set_xlabel(escape_text(with_unit(name, variable.unit)))
    ax.set_xlim(left=float(x[0]))
    whole = all(map(float.is_integer, map(float, (x[0], x[-1])))) and x[-1] - x[0] >= _FEW
    ax.locator_params(axis="x", nbins=7, integer=whole)
    style_axes(ax)
    if caption:
        _add_caption(formula, ax, name, {key: value for key, value in held.items() if key != name})
    low, high = ax.get_ylim()
    if 0 < low < 0.5 * high:  # a positive law starts at zero where that wastes little space
        ax.set_ylim(0.0, high)
    set_y_title(ax, with_unit(formula.output.name, formula.output.unit))
    return ax


def _used(formula: Formula) -> list[Variable]:
    return [variable for variable in formula.inputs if variable.name in formula.used]


def _variable(formula: Formula, name: str) -> Variable:
    known = {variable.name: variable for variable in formula.inputs}
    if name not in known:
        raise FormulaError(f"the law {formula.output.name!r} has no input {name!r}; {nearest(name, known)}")
    return known[name]


def range_of_input(formula: Formula, variable: Variable) -> tuple[float, float] | None:
    """Return the learned range of an input, else its declared one, else None."""
    seen = formula.domain.range_of(variable.name)
    low, high = (variable.low, variable.high) if seen is None else (seen.low, seen.high)
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high) and low < high):
        return None
    return float(low), float(high)


def _interpolate(low: float, high: float, share: float) -> float:
    if low > 0 and high > _WIDE * low:
        return float(low ** (1 - share) * high**share)
    return low + share * (high - low)


def _middle(formula: Formula, variable: Variable) -> float:
    """Return a central value of a number: the median of the rows, else the middle of its range, else 1."""
    known, ends = formula.domain.quantiles_of(variable.name), range_of_input(formula, variable)
    if known is not None:
        return float(known[1])
    return 1.0 if ends is None else _interpolate(*ends, 0.5)


def _points(formula: Formula, name: str, count: int) -> np.ndarray:
    """Return values over the range of an input, whole ones where the rows have no others."""
    ends = range_of_input(formula, _variable(formula, name))
    assert ends is not None
    points = np.array([_interpolate(*ends, share) for share in np.linspace(0.0, 1.0, count)])
    seen = (*ends, *(formula.domain.quantiles_of(name) or (math.nan,)))
    return np.unique(np.round(points)) if all(map(float.is_integer, seen)) else points


def known_labels(formula: Formula, name: str) -> list[str]:
    """Return the categories that something was learned of."""
    known = formula.domain.categories_of(name) or _variable(formula, name).categories
    rare = formula.domain.rare_of(name)
    return [label for label in known if label not in rare]


def _over_labels(formula: Formula, name: str, labels: list[str], held: Mapping[str, Value]) -> np.ndarray:
    return np.broadcast_to(formula.evaluate({**held, name: np.array(labels, dtype=object)}), (len(labels),))


def _add_caption(formula: Formula, ax: Axes, along: str, held: Mapping[str, Value]) -> None:
    """State below the axis at which values other inputs are held, and which categories are not drawn."""
    rare = formula.domain.rare_of(along)
    parts = [f"held at {fixed_inputs_text(formula, held)}"] * bool(held)
    parts += [f"too few rows, not drawn: {list_names(rare, _FEW, quoted=False)}"] * bool(rare)
    if parts:
        letters = max(int(pixels(ax)[0] / 6), 24)
        ax.set_xlabel("\n".join([ax.get_xlabel(), fill(escape_text("; ".join(parts)), letters)]))


def _scatter_band(formula: Formula, ax: Axes, x: np.ndarray, line: np.ndarray) -> None:
    """Shade the band of 90 % of the held-out residuals."""
    quantiles = dict(formula.fit.residual_quantiles) if formula.fit is not None else {}
    if 0.05 in quantiles and 0.95 in quantiles:
        look: dict[str, Any] = {"color": FAINT.light, "edgecolor": LINE.light}
        ax.fill_between(x, line + quantiles[0.05], line + quantiles[0.95], linewidth=0.6, **look)


# Two inputs together


def interacting_pair(formula: Formula, held: Mapping[str, Value]) -> tuple[str, str] | None:
    """Return the two numbers that do most only together; None where what each does hardly depends on the other."""
    names = [name for name in plottable_inputs(formula) if not _variable(formula, name).is_category]
    best, found = _TOGETHER, None
    for place, across in enumerate(names):
        for up in names[place + 1 :]:
            values = _grid(formula, across, up, held, (3, 3))
            alone = values[:1, :] + values[:, :1] - values[0, 0]
            share = float(np.max(np.abs(values - alone))) / (float(np.ptp(values)) or 1.0)
            if share > best:
                best, found = share, (across, up)
    return found


def _grid(
    formula: Formula, across: str, up: str, held: Mapping[str, Value], size: tuple[int, int]
) -> np.ndarray:
    """Return what a law says over two of its inputs; the first runs from left to right."""
    x, y = (_points(formula, name, count) for name, count in zip((across, up), size, strict=True))
    found = formula.evaluate({**held, across: x[None, :], up: y[:, None]})
    return np.broadcast_to(found, (len(y), len(x))).astype(float)


def plot_interaction(formula: Formula, pair: tuple[str, str], ax: Axes | None = None) -> Axes:
    """Draw a law over two of its inputs, as cells that are the darker the more it gives.

    Parameters
    ----------
    formula
        The law.
    pair
        The inputs across and up.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 420, 300)
    values = _grid(formula, *pair, reference_values(formula), _CELLS)
    low, wide = float(values.min()), float(np.ptp(values)) or 1.0
    rows, columns = values.shape
    places = [(column, row) for row in range(rows) for column in range(columns)]
    looks = [shade(1e-9 + 2.0 * (values[row, column] - low) / wide, series(0)) for column, row in places]
    names = [
        [number_text(float(value), 3) for value in _points(formula, name, count)]
        for name, count in zip(pair, _CELLS, strict=True)
    ]
    draw_cells(ax, names[0], names[1], places, looks)
    titles = [with_unit(name, _variable(formula, name).unit) for name in pair]
    ax.set_xlabel(escape_text(titles[0]))
    set_y_title(ax, f"{titles[1]} ↑; dark: {amount_text(low + wide, formula.output.unit, 3)}")
    return ax


# Pictures of several panels: a law along each of its inputs, and what each column of a model does.

_PANEL = (340.0, 280.0)


def plot_law(
    formula: Formula, along: str = "", ax: Any = None, *, at: Mapping[str, Value] | None = None
) -> Any:
    """Draw a law along one of its inputs, or along each of them in a panel of its own.

    Parameters
    ----------
    formula, along, at
        As for :func:`kanopt.pages.plot_formula`; every input that has a range or categories if `along` is empty.
    ax
        One axes for one panel, an array of them for several; a new figure if None.

    Returns
    -------
    matplotlib.axes.Axes or ndarray of them
        The axes for one panel, an array of them for several.

    Raises
    ------
    FormulaError
        If `along` is not an input, or no range is known.
    PlotError
        If what is given is no axes, or too few of them.
    """
    names = [along] if along else plottable_inputs(formula)
    if not names:
        raise FormulaError(
            f"the law {formula.output.name!r} cannot be drawn: none of its inputs has a range or categories; declare "
            "them, Variable(…, low=0, high=80)"
        )
    panels = panels_or_new(ax, names, _PANEL, "inputs")
    for name, panel in zip(names, panels, strict=True):
        plot_formula(formula, panel, along=name, at=at)
    return _alone_or_all(panels)


def plot_effects(effects: Effects, column: str = "", ax: Any = None) -> Any:
    """Draw what each column does to the prediction: a line over numbers, bars over categories.

    All panels share the vertical scale, so that a column that does little is seen to.

    Parameters
    ----------
    effects
        From ``model.effects()``.
    column
        The one to draw; each in a panel of its own if empty.
    ax
        One axes for one panel, an array of them for several; a new figure if None.

    Returns
    -------
    matplotlib.axes.Axes or ndarray of them
        The axes for one panel, an array of them for several.

    Raises
    ------
    FitError
        If there is no such column, or none at all.
    PlotError
        If what is given is no axes, or too few of them.
    """
    known = list(effects.units)
    if not known:
        raise FitError(f"no column has an effect on {effects.target!r}: there is nothing to draw")
    if column and column not in known:
        raise FitError(f"effects: no column {column!r}; {nearest(column, known)}")
    names = [column] if column else known
    panels = panels_or_new(ax, names, _PANEL, "columns")
    low, high = effects.frame["effect"].min(), effects.frame["effect"].max()
    room = 0.06 * ((high - low) or 1.0)
    for name, panel in zip(names, panels, strict=True):
        rows = effects.frame[effects.frame["feature"] == name]
        effect, title = rows["effect"].to_numpy(float), f"effect on {effects.target}"
        if name in effects.categories:
            draw_bars(panel, [str(value) for value in rows["value"]], effect, title, named=shorten(name, 40))
            panel.set_xlim(low - room, high + room)
            continue
        panel.axhline(0, color=MUTED.light, linewidth=0.8)
        draw_lines(panel, rows["value"].to_numpy(float), {title: effect})
        panel.set_xlabel(escape_text(with_unit(shorten(name, 40), effects.units[name])))
        style_axes(panel)
        set_y_title(panel, title)
        panel.set_ylim(low - room, high + room)
    return _alone_or_all(panels)


def _alone_or_all(panels: list[Axes]) -> Any:
    return panels[0] if len(panels) == 1 else np.array(panels, dtype=object)


_ROW, _LEAST, _TALL = 46.0, 28.0, 420.0  # above a height of the last, rows move together, down to the second
_GAP = 150.0  # between layers
_LEFT, _RIGHT, _LONGEST = 126.0, 110.0, 210.0  # room for names
_LETTER = 6.4


def _canvas(ax: Axes, names: list[str], levels: int) -> tuple[np.ndarray, float]:
    """Return where the levels of a drawing stand in pixels, from the names at the left, and the height."""
    width, height = canvas_size(ax)
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    shrink = 0.25 + 0.75 * min(1.0, width / (_name_room(names) + _RIGHT + _GAP * levels))
    return np.linspace(shrink * _name_room(names), width - shrink * _RIGHT, levels + 1), height


def _name_room(names: list[str]) -> float:
    return min(max(_LEFT, max(map(len, names), default=0) * _LETTER + 12), _LONGEST)


def _draw_end(ax: Axes, name: str, at: tuple[float, float], room: float, *, last: bool = False) -> None:
    """Draw a point with its name at the side where there is `room`."""
    ax.plot(*at, "o", markersize=7, color=INK.light, markeredgecolor=PAPER.light, zorder=4)
    away, side = (9, "left") if last else (-9, "right")
    write(ax, shorten_middle(name, int((room - 12) / _LETTER)), at, INK, (away, 0), ha=side, **halo())


def _draw_sum(ax: Axes, at: tuple[float, float]) -> None:
    """Draw a node as a circle around its sign, so that no line crosses the sign."""
    ax.plot(*at, "o", markersize=14, color=PAPER.light, markeredgecolor=INK.light, zorder=4)
    ax.text(*at, "Σ", fontsize="small", color=INK.light, ha="center", va="center_baseline", zorder=5)


def diagram_size(diagram: Diagram) -> tuple[int, int]:
    """Return the preferred width and height of a drawing of the network, in pixels."""
    drawn = Counter(edge.layer for edge in diagram.edges)
    rows = max(*drawn.values(), 1, *map(len, diagram.layers))
    width = _name_room(list(diagram.layers[0])) + _RIGHT + _GAP * (len(diagram.layers) - 1)
    return int(width), int(rows * min(_ROW, max(_TALL / rows, _LEAST)) + 8)


def plot_diagram(diagram: Diagram, ax: Axes | None = None) -> Axes:
    """Draw a network from left to right: columns, curves, nodes, output.

    A node is the sum of its incoming curves (Σ). Curves into the same layer share
    a vertical scale; the less a curve varies over the rows, the fainter it is drawn.

    Parameters
    ----------
    diagram
        From ``model.diagram()``.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, *diagram_size(diagram))
    x, height = _canvas(ax, list(diagram.layers[0]), len(diagram.layers) - 1)
    nodes = [_rows(len(layer), height) for layer in diagram.layers]
    for layer in range(len(x) - 1):
        edges = [edge for edge in diagram.edges if edge.layer == layer]
        tallest = max((float(np.max(np.abs(edge.y))) for edge in edges), default=0.0) or 1.0
        frame = (min(66.0, 0.5 * (x[1] - x[0])), 0.78 * min(_ROW, height / max(len(edges), 1)))
        for edge, along in zip(edges, _rows(len(edges), height), strict=True):
            start, end = nodes[layer][edge.source], nodes[layer + 1][edge.target]
            at = (0.5 * (x[layer] + x[layer + 1]), float(along))
            look: dict[str, Any] = {
                "color": MUTED.light,
                "linewidth": 1.0,
                "alpha": _opacity(edge),
                "zorder": 1,
            }
            ax.plot([x[layer], at[0]], [start, at[1]], **look)
            ax.plot([at[0], x[layer + 1]], [at[1], end], **look)
            _draw_curve(ax, edge, at, frame, tallest)
    for layer, names in enumerate(diagram.layers):
        for node, name in enumerate(names):
            place = (float(x[layer]), float(nodes[layer][node]))
            if 0 < layer < len(x) - 1:
                _draw_sum(ax, place)
            else:
                _draw_end(ax, name, place, _RIGHT if layer else float(x[0]), last=layer > 0)
    return ax


def _rows(count: int, height: float) -> np.ndarray:
    """Return `count` heights, evenly spaced and centred."""
    return (np.arange(count) + 0.5) * (height / max(count, 1))


def _draw_curve(
    ax: Axes, edge: DiagramEdge, at: tuple[float, float], frame: tuple[float, float], tallest: float
) -> None:
    from matplotlib.patches import Rectangle

    (x, y), (wide, high) = at, frame
    look: dict[str, Any] = {"facecolor": PAPER.light, "edgecolor": LINE.light, "zorder": 2}
    ax.add_patch(Rectangle((x - wide / 2, y - high / 2), wide, high, **look))
    along = x + (wide - 10) * ((edge.x - edge.x.min()) / (float(np.ptp(edge.x)) or 1.0) - 0.5)
    rise = y - (high - 8) / 2 * edge.y / tallest
    style: dict[str, Any] = {"color": SERIES[0].light, "alpha": _opacity(edge), "zorder": 3}
    if edge.labels:  # categories, in the order of their names
        ax.vlines(along, y, rise, linewidth=2.5, **style)
    else:
        ax.plot(along, rise, linewidth=1.7, **style)


def _opacity(edge: DiagramEdge) -> float:
    """Return the opacity of an edge: by the square root of its strength, so that weaker edges remain visible."""
    return 0.12 + 0.88 * float(np.sqrt(min(max(edge.strength, 0.0), 1.0)))
