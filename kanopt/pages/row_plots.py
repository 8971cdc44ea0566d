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
    axes_or_new,
    draw_legend,
    draw_spread,
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
    write_beside,
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
    from kanopt.questions.risks.risk import DayRanges, Risk
    from kanopt.questions.switch_points import AxisSwitches

_ROW, _SPREAD, _PATH = 32, 24, 84
"""Pixels of a row of bars, of one of spreads, and of a path with switch points."""
_BAR = 0.3  # of the height of a path
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
    ax = axes_or_new(ax, 680, 90 + _ROW * max(len(table), 1))
    several = len(table.columns) > 1
    looks = {str(term): series(place).light for place, term in enumerate(table.columns)}
    for up in (True, False):  # what costs to the right, what is earned to the left, each on those before it
        parts = table.clip(lower=0.0) if up else table.clip(upper=0.0)
        starts = parts.cumsum(axis=1) - parts
        for term in table.columns[(parts != 0).any()]:
            ax.barh(range(len(table)), parts[term], left=starts[term], height=0.62, color=looks[str(term)])
    totals = table.sum(axis=1)
    decimals = money_decimals([*totals, objective])
    shared = by == "term" and bool((table >= 0).all(axis=None)) and objective
    for place, total in enumerate(totals):
        low, high = table.iloc[place].clip(upper=0.0).sum(), table.iloc[place].clip(lower=0.0).sum()
        earned = high == 0.0 and low < 0.0
        told = f"{fixed_text(total, decimals)}" + (f" ({percent_text(total / objective)})" if shared else "")
        end, side = (low, "right") if earned else (high, "left")
        write(ax, told, (end, place), INK, (-5 if earned else 5, 0), ha=side)
    ax.axvline(0, color=MUTED.light, linewidth=0.8)
    ax.margins(x=0.22)
    rest = len(whole) - len(table)
    more = f"; {count_text(rest, 'smaller one')} not drawn" if rest else ""
    head = f"cost, {unit}" if unit else "cost"
    names = [str(name) or "the plan as a whole" for name in table.index]
    name_rows(ax, names, f"{head} (all together {money_text(objective, unit)}{more})", fewest=2)
    draw_legend(ax, patches(looks) if several else ())
    return ax


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
    frame = tornado.frame
    ax = axes_or_new(ax, 680, tornado_height(tornado))
    for place, row in enumerate(named_rows(frame)):
        ends = ((row.low_effect, row.kept_low, row.low, 0), (row.high_effect, row.kept_high, row.high, 1))
        for effect, kept, value, colour in ends:
            if np.isnan(effect):
                continue
            ax.barh(place, effect, height=0.6, color=series(colour).light)
            reach = np.nanmax([effect, kept]) if effect > 0 else np.nanmin([effect, kept])
            outward = effect > 0 or (effect == 0 and colour == 1)
            shift, side = (5, "left") if outward else (-5, "right")
            write(ax, value_text(value), (reach, place), series(colour), (shift, 0), ha=side)
        if tornado.anew:
            for effect in (row.kept_low, row.kept_high):
                ax.plot([0, effect], [place, place], color=MUTED.light, linewidth=1.2)
    ax.axvline(0, color=MUTED.light, linewidth=0.8)
    ax.margins(x=0.15)
    base = money_text(tornado.base.objective or 0.0, tornado.unit)
    line = "; line: the plan that is kept" if tornado.anew else ""
    return name_rows(ax, list(frame["path"]), f"change of the price, {tornado.unit} (as it is: {base}{line})")


def tornado_height(tornado: Tornado) -> int:
    """Return the preferred height of the picture, in pixels."""
    return 90 + _ROW * len(tornado.frame)


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
    for place, axis in enumerate(rows):
        _draw_range(ax, axis, place)
    ax.set_xlim(-0.03, 1.03)
    name_rows(ax, [axis.axis.label for axis in rows], "", grid="")
    ax.set_ylim(len(rows) - 0.4, -0.7)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    return ax


