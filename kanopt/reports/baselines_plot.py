"""The errors of several models on the same folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.reports.canvas import axes_or_new, escape_text, set_x_title, style_axes
from kanopt.reports.palette import MUTED, series
from kanopt.text import number_text, with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.surrogates.baseline_table import Baselines

_ROW = 34


def plot_baselines(found: Baselines, ax: Axes | None = None) -> Axes:
    """Draw the root mean square error of every model as a dot, that of least error on top.

    Small dots beside it are the folds. The KAN and its formula have a colour of their own. The mean, which is far away,
    is told below the axis; models without figures are not drawn.

    Parameters
    ----------
    found
        From :func:`kanopt.baselines`.
    ax
        Where to draw; a new figure if None.
    """
    frame = found.frame[found.frame["rmse"].notna()].iloc[::-1]
    known = frame[frame["model"] != "mean"]
    ax = axes_or_new(ax, 560, 90 + _ROW * max(len(known), 1))
    ours = ("KAN", "formula")
    for place, (name, mean) in enumerate(zip(known["model"], known["rmse"], strict=True)):
        colour = series(0 if name in ours else 1).light
        folds = found.per_fold.loc[found.per_fold["model"] == name, "rmse"]
        ax.plot([folds.min(), folds.max()], [place, place], color=MUTED.light, linewidth=0.8)
        ax.plot(folds, [place] * len(folds), ".", color=colour, markersize=4, alpha=0.6)
        ax.plot(mean, place, "o", color=colour, markersize=8)
    ax.set_yticks(range(len(known)), [escape_text(name) for name in known["model"]])
    ax.set_ylim(-0.6, len(known) - 0.4)
    ax.set_xlim(left=0.0)
    told = "".join(f"; of the mean {number_text(value)}" for value in frame["rmse"][frame["model"] == "mean"])
    set_x_title(ax, f"held-out root mean square error, {with_unit(found.target, found.unit)}{told}")
    return style_axes(ax, grid="x")
