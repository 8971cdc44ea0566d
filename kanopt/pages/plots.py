"""One function to draw any view, one to draw any result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from kanopt.display import Chart
from kanopt.errors import ProblemError
from kanopt.pages.charts import (
    ALARM,
    FAINT,
    INK,
    LINE,
    MUTED,
    PAPER,
    SERIES,
    TIP,
    axes_or_new,
    draw_legend,
    escape_text,
    id_of_part,
    named_rows,
    patches,
    pixels,
    plot_series,
    style_axes,
    time_axis,
)
from kanopt.pages.maps import map_shape, map_tips, network_tips, plot_map, plot_network
from kanopt.pages.svg import NARROW, Tip, chart_of
from kanopt.plans.findings import GanttView, MapView, NetworkView, SeriesView, View
from kanopt.plans.result import Result
from kanopt.text import amount_text, clock_text, join_list, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


# Gantt charts.

# kinds with a meaning of their own keep one colour everywhere: face and text on it
_FIXED = {
    "drive": (SERIES[0].light, PAPER.light),
    "service": (SERIES[2].light, PAPER.light),
    "late": (ALARM.light, PAPER.light),
    "reload": (MUTED.light, PAPER.light),
    "wait": (LINE.light, INK.light),
    "break": (FAINT.light, MUTED.light),
    "setup": (MUTED.light, PAPER.light),
}
_THIN = {"drive", "wait"}
_MARKS = {
    "overdue": (ALARM.light, "_", 0.42),
    "release": (MUTED.light, ">", -0.46),
    "due": (INK.light, "v", -0.46),
}
"""Colour, shape, and height above or below the middle of a row."""
_BAR_WORDS = {"overdue": "late", "release": "released", "due": "due"}
_NOTHING = 1e-6  # of the time shown: a wait as short is what rounding left
_MOST_KINDS = 10  # in a legend; where there are more, the labels on the bars say more than one
_BEHIND = 0.25
"""Share of the time shown by which a due date may lie behind it."""


def gantt_height(view: GanttView) -> int:
    """Return the height in pixels that a chart with these rows needs."""
    legend = 74 if view.marks is None else 92
    return legend + 26 * max(view.bars["row"].nunique(), 1)


def plot_gantt(
    view: GanttView,
    ax: Axes | None = None,
    *,
    span: tuple[float, float] | None = None,
    kinds: Sequence[str] = (),
) -> Axes:
    """Draw a Gantt chart, the first row on top.

    Parameters
    ----------
    view
        Bars; where ``view.clock`` is set the axis reads as time of day.
    ax
        Where to draw; a new figure if None.
    span
        First and last time on the axis, so that two charts compare; those of the bars if None.
    kinds
        Kinds of bars in the order of their colours, for the same reason; in order of appearance if empty.
    """
    ax = axes_or_new(ax, 680, gantt_height(view))
    bars = _shown_bars(view)
    rows = {row: index for index, row in enumerate(dict.fromkeys(bars["row"].astype(str)))}
    colours = _colours(kinds or list(bars["kind"].unique()))
    level = bars["row"].astype(str).map(rows).to_numpy(float)
    _draw_bars(ax, bars, level, colours)
    ax.set_yticks(range(len(rows)), [escape_text(shorten(row, 20)) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    marks = _shown_marks(view)
    if len(bars):
        ends = pd.concat([bars["end"], marks["start"]])
        low, high = span or (float(bars["start"].min()), float(ends.max()))
        time_axis(ax, low, high, view.unit, clock=view.clock)
        marks = marks[marks["start"] <= ax.get_xlim()[1]]
    _draw_marks(ax, marks, rows)
    style_axes(ax, grid="x")
    _draw_labels(ax, bars, level, colours)
    drawn = {kind: face for kind, (face, _) in colours.items() if kind in set(bars["kind"])}
    faces = drawn if len(colours) <= _MOST_KINDS else {}
    draw_legend(ax, [*patches(faces, 16), *_mark_handles(set(marks["kind"]))])
    return ax


def _shown_bars(view: GanttView) -> pd.DataFrame:
    """Return the bars of a chart; a wait that is none is no bar."""
    bars = view.bars
    if not len(bars):
        return bars
    whole = float(bars["end"].max() - bars["start"].min())
    return bars[(bars["kind"] != "wait") | (bars["end"] - bars["start"] > _NOTHING * whole)]


def _shown_marks(view: GanttView) -> pd.DataFrame:
    """Return the marks of a chart; moments far behind the last bar would squeeze it and are left out."""
    if view.marks is None or not len(view.bars):
        return pd.DataFrame({"row": [], "start": [], "end": [], "label": [], "kind": []})
    first, last = float(view.bars["start"].min()), float(view.bars["end"].max())
    return view.marks[view.marks["start"] <= last + _BEHIND * (last - first)]


def _draw_marks(ax: Axes, marks: pd.DataFrame, level: dict[str, int]) -> None:
    """Draw releases and due dates as ticks over their rows, and what is late as a stripe below its bar."""
    for kind, (colour, marker, place) in _MARKS.items():
        part = marks[marks["kind"] == kind]
        if not len(part):
            continue
        heights = np.array([level[str(row)] for row in part["row"]], dtype=float)
        if kind == "overdue":
            ax.hlines(heights + place, part["start"], part["end"], color=colour, linewidth=3.5, zorder=4)
            continue
        look: dict[str, Any] = {
            "s": 44,
            "c": colour,
            "marker": marker,
            "linewidths": 0,
            "zorder": 5,
            "clip_on": False,
        }
        drawn = ax.scatter(part["start"], heights + place, **look)
        drawn.set_gid(f"{TIP}{kind}")
        if kind == "due":
            ax.vlines(part["start"], heights - 0.42, heights + 0.42, color=colour, linewidth=1.3, zorder=4)


def gantt_tips(view: GanttView) -> dict[str, list[Tip]]:
    """Return the tooltips of the bars, releases and due dates."""
    tips = [
        Tip(
            f"{bar.row}: {bar.label or bar.kind}, {_time_text(bar.start, view)} to {_time_text(bar.end, view)}",
            str(bar.row),
        )
        for bar in named_rows(_shown_bars(view))
    ]
    told: dict[str, list[Tip]] = {"bars": tips}
    for mark in named_rows(_shown_marks(view)):
        if mark.kind != "overdue":
            text = f"{mark.label} {_BAR_WORDS[mark.kind]} {_time_text(mark.start, view)}"
            told.setdefault(mark.kind, []).append(Tip(text, str(mark.row)))
    return told


def _time_text(value: float, view: GanttView) -> str:
    return clock_text(value, view.unit) if view.clock else amount_text(value, view.unit)


def _colours(kinds: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return face and text colour by kind: those with a fixed colour first."""
    fixed = {kind: look for kind, look in _FIXED.items() if kind in kinds}
    used = {face for face, _ in fixed.values()}
    free = [colour.light for colour in SERIES if colour.light not in used]
    own = [kind for kind in dict.fromkeys(map(str, kinds)) if kind not in _FIXED]
    return fixed | {kind: (free[index % len(free)], PAPER.light) for index, kind in enumerate(own)}


