"""The price of a plan as bars: one for each term, or one for each route, machine or lane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from kanopt.errors import ProblemError, nearest
from kanopt.explain.explanation import price_by_level
from kanopt.reports.canvas import axes_or_new, escape_text, name_letters, set_x_title, style_axes
from kanopt.reports.palette import INK, MUTED, series
from kanopt.text import (
    count_text,
    fixed_text,
    money_decimals,
    money_text,
    percent_text,
    shorten,
    shorten_middle,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from kanopt.problems.result import Result

_ROW = 30
_HEIGHT = 0.62
_MOST = 25
_BY = ("term", "group")


def plot_costs(result: Result, ax: Axes | None = None, *, by: Literal["term", "group"] = "term") -> Axes:
    """Draw the price of a plan as horizontal bars, which add up to its objective.

    Terms stand from the dearest down, with their share where nothing is earned; what is goes to the left. Groups, such
    as routes, keep the order of the plan and are made of the terms; of very many the dearest are drawn and the others
    counted.

    Parameters
    ----------
    result
        A result with a plan.
    ax
        Where to draw; a new figure if None.
    by
        ``"term"`` or ``"group"``.

    Raises
    ------
    ProblemError
        If there is no plan, or no such level.
    """
    if result.pricing is None:
        raise ProblemError(f"there is no plan to draw ({result.status.value}); explain(result) says why")
    if by not in _BY:
        raise ProblemError(f"by={by!r}: costs are drawn by 'term' or by 'group'; {nearest(str(by), _BY)}")
    table = _table(result, by)
    ax = axes_or_new(ax, 680, 90 + _ROW * max(min(len(table), _MOST), 1))
    rest = len(table) - _MOST
    if rest > 0:
        dearest = table.sum(axis=1).abs().nlargest(_MOST).index
        table = table.loc[table.index.isin(dearest)]
    _draw(ax, table, several=by == "group")
    _write(ax, table, result.objective or 0.0, share=by == "term" and bool((table >= 0).all(axis=None)))
    letters = name_letters(ax)
    names = [escape_text(shorten_middle(str(name) or "the plan as a whole", letters)) for name in table.index]
    ax.set_yticks(range(len(table)), names)
    ax.set_ylim(max(len(table), 2) - 0.4, -0.6)
    ax.axvline(0, color=MUTED.light, linewidth=0.8)
    ax.margins(x=0.22)
    unit = result.problem.unit
    told = f"; {count_text(rest, 'smaller one')} not drawn" if rest > 0 else ""
    total = f"all together {money_text(result.objective or 0.0, unit)}{told}"
    set_x_title(ax, f"cost, {unit} ({total})" if unit else f"cost ({total})")
    if by == "group" and len(table.columns) > 1:
        _legend(ax, [str(name) for name in table.columns])
    return style_axes(ax, grid="x")


def _table(result: Result, by: Literal["term", "group"]) -> pd.DataFrame:
    """Return amounts: a row for each bar, a column for each term of which it is made."""
    frame = price_by_level(result, by)
    if by == "term":
        return frame.set_index("term")[["amount"]]
    terms = price_by_level(result)["term"]
    wide = frame.pivot_table(index="group", columns="term", values="amount", aggfunc="sum", sort=False)
    return wide.reindex(columns=list(terms)).fillna(0.0)


def _draw(ax: Axes, table: pd.DataFrame, *, several: bool) -> None:
    """Draw the bars, what costs to the right and what is earned to the left, each on those before it."""
    places = np.arange(len(table))
    ends = {True: np.zeros(len(table)), False: np.zeros(len(table))}
    for index, term in enumerate(table.columns):
        amounts = table[term].to_numpy(float)
        start = np.where(amounts >= 0, ends[True], ends[False])
        ax.barh(
            places,
            amounts,
            left=start,
            height=_HEIGHT,
            color=series(index if several else 0).light,
            label=str(term),
        )
        for up in (True, False):
            ends[up] = ends[up] + np.where((amounts >= 0) == up, amounts, 0.0)


def _write(ax: Axes, table: pd.DataFrame, objective: float, *, share: bool) -> None:
    """Write at the end of each bar what it comes to."""
    totals = table.sum(axis=1)
    decimals = money_decimals([*totals, objective])
    left, right = table.clip(upper=0.0).sum(axis=1), table.clip(lower=0.0).sum(axis=1)
    for place, (low, high, total) in enumerate(zip(left, right, totals, strict=True)):
        of_all = f" ({percent_text(total / objective)})" if share and objective else ""
        earned = high == 0.0 and low < 0.0
        ax.annotate(
            f"{fixed_text(total, decimals)}{of_all}",
            (low if earned else high, place),
            xytext=(-5 if earned else 5, 0),
            textcoords="offset points",
            ha="right" if earned else "left",
            va="center",
            fontsize="small",
            color=INK.light,
        )


def _legend(ax: Axes, terms: list[str]) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=series(index).light, label=escape_text(shorten(term, 20)))
        for index, term in enumerate(terms)
    ]
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=min(len(handles), 5),
        frameon=False,
        fontsize="small",
        labelcolor=MUTED.light,
        handlelength=0.9,
        handleheight=0.9,
        borderaxespad=0.2,
        columnspacing=1.1,
    )
