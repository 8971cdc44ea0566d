"""Gantt charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kanopt.pages.canvas import TIP, axes_or_new, escape_text, id_of_part, named_rows, pixels, style_axes
from kanopt.pages.charts import draw_legend, patches, time_axis
from kanopt.pages.palette import ALARM, FAINT, INK, LINE, MUTED, PAPER, SERIES
from kanopt.pages.svg import Tip
from kanopt.text import amount_text, clock_text, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from kanopt.plans.views import GanttView

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
_WORDS = {"overdue": "late", "release": "released", "due": "due"}
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
            text = f"{mark.label} {_WORDS[mark.kind]} {_time_text(mark.start, view)}"
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
            handles.append(Line2D([], [], color=colour, label=_WORDS[kind], **look))
    return handles
