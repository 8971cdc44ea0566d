"""Read one frame into the rows of a table of records, cells as the types of their fields where possible."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from kanopt.errors import UnitError
from kanopt.faults import Fault
from kanopt.records.clock_times import clock_cells, unstated_times, window_cells
from kanopt.records.declaration import Field, Table
from kanopt.records.likeness import TableField, column_hint
from kanopt.records.record import Attribute, Quantity, names_of
from kanopt.tables.report import declared_units
from kanopt.text import number_text
from kanopt.units import convert
from kanopt.validation import coerced_numbers

__all__ = ["Rows", "cell_texts", "read_frame"]


@dataclass
class Rows:
    """Rows of a table before validation.

    Parameters
    ----------
    rows, attributes
        Values of the fields and of the further columns, for every row.
    faults
        Why fields could not be read at all.
    unread
        Names of these fields.
    broken
        Whether no records can be made of it.
    filled
        Names of the fields that a column fills, in some row at least.
    from_frame
        Whether the rows are those of a frame, so that mistakes name columns and rows.
    declared
        Names of the fields whose columns declare a unit.
    bare_clocks
        Numbers in columns of clock times that declare no unit, as they were written, by column.
    of_day
        Whether some clock time is written as a time of day.
    """

    rows: list[dict[str, Any]]
    attributes: list[dict[str, Attribute]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    broken: bool = False
    filled: set[str] = field(default_factory=set)
    from_frame: bool = False
    declared: set[str] = field(default_factory=set)
    bare_clocks: dict[str, list[str]] = field(default_factory=dict)
    of_day: bool = False


def read_frame(frame: pd.DataFrame, table: Table) -> Rows:
    """Return the rows of a frame whose columns are called like fields, with the mistakes in single columns."""
    times = Counter(map(str, frame.columns))
    if twice := [name for name, count in times.items() if count > 1]:
        faults = [Fault(table.name, f"column {name!r} appears {times[name]} times") for name in twice]
        return Rows([], faults=faults, broken=True)
    return _FrameReader(frame, table).read()


class _FrameReader:
    """Reads one frame; converts cells to the types of their fields where possible."""

    def __init__(self, frame: pd.DataFrame, table: Table) -> None:
        self.frame = frame
        self.table = table
        self.units = declared_units(frame, table.name) if frame.attrs else {}
        self.found = Rows([{} for _ in range(len(frame))], from_frame=True)

    def read(self) -> Rows:
        columns = list(map(str, self.frame.columns))
        for item in self.table.fields:
            if item.name in columns:
                self._fill(item)
            elif item.required:
                hint = column_hint(self.table.name, TableField.of(item, self.table), columns)
                self._refuse(item, "is missing", hint)
        self._ask_for_times()
        self.found.attributes = self._attributes()
        return self.found

    def _refuse(self, item: Field, what: str, advice: str = "") -> None:
        self.found.faults.append(
            Fault(self.table.name, what, field=item.name, column=item.name, advice=advice)
        )
        self.found.unread.add(item.name)
        self.found.broken |= item.required

    def _ask_for_times(self) -> None:
        """Ask where clock times without a unit look like others than they count as."""
        clocks = [item.name for item in self.table.fields if item.clock]
        unit = self.table.units.get(clocks[0], "min") if clocks else "min"
        asked = unstated_times(
            self.found.bare_clocks.items(),
            unit,
            of_day=self.table.of_day,
            beside_written=self.found.of_day,
        )
        if asked:
            self.found.faults.append(Fault(self.table.name, asked))

    def _fill(self, item: Field) -> None:
        """Put the cells of a column that are not blank into the rows."""
        values = _without_blanks(self.frame[item.name])
        target = self.table.units.get(item.name, "min" if item.clock else "")
        if values.notna().any():
            self.found.filled.add(item.name)
        if self.units.get(item.name):
            self.found.declared.add(item.name)
        if item.type in (int, float) and values.dtype.kind in ("M" if item.clock else "mM"):
            self._refuse(item, f"holds {_no_number(values, item, target)}")
            return
        filled = np.flatnonzero(values.notna().to_numpy())
        if 0 < len(filled) < len(values) and not (item.required or item.may_be_blank):
            self.found.faults.append(self._blank(item, np.flatnonzero(values.isna().to_numpy())))
        elif item.price and not len(filled) and len(values) and self.units.get(item.name):
            # whoever declares the unit of a price means that there is one
            self.found.faults.append(self._blank(item, np.arange(len(values))))
        source = self.units.get(item.name, "") if target and (item.type is float or item.clock) else ""
        try:
            cells = self._cells(item, values.iloc[filled], (source, target))
        except UnitError as error:
            self._refuse(item, f"does not fit the unit of its field: {error}")
            return
        for place, cell in zip(filled, cells, strict=True):
            self.found.rows[place][item.name] = cell

    def _blank(self, item: Field, places: Sequence[int] | np.ndarray[Any, Any]) -> Fault:
        """Say that cells are blank which must not be, and what to write."""
        write = "true or false" if item.type is bool else "a number"
        default = str(item.default).lower() if item.type is bool else number_text(float(item.default or 0), 6)
        otherwise = "nothing is limited" if item.default == math.inf else f"it is {default}"
        return Fault(
            self.table.name,
            "is blank",
            field=item.name,
            column=item.name,
            rows=tuple(map(int, places)),
            advice=f"write {write} (without the column {otherwise})",
        )

    def _cells(self, item: Field, values: pd.Series[Any], units: tuple[str, str]) -> list[Any]:
        """Convert cells to the type of a field where possible."""
        if not item.clock:
            return _cells(values, item.type, units)
        given = values.tolist() if item.type is float else names_of(values.tolist())
        read = clock_cells(given, *units) if item.type is float else window_cells(given, *units)
        if not units[0]:
            self.found.bare_clocks[item.name] = read.bare
        self.found.of_day |= read.of_day
        return read.values

    def _attributes(self) -> list[dict[str, Attribute]]:
        """Collect the columns that fill no field."""
        fields = {item.name for item in self.table.fields}
        found: list[dict[str, Attribute]] = [{} for _ in range(len(self.frame))]
        for column in self.frame.columns:
            if column in fields:
                continue
            values = self.frame[column]
            unit = self.units.get(column, "")
            numeric = pd.api.types.is_numeric_dtype(values.dtype)
            for place in np.flatnonzero(values.notna().to_numpy()):
                value = values.iloc[place]
                if not numeric:
                    found[place][str(column)] = str(value)
                else:
                    found[place][str(column)] = Quantity(float(value), unit) if unit else float(value)
        return found


def _without_blanks(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column in which an empty text is a blank."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values
    empty = np.array([isinstance(cell, str) and not cell.strip() for cell in values], dtype=bool)
    return values.mask(empty) if empty.any() else values


def _no_number(values: pd.Series[Any], item: Field, unit: str) -> str:
    """Say what a column holds in place of numbers, and what to give."""
    what = "dates" if values.dtype.kind == "M" else "durations"
    wanted = "times of day such as 8:30" if item.clock else "numbers"
    return f"{what}; give {wanted}" + (f"{' or numbers' if item.clock else ''} in {unit!r}" if unit else "")


def cell_texts(cell: Any) -> tuple[str, ...]:
    """Return the words of a list that is written with commas.

    Examples
    --------
    >>> cell_texts("cooled, tail lift")
    ('cooled', 'tail lift')
    """
    return tuple(dict.fromkeys(word.strip() for word in str(cell).split(",") if word.strip()))


def _cells(values: pd.Series[Any], kind: type, units: tuple[str, str]) -> list[Any]:
    """Convert cells to a type where possible, and keep the others."""
    given = values.tolist()
    if kind is str:
        return names_of(given)
    if kind is tuple:
        return [cell_texts(name) for name in names_of(given)]
    if kind is bool:
        return [_TRUTH.get(str(cell).strip().lower(), cell) for cell in given]
    numbers = coerced_numbers(values)
    if units[0]:
        numbers = np.asarray(convert(numbers, *units))
    read: list[Any] = numbers.tolist()
    if kind is int:
        read = [int(number) if number.is_integer() else number for number in read]
    return [cell if number != number else number for number, cell in zip(read, given, strict=True)]


_TRUTH = {
    "true": True,
    "yes": True,
    "1": True,
    "1.0": True,
    "false": False,
    "no": False,
    "0": False,
    "0.0": False,
}
