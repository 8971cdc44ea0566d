"""The page of many days: a strip of them, means with intervals, how many vehicles to own, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pandas as pd

from kanopt.display import Grid, KeyFigure, Link
from kanopt.pages.canvas import axes_or_new, escape_text, pixels, style_axes
from kanopt.pages.charts import draw_legend, patches
from kanopt.pages.palette import ALARM, series
from kanopt.pages.question_page import Question, answer_table, asked, in_unit, question_chart, warnings_of
from kanopt.questions.days import Days, page_of
from kanopt.questions.days_figures import SURE, interval_text
from kanopt.questions.days_points import DRIVEN, IN_TIME, PLANNED, REMARKS, VARIANT
from kanopt.text import count_text, money_text, sure_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEIGHT = 260
_LABEL = 80.0
"""Pixels that the name of a day takes below the strip."""
_DOTS = {DRIVEN: series(1).light, VARIANT: series(2).light}


def plot_days(found: Days, ax: Axes | None = None) -> Axes:
    """Draw what each day costs: a bar as it is planned, red where something is not in order, and dots of other plans.

    Parameters
    ----------
    found
        From :func:`kanopt.plan_days`.
    ax
        Where to draw; a new figure if None.
    """
    ax = axes_or_new(ax, 680, _HEIGHT)
    wrong = {str(day) for rows in found.faults().values() for day in rows["day"]}
    days = [day.name for day in found.question.days]
    costs = {plan: found.rows_of(plan)["cost"].reindex(days) for plan in found.plans}
    looks = {PLANNED: series(0).light} | {plan: _DOTS[plan] for plan in costs if plan in _DOTS}
    bars = ax.bar(range(len(days)), costs.pop(PLANNED).fillna(0.0), color=looks[PLANNED], width=0.8)
    for day, bar in zip(days, bars, strict=True):
        if day in wrong:
            bar.set_color(ALARM.light)
    for plan, values in costs.items():
        ax.plot(range(len(days)), values, "o", color=looks[plan], markersize=3)
    return _strip(ax, days, looks | ({"not in order": ALARM.light} if wrong else {}))


def _plot_vehicles(found: Days, ax: Axes) -> Axes:
    """Draw how many vehicles of each type every day needs."""
    days = [day.name for day in found.question.days]
    planned, below, looks = found.rows_of(PLANNED).reindex(days), np.zeros(len(days)), {}
    for number, one in enumerate(found.vehicles):
        used = planned.get(f"{one.name} used", pd.Series(0.0, days)).fillna(0.0).to_numpy(float)
        looks[one.name] = series(number).light
        ax.bar(range(len(days)), used, bottom=below, color=looks[one.name], width=0.8)
        below += used
    return _strip(ax, days, looks)


def _strip(ax: Axes, days: list[str], looks: Mapping[str, str]) -> Axes:
    """Name the looks, and below the strip as many days as there is room for."""
    style_axes(ax)
    draw_legend(ax, patches(looks))
    chosen = range(0, len(days), max(1, round(len(days) * _LABEL / pixels(ax)[0])))
    ax.set_xticks(list(chosen), [escape_text(days[each]) for each in chosen])
    ax.set_xlim(-0.6, len(days) - 0.4)
    return ax


def days_question(found: Days) -> Question:
    """Collect what the page of many days says."""
    cost = in_unit("What each day costs", found.unit)
    charts = (
        question_chart(lambda ax: plot_days(found, ax), cost, _HEIGHT),
        question_chart(
            lambda ax: _plot_vehicles(found, ax), "How many vehicles each day needs", _HEIGHT - 60
        ),
    )
    sentences, plans = found.sentences(), count_text(len(found.question.points), "plan")
    return asked(
        found,
        "days",
        f"{count_text(len(found.question.days), 'day')} of orders",
        answer=sentences[:3],
        lines=sentences[3:],
        figures=tuple(_figures(found)),
        sure=(
            f"Intervals hold the mean of all days like these in {round(100 * SURE)} of 100 cases, if days are drawn "
            "alike and each by itself; differences are paired by day.",
        ),
        notices=warnings_of(found, len(found.results), plans, found.cautions()),
        charts=charts,
        tables=tuple(_tables(found)),
    )


def _figures(found: Days) -> Iterator[KeyFigure]:
    for plan in found.plans:
        cost, share = found.mean(plan, "cost"), found.mean(plan, IN_TIME)
        if cost.days:
            told = f"{count_text(cost.days, 'day')}, in time on {sure_text(share.mean)} of such"
            yield KeyFigure(f"a day {plan}", money_text(cost.mean), found.unit, told)
    if (verdict := found.acceptance) is not None:
        more = interval_text(verdict.change, signed=True)
        yield KeyFigure("the variant", verdict.word, "", f"{more} {found.unit} a day" if more else "")


def _tables(found: Days) -> Iterator[Grid]:
    yield answer_table(found, "intervals", found.intervals, "Means of a day, with what surely holds them")
    if len(found.fleet):
        frame = found.fleet if found.hire else found.fleet.drop(columns=["cost", "best"])
        heads = {
            "needed": "days that need so many",
            "low": "at least",
            "high": "at most",
            "overflow": "days of hiring",
        }
        heads |= {"hired": "hired a day", "cost": "cost a day", "break_even": "pays from hiring at"}
        yield answer_table(
            found, "fleet", frame, in_unit("How many vehicles to own", found.unit), heads=heads
        )
    frame = found.frame.drop(columns=["error", "day spread", "bias error", REMARKS], errors="ignore")
    grid = answer_table(
        found, "days", frame, in_unit("The days", found.unit), heads={"effect": "longer than the law"}
    )
    known = set(found.rows_of(PLANNED).index) if found.folder else set()
    pages = ((quote(f"{found.folder}/{page_of(str(row[0]))}"), row) for row in grid.rows)
    rows = tuple((Link(str(row[0]), page), *row[1:]) if row[0] in known else row for page, row in pages)
    yield replace(grid, rows=rows)
