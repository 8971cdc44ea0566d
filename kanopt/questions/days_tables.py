"""Orders of many days and what was driven on them, read into days; what cannot be used is named and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from kanopt.errors import nearest
from kanopt.faults import said
from kanopt.questions.axes import refused
from kanopt.scenarios.files.columns import field_defaults
from kanopt.tables import read_table, units_of, with_units
from kanopt.tables.report import renamed
from kanopt.text import count_text, join_list, list_names
from kanopt.units import convert

if TYPE_CHECKING:
    from kanopt.scenarios.scenario import Scenario

WHEN = ("date", "day")
"""What the column of dates is called, where nothing else is said."""
WHO = ("client", "name")
_AMOUNTS = ("demand", "pickup")
"""What several orders of a client on one day add up to."""
_PLACE = ("x", "y", "lat", "lon", "node")


@dataclass(frozen=True, eq=False)
class Day:
    """A day of orders.

    Parameters
    ----------
    name
        Its date, or what the table calls it.
    clients
        Who ordered, as the table of clients of the scenario has them.
    names
        Their names.
    driven
        What was driven; None where nothing is known of it.
    unplaced
        Who ordered and is no client and has no place, so that nobody can go there.
    """

    name: str
    clients: pd.DataFrame
    names: tuple[str, ...]
    driven: pd.DataFrame | None = None
    unplaced: tuple[str, ...] = ()

    def of(self, scenario: Scenario) -> Scenario:
        """Return a scenario on this day: its clients are those who ordered, with all its changes made."""
        table, spec = client_table(scenario), scenario.problem
        with suppress(ValueError):  # a day that is called otherwise has no date for laws to read
            spec = spec.model_copy(update={"day": date.fromisoformat(self.name)})
        found = replace(
            scenario,
            sections=replace(scenario.sections, problem=spec),
            altered={**scenario.altered, table: self.clients},
        )
        for change in scenario.changes:
            if change.table == table and not found.changed[table].empty:
                found, mistakes = found.after(change)
                # one of clients who have not ordered concerns nobody
                for mistake in (each for each in mistakes if each.key[:1] != ("where",)):
                    raise refused("plan_days", str(change), said(mistake.message))
        name = f"{scenario.name}, {self.name}"
        return replace(found, name=name, changes=scenario.changes, told=scenario.told)


def client_table(scenario: Scenario) -> str:
    """Return the table of the scenario that its clients are read from."""
    return scenario.problem.parts()["clients"].table


def read_days(
    scenario: Scenario, orders: Any, history: Any, columns: Mapping[str, str]
) -> tuple[tuple[Day, ...], tuple[str, ...]]:
    """Read orders and what was driven.

    Parameters
    ----------
    scenario
        Whose clients order.
    orders, history
        Frames, files, or names of tables of the scenario; nothing is known of what was driven where history is None.
    columns
        What columns are called otherwise: ``{"date": "Lieferdatum"}``.

    Returns
    -------
    days, notes
        The days in their order, and what is wrong, missing or unknown in the tables, in sentences.

    Raises
    ------
    ScenarioError
        If a table is none, has no column of dates or clients, or no row has a date.
    """
    if scenario.kind != "routing":
        raise refused("plan_days", "base", f"plans days of routes, and {scenario.name!r} is {scenario.kind}")
    notes: list[str] = []
    asked = _table(scenario, orders, "orders", columns, notes)
    clients, lost = _clients_of(scenario, asked, notes)
    names = list(asked["date"].unique())
    drove: dict[Any, pd.DataFrame] = {}
    rows = None if history is None else _table(scenario, history, "history", columns, notes)
    for field, name in columns.items():
        if not any(table is not None and field in table for table in (asked, rows)):
            raise refused("plan_days", "columns", f"no table has a column {name!r}, which {field!r} is to be")
    if rows is not None:
        units = units_of(rows)
        drove = {
            name: with_units(part, units) for name, part in rows.drop(columns="date").groupby(rows["date"])
        }
        without, unknown = (
            [day for day in drove if day not in names],
            [day for day in names if day not in drove],
        )
        _tell(notes, "day", "without orders, on which something was driven, left out", without)
        _tell(notes, "day", "of orders of which nothing is known that was driven", unknown)
    own, unlike, days = _name_column(scenario), list[str](), []
    for name in names:
        is_of_day = asked["date"] == name
        part = _once(scenario, clients[is_of_day & ~lost], unlike)
        unplaced = tuple(asked.loc[is_of_day & lost, "client"])
        made = with_units(part, units_of(scenario.tables[client_table(scenario)]))
        days.append(Day(str(name), made, tuple(part[own]), drove.get(name), unplaced))
    _tell(
        notes,
        "client",
        "with orders on a day that differ in more than amounts, of which the first counts",
        unlike,
    )
    return tuple(days), tuple(notes)


def _name_column(scenario: Scenario) -> str:
    return scenario.problem.parts()["clients"].columns.get("name", "name")


def _table(
    scenario: Scenario, given: Any, what: str, columns: Mapping[str, str], notes: list[str]
) -> pd.DataFrame:
    """Return the rows of a table that have a date and a client, in the order of their dates.

    Raises
    ------
    ScenarioError
        If it is none, has no column of dates or clients, or no row has both.
    """
    if isinstance(given, str) and given in scenario.tables:
        frame = scenario.tables[given]
    elif isinstance(given, (str, Path)) and not Path(given).exists():
        told = f"there is no file and no table {str(given)!r}; {nearest(str(given), scenario.tables)}"
        raise refused("plan_days", what, told)
    else:
        frame = read_table(given)
    known = list(map(str, frame.columns))
    words = {name: field for field, name in columns.items() if name in known}
    for field, usual in (("date", WHEN), ("client", (*WHO, _name_column(scenario)))):
        name = next((name for name in usual if name in known), None)
        if field not in words.values():
            if name is None:
                told = f"has no column {columns.get(field, field)!r}, only {list_names(known)}"
                how = f"say which: columns={{{field!r}: …}}, --column {field}=…"
                raise refused("plan_days", what, f"{told}; {how}")
            words[name] = field
    frame = renamed(frame, words).reset_index(drop=True)
    dates, clients = _dates(frame["date"]), _names(frame["client"])
    for cells, word in ((dates, "date"), (clients, "client")):
        rows = [str(row + 1) for row in np.flatnonzero(cells.isna() | (cells == ""))]
        _tell(notes, f"row of {what}", f"without a {word}, left out: number", rows, f"rows of {what}")
    frame = frame.assign(date=dates, client=clients)[~(dates.isna() | clients.isna() | (clients == ""))]
    if frame.empty:
        raise refused("plan_days", what, "no row has a date, such as 2026-03-02, and a client")
    return frame.sort_values("date", kind="stable", key=_in_order, ignore_index=True)


def _names(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return names as texts: 1, not 1.0, where a blank made numbers of whole ones."""
    return cells.convert_dtypes().astype("string").str.strip()


