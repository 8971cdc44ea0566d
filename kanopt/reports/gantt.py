"""Gantt charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kanopt.reports.canvas import TIP, axes_or_new, escape_text, id_of_part, named_rows, pixels, style_axes
from kanopt.reports.palette import ALARM, FAINT, INK, LINE, MUTED, PAPER, SERIES
from kanopt.reports.svg import Tip
from kanopt.reports.timeline import time_axis
from kanopt.text import amount_text, clock_text, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.problems.views import GanttView

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
    bars = view.bars
    rows = list(dict.fromkeys(bars["row"].astype(str)))
    colours = _colours(kinds or list(bars["kind"].unique()))
    level = bars["row"].astype(str).map({row: index for index, row in enumerate(rows)})
    _draw_bars(ax, bars, level.to_numpy(float), colours)
    ax.set_yticks(range(len(rows)), [escape_text(shorten(row, 20)) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    marks = _shown_marks(view)
    if len(bars):
        ends = pd.concat([bars["end"], marks["start"]])
        low, high = span or (float(bars["start"].min()), float(ends.max()))
        time_axis(ax, low, high, view.unit, clock=view.clock)
        marks = marks[marks["start"] <= ax.get_xlim()[1]]
    _draw_marks(ax, marks, {row: index for index, row in enumerate(rows)})
    style_axes(ax, grid="x")
    _draw_labels(ax, bars, level.to_numpy(float), colours)
    _legend(ax, colours, [kind for kind in _MARKS if kind in set(marks["kind"])])
    return ax


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
        drawn = ax.scatter(
            part["start"],
            heights + place,
            s=44,
            c=colour,
            marker=marker,
            linewidths=0,
            zorder=5,
            clip_on=False,
        )
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
        for bar in named_rows(view.bars)
    ]
    marks = _shown_marks(view)
    words = {"release": "released", "due": "due"}
    told = {
        kind: [
            Tip(f"{mark.label} {word} {_time_text(mark.start, view)}", str(mark.row))
            for mark in named_rows(marks[marks["kind"] == kind])
        ]
        for kind, word in words.items()
    }
    return {"bars": tips} | {kind: lines for kind, lines in told.items() if lines}


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
    corners = np.stack(
        [np.stack(corner, -1) for corner in ((start, low), (start, high), (end, high), (end, low))], 1
    )
    boxes = PolyCollection(
        list(corners),
        facecolors=[colours[kind][0] for kind in bars["kind"]],
        edgecolors=PAPER.light,
        linewidths=0.6,
        zorder=2,
    )
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


def _legend(ax: Axes, colours: dict[str, tuple[str, str]], marks: Sequence[str]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    # as many kinds as jobs: the labels on the bars say more than a legend
    shown = colours if len(colours) <= 10 else {}
    handles: list[Patch | Line2D] = [
        Patch(facecolor=face, label=escape_text(shorten(kind, 16))) for kind, (face, _) in shown.items()
    ]
    for kind in marks:
        colour, marker, _ = _MARKS[kind]
        if kind == "overdue":
            handles.append(Line2D([], [], color=colour, linewidth=3.5, label=_WORDS[kind]))
            continue
        handles.append(
            Line2D(
                [],
                [],
                color=colour,
                marker=marker,
                markersize=7,
                markeredgewidth=0,
                linestyle="",
                label=_WORDS[kind],
            )
        )
    if not handles:
        return
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=max(min(len(handles), 5), 1),
        frameon=False,
        fontsize="small",
        labelcolor=MUTED.light,
        handlelength=0.9,
        handleheight=0.9,
        borderaxespad=0.2,
        columnspacing=1.1,
    )
