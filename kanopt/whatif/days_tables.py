"""Orders of many days and what was driven on them, read into days; what cannot be used is named and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

from kanopt.errors import nearest
from kanopt.tables import read_table, units_of, with_units
from kanopt.text import count_text, join_list, list_names
from kanopt.units import convert
from kanopt.whatif.questions.axes import refused
from kanopt.whatif.scenario_files.columns import field_defaults

if TYPE_CHECKING:
    from kanopt.whatif.scenario import Scenario

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
            if change.table == table:
                found, _ = found.after(change)  # one of clients who have not ordered concerns nobody
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
    asked = _by_day(_table(scenario, orders, "orders", columns), "orders", notes)
    drove: dict[str, pd.DataFrame] = {}
    if history is not None:
        drove = _by_day(_table(scenario, history, "history", columns), "history", notes)
        _tell(
            notes,
            "day",
            "without orders, on which something was driven, left out",
            [*drove.keys() - asked.keys()],
        )
        _tell(
            notes,
            "day",
            "of orders of which nothing is known that was driven",
            [*asked.keys() - drove.keys()],
        )
    reader = _Orders(scenario, notes)
    days = tuple(reader.day(name, frame, drove.get(name)) for name, frame in asked.items())
    reader.tell()
    return days, tuple(notes)


def _table(scenario: Scenario, given: Any, what: str, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a table with its columns of dates and clients called so."""
    if isinstance(given, str) and given in scenario.tables:
        frame = scenario.tables[given]
    elif isinstance(given, (str, Path)) and not Path(given).exists():
        told = f"there is no file and no table {str(given)!r}; {nearest(str(given), scenario.tables)}"
        raise refused("plan_days", what, told)
    else:
        frame = read_table(given)
    known = list(map(str, frame.columns))
    words = {field: name for field, name in columns.items() if name in known}
    for field, names in (("date", WHEN), ("client", WHO)):
        own = scenario.problem.parts()["clients"].columns.get("name", "name") if field == "client" else field
        found = [words.get(field), *(name for name in (*names, own) if name in known)]
        if not any(found):
            told = f"has no column {names[0]!r}, only {list_names(known)}; say which it is: columns={{{field!r}: …}}"
            raise refused("plan_days", what, told)
        words[field] = next(filter(None, found))
    units = {field: unit for field, name in words.items() if (unit := units_of(frame).get(name))}
    return with_units(frame.rename(columns={name: field for field, name in words.items()}), units)


def _by_day(frame: pd.DataFrame, what: str, notes: list[str]) -> dict[str, pd.DataFrame]:
    """Return the rows of each day; dates and numbers in their order, other names as they come.

    Raises
    ------
    ScenarioError
        If no row has a date.
    """
    cells = frame["date"]
    if not is_numeric_dtype(cells) and not is_datetime64_any_dtype(cells):
        read = pd.to_datetime(cells.astype("string"), format="ISO8601", errors="coerce")
        cells = read if read.notna().any() else cells
    is_date = is_datetime64_any_dtype(cells)
    names = cells.dt.date.astype("string") if is_date else cells.astype("string").str.strip()
    undated = names.isna() | (names == "")
    _tell(
        notes,
        f"row of {what}",
        "without a date, left out",
        [f"row {row + 1}" for row in undated.to_numpy().nonzero()[0]],
        f"rows of {what}",
    )
    if undated.all():
        raise refused("plan_days", what, "no row has a date, such as 2026-03-02")
    kept = frame[~undated]
    order = cells[~undated] if is_date or is_numeric_dtype(cells) else pd.factorize(names[~undated])[0]
    parts = kept.groupby(pd.Series(order, index=kept.index), sort=True)
    units = units_of(frame)
    return {
        str(names[part.index[0]]): with_units(
            part.drop(columns="date"), {name: unit for name, unit in units.items() if name != "date"}
        )
        for _, part in parts
    }


