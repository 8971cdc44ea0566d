"""Draw route maps and networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kanopt.array_types import Floats
from kanopt.pages.charts import (
    ALARM,
    INK,
    LINE,
    MUTED,
    PAPER,
    TIP,
    Colour,
    axes_or_new,
    canvas_size,
    draw_legend,
    halo,
    id_of_part,
    named_rows,
    series,
    write,
)
from kanopt.pages.svg import Tip
from kanopt.plans.findings import MapView, NetworkView
from kanopt.text import number_text, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform


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
_LABELLED = 120  # so many points are named, where there is room
_LOUD, _QUIET = 10.8, 9.2  # font sizes in pixels
_AROUND = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))  # above first
_LETTER = 0.56  # width of a letter in heights of the font
_ROOM = 5.0  # pixels between a point and its name
_NO_ROADS = pd.DataFrame({"x0": [], "y0": [], "x1": [], "y1": []}, dtype=float)


def plot_map(view: MapView, ax: Axes | None = None, *, groups: Sequence[str] = ()) -> Axes:
    """Draw routes on a map, each named next to its farthest point.

    Parameters
    ----------
    view
        Points and paths.
    ax
        Where to draw; a new figure if None.
    groups
        Routes in the order of their colours, so that two maps compare; in order of appearance if empty.
    """
    ax = axes_or_new(ax, 680, 520)
    roads = view.background if view.background is not None else _NO_ROADS
    scale = _set_extent(ax, _coordinates(view))
    _segments(ax, roads)
    order = {name: index for index, name in enumerate(groups or view.paths["group"].unique())}
    routes = {
        str(name): path[["x", "y"]].to_numpy(float) for name, path in view.paths.groupby("group", sort=False)
    }
    for name, path in routes.items():
        # on roads, routes run side by side instead of on top of each other
        shift = 1.8 * (order[name] % 5 - 2) if len(roads) else 0.0
        _route(ax, path, series(order[name]).light, shift, id_of_part(name))
    _marks(ax, view.points, _POINTS)
    labels = LabelPlacer(ax, scale, view.points[["x", "y"]].to_numpy(float))
    emphasised = view.points["role"].isin(["depot", "unserved"])
    _names(labels, view.points[emphasised])
    _route_names(labels, routes, {name: series(order[name]) for name in routes}, _centre(view.points))
    if len(view.points) <= _LABELLED:
        _names(labels, view.points[~emphasised & (view.points["role"] != "node")])
    return ax


def plot_network(view: NetworkView, ax: Axes | None = None) -> Axes:
    """Draw a network: nodes by role, edges with widths by amount.

    Parameters
    ----------
    view
        Nodes and weighted edges.
    ax
        Where to draw; a new figure if None.
    """
    from matplotlib.collections import LineCollection

    ax = axes_or_new(ax, 680, 520)
    scale = _set_extent(ax, _coordinates(view))
    place = view.nodes.drop_duplicates("name").set_index("name")[["x", "y"]]
    used = view.edges[view.edges["amount"] > 0]
    if len(used):
        ends = np.stack([place.loc[used[end]].to_numpy(float) for end in ("tail", "head")], axis=1)
        width = used["amount"].to_numpy(float)
        tails = place.index.get_indexer(pd.Index(used["tail"]))  # a node keeps its colour, whatever it sends
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
    labels = LabelPlacer(ax, scale, view.nodes[["x", "y"]].to_numpy(float))
    for role in ("open", "closed", "supplier", "market"):
        _names(labels, view.nodes[view.nodes["role"] == role])
    _role_legend(ax, view.nodes)
    return ax


def map_shape(view: MapView | NetworkView) -> float:
    """Return the aspect ratio, height over width, of a drawing of all places without large empty margins."""
    wide, high = np.ptp(_coordinates(view), axis=0)
    return float(np.clip((high or 1.0) / (wide or 1.0), 0.5, 0.95))


def map_tips(view: MapView) -> dict[str, list[Tip]]:
    """Return the tooltips of a map's points, by role."""
    return _tips(view.points)


