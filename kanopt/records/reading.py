"""Read the tables of a problem into records, and check records that were built by hand.

Records are validated when a problem reads them, not when they are built, so that all mistakes are reported at once and
in the same words, whether a record came from a frame or was built by hand. Both are read in one pass: cells become
values of the types of their fields where they can, clock times become numbers, what is wrong or odd is noted beside,
and records are made of the rest.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from kanopt.errors import ProblemError, UnitError, nearest
from kanopt.faults import Fault
from kanopt.records.clock_times import clock_cells, spans_text, unstated_times, window_cells
from kanopt.records.declaration import invalid_rows, row_of
from kanopt.records.fields import Field, Table, Usual
from kanopt.records.likeness import column_hint
from kanopt.records.record import Attribute, Quantity, Record, names_of
from kanopt.tables.report import declared_units
from kanopt.text import amount_text, list_names, number_text
from kanopt.units import convert, factor, same_dimension
from kanopt.validation import WHOLE_TEXT, Invalid, coerced_numbers, invalid_text, is_whole

__all__ = [
    "RecordCheck",
    "RecordReader",
    "empty_tables",
    "idle_fields",
    "reference_checks",
    "shared_names",
]


class RecordReader:
    """Reads the tables of a problem and collects their mistakes, so that all are reported at once.

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
    >>> from kanopt.problems.supply import Market, Product, SupplyUnits
    >>> reader, units = RecordReader(), SupplyUnits()
    >>> _ = reader.read([Product("flour", weight=-1.0)], units.table(Product))
    >>> _ = reader.read(pd.DataFrame({"name": ["Lyon"], "x": ["two"]}), units.table(Market))
    >>> for fault in reader.faults:
    ...     print(fault)
    products: weight of 'flour': must be greater than 0, not the number -1.0
    markets: column 'x', row 1: must be a number, not the text 'two'; it may be left out
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.broken: set[str] = set()
        self.filled: dict[str, frozenset[str]] = {}
        self.declared: dict[str, frozenset[str]] = {}
        self.of_day = False
        self.questions: list[Fault] = []

    def read(self, data: pd.DataFrame | Iterable[Any], table: Table) -> tuple[Any, ...]:
        """Return the records of a table, none where they cannot be made.

        A value of the wrong type is a mistake; to go on with the others, its field takes its default. Columns that fill
        no field become ``attributes``: a text, a number, or a :class:`~kanopt.records.record.Quantity` where the frame
        declares a unit.

        Parameters
        ----------
        data
            A frame with one row per record and columns called like fields, or records.
        table
            What the rows become.
        """
        if isinstance(data, pd.DataFrame):
            rows: _Rows = _FrameRows(data, table)
            self.filled[table.name] = frozenset(rows.filled)
            self.declared[table.name] = frozenset(rows.declared)
        else:
            rows = _GivenRows(data, table)
        made = rows.made()
        if made is None:
            self.broken.add(table.name)
        self.of_day |= rows.of_day
        self.faults += rows.faults
        self.questions += rows.questions
        return made or ()

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
        found = [*self.faults]
        for check in checks:
            found += () if self.broken & {*check.tables} else check.faults
        return found


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
    faults, questions
        What is wrong with them, and what is asked back.
    filled, declared
        Names of the fields that a column fills, and of those whose columns declare a unit.
    unread
        Names of the fields that could not be read at all.
    broken
        Whether no records can be made of it.
    of_day
        Whether some clock time is written as a time of day.
    """

    from_frame = False

    def __init__(self, table: Table, count: int) -> None:
        self.table = table
        self.rows: list[dict[str, Any]] = [{} for _ in range(count)]
        self.faults: list[Fault] = []
        self.questions: list[Fault] = []
        self.filled: set[str] = set()
        self.declared: set[str] = set()
        self.unread: set[str] = set()
        self.broken = False
        self.of_day = False
        self._bare: dict[str, list[str]] = {}

    def made(self) -> tuple[Any, ...] | None:
        """Return the records, wrong values replaced by defaults; None where a field without one is wrong."""
        table = self.table
        wrong = [each for each in invalid_rows(table.record, self.rows) if each.place[1] not in self.unread]
        self.faults += self._faults_of(wrong)
        defaults = {item.name: item.default for item in table.fields if not item.required}
        for each in wrong:
            place, name = int(each.place[0]), str(each.place[1])
            if each.of_type:
                self.broken |= name not in defaults
                self.set(place, name, defaults.get(name))
        if self.broken:
            return None
        records = self.records()
        self.faults += [*_duplicates(records, table), *_half_attributes(records, table)]
        self.questions += _unusual_values(table, records, self.declared)
        return records

    def set(self, place: int, name: str, value: Any) -> None:
        """Give a field of a row a value."""
        self.rows[place][name] = value

    def records(self) -> tuple[Any, ...]:
        """Return the records of the rows, in which nothing is of the wrong type any more."""
        raise NotImplementedError

    def clock_values(self, item: Field, given: Sequence[Any], source: str) -> list[Any]:
        """Return the cells of a field of clock times as numbers, and note those that declare no unit."""
        unit = self.table.units.get(item.name, "min")
        read = window_cells(given, source, unit) if item.is_text else clock_cells(given, source, unit)
        self.of_day |= read.of_day
        if not source:
            self._bare[item.name] = read.bare
        return read.values

    def asked_times(self) -> Iterator[Fault]:
        """Yield a question where clock times without a unit look like others than they count as."""
        unit = next((self.table.units.get(name, "min") for name in self._bare), "min")
        asked = unstated_times(
            self._bare.items(),
            unit,
            of_day=self.table.of_day,
            beside_written=self.from_frame and self.of_day,
            declared=self.from_frame,
        )
        if asked:
            yield Fault(self.table.name, asked)

    def _faults_of(self, wrong: Sequence[Invalid]) -> Iterator[Fault]:
        """Yield a mistake for each field and rule, with the records concerned."""
        fields = {item.name: item for item in self.table.fields}
        groups: dict[tuple[str, str], list[Invalid]] = {}
        for each in wrong:
            groups.setdefault((str(each.place[1]), each.rule or each.message), []).append(each)
        for (name, _), alike in groups.items():
            places = tuple(int(each.place[0]) for each in alike)
            labels = tuple(self.table.label(self.rows[at]) for at in places)
            by_row = self.from_frame and (alike[0].of_type or not all(labels))
            what = "is blank, but a value is required" if alike[0].kind == "missing" else invalid_text(alike)
            if fields[name].clock:
                what = what.replace("must be a number", "must be a time of day such as 8:30, or a number")
            advice = "it may be left out" if fields[name].optional else ""
            if by_row:
                yield Fault(self.table.name, what, field=name, rows=places, column=name, advice=advice)
            else:
                yield Fault(self.table.name, what, labels, name, advice=advice)


class _GivenRows(_Rows):
    """Rows of records that were built by hand."""

    def __init__(self, data: Iterable[Any], table: Table) -> None:
        self.given = tuple(data)
        super().__init__(table, 0)
        self._changes: dict[int, dict[str, Any]] = {}
        for number, item in enumerate(self.given, start=1):
            if not isinstance(item, table.record):
                what = f"entry {number} is a {type(item).__name__}"
                advice = f"give {table.record.__name__} objects or a DataFrame"
                self.faults.append(Fault(table.name, what, advice=advice))
                self.broken = True
                return
        self.rows = [row_of(item) for item in self.given]
        for field in table.fields:
            if field.clock or field.is_list:
                self._plain(field)
        # nobody can declare the unit of a record, and toy problems count from zero: asked, not refused
        self.questions += self.asked_times()

    def _plain(self, item: Field) -> None:
        """Put numbers for times of day, tuples for lists and texts for windows, where others were given."""
        given = {
            place: _listed(row[item.name], item)
            for place, row in enumerate(self.rows)
            if row[item.name] != item.default
        }
        if item.clock:
            kinds = str if item.is_text else object
            cells = {place: cell for place, cell in given.items() if isinstance(cell, kinds)}
            given |= zip(cells, self.clock_values(item, [*cells.values()], ""), strict=True)
        for place, value in given.items():
            if value is not (old := self.rows[place][item.name]) and (value != old or type(value) is tuple):
                self.set(place, item.name, value)

    def set(self, place: int, name: str, value: Any) -> None:
        super().set(place, name, value)
        self._changes.setdefault(place, {})[name] = value

    def records(self) -> tuple[Any, ...]:
        changed = self._changes
        return tuple(
            replace(item, **changed[place]) if place in changed else item
            for place, item in enumerate(self.given)
        )


class _FrameRows(_Rows):
    """Rows of a frame whose columns are called like fields."""

    from_frame = True

    def __init__(self, frame: pd.DataFrame, table: Table) -> None:
        super().__init__(table, len(frame))
        self.frame = frame
        columns = list(map(str, frame.columns))
        self.units = declared_units(frame, table.name) if frame.attrs else {}
        if twice := [name for name, count in Counter(columns).items() if count > 1]:
            told = [f"column {name!r} appears {columns.count(name)} times" for name in twice]
            self.faults += [Fault(table.name, each) for each in told]
            self.rows, self.broken = [], True
            return
        for item in table.fields:
            if item.name in columns:
                self._fill(item)
            elif item.required:
                hint = column_hint(table.name, Field.of(item, table), columns)
                self._refuse(item, "is missing", hint)
        self.faults += self.asked_times()

    def _refuse(self, item: Field, what: str, advice: str = "") -> None:
        self.faults.append(Fault(self.table.name, what, field=item.name, column=item.name, advice=advice))
        self.unread.add(item.name)
        self.broken |= item.required

    def _fill(self, item: Field) -> None:
        """Put the cells of a column that are not blank into the rows."""
        values = _without_blanks(self.frame[item.name])
        blank = values.isna().to_numpy()
        filled = np.flatnonzero(~blank)
        target = self.table.units.get(item.name, "min" if item.clock else "")
        declared = self.units.get(item.name, "")
        self.filled |= {item.name} if len(filled) else set()
        self.declared |= {item.name} if declared else set()
        if item.kind in (int, float) and values.dtype.kind in ("M" if item.clock else "mM"):
            self._refuse(item, f"holds {_no_number(values, item, target)}")
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
        return Fault(
            self.table.name,
            "is blank",
            field=item.name,
            column=item.name,
            rows=tuple(map(int, places)),
            advice=f"write {write} (without the column {otherwise})",
        )

    def _cells(self, item: Field, values: pd.Series[Any], source: str, target: str) -> list[Any]:
        """Convert cells to the type of a field where possible, and keep the others."""
        given = values.tolist()
        if item.is_text:
            texts = [_listed(text, item) for text in names_of(given)]
            return self.clock_values(item, texts, source) if item.clock else texts
        if item.clock:
            return self.clock_values(item, given, source)
        if item.kind is bool:
            return [_TRUTH.get(str(cell).strip().lower().removesuffix(".0"), cell) for cell in given]
        numbers = coerced_numbers(values)
        if source:
            numbers = np.asarray(convert(numbers, source, target))
        read: list[Any] = numbers.tolist()
        if item.kind is int:
            read = [int(number) if number.is_integer() else number for number in read]
        return [cell if number != number else number for number, cell in zip(read, given, strict=True)]

    def records(self) -> tuple[Any, ...]:
        pairs = zip(self.rows, self._attributes(), strict=True)
        return tuple(self.table.record(**row, attributes=extra) for row, extra in pairs)

    def _attributes(self) -> list[dict[str, Attribute]]:
        """Collect the columns that fill no field."""
        fields = {item.name for item in self.table.fields}
        found: list[dict[str, Attribute]] = [{} for _ in self.rows]
        for column in self.frame.columns:
            if column in fields:
                continue
            values, unit = self.frame[column], self.units.get(column, "")
            numeric = pd.api.types.is_numeric_dtype(values.dtype)
            for place in np.flatnonzero(values.notna().to_numpy()):
                value = values.iloc[place]
                if not numeric:
                    found[place][str(column)] = str(value)
                else:
                    found[place][str(column)] = Quantity(float(value), unit) if unit else float(value)
        return found


_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _without_blanks(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column in which an empty text is a blank."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values
    empty = np.array([isinstance(cell, str) and not cell.strip() for cell in values], dtype=bool)
    return values.mask(empty) if empty.any() else values


def _no_number(values: pd.Series[Any], item: Field, unit: str) -> str:
    """Say what a column holds in place of numbers, and what to give."""
    what = "dates" if values.dtype.kind == "M" else "durations"
    wanted = "times of day such as 8:30 or numbers" if item.clock else "numbers"
    return f"{what}; give {wanted}" + (f" in {unit!r}" if unit else "")


def _listed(cell: Any, item: Field) -> Any:
    """Return a tuple for a list of texts, which may be written with commas, and a text for a list of windows."""
    if item.is_list and isinstance(cell, str):
        return tuple(dict.fromkeys(word.strip() for word in cell.split(",") if word.strip()))
    if isinstance(cell, (list, tuple, set, frozenset)):
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
    again = tuple("/".join(map(str, value)) for value, count in counts.items() if count > 1)
    if again:
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
    return [
        RecordCheck(_unknown_names(table, item, records), {table.name, *item.refers})
        for table in tables
        for item in table.fields
        if item.refers
    ]


def _unknown_names(table: Table, item: Field, records: Mapping[str, Sequence[Any]]) -> Iterator[Fault]:
    names = {one.name for other in item.refers for one in records[other]}
    wrong: dict[str, list[str]] = {}
    for one in records[table.name]:
        given = getattr(one, item.name)
        for name in given if isinstance(given, tuple) else (given,) if given else ():
            if name not in names:
                wrong.setdefault(name, []).append(table.label(one))
    for name, labels in wrong.items():
        what = f"{name!r} is none of the {' or '.join(item.refers)}"
        yield Fault(table.name, what, tuple(labels), item.name, advice=nearest(name, names))


def _unusual_values(table: Table, records: Sequence[Any], declared: Collection[str]) -> Iterator[Fault]:
    """Yield a question for each field of a table in which numbers are unusual for what they measure.

    Fields whose columns declare a unit are not asked.
    """
    for item in table.fields:
        counted = table.units.get(item.name, "")
        if item.usual is None or item.name in declared:
            continue
        asked = item.usual.in_money_of(counted)
        if not same_dimension(counted, asked.unit):
            continue
        given = [(one, getattr(one, item.name)) for one in records]
        odd = [given[place] for place in _odd_places([value for _, value in given], counted, asked)]
        if odd:
            labels = tuple(table.label(one) for one, _ in odd)
            what = _unusual_text([value for _, value in odd], counted, asked)
            yield Fault(table.name, what, labels, item.name, advice="declare the unit of its column")


def _odd_places(values: Sequence[float | None], unit: str, usual: Usual) -> list[int]:
    """Return the places of the values beyond what is usual; zero and what is not limited are fine."""
    scale = factor(unit, usual.unit)
    return [
        place
        for place, value in enumerate(values)
        if value and math.isfinite(value) and not usual.low <= abs(value) * scale <= usual.high
    ]


def _unusual_text(values: Sequence[float], counted: str, usual: Usual) -> str:
    ends = [*dict.fromkeys((min(values), max(values)))]
    shown = " to ".join([*map(number_text, ends[:-1]), amount_text(ends[-1], counted)])
    if counted != usual.unit:
        shown += f" ({amount_text(convert(ends[-1], counted, usual.unit), usual.unit)})"
    meant = [each for each in usual.alternatives if each != counted and not _odd_places(values, each, usual)]
    hint = f"is it in {meant[0]}?" if meant else f"is it really in {counted}?"
    limits = f"{number_text(usual.low)} to {amount_text(usual.high, usual.unit)}"
    return f"is {shown}, where {limits} are usual; {hint}"


def idle_fields(tables: Iterable[tuple[Table, Sequence[Any]]]) -> tuple[Fault, ...]:
    """Tell of fields that are filled and change nothing, because another one is blank.

    A penalty for being late costs nothing where nothing is due. Who filled it expects otherwise, so it is told of.

    Examples
    --------
    >>> from kanopt.problems.scheduling import Job, SchedulingUnits
    >>> jobs = [Job("a", tardiness_cost=2.0), Job("b")]
    >>> print(*idle_fields([(SchedulingUnits().table(Job), jobs)]))
    jobs: tardiness_cost of 'a': changes nothing without due_date
    """
    told = []
    for table, records in tables:
        blank = {item.name: item.default for item in table.fields}
        for item in table.fields:
            labels = tuple(
                table.label(one)
                for one in records
                if item.needs
                and getattr(one, item.name) not in (blank[item.name], 0)
                and all(getattr(one, name) == blank[name] for name in item.needs)
            )
            if labels:
                what = f"changes nothing without {' or '.join(item.needs)}"
                told.append(Fault(table.name, what, labels, item.name))
    return tuple(told)
