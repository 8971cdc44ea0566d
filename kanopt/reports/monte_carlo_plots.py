"""Pictures of plans under many draws: what each costs, and which decisions last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.reports.canvas import axes_or_new, escape_text, name_letters, named_rows, set_x_title, style_axes
from kanopt.reports.palette import ALARM, INK, MUTED, series
from kanopt.text import percent_text, shorten_middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.whatif import MonteCarlo

_ROW = 26
_MOST = 20


def plot_plans(found: MonteCarlo, ax: Axes | None = None) -> Axes:
    """Draw what each plan costs in 90 % of the draws, with its mean and the mean of its worst tenth.

    Parameters
    ----------
    found
        From :func:`kanopt.monte_carlo`.
    ax
        Where to draw; a new figure if None.
    """
    frame = found.plans.iloc[::-1].reset_index(drop=True)
    ax = axes_or_new(ax, 680, plans_height(found))
    for place, row in enumerate(named_rows(frame)):
        colour = series(0 if row.plan == "kept" else 2).light
        ax.plot([row.q05, row.q95], [place, place], color=colour, linewidth=3.5, solid_capstyle="butt")
        ax.plot([row.mean], [place], "o", color=colour, markersize=5)
        ax.plot([row.worst], [place], "|", color=INK.light, markersize=11)
        ax.annotate(
            f"fails {percent_text(row.fails)}",
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
            color=(ALARM if row.fails > 0.0 else MUTED).light,
            annotation_clip=False,
        )
    ax.axvline(found.base.rank.objective, color=MUTED.light, linewidth=0.9, linestyle=":")
    ax.set_yticks(range(len(frame)), [escape_text(name) for name in frame["plan"]])
    ax.set_ylim(-0.7, len(frame) - 0.3)
    unit = f", {found.unit}" if found.unit else ""
    set_x_title(ax, f"paid{unit} (bar: 90 % of the draws, dot: mean, tick: worst tenth, dotted: as it is)")
    return style_axes(ax, grid="x")


def plans_height(found: MonteCarlo) -> int:
    """Return the preferred height of the picture of plans, in pixels."""
    return 70 + _ROW * len(found.names)


def plot_decisions(found: MonteCarlo, ax: Axes | None = None) -> Axes:
    """Draw in which share of the draws the cheapest plan decides as the one that is kept, the least certain on top.

    Parameters
    ----------
    found
        From :func:`kanopt.monte_carlo`.
    ax
        Where to draw; a new figure if None.
    """
    frame = found.decisions.head(_MOST).iloc[::-1].reset_index(drop=True)
    ax = axes_or_new(ax, 680, decisions_height(found))
    for place, row in enumerate(named_rows(frame)):
        ax.barh(place, row.keeps, height=0.6, color=series(0).light, alpha=0.45)
        ends = [max(row.keeps - 2.0 * row.error, 0.0), min(row.keeps + 2.0 * row.error, 1.0)]
        ax.plot(ends, [place, place], color=MUTED.light, linewidth=1.2)
    letters = name_letters(ax)
    names = [f"{thing}: {choice}" for thing, choice in zip(frame["thing"], frame["choice"], strict=True)]
    ax.set_yticks(range(len(frame)), [escape_text(shorten_middle(name, letters)) for name in names])
    ax.set_xlim(0.0, 1.0)
    ax.xaxis.set_major_formatter(lambda value, _: percent_text(value))
    set_x_title(ax, "share of the draws in which the cheapest plan decides so (line: ± two errors)")
    return style_axes(ax, grid="x")


def decisions_height(found: MonteCarlo) -> int:
    """Return the preferred height of the picture of decisions, in pixels."""
    return 70 + _ROW * min(len(found.decisions), _MOST)
