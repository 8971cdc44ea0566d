"""Charts of rows: costs, swings of inputs, places that tip, risks, plans under draws."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from kanopt.errors import ProblemError, nearest
from kanopt.explain.differences import price_by_level
from kanopt.pages.charts import (
    ALARM,
    DIGIT,
    FAINT,
    INK,
    MUTED,
    Row,
    axes_or_new,
    draw_legend,
    draw_rows,
    escape_text,
    halo,
    name_rows,
    named_rows,
    patches,
    pixels,
    series,
    set_y_title,
    style_axes,
    write,
)
from kanopt.questions.axes import value_text
from kanopt.text import (
    amount_text,
    count_text,
    fixed_text,
    money_decimals,
    money_text,
    number_text,
    percent_text,
    sure_text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kanopt.plans.result import Result
    from kanopt.questions import MonteCarlo, SwitchPoints, Tornado
    from kanopt.questions.review import Review
    from kanopt.questions.risks.risk import DayRanges, Risk
    from kanopt.questions.switch_points import AxisSwitches

_PATH, _BAR = 84, 0.3
"""Pixels of a path with switch points, and the share of its height that is a bar."""
_MOST, _FEWEST = 25, 5
_BINS = 40
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
    whole, objective, unit = _costs(result, by), result.objective or 0.0, result.problem.unit
    table = whole.loc[whole.index.isin(whole.sum(axis=1).abs().nlargest(_MOST).index)]
    totals, looks = table.sum(axis=1), [series(place) for place in range(len(table.columns))]
    decimals, shared = (
        money_decimals([*totals, objective]),
        by == "term" and objective and not (table < 0).any(axis=None),
    )
    rows = []
    for name, amounts in zip(table.index, table.to_numpy(float), strict=True):
        # what costs to the right, what is earned to the left, each on those before it
        bars = []
        for part in (np.maximum(amounts, 0.0), np.minimum(amounts, 0.0)):
            ends = np.cumsum(part)
            bars += [
                (end - size, end, look) for end, size, look in zip(ends, part, looks, strict=True) if size
            ]
        total = float(amounts.sum())
        told = fixed_text(total, decimals) + (f" ({percent_text(total / objective)})" if shared else "")
        end = (
            max((high for _, high, _ in bars), default=0.0)
            if total >= 0
            else min(high for _, high, _ in bars)
        )
        rows.append(Row(str(name) or "the plan as a whole", bars=bars, texts=[(end, told, INK)]))
    rest = len(whole) - len(table)
    more = f"; {count_text(rest, 'smaller one')} not drawn" if rest else ""
    title = f"{_with_unit('cost', unit)} (all together {money_text(objective, unit)}{more})"
    ax = draw_rows(ax, rows, title, zero=MUTED, room=0.22)
    if len(looks) > 1:
        draw_legend(
            ax, patches({str(term): look.light for term, look in zip(table.columns, looks, strict=True)})
        )
    return ax


def _with_unit(word: str, unit: str) -> str:
    return f"{word}, {unit}" if unit else word


def _costs(result: Result, by: Literal["term", "group"]) -> pd.DataFrame:
    """Return amounts: a row for each bar, a column for each term of which it is made."""
    frame = price_by_level(result, by)
    if by == "term":
        return frame.set_index("term")[["amount"]]
    terms = price_by_level(result)["term"]
    wide = frame.pivot_table(index="group", columns="term", values="amount", aggfunc="sum", sort=False)
    return wide.reindex(columns=list(terms)).fillna(0.0)


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
    rows = []
    for row in named_rows(tornado.frame):
        ends = [(row.low_effect, row.low, series(0)), (row.high_effect, row.high, series(1))]
        ends = [each for each in ends if not np.isnan(each[0])]
        kept = (row.kept_low, row.kept_high) if tornado.anew else ()
        line = (min(0.0, *kept), max(0.0, *kept)) if kept and np.isfinite(kept).all() else None
        reach = [(max if effect >= 0 else min)([effect, *(line or ())]) for effect, *_ in ends]
        rows.append(
            Row(
                str(row.path),
                bars=[(0.0, effect, colour) for effect, _, colour in ends],
                line=line,
                texts=[
                    (at, value_text(value), colour)
                    for at, (_, value, colour) in zip(reach, ends, strict=True)
                ],
            )
        )
    base = money_text(tornado.base.objective or 0.0, tornado.unit)
    line_told = "; line: the plan that is kept" if tornado.anew else ""
    title = f"change of the price, {tornado.unit} (as it is: {base}{line_told})"
    return draw_rows(ax, rows, title, zero=MUTED, room=0.15)


def plot_review(found: Review, ax: Axes | None = None) -> Axes:
    """Draw what each part did to the price of a day, with the interval of those that are estimated.

    Parameters
    ----------
    found
        From :func:`kanopt.review`.
    ax
        Where to draw; a new figure if None.
    """
    decimals = money_decimals(found.parts["money"])
    rows = [
        Row(
            str(name),
            bars=[(0.0, part["money"], series(0))],
            line=(part["money low"], part["money high"]) if part["money high"] > part["money low"] else None,
            texts=[
                (
                    max(part["money"], part["money high"], 0.0),
                    fixed_text(part["money"], decimals, signed=True),
                    INK,
                )
            ],
        )
        for name, part in found.parts.iterrows()
    ]
    title = f"change of the price, {found.unit}; line: where it lies in nine of ten cases"
    return draw_rows(ax, rows, title, zero=MUTED, room=0.15)


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
    axes = [axis for axis in found.axes if len(axis.points)]
    for place, axis in enumerate(axes):
        _draw_range(ax, axis, place)
    name_rows(ax, [axis.axis.label for axis in axes], "", grid="").set_xticks([])
    ax.set_xlim(-0.03, 1.03)
    ax.set_ylim(len(axes) - 0.4, -0.7)
    ax.spines["bottom"].set_visible(False)
    return ax


def switch_height(found: SwitchPoints) -> int:
    """Return the preferred height of the picture, in pixels."""
    return 20 + _PATH * max(len(found.axes), 1)


def _draw_range(ax: Axes, axis: AxisSwitches, place: int) -> None:
    solved = axis.points["value"]
    low, high = float(solved.min()), float(solved.max())

    def at(value: float) -> float:
        return min(max((value - low) / ((high - low) or 1.0), 0.0), 1.0)

    edges = [0.0, *(at(one.value) for one in axis.switches), 1.0]
    for part, (start, end) in enumerate(itertools.pairwise(edges)):
        look = {"color": FAINT.light} if part % 2 == 0 else {"color": series(0).light, "alpha": 0.35}
        ax.barh(place, end - start, left=start, height=_BAR, **look)
    ax.plot([at(value) for value in solved], [place] * len(solved), "|", color=MUTED.light, markersize=5)
    below = place + _BAR / 2
    write(ax, number_text(low), (0.0, below), MUTED, (0, -3), ha="left", va="top", **halo())
    write(ax, amount_text(high, axis.unit), (1.0, below), MUTED, (0, -3), ha="right", va="top", **halo())
    level, behind = 0, -1.0
    for one in axis.switches:
        x, text = at(one.value), number_text(one.value)
        half = 0.5 * (DIGIT * len(text) + 4) / (pixels(ax)[0] * 0.75)
        level = (level + 1) % 3 if x - half < behind else 0
        behind = x + half
        ax.plot([at(one.low), at(one.high)], [place, place], color=series(1).light, alpha=0.35, linewidth=7)
        style = "-" if one.verdict == "known" else ":"
        reach = [place - _BAR * 0.7, place + _BAR * 0.7]
        ax.plot([x, x], reach, style, color=series(1).light, linewidth=2)
        write(ax, text, (x, reach[0]), INK, (0, 2 + 12 * level), ha="center", va="bottom", **halo())


def plot_ranges(risk: Risk, ax: Axes | None = None) -> Axes:
    """Draw where things lie on 90 % of the days against their limits, the least certain on top.

    Zero is the limit; a dot is the median, a tick what was planned. The share of days on which the limit holds stands
    at the right.

    Parameters
    ----------
    risk
        From :func:`kanopt.risk`.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    ProblemError
        If nothing has a limit.
    """
    ranges = risk.ranges()
    if ranges.frame.empty:
        raise ProblemError(
            "nothing of this plan has a limit to be drawn against; plot_costs() draws its costs"
        )
    rows = [
        Row(
            row.name,
            spread=(row.q05 - row.limit, row.q95 - row.limit),
            dot=row.q50 - row.limit,
            tick=row.planned - row.limit,
            beside=sure_text(row.share),
            alarming=row.share < 0.5,
        )
        for row in named_rows(shown_ranges(ranges))
    ]
    title = f"{ranges.title}, {ranges.unit} (bar: 90 % {risk.of_all}, tick: planned)"
    return draw_rows(ax, rows, title, zero=ALARM, room=0.05)


def shown_ranges(ranges: DayRanges) -> pd.DataFrame:
    """Return the rows that are drawn: those that are not sure, the least certain first, and a few more."""
    frame = ranges.frame
    tight = frame.assign(_room=frame["limit"] - frame["q95"])
    frame = tight.sort_values(["share", "_room"], kind="stable").drop(columns="_room")
    unsure = int((frame["share"] < 1.0).sum())
    return frame.head(min(max(unsure, _FEWEST), _MOST))


def plot_plans(found: MonteCarlo, ax: Axes | None = None) -> Axes:
    """Draw what each plan costs in 90 % of the draws, with its mean and the mean of its worst tenth.

    Parameters
    ----------
    found
        From :func:`kanopt.monte_carlo`.
    ax
        Where to draw; a new figure if None.
    """
    rows = [
        Row(
            row.plan,
            spread=(row.q05, row.q95),
            dot=row.mean,
            tick=row.worst,
            colour=series(0 if row.plan == "kept" else 2),
            beside=f"fails {percent_text(row.fails)}",
            alarming=row.fails > 0.0,
        )
        for row in named_rows(found.plans)
    ]
    title = f"{_with_unit('paid', found.unit)} (bar: 90 % of the draws, dot: mean, tick: worst tenth, dotted: as it is)"
    ax = draw_rows(ax, rows, title)
    ax.axvline(found.base.rank.objective, color=MUTED.light, linewidth=0.9, linestyle=":")
    return ax


def plot_day_costs(risk: Risk, ax: Axes | None = None) -> Axes:
    """Draw how often a day costs how much, with what was planned, the mean, and the dear end.

    Parameters
    ----------
    risk
        From :func:`kanopt.risk`.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 680, 260)
    # a few very dear days would leave one bar for all others
    low, high = np.quantile(risk.cost, [0.002, 0.998])
    span = (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)
    bins = min(_BINS, max(10, risk.draws // 25))
    counts, edges = np.histogram(np.clip(risk.cost, *span), bins=bins, range=span)
    heights = counts / risk.draws
    ax.bar(edges[:-1], heights, width=np.diff(edges), align="edge", color=series(0).light, alpha=0.45)
    marks = (
        ("planned", float(risk.assessment.pricing.objective), MUTED),
        ("mean", float(risk.cost.mean()), INK),
        ("95 % at most", risk.cost_quantile(0.95), series(1)),
        ("dearest 5 %", risk.cvar(), ALARM),
    )
    for level, (name, value, colour) in enumerate(marks):
        at, height = float(np.clip(value, *span)), float(heights.max()) * (1.45 - 0.11 * level)
        ax.plot([at, at], [0.0, height], color=colour.light, linewidth=1.3)
        text = f"{name} {money_text(value)}"
        is_left = (span[1] - at) / (span[1] - span[0]) * pixels(ax)[0] < DIGIT * len(text)
        shift, side = (-4, "right") if is_left else (4, "left")
        write(ax, text, (at, height), colour, (shift, -1), va="top", ha=side, **halo())
    ax.set_ylim(0.0, 1.5 * float(heights.max()))
    style_axes(ax)
    ax.yaxis.set_major_formatter(lambda value, _: percent_text(value))
    ax.set_xlabel(escape_text(_with_unit("cost", risk.assessment.problem.unit)))
    set_y_title(ax, f"share {risk.of_all}; the outermost bars hold all beyond")
    return ax