def _dates(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return the days of rows: dates as texts such as 2026-03-02; numbers and other names as they are."""
    if is_numeric_dtype(cells):
        return cells.convert_dtypes()  # 1, not 1.0, where a blank made numbers of whole ones
    read = _read_dates(cells)
    return (
        read.dt.date.astype("string")
        if read.notna().any()
        else cells.astype("string").str.strip().replace("", None)
    )


def _read_dates(cells: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_datetime(cells, format="ISO8601", errors="coerce")


def _in_order(days: pd.Series[Any]) -> pd.Series[Any]:
    """Return what days are sorted by: dates and numbers by themselves, other names as they first stand."""
    if is_numeric_dtype(days) or _read_dates(days).notna().any():
        return days
    return pd.Series(pd.factorize(days)[0], days.index)


def _clients_of(
    scenario: Scenario, orders: pd.DataFrame, notes: list[str]
) -> tuple[pd.DataFrame, pd.Series[bool]]:
    """Return a client for each order, with what the order says instead, and who is none and has no place."""
    part, own = scenario.problem.parts()["clients"], _name_column(scenario)
    known = scenario.tables[part.table]
    rows = known.assign(**{own: _names(known[own])}).set_index(own, drop=False)
    if rows.index.has_duplicates:
        name = str(rows.index[rows.index.duplicated()][0])
        told = (
            f"several rows of table {part.table!r} are called {name!r}, so that no order says which is meant"
        )
        raise refused("plan_days", "base", told)
    found = rows.reindex(orders["client"]).reset_index(drop=True).assign(**{own: orders["client"]})
    readable, unread = {*known.columns, *scenario.problem.readable_names("clients")}, []
    for column in orders.columns.drop(["date", "client"]):
        field = part.columns.get(column, column)
        if field not in readable:
            unread.append(str(column))
            continue
        unit, wanted = units_of(orders).get(column), units_of(known).get(field)
        given = (
            orders[column]
            if unit in (None, wanted) or not wanted
            else orders[column] * convert(1.0, str(unit), wanted)
        )
        found[field] = given.where(given.notna(), found[field]) if field in found else given
    if unread:
        notes.append(f"Nothing reads of the orders: {list_names(unread)}.")
    is_new = ~found[own].isin(rows.index)
    places = [name for name in (part.columns.get(each, each) for each in _PLACE) if name in found]
    lost = is_new & found[places].isna().all(axis=1)
    unplaced = found.loc[lost, own].tolist()
    _tell(notes, "order", "of somebody who is no client and has no place, not planned", unplaced)
    for column, value in field_defaults(scenario.problem, part.table, known).items():
        if column in found:
            found[column] = found[column].where(~is_new | found[column].notna(), value)
    return found, lost


def _once(scenario: Scenario, clients: pd.DataFrame, unlike: list[str]) -> pd.DataFrame:
    """Return each client once; what several orders of one want adds up, else the first one counts."""
    columns, own = scenario.problem.parts()["clients"].columns, _name_column(scenario)
    if not clients[own].duplicated().any():
        return clients.reset_index(drop=True)
    amounts = [name for name in (columns.get(each, each) for each in _AMOUNTS) if name in clients]
    groups = clients.groupby(own, sort=False)
    differ = groups[list(clients.columns.drop([own, *amounts]))].nunique().gt(1).any(axis=1)
    unlike += differ.index[differ].tolist()
    return (
        groups.first()
        .assign(**{name: groups[name].sum() for name in amounts})
        .reset_index()[list(clients.columns)]
    )


def _tell(notes: list[str], one: str, what: str, names: Sequence[str], many: str = "") -> None:
    """Note how many things there are, and which."""
    if names:
        shown = join_list(list(map(str, dict.fromkeys(names))), 5)
        notes.append(f"{count_text(len(names), one, many)} {what}: {shown}.".replace("number: ", "number "))
