"""Pictures in the plane: route maps and networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kanopt.explain.wording import number, shorten
from kanopt.reports.canvas import HALO, TIP, axes_or_new, plain, rows_of
from kanopt.reports.palette import ALARM, INK, LINE, MUTED, PAPER, series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.problems.views import MapView, NetworkView

__all__ = ["map_tips", "network_tips", "plot_map", "plot_network"]

# role: marker, size in points squared, face, edge
_POINTS = {
    "node": (".", 12, LINE.light, LINE.light),
    "client": ("o", 20, PAPER.light, INK.light),
    "depot": ("s", 72, INK.light, PAPER.light),
    "unserved": ("X", 62, ALARM.light, PAPER.light),
}
_NODES = {
    "closed": ("s", 80, PAPER.light, LINE.light),
    "supplier": ("^", 90, MUTED.light, PAPER.light),
    "open": ("s", 110, INK.light, PAPER.light),
    "market": ("o", 44, PAPER.light, INK.light),
}
_LABELLED = 40


def plot_map(view: MapView, ax: Axes | None = None, *, groups: Sequence[str] = ()) -> Axes:
    """Draw routes on a map, each named next to its farthest point.

    Parameters
    ----------
    view
        Points and paths.
    ax
        Where to draw; a new figure if None.
    groups
        Routes in the order of their colours, so that two maps compare; as they come if empty.
    """
    ax = axes_or_new(ax, 680, 520)
    _frame(ax, view.points)
    if view.background is not None and len(view.background):
        _segments(ax, view.background)
    start = _centre(view.points)
    order = {name: index for index, name in enumerate(groups or view.paths["group"].unique())}
    for group, path in view.paths.groupby("group", sort=False):
        _route(ax, str(group), path[["x", "y"]].to_numpy(float), series(order[group]).light, start)
    _marks(ax, view.points, _POINTS)
    named = view.points[view.points["role"].isin(["depot", "unserved"])]
    _names(ax, named if len(view.points) > _LABELLED else view.points[view.points["role"] != "node"])
    if view.unit:
        _scale_bar(ax, view.points, view.unit)
    return ax


def plot_network(view: NetworkView, ax: Axes | None = None) -> Axes:
    """Draw nodes by role and edges as wide as their amounts.

    Parameters
    ----------
    view
        Nodes and weighted edges.
    ax
        Where to draw; a new figure if None.
    """
    from matplotlib.collections import LineCollection

    ax = axes_or_new(ax, 680, 520)
    _frame(ax, view.nodes)
    place = view.nodes.drop_duplicates("name").set_index("name")[["x", "y"]]
    used = view.edges[view.edges["amount"] > 0]
    if len(used):
        ends = np.stack([place.loc[used[end]].to_numpy(float) for end in ("tail", "head")], axis=1)
        width = used["amount"].to_numpy(float)
        tails = pd.factorize(used["tail"])[0]
        lines = LineCollection(
            list(ends),
            linewidths=0.8 + 5.2 * width / width.max(),
            colors=[series(int(tail)).light for tail in tails],
            alpha=0.55,
            capstyle="round",
            zorder=2,
        )
        lines.set_gid(f"{TIP}edges")
        ax.add_collection(lines)
    _marks(ax, view.nodes, _NODES)
    _names(ax, view.nodes)
    _roles(ax, view.nodes)
    return ax


def map_tips(view: MapView) -> dict[str, list[str]]:
    """Return the tooltips of a map's points, by role."""
    return _tips(view.points)


def network_tips(view: NetworkView) -> dict[str, list[str]]:
    """Return the tooltips of a network's nodes, by role, and of its edges."""
    used = view.edges[view.edges["amount"] > 0]
    edges = [f"{row.tail} → {row.head}: {row.label or number(float(row.amount))}" for row in rows_of(used)]
    return {**_tips(view.nodes), "edges": edges}


def _tips(points: pd.DataFrame) -> dict[str, list[str]]:
    return {
        str(role): [str(label) or str(name) for name, label in zip(part["name"], part["label"], strict=True)]
        for role, part in points.groupby("role", sort=False)
    }


def _centre(points: pd.DataFrame) -> np.ndarray:
    depots = points[points["role"] == "depot"]
    return np.asarray((depots if len(depots) else points)[["x", "y"]].to_numpy(float).mean(axis=0))


def _frame(ax: Axes, points: pd.DataFrame) -> None:
    """Frame all points with room for labels, one unit east as long as one unit north."""
    place = points[["x", "y"]].to_numpy(float)
    low, high = place.min(axis=0), place.max(axis=0)
    room = 0.07 * max(float(np.max(high - low)), 1e-9)
    ax.set_xlim(low[0] - room, high[0] + room)
    ax.set_ylim(low[1] - room, high[1] + room)
    ax.set_aspect("equal", adjustable="box")
    ax.set_axis_off()


