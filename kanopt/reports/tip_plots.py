"""Pictures of what moves a price and of where a plan tips: bars of inputs, and ranges parted at switch points."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from kanopt.reports.canvas import (
    axes_or_new,
    escape_text,
    halo,
    name_letters,
    named_rows,
    pixels,
    set_x_title,
    style_axes,
)
from kanopt.reports.palette import FAINT, INK, MUTED, series
from kanopt.text import amount_text, money_text, number_text, shorten_middle
from kanopt.whatif.questions.axes import value_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.whatif import SwitchPoints, Tornado
    from kanopt.whatif.questions.switch_points import AxisSwitches

_INPUT, _RANGE = 34, 84
"""Heights of an input of a tornado, and of a path with switch points."""
_HEIGHT, _BAR = 0.6, 0.3
"""Of the bars of both, as a share of that."""
_DIGIT = 6.6  # pixels


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
    return 90 + _INPUT * len(tornado.frame)


def plot_switch_points(found: SwitchPoints, ax: Axes | None = None) -> Axes:
    """Draw a bar for each path from its lowest to its highest value, parted where decisions change.

    The value stands at each place; a pale stretch is where it may lie. Small marks are values at which the problem was
    solved.

    Parameters
    ----------
    found
        From :func:`kanopt.switch_points`.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 680, switch_height(found))
    rows = [axis for axis in found.axes if len(axis.points)]
    for place, axis in enumerate(reversed(rows)):
        _draw_range(ax, axis, place)
    letters = name_letters(ax)
    names = [escape_text(shorten_middle(axis.axis.label, letters)) for axis in reversed(rows)]
    ax.set_yticks(range(len(rows)), names)
    ax.set_ylim(-0.6, len(rows) - 0.3)
    ax.set_xlim(-0.03, 1.03)
    style_axes(ax, grid="")
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    return ax


def switch_height(found: SwitchPoints) -> int:
    """Return the preferred height of the picture, in pixels."""
    return 20 + _RANGE * max(len(found.axes), 1)


def _draw_range(ax: Axes, axis: AxisSwitches, place: int) -> None:
    low, high = float(axis.points["value"].min()), float(axis.points["value"].max())
    wide = (high - low) or 1.0

    def at(value: float) -> float:
        return min(max((value - low) / wide, 0.0), 1.0)

    edges = [0.0, *(at(one.value) for one in axis.switches), 1.0]
    for part, (start, end) in enumerate(itertools.pairwise(edges)):
        shade = {"color": FAINT.light} if part % 2 == 0 else {"color": series(0).light, "alpha": 0.35}
        ax.barh(place, end - start, left=start, height=_BAR, **shade)
    solved = [at(value) for value in axis.points["value"]]
    ax.plot(solved, [place] * len(solved), "|", color=MUTED.light, markersize=5)
    for value, text, side in (
        (0.0, number_text(low), "left"),
        (1.0, amount_text(high, axis.unit), "right"),
    ):
        _label(ax, text, (value, place - _BAR / 2), (0, -3), ha=side, va="top", color=MUTED.light)
    room, level, end = pixels(ax)[0] * 0.75, 0, -1.0
    for one in axis.switches:
        x = at(one.value)
        text = number_text(one.value)
        half = 0.5 * (_DIGIT * len(text) + 4) / room
        level = (level + 1) % 3 if x - half < end else 0
        end = x + half
        if one.high > one.low:
            ax.plot(
                [at(one.low), at(one.high)], [place, place], color=series(1).light, alpha=0.35, linewidth=7
            )
        style = "-" if one.verdict == "known" else ":"
        ax.plot([x, x], [place - _BAR * 0.7, place + _BAR * 0.7], style, color=series(1).light, linewidth=2)
        _label(
            ax, text, (x, place + _BAR * 0.7), (0, 2 + 12 * level), ha="center", va="bottom", color=INK.light
        )


def _label(
    ax: Axes, text: str, at: tuple[float, float], shift: tuple[int, int], *, ha: str, va: str, color: str
) -> None:
    ax.annotate(
        escape_text(text),
        at,
        xytext=shift,
        textcoords="offset points",
        ha=ha,
        va=va,
        fontsize="small",
        color=color,
        **halo(),
    )
