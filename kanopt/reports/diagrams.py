"""The picture of a trained network: every edge as the curve it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.explain.wording import shorten
from kanopt.reports.canvas import HALO, axes_or_new, canvas_size, plain
from kanopt.reports.palette import FAINT, INK, LINE, MUTED, PAPER, SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.surrogates.diagram import Diagram, DiagramEdge

__all__ = ["diagram_size", "plot_diagram"]

_ROW = 46.0
_TALL = 420.0  # above this, rows move together, down to _LEAST
_LEAST = 28.0
_GAP = 150.0
_NAMES = (126.0, 110.0)  # room for names at the left and the right, in pixels
_WEAK = 0.02


@dataclass(frozen=True)
class _Layout:
    """Where things stand, in pixels."""

    left: float
    gap: float
    height: float
    row: float

    @classmethod
    def of(cls, diagram: Diagram, width: float, height: float) -> _Layout:
        squeeze = min(1.0, width / diagram_size(diagram)[0])
        left, right = (room * (0.25 + 0.75 * squeeze) for room in _NAMES)
        edges = Counter(edge.layer for edge in diagram.edges)
        row = min(_ROW, height / max(edges.values()))
        return cls(left, (width - left - right) / (len(diagram.layers) - 1), height, row)

    @property
    def wide(self) -> float:
        """Width of the frame around a curve."""
        return min(66.0, 0.5 * self.gap)

    @property
    def high(self) -> float:
        """Height of the frame around a curve."""
        return 0.78 * self.row

    @property
    def letters(self) -> int:
        """How many letters of a name there is room for."""
        return int(self.left / 6.4)

    def x(self, layer: float) -> float:
        return self.left + self.gap * layer

    def rows(self, count: int) -> np.ndarray:
        """Return so many heights, evenly spread and centred."""
        return (np.arange(count) + 0.5) * (self.height / max(count, 1))


def diagram_size(diagram: Diagram) -> tuple[int, int]:
    """Return width and height in pixels that a drawing of the network takes at ease."""
    edges = Counter(edge.layer for edge in diagram.edges)
    rows = max(*edges.values(), *(len(layer) for layer in diagram.layers))
    height = rows * min(_ROW, max(_TALL / rows, _LEAST))
    return int(sum(_NAMES) + _GAP * (len(diagram.layers) - 1)), int(height + 8)


def plot_diagram(diagram: Diagram, ax: Axes | None = None) -> Axes:
    """Draw a network from left to right: columns, curves, sums, output.

    Curves that end in the same layer share a vertical scale, so that a flat one matters little; those that hardly
    matter at all are drawn faint.

    Parameters
    ----------
    diagram
        From ``model.diagram()``.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, *diagram_size(diagram))
    width, height = canvas_size(ax)
    layout = _Layout.of(diagram, width, height)
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    nodes = [layout.rows(len(layer)) for layer in diagram.layers]
    for layer in range(len(diagram.layers) - 1):
        edges = [edge for edge in diagram.edges if edge.layer == layer]
        tallest = max((float(np.max(np.abs(edge.y))) for edge in edges), default=0.0) or 1.0
        for edge, row in zip(edges, layout.rows(len(edges)), strict=True):
            _wires(ax, layout, edge, (nodes[layer][edge.source], row, nodes[layer + 1][edge.target]))
            _curve(ax, layout, edge, row, tallest)
    for layer, names in enumerate(diagram.layers):
        _nodes(ax, layout, layer, names, last=layer == len(diagram.layers) - 1)
    return ax


def _wires(ax: Axes, layout: _Layout, edge: DiagramEdge, heights: tuple[float, float, float]) -> None:
    """Draw the way from a node through the frame of its curve to the next node."""
    start, row, end = heights
    middle, half = layout.x(edge.layer + 0.5), layout.wide / 2
    style: dict[str, Any] = {"color": MUTED.light, "linewidth": 1.0, "alpha": _opacity(edge), "zorder": 1}
    ax.plot([layout.x(edge.layer), middle - half], [start, row], **style)
    ax.plot([middle + half, layout.x(edge.layer + 1)], [row, end], **style)


def _curve(ax: Axes, layout: _Layout, edge: DiagramEdge, y: float, tallest: float) -> None:
    from matplotlib.patches import Rectangle

    x, wide, high = layout.x(edge.layer + 0.5), layout.wide, layout.high
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
    else:
        ax.plot(along, rise, linewidth=1.7, **look)


def _opacity(edge: DiagramEdge) -> float:
    return 0.25 if edge.strength < _WEAK else 1.0


def _nodes(ax: Axes, layout: _Layout, layer: int, names: tuple[str, ...], *, last: bool) -> None:
    x, heights = layout.x(layer), layout.rows(len(names))
    look: dict[str, Any] = {"color": INK.light, "markeredgecolor": PAPER.light, "markersize": 7, "zorder": 4}
    ax.plot(np.full(len(heights), x), heights, "o", **look)
    hidden = layer > 0 and not last
    place: dict[str, Any] = {
        "xytext": (9 if last else -9, 0),
        "ha": "left" if last else "right",
        "va": "center",
    }
    if hidden:
        place = {"xytext": (0, 7), "ha": "center"}
    for name, y in zip(names, heights, strict=True):
        ax.annotate(
            "Σ" if hidden else plain(shorten(name, layout.letters)),
            (x, y),
            textcoords="offset points",
            fontsize="small",
            color=MUTED.light if hidden else INK.light,
            gid=HALO,
            **place,
        )
