"""What charts are made of: words, lines with their names at the ends, rows, spreads, cells, legends and clocks."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from kanopt.array_types import Floats
from kanopt.errors import PlotError
from kanopt.text import clock_text, count_text, list_names, number_text, shorten, shorten_middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.plans.findings import SeriesView


# The colours of charts and pages.
#
# Charts are drawn in the light colours below. On a page each becomes a CSS variable, so that dark mode and
# print can override it. The eight series colours are distinguishable with deuteranopia and protanopia (a
# test measures it), and every chart labels its series next to the marks.


@dataclass(frozen=True)
class Colour:
    """A colour with a value for light and one for dark surroundings.

    Examples
    --------
    >>> INK.variable
    'var(--ink)'
    """

    name: str
    light: str
    dark: str

    @property
    def variable(self) -> str:
        """The CSS variable that stands for the colour."""
        return f"var(--{self.name})"


INK = Colour("ink", "#1b242d", "#e6eaee")
MUTED = Colour("muted", "#586571", "#9eabb7")
LINE = Colour("line", "#d3d9df", "#39434d")
FAINT = Colour("faint", "#eceff2", "#222a32")
PAPER = Colour("paper", "#fcfcfb", "#12171c")
ALARM = Colour("alarm", "#b3261e", "#ff8a7a")
SERIES = (
    Colour("c1", "#01338e", "#5190ff"),
    Colour("c2", "#8f3505", "#f3972a"),
    Colour("c3", "#256d6d", "#23c99b"),
    Colour("c4", "#6e0756", "#b268b6"),
    Colour("c5", "#9c6900", "#ffe068"),
    Colour("c6", "#1573d4", "#a4fafe"),
    Colour("c7", "#3c2a07", "#c96243"),
    Colour("c8", "#d11e9f", "#deabf9"),
)


def series(index: int) -> Colour:
    """Return the colour of a series; colours repeat after eight, from where only labels distinguish series."""
    return SERIES[index % len(SERIES)]


COLOURS = (INK, MUTED, LINE, FAINT, PAPER, ALARM, *SERIES)


# Axes of charts: those that are given or new ones, their style, their titles, and texts on them.

HALO = "halo"
"""Group id of a text that must stay readable on top of lines."""
TIP = "tip-"
"""Prefix of the group id of marks that show a tooltip."""

PART = "of-"
"""Prefix of the group id of what belongs to a route, driver or machine."""

_PANELS_IN_A_ROW = 3
_LETTER = 6.4  # pixels of a letter of small text
_DIGITS = 8  # of a number at an axis
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff￾￿]")


def escape_text(text: object) -> str:
    r"""Return text with dollar signs escaped, so that matplotlib reads no formula, and control characters replaced.

    Examples
    --------
    >>> escape_text("5 $ or 6 $\n")
    '5 \\$ or 6 \\$ '
    """
    return printable(str(text)).replace("$", r"\$")


def printable(text: str) -> str:
    """Return a text with spaces for control characters."""
    return _CONTROL.sub(" ", text)


def id_of_part(owner: str) -> str:
    """Return the group id of what belongs to a route, driver or machine."""
    return f"{PART}{printable(owner)}"


def halo(owner: str = "") -> dict[str, Any]:
    """Return the properties of a text that must stay readable on top of lines, and of whose it is.

    On a page its halo is drawn by the style sheet, since a text with an effect would become outlines there.
    """
    from matplotlib.patheffects import withStroke

    gid = f"{HALO}{id_of_part(owner)}" if owner else HALO
    return {"gid": gid, "path_effects": [withStroke(linewidth=2.5, foreground=PAPER.light)]}


def axes_or_new(ax: Any, width: float, height: float) -> Axes:
    """Return the given axes, or those of a new pyplot figure of a size in pixels; a function makes them of the size.

    Raises
    ------
    PlotError
        If what is given is no axes.
    """
    if callable(ax):
        made: Axes = ax(width, height)
        return made
    if ax is not None:
        return _as_axes(ax)
    from matplotlib import pyplot

    _, new = pyplot.subplots(figsize=(width / 72, height / 72), layout="constrained")
    return new


def panels_or_new(ax: Any, panels: Sequence[str], size: tuple[float, float], word: str) -> list[Axes]:
    """Return one axes for each panel: those given, or those of a new pyplot figure with panels of a size in pixels.

    Parameters
    ----------
    ax
        One axes if there is one panel, else at least as many as there are panels, in an array or a list; None for new
        ones.
    panels
        What is drawn in each.
    size
        Width and height of a panel.
    word
        What the panels are of, with the word for many of them: ``"inputs"``.

    Raises
    ------
    PlotError
        If what is given is no axes, or too few of them.
    """
    from matplotlib import pyplot

    count = len(panels)
    if ax is None:
        columns = min(count, _PANELS_IN_A_ROW)
        rows = -(-count // columns)
        figsize = (columns * size[0] / 72, rows * size[1] / 72)
        _, grid = pyplot.subplots(rows, columns, figsize=figsize, layout="constrained", squeeze=False)
        for spare in grid.flat[count:]:
            spare.remove()
        return list(grid.flat[:count])
    several = isinstance(ax, (np.ndarray, list, tuple))
    given = [_as_axes(each) for each in (np.ravel(np.asarray(ax, dtype=object)) if several else [ax])]
    if len(given) < count:
        raise PlotError(
            f"ax: {count_text(len(given), 'axes', 'axes')} for {count} {word} ({list_names(panels)}); choose one, as "
            f"by plot({panels[0]!r}, ax=ax), or give as many, as by plt.subplots(1, {count})[1]"
        )
    return given[:count]


def _as_axes(ax: Any) -> Axes:
    """Return what is given as axes."""
    from matplotlib.axes import Axes

    if isinstance(ax, Axes) and ax.name == "rectilinear":
        return ax
    raise PlotError(
        f"ax is a {type(ax).__name__} in place of plain matplotlib axes; give one, such as plt.subplots()[1], or "
        "nothing for new ones"
    )


def named_rows(frame: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a frame as named tuples."""
    yield from frame.itertuples(index=False)


