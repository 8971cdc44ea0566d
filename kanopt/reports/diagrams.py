"""The picture of a trained network: every edge as the curve it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.explain.wording import shorten
from kanopt.reports.canvas import HALO, axes_or_new, plain
from kanopt.reports.palette import FAINT, INK, LINE, MUTED, PAPER, SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.surrogates.diagram import Diagram, DiagramEdge

__all__ = ["diagram_size", "plot_diagram"]

_BOX = (66.0, 36.0)  # width and height of the frame around a curve, in pixels
_ROW = 46.0
_GAP = 150.0
_LEFT, _RIGHT = 126.0, 110.0
_WEAK = 0.02


def diagram_size(diagram: Diagram) -> tuple[int, int]:
    """Return width and height in pixels that a drawing of the network needs."""
    rows = max(_rows(diagram, layer) for layer in range(len(diagram.layers) - 1))
    rows = max(rows, *(len(layer) for layer in diagram.layers))
    return int(_LEFT + _RIGHT + _GAP * (len(diagram.layers) - 1)), int(_ROW * rows + 8)


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
    width, height = diagram_size(diagram)
    ax = axes_or_new(ax, width, height)
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_aspect("equal")
    ax.set_axis_off()
    nodes = [_spread(len(layer), height) for layer in diagram.layers]
    for layer in range(len(diagram.layers) - 1):
        edges = [edge for edge in diagram.edges if edge.layer == layer]
        tallest = max((float(np.max(np.abs(edge.y))) for edge in edges), default=0.0) or 1.0
        for edge, row in zip(edges, _spread(len(edges), height), strict=True):
            _edge(
                ax,
                edge,
                (_x(layer), nodes[layer][edge.source]),
                (_x(layer + 1), nodes[layer + 1][edge.target]),
                row,
            )
            _curve(ax, edge, _x(layer) + _GAP / 2, row, tallest)
    for layer, names in enumerate(diagram.layers):
        _nodes(ax, layer, names, nodes[layer], last=layer == len(diagram.layers) - 1)
    return ax


def _rows(diagram: Diagram, layer: int) -> int:
    return sum(edge.layer == layer for edge in diagram.edges)


def _x(layer: int) -> float:
    return _LEFT + _GAP * layer


def _spread(count: int, height: float) -> np.ndarray:
    """Return so many heights, evenly spread and centred."""
    return (np.arange(count) + 0.5) * (height / max(count, 1))


def _edge(
    ax: Axes, edge: DiagramEdge, start: tuple[float, float], end: tuple[float, float], row: float
) -> None:
    """Draw the way from a node through the frame of its curve to the next node."""
    left, right = start[0] + _GAP / 2 - _BOX[0] / 2, start[0] + _GAP / 2 + _BOX[0] / 2
    style: dict[str, Any] = {"color": MUTED.light, "linewidth": 1.0, "alpha": _opacity(edge), "zorder": 1}
    ax.plot([start[0], left], [start[1], row], **style)
    ax.plot([right, end[0]], [row, end[1]], **style)


def _curve(ax: Axes, edge: DiagramEdge, x: float, y: float, tallest: float) -> None:
    from matplotlib.patches import Rectangle

    wide, high = _BOX
    frame = Rectangle(
        (x - wide / 2, y - high / 2), wide, high, facecolor=PAPER.light, edgecolor=LINE.light, zorder=2
    )
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


def _nodes(ax: Axes, layer: int, names: tuple[str, ...], heights: np.ndarray, *, last: bool) -> None:
    x = _x(layer)
    ax.plot(
        np.full(len(heights), x),
        heights,
        "o",
        color=INK.light,
        markersize=7,
        markeredgecolor=PAPER.light,
        zorder=4,
    )
    for name, y in zip(names, heights, strict=True):
        if layer and not last:
            ax.annotate(
                "Σ",
                (x, y),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                fontsize="x-small",
                color=MUTED.light,
                gid=HALO,
            )
        else:
            ax.annotate(
                plain(shorten(name, 19)),
                (x, y),
                xytext=(9 if last else -9, 0),
                textcoords="offset points",
                ha="left" if last else "right",
                va="center",
                fontsize="small",
                color=INK.light,
                gid=HALO,
            )
