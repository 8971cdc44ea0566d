"""Axes of charts: those that are given or new ones, their style, their titles, and texts on them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kanopt.errors import PlotError
from kanopt.pages.palette import INK, LINE, MUTED, PAPER
from kanopt.text import count_text, fixed_text, list_names, number_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

HALO = "halo"
"""Group id of a text that must stay readable on top of lines."""
TIP = "tip-"
"""Prefix of the group id of marks that show a tooltip."""

PART = "of-"
"""Prefix of the group id of what belongs to a route, driver or machine."""

_SIZES = ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"))
_MOST_DECIMALS = 2
_PANELS_IN_A_ROW = 3
_TINY, _LONG = 1e-4, 1e4
_LETTER = 6.4  # pixels of a letter of small text
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


def axes_or_new(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the given axes, or those of a new pyplot figure of a size in pixels.

    Raises
    ------
    PlotError
        If what is given is no axes.
    """
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
    from matplotlib.figure import FigureBase

    if isinstance(ax, Axes) and ax.name == "rectilinear":
        return ax
    if isinstance(ax, Axes):
        raise PlotError(f"ax is {ax.name}: kanopt draws on plain axes, such as plt.subplots()[1]")
    if isinstance(ax, np.ndarray):
        raise PlotError(
            f"ax is an array of {ax.size} axes where one is drawn on; give one of them, such as ax.flat[0]"
        )
    hint = "figure.add_subplot()" if isinstance(ax, FigureBase) else "plt.subplots()[1]"
    raise PlotError(
        f"ax is a {type(ax).__name__} in place of matplotlib axes; give {hint}, or nothing for new ones"
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
            axis.set_major_formatter(partial(_tick_of, axis))
    if grid:
        ax.grid(axis=grid, color=LINE.light, linewidth=0.6)
    return ax


def _tick_of(axis: Any, value: float, _: int | None = None) -> str:
    return tick_text(value, axis.get_majorticklocs())


def tick_text(value: float, ticks: Sequence[float]) -> str:
    """Return the label of a tick, all of an axis in one format and without a common offset.

    Where one of them has five digits all get commas, and from a million on they are counted in millions.

    Examples
    --------
    >>> tick_text(7500, [5000, 7500, 10_000]), tick_text(1.5e6, [0, 1.5e6, 3e6]), tick_text(7500, [5000, 7500])
    ('7,500', '1.5 million', '7500')
    """
    largest = max(map(abs, ticks))
    if largest < _TINY:
        return number_text(value, 3)
    size, word = next(((size, word) for size, word in _SIZES if largest >= size), (1.0, ""))
    decimals = _decimals([at / size for at in ticks])
    if decimals > _MOST_DECIMALS:
        size, word, decimals = 1.0, "", _decimals(ticks)
    text = fixed_text(value / size, decimals)
    return "0" if value == 0 and word else f"{text if largest >= _LONG else text.replace(',', '')}{word}"


def _decimals(values: Sequence[float]) -> int:
    """Return how many decimals show all values exactly, up to rounding of the last bits."""
    close = 1e-9 * max(map(abs, values))
    return next((d for d in range(12) if all(abs(round(v, d) - v) <= close for v in values)), 12)


def set_x_title(ax: Axes, text: str) -> None:
    """Write the title of the horizontal axis below it, in as many lines as it needs."""
    letters = max(int(0.65 * canvas_size(ax)[0] / _LETTER), 20)
    ax.set_xlabel("\n".join(escape_text(line) for line in textwrap.wrap(text, letters)))


def set_y_title(ax: Axes, text: str) -> None:
    """Write the title of the vertical axis above it, horizontally."""
    ax.set_ylabel(escape_text(text), rotation=0, ha="left", va="bottom", color=MUTED.light, fontsize="small")
    ax.yaxis.set_label_coords(0.0, 1.02)
    ax.set_title(" ", fontsize="small", pad=7)  # layout makes room for titles, not for labels up here