def canvas_size(ax: Axes) -> tuple[float, float]:
    """Return width and height in pixels of the cell of the figure that holds the axes and their labels."""
    figure = ax.get_figure(root=True)
    if figure is None:
        return 640.0, 400.0
    width, height = figure.get_size_inches() * 72
    place = ax.get_subplotspec()
    rows, columns = place.get_gridspec().get_geometry() if place is not None else (1, 1)
    return float(width / columns), float(height / rows)


def pixels(ax: Axes) -> tuple[float, float]:
    """Return an estimate of the size of the drawing area in pixels, before the layout is computed."""
    width, height = canvas_size(ax)
    return 0.86 * width, 0.76 * height


def name_letters(ax: Axes) -> int:
    """Return how many letters a name at the left of a row may have."""
    return max(int(0.4 * canvas_size(ax)[0] / _LETTER), 12)


def style_axes(ax: Axes, *, grid: Literal["x", "y", ""] = "y") -> Axes:
    """Style axes as all charts of a report: no box, no tick marks, faint grid lines behind the data."""
    from matplotlib.ticker import ScalarFormatter

    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set_visible(False)
    if grid != "x":
        ax.spines["bottom"].set_visible(True)
        ax.spines["bottom"].set_color(LINE.light)
    ax.tick_params(length=0, colors=MUTED.light, labelsize="small")
    ax.xaxis.label.set_color(MUTED.light)
    ax.xaxis.label.set_fontsize("small")
    ax.title.set_color(INK.light)
    ax.set_axisbelow(True)
    for axis in (ax.xaxis, ax.yaxis):
        if isinstance(axis.get_major_formatter(), ScalarFormatter):
            axis.set_major_formatter(lambda value, _: number_text(value, _DIGITS))
    if grid:
        ax.grid(axis=grid, color=LINE.light, linewidth=0.6)
    return ax


