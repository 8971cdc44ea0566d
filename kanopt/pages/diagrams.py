"""Drawings of what a law is made of: a trained network with the curve of every edge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.pages.charts import FAINT, INK, LINE, MUTED, PAPER, SERIES, axes_or_new, canvas_size, halo, write
from kanopt.text import shorten_middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.surrogates.curves import Diagram, DiagramEdge

_ROW, _LEAST, _TALL = 46.0, 28.0, 420.0  # above a height of the last, rows move together, down to the second
_GAP = 150.0  # between layers
_NAMES = (126.0, 110.0)  # least room for names at the left and the right
_LONGEST = 210.0  # most room for names
_LETTER, _SMALL = 6.4, 5.4  # of a name, and of what stands below it
_MARGIN = 12.0  # between a name and its node, and the end of the picture
_FAINTEST = 0.12
_FACTOR = (16.0, 7.0)  # how far before a product, and how far above and below it, its two factors stand
_SIGNS = {"sum": "Σ", "product": "×"}


@dataclass(frozen=True)
class _Layout:
    """Where things stand, in pixels: from the names at the left to those at the right, in levels."""

    left: float
    right: float
    gap: float
    height: float
    levels: int

    @classmethod
    def of(cls, ax: Axes, names: tuple[float, float], levels: int, size: tuple[int, int]) -> _Layout:
        """Fit a drawing that would like to have a size into axes; names shrink before all else."""
        width, height = canvas_size(ax)
        ax.set_xlim(0, width)
        ax.set_ylim(height, 0)
        ax.set_axis_off()
        shrink = 0.25 + 0.75 * min(1.0, width / size[0])
        left, right = (room * shrink for room in names)
        return cls(left, right, (width - left - right) / levels, height, levels)

    def x(self, level: float) -> float:
        """Return where a level stands."""
        return self.left + self.gap * level

    def rows(self, count: int) -> np.ndarray:
        """Return `count` heights, evenly spaced and centred."""
        return (np.arange(count) + 0.5) * (self.height / max(count, 1))


def _name_room(names: Sequence[str], least: float) -> float:
    """Return the width reserved for names."""
    return min(max(least, max(map(len, names), default=0) * _LETTER + _MARGIN), _LONGEST)


def _draw_name(ax: Axes, name: str, at: tuple[float, float], room: float, *, last: bool = False) -> None:
    """Draw a point with its name at the side where there is `room`."""
    ax.plot(
        *([each] for each in at), "o", markersize=7, color=INK.light, markeredgecolor=PAPER.light, zorder=4
    )
    away, side = (9, "left") if last else (-9, "right")
    shown = shorten_middle(name, int((room - _MARGIN) / _LETTER))
    write(ax, shown, at, INK, (away, 0), ha=side, **halo())


def _draw_sign(ax: Axes, sign: str, at: tuple[float, float]) -> None:
    """Draw a node as a circle around its sign, so that no line crosses the sign."""
    look: dict[str, Any] = {"color": PAPER.light, "markeredgecolor": INK.light, "markeredgewidth": 1.0}
    ax.plot(*([each] for each in at), "o", markersize=14, zorder=4, **look)
    ax.text(*at, sign, fontsize="small", color=INK.light, ha="center", va="center_baseline", zorder=5)


# A trained network


def diagram_size(diagram: Diagram) -> tuple[int, int]:
    """Return the preferred width and height of a drawing of the network, in pixels."""
    rows = max(_most_frames(diagram), *(len(layer) for layer in diagram.layers))
    height = rows * min(_ROW, max(_TALL / rows, _LEAST))
    return int(sum(_diagram_names(diagram)) + _GAP * (len(diagram.layers) - 1)), int(height + 8)


def _diagram_names(diagram: Diagram) -> tuple[float, float]:
    return _name_room(diagram.layers[0], _NAMES[0]), _name_room(diagram.layers[-1], _NAMES[1])


def _most_frames(diagram: Diagram) -> int:
    """Return the number of curves drawn in the layer that has most."""
    return max(Counter(edge.layer for edge in diagram.edges if not edge.pruned).values(), default=1)


def plot_diagram(diagram: Diagram, ax: Axes | None = None) -> Axes:
    """Draw a network from left to right: columns, curves, nodes, output.

    A node is the sum of its incoming curves (Σ), or the product of two such sums (×), which are the two points before
    it. The bars of a category are in the order of the labels below its name. Curves into the same layer share a
    vertical scale; the less important a curve is for the output, the fainter it is drawn. A pruned edge is dotted.

    Parameters
    ----------
    diagram
        From ``model.diagram()``.
    ax
        Where to draw; a new figure if None.
    """
    size = diagram_size(diagram)
    ax = axes_or_new(ax, *size)
    layout = _Layout.of(ax, _diagram_names(diagram), len(diagram.layers) - 1, size)
    row = min(_ROW, layout.height / _most_frames(diagram))
    frame = (min(66.0, 0.5 * layout.gap), 0.78 * row)
    nodes = [layout.rows(len(layer)) for layer in diagram.layers]
    for layer in range(len(diagram.layers) - 1):
        edges = [edge for edge in diagram.edges if edge.layer == layer]
        drawn = [edge for edge in edges if not edge.pruned]
        tallest = max((float(np.max(np.abs(edge.y))) for edge in drawn), default=0.0) or 1.0
        heights = dict(zip(map(id, drawn), layout.rows(len(drawn)), strict=True))
        for edge in edges:
            start = (layout.x(layer), nodes[layer][edge.source])
            x, y = end = _end(layout, diagram, edge, nodes[layer + 1][edge.target])
            if edge.pruned:
                ax.plot([start[0], x], [start[1], y], ":", color=LINE.light, linewidth=1.0, zorder=0.5)
                continue
            middle = (layout.x(layer + 0.5), heights[id(edge)])
            _draw_edge(ax, edge, (start, middle, end), frame[0])
            _draw_curve(ax, edge, middle, frame, tallest)
    for layer in range(len(diagram.layers)):
        _draw_nodes(ax, layout, diagram, layer)
    return ax


def _end(layout: _Layout, diagram: Diagram, edge: DiagramEdge, y: float) -> tuple[float, float]:
    """Return the end point of an edge: its node, or the point of its factor."""
    x = layout.x(edge.layer + 1)
    if not diagram.is_product(edge.layer + 1, edge.target):
        return x, y
    across, up = _FACTOR
    return x - across, y + up * (2 * edge.factor - 3)


def _draw_edge(ax: Axes, edge: DiagramEdge, way: Sequence[tuple[float, float]], wide: float) -> None:
    """Draw the line from a node through the frame of the curve to its end point."""
    start, (x, y), end = way
    style: dict[str, Any] = {"color": MUTED.light, "linewidth": 1.0, "alpha": _opacity(edge), "zorder": 1}
    ax.plot([start[0], x - wide / 2], [start[1], y], **style)
    ax.plot([x + wide / 2, end[0]], [y, end[1]], **style)


def _draw_curve(
    ax: Axes, edge: DiagramEdge, at: tuple[float, float], frame: tuple[float, float], tallest: float
) -> None:
    from matplotlib.patches import Rectangle

    (x, y), (wide, high) = at, frame
    box = Rectangle((x - wide / 2, y - high / 2), wide, high, facecolor=PAPER.light, edgecolor=LINE.light)
    box.set_zorder(2)
    ax.add_patch(box)
    ax.plot([x - wide / 2, x + wide / 2], [y, y], color=FAINT.light, linewidth=1, zorder=2.1)
    span = float(np.ptp(edge.x)) or 1.0
    along = x + (wide - 10) * ((edge.x - edge.x.min()) / span - 0.5)
    rise = y - (high - 8) / 2 * edge.y / tallest
    look: dict[str, Any] = {"color": SERIES[0].light, "alpha": _opacity(edge), "zorder": 3}
    if edge.labels:
        ax.vlines(along, y, rise, linewidth=2.5, **look)
        ax.plot(along, rise, "o", markersize=3, markeredgewidth=0, **look)  # short bars are seen too
    else:
        ax.plot(along, rise, linewidth=1.7, **look)


def _opacity(edge: DiagramEdge) -> float:
    """Return the opacity of an edge: the square root of its strength, so that weaker edges remain visible."""
    return _FAINTEST + (1.0 - _FAINTEST) * float(np.sqrt(min(max(edge.strength, 0.0), 1.0)))


def _draw_nodes(ax: Axes, layout: _Layout, diagram: Diagram, layer: int) -> None:
    names, x, last = diagram.layers[layer], layout.x(layer), layer == len(diagram.layers) - 1
    labels = {edge.source: edge.labels for edge in diagram.edges if edge.layer == 0 == layer and edge.labels}
    across, up = _FACTOR
    for node, (name, y) in enumerate(zip(names, layout.rows(len(names)), strict=True)):
        is_product = diagram.is_product(layer, node)
        for point in (y - up, y + up) if is_product else ():
            ax.plot([x - across, x], [point, y], color=INK.light, linewidth=1.2, zorder=3.5)
            style: dict[str, Any] = {"color": INK.light, "markeredgecolor": PAPER.light, "zorder": 4}
            ax.plot([x - across], [point], "o", markersize=5, **style)
        if layer > 0 and not last:
            _draw_sign(ax, _SIGNS["product" if is_product else "sum"], (x, y))
            continue
        _draw_name(ax, name, (x, y), layout.right if last else layout.left, last=last)
        if node in labels:
            below = fit_labels(labels[node], int((layout.left - _MARGIN) / _SMALL))
            write(ax, below, (x, y), MUTED, (-9, -11), ha="right", fontsize="x-small", **halo())


def fit_labels(labels: Sequence[str], most: int) -> str:
    """Join as many labels as fit, and count the others.

    Examples
    --------
    >>> fit_labels(("air", "rail", "road"), 20), fit_labels(("air", "rail", "road"), 14)
    ('air · rail · road', 'air · rail +1')
    """
    texts = (
        " · ".join(labels[:count]) + (f" +{len(labels) - count}" if count < len(labels) else "")
        for count in range(len(labels), 0, -1)
    )
    return next((text for text in texts if len(text) <= most), f"{len(labels)} values")
