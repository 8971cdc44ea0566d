"""Line charts of series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pandas.api.types import is_numeric_dtype

from kanopt.reports.canvas import axes_or_new, escape_text, halo, pixels, set_y_title, style_axes
from kanopt.reports.palette import series
from kanopt.reports.timeline import time_axis
from kanopt.text import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.problems.views import SeriesView


def plot_series(view: SeriesView, ax: Axes | None = None) -> Axes:
    """Draw one line per column, each labelled at its end.

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
    for index, column in enumerate(data.columns):
        values = data[column].to_numpy(float)
        ax.plot(
            along,
            values,
            color=series(index).light,
            linewidth=1.8,
            drawstyle="steps-post" if view.step else "default",
            label=escape_text(column),
        )
    if not numeric:
        names = [escape_text(shorten(str(name), 12)) for name in data.index]
        every = _label_step(names, pixels(ax)[0])
        ax.set_xticks(along[::every], names[::every])
    if view.clock:
        time_axis(ax, float(along[0]), float(along[-1]), view.clock, clock=True)
    else:
        ax.set_xlabel(escape_text(view.x_label))
        if numeric:
            ax.locator_params(axis="x", nbins=max(int(pixels(ax)[0] / 70), 3))
    style_axes(ax)
    set_y_title(ax, view.y_label)
    if len(data.columns) > 1:
        label_ends(ax, along[-1], [str(column) for column in data.columns], data.iloc[-1].to_numpy(float))
    return ax


def _label_step(names: list[str], room: float) -> int:
    """Return the step between labels such that they do not overlap."""
    widest = 6.4 * max((len(name) for name in names), default=1) + 8
    return max(int(np.ceil(widest * len(names) / room)), 1)


def label_ends(ax: Axes, x: float, names: list[str], values: np.ndarray) -> None:
    """Label lines at their right ends, moved apart where they would overlap."""
    low, high = ax.get_ylim()
    gap = 14 * (high - low) / pixels(ax)[1]
    order = np.argsort(values)
    spread = values[order].astype(float)
    for index in range(1, len(spread)):
        spread[index] = max(spread[index], spread[index - 1] + gap)
    overshoot = max(0.0, float(spread[-1]) - high)
    for at, index in zip(spread - overshoot, order, strict=True):
        ax.annotate(
            escape_text(shorten(names[index], 24)),
            (x, at),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            color=series(int(index)).light,
            **halo(),
            annotation_clip=False,
        )