def network_tips(view: NetworkView) -> dict[str, list[Tip]]:
    """Return the tooltips of a network's nodes, by role, and of its edges."""
    used = view.edges[view.edges["amount"] > 0]
    edges = [
        Tip(f"{row.tail} → {row.head}: {row.label or number_text(float(row.amount))}")
        for row in named_rows(used)
    ]
    return {**_tips(view.nodes), "edges": edges}


def _tips(points: pd.DataFrame) -> dict[str, list[Tip]]:
    return {
        str(role): [_tip(row) for row in named_rows(part)]
        for role, part in points.groupby("role", sort=False)
    }


def _tip(row: Any) -> Tip:
    stop = getattr(row, "stop", 0)
    return Tip(str(row.label) or str(row.name), getattr(row, "group", ""), int(stop) if stop else None)


def _centre(points: pd.DataFrame) -> Floats:
    depots = points[points["role"] == "depot"]
    return np.asarray((depots if len(depots) else points)[["x", "y"]].to_numpy(float).mean(axis=0))


def _coordinates(view: MapView | NetworkView) -> Floats:
    """Return the coordinates of all places, shape (n, 2)."""
    if isinstance(view, NetworkView):
        return view.nodes[["x", "y"]].to_numpy(float)
    parts = [view.points[["x", "y"]], view.paths[["x", "y"]]]
    if view.background is not None:
        parts += [view.background[["x0", "y0"]], view.background[["x1", "y1"]]]
    return np.concatenate([part.to_numpy(float) for part in parts])


def _set_extent(ax: Axes, places: Floats) -> float:
    """Set axis limits around all places with margins for labels; return pixels per unit, equal in both directions."""
    low, high = places.min(axis=0), places.max(axis=0)
    room = 0.07 * max(float(np.max(high - low)), 1e-9)
    low, high = low - room, high + room
    ax.set_xlim(low[0], high[0])
    ax.set_ylim(low[1], high[1])
    ax.set_aspect("equal", adjustable="box")
    ax.set_axis_off()
    return float(np.min(np.array(canvas_size(ax)) / (high - low)))


def _segments(ax: Axes, background: pd.DataFrame) -> None:
    from matplotlib.collections import LineCollection

    ends = background[["x0", "y0", "x1", "y1"]].to_numpy(float).reshape(-1, 2, 2)
    ax.add_collection(LineCollection(list(ends), colors=LINE.light, linewidths=1.0, zorder=1))


def _route(ax: Axes, path: Floats, colour: str, shift: float, gid: str) -> None:
    from matplotlib.transforms import ScaledTranslation

    move = ScaledTranslation(shift / 72, shift / 72, ax.figure.dpi_scale_trans)
    (line,) = ax.plot(path[:, 0], path[:, 1], color=colour, linewidth=1.9, solid_joinstyle="round", zorder=2)
    line.set_transform(ax.transData + move)
    line.set_gid(gid)
    if len(path) > 1:
        _draw_arrow(ax, path, colour, ax.transData + move, gid)


def _route_names(
    labels: LabelPlacer, routes: Mapping[str, Floats], colours: Mapping[str, Colour], start: Floats
) -> None:
    """Name each route next to its farthest point, on the side away from the depot."""
    for name, path in routes.items():
        away = path - start
        far = int(np.argmax(np.hypot(away[:, 0], away[:, 1])))
        length = float(np.hypot(*away[far]))
        first = tuple(away[far] / length) if length else (0.0, 1.0)
        labels.place(
            name,
            path[far],
            size=_LOUD,
            first=first,
            must=True,
            owner=name,
            colour=colours[name],
            weight="bold",
            zorder=6,
        )


def _draw_arrow(ax: Axes, path: Floats, colour: str, transform: Transform, gid: str) -> None:
    """Draw an arrowhead in the middle of the longest of the first three legs."""
    steps = np.diff(path[:4], axis=0)
    length = np.hypot(steps[:, 0], steps[:, 1])
    leg = int(np.argmax(length))
    if length[leg] == 0:
        return
    middle = path[leg] + 0.5 * steps[leg]
    angle = float(np.degrees(np.arctan2(steps[leg, 1], steps[leg, 0]))) - 90
    (arrow,) = ax.plot(*middle, marker=(3, 0, angle), markersize=7, color=colour, markeredgewidth=0, zorder=3)
    arrow.set_transform(transform)
    arrow.set_gid(gid)