def switch_height(found: SwitchPoints) -> int:
    """Return the preferred height of the picture, in pixels."""
    return 20 + _PATH * max(len(found.axes), 1)


def _draw_range(ax: Axes, axis: AxisSwitches, place: int) -> None:
    low, high = float(axis.points["value"].min()), float(axis.points["value"].max())

    def at(value: float) -> float:
        return min(max((value - low) / ((high - low) or 1.0), 0.0), 1.0)

    edges = [0.0, *(at(one.value) for one in axis.switches), 1.0]
    for part, (start, end) in enumerate(itertools.pairwise(edges)):
        look = {"color": FAINT.light} if part % 2 == 0 else {"color": series(0).light, "alpha": 0.35}
        ax.barh(place, end - start, left=start, height=_BAR, **look)
    solved = [at(value) for value in axis.points["value"]]
    ax.plot(solved, [place] * len(solved), "|", color=MUTED.light, markersize=5)
    below = place + _BAR / 2
    write(ax, number_text(low), (0.0, below), MUTED, (0, -3), ha="left", va="top", **halo())
    write(ax, amount_text(high, axis.unit), (1.0, below), MUTED, (0, -3), ha="right", va="top", **halo())
    room, level, end = pixels(ax)[0] * 0.75, 0, -1.0
    for one in axis.switches:
        x, text = at(one.value), number_text(one.value)
        half = 0.5 * (DIGIT * len(text) + 4) / room
        level = (level + 1) % 3 if x - half < end else 0
        end = x + half
        if one.high > one.low:
            stretch = [at(one.low), at(one.high)]
            ax.plot(stretch, [place, place], color=series(1).light, alpha=0.35, linewidth=7)
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
    frame = shown_ranges(ranges)
    ax = axes_or_new(ax, 680, ranges_height(ranges))
    ax.axvline(0.0, color=ALARM.light, linewidth=1.0)
    for place, row in enumerate(named_rows(frame)):
        low, middle, high, planned = (value - row.limit for value in (row.q05, row.q50, row.q95, row.planned))
        draw_spread(ax, place, (low, high), middle, planned, series(0))
        write_beside(ax, place, sure_text(row.share), ALARM if row.share < 0.5 else INK)
    ax.margins(x=0.05)
    title = f"{ranges.title}, {ranges.unit} (bar: 90 % {risk.of_all}, tick: planned)"
    return name_rows(ax, list(frame["name"]), title)


def shown_ranges(ranges: DayRanges) -> pd.DataFrame:
    """Return the rows that are drawn: those that are not sure, the least certain first, and a few more."""
    frame = ranges.frame
    tight = frame.assign(_room=frame["limit"] - frame["q95"])
    frame = tight.sort_values(["share", "_room"], kind="stable").drop(columns="_room")
    unsure = int((frame["share"] < 1.0).sum())
    return frame.head(min(max(unsure, _FEWEST), _MOST))


def ranges_height(ranges: DayRanges) -> int:
    """Return the preferred height of the picture of ranges, in pixels."""
    return 60 + _SPREAD * len(shown_ranges(ranges))


