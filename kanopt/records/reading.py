"""Read tables into records, and validate the fields of records.

A record states the rules of a field beside its type, as ``demand: Amount = 0.0`` (:mod:`kanopt.validation`). Records
are validated when a problem reads them, not when they are built, so that all mistakes are reported at once and in the
same words, whether a record came from a frame or was built by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pandas as pd

from kanopt.errors import ProblemError
from kanopt.records.clock_times import clock_cells, clock_value, unstated_times, window_cells
from kanopt.records.frame_reader import FrameReader, TableRows, row_numbers
from kanopt.records.record import Record
from kanopt.records.rules import plain_fields, row_faults, row_of
from kanopt.records.table_schema import TableSchema
from kanopt.records.usual_ranges import unusual_values
from kanopt.text import list_names
from kanopt.validation import WHOLE_TEXT, Fault, fault_text, is_whole

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
    unusual
        Questions about numbers that are unusual for what they measure, and what else is asked back.

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
        self.unusual: list[str] = []

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
            table = FrameReader(data, schema, columns or {}).read()
            self.filled[schema.name] = frozenset(table.filled)
            self.declared[schema.name] = frozenset(table.declared)
            self.of_day |= table.of_day
        else:
            written = tuple(data)
            given = tuple(_with_clock_times(item, schema) for item in written)
            self.of_day |= any(one is not other for one, other in zip(written, given, strict=True))
            table = _table_of(given, kind)
            # nobody can declare the unit of a record, and toy problems count from zero: asked, not refused
            if not table.broken and (asked := _unstated_times(written, schema)):
                self.unusual.append(f"{schema.name}: {asked}")
        found = [fault for fault in row_faults(kind, table.rows) if fault.place[1] not in table.unread]
        lines = [*table.mistakes, *_fault_lines(found, table, kind, key)]
        made = (
            None if table.broken else _made(kind, table, given, [fault for fault in found if fault.of_type])
        )
        if made is None:
            self.broken.add(schema.name)
        else:
            lines += [*_duplicates(made, key), *_half_attributes(made, key)]
            self.unusual += unusual_values(schema, made, table.declared)
        self.mistakes += [f"{schema.name}: {line}" for line in lines]
        return made or ()

    def finish(self, checks: Iterable[RecordCheck] = ()) -> None:
        """Raise an error that lists all mistakes, if there are any; see :meth:`all_mistakes`.

        Parameters
        ----------
        checks
            Mistakes between records.

        Raises
        ------
        ProblemError
            With every mistake, one a line.
        """
        found = self.all_mistakes(checks)
        if found:
            raise ProblemError("\n".join(found))

    def all_mistakes(self, checks: Iterable[RecordCheck]) -> list[str]:
        """Return the mistakes in tables, and those between records where the tables could be read."""
        found = [*self.mistakes]
        for check in checks:
            found += () if self.broken & {*check.tables} else check.mistakes
        return found


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


def _made(
    kind: type, table: TableRows, given: Sequence[Any], faults: Sequence[Fault]
) -> tuple[Any, ...] | None:
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


def _fault_lines(found: Sequence[Fault], table: TableRows, kind: type, key: Sequence[str]) -> Iterable[str]:
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
            place = f"column {table.columns[name]!r}, {row_numbers(places)}"
        message = "is blank, but a value is required" if alike[0].kind == "missing" else fault_text(alike)
        if name in clocks:
            message = message.replace("must be a number", "must be a time of day such as 8:30, or a number")
        yield f"{place}: {message}" + ("; it may be left out" if name in optional else "")


def _label(row: Mapping[str, Any], key: Sequence[str]) -> str:
    return "/".join(str(row[part]) for part in key if row.get(part, "") != "")


def _table_of(items: Sequence[Record], kind: type) -> TableRows:
    for number, item in enumerate(items, start=1):
        if not isinstance(item, kind):
            message = (
                f"entry {number} is a {type(item).__name__}; give {kind.__name__} objects or a DataFrame"
            )
            return TableRows([], mistakes=[message], broken=True)
    return TableRows([row_of(item) for item in items])


def _unstated_times(items: Sequence[Any], schema: TableSchema) -> str:
    """Return a question where clock times of records look like others; fields that were left out say nothing."""
    numbers: dict[str, list[str]] = {}
    unit = "min"
    for item in plain_fields(schema.record):
        if item.clock:
            unit = schema.units.get(item.name, unit)
            given = [cell for record in items if (cell := getattr(record, item.name)) != item.default]
            texts = [cell for cell in given if isinstance(cell, str)]
            read = clock_cells(given, "", unit) if item.type is float else window_cells(texts, "", unit)
            numbers[item.name] = read.bare
    return unstated_times(numbers.items(), unit, of_day=schema.of_day, declared=False)


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
