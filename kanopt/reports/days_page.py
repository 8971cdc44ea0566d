"""The page of many days: a strip of them, means with intervals, how many vehicles to own, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from kanopt.display import Grid, KeyFigure, Link
from kanopt.reports.blocks import number_form, table_of, tone_of
from kanopt.reports.canvas import axes_or_new, escape_text, pixels, style_axes
from kanopt.reports.charts import draw_legend, patches
from kanopt.reports.palette import ALARM, FAINT, series
from kanopt.reports.question_page import Question, answer_table, asked, in_unit, question_chart, warnings_of
from kanopt.text import count_text, fixed_text, money_text, percent_text, sure_text
from kanopt.whatif.days import Days, page_of
from kanopt.whatif.days_figures import SURE, interval_text
from kanopt.whatif.days_points import AS_IT_WAS, DRIVEN, PLANNED, VARIANT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT = 260
_LABEL = 80.0
"""Pixels that the name of a day takes below the strip."""
_LOOKS = {DRIVEN: series(1).light, VARIANT: series(2).light}


def plot_days(found: Days, ax: Axes | None = None) -> Axes:
    """Draw what each day costs: a bar as it is planned, red where something is not in order, and dots of other plans.

    Parameters
    ----------
    found
        From :func:`kanopt.plan_days`.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 680, HEIGHT)
    costs = found.frame.pivot_table(index="day", columns="plan", values="cost", sort=False, dropna=False)
    costs = costs.reindex([day.name for day in found.question.days])
    faulty = found.faulty()
    colours = [ALARM.light if name in faulty else series(0).light for name in costs.index]
    place = np.arange(len(costs))
    ax.bar(place, costs.get(PLANNED, pd.Series(np.nan, costs.index)).fillna(0.0), color=colours, width=0.8)
    for plan, colour in _LOOKS.items():
        if plan in costs:
            ax.plot(place, costs[plan], "o", color=colour, markersize=4 if len(costs) < 60 else 2.5)
    shown = {PLANNED: series(0).light} | {plan: look for plan, look in _LOOKS.items() if plan in costs}
    draw_legend(ax, patches(shown | ({"left out or late": ALARM.light} if faulty else {})))
    return _strip(ax, list(map(str, costs.index)))


def _plot_fleet(found: Days, ax: Axes) -> Axes:
    """Draw how many vehicles of each type every day needs."""
    frame = found.frame[found.frame["plan"] == PLANNED].set_index("day")
    frame = frame.reindex([day.name for day in found.question.days])
    place, below, looks = np.arange(len(frame)), np.zeros(len(frame)), {}
    for number, name in enumerate(found.types):
        used = frame.get(f"{name} used", pd.Series(0.0, frame.index)).fillna(0.0).to_numpy(float)
        looks[name] = series(number).light
        ax.bar(place, used, bottom=below, color=looks[name], width=0.8)
        below += used
    draw_legend(ax, patches(looks))
    return _strip(ax, list(map(str, frame.index)))


def _strip(ax: Axes, names: list[str]) -> Axes:
    """Write the names of some days below the strip, as far as there is room."""
    style_axes(ax)
    step = max(1, round(len(names) * _LABEL / pixels(ax)[0]))
    chosen = range(0, len(names), step)
    ax.set_xticks(list(chosen), [escape_text(names[each]) for each in chosen])
    ax.set_xlim(-0.6, len(names) - 0.4)
    return ax


def days_question(found: Days) -> Question:
    """Collect what the page of many days says."""
    charts = (
        question_chart(lambda ax: plot_days(found, ax), in_unit("What each day costs", found.unit), HEIGHT),
        question_chart(lambda ax: _plot_fleet(found, ax), "How many vehicles each day needs", HEIGHT - 60),
    )
    days, sentences, has_some = len(found.question.days), found.sentences(), bool(found.results)
    return asked(
        found,
        "days",
        f"{count_text(days, 'day')} of orders",
        answer=sentences[:3],
        lines=sentences[3:],
        figures=tuple(_figures(found)),
        sure=(
            f"Intervals hold the mean of all days like these in {round(100 * SURE)} of 100 cases, if days are drawn alike "
            "and each by itself; differences are paired by day.",
        ),
        notices=warnings_of(found, len(found.results), count_text(len(found.question.points), "plan"), found.cautions()),
        charts=charts if has_some else (),
        tables=tuple(_tables(found)) if has_some else (),
    )


def _figures(found: Days) -> Iterator[KeyFigure]:
    for plan in found.plans:
        cost, share = found.mean(plan, "cost"), found.mean(plan, "in time")
        if cost.days:
            tone = ""
            if plan != PLANNED:
                change = found.mean(f"{plan} − {PLANNED}", "cost")
                tone = tone_of(change.mean if change.low > 0.0 or change.high < 0.0 else 0.0)
            note = f"{interval_text(cost)}; in time on {sure_text(share.mean)} of days".removeprefix("; ")
            yield KeyFigure(f"a day {plan}", money_text(cost.mean), found.unit, note, tone)
    if (verdict := found.acceptance) is not None:
        note = f"e-value {fixed_text(min(verdict.evidence, 9999.0), 1)}; 20 decide"
        yield KeyFigure("variant", verdict.word, "", note)


def _tables(found: Days) -> Iterator[Grid]:
    yield _intervals(found)
    if len(found.fleet):
        heads = {
            "needed": "days that need so many", "low": "at least", "high": "at most", "overflow": "days on which some are hired",
            "hired": "hired a day", "cost": in_unit("cost a day", found.unit),
            "break_even": in_unit("pays from a price of hiring of", found.unit), "best": "best",
        }  # fmt: skip
        frame = found.fleet if found.hire else found.fleet.drop(columns=["best"])
        yield answer_table(found, "fleet", frame, "How many vehicles to own", heads=heads)
    frame = found.frame.drop(columns=["effect error", "day spread", "bias error"], errors="ignore")
    grid = answer_table(found, "days", frame, in_unit("The days", found.unit), heads={"effect": "longer than the law"})
    if not found.folder:
        yield grid
        return
    pages = {name: f"{found.folder}/{page_of(name)}" for name in found.planned_days()}
    rows = tuple((Link(str(row[0]), pages[row[0]]) if row[0] in pages else row[0], *row[1:]) for row in grid.rows)
    yield replace(grid, rows=rows)


def _intervals(found: Days) -> Grid:
    """Write the means, one row for each plan, and their intervals below each other."""
    frame = found.intervals
    texts: list[dict[str, Any]] = []
    for plan, rows in frame.groupby("plan", sort=False):
        told: dict[str, Any] = {"plan": plan, "days": int(rows["days"].max())}
        for row in rows.to_dict("records"):
            is_share = row["measure"] in ("in time", "was in time")
            form = percent_text if is_share else number_form(2)
            ends = "" if math.isnan(row["low"]) else f" ({form(row['low'])} to {form(row['high'])})"
            told[row["measure"]] = "" if math.isnan(row["mean"]) else f"{form(row['mean'])}{ends}"
        texts.append(told)
    units = found.prepared.problem.units
    heads = {"cost": in_unit("cost", found.unit), "distance": in_unit("distance", units.distance), AS_IT_WAS: in_unit(AS_IT_WAS, found.unit)}
    return table_of(pd.DataFrame(texts).fillna(""), "Means of a day, with their intervals", heads=heads)