def set_x_title(ax: Axes, text: str) -> None:
    """Write the title of the horizontal axis below it, in as many lines as it needs."""
    letters = max(int(0.65 * canvas_size(ax)[0] / _LETTER), 20)
    ax.set_xlabel("\n".join(escape_text(line) for line in textwrap.wrap(text, letters)))


def set_y_title(ax: Axes, text: str) -> None:
    """Write the title of the vertical axis above it, horizontally."""
    ax.set_ylabel(escape_text(text), rotation=0, ha="left", va="bottom", color=MUTED.light, fontsize="small")
    ax.yaxis.set_label_coords(0.0, 1.02)
    ax.set_title(" ", fontsize="small", pad=7)  # layout makes room for titles, not for labels up here


_STEPS = np.array([5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 7200, 10080])
_PER_MINUTE = {"min": 1.0, "minute": 1.0, "h": 1 / 60, "hour": 1 / 60, "s": 60.0, "d": 1 / 1440}
_CLOCK = 62.0  # pixels of a label of a clock
_ROW = 13.0  # pixels that a name at the left of a row takes
DIGIT = 6.6  # pixels
_MOST_IN_LEGEND = 5
_MOST_NAMES = 20
_HALF = 0.47  # of a cell


def write(
    ax: Axes,
    text: object,
    at: tuple[Any, Any],
    colour: Colour = INK,
    shift: tuple[float, float] = (0, 0),
    **look: Any,
) -> None:
    """Write a small text beside a place, `shift` pixels from it; `look` has what matplotlib calls the rest."""
    style: dict[str, Any] = {"fontsize": "small", "va": "center", "annotation_clip": False} | look
    ax.annotate(escape_text(text), at, xytext=shift, textcoords="offset points", color=colour.light, **style)


def is_number(column: pd.Series[Any]) -> bool:
    """Say whether a column has numbers."""
    return bool(is_numeric_dtype(column) and not is_bool_dtype(column))


# Lines


def draw_lines(ax: Axes, x: Floats, lines: Mapping[str, Floats], **look: Any) -> None:
    """Draw a line for each series, the first on top; `look` is what matplotlib calls the rest."""
    style: dict[str, Any] = {"linewidth": 1.8} | look
    for place, (name, values) in reversed(list(enumerate(lines.items()))):
        ax.plot(x, values, color=series(place).light, label=escape_text(name), **style)


def name_ends(ax: Axes, x: float, ends: Mapping[str, float]) -> None:
    """Name lines at their right ends, in their colours, moved apart where they would overlap."""
    if not ends:
        return
    low, high = ax.get_ylim()
    gap = 14 * (high - low) / pixels(ax)[1]
    names, values = list(ends), np.array([*ends.values()], dtype=float)
    order = np.argsort(values)
    spread = values[order]
    for index in range(1, len(spread)):
        spread[index] = max(spread[index], spread[index - 1] + gap)
    overshoot = max(0.0, float(spread[-1]) - high)
    for at, index in zip(spread - overshoot, order, strict=True):
        write(ax, shorten(names[index], 24), (x, at), series(int(index)), (5, 0), **halo())


