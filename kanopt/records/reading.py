"""Read the tables of a problem into records, and check records that were built by hand.

Records are validated when a problem reads them, not when they are built, so that all mistakes are reported at once and
in the same words, whether a record came from a frame or was built by hand. Both are read in one pass: cells become
values of the types of their fields where they can, clock times become numbers, what is wrong or odd is noted beside,
and records are made of the rest.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from itertools import combinations
from numbers import Real
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd

from kanopt.errors import ProblemError, UnitError, nearest
from kanopt.faults import (
    WHOLE_TEXT,
    Fault,
    Invalid,
    Message,
    Setting,
    coerced_numbers,
    describe_value,
    invalid_text,
    is_whole,
)
from kanopt.formulas.variables import ReferenceValue
from kanopt.records.declaration import invalid_rows, row_of
from kanopt.records.fields import Field, Table, Usual, clock_cells, spans_text, unstated_times, window_cells
from kanopt.records.headers import column_hint
from kanopt.tables.report import declared_units
from kanopt.text import amount_text, list_names, number_text
from kanopt.units import convert, factor, same_dimension

# The records a problem is made of, and the arrays that laws read from them.
#
# A problem speaks of clients, machines or lanes: frozen dataclasses with a few fields of their own and a
# mapping ``attributes`` for whatever else the user's table holds. :mod:`kanopt.records.reading` reads and
# checks them; :func:`field_values` turns one field or attribute of many records into an array with a unit,
# which is how ``client.demand`` or ``vehicle.fuel_price`` is resolved.


@dataclass(frozen=True)
class Quantity:
    """A number with a unit.

    Examples
    --------
    >>> Quantity(1.8, "EUR/l")
    Quantity(value=1.8, unit='EUR/l')
    """

    value: float
    unit: str = ""


Attribute: TypeAlias = float | str | Quantity
"""Value of an attribute: a bare number, a text, or a number with a unit."""


class Record(Protocol):
    """A frozen dataclass with a mapping of further attributes."""

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """What the table holds besides the fields."""
        ...


def field_values(
    items: Sequence[Record], field: str, *, units: Mapping[str, str] | None = None, where: str = "records"
) -> ReferenceValue:
    """Return one field or attribute of many records as an array with its unit.

    Parameters
    ----------
    items
        The records; fields come before attributes.
    field
        Name of the field or attribute.
    units
        Unit of each field of the records.
    where
        What the records are called in messages.

    Returns
    -------
    Known
        Values of shape ``(len(items),)``: float64, or object where they are texts. Attributes in several
        units are converted to that of the first record.

    Raises
    ------
    ProblemError
        If a record has no such field or attribute (names the nearest), or texts and numbers are mixed.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> vans = [SimpleNamespace(attributes={"price": Quantity(2.0, "EUR/l")}),
    ...         SimpleNamespace(attributes={"price": Quantity(0.0018, "EUR/ml")})]
    >>> field_values(vans, "price")
    ReferenceValue(values=array([2. , 1.8]), unit='EUR/l')
    """
    values = [_field_value(item, field, units or {}, where, items) for item in items]
    texts = {isinstance(value, str) for value in values}
    if texts == {True}:
        return ReferenceValue(np.array(values, dtype=object))
    if len(texts) > 1:
        raise ProblemError(f"{where}: {field!r} is a text in some records and a number in others")
    quantities = [value if isinstance(value, Quantity) else Quantity(float(value)) for value in values]
    unit = quantities[0].unit if quantities else ""
    if any(bool(each.unit) != bool(unit) for each in quantities):
        raise ProblemError(f"{where}: {field!r} has a unit in some records and none in others")
    try:
        numbers = [convert(each.value, each.unit, unit) for each in quantities]
    except UnitError as error:
        raise ProblemError(f"{where}: {field!r}: {error}") from error
    return ReferenceValue(np.array(numbers, dtype=np.float64), unit)


def _field_value(
    item: Record, field: str, units: Mapping[str, str], where: str, items: Sequence[Record]
) -> Attribute:
    names = [name for name in getattr(type(item), "__dataclass_fields__", ()) if name != "attributes"]
    if field not in names and field in item.attributes:
        return item.attributes[field]
    label = repr(getattr(item, "name", type(item).__name__))
    if field not in names:
        alike = [each for each in items if type(each) is type(item)]
        told = f"{label} has no {field!r}; {nearest(field, [*names, *item.attributes])}"
        if any({*item.attributes, field} <= {*each.attributes} for each in alike):
            row = next(place for place, each in enumerate(alike, start=1) if each is item)
            told = f"row {row:,}, {label}: {field!r} is blank, but a law reads it; write a value"
        raise ProblemError(f"{where}: {told}")
    value = getattr(item, field)
    if value is None:
        raise ProblemError(f"{where}: {field!r} of {label} is not set, but a law reads it")
    if isinstance(value, (str, tuple)):
        return value if isinstance(value, str) else ", ".join(value)
    return Quantity(float(value), units.get(field, ""))


def names_of(values: Iterable[Any]) -> list[str]:
    """Return names as texts; whole numbers are written without a decimal point.

    Examples
    --------
    >>> names_of([1.0, 2, "c3"])
    ['1', '2', 'c3']
    """
    whole = [int(v) if isinstance(v, float) and v.is_integer() else v for v in values]
    return [*map(str, whole)]


class RecordReader:
    """Reads the tables of a problem and collects their mistakes, so that all are reported at once.

    Parameters
    ----------
    day
        The day of the plan, from whose midnight dates with a time of day count as clock times; None for none.

    Attributes
    ----------
    faults
        Mistakes found so far.
    broken
        Names of the tables of which no records could be made.
    filled
        Table to the fields that its columns fill; of tables that were given as frames.
    declared
        Table to the fields whose columns declare a unit; of tables that were given as frames.
    of_day
        Whether some clock time was written as a time of day.
    questions
        What is asked back: numbers that are unusual for what they measure, and what others find.

    Examples
    --------
    >>> from kanopt.supply import Market, Product, SupplyUnits
    >>> reader, units = RecordReader(), SupplyUnits()
    >>> _ = reader.read([Product("flour", weight=-1.0)], units.table(Product))
    >>> _ = reader.read(pd.DataFrame({"name": ["Lyon"], "x": ["two"]}), units.table(Market))
    >>> for fault in reader.faults:
    ...     print(fault)
    products: weight of 'flour': must be greater than 0, not the number -1.0
    markets: column 'x', row 1 ('Lyon'): must be a number, not the text 'two'; it may be left out
    """

    def __init__(self, day: date | None = None) -> None:
        self.day = day
        self.faults: list[Fault] = []
        self.broken: set[str] = set()
        self.filled: dict[str, frozenset[str]] = {}
        self.declared: dict[str, frozenset[str]] = {}
        self.of_day = False
        self.questions: list[Fault] = []

    def read(self, data: pd.DataFrame | Iterable[Any], table: Table) -> tuple[Any, ...]:
        """Return the records of a table, none where they cannot be made.

        A value of the wrong type is a mistake; to go on with the others, its field takes its default. Columns that fill
        no field become ``attributes``: a text, a number, or a :class:`~kanopt.records.reading.Quantity` where the frame
        declares a unit.

        Parameters
        ----------
        data
            A frame with one row per record and columns called like fields, or records.
        table
            What the rows become.
        """
        rows = _Rows(table, self)
        if isinstance(data, pd.DataFrame):
            self.filled[table.name] = self.declared[table.name] = frozenset()
            rows.read_frame(data)
        else:
            rows.read_given(tuple(data))
        made = rows.made()
        self.of_day |= rows.of_day
        self.faults += rows.faults
        return made

    def finish(self, checks: Iterable[RecordCheck] = ()) -> None:
        """Raise an error that lists all mistakes, if there are any; see :meth:`all_faults`.

        Parameters
        ----------
        checks
            Mistakes between records.

        Raises
        ------
        ProblemError
            With every mistake, one a line.
        """
        if found := self.all_faults(checks):
            raise ProblemError.of(found)

    def all_faults(self, checks: Iterable[RecordCheck]) -> list[Fault]:
        """Return the mistakes in tables, and those between records where the tables could be read."""
        whole = (check for check in checks if not self.broken & {*check.tables})
        return [*self.faults, *(fault for check in whole for fault in check.faults)]


@dataclass(frozen=True)
class RecordCheck:
    """Mistakes between records, looked for when they are iterated over.

    Parameters
    ----------
    faults
        The mistakes.
    tables
        Names of the tables they are looked for in.
    """

    faults: Iterable[Fault]
    tables: Collection[str]


class _Rows:
    """Rows of a table on their way to records.

    Attributes
    ----------
    rows
        The values of the fields, for every row.
    make
        Makes a record of each row.
    faults, questions
        What is wrong with them, and what is asked back.
    filled, declared
        Names of the fields that a column fills, and of those whose columns declare a unit.
    unread
        Names of the fields that could not be read at all.
    broken
        Whether no records can be made of it.
    bare
        Field of clock times to the numbers in it that declare no unit, as they were written.
    of_day
        Whether some clock time is written as a time of day.
    """

    def __init__(self, table: Table, reader: RecordReader) -> None:
        self.table, self.reader = table, reader
        self.rows: list[dict[str, Any]] = []
        self.make: list[Callable[..., Any]] = []
        self.faults: list[Fault] = []
        self.unread: set[str] = set()
        self.bare: dict[str, list[str]] = {}
        self.broken = self.from_frame = self.of_day = False

    def read_given(self, given: Sequence[Any]) -> None:
        """Read records that were built by hand."""
        for number, item in enumerate(given, start=1):
            if not isinstance(item, self.table.record):
                advice = f"give {self.table.record.__name__} objects or a DataFrame"
                self._break(f"entry {number} is a {type(item).__name__}", advice)
                return
            attributes = getattr(item, "attributes", {})
            if not isinstance(attributes, Mapping):
                what = f"attributes of entry {number} are {describe_value(attributes)}"
                self._break(what, "give a dict of names and values")
                return
        self.rows = [row_of(item) for item in given]
        self.make = [partial(_changed, item, dict(row)) for item, row in zip(given, self.rows, strict=True)]
        for item in self.table.fields:
            if item.clock or item.is_list:
                # what was left out says nothing
                stated = [row for row in self.rows if not _is_same(row[item.name], item.default)]
                cells = [_listed(row[item.name], item) for row in stated]
                cells = self._clock_values(item, cells, "") if item.clock else cells
                for row, value in zip(stated, cells, strict=True):
                    row[item.name] = value
        # nobody can declare the unit of a record, and toy problems count from zero: asked, not refused
        self.reader.questions += self._asked_times()

    def read_frame(self, frame: pd.DataFrame) -> None:
        """Read the rows of a frame whose columns are called like fields."""
        self.from_frame = True
        columns = list(map(str, frame.columns))
        units = declared_units(frame, self.table.name) if frame.attrs else {}
        twice = {name: count for name, count in Counter(columns).items() if count > 1}
        for name, count in twice.items():
            self._break(f"column {name!r} appears {count} times")
        if twice:
            return
        self.rows = [{} for _ in range(len(frame))]
        fields = {item.name: item for item in self.table.fields}
        others = _attributes(frame, [name for name in frame.columns if name not in fields], units)
        self.make = [partial(self.table.record, attributes=extra) for extra in others]
        there = {name: _without_blanks(frame[name]) for name in fields if name in columns}
        filled = frozenset(name for name, values in there.items() if values.notna().any())
        self.reader.filled[self.table.name] = filled
        self.reader.declared[self.table.name] = frozenset(name for name in there if units.get(name))
        for name, item in fields.items():
            if name in there:
                self._read_column(item, there[name], units.get(name, ""))
            elif item.required:
                self._refuse(item, "is missing", column_hint(self.table.name, item, columns))
        self.faults += self._asked_times()

    def made(self) -> tuple[Any, ...]:
        """Return the records, wrong values replaced by defaults; none where a field without one is wrong."""
        table = self.table
        wrong = [each for each in invalid_rows(table.record, self.rows) if each.place[1] not in self.unread]
        self.faults = [self._named(each) for each in (*self.faults, *self._faults_of(wrong))]
        defaults = {item.name: item.default for item in table.fields if not item.required}
        for each in wrong:
            if each.of_type:
                self.broken |= each.place[1] not in defaults
                self.rows[int(each.place[0])][str(each.place[1])] = defaults.get(str(each.place[1]))
        if self.broken:
            self.reader.broken.add(table.name)
            return ()
        records = tuple(make(**row) for make, row in zip(self.make, self.rows, strict=True))
        self.faults += [*_duplicates(records, table), *_half_attributes(records, table)]
        declared = self.reader.declared.get(table.name, ()) if self.from_frame else ()
        self.reader.questions += _unusual_values(table, records, declared)
        return records

    def _named(self, fault: Fault) -> Fault:
        """Return a mistake in rows with what they are called; a file counts its header, too, and rows left out."""
        labels = tuple(self.table.label(self.rows[at]) for at in fault.rows)
        return replace(fault, names=labels) if labels and all(labels) else fault

    def _break(self, what: str, advice: str = "") -> None:
        self.faults.append(Fault(self.table.name, what, advice=advice))
        self.broken = True

    def _refuse(self, item: Field, what: str, advice: Message = "") -> None:
        self.faults.append(Fault(self.table.name, what, field=item.name, column=item.name, advice=advice))
        self.unread.add(item.name)
        self.broken |= item.required

    def _read_column(self, item: Field, values: pd.Series[Any], declared: str) -> None:
        """Put the cells of a column that are not blank into the rows."""
        blank = values.isna().to_numpy()
        filled = np.flatnonzero(~blank)
        target = self.table.units.get(item.name, "min" if item.clock else "")
        # durations are none, dates are clock times where the day of the plan is known
        wrong = "" if item.clock and self.reader.day is not None else "M" if item.clock else "mM"
        if item.kind in (int, float) and values.dtype.kind in wrong:
            what, *advice = _no_number(values, item, target)
            self._refuse(item, f"holds {what}", advice)
            return
        partly = blank.any() and len(filled) and not (item.required or item.may_be_blank)
        # whoever declares the unit of a price means that there is one
        if partly or (item.price and declared and len(values) and not len(filled)):
            self.faults.append(self._blank(item, np.flatnonzero(blank)))
        source = declared if target and (item.kind is float or item.clock) else ""
        try:
            cells = self._cells(item, values.iloc[filled], source, target)
        except UnitError as error:
            self._refuse(item, f"does not fit the unit of its field: {error}")
            return
        for place, cell in zip(filled, cells, strict=True):
            self.rows[place][item.name] = cell

    def _blank(self, item: Field, places: np.ndarray[Any, Any]) -> Fault:
        """Say that cells are blank which must not be, and what to write."""
        write = "true or false" if item.kind is bool else "a number"
        default = str(item.default).lower() if item.kind is bool else number_text(float(item.default or 0), 6)
        otherwise = "nothing is limited" if item.default == math.inf else f"it is {default}"
        advice = f"write {write} (without the column {otherwise})"
        rows = tuple(map(int, places))
        return Fault(self.table.name, "is blank", field=item.name, column=item.name, rows=rows, advice=advice)

    def _cells(self, item: Field, values: pd.Series[Any], source: str, target: str) -> list[Any]:
        """Convert cells to the type of a field where possible, and keep the others."""
        given = values.tolist()
        if item.is_text:
            pairs = zip(given, names_of(given), strict=True)
            texts = [_listed(cell if isinstance(cell, _LISTS) else name, item) for cell, name in pairs]
            return self._clock_values(item, texts, source) if item.clock else texts
        if item.clock:
            return self._clock_values(item, given, source)
        if item.kind is bool:
            return [_TRUTH.get(str(cell).strip().lower().removesuffix(".0"), cell) for cell in given]
        numbers = coerced_numbers(values)
        if source:
            numbers = np.asarray(convert(numbers, source, target))
        read: list[Any] = numbers.tolist()
        if item.kind is int:
            read = [int(number) if number.is_integer() else number for number in read]
        return [cell if number != number else number for number, cell in zip(read, given, strict=True)]

    def _clock_values(self, item: Field, cells: Iterable[Any], source: str) -> list[Any]:
        """Return the cells of a field of clock times as numbers, and note those that declare no unit."""
        unit, given, day = self.table.units.get(item.name, "min"), [*cells], self.reader.day
        read = window_cells(given, source, unit) if item.is_text else clock_cells(given, source, unit, day)
        self.of_day |= read.of_day
        if not source:
            self.bare[item.name] = read.bare
        if item.default != 0.0:
            return read.values
        # what was ready on a day before that of the plan waits for nothing
        pairs = zip(given, read.values, strict=True)
        return [max(0.0, value) if isinstance(cell, datetime) else value for cell, value in pairs]

    def _asked_times(self) -> Iterator[Fault]:
        """Yield a question where clock times without a unit look like others than they count as."""
        unit = next((self.table.units.get(name, "min") for name in self.bare), "min")
        known = {"of_day": self.table.of_day, "beside_written": self.from_frame and self.of_day}
        if asked := unstated_times(self.bare.items(), unit, **known, declared=self.from_frame):
            yield Fault(self.table.name, asked)

    def _faults_of(self, wrong: Sequence[Invalid]) -> Iterator[Fault]:
        """Yield a mistake for each field and rule, with the records concerned."""
        fields = {item.name: item for item in self.table.fields}
        groups: dict[tuple[str, str], list[Invalid]] = {}
        for each in wrong:
            groups.setdefault((str(each.place[1]), each.rule or each.message), []).append(each)
        for (name, _), alike in groups.items():
            places = tuple(dict.fromkeys(int(each.place[0]) for each in alike))
            labels = tuple(self.table.label(self.rows[at]) for at in places)
            by_row = self.from_frame and (alike[0].of_type or not all(labels))
            what = "is blank, but a value is required" if alike[0].kind == "missing" else invalid_text(alike)
            if fields[name].clock:
                what = what.replace("must be a number", "must be a time of day such as 8:30, or a number")
            advice = "it may be left out" if fields[name].optional else ""
            where: dict[str, Any] = {"rows": places, "column": name} if by_row else {"names": labels}
            yield Fault(self.table.name, what, field=name, advice=advice, **where)


def _changed(item: Any, given: Mapping[str, Any], /, **row: Any) -> Any:
    """Return a record with the values of a row; itself where they are those that were given."""
    changed = {name: value for name, value in row.items() if not _is_same(value, given[name])}
    return replace(item, **changed) if changed else item


def _is_same(one: object, other: object) -> bool:
    """Say whether two values are the same; of what may be no value at all, such as an array, whether it is that."""
    return one is other or (isinstance(one, _PLAIN) and isinstance(other, _PLAIN) and one == other)


def _attributes(
    frame: pd.DataFrame, names: Sequence[Any], units: Mapping[str, str]
) -> list[dict[str, Attribute]]:
    """Return the cells of columns that fill no field, for each row."""
    found: list[dict[str, Attribute]] = [{} for _ in range(len(frame))]
    for name in names:
        values, unit = frame[name], units.get(name, "")
        numeric = pd.api.types.is_numeric_dtype(values.dtype)
        for place in np.flatnonzero(values.notna().to_numpy()):
            cell = float(values.iloc[place]) if numeric else str(values.iloc[place])
            found[place][str(name)] = Quantity(cell, unit) if isinstance(cell, float) and unit else cell
    return found


_PLAIN = (str, Real, Decimal, tuple)
_LISTS = (list, tuple, set, frozenset)
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _without_blanks(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column in which an empty text is a blank."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values
    empty = np.array([isinstance(cell, str) and not cell.strip() for cell in values], dtype=bool)
    return values.mask(empty) if empty.any() else values


def _no_number(values: pd.Series[Any], item: Field, unit: str) -> tuple[str | Setting, ...]:
    """Say what a column holds in place of numbers, and what to give."""
    what = "dates" if values.dtype.kind == "M" else "durations"
    wanted = "times of day such as 8:30 or numbers" if item.clock else "numbers"
    give = f"give {wanted}" + (f" in {unit!r}" if unit else "")
    if not item.clock or not len(values):
        return what, give
    day = Setting("day", f"{values.dropna().iloc[0]:%Y-%m-%d}")
    return what, f"{give}, or write the day of the plan: ", day


def _listed(cell: Any, item: Field) -> Any:
    """Return a tuple for a list of texts, which may be written with commas, and a text for a list of windows."""
    if item.is_list and isinstance(cell, str):
        return tuple(dict.fromkeys(word.strip() for word in cell.split(",") if word.strip()))
    if isinstance(cell, _LISTS):
        return tuple(cell) if item.is_list else spans_text(cell) if item.is_text and item.clock else cell
    return cell


def _half_attributes(given: Sequence[Any], table: Table) -> Iterator[Fault]:
    """Say which attributes of records no file can hold."""
    for one in given:
        for name, value in one.attributes.items():
            if not (is_whole(str(name)) and (not isinstance(value, str) or is_whole(value))):
                what = f"attribute {name!r}, {value!r:.80}, must be {WHOLE_TEXT}"
                yield Fault(table.name, what, (table.label(one),))


def _duplicates(items: Sequence[Record], table: Table) -> Iterator[Fault]:
    counts = Counter(tuple(getattr(item, name) for name in table.key) for item in items)
    if again := tuple("/".join(map(str, value)) for value, count in counts.items() if count > 1):
        what = f"{list_names(again)} appears more than once"
        yield Fault(table.name, what, advice=f"{' and '.join(table.key)} must be unique")


def empty_tables(records: Mapping[str, Sequence[Any]], needed: Iterable[str]) -> list[RecordCheck]:
    """Return the checks that some tables, by their names, have a record."""
    told = {name: Fault(name, "there is none", advice="give at least one") for name in needed}
    return [RecordCheck(() if records[name] else (fault,), [name]) for name, fault in told.items()]


def shared_names(records: Mapping[str, Sequence[Any]]) -> Iterator[Fault]:
    """Yield the names that records of several tables have, by the names of the tables."""
    names = {table: dict.fromkeys(one.name for one in found) for table, found in records.items()}
    for one, other in combinations(names, 2):
        if again := [name for name in names[one] if name in names[other]]:
            what = f"{list_names(again)} appears among {one} and {other}"
            yield Fault(one, what, advice="names must be unique")


def reference_checks(tables: Iterable[Table], records: Mapping[str, Sequence[Any]]) -> list[RecordCheck]:
    """Return the checks that the names which fields take from other tables are those of records there.

    Parameters
    ----------
    tables
        The tables whose fields are looked at.
    records
        The records of each table, by its name.
    """
    pairs = [(table, item) for table in tables for item in table.fields if item.refers]
    read = [{table.name, *item.refers} for table, item in pairs]
    wrong = [_unknown_names(table, item, records) for table, item in pairs]
    return [*map(RecordCheck, wrong, read)]


def _unknown_names(table: Table, item: Field, records: Mapping[str, Sequence[Any]]) -> Iterator[Fault]:
    names = {one.name for other in item.refers for one in records[other]}
    wrong: dict[str, list[str]] = {}
    for one in records[table.name]:
        given = getattr(one, item.name)
        for name in given if isinstance(given, tuple) else (given,) if given or item.required else ():
            if name not in names:
                wrong.setdefault(name, []).append(table.label(one))
    for name, labels in wrong.items():
        what = f"{name!r} is none of the {' or '.join(item.refers)}"
        yield Fault(table.name, what, tuple(labels), item.name, advice=nearest(name, names))


def _unusual_values(table: Table, records: Sequence[Any], declared: Collection[str]) -> Iterator[Fault]:
    """Yield a question for each field in which numbers are unusual; none where its column declares a unit."""
    for item in table.fields:
        counted = table.units.get(item.name, "")
        usual = None if item.usual is None else item.usual.in_money_of(counted)
        if usual is None or item.name in declared or not same_dimension(counted, usual.unit):
            continue
        # what is not limited is fine, and so is zero
        every = pd.Series([getattr(one, item.name) or 0.0 for one in records], dtype=float)
        given = every[np.isfinite(every) & (every != 0)]

        def odd(unit: str, usual: Usual = usual, given: pd.Series[float] = given) -> pd.Series[float]:
            return given[~(given.abs() * factor(unit, usual.unit)).between(usual.low, usual.high)]

        if (found := odd(counted)).empty:
            continue
        low, high = float(found.min()), float(found.max())
        shown = ("" if low == high else f"{number_text(low)} to ") + amount_text(high, counted)
        if counted != usual.unit:
            shown += f" ({amount_text(convert(high, counted, usual.unit), usual.unit)})"
        fit = (unit for unit in usual.alternatives if not odd(unit).index.isin(found.index).any())
        meant = next((unit for unit in fit if unit != counted), "")
        hint = f"is it in {meant}?" if meant else f"is it really in {counted}?"
        limits = f"{number_text(usual.low)} to {amount_text(usual.high, usual.unit)}"
        what = f"is {shown}, where {limits} are usual; {hint}"
        labels = tuple(table.label(records[place]) for place in found.index)
        yield Fault(table.name, what, labels, item.name, advice="declare the unit of its column")


def idle_fields(tables: Iterable[tuple[Table, Sequence[Any]]]) -> tuple[Fault, ...]:
    """Tell of fields that are filled and change nothing, because another one is blank.

    A penalty for being late costs nothing where nothing is due. Who filled it expects otherwise, so it is told of.

    Examples
    --------
    >>> from kanopt.scheduling import Job, SchedulingUnits
    >>> jobs = [Job("a", tardiness_cost=2.0), Job("b")]
    >>> print(*idle_fields([(SchedulingUnits().table(Job), jobs)]))
    jobs: tardiness_cost of 'a': changes nothing without due_date
    """
    told = []
    for table, records in tables:
        blank = {item.name: item.default for item in table.fields}
        for item in (each for each in table.fields if each.needs):
            idle = [one for one in records if all(getattr(one, name) == blank[name] for name in item.needs)]
            filled = (one for one in idle if getattr(one, item.name) not in (blank[item.name], 0))
            if labels := tuple(map(table.label, filled)):
                what = f"changes nothing without {' or '.join(item.needs)}"
                told.append(Fault(table.name, what, labels, item.name))
    return tuple(told)
