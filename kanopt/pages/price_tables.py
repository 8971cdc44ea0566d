"""The price of a plan as tables: by term, by group and by item, beside today's where there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from kanopt.display import CellBar, Grid
from kanopt.explain import Explanation, difference
from kanopt.pages.charts import named_rows
from kanopt.pages.first_page import MOST_ROWS, Formatter, bar_lengths, number_form, row_ids, table_of
from kanopt.pages.plan_why import group_ids, term_ids
from kanopt.plans.findings import GanttView, View
from kanopt.plans.plan_figures import Roster
from kanopt.plans.result import Result
from kanopt.text import clock_text, count_text, fixed_text, money_decimals, percent_text, sure_text

if TYPE_CHECKING:
    from kanopt.questions.risks.punctuality import Punctuality
    from kanopt.questions.risks.risk import DayRanges


# Tables of a plan: stops below their vehicle and flows below their lane; vehicles, jobs and sites; times.

_TIMES = ("departure", "arrival", "start", "arrive", "begin", "end")
_GROUPED = (
    ("vehicle", "index", "departure"),
    ("tail", "head", "mode"),
)  # columns that name what a row belongs to
_MOST_ACROSS = 12
_OF_MARKS = ("vehicle", "machine")
"""Rosters whose names stand in drawings as well."""
_QUANTILES = {"q05": "5 % quantile", "q50": "median", "q95": "95 % quantile", "error": "error of that (±)"}
_SHARES = ("share", "on_time", "promised", "error", "fill_rate")
_MOMENTS = ("limit", "latest", "planned", "q05", "q50", "q95")
_MOST_TIMES = 16


def plan_table(result: Result, views: Sequence[View]) -> Grid | None:
    """Return the decisions of a plan, times as clocks where its views have them; None without any."""
    frame = result.to_frame()
    if frame.empty:
        return None
    clock = next((view.unit for view in views if isinstance(view, GanttView) and view.clock), "")
    forms = dict.fromkeys(_TIMES, clock_form(clock)) if clock else {}
    ids = row_ids("decision", frame["decision"]) if "decision" in frame else ()
    if len(frame) < 2:
        return replace(table_of(frame, "Decisions", forms=forms), ids=ids)
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
    return replace(table, ids=ids[:shown], groups=groups[:shown], of=of[:shown])


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
    """Return a row for each vehicle, job, machine, site or market, with an id of its own."""
    frame = roster.frame
    forms: dict[str, Formatter] = dict.fromkeys(roster.clocks, clock_form(roster.time))
    forms |= dict.fromkeys(roster.shares, lambda value: percent_text(float(value)))
    forms |= {name: number_form(money_decimals(frame[name].dropna())) for name in roster.money}
    table = table_of(frame, roster.caption, forms=forms)
    names = tuple(str(name) for name in frame.iloc[: len(table.rows), 0])
    return replace(table, ids=row_ids(roster.key, names), of=names if roster.key in _OF_MARKS else ())


def days_table(
    frame: pd.DataFrame,
    ranges: DayRanges | None,
    caption: str,
    *,
    heads: Mapping[str, str] | None = None,
    most: int = MOST_ROWS,
) -> Grid:
    """Write what becomes of things on many days.

    Parameters
    ----------
    frame
        One row for each, with quantiles and shares.
    ranges
        Whether times among them are times of day; None where there are none.
    caption
        What it shows.
    heads
        Column to head, beyond those of quantiles and errors.
    most
        Rows beyond these are counted.
    """
    forms: dict[str, Formatter] = dict.fromkeys(_SHARES, lambda value: sure_text(float(value)))
    if ranges is not None and ranges.clock:
        forms |= dict.fromkeys(_MOMENTS, clock_form(ranges.unit))
    return table_of(frame, caption, heads={**_QUANTILES, **(heads or {})}, forms=forms, most=most)


def times_table(known: Punctuality) -> Grid:
    """Return the stops or jobs that are least certain to be in time."""
    ranges = replace(known.risk.ranges(), frame=known.frame)
    unit = "" if ranges.clock else f" ({ranges.unit})"
    heads = {"name": known.thing, "limit": f"by{unit}", "planned": f"planned{unit}"}
    heads |= {"share": "days in time", "late": "late in the plan"}
    columns = ["name", "limit", "planned", "q05", "q50", "q95", "share"]
    columns += ["late"] if known.frame["late"].any() else []
    caption = f"Least certain of {known.thing}s"
    table = days_table(known.frame[columns], ranges, caption, heads=heads, most=_MOST_TIMES)
    return replace(table, ids=row_ids("in-time", known.frame["name"].head(len(table.rows))))


_MOST_GROUPS = 80


def term_table(explanation: Explanation, today: Result | None) -> Grid:
    """Return the cost terms, which add up to the objective, with today's beside them."""
    table = _term_table(explanation, today)
    anchors = term_ids([row[0] for row in table.rows if isinstance(row[0], str)])
    table = replace(table, ids=tuple(anchors.values()), total_id="cost-total")
    earned = (explanation.terms()["amount"] < 0).any()
    return replace(table, note="What is earned is a negative cost.") if earned else table