def _draw_bars(ax: Axes, bars: pd.DataFrame, level: np.ndarray, colours: dict[str, tuple[str, str]]) -> None:
    """Draw all bars as one collection."""
    from matplotlib.collections import PolyCollection

    if not len(bars):
        return
    start, end = bars["start"].to_numpy(float), bars["end"].to_numpy(float)
    half = np.where(bars["kind"].isin(_THIN), 0.15, 0.37)
    low, high = level - half, level + half
    corners = np.array([[start, start, end, end], [low, high, high, low]]).transpose(2, 1, 0)
    faces = [colours[kind][0] for kind in bars["kind"]]
    boxes = PolyCollection([*corners], facecolors=faces, edgecolors=PAPER.light, linewidths=0.6, zorder=2)
    boxes.set_gid(f"{TIP}bars")
    ax.add_collection(boxes)


def _draw_labels(
    ax: Axes, bars: pd.DataFrame, level: np.ndarray, colours: dict[str, tuple[str, str]]
) -> None:
    """Write labels inside bars that are wide enough."""
    low, high = ax.get_xlim()
    room = (bars["end"] - bars["start"]).to_numpy(float) / (high - low) * pixels(ax)[0]
    for index, (bar, width) in enumerate(zip(named_rows(bars), room, strict=True)):
        label = str(bar.label)
        # where the whole does not fit, what stands before the comma says at least who it is
        text = label if _fits(label, width) else label.partition(",")[0]
        if text and bar.kind not in _THIN and _fits(text, width):
            ax.text(
                0.5 * (bar.start + bar.end),
                level[index],
                escape_text(text),
                ha="center",
                va="center_baseline",
                fontsize="x-small",
                color=colours[bar.kind][1],
                clip_on=True,
                gid=id_of_part(str(bar.row)),
            )


def _fits(text: str, width: float) -> bool:
    """Return whether a text fits into a width in pixels."""
    return 6.2 * len(text) + 4 <= width


def _mark_handles(kinds: set[str]) -> list[Line2D]:
    """Return what a legend shows of promises."""
    from matplotlib.lines import Line2D

    handles: list[Line2D] = []
    for kind, (colour, marker, _) in _MARKS.items():
        look: dict[str, Any] = {"linestyle": "", "marker": marker, "markersize": 7, "markeredgewidth": 0}
        if kind == "overdue":
            look = {"linewidth": 3.5}
        if kind in kinds:
            handles.append(Line2D([], [], color=colour, label=_BAR_WORDS[kind], **look))
    return handles


_MOST_MARKS = 500
WIDTHS: dict[type, int] = {MapView: 760, NetworkView: 860, GanttView: 860, SeriesView: 480}
"""Of the views of a plan, in pixels."""