def _segments(ax: Axes, background: pd.DataFrame) -> None:
    from matplotlib.collections import LineCollection

    ends = background[["x0", "y0", "x1", "y1"]].to_numpy(float).reshape(-1, 2, 2)
    ax.add_collection(LineCollection(list(ends), colors=LINE.light, linewidths=1.0, zorder=1))


def _route(ax: Axes, name: str, path: np.ndarray, colour: str, start: np.ndarray) -> None:
    ax.plot(path[:, 0], path[:, 1], color=colour, linewidth=1.9, solid_joinstyle="round", zorder=2)
    if len(path) < 2:
        return
    _direction(ax, path, colour)
    away = path - start
    far = int(np.argmax(np.hypot(away[:, 0], away[:, 1])))
    angle = np.arctan2(away[far, 1], away[far, 0])
    side = "left" if np.cos(angle) > 0.25 else "right" if np.cos(angle) < -0.25 else "center"
    ax.annotate(
        plain(shorten(name, 24)),
        path[far],
        xytext=(9 * np.cos(angle), 9 * np.sin(angle)),
        textcoords="offset points",
        ha=side,
        va="center" if side != "center" else ("bottom" if np.sin(angle) > 0 else "top"),
        color=colour,
        weight="bold",
        fontsize="small",
        gid=HALO,
        zorder=6,
    )


def _direction(ax: Axes, path: np.ndarray, colour: str) -> None:
    """Put an arrowhead in the middle of the longest of the first three legs."""
    steps = np.diff(path[:4], axis=0)
    length = np.hypot(steps[:, 0], steps[:, 1])
    leg = int(np.argmax(length))
    if length[leg] == 0:
        return
    middle = path[leg] + 0.5 * steps[leg]
    angle = float(np.degrees(np.arctan2(steps[leg, 1], steps[leg, 0]))) - 90
    ax.plot(*middle, marker=(3, 0, angle), markersize=7, color=colour, markeredgewidth=0, zorder=3)


def _marks(ax: Axes, points: pd.DataFrame, looks: dict[str, tuple[str, int, str, str]]) -> None:
    for level, (role, (marker, size, face, edge)) in enumerate(looks.items()):
        part = points[points["role"] == role]
        if len(part):
            marks = ax.scatter(
                part["x"], part["y"], s=size, c=face, edgecolors=edge, linewidths=1.1, marker=marker
            )
            marks.set_gid(f"{TIP}{role}")
            marks.set_zorder(3 + 0.1 * level)


def _names(ax: Axes, points: pd.DataFrame) -> None:
    for row in rows_of(points):
        loud = row.role == "unserved"
        ax.annotate(
            plain(shorten(str(row.name), 18)),
            (float(row.x), float(row.y)),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize="x-small",
            weight="bold" if loud else "normal",
            color=ALARM.light
            if loud
            else MUTED.light
            if row.role in ("closed", "client", "market")
            else INK.light,
            gid=HALO,
            zorder=5,
        )


def _roles(ax: Axes, nodes: pd.DataFrame) -> None:
    """Say below the picture what the shapes mean."""
    from matplotlib.lines import Line2D

    there = set(nodes["role"])
    handles = [
        Line2D(
            [], [], marker=marker, linestyle="", markersize=7, color=face, markeredgecolor=edge, label=role
        )
        for role, (marker, _, face, edge) in _NODES.items()
        if role in there
    ]
    ax.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=len(handles) or 1,
        frameon=False,
        fontsize="small",
        labelcolor=MUTED.light,
        handletextpad=0.1,
        columnspacing=1.2,
    )


def _scale_bar(ax: Axes, points: pd.DataFrame, unit: str) -> None:
    low, high = ax.get_xlim()
    length = _round_length(0.2 * (high - low))
    x, y = low + 0.02 * (high - low), ax.get_ylim()[0]
    ax.plot([x, x + length], [y, y], color=MUTED.light, linewidth=2, solid_capstyle="butt", clip_on=False)
    ax.annotate(
        plain(f"{number(length)} {unit}"),
        (x + length / 2, y),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        fontsize="x-small",
        color=MUTED.light,
        gid=HALO,
    )


def _round_length(length: float) -> float:
    """Return the longest of 1, 2 or 5 times a power of ten that is not longer."""
    power = 10.0 ** np.floor(np.log10(length))
    return float(power * max(step for step in (1, 2, 5) if step * power <= length * 1.0000001))