def _term_table(explanation: Explanation, today: Result | None) -> Grid:
    result = explanation.result
    unit = result.problem.unit
    if today is not None and today.pricing is not None and today.problem.unit == unit:
        frame = difference(today, result).sort_values("after", ascending=False, kind="stable")
        caption = f"Cost by term, today's plan and the new one ({unit})"
        return change_table(frame, caption, {"before": "today", "after": "new plan", "change": "change"})
    frame = explanation.terms()
    decimals = money_decimals([*frame["amount"], result.objective or 0.0])
    rows = tuple(
        (str(row.term), fixed_text(row.amount, decimals), percent_text(row.share), CellBar(length))
        for row, length in zip(named_rows(frame), bar_lengths(frame["amount"].tolist()), strict=True)
    )
    total = (
        "total",
        fixed_text(result.objective or 0.0, decimals),
        percent_text(1.0) if result.objective else "–",
        "",
    )
    heads = ("term", unit or "amount", "share", "")
    caption = f"Cost by term ({unit})" if unit else "Cost by term"
    return Grid(heads, (False, True, True, False), rows, caption=caption, total=total)


def change_table(frame: pd.DataFrame, caption: str, heads: Mapping[str, str]) -> Grid:
    """Return the terms of two plans beside each other, with a pair of bars in each row.

    Parameters
    ----------
    frame
        Columns ``term``, ``before``, ``after`` and ``change``, and others that are parts of the change.
    caption
        What it shows.
    heads
        Column to head, in their order.
    """
    sums = frame[list(heads)].sum(min_count=1)
    decimals = money_decimals([*frame["before"], *frame["after"], sums["before"], sums["after"]])

    def cells(name: str, row: pd.Series[float]) -> tuple[str, ...]:
        told = [
            fixed_text(float(row[column]), decimals, signed=column not in ("before", "after"))
            for column in heads
        ]
        return (name, *told, _relative(row["before"], row["after"]))

    lengths = bar_lengths([*frame["before"], *frame["after"]])
    rows: tuple[tuple[str | CellBar, ...], ...] = tuple(
        (*cells(str(term), row), CellBar(lengths[len(frame) + place], lengths[place]))
        for place, (term, (_, row)) in enumerate(
            zip(frame["term"], frame[list(heads)].iterrows(), strict=True)
        )
    )
    numeric = (False, *(True for _ in heads), True, False)
    words = ("term", *heads.values(), "%", "")
    return Grid(words, numeric, rows, caption=caption, total=(*cells("total", sums), ""))


def group_table(explanation: Explanation) -> Grid | None:
    """Return one row per route, machine or lane and one column per term; None where there is one group."""
    frame = explanation.terms(by="group")
    if frame["group"].nunique() < 2:
        return None
    terms, unit = [str(term) for term in explanation.terms()["term"]], explanation.result.problem.unit
    wide = frame.pivot_table(index="group", columns="term", values="amount", aggfunc="sum", sort=False)
    wide = wide.reindex(columns=terms)
    sums = wide.sum(axis="columns")
    decimals = money_decimals([explanation.result.objective or 0.0, *sums])
    shown = wide[terms if len(terms) > 1 else []]

    def cells(name: str, amounts: pd.Series[float], total: float) -> tuple[str, ...]:
        told = ["" if pd.isna(each) else fixed_text(float(each), decimals) for each in amounts]
        return (name, *told, fixed_text(float(total), decimals))

    rows: tuple[tuple[str | CellBar, ...], ...] = tuple(
        (*cells(str(name) or "as a whole", amounts, total), CellBar(length))
        for (name, amounts), total, length in zip(
            shown.iterrows(), sums, bar_lengths(list(sums)), strict=True
        )
    )
    heads = ("group", *map(str, shown.columns), "total", "")
    numeric = tuple(0 < at < len(heads) - 1 for at in range(len(heads)))
    note = f"The first {_MOST_GROUPS:,} of {count_text(len(rows), 'row')}; the total is of all."
    return Grid(
        heads,
        numeric,
        rows[:_MOST_GROUPS],
        note if len(rows) > _MOST_GROUPS else "",
        caption=f"Cost by group ({unit})" if unit else "Cost by group",
        total=(*cells("total", shown.sum(), float(sums.sum())), ""),
        ids=tuple(group_ids([str(name) for name in wide.index]).values())[:_MOST_GROUPS],
    )


def _relative(old: float, new: float) -> str:
    return percent_text((new - old) / abs(old), signed=True) if old else "–"