def plot_plans(found: MonteCarlo, ax: Axes | None = None) -> Axes:
    """Draw what each plan costs in 90 % of the draws, with its mean and the mean of its worst tenth.

    Parameters
    ----------
    found
        From :func:`kanopt.monte_carlo`.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 680, plans_height(found))
    for place, row in enumerate(named_rows(found.plans)):
        draw_spread(
            ax, place, (row.q05, row.q95), row.mean, row.worst, series(0 if row.plan == "kept" else 2)
        )
        write_beside(ax, place, f"fails {percent_text(row.fails)}", ALARM if row.fails > 0.0 else MUTED)
    ax.axvline(found.base.rank.objective, color=MUTED.light, linewidth=0.9, linestyle=":")
    unit = f", {found.unit}" if found.unit else ""
    title = f"paid{unit} (bar: 90 % of the draws, dot: mean, tick: worst tenth, dotted: as it is)"
    return name_rows(ax, list(found.plans["plan"]), title)


def plans_height(found: MonteCarlo) -> int:
    """Return the preferred height of the picture of plans, in pixels."""
    return 70 + _SPREAD * len(found.names)


def plot_decisions(found: MonteCarlo, ax: Axes | None = None) -> Axes:
    """Draw in which share of the draws the cheapest plan decides as the one that is kept, the least certain on top.

    Parameters
    ----------
    found
        From :func:`kanopt.monte_carlo`.
    ax
        Where to draw; a new figure if None.
    """
    frame = found.decisions.head(_MOST)
    ax = axes_or_new(ax, 680, decisions_height(found))
    for place, row in enumerate(named_rows(frame)):
        ax.barh(place, row.keeps, height=0.6, color=series(0).light, alpha=0.45)
        ends = np.clip([row.keeps - 2.0 * row.error, row.keeps + 2.0 * row.error], 0.0, 1.0)
        ax.plot(ends, [place, place], color=MUTED.light, linewidth=1.2)
    names = [f"{thing}: {choice}" for thing, choice in zip(frame["thing"], frame["choice"], strict=True)]
    title = "share of the draws in which the cheapest plan decides so (line: ± two errors)"
    name_rows(ax, names, title)
    ax.set_xlim(0.0, 1.0)
    ax.xaxis.set_major_formatter(lambda value, _: percent_text(value))
    return ax


def decisions_height(found: MonteCarlo) -> int:
    """Return the preferred height of the picture of decisions, in pixels."""
    return 70 + _SPREAD * min(len(found.decisions), _MOST)


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
    cost, unit = risk.cost, risk.assessment.problem.unit
    # a few very dear days would leave one bar for all others
    low, high = np.quantile(cost, [0.002, 0.998])
    span = (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)
    counts, edges = np.histogram(np.clip(cost, *span), bins=min(_BINS, max(10, risk.draws // 25)), range=span)
    heights = counts / risk.draws
    ax.bar(edges[:-1], heights, width=np.diff(edges), align="edge", color=series(0).light, alpha=0.45)
    marks = (
        ("planned", float(risk.assessment.pricing.objective), MUTED, ":"),
        ("mean", float(cost.mean()), INK, "-"),
        ("95 % at most", risk.cost_quantile(0.95), series(1), "-"),
        ("dearest 5 %", risk.cvar(), ALARM, "-"),
    )
    places = [float(np.clip(value, *span)) for _, value, *_ in marks]
    room = [(span[1] - at) / (span[1] - span[0]) * pixels(ax)[0] for at in places]
    left = [room[k] < DIGIT * (len(name) + 10) for k, (name, *_) in enumerate(marks)]
    # a label at the right ends above lower lines, one at the left above all of them
    order = sorted(range(len(marks)), key=lambda k: (not left[k], -k if left[k] else k))
    for level, k in enumerate(order):
        (name, value, colour, style), at = marks[k], places[k]
        height = float(heights.max()) * (1.45 - 0.11 * level)
        ax.plot([at, at], [0.0, height], style, color=colour.light, linewidth=1.3)
        shift, side = (-4, "right") if left[k] else (4, "left")
        text = f"{name} {money_text(value)}"
        write(ax, text, (at, height), colour, (shift, -1), va="top", ha=side, **halo())
    ax.set_ylim(0.0, 1.5 * float(heights.max()))
    style_axes(ax)
    ax.yaxis.set_major_formatter(lambda value, _: percent_text(value))
    ax.set_xlabel(escape_text(f"cost, {unit}" if unit else "cost"))
    set_y_title(ax, f"share {risk.of_all}; the outermost bars hold all beyond")
    return ax
