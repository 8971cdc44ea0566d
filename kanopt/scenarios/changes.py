"""What a what-if changes: cells, rows and sites of tables, keys of the problem and the solver, and laws."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_integer_dtype, is_numeric_dtype

from kanopt.errors import nearest
from kanopt.faults import LARGEST, WHOLE_TEXT, describe_value, is_whole
from kanopt.records.fields import clock_value
from kanopt.scenarios.files.layers import Key, Mistake
from kanopt.scenarios.files.problem_spec import ProblemSpec
from kanopt.tables import units_of
from kanopt.text import count_text, number_text

Value: TypeAlias = float | str | bool
Action: TypeAlias = Literal["set", "scale", "remove", "add"]
SECTIONS = ("problem", "solver", "surrogates")
"""Sections of a scenario file whose keys, or laws, a change may alter; no table can be changed under these names."""
_ENDS = re.compile(r"([-+.\d]+):([-+.\d]+)")


@dataclass(frozen=True)
class Change:
    """One change of a scenario; it alters what the problem reads, never the history that laws were learned from.

    Parameters
    ----------
    action
        ``"set"`` or ``"scale"`` cells of a column, ``"remove"`` rows, or ``"add"`` a row.
    table
        The table's name in the scenario; or ``"problem"`` or ``"solver"``, of which a key is set or scaled, or
        ``"surrogates"``, of which a law or one of its constants is.
    column
        The column that is set or scaled; or the key, as ``"bind.surcharge"``; or the law, as ``"fuel"``, or its
        constant, as ``"fuel.c1"``.
    value
        What cells are set to, in the column's unit, or the factor they are scaled by.
    where
        Column to the value, or values, a row must have to be concerned; empty for every row.
    row
        The cells of an added row.

    Examples
    --------
    >>> vans = pd.DataFrame({"name": ["van", "truck"], "num_available": [4, 2], "fuel_price": [1.6, 1.6]})
    >>> dearer = Change("scale", "vehicles", "fuel_price", 1.5, where={"name": "van"})
    >>> print(dearer)
    vehicles.fuel_price × 1.5 where name = van
    >>> dearer.apply(vans)["fuel_price"].round(2).tolist()
    [2.4, 1.6]
    """

    action: Action
    table: str
    column: str = ""
    value: Value | None = None
    where: Mapping[str, Value | tuple[Value, ...]] = field(default_factory=dict)
    row: Mapping[str, Value] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """``table.column``, or the table alone where rows are concerned."""
        return f"{self.table}.{self.column}" if self.column else self.table

    @property
    def is_of_section(self) -> bool:
        """Whether a key or a law is changed, and no table."""
        return self.table in SECTIONS

    def __str__(self) -> str:
        words = {
            "set": f"{self.path} set to {cell_text(self.value)}",
            "scale": f"{self.path} × {cell_text(self.value)}",
            "remove": f"{self.table}: rows taken out",
            "add": f"{self.table}: row added with {conditions_text(self.row, ', ')}",
        }[self.action]
        return self._where(words)

    def sentence(self, frame: pd.DataFrame, cells: Change | None = None) -> str:
        """Say what the change does to a table, with what was there before; :meth:`mistakes` must be empty.

        Parameters
        ----------
        frame
            The table before the change.
        cells
            The change in the words of the table, where it has others.

        Examples
        --------
        >>> vans = pd.DataFrame({"name": ["van", "truck"], "num_available": [4, 2], "fuel_price": [1.6, 1.6]})
        >>> Change("set", "vehicles", "num_available", 3, where={"name": "van"}).sentence(vans)
        'vehicles.num_available is 3 instead of 4 where name = van'
        >>> Change("scale", "vehicles", "fuel_price", 1.15).sentence(vans)
        'vehicles.fuel_price rises by 15 %'
        >>> Change("remove", "vehicles", where={"name": "truck"}).sentence(vans)
        '1 row of vehicles is taken out where name = truck'
        """
        cells = cells or self
        if self.action == "add":
            return f"a row is added to {self.table}: {conditions_text(self.row, ', ')}"
        rows = cells.rows(frame)
        if self.action == "remove":
            taken = count_text(int(rows.sum()), f"row of {self.table} is", f"rows of {self.table} are")
            return self._where(f"{taken} taken out")
        before = frame.loc[rows, cells.column].dropna().unique().tolist() if cells.column in frame else []
        return self.told(before)

    def told(self, before: Sequence[Any]) -> str:
        """Say what is set or scaled, where it was one thing with what it was instead of."""
        if self.action == "scale":
            return self._where(f"{self.path} {scaling_text(float(self.value or 0.0))}")
        instead = f" instead of {cell_text(before[0])}" if len(before) == 1 else ""
        return self._where(f"{self.path} is {cell_text(self.value)}{instead}")

    def _where(self, words: str) -> str:
        return f"{words} where {conditions_text(self.where)}" if self.where else words

    def mistakes(self, frame: pd.DataFrame, fields: Collection[str] = ()) -> list[Mistake]:
        """Say what is wrong with the change, given the table as earlier changes left it.

        Parameters
        ----------
        frame
            The table.
        fields
            What the problem reads from columns of these names where there are any; a set or added value may fill one
            that has no column yet.

        Returns
        -------
        list of Mistake
            With keys relative to the change: ``("where", "name")``.
        """
        found = list[Mistake]()
        for key, name, given in self._cells():
            # only a cell that is written may be of a column that is not there yet
            new = () if key[0] in ("by", "where") else fields
            if name not in frame and name not in new:
                hint = nearest(name, [*map(str, frame), *new])
                told = f"table {self.table!r} has no column {name!r}; {hint}"
                found.append(Mistake((self.action,) if key[0] in ("to", "by") else key, told))
                continue
            for value in _as_tuple(given):
                if wrong := _wrong_value(value) or _wrong_kind(frame.get(name), value, scales=key == ("by",)):
                    found.append(Mistake(key, f"column {name!r} of {self.table!r} {wrong}"))
        conditions = any(mistake.key[:1] == ("where",) for mistake in found)
        if not conditions and self.action != "add" and not self.rows(frame).any():
            found.append(self._no_row(frame))
        return found

    def _cells(self) -> Iterator[tuple[Key, str, Any]]:
        """Yield what a change says of cells: its key, their column, and the value or values."""
        if self.action in ("set", "scale"):
            yield ("to" if self.action == "set" else "by",), self.column, self.value
        yield from ((("row", name), name, value) for name, value in self.row.items())
        yield from ((("where", name), name, value) for name, value in self.where.items())

    def apply(self, frame: pd.DataFrame, defaults: Mapping[str, Value] | None = None) -> pd.DataFrame:
        """Return the table with the change made; :meth:`mistakes` must be empty.

        Whole numbers stay whole where the new values are.

        Parameters
        ----------
        frame
            The table.
        defaults
            What a cell that the change leaves blank holds, by the name of its column.
        """
        defaults = defaults or {}
        if self.action == "add":
            return _added(frame, self.row, defaults)
        rows, column = self.rows(frame), self.column
        if self.action == "remove":
            return frame.loc[~rows].reset_index(drop=True)
        changed = frame.copy()
        if column not in frame:
            changed[column] = [self.value if chosen else defaults.get(column) for chosen in rows]
            return changed
        if is_numeric_dtype(frame[column]) and not is_bool_dtype(frame[column]):
            numbers, value = frame[column].to_numpy(dtype=float), float(self.value or 0.0)
            new = np.where(rows, numbers * value if self.action == "scale" else value, numbers)
            changed[column] = _restore_integers(pd.Series(new, index=frame.index), frame[column])
        else:
            changed[column] = frame[column].mask(rows, self.value)
        return changed

    def rows(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Say which rows of a table are concerned; (n,)."""
        rows = np.ones(len(frame), dtype=bool)
        for name, value in self.where.items():
            rows &= _matches(frame[name], value)
        return rows

    def _no_row(self, frame: pd.DataFrame) -> Mistake:
        """Say which condition fails, with the nearest value there is."""
        for name, value in self.where.items():
            if not _matches(frame[name], value).any():
                wanted, known = _as_tuple(value), map(cell_text, frame[name].dropna().unique())
                told = f"{name} = {' or '.join(map(cell_text, wanted))}; {nearest(str(wanted[0]), known)}"
                return Mistake(("where", name), f"no row of {self.table!r} has {told}")
        if self.where:
            return Mistake(("where",), f"no row of {self.table!r} has {conditions_text(self.where)} together")
        return Mistake((self.action,), f"table {self.table!r} has no rows")


