"""The rows of a plan as a table: stops below their vehicle, flows below their lane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pandas as pd

from kanopt.problems.result import Result
from kanopt.problems.views import GanttView, View
from kanopt.reports.page_parts import PageTable, row_ids, table_of
from kanopt.text import clock_text

_TIMES = ("departure", "arrival", "start", "arrive", "begin", "end")
_GROUPED = (
    ("vehicle", "index", "departure"),
    ("tail", "head", "mode"),
)  # columns that name what a row belongs to
_MOST_ACROSS = 12


def plan_table(result: Result, views: Sequence[View]) -> PageTable | None:
    """Return the decisions of a plan, times as clocks where its views have them; None without any."""
    frame = result.to_frame()
    if frame.empty:
        return None
    clock = next((view.unit for view in views if isinstance(view, GanttView) and view.clock), "")
    forms = {name: lambda value: clock_text(float(value), clock) for name in _TIMES} if clock else {}
    ids = row_ids("decision", [str(name) for name in frame["decision"]]) if "decision" in frame else ()
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
    notes = [f"The same in every row: {values_text}."] if values_text else []
    rest = frame.drop(columns=same)
    if {"arrive", "begin"} <= {*rest.columns} and rest["arrive"].equals(rest["begin"]):
        rest = rest.drop(columns="arrive")
        notes.append("Nobody waits: service begins on arrival.")
    table = table_of(rest, "Decisions", forms=forms, note=" ".join(notes))
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
