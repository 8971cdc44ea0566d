"""Read one frame into the rows of a table of records, cells as the types of their fields where possible."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from kanopt.errors import UnitError, nearest
from kanopt.records.clock_times import clock_cells, unstated_times, window_cells
from kanopt.records.likeness import TableField, column_hint
from kanopt.records.record import Attribute, Quantity, names_of
from kanopt.records.rules import PlainField, plain_fields
from kanopt.records.table_schema import TableSchema
from kanopt.text import list_names, number_text
from kanopt.units import convert
from kanopt.validation import coerced_numbers

__all__ = ["FrameReader", "TableRows", "row_numbers"]


@dataclass
class TableRows:
    """Rows of a table before validation.

    Parameters
    ----------
    rows, attributes
        Values of the fields and of the further columns, for every row.
    mistakes
        Why fields could not be read at all.
    unread
        Names of these fields.
    broken
        Whether no records can be made of it.
    filled
        Names of the fields that a column fills, in some row at least.
    columns
        The column of each field; empty where the records were built by hand.
    declared
        Names of the fields whose columns declare a unit.
    bare_clocks
        Numbers in columns of clock times that declare no unit, as they were written, by column.
    of_day
        Whether some clock time is written as a time of day.
    """

    rows: list[dict[str, Any]]
    attributes: list[dict[str, Attribute]] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    broken: bool = False
    filled: set[str] = field(default_factory=set)
    columns: Mapping[str, str] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    bare_clocks: dict[str, list[str]] = field(default_factory=dict)
    of_day: bool = False

    def pairs(self) -> Iterable[tuple[dict[str, Any], dict[str, Attribute]]]:
        """Return fields and attributes of every row."""
        return zip(self.rows, self.attributes, strict=True)


def _blank(item: PlainField, column: str, places: Sequence[int]) -> str:
    """Say that cells are blank which must not be, and what to write."""
    write = "true or false" if item.type is bool else "a number"
    otherwise = "nothing is limited" if item.default == math.inf else f"it is {_in_file(item.default)}"
    return (
        f"column {column!r}, {row_numbers(places)}: is blank; write {write} (without the column {otherwise})"
    )


def _in_file(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else number_text(float(value), 6)


def row_numbers(places: Sequence[int]) -> str:
    """Write the numbers of rows, counted from 1, those of many cut short."""
    shown = list_names([str(place + 1) for place in places], quoted=False)
    return f"{'rows' if len(places) > 1 else 'row'} {shown}"


def _declared(frame: pd.DataFrame, table: str) -> Mapping[str, str]:
    """Return the units the frame declares, by column."""
    if not frame.attrs:
        return {}
    from kanopt.tables.report import declared_units

    return declared_units(frame, table)


class FrameReader:
    """Reads one frame; converts cells to the types of their fields where possible."""

    def __init__(self, frame: pd.DataFrame, schema: TableSchema, columns: Mapping[str, str]) -> None:
        self.frame = frame
        self.schema = schema
        self.declared = _declared(frame, schema.name)
        self.fields = plain_fields(schema.record)
        self.named = columns
        names = [item.name for item in self.fields]
        self.table = TableRows(
            [{} for _ in range(len(frame))], columns={name: columns.get(name, name) for name in names}
        )
        self.table.mistakes += [
            f"no field {name!r} to fill from a column; {nearest(name, names)}"
            for name in columns
            if name not in names
        ]

    def read(self) -> TableRows:
        """Return the rows, with the mistakes in single columns."""
        times = Counter(self.frame.columns)
        twice = [f"column {name!r} appears {count} times" for name, count in times.items() if count > 1]
        if twice:
            return TableRows([], mistakes=twice, broken=True)
        for item in self.fields:
            column = self.table.columns[item.name]
            if column in self.frame.columns:
                self._fill(item, column)
            elif item.required or item.name in self.named:
                wanted = TableField(item.name, self.schema.units.get(item.name, ""), item.type)
                columns = list(map(str, self.frame.columns))
                named = item.name in self.named
                hint = nearest(column, columns) if named else column_hint(self.schema.name, wanted, columns)
                self._refuse(item, f"column {column!r} is missing; {hint}")
        if asked := self._ask_for_times():
            self.table.mistakes.append(asked)
        self.table.attributes = self._attributes()
        return self.table

    def _refuse(self, item: PlainField, mistake: str) -> None:
        self.table.mistakes.append(mistake)
        self.table.unread.add(item.name)
        self.table.broken |= item.required

    def _ask_for_times(self) -> str:
        """Return a question where clock times without a unit look like others than they count as."""
        clocks = [item.name for item in self.fields if item.clock]
        unit = self.schema.units.get(clocks[0], "min") if clocks else "min"
        return unstated_times(
            self.table.bare_clocks.items(),
            unit,
            of_day=self.schema.of_day,
            beside_written=self.table.of_day,
        )

    def _fill(self, item: PlainField, column: str) -> None:
        """Put the cells of a column that are not blank into the rows."""
        values = _without_blanks(self.frame[column])
        target = self.schema.units.get(item.name, "min" if item.clock else "")
        if values.notna().any():
            self.table.filled.add(item.name)
        if self.declared.get(column):
            self.table.declared.add(item.name)
        if item.type in (int, float) and values.dtype.kind in ("M" if item.clock else "mM"):
            self._refuse(item, f"column {column!r} holds {_no_number(values, item, target)}")
            return
        filled = np.flatnonzero(values.notna().to_numpy())
        if 0 < len(filled) < len(values) and not (item.required or item.may_be_blank):
            self.table.mistakes.append(
                _blank(item, column, np.flatnonzero(values.isna().to_numpy()).tolist())
            )
        source = self.declared.get(column, "") if target and (item.type is float or item.clock) else ""
        try:
            cells = self._cells(item, column, values.iloc[filled], (source, target))
        except UnitError as error:
            self._refuse(item, f"column {column!r}: {error}")
            return
        for place, cell in zip(filled, cells, strict=True):
            self.table.rows[place][item.name] = cell

    def _cells(
        self, item: PlainField, column: str, values: pd.Series[Any], units: tuple[str, str]
    ) -> list[Any]:
        """Convert cells to the type of a field where possible."""
        if not item.clock:
            return _cells(values, item.type, units)
        given = values.tolist() if item.type is float else _cells(values, str, ("", ""))
        read = clock_cells(given, *units) if item.type is float else window_cells(given, *units)
        if not units[0]:
            self.table.bare_clocks[column] = read.bare
        self.table.of_day |= read.of_day
        return read.values

    def _attributes(self) -> list[dict[str, Attribute]]:
        """Collect the columns that fill no field."""
        used = set(self.table.columns.values())
        found: list[dict[str, Attribute]] = [{} for _ in range(len(self.frame))]
        for column in self.frame.columns:
            if column in used:
                continue
            values = self.frame[column]
            unit = self.declared.get(column, "")
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


def _no_number(values: pd.Series[Any], item: PlainField, unit: str) -> str:
    """Say what a column holds in place of numbers, and what to give."""
    what = "dates" if values.dtype.kind == "M" else "durations"
    wanted = "times of day such as 8:30" if item.clock else "numbers"
    return f"{what}; give {wanted}" + (f"{' or numbers' if item.clock else ''} in {unit!r}" if unit else "")


def _cells(values: pd.Series[Any], kind: type, units: tuple[str, str]) -> list[Any]:
    """Convert cells to a type where possible, and keep the others."""
    given = values.tolist()
    if kind is str:
        return names_of(given)
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