def plot_series(view: SeriesView, ax: Axes | None = None) -> Axes:
    """Draw one line per column, each named at its end.

    Parameters
    ----------
    view
        The numbers; where ``view.step`` is set a value holds until the next.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 680, 300)
    data = view.data
    numeric = is_numeric_dtype(data.index)
    along = data.index.to_numpy(float) if numeric else np.arange(len(data), dtype=float)
    lines = {str(column): data[column].to_numpy(float) for column in data.columns}
    draw_lines(ax, along, lines, drawstyle="steps-post" if view.step else "default")
    if view.clock:
        time_axis(ax, float(along[0]), float(along[-1]), view.clock, clock=True)
    else:
        ax.set_xlabel(escape_text(view.x_label))
        if numeric:
            ax.locator_params(axis="x", nbins=max(int(pixels(ax)[0] / 70), 3))
    if not numeric:
        name_values(ax, "x", [str(name) for name in data.index])
    style_axes(ax)
    set_y_title(ax, view.y_label)
    if len(lines) > 1:
        name_ends(ax, float(along[-1]), {name: float(values[-1]) for name, values in lines.items()})
    return ax


def time_axis(ax: Axes, low: float, high: float, unit: str, *, clock: bool) -> None:
    """Let the horizontal axis run from `low` to `high`, with labels at whole hours where it is time of day."""
    ax.set_xlim(low, high if high > low else low + 1.0)
    most = max(int(pixels(ax)[0] / _CLOCK), 3)
    if clock and unit in _PER_MINUTE:
        scale = _PER_MINUTE[unit]
        fitting = _STEPS[(high - low) / scale / _STEPS <= most - 1]
        step = float(fitting[0] if len(fitting) else _STEPS[-1]) * scale
        ticks = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
        ax.set_xticks(ticks, [clock_text(tick, unit) for tick in ticks])
        ax.set_xlabel("time of day")
    else:
        ax.locator_params(axis="x", nbins=most - 1)
        ax.set_xlabel(escape_text(f"time ({unit})"))


def name_values(ax: Axes, side: str, names: Sequence[str]) -> None:
    """Name evenly spaced values of an axis; where there is no room for all, every second or so."""
    shown = [escape_text(shorten(name, 14)) for name in names]
    widest = DIGIT * max((len(name) for name in shown), default=1) + 8
    room = pixels(ax)[0] / max(len(shown), 1)
    every = max(math.ceil(widest / room if side == "x" else len(shown) / _MOST_NAMES), 1)
    set_ticks = ax.set_xticks if side == "x" else ax.set_yticks
    set_ticks(range(0, len(shown), every), shown[::every])


# Rows


def rows_that_fit(ax: Axes) -> int:
    """Return how many rows have room for their names."""
    return max(int(pixels(ax)[1] / _ROW), 4)


def name_rows(ax: Axes, names: Sequence[object], title: str, *, fewest: int = 1, grid: Any = "x") -> Axes:
    """Name the rows of a chart from the top down, title the axis below them, and style it.

    Parameters
    ----------
    ax
        Where they are drawn, the first at 0.
    names
        A name for each.
    title
        Of the axis below.
    fewest
        Room is left for so many.
    grid
        As for :func:`~kanopt.pages.charts.style_axes`.
    """
    letters = name_letters(ax)
    ax.set_yticks(range(len(names)), [escape_text(shorten_middle(str(name), letters)) for name in names])
    ax.set_ylim(max(len(names), fewest) - 0.4, -0.6)
    set_x_title(ax, title)
    return style_axes(ax, grid=grid)


@dataclass(frozen=True)
class Row:
    """A row of a chart: bars, a thick spread or a thin line from where to where, a dot, a tick, and texts at places.

    `beside` stands at its right, outside of the axes, and `alarming` says that it is a bad thing.
    """

    name: object
    bars: Sequence[tuple[float, float, Colour]] = ()
    spread: tuple[float, float] | None = None
    line: tuple[float, float] | None = None
    dot: float = math.nan
    tick: float = math.nan
    texts: Sequence[tuple[float, str, Colour]] = ()
    beside: str = ""
    alarming: bool = False
    colour: Colour = SERIES[0]


def draw_rows(
    ax: Any,
    rows: Sequence[Row],
    title: str,
    *,
    zero: Colour | None = None,
    room: float = 0.0,
    pitch: int = 32,
) -> Axes:
    """Draw rows from the top down.

    Parameters
    ----------
    ax
        Where to draw; a new figure if None.
    rows, title
        The rows, and the title of the axis below them.
    zero
        Colour of a line at zero; None for no line.
    room
        Share of the axis that is left free at its ends, for texts.
    pitch
        Pixels from one row to the next, where the figure is a new one.
    """
    ax = axes_or_new(ax, 680, 90 + pitch * max(len(rows), 1))
    if zero is not None:
        ax.axvline(0, color=zero.light, linewidth=0.8)
    for place, row in enumerate(rows):
        for start, end, colour in row.bars:
            ax.barh(place, end - start, left=start, height=0.6, color=colour.light)
        for ends, width, colour in ((row.spread, 3.5, row.colour), (row.line, 1.2, MUTED)):
            if ends is not None:
                ax.plot([*ends], [place, place], color=colour.light, linewidth=width, solid_capstyle="butt")
        ax.plot([row.dot], [place], "o", color=row.colour.light, markersize=5)
        ax.plot([row.tick], [place], "|", color=INK.light, markersize=10)
        for at, text, colour in row.texts:
            side, shift = ("left", 5) if at >= 0 else ("right", -5)
            write(ax, text, (at, place), colour, (shift, 0), ha=side)
        colour = ALARM if row.alarming else INK
        write(ax, row.beside, (1.0, place), colour, (4, 0), xycoords=("axes fraction", "data"))
    ax.margins(x=room or 0.05)
    return name_rows(ax, [row.name for row in rows], title)


def draw_bars(ax: Axes, labels: Sequence[str], values: Floats, title: str, *, named: str = "") -> Axes:
    """Draw a bar for each label, the first on top; where there are more than have room, those of the largest values.

    Parameters
    ----------
    ax
        Where to draw.
    labels, values
        What each is called, and how long it is.
    title
        What the values are.
    named
        What the labels are.
    """
    shown = np.sort(np.argsort(-np.abs(values), kind="stable")[: rows_that_fit(ax)])
    ax.barh(range(len(shown)), values[shown], height=0.62, color=series(0).light)
    ax.axvline(0, color=MUTED.light, linewidth=0.8)
    left_out = len(values) - len(shown)
    name_rows(ax, [shorten(labels[at], 18) for at in shown], "", fewest=4)
    ax.set_xlabel(escape_text(f"{title}; {left_out} smaller not drawn" if left_out else title))
    set_y_title(ax, named)
    return ax


# Cells


def draw_cells(
    ax: Axes,
    columns: Sequence[str],
    rows: Sequence[str],
    places: Sequence[tuple[int, int]],
    looks: Sequence[Any],
) -> None:
    """Draw cells, each in a colour of its own, and name their columns and rows."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    cells = [Rectangle((x - _HALF, y - _HALF), 2 * _HALF, 2 * _HALF) for x, y in places]
    ax.add_collection(PatchCollection(cells, facecolors=[*looks], linewidths=0))
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(-0.5, len(rows) - 0.5)
    name_values(ax, "x", columns)
    name_values(ax, "y", rows)
    style_axes(ax, grid="")
    ax.spines["bottom"].set_visible(False)


def shade(share: float, colour: Colour) -> tuple[float, float, float, float]:
    """Return the colour of a cell, the stronger the larger its share; of none a faint grey."""
    from matplotlib.colors import to_rgba

    return to_rgba(colour.light, 0.08 + 0.4 * share) if share else to_rgba(FAINT.light)


# Legends


def draw_legend(ax: Axes, handles: Sequence[Any], **look: Any) -> None:
    """Draw a legend in rows above the axes, or where `look` says."""
    if handles:
        place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "handlelength": 0.9}
        columns = min(len(handles), _MOST_IN_LEGEND)
        style: dict[str, Any] = {"frameon": False, "fontsize": "small", "labelcolor": MUTED.light}
        style |= {"borderaxespad": 0.2, "columnspacing": 1.1, "handleheight": 0.9, "ncols": columns}
        ax.legend(handles=handles, **(place | style | look))


def patches(looks: Mapping[str, str], most: int = 20) -> list[Any]:
    """Return what a legend shows of colours."""
    from matplotlib.patches import Patch

    return [Patch(facecolor=face, label=escape_text(shorten(name, most))) for name, face in looks.items()]
