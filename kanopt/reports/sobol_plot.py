"""Sobol's indices as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.reports.canvas import axes_or_new, escape_text, name_letters, named_rows, set_x_title, style_axes
from kanopt.reports.palette import INK, MUTED, series
from kanopt.text import percent_text, shorten_middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.whatif import Sensitivity

_ROW = 44
_BAR = 0.3


def plot_sobol(sensitivity: Sensitivity, ax: Axes | None = None) -> Axes:
    """Draw two bars for each input, what goes with it alone and what is left without it, with their intervals.

    Parameters
    ----------
    sensitivity
        From :func:`kanopt.sobol`.
    ax
        Where to draw; a new figure if None.
    """
    frame = sensitivity.frame.iloc[::-1].reset_index(drop=True)
    ax = axes_or_new(ax, 680, sobol_height(sensitivity))
    colour = series(0).light
    for place, row in enumerate(named_rows(frame)):
        bars = (
            (place + _BAR / 2, row.first, row.first_low, row.first_high, 1.0),
            (place - _BAR / 2, row.total, row.total_low, row.total_high, 0.35),
        )
        for at, share, low, high, alpha in bars:
            ax.barh(at, max(share, 0.0), height=_BAR * 0.9, color=colour, alpha=alpha)
            ax.plot([max(low, 0.0), max(high, 0.0)], [at, at], color=MUTED.light, linewidth=1.2)
        reach = max(row.first, row.first_high, row.total, row.total_high)
        ax.annotate(
            percent_text(max(row.total, 0.0)),
            (reach, place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            color=INK.light,
        )
    letters = name_letters(ax)
    ax.set_yticks(range(len(frame)), [escape_text(shorten_middle(name, letters)) for name in frame["input"]])
    ax.set_xlim(left=0.0)
    ax.margins(x=0.12)
    ax.xaxis.set_major_formatter(lambda value, _: percent_text(value))
    level = percent_text(sensitivity.confidence)
    set_x_title(ax, f"share of the variance (dark: alone, pale: with others; lines: {level} intervals)")
    return style_axes(ax, grid="x")


def sobol_height(sensitivity: Sensitivity) -> int:
    """Return the preferred height of the picture, in pixels."""
    return 70 + _ROW * len(sensitivity.frame)