def _wrong_value(value: Any) -> str:
    """Say why no cell can hold a value; empty where one can."""
    if isinstance(value, str) and not is_whole(value):
        return f"must be {WHOLE_TEXT}, not {value!r:.80}"
    if isinstance(value, (int, float)) and LARGEST < abs(value) < math.inf:
        return f"must be at most {number_text(LARGEST)}, not {describe_value(value)}"
    return ""


def _wrong_kind(cells: pd.Series[Any] | None, value: Any, *, scales: bool) -> str:
    """Say why the cells of a column cannot be set to a value, compared with it or scaled by it; empty if they can."""
    if cells is None:
        return ""
    is_truth, is_numeric = is_bool_dtype(cells), is_numeric_dtype(cells) and not is_bool_dtype(cells)
    if scales and not is_numeric:
        return "holds no numbers; use set instead of scale"
    if is_truth:
        return "" if isinstance(value, bool) else f"holds true or false, not {describe_value(value)}"
    if is_numeric:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        ends = _ENDS.fullmatch(value) if isinstance(value, str) else None
        hint = f"; a range is from:to:count, such as {ends[1]}:{ends[2]}:11" if ends else ""
        return "" if fits else f"holds numbers, not {describe_value(value)}{hint}"
    if isinstance(value, str):
        return ""
    quoted = f'; write "{cell_text(value)}" in quotes' if isinstance(value, (int, float)) else ""
    return f"holds texts, not {describe_value(value)}{quoted}"


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _matches(cells: pd.Series[Any], value: Any) -> NDArray[np.bool_]:
    return np.asarray(cells.isin(list(_as_tuple(value))).to_numpy(), dtype=bool)