def _marks(ax: Axes, points: pd.DataFrame, looks: dict[str, tuple[str, int, str, str]]) -> None:
    for level, (role, (marker, size, face, edge)) in enumerate(looks.items()):
        part = points[points["role"] == role]
        if len(part):
            marks = ax.scatter(
                part["x"], part["y"], s=size, c=face, edgecolors=edge, linewidths=1.1, marker=marker
            )
            marks.set_gid(f"{TIP}{role}")
            marks.set_zorder(3 + 0.1 * level)


def _names(labels: LabelPlacer, points: pd.DataFrame) -> None:
    for row in named_rows(points):
        emphasised = row.role == "unserved"
        quiet = row.role in ("closed", "client", "market")
        labels.place(
            str(row.name),
            np.array([row.x, row.y], dtype=float),
            size=_QUIET,
            must=not quiet,
            weight="bold" if emphasised else "normal",
            colour=ALARM if emphasised else MUTED if quiet else INK,
            zorder=5,
        )


def _role_legend(ax: Axes, nodes: pd.DataFrame) -> None:
    """Draw a legend of the marker shapes below the axes."""
    from matplotlib.lines import Line2D

    there = set(nodes["role"])
    handles = [
        Line2D(
            [], [], linestyle="", marker=marker, markersize=7, color=face, markeredgecolor=edge, label=role
        )
        for role, (marker, _, face, edge) in _NODES.items()
        if role in there
    ]
    place = {
        "loc": "upper center",
        "bbox_to_anchor": (0.5, 0.0),
        "handletextpad": 0.1,
        "ncols": len(handles) or 1,
    }
    draw_legend(ax, handles, **place)


# Names beside points, without overlap


@dataclass
class LabelPlacer:
    """Places labels on a drawing, and keeps track of the areas occupied by points and labels, in pixels.

    Parameters
    ----------
    ax
        Where names are written.
    scale
        Pixels per unit of the data, equal in both directions.
    points
        Marks that labels should not cover, shape (n, 2), in units of the data.
    """

    ax: Axes
    scale: float
    points: Floats
    taken: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        centres = self.points * self.scale
        self.taken = [np.array([*centre - 3.5, *centre + 3.5]) for centre in centres]

    def place(
        self,
        name: str,
        at: Floats,
        *,
        size: float,
        first: tuple[float, float] = (0, 1),
        must: bool,
        colour: Colour = INK,
        owner: str = "",
        **look: Any,
    ) -> bool:
        """Write a name beside the point `at`, where it overlaps least.

        Parameters
        ----------
        name, at
            The text, and the point in the units of the data.
        size
            Height of the font in pixels.
        first
            The direction to be tried first.
        must
            Write it even if it overlaps something; else it is omitted then.
        colour, owner
            Its colour, and the route it belongs to, if to one.
        **look
            Further properties of the text.

        Returns
        -------
        bool
            Whether it was written.
        """
        text = shorten(name, 22)
        half = np.array([_LETTER * size * len(text), 1.15 * size]) / 2
        directions = np.array([first, *_AROUND], dtype=float)
        shifts = np.sign(np.round(directions, 1)) * (half + _ROOM)
        boxes = [np.array([*centre - half, *centre + half]) for centre in at * self.scale + shifts]
        covered = [self._overlap(box) for box in boxes]
        best = int(np.argmin(covered))
        if covered[best] > 0.15 * 4 * half.prod() and not must:
            return False
        self.taken.append(boxes[best])
        shift = (float(shifts[best][0]), float(shifts[best][1]))
        write(self.ax, text, tuple(at), colour, shift, ha="center", fontsize=size, **halo(owner), **look)
        return True

    def _overlap(self, box: Floats) -> float:
        """Return the occupied area of a box."""
        taken = np.array(self.taken).reshape(-1, 4)
        overlap = np.minimum(taken[:, 2:], box[2:]) - np.maximum(taken[:, :2], box[:2])
        return float(np.prod(np.clip(overlap, 0.0, None), axis=1).sum())