class _Orders:
    """Makes clients of orders."""

    def __init__(self, scenario: Scenario, notes: list[str]) -> None:
        part = scenario.problem.parts()["clients"]
        self.known = scenario.tables[part.table]
        self.columns = part.columns
        self.name = part.columns.get("name", "name")
        self.readable = {*map(str, self.known.columns), *scenario.problem.readable_names("clients")}
        self.defaults = field_defaults(scenario.problem, part.table, self.known)
        self.notes = notes
        self.unread: dict[str, None] = {}
        self.unlike: dict[str, None] = {}
        self.unplaced: list[str] = []

    @cached_property
    def _rows(self) -> pd.DataFrame:
        return self.known.assign(**{self.name: self.known[self.name].astype(str)}).set_index(
            self.name, drop=False
        )

    def day(self, name: str, orders: pd.DataFrame, driven: pd.DataFrame | None) -> Day:
        """Return a day: each order is a client as the scenario knows it, with what the order says instead."""
        who = orders["client"].astype("string").str.strip()
        nameless = who.isna() | (who == "")
        _tell(self.notes, "order", f"of {name} without a client, left out", ["?"] * int(nameless.sum()))
        orders, who = orders[~nameless], who[~nameless].astype(str)
        found = self._rows.reindex(who).reset_index(drop=True)
        found[self.name] = who.to_numpy()
        for column in orders.columns.drop("client"):
            field = self.columns.get(column, column)
            if field not in self.readable:
                self.unread[str(column)] = None
                continue
            given = self._in_unit(orders, column, field)
            found[field] = given if field not in found else given.where(given.notna(), found[field])
        is_new = ~found[self.name].isin(self._rows.index)
        places = [name for name in (self.columns.get(each, each) for each in _PLACE) if name in found]
        lost = is_new & found[places].isna().all(axis=1)
        self.unplaced += found.loc[lost, self.name].tolist()
        blanks = {column: value for column, value in self.defaults.items() if column in found}
        clients = self._once(pd.concat([found[~is_new], found[is_new & ~lost].fillna(blanks)]).sort_index())
        names, unplaced = tuple(clients[self.name]), tuple(found.loc[lost, self.name])
        return Day(name, with_units(clients, units_of(self.known)), names, driven, unplaced)

    def _in_unit(self, orders: pd.DataFrame, column: str, field: str) -> pd.Series[Any]:
        """Return a column of orders in the unit in which the table of clients has it."""
        own, wanted = units_of(orders).get(column), units_of(self.known).get(field)
        cells = orders[column].reset_index(drop=True)
        return cells if own in (None, wanted) or not wanted else convert(1.0, str(own), wanted) * cells

    def _once(self, found: pd.DataFrame) -> pd.DataFrame:
        """Return each client once; what several orders of one want adds up, else the first one counts."""
        again = found[self.name].duplicated()
        if not again.any():
            return found.reset_index(drop=True)
        amounts = [name for name in (self.columns.get(each, each) for each in _AMOUNTS) if name in found]
        groups = found.groupby(self.name, sort=False)
        others = groups[[name for name in found if name not in (*amounts, self.name)]].nunique().max(axis=1)
        self.unlike |= dict.fromkeys(others.index[others > 1])
        first = found[~again].set_index(self.name, drop=False)
        return first.assign(**{name: groups[name].sum() for name in amounts}).reset_index(drop=True)

    def tell(self) -> None:
        """Note what nothing could be made of."""
        counted = pd.Series(self.unplaced, dtype=object).value_counts()
        _tell(
            self.notes,
            "order",
            "of somebody who is no client and has no place, not planned",
            [*counted.index],
            number=len(self.unplaced),
        )
        _tell(
            self.notes,
            "client",
            "with several orders on a day that say otherwise of more than amounts, of which the first counts",
            [*self.unlike],
        )
        if self.unread:
            self.notes.append(f"Nothing reads of the orders: {list_names([*self.unread])}.")


def _tell(
    notes: list[str], one: str, what: str, names: Sequence[str], many: str = "", number: int | None = None
) -> None:
    """Note how many things there are, and which."""
    if names:
        counted = count_text(len(names) if number is None else number, one, many)
        notes.append(f"{counted} {what}: {join_list(sorted(names), 5)}.")
