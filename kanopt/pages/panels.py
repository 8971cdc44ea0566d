"""Pictures of several panels: a law along each of its inputs, and what each column of a model does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.errors import FitError, FormulaError, nearest
from kanopt.pages.canvas import escape_text, panels_or_new, set_y_title, style_axes
from kanopt.pages.charts import draw_bars, draw_lines
from kanopt.pages.law_plots import Value, plot_formula, plottable_inputs
from kanopt.pages.palette import MUTED
from kanopt.text import shorten, with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.formulas import Formula
    from kanopt.surrogates.summary import Effects

_PANEL = (340.0, 280.0)


def plot_law(
    formula: Formula, along: str = "", ax: Any = None, *, at: Mapping[str, Value] | None = None
) -> Any:
    """Draw a law along one of its inputs, or along each of them in a panel of its own.

    Parameters
    ----------
    formula, along, at
        As for :func:`kanopt.pages.plot_formula`; every input that has a range or categories if `along` is empty.
    ax
        One axes for one panel, an array of them for several; a new figure if None.

    Returns
    -------
    matplotlib.axes.Axes or ndarray of them
        The axes for one panel, an array of them for several.

    Raises
    ------
    FormulaError
        If `along` is not an input, or no range is known.
    PlotError
        If what is given is no axes, or too few of them.
    """
    names = [along] if along else plottable_inputs(formula)
    if not names:
        raise FormulaError(
            f"the law {formula.output.name!r} cannot be drawn: none of its inputs has a range or categories; declare "
            "them, Variable(…, low=0, high=80)"
        )
    panels = panels_or_new(ax, names, _PANEL, "inputs")
    for name, panel in zip(names, panels, strict=True):
        plot_formula(formula, panel, along=name, at=at)
    return _alone_or_all(panels)


def plot_effects(effects: Effects, column: str = "", ax: Any = None) -> Any:
    """Draw what each column does to the prediction: a line over numbers, bars over categories.

    All panels share the vertical scale, so that a column that does little is seen to.

    Parameters
    ----------
    effects
        From ``model.effects()``.
    column
        The one to draw; each in a panel of its own if empty.
    ax
        One axes for one panel, an array of them for several; a new figure if None.

    Returns
    -------
    matplotlib.axes.Axes or ndarray of them
        The axes for one panel, an array of them for several.

    Raises
    ------
    FitError
        If there is no such column, or none at all.
    PlotError
        If what is given is no axes, or too few of them.
    """
    known = list(effects.units)
    if not known:
        raise FitError(f"no column has an effect on {effects.target!r}: there is nothing to draw")
    if column and column not in known:
        raise FitError(f"effects: no column {column!r}; {nearest(column, known)}")
    names = [column] if column else known
    panels = panels_or_new(ax, names, _PANEL, "columns")
    low, high = effects.frame["effect"].min(), effects.frame["effect"].max()
    room = 0.06 * ((high - low) or 1.0)
    for name, panel in zip(names, panels, strict=True):
        rows = effects.frame[effects.frame["feature"] == name]
        effect, title = rows["effect"].to_numpy(float), f"effect on {effects.target}"
        if name in effects.categories:
            draw_bars(panel, [str(value) for value in rows["value"]], effect, title, named=shorten(name, 40))
            panel.set_xlim(low - room, high + room)
            continue
        panel.axhline(0, color=MUTED.light, linewidth=0.8)
        draw_lines(panel, rows["value"].to_numpy(float), {title: effect})
        panel.set_xlabel(escape_text(with_unit(shorten(name, 40), effects.units[name])))
        style_axes(panel)
        set_y_title(panel, title)
        panel.set_ylim(low - room, high + room)
    return _alone_or_all(panels)


def _alone_or_all(panels: list[Axes]) -> Any:
    return panels[0] if len(panels) == 1 else np.array(panels, dtype=object)