def plot_result(
    result: Result, ax: Axes | None = None, view: Literal["", "map", "gantt", "timetable"] = ""
) -> Axes:
    """Draw a view of a plan, with its title.

    Parameters
    ----------
    result
        A result with a plan.
    ax
        Where to draw; a new figure if None.
    view
        Which one: ``"map"`` (routes or flows), ``"gantt"`` (machines or vehicles over time), ``"timetable"`` (vehicles
        over time); the first that there is if empty.

    Raises
    ------
    ProblemError
        If there is no plan, or no such view of it.
    """
    if result.assessment is None:
        raise ProblemError(f"there is no plan to draw ({result.status.value}); explain(result) says why")
    views = [each for each in result.assessment.views() if not view or isinstance(each, _KINDS[view])]
    if not views or (view == "timetable" and result.problem.kind != "routing"):
        raise ProblemError(_no_view(result, view))
    draw, *_ = _drawing(views[0], views[:1])
    drawn = draw(ax)
    drawn.set_title(escape_text(views[0].title), loc="left", pad=_ABOVE)
    return drawn


def _no_view(result: Result, view: str) -> str:
    """Say that a plan has no such view, and which one it has."""
    known = {} if result.assessment is None else {type(each): "" for each in result.assessment.views()}
    methods = join_list([*dict.fromkeys(_METHODS[each] for each in known if each in _METHODS), "plot_costs"])
    told = (
        f"a plan of kind {result.problem.kind!r} has no {_WORDS.get(view, 'view')} to draw; it has {methods}"
    )
    more = "; a map of routes needs x and y, or lat and lon, of all clients and depots"
    return told + more * (result.problem.kind == "routing" and view == "map")


_ABOVE = 22.0  # pixels
_KINDS = {"map": (MapView, NetworkView), "gantt": (GanttView,), "timetable": (GanttView,)}
_WORDS = {"map": "map", "gantt": "Gantt chart", "timetable": "timetable"}
_METHODS: dict[type, str] = {MapView: "plot_map", NetworkView: "plot_map", GanttView: "plot_gantt"}


def view_chart(
    view: View,
    place: int,
    width: int,
    whose: str = "plan",
    *,
    name: str = "",
    among: Sequence[View] = (),
    label: str = "",
) -> Chart:
    """Draw a view for desktops and for phones.

    It shares its time axis and the colours of names with the views of its kind in `among`, itself one of them.

    Parameters
    ----------
    view
        The view.
    place, width
        Which view of its plan it is, and how wide it is for desktops, in pixels.
    whose
        For the page's script: ``"plan"``, ``"today"`` or ``"other"``; empty where it looks for none.
    name
        Which plan it is, where it is neither that of the page nor today's.
    among
        The views that it is compared with.
    label
        Alternative text; made of the above if empty.
    """
    plan = {"plan": "the plan", "today": "today's plan"}.get(whose, f"the plan for {name}")
    kind = type(view).__name__.removesuffix("View")
    draw, tips, height, marks = _drawing(view, among or [view])
    many = marks > _MOST_MARKS
    data = {"whose": whose, "view": kind.lower()} if whose else {}
    data |= {"marks": "many"} if many else {}
    return chart_of(
        draw,
        caption=f"{view.title}: {name}" if name else view.title,
        label=label or f"{kind} of {plan}: {view.title} ({place + 1})",
        size=(width, height(width)),
        # of so many marks a phone shows a part at a time, as it is drawn for desktops
        narrow=None if many else (NARROW, height(NARROW)),
        tips=tips,
        data=data,
    )


def _drawing(
    view: View, among: Sequence[View]
) -> tuple[Callable[[Any], Axes], Mapping[str, Sequence[Tip]], Callable[[int], int], int]:
    """Return how a view is drawn beside others, what its marks tell, how high it is, and how many marks it has."""
    match view:
        case MapView():
            paths = [other.paths["group"] for other in among if isinstance(other, MapView)]
            draw = partial(plot_map, view, groups=_unique_names(paths))
            return draw, map_tips(view), lambda width: round(map_shape(view) * width), len(view.points)
        case GanttView():
            bars = [other.bars for other in among if isinstance(other, GanttView)]
            kinds = _unique_names([each["kind"] for each in bars])
            drawn = partial(plot_gantt, view, span=_span(bars), kinds=kinds)
            return drawn, gantt_tips(view), lambda _: gantt_height(view), len(view.bars)
        case NetworkView():
            flows = partial(plot_network, view)
            return flows, network_tips(view), lambda width: round(map_shape(view) * width) + 30, 0
        case SeriesView():
            return partial(plot_series, view), {}, lambda _: 240, 0


def _unique_names(columns: Sequence[pd.Series[str]]) -> list[str]:
    return list(dict.fromkeys(str(name) for column in columns for name in column))


def _span(bars: Sequence[pd.DataFrame]) -> tuple[float, float] | None:
    """Return the first start and the last end."""
    filled = [each for each in bars if len(each)]
    if not filled:
        return None
    return min(float(each["start"].min()) for each in filled), max(
        float(each["end"].max()) for each in filled
    )
