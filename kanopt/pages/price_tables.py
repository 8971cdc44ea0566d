"""The price of a plan as tables: by term, by group and by item, beside today's where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from kanopt.display import CellBar, Formatter, Grid, bar_lengths, change_table, number_form, table_of
from kanopt.pages.charts import named_rows
from kanopt.plans.differences import difference
from kanopt.plans.explanation import Explanation
from kanopt.plans.findings import GanttView, View
from kanopt.plans.plan_figures import Roster
from kanopt.plans.result import Result
from kanopt.questions.risks.risk import days_table
from kanopt.text import clock_text, fixed_text, money_decimals, percent_text

if TYPE_CHECKING:
    from kanopt.questions.risks.punctuality import Punctuality


# Tables of a plan: stops below their vehicle and flows below their lane; vehicles, jobs and sites; times.

_TIMES = ("departure", "arrival", "start", "arrive", "begin", "end")
_GROUPED = (
    ("vehicle", "index", "departure"),
    ("tail", "head", "mode"),
)  # columns that name what a row belongs to
_MOST_ACROSS = 12
_OF_MARKS = ("vehicle", "machine")
"""Rosters whose names stand in drawings as well."""
_MOST_TIMES = 16


def plan_table(result: Result, views: Sequence[View]) -> Grid | None:
    """Return the decisions of a plan, times as clocks where its views have them; None without any."""
    frame = result.to_frame()
    if frame.empty:
        return None
    clock = next((view.unit for view in views if isinstance(view, GanttView) and view.clock), "")
    forms = dict.fromkeys(_TIMES, clock_form(clock)) if clock else {}
    if len(frame) < 2:
        return table_of(frame, "Decisions", forms=forms)
    frame = _periods_across(frame)
    groups = _groups(frame)
    of = groups if "vehicle" in frame else tuple(map(str, frame.get("machine", ())))
    if groups:
        frame = frame.drop(columns=[name for keys in _GROUPED for name in keys if name in frame])
    same = [
        str(name)
        for name in frame.columns
        if frame[name].nunique(dropna=False) == 1 and frame[name].notna().all()
    ]
    values = {name: forms.get(name, str)(frame[name].iloc[0]) for name in same}
    values_text = ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in values.items()
        if value and not (name == "late" and not frame[name].any())
    )
    note = f"The same in every row: {values_text}." if values_text else ""
    table = table_of(frame.drop(columns=same), "Decisions", forms=forms, note=note)
    shown = len(table.rows)
    return replace(table, groups=groups[:shown], of=of[:shown])


def _periods_across(frame: pd.DataFrame) -> pd.DataFrame:
    """Give each period a column, where flows have few: a lane and product are then one row."""
    keys = ["tail", "head", "mode", "product"]
    if not {*keys, "period", "quantity"} <= {*frame.columns}:
        return frame
    periods = list(dict.fromkeys(frame["period"]))
    if not 1 < len(periods) <= _MOST_ACROSS or {*periods} & {*keys}:
        return frame
    wide: pd.DataFrame = frame.pivot_table(
        index=keys, columns="period", values="quantity", aggfunc="sum", sort=False
    )
    return wide[periods].reset_index()


def _groups(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return what the rows of a plan belong to, where they follow each other: a vehicle's tour, or a lane."""
    for keys in _GROUPED:
        if not {*keys} <= {*frame.columns}:
            continue
        rows = list(frame[[*keys]].itertuples(index=False))
        numbers: dict[str, set[Any]] = {}
        for row in rows:
            numbers.setdefault(str(row[0]), set()).add(row[1])
        names = [_group_name(row, alone=numbers[str(row[0])] == {1}) for row in rows]
        starts = sum(one != other for one, other in pairwise(names)) + 1
        return tuple(names) if starts == len({*names}) else ()
    return ()


def _group_name(row: Any, *, alone: bool) -> str:
    """Name what a row belongs to; a vehicle `alone` under a name that ends in a number, as ``Van 1``, has that name."""
    if hasattr(row, "tail"):
        return f"{row.tail} → {row.head}" + (f" ({row.mode})" if str(row.mode) else "")
    if pd.isna(row.index) or not str(row.vehicle):
        return "on no vehicle"
    return str(row.vehicle) if alone and str(row.vehicle)[-1:].isdigit() else f"{row.vehicle} {row.index}"


def clock_form(unit: str) -> Formatter:
    """Return how a column of times of day is written."""
    return lambda value: clock_text(float(value), unit)


def roster_table(roster: Roster) -> Grid:
    """Return a row for each vehicle, job, machine, site or market."""
    frame = roster.frame
    forms: dict[str, Formatter] = dict.fromkeys(roster.clocks, clock_form(roster.time))
    forms |= dict.fromkeys(roster.shares, lambda value: percent_text(float(value)))
    forms |= {name: number_form(money_decimals(frame[name].dropna())) for name in roster.money}
    table = table_of(frame, roster.caption, forms=forms)
    names = tuple(str(name) for name in frame.iloc[: len(table.rows), 0])
    return replace(table, of=names) if roster.key in _OF_MARKS else table


def times_table(known: Punctuality) -> Grid:
    """Return the stops or jobs that are least certain to be in time."""
    words = known.risk.words
    unit = "" if words.clock else f" ({words.unit})"
    heads = {"name": known.thing, "limit": f"by{unit}", "planned": f"planned{unit}"}
    heads |= {"share": "days in time", "late": "late in the plan"}
    columns = ["name", "limit", "planned", "q05", "q50", "q95", "share"]
    columns += ["late"] if known.frame["late"].any() else []
    caption = f"Least certain of {known.thing}s"
    return days_table(known.frame[columns].head(_MOST_TIMES), words, caption, heads)


def term_table(explanation: Explanation, today: Result | None) -> Grid:
    """Return the cost terms, which add up to the objective, with today's beside them."""
    result, frame = explanation.result, explanation.terms()
    unit, price = result.problem.unit, result.objective or 0.0
    note = "What is earned is a negative cost." if (frame["amount"] < 0).any() else ""
    if today is not None and today.pricing is not None and today.problem.unit == unit:
        change = difference(today, result).sort_values("after", ascending=False, kind="stable")
        words = {"before": "today", "after": "new plan", "change": "change"}
        table = change_table(change, f"Cost by term, today's plan and the new one ({unit})", words)
        return replace(table, note=note)
    decimals = money_decimals([*frame["amount"], price])
    rows = tuple(
        (str(row.term), fixed_text(row.amount, decimals), percent_text(row.share), CellBar(length))
        for row, length in zip(named_rows(frame), bar_lengths(frame["amount"].tolist()), strict=True)
    )
    total = ("total", fixed_text(price, decimals), percent_text(1.0) if price else "–", "")
    heads = ("term", unit or "amount", "share", "")
    caption = f"Cost by term ({unit})" if unit else "Cost by term"
    return Grid(heads, (False, True, True, False), rows, note, caption=caption, total=total)
