"""The tables of a plan, with times as time of day beside those in the problem's unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from kanopt.csv_cells import csv_text
from kanopt.pages.figure_rows import figure_rows, figure_table
from kanopt.pages.subject import ReportSubject
from kanopt.plans.plan_figures import Roster
from kanopt.plans.result import Result
from kanopt.plans.views import GanttView
from kanopt.text import clock_text

_ROSTERS = ("vehicles", "jobs", "machines", "sites", "markets")
TABLES = ("figures", *_ROSTERS, "plan", "timetable", "open_sites", "costs", "reasons")
"""Every table there may be, in their order."""
_CLOCKS = ("departure", "leave", "arrive", "begin", "start", "end")
_SPANS = ("late", "breaks")


def plan_tables(subject: ReportSubject, *, in_units: bool = True) -> dict[str, pd.DataFrame]:
    """Return the tables of a plan that say something, by name.

    Parameters
    ----------
    subject
        What is exported.
    in_units
        Whether times of day stand in the problem's unit as well.

    Returns
    -------
    dict
        ``figures`` as the first page has them; ``vehicles``, ``jobs``, ``machines``, ``sites`` or ``markets`` with what
        becomes of each; ``plan`` as :meth:`kanopt.Result.to_frame` has it, ``timetable`` of vehicles, ``open_sites`` of
        networks, ``costs`` line by line, and ``reasons`` why things are left out or late.
    """
    why = subject.explanation
    result = why.result
    found = {"plan": result.to_frame()}
    timed = {"figures": figures_frame(subject)}
    if result.assessment is not None:
        found |= result.assessment.details()
        for roster in result.assessment.rosters():
            timed[f"{roster.key}s"] = _roster_frame(roster)
    unit, clock = _time_of(result)
    for name, frame in found.items():
        timed[name] = _with_times(frame, unit, _CLOCKS if clock else (), in_units=in_units)
    unit = result.problem.unit
    costs = why.terms("item").drop(columns="share")
    timed["costs"] = costs.rename(columns={"amount": f"amount ({unit})" if unit else "amount"})
    timed["reasons"] = why.reasons()
    return {name: timed[name] for name in TABLES if name in timed and len(timed[name])}


def plan_forms(subject: ReportSubject) -> dict[str, str]:
    """Return what numbers of the tables are, by column: money, shares, and times of day."""
    known = subject.explanation.result.assessment
    rosters = () if known is None else known.rosters()
    found = dict.fromkeys(_CLOCKS, "clock")
    for roster in rosters:
        found |= dict.fromkeys(roster.clocks, "clock") | dict.fromkeys(roster.shares, "share")
        found |= dict.fromkeys(roster.money, "money")
    return found


def figures_frame(subject: ReportSubject) -> pd.DataFrame:
    """Return the figures of the first page, as it writes them; empty without a plan."""
    table = figure_table(figure_rows(subject))
    if table is None:
        return pd.DataFrame()
    return pd.DataFrame(list(table.rows), columns=list(table.heads))


def _roster_frame(roster: Roster) -> pd.DataFrame:
    """Return a roster with its numbers as they are, and times as time of day too."""
    named = roster.frame.rename(columns={"": "verdict"})
    return _with_times(named, roster.time, roster.clocks, in_units=True)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return tasks by machine and in order of their start; other tables as they are."""
    keys = [name for name in frame.columns if str(name).startswith(("machine", "start ("))]
    return frame.sort_values(keys, kind="stable") if "machine" in keys else frame


def plan_csv(subject: ReportSubject, *, commas: bool = False) -> Mapping[str, str]:
    """Return the tables as CSV in which no text is a formula to a spreadsheet, by file name."""
    return {f"{name}.csv": csv_text(frame, commas=commas) for name, frame in plan_tables(subject).items()}


def _time_of(result: Result) -> tuple[str, bool]:
    """Return the unit of times in a plan, empty where there are none, and whether zero is midnight."""
    views = () if result.assessment is None else result.assessment.views()
    for view in views:
        if isinstance(view, GanttView):
            return view.unit, view.clock
    return "", False


def _with_times(frame: pd.DataFrame, unit: str, clocks: Sequence[str], *, in_units: bool) -> pd.DataFrame:
    """Return a frame with a column of times of day before each column of clock times, whose head gets the unit.

    So do the heads of other columns of times.
    """
    if not unit:
        return frame
    columns: dict[str, pd.Series[str] | pd.Series[float]] = {}
    for name in map(str, frame.columns):
        if name in clocks:
            columns[name] = frame[name].map(lambda value: clock_text(value, unit) if pd.notna(value) else "")
            if not in_units:
                continue
        timed = name in clocks or name in _CLOCKS or name in _SPANS
        columns[f"{name} ({unit})" if timed else name] = frame[name]
    return pd.DataFrame(columns, index=frame.index)
