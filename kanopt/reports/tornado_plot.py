"""Tornado charts: how far each input alone moves the price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.reports.canvas import axes_or_new, escape_text, name_letters, named_rows, set_x_title, style_axes
from kanopt.reports.palette import MUTED, series
from kanopt.text import money_text, shorten_middle
from kanopt.whatif.sweeps.axes import value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.whatif.sensitivity.tornado import Tornado

_ROW = 34
_HEIGHT = 0.6


def plot_tornado(tornado: Tornado, ax: Axes | None = None) -> Axes:
    """Draw a bar for each input, from the price at one end to that at the other, the widest on top.

    The value stands at either end. Where plans were made anew, a thin line in the bar is the plan that is kept. An
    input without a bar has a value at which the plan breaks rules or leaves out something else.

    Parameters
    ----------
    tornado
        From :func:`kanopt.tornado`.
    ax
        Where to draw; a new figure if None.
    """
    frame = tornado.frame.iloc[::-1].reset_index(drop=True)
    ax = axes_or_new(ax, 680, tornado_height(tornado))
    for place, row in enumerate(named_rows(frame)):
        ends = (
            (row.low_effect, row.kept_low, row.low, 0),
            (row.high_effect, row.kept_high, row.high, 1),
        )
        for effect, kept, value, colour in ends:
            if effect != effect:
                continue
            ax.barh(place, effect, height=_HEIGHT, color=series(colour).light)
            reach = max(effect, kept) if effect > 0 else min(effect, kept)
            outward = 5 if effect > 0 or (effect == 0 and colour) else -5
            ax.annotate(
                escape_text(value_text(value)),
                (reach if reach == reach else effect, place),
                xytext=(outward, 0),
                textcoords="offset points",
                ha="left" if outward > 0 else "right",
                va="center",
                fontsize="small",
                color=series(colour).light,
            )
        if tornado.anew:
            for effect in (row.kept_low, row.kept_high):
                ax.plot([0, effect], [place, place], color=MUTED.light, linewidth=1.2)
    ax.axvline(0, color=MUTED.light, linewidth=0.8)
    letters = name_letters(ax)
    ax.set_yticks(range(len(frame)), [escape_text(shorten_middle(path, letters)) for path in frame["path"]])
    ax.margins(x=0.15)
    base = money_text(tornado.base.objective or 0.0, tornado.unit)
    line = "; line: the plan that is kept" if tornado.anew else ""
    set_x_title(ax, f"change of the price, {tornado.unit} (as it is: {base}{line})")
    return style_axes(ax, grid="x")


def tornado_height(tornado: Tornado) -> int:
    """Return the preferred height of the picture, in pixels."""
    return 90 + _ROW * len(tornado.frame)