def _restore_integers(new: pd.Series[Any], old: pd.Series[Any]) -> pd.Series[Any]:
    """Keep whole numbers whole where the new values are."""
    rounded = new.round()
    # beyond 2^53 floating-point numbers are not whole ones any more
    whole = (rounded.abs() <= 2.0**53).all() and np.allclose(new, rounded, rtol=0.0, atol=1e-9)
    return rounded.astype(old.dtype) if is_integer_dtype(old) and whole else new


def _added(frame: pd.DataFrame, row: Mapping[str, Value], defaults: Mapping[str, Value]) -> pd.DataFrame:
    longer = frame.reset_index(drop=True).reindex(range(len(frame) + 1))
    stated = {name: value for name, value in defaults.items() if name in frame and frame[name].notna().any()}
    for column, value in {**stated, **row}.items():
        before = frame[column] if column in frame else [defaults.get(column)] * len(frame)
        longer[column] = [*before, value]
    longer.attrs = dict(frame.attrs)
    return longer


def scaling_text(factor: float) -> str:
    """Say by how much something grows.

    Examples
    --------
    >>> scaling_text(1.125), scaling_text(0.5), scaling_text(3.0), scaling_text(-1.0)
    ('rises by 12.5 %', 'falls by 50 %', 'is multiplied by 3', 'is multiplied by -1')
    """
    if 1.0 < factor <= 2.0:
        return f"rises by {number_text(100.0 * (factor - 1.0), 6)} %"
    if 0.0 <= factor < 1.0:
        return f"falls by {number_text(100.0 * (1.0 - factor), 6)} %"
    return f"is multiplied by {cell_text(factor)}"


