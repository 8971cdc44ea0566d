"""Read tables into records, and validate the fields of records.

A record states the rules of a field beside its type, as ``demand: Amount = 0.0`` (:mod:`kanopt.validation`). Records
are validated when a problem reads them, not when they are built, so that all mistakes are reported at once and in the
same words, whether a record came from a frame or was built by hand.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from kanopt.errors import ProblemError, UnitError, nearest
from kanopt.problems.clock_times import clock_cells, clock_value, unstated_hours, window_cells
from kanopt.problems.record_rules import PlainField, plain_fields, row_faults, row_of
from kanopt.problems.records import Attribute, Quantity, Record, names_of
from kanopt.problems.table_schema import TableSchema
from kanopt.text import list_names, number_text
from kanopt.units import convert
from kanopt.validation import WHOLE_TEXT, Fault, coerced_numbers, fault_text, is_whole

__all__ = ["RecordCheck", "RecordReader", "records"]


RecordT = TypeVar("RecordT", bound=Record)


def records(
    data: pd.DataFrame | Iterable[RecordT],
    kind: type[RecordT],
    *,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    key: Sequence[str] = ("name",),
    where: str = "table",
) -> tuple[RecordT, ...]:
    """Turn a frame into records, or check records that were built by hand.

    Parameters
    ----------
    data
        A frame with one row per record, or records of this kind, which are returned as they are.
    kind
        A frozen dataclass with a field ``attributes``. Fields of type ``str``, ``int``, ``float`` or ``bool``
        (or one of these or None) are read from the column of the same name. A blank cell is refused beside others
        that are not, except of a text, of what may be None, and of a limit that not everything has.
    columns
        Field to column, where the names differ: ``{"demand": "demand_t"}``.
    units
        Unit of a field in the problem. A column whose declared unit differs (``kanopt.tables.units_of``) is
        converted.
    key
        The fields that identify a record.
    where
        What the table is called in messages.

    Returns
    -------
    tuple of `kind`
        In the order of the rows. Columns that fill no field become ``attributes``: a text, a number, or a
        :class:`Quantity` where the frame declares a unit. Blank cells are left out.

    Raises
    ------
    ProblemError
        With every mistake found: a missing column, a blank where a value is required, text where a number
        belongs, a unit that does not convert, a value against the rules of its field, two records with the same key.

    Examples
    --------
    >>> from dataclasses import dataclass, field, replace
    >>> @dataclass(frozen=True)
    ... class Client:
    ...     name: str
    ...     demand: float
    ...     attributes: dict = field(default_factory=dict)
    >>> table = pd.DataFrame({"name": ["c1"], "demand_t": [0.5], "zone": ["north"]})
    >>> records(table, Client, columns={"demand": "demand_t"}, where="clients")
    (Client(name='c1', demand=0.5, attributes={'zone': 'north'}),)
    """
    reader = RecordReader()
    read = reader.read(data, TableSchema(where, kind, units or {}, tuple(key)), columns=columns)
    reader.finish()
    return read


class RecordReader:
    """Reads the tables of a problem and collects their mistakes, so that all are reported at once.

    Attributes
    ----------
    mistakes
        Mistakes found so far.
    broken
        Names of the tables of which no records could be made.
    filled
        Table to the fields that its columns fill; of tables that were given as frames.
    declared
        Table to the fields whose columns declare a unit; of tables that were given as frames.
    of_day
        Whether some clock time was written as a time of day.

    Examples
    --------
    >>> from kanopt.problems.supply import Market, Product
    >>> reader = RecordReader()
    >>> _ = reader.read([Product("flour", weight=-1.0)], TableSchema("products", Product))
    >>> _ = reader.read(pd.DataFrame({"name": ["Lyon"], "x": ["two"]}), TableSchema("markets", Market))
    >>> for mistake in reader.mistakes:
    ...     print(mistake)
    products: weight of 'flour': must be greater than 0, not the number -1.0
    markets: column 'x', row 1: must be a number, not the text 'two'; it may be left out
    """

    def __init__(self) -> None:
        self.mistakes: list[str] = []
        self.broken: set[str] = set()
        self.filled: dict[str, frozenset[str]] = {}
        self.declared: dict[str, frozenset[str]] = {}
        self.of_day = False

    def read(
        self,
        data: pd.DataFrame | Iterable[Any],
        schema: TableSchema,
        *,
        columns: Mapping[str, str] | None = None,
    ) -> tuple[Any, ...]:
        """Return the records of a table as :func:`records` does, none where they cannot be made.

        A value of the wrong type is a mistake; to go on with the others, its field takes its default.
        """
        kind, key = schema.record, schema.key
        given: tuple[Any, ...] = ()
        if isinstance(data, pd.DataFrame):
            table = _FrameReader(data, schema, columns or {}).read()
            self.filled[schema.name] = frozenset(table.filled)
            self.declared[schema.name] = frozenset(table.declared)
            self.of_day |= table.of_day
        else:
            given = tuple(data)
            read = tuple(_with_clock_times(item, schema) for item in given)
            self.of_day |= any(one is not other for one, other in zip(given, read, strict=True))
            given, table = read, _table_of(read, kind)
        found = [fault for fault in row_faults(kind, table.rows) if fault.place[1] not in table.unread]
        lines = [*table.mistakes, *_fault_lines(found, table, kind, key)]
        made = (
            None if table.broken else _made(kind, table, given, [fault for fault in found if fault.of_type])
        )
        if made is None:
            self.broken.add(schema.name)
        else:
            lines += [*_duplicates(made, key), *_half_attributes(made, key)]
        self.mistakes += [f"{schema.name}: {line}" for line in lines]
        return made or ()

    def finish(self, checks: Iterable[RecordCheck] = ()) -> None:
        """Raise an error that lists all mistakes, if there are any.

        Parameters
        ----------
        checks
            Mistakes between records; each is looked for where the tables it needs could be read.

        Raises
        ------
        ProblemError
            With every mistake, one a line.
        """
        found = [*self.mistakes]
        for check in checks:
            found += () if self.broken & {*check.tables} else check.mistakes
        if found:
            raise ProblemError("\n".join(found))


@dataclass(frozen=True)
class RecordCheck:
    """Mistakes between records, looked for when they are iterated over.

    Parameters
    ----------
    mistakes
        The mistakes, each as a sentence.
    tables
        Names of the tables they are looked for in.
    """

    mistakes: Iterable[str]
    tables: Sequence[str]


def _made(kind: type, table: _Table, given: Sequence[Any], faults: Sequence[Fault]) -> tuple[Any, ...] | None:
    """Return the records of a table, wrong values replaced by defaults; None where a field without one is wrong."""
    defaults = {item.name: item.default for item in plain_fields(kind) if not item.required}
    if not {str(fault.place[1]) for fault in faults} <= defaults.keys():
        return None
    if not given:
        for fault in faults:
            table.rows[int(fault.place[0])].pop(str(fault.place[1]))
        return tuple(kind(**row, attributes=extra) for row, extra in table.pairs())
    wrong: dict[int, dict[str, Any]] = {}
    for fault in faults:
        wrong.setdefault(int(fault.place[0]), {})[str(fault.place[1])] = defaults[str(fault.place[1])]
    return tuple(
        replace(item, **wrong[place]) if place in wrong else item for place, item in enumerate(given)
    )


def _half_attributes(given: Sequence[Any], key: Sequence[str]) -> Iterator[str]:
    """Say which attributes of records no file can hold."""
    for record in given:
        for name, value in record.attributes.items():
            if not (is_whole(str(name)) and (not isinstance(value, str) or is_whole(value))):
                label = "/".join(str(getattr(record, part)) for part in key)
                yield f"attribute {name!r} of {label!r}, {value!r:.80}: must be {WHOLE_TEXT}"


def _duplicates(items: Sequence[Record], key: Sequence[str]) -> Iterable[str]:
    counts = Counter(tuple(getattr(item, name) for name in key) for item in items)
    again = ["/".join(map(str, value)) for value, count in counts.items() if count > 1]
    if again:
        yield f"{list_names(again)} appears more than once; {' and '.join(key)} must be unique"


@dataclass
class _Table:
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
        Numbers in columns of clock times that declare no unit, by column.
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
    bare_clocks: dict[str, list[float]] = field(default_factory=dict)
    of_day: bool = False

    def pairs(self) -> Iterable[tuple[dict[str, Any], dict[str, Attribute]]]:
        """Return fields and attributes of every row."""
        return zip(self.rows, self.attributes, strict=True)


def _fault_lines(found: Sequence[Fault], table: _Table, kind: type, key: Sequence[str]) -> Iterable[str]:
    """Yield a line for each field and rule, with the records concerned."""
    optional = {item.name for item in plain_fields(kind) if item.optional}
    clocks = {item.name for item in plain_fields(kind) if item.clock}
    groups: dict[tuple[str, str], list[Fault]] = {}
    for fault in found:
        groups.setdefault((str(fault.place[1]), fault.rule or fault.message), []).append(fault)
    for (name, _), alike in groups.items():
        places = [int(fault.place[0]) for fault in alike]
        labels = [_label(table.rows[at], key) for at in places]
        place = f"{name} of {list_names(labels)}"
        if table.columns and (alike[0].of_type or not all(labels)):
            place = f"column {table.columns[name]!r}, {_row_numbers(places)}"
        message = "is blank, but a value is required" if alike[0].kind == "missing" else fault_text(alike)
        if name in clocks:
            message = message.replace("must be a number", "must be a time of day such as 8:30, or a number")
        yield f"{place}: {message}" + ("; it may be left out" if name in optional else "")


def _label(row: Mapping[str, Any], key: Sequence[str]) -> str:
    return "/".join(str(row[part]) for part in key if row.get(part, "") != "")


def _blank(item: PlainField, column: str, places: Sequence[int]) -> str:
    """Say that cells are blank which must not be, and what to write."""
    write = "true or false" if item.type is bool else "a number"
    otherwise = "nothing is limited" if item.default == math.inf else f"it is {_in_file(item.default)}"
    return (
        f"column {column!r}, {_row_numbers(places)}: is blank; write {write} (without the column {otherwise})"
    )


def _in_file(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else number_text(float(value), 6)


def _row_numbers(places: Sequence[int]) -> str:
    shown = list_names([str(place + 1) for place in places], quoted=False)
    return f"{'rows' if len(places) > 1 else 'row'} {shown}"


def _table_of(items: Sequence[Record], kind: type) -> _Table:
    for number, item in enumerate(items, start=1):
        if not isinstance(item, kind):
            message = (
                f"entry {number} is a {type(item).__name__}; give {kind.__name__} objects or a DataFrame"
            )
            return _Table([], mistakes=[message], broken=True)
    return _Table([row_of(item) for item in items])


def _with_clock_times(item: Any, schema: TableSchema) -> Any:
    """Return a record with numbers for what is written as a time of day; the record itself where nothing is."""
    of_kind = isinstance(item, schema.record)
    if not of_kind:
        return item
    read = {
        part.name: clock_value(getattr(item, part.name), schema.units.get(part.name, "min"))
        for part in plain_fields(schema.record)
        if part.clock and part.type is float
    }
    written = {name: value for name, value in read.items() if value is not None}
    return replace(item, **written) if written else item


def _declared(frame: pd.DataFrame) -> Mapping[str, str]:
    """Return the units the frame declares, by column."""
    if not frame.attrs:
        return {}
    from kanopt.tables import units_of

    return units_of(frame)


class _FrameReader:
    """Reads one frame; converts cells to the types of their fields where possible."""

    def __init__(self, frame: pd.DataFrame, schema: TableSchema, columns: Mapping[str, str]) -> None:
        self.frame = frame
        self.schema = schema
        self.declared = _declared(frame)
        self.fields = plain_fields(schema.record)
        self.named = columns
        names = [item.name for item in self.fields]
        self.table = _Table(
            [{} for _ in range(len(frame))], columns={name: columns.get(name, name) for name in names}
        )
        self.table.mistakes += [
            f"no field {name!r} to fill from a column; {nearest(name, names)}"
            for name in columns
            if name not in names
        ]

    def read(self) -> _Table:
        times = Counter(self.frame.columns)
        twice = [f"column {name!r} appears {count} times" for name, count in times.items() if count > 1]
        if twice:
            return _Table([], mistakes=twice, broken=True)
        for item in self.fields:
            column = self.table.columns[item.name]
            if column in self.frame.columns:
                self._fill(item, column)
            elif item.required or item.name in self.named:
                hint = nearest(column, map(str, self.frame.columns))
                self._refuse(item, f"column {column!r} is missing; {hint}")
        if self.schema.of_day and (asked := self._ask_for_hours()):
            self.table.mistakes.append(asked)
        self.table.attributes = self._attributes()
        return self.table

    def _refuse(self, item: PlainField, mistake: str) -> None:
        self.table.mistakes.append(mistake)
        self.table.unread.add(item.name)
        self.table.broken |= item.required

    def _ask_for_hours(self) -> str:
        """Return a question where clock times without a unit look like hours."""
        clocks = [item.name for item in self.fields if item.clock]
        unit = self.schema.units.get(clocks[0], "min") if clocks else ""
        return unstated_hours(self.table.bare_clocks.items(), unit) if unit else ""

    def _fill(self, item: PlainField, column: str) -> None:
        """Put the cells of a column that are not blank into the rows."""
        values = self.frame[column]
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
            if cell is not None:
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


def _no_number(values: pd.Series[Any], item: PlainField, unit: str) -> str:
    """Say what a column holds in place of numbers, and what to give."""
    what = "dates" if values.dtype.kind == "M" else "durations"
    wanted = "times of day such as 8:30" if item.clock else "numbers"
    return f"{what}; give {wanted}" + (f"{' or numbers' if item.clock else ''} in {unit!r}" if unit else "")


def _cells(values: pd.Series[Any], kind: type, units: tuple[str, str]) -> list[Any]:
    """Convert cells to a type where possible, keep the others, and return None for a blank text."""
    given = values.tolist()
    if kind is str:
        return [text if text.strip() else None for text in names_of(given)]
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
