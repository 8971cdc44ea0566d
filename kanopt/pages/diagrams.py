"""Drawings of what a law is made of: a trained network with the curve of every edge."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.pages.charts import INK, LINE, MUTED, PAPER, SERIES, axes_or_new, canvas_size, halo, write
from kanopt.text import shorten_middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.surrogates.curves import Diagram, DiagramEdge

_ROW, _LEAST, _TALL = 46.0, 28.0, 420.0  # above a height of the last, rows move together, down to the second
_GAP = 150.0  # between layers
_LEFT, _RIGHT, _LONGEST = 126.0, 110.0, 210.0  # room for names
_LETTER = 6.4
_SIGNS = {"sum": "Σ", "product": "×"}


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


def _draw_sign(ax: Axes, sign: str, at: tuple[float, float]) -> None:
    """Draw a node as a circle around its sign, so that no line crosses the sign."""
    ax.plot(*at, "o", markersize=14, color=PAPER.light, markeredgecolor=INK.light, zorder=4)
    ax.text(*at, sign, fontsize="small", color=INK.light, ha="center", va="center_baseline", zorder=5)


def diagram_size(diagram: Diagram) -> tuple[int, int]:
    """Return the preferred width and height of a drawing of the network, in pixels."""
    drawn = Counter(edge.layer for edge in diagram.edges if not edge.pruned)
    rows = max(*drawn.values(), 1, *map(len, diagram.layers))
    width = _name_room(list(diagram.layers[0])) + _RIGHT + _GAP * (len(diagram.layers) - 1)
    return int(width), int(rows * min(_ROW, max(_TALL / rows, _LEAST)) + 8)


def plot_diagram(diagram: Diagram, ax: Axes | None = None) -> Axes:
    """Draw a network from left to right: columns, curves, nodes, output.

    A node is the sum of its incoming curves (Σ), or the product of two such sums (×). Curves into the same layer share
    a vertical scale; the less a curve varies over the rows, the fainter it is drawn. A pruned edge is dotted.

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
        drawn = [edge for edge in edges if not edge.pruned]
        tallest = max((float(np.max(np.abs(edge.y))) for edge in drawn), default=0.0) or 1.0
        places = iter(_rows(len(drawn), height))
        frame = (min(66.0, 0.5 * (x[1] - x[0])), 0.78 * min(_ROW, height / max(len(drawn), 1)))
        for edge in edges:
            start, end = nodes[layer][edge.source], nodes[layer + 1][edge.target]
            if edge.pruned:
                ax.plot(
                    [x[layer], x[layer + 1]], [start, end], ":", color=LINE.light, linewidth=1.0, zorder=0.5
                )
                continue
            at = (0.5 * (x[layer] + x[layer + 1]), float(next(places)))
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
                _draw_sign(ax, _SIGNS["product" if diagram.is_product(layer, node) else "sum"], place)
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