def cell_text(value: Any) -> str:
    """Write a cell as its table does, where numbers may be names: no quotes, no separators, no trailing zeros."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, (int, float)) else str(value)


def conditions_text(cells: Mapping[str, Any], between: str = " and ") -> str:
    """Write what rows must have, or what a row is added with."""
    told = {name: " or ".join(map(cell_text, _as_tuple(value))) for name, value in cells.items()}
    return between.join(f"{name} = {value}" for name, value in told.items())


def field_columns(problem: ProblemSpec, table: str) -> dict[str, str]:
    """Return the problem's own words for the columns of a table, field to column."""
    parts = problem.parts_of(table).values()
    return {field: column for part in parts for field, column in part.columns.items()}


def field_defaults(problem: ProblemSpec, table: str, frame: pd.DataFrame) -> dict[str, Value]:
    """Return what the cells of a new row or column hold that a change leaves blank, by column.

    That is the default of the field that the column fills, where a blank would be refused. A limit that is infinite by
    default is left to be stated, and so is a default that would mean something else in the unit of the column.
    """
    declared = units_of(frame)
    return {
        column: item.default
        for column, (item, unit) in problem.fields_in(table).items()
        if not (item.required or item.may_be_blank or item.default == math.inf)
        and (declared.get(column, "") in ("", unit) or not item.default)
    }


def in_cells(change: Change, problem: ProblemSpec, frame: pd.DataFrame) -> Change:
    """Return a change in the words of its table, which :class:`Change` can make.

    Columns have their own names, and not those that the problem has for them, and clock times are written as the cells
    of their columns are: such a column may hold numbers or times of day, and whoever changes it need not know which.
    """
    known = {**field_columns(problem, change.table), **{name: name for name in map(str, frame.columns)}}
    declared = units_of(frame)
    fields = [(name, *known) for name, known in problem.fields_in(change.table).items() if name in frame]
    timed = [(name, unit) for name, item, unit in fields if item.clock and item.type is float]
    clocks = {name: declared.get(name) or unit or "min" for name, unit in timed}

    def cell(column: str, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(cell(column, one) for one in value)
        if column not in clocks or isinstance(value, bool):
            return value
        if is_numeric_dtype(frame[column]):
            read = clock_value(value, clocks[column])
            return value if read is None else read
        return cell_text(value) if isinstance(value, (int, float)) else value

    def cells(given: Mapping[str, Any]) -> dict[str, Any]:
        return {(column := known.get(name, name)): cell(column, value) for name, value in given.items()}

    column = known.get(change.column, change.column)
    value = cell(column, change.value) if change.action == "set" else change.value
    return replace(change, column=column, value=value, where=cells(change.where), row=cells(change.row))


def change_mistakes(
    change: Change, problem: ProblemSpec, frames: Mapping[str, pd.DataFrame]
) -> Iterable[Mistake]:
    """Yield what is wrong with a change, with keys relative to it.

    Parameters
    ----------
    change
        The change.
    problem
        What is decided.
    frames
        The tables as earlier changes left them.
    """
    parts, key = problem.parts(), (change.action,)
    read = {part.table for part in parts.values()}
    if change.table not in frames:
        hint = nearest(change.table, frames)
        if change.table in parts:
            table = parts[change.table].table
            hint = f"{change.table} of the problem reads the table {table!r}: write that name"
        yield Mistake(key, f"unknown table {change.table!r}; {hint}")
    elif change.table not in read:
        told = f"the problem does not read the table {change.table!r}, and laws are learned from the unchanged tables"
        yield Mistake(key, f"{told}, so this would change nothing; {nearest(change.table, read)}")
    else:
        fields = frozenset[str]().union(*map(problem.fields_of, problem.parts_of(change.table)))
        frame = frames[change.table]
        yield from in_cells(change, problem, frame).mistakes(frame, fields)
