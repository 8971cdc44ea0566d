"""Charts of rows: costs, swings of inputs, places that tip, risks, plans under draws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kanopt.errors import ProblemError
from kanopt.pages.charts import (
    ALARM,
    DIGIT,
    FAINT,
    INK,
    MUTED,
    PAPER,
    SERIES,
    Row,
    axes_or_new,
    draw_cells,
    draw_legend,
    draw_lines,
    draw_rows,
    escape_text,
    halo,
    is_number,
    name_ends,
    name_rows,
    name_values,
    named_rows,
    patches,
    pixels,
    series,
    set_x_title,
    set_y_title,
    shade,
    style_axes,
    write,
)
from kanopt.plans.differences import price_by_level
from kanopt.plans.findings import Status
from kanopt.plans.result import Result
from kanopt.questions import MonteCarlo, Sweep, SwitchPoints, Tornado
from kanopt.questions.axes import Axis, value_text
from kanopt.questions.days import DRIVEN, PLANNED, VARIANT, Days
from kanopt.questions.question import unit_of_axis
from kanopt.questions.review import Review
from kanopt.questions.risk import Risk
from kanopt.questions.switch_points import SwitchPoint
from kanopt.scenarios import Scenario
from kanopt.text import (
    amount_text,
    column_decimals,
    fixed_text,
    money_decimals,
    money_text,
    number_text,
    percent_text,
    shorten_middle,
    sure_text,
    with_unit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PATH, _BAR = 84, 0.3
"""Pixels of a path with switch points, and the share of its height that is a bar."""
_MOST, _FEWEST = 25, 5
_BINS = 40


def plot_costs(result: Result, ax: Axes | None = None) -> Axes:
    """Draw the price of a plan as horizontal bars, which add up to its objective.

    Terms stand from the dearest down, with their share where nothing is earned; what is goes to the left.

    Parameters
    ----------
    result
        A result with a plan.
    ax
        Where to draw; a new figure if None.

    Raises
    ------
    ProblemError
        If there is no plan.
    """
    if result.pricing is None:
        raise ProblemError(f"there is no plan to draw ({result.status.value}); explain(result) says why")
    frame, objective, unit = price_by_level(result), result.objective or 0.0, result.problem.unit
    amounts = frame["amount"].to_numpy(float)
    decimals, shared = money_decimals([*amounts, objective]), objective and not (amounts < 0).any()
    rows = []
    for name, amount in zip(frame["term"], amounts, strict=True):
        told = fixed_text(amount, decimals) + (f" ({percent_text(amount / objective)})" if shared else "")
        rows.append(Row(str(name), bars=[(0.0, amount, series(0))], texts=[(amount, told, INK)]))
    title = f"{_with_unit('cost', unit)} (all together {money_text(objective, unit)})"
    return draw_rows(ax, rows, title, zero=MUTED, room=0.22)


def _with_unit(word: str, unit: str) -> str:
    return f"{word}, {unit}" if unit else word


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
    ax = axes_or_new(ax, 680, 20 + _PATH * max(len(found.units), 1))
    paths = [(str(path), rows) for path, rows in found.points.groupby("path", sort=False)["value"]]
    for place, (path, solved) in enumerate(paths):
        _draw_range(
            ax, solved, [one for one in found.switches if one.path == path], found.units[path][0], place
        )
    name_rows(ax, [path for path, _ in paths], "", grid="").set_xticks([])
    ax.set_xlim(-0.03, 1.03)
    ax.set_ylim(len(paths) - 0.4, -0.7)
    ax.spines["bottom"].set_visible(False)
    return ax


def _draw_range(
    ax: Axes, solved: pd.Series[float], switches: Sequence[SwitchPoint], unit: str, place: int
) -> None:
    low, high = float(solved.min()), float(solved.max())

    def at(value: float) -> float:
        return min(max((value - low) / ((high - low) or 1.0), 0.0), 1.0)

    edges = [0.0, *(at(one.value) for one in switches), 1.0]
    for part, (start, end) in enumerate(itertools.pairwise(edges)):
        look = {"color": FAINT.light} if part % 2 == 0 else {"color": series(0).light, "alpha": 0.35}
        ax.barh(place, end - start, left=start, height=_BAR, **look)
    ax.plot([at(value) for value in solved], [place] * len(solved), "|", color=MUTED.light, markersize=5)
    below = place + _BAR / 2
    write(ax, number_text(low), (0.0, below), MUTED, (0, -3), ha="left", va="top", **halo())
    write(ax, amount_text(high, unit), (1.0, below), MUTED, (0, -3), ha="right", va="top", **halo())
    level, behind = 0, -1.0
    for one in switches:
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
    ranges, words = shown_ranges(risk), risk.words
    if ranges.empty:
        raise ProblemError(
            "nothing of this plan has a limit to be drawn against; plot_costs() draws its costs"
        )
    rows = [
        Row(
            row.name,
            spread=(row.q05 - row.limit, row.q95 - row.limit),
            dot=row.q50 - row.limit,
            tick=row.planned - row.limit,
            beside=sure_text(row.on_time),
            alarming=row.on_time < 0.5,
        )
        for row in named_rows(ranges)
    ]
    title = f"{words.beyond}, {words.unit} (bar: 90 % {risk.of_all}, tick: planned)"
    return draw_rows(ax, rows, title, zero=ALARM, room=0.05, pitch=24)


def shown_ranges(risk: Risk) -> pd.DataFrame:
    """Return the rows that are drawn: those that are not sure, the least certain first, and a few more."""
    frame = risk.frame.assign(room=risk.frame["limit"] - risk.frame["q95"])[risk.has_limit]
    unsure = int((frame["on_time"] < 1.0).sum())
    return frame.sort_values(["on_time", "room"], kind="stable").head(min(max(unsure, _FEWEST), _MOST))


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
    ax = draw_rows(ax, rows, title, pitch=24)
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
    ax = axes_or_new(ax, 680, 280)
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


# Sweeps: a line where one thing varies, and cells where two do.

_BROKEN = frozenset({str(Status.INFEASIBLE), str(Status.PARTIAL), str(Status.NO_PLAN), ""})
_DOTS = 60
"""Points that are marked on a line, at most."""
_MOST_POINTS = 1_000
"""Points that are drawn, at most."""
_MOST_NUMBERS = 400
"""Cells with a number in them, at most."""
_CELL, _ROW = 30.0, 32
_TALLEST = 480


def plot_sweep(sweep: Sweep, ax: Axes | None = None) -> Axes:
    """Draw the prices of a sweep.

    One number that varies is a line: of the plans made anew with the noise of their searches, and of the plan that is
    kept. Two things that vary are cells. Else the prices stand in the order of the points.

    Parameters
    ----------
    sweep
        From :func:`kanopt.sweep`.
    ax
        Where to draw; a new figure if None.
    """
    frame, labels = sweep.points, [axis.label for axis in sweep.axes]
    if len(labels) == 2 and len(frame) == math.prod(frame[label].nunique() for label in labels):
        height = min(max(90 + _CELL * frame[labels[1]].nunique(), 200), _TALLEST)
        ax = axes_or_new(ax, 680, height)
        _plot_cells(sweep, ax)
    else:
        ax = axes_or_new(ax, 680, 320)
        _plot_line(sweep, ax)
    return ax


def axis_title(scenario: Scenario, axis: Axis, most: int = 60) -> str:
    """Return what an axis varies, with its unit."""
    return with_unit(shorten_middle(axis.label, most), unit_of_axis(scenario, axis))


def _does_as_much(sweep: Sweep, frame: pd.DataFrame) -> pd.Series[bool]:
    """Say at which points the plan serves what must be served, and keeps rules, as that of the scenario does.

    Prices are drawn there, also where more or less is wanted than as it is, as where demands vary.
    """
    rank = sweep.base.rank
    same = (frame["unserved"] == rank.unserved) & (frame["violations"] == rank.violations)
    found: pd.Series[bool] = same & frame["objective"].notna()
    return found


def _plot_line(sweep: Sweep, ax: Axes) -> None:
    """Draw prices over one number, or point by point over anything else."""
    axis, several = sweep.axes[0], len(sweep.axes) > 1
    numeric = not several and is_number(sweep.points[axis.label])
    frame = _thinned(sweep.points.sort_values(axis.label) if numeric else sweep.points)
    x = frame[axis.label].to_numpy(float) if numeric else np.arange(len(frame), dtype=float)
    price, noise = frame["objective"].to_numpy(float), frame["noise"].to_numpy(float)
    unlike = ~_does_as_much(sweep, frame).to_numpy()
    best = np.where(unlike, np.nan, price)
    lines = {"planned anew" if sweep.anew else "the same plan": best}
    if sweep.anew and numeric:
        lines["the plan as it is"] = (
            frame["kept_objective"].where(~frame["kept_status"].isin(_BROKEN)).to_numpy(float)
        )
        ax.fill_between(x, best - noise, best + noise, color=series(0).light, alpha=0.15, linewidth=0)
    look = {"marker": "o" if len(x) <= _DOTS or not numeric else "", "markersize": 3.5}
    draw_lines(ax, x, lines, linestyle="-" if numeric else "", **look)
    if np.any(unlike & np.isfinite(price)):
        ax.plot(x[unlike], price[unlike], "x", color=ALARM.light, markersize=6, label="not like with like")
    if (base := sweep.base.objective) is not None:
        ax.axhline(base, color=MUTED.light, linewidth=0.9, linestyle=":")
        place = {"xycoords": ("axes fraction", "data"), "va": "bottom"}
        write(ax, f"as it is {money_text(base)}", (0.0, base), MUTED, (3, 3), **place, **halo())
    style_axes(ax)
    ax.margins(y=0.12)
    if numeric:
        finite = {name: values[np.isfinite(values)] for name, values in lines.items()}
        name_ends(
            ax, float(x[-1]), {name: float(values[-1]) for name, values in finite.items() if len(values)}
        )
    elif not several:
        name_values(ax, "x", [value_text(value) for value in frame[axis.label]])
    set_x_title(ax, "number of the point, as in the table" if several else axis_title(sweep.scenario, axis))
    title = f"price, {sweep.unit}" if sweep.unit else "price"
    set_y_title(ax, f"{title}{'; band: noise of the searches' if np.any(noise > 0) else ''}")


def _thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows, evenly chosen where there are more than a picture shows."""
    return rows.iloc[:: 1 + len(rows) // _MOST_POINTS]


def _plot_cells(sweep: Sweep, ax: Axes) -> None:
    across, up = sweep.axes
    frame = sweep.points
    shown, (columns, rows) = frame, (_values(frame[axis.label]) for axis in (across, up))
    is_like = _does_as_much(sweep, shown)
    places = [
        (columns.index(column), rows.index(row))
        for column, row in zip(shown[across.label], shown[up.label], strict=True)
    ]
    changes = shown["change"].where(is_like).to_numpy(float)
    widest = float(np.nanmax(np.abs(changes))) if np.isfinite(changes).any() else 0.0
    looks = [
        shade(0.0 if math.isnan(each) else abs(each) / (widest or 1.0), SERIES[1 if each > 0 else 2])
        for each in changes
    ]
    draw_cells(ax, [*map(value_text, columns)], [*map(value_text, rows)], places, looks)
    texts = _cell_texts(shown["objective"].where(is_like).to_numpy(float))
    room = pixels(ax)[0] / max(len(columns), 1)
    fits = len(texts) <= _MOST_NUMBERS and max(map(len, texts), default=0) * DIGIT < room
    for at, text in zip(places, texts, strict=True) if fits else ():
        write(ax, text, at, ha="center")
    unlike = f"; {'–' if fits else 'grey'}: no price that compares" if np.isnan(changes).any() else ""
    set_x_title(ax, f"{axis_title(sweep.scenario, across)}{unlike}")
    set_y_title(ax, f"{axis_title(sweep.scenario, up, max(int(pixels(ax)[0] / DIGIT) - 36, 12))} ↑")
    # which colour means what: two words at the right, the later one first
    for place, (word, colour) in enumerate((("dearer", SERIES[1]), ("cheaper than as it is", SERIES[2]))):
        above = {"xycoords": "axes fraction", "ha": "right", "va": "bottom"}
        write(ax, word, (1.0, 1.0), colour, (-50 * place, 7), **above)


def _values(column: pd.Series[Any]) -> list[Any]:
    """Return the values of an axis in order."""
    values = column.drop_duplicates()
    return list(values.sort_values() if is_number(column) else values)


def _cell_texts(prices: np.ndarray) -> list[str]:
    finite = prices[np.isfinite(prices)]
    spread = float(np.ptp(finite)) if len(finite) else 0.0
    decimals = 0 if spread >= 20 else min(column_decimals(finite), 2)
    return ["–" if math.isnan(price) else fixed_text(price, decimals) for price in prices]


# Many days: a strip of them.

_LABEL = 80.0
"""Pixels that the name of a day takes below the strip."""
_DAY_DOTS = {DRIVEN: series(1).light, VARIANT: series(2).light}


def plot_days(found: Days, ax: Axes | None = None) -> Axes:
    """Draw what each day costs: a bar as it is planned, red where something is not in order, and dots of other plans.

    Parameters
    ----------
    found
        From :func:`kanopt.plan_days`.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 680, 260)
    wrong = {str(day) for rows in found.faults().values() for day in rows["day"]}
    days = [day.name for day in found.question.days]
    costs = {plan: found.rows_of(plan)["cost"].reindex(days) for plan in found.plans}
    looks = {PLANNED: series(0).light} | {plan: _DAY_DOTS[plan] for plan in costs if plan in _DAY_DOTS}
    bars = ax.bar(
        range(len(days)), costs.pop(PLANNED).fillna(0.0), color=looks[PLANNED], width=0.8, alpha=0.5
    )
    for day, bar in zip(days, bars, strict=True):
        if day in wrong:
            bar.set_color(ALARM.light)
    for plan, values in costs.items():
        look: dict[str, Any] = {"markersize": 5, "markeredgecolor": PAPER.light, "markeredgewidth": 0.6}
        ax.plot(range(len(days)), values, "o", color=looks[plan], **look)
    style_axes(ax).tick_params(axis="x", pad=7)  # below the zero at the left
    draw_legend(ax, patches(looks | ({"not in order": ALARM.light} if wrong else {})))
    chosen = range(0, len(days), max(1, round(len(days) * _LABEL / pixels(ax)[0])))
    ax.set_xticks(list(chosen), [escape_text(days[each]) for each in chosen])
    ax.set_xlim(-0.6, len(days) - 0.4)
    return ax
