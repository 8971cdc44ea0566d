"""Draw a trained network with the curve of every edge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.reports.canvas import axes_or_new, canvas_size, escape_text, halo
from kanopt.reports.palette import FAINT, INK, LINE, MUTED, PAPER, SERIES
from kanopt.text import shorten_middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.surrogates.diagram import Diagram, DiagramEdge

_ROW = 46.0
_TALL = 420.0  # above this, rows move together, down to _LEAST
_LEAST = 28.0
_GAP = 150.0
_NAMES = (126.0, 110.0)  # least room for names at the left and the right, in pixels
_LONGEST = 210.0  # most room for names
_LETTER = 6.4
_SMALL = 5.4  # a letter of the labels of a category
_MARGIN = 11.0  # between a name and its node, and the end of the picture
_FAINTEST = 0.12
_FACTOR = (16.0, 7.0)  # how far before a product, and how far above and below it, its two factors stand


@dataclass(frozen=True)
class _DiagramLayout:
    """The layout of the drawing, in pixels."""

    left: float
    right: float
    gap: float
    height: float
    row: float

    @classmethod
    def of(cls, diagram: Diagram, width: float, height: float) -> _DiagramLayout:
        shrink = min(1.0, width / diagram_size(diagram)[0])
        left, right = (room * (0.25 + 0.75 * shrink) for room in _name_widths(diagram))
        row = min(_ROW, height / _most_frames(diagram))
        return cls(left, right, (width - left - right) / (len(diagram.layers) - 1), height, row)

    @property
    def frame_width(self) -> float:
        """Width of the frame around a curve."""
        return min(66.0, 0.5 * self.gap)

    @property
    def frame_height(self) -> float:
        """Height of the frame around a curve."""
        return 0.78 * self.row

    def letters(self, *, last: bool) -> int:
        """Return the maximum number of letters of a name at the left or at the right end."""
        return int(((self.right if last else self.left) - _MARGIN) / _LETTER)

    def x(self, layer: float) -> float:
        return self.left + self.gap * layer

    def rows(self, count: int) -> np.ndarray:
        """Return `count` heights, evenly spaced and centred."""
        return (np.arange(count) + 0.5) * (self.height / max(count, 1))


def diagram_size(diagram: Diagram) -> tuple[int, int]:
    """Return the preferred width and height of a drawing of the network, in pixels."""
    rows = max(_most_frames(diagram), *(len(layer) for layer in diagram.layers))
    height = rows * min(_ROW, max(_TALL / rows, _LEAST))
    return int(sum(_name_widths(diagram)) + _GAP * (len(diagram.layers) - 1)), int(height + 8)


def _name_widths(diagram: Diagram) -> tuple[float, float]:
    """Return the widths reserved for names at the left and the right."""
    longest = (max(map(len, names), default=0) for names in (diagram.layers[0], diagram.layers[-1]))
    left, right = (
        min(max(least, length * _LETTER + _MARGIN), _LONGEST)
        for least, length in zip(_NAMES, longest, strict=True)
    )
    return left, right


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
    ax = axes_or_new(ax, *diagram_size(diagram))
    width, height = canvas_size(ax)
    layout = _DiagramLayout.of(diagram, width, height)
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    nodes = [layout.rows(len(layer)) for layer in diagram.layers]
    for layer in range(len(diagram.layers) - 1):
        edges = [edge for edge in diagram.edges if edge.layer == layer]
        ends = [_end(layout, diagram, edge, nodes[layer + 1][edge.target]) for edge in edges]
        starts = [nodes[layer][edge.source] for edge in edges]
        _pruned(ax, layout, [each for each in zip(edges, starts, ends, strict=True) if each[0].pruned])
        drawn = [each for each in zip(edges, starts, ends, strict=True) if not each[0].pruned]
        tallest = max((float(np.max(np.abs(edge.y))) for edge, _, _ in drawn), default=0.0) or 1.0
        for (edge, start, end), row in zip(drawn, layout.rows(len(drawn)), strict=True):
            _draw_edges(ax, layout, edge, (start, row), end)
            _draw_curve(ax, layout, edge, row, tallest)
    for layer in range(len(diagram.layers)):
        _draw_nodes(ax, layout, diagram, layer)
    return ax


def _end(layout: _DiagramLayout, diagram: Diagram, edge: DiagramEdge, y: float) -> tuple[float, float]:
    """Return the end point of an edge: its node, or the point of its factor."""
    x = layout.x(edge.layer + 1)
    if not diagram.is_product(edge.layer + 1, edge.target):
        return x, y
    across, up = _FACTOR
    return x - across, y + up * (2 * edge.factor - 3)


def _pruned(
    ax: Axes, layout: _DiagramLayout, edges: list[tuple[DiagramEdge, float, tuple[float, float]]]
) -> None:
    for edge, start, (x, y) in edges:
        ax.plot([layout.x(edge.layer), x], [start, y], ":", color=LINE.light, linewidth=1.0, zorder=0.5)


def _draw_edges(
    ax: Axes,
    layout: _DiagramLayout,
    edge: DiagramEdge,
    heights: tuple[float, float],
    end: tuple[float, float],
) -> None:
    """Draw the line from a node through the frame of the curve to its end point."""
    start, row = heights
    middle, half = layout.x(edge.layer + 0.5), layout.frame_width / 2
    style: dict[str, Any] = {"color": MUTED.light, "linewidth": 1.0, "alpha": _opacity(edge), "zorder": 1}
    ax.plot([layout.x(edge.layer), middle - half], [start, row], **style)
    ax.plot([middle + half, end[0]], [row, end[1]], **style)


def _draw_curve(ax: Axes, layout: _DiagramLayout, edge: DiagramEdge, y: float, tallest: float) -> None:
    from matplotlib.patches import Rectangle

    x, wide, high = layout.x(edge.layer + 0.5), layout.frame_width, layout.frame_height
    frame = Rectangle((x - wide / 2, y - high / 2), wide, high, facecolor=PAPER.light, edgecolor=LINE.light)
    frame.set_zorder(2)
    ax.add_patch(frame)
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


def _draw_nodes(ax: Axes, layout: _DiagramLayout, diagram: Diagram, layer: int) -> None:
    names, x = diagram.layers[layer], layout.x(layer)
    heights, last = layout.rows(len(names)), layer == len(diagram.layers) - 1
    look: dict[str, Any] = {"color": INK.light, "markeredgecolor": PAPER.light, "zorder": 4}
    products = [y for node, y in enumerate(heights) if diagram.is_product(layer, node)]
    across, up = _FACTOR
    for y in products:
        for point in (y - up, y + up):
            ax.plot([x - across, x], [point, y], color=INK.light, linewidth=1.2, zorder=3.5)
            ax.plot([x - across], [point], "o", markersize=5, **look)
    if layer > 0 and not last:
        _draw_hidden_nodes(ax, diagram, layer, x, heights)
        return
    ax.plot(np.full(len(heights), x), heights, "o", markersize=7, **look)
    labels = _labels(diagram) if layer == 0 else {}
    side, away = ("left", 9) if last else ("right", -9)
    for node, (name, y) in enumerate(zip(names, heights, strict=True)):
        shown = escape_text(shorten_middle(name, layout.letters(last=last)))
        style: dict[str, Any] = {"textcoords": "offset points", "ha": side, "va": "center", **halo()}
        ax.annotate(shown, (x, y), xytext=(away, 0), fontsize="small", color=INK.light, **style)
        if node in labels:
            room = int((layout.left - _MARGIN) / _SMALL)
            below = escape_text(fit_labels(labels[node], room))
            ax.annotate(below, (x, y), xytext=(away, -11), fontsize="x-small", color=MUTED.light, **style)


def _draw_hidden_nodes(ax: Axes, diagram: Diagram, layer: int, x: float, heights: np.ndarray) -> None:
    """Draw hidden nodes as circles around their operator sign, so that no edge crosses the sign."""
    ax.plot(
        np.full(len(heights), x),
        heights,
        "o",
        markersize=14,
        color=PAPER.light,
        markeredgecolor=INK.light,
        markeredgewidth=1.0,
        zorder=4,
    )
    for node, y in enumerate(heights):
        sign = "×" if diagram.is_product(layer, node) else "Σ"
        ax.text(x, y, sign, fontsize="small", color=INK.light, ha="center", va="center_baseline", zorder=5)


def _labels(diagram: Diagram) -> dict[int, tuple[str, ...]]:
    """Return the labels of every category, by its index among the inputs."""
    return {edge.source: edge.labels for edge in diagram.edges if edge.layer == 0 and edge.labels}


def fit_labels(labels: Sequence[str], most: int) -> str:
    """Join as many labels as fit, and count the others.

    Examples
    --------
    >>> fit_labels(("air", "rail", "road"), 20), fit_labels(("air", "rail", "road"), 14)
    ('air · rail · road', 'air · rail +1')
    """
    whole = " · ".join(labels)
    if len(whole) <= most:
        return whole
    for count in range(len(labels) - 1, 0, -1):
        text = f"{' · '.join(labels[:count])} +{len(labels) - count}"
        if len(text) <= most:
            return text
    return f"{len(labels)} values"
