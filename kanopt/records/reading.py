"""Read the tables of a problem into records, and check records that were built by hand.

Records are validated when a problem reads them, not when they are built, so that all mistakes are reported at once and
in the same words, whether a record came from a frame or was built by hand.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from kanopt.errors import ProblemError
from kanopt.faults import Fault
from kanopt.records.clock_times import clock_cells, clock_value, unstated_times, window_cells
from kanopt.records.declaration import Field, Table, Usual, declared_fields
from kanopt.records.frame_rows import Rows, cell_texts, read_frame
from kanopt.records.record import Record
from kanopt.records.rules import invalid_rows, row_of
from kanopt.text import amount_text, list_names, number_text
from kanopt.units import convert, factor, same_dimension
from kanopt.validation import WHOLE_TEXT, Invalid, invalid_text, is_whole

__all__ = ["RecordCheck", "RecordReader", "idle_fields", "unknown_names"]


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
        given: tuple[Any, ...] = ()
        if isinstance(data, pd.DataFrame):
            rows = read_frame(data, table)
            self.filled[table.name] = frozenset(rows.filled)
            self.declared[table.name] = frozenset(rows.declared)
            self.of_day |= rows.of_day
        else:
            written = tuple(data)
            given = tuple(_plain(item, table) for item in written)
            self.of_day |= any(_has_written_times(item, table) for item in written)
            rows = _rows_of(given, table)
            # nobody can declare the unit of a record, and toy problems count from zero: asked, not refused
            if not rows.broken and (asked := _unstated_times(written, table)):
                self.questions.append(Fault(table.name, asked))
        wrong = [each for each in invalid_rows(table.record, rows.rows) if each.place[1] not in rows.unread]
        faults = [*rows.faults, *_faults_of(wrong, rows, table)]
        of_type = [each for each in wrong if each.of_type]
        made = None if rows.broken else _made(table, rows, given, of_type)
        if made is None:
            self.broken.add(table.name)
        else:
            faults += [*_duplicates(made, table), *_half_attributes(made, table)]
            self.questions += _unusual_values(table, made, rows.declared)
        self.faults += faults
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


def _made(table: Table, rows: Rows, given: Sequence[Any], wrong: Sequence[Invalid]) -> tuple[Any, ...] | None:
    """Return the records of a table, wrong values replaced by defaults; None where a field without one is wrong."""
    defaults = {item.name: item.default for item in table.fields if not item.required}
    if not {str(each.place[1]) for each in wrong} <= defaults.keys():
        return None
    if rows.from_frame:
        for each in wrong:
            rows.rows[int(each.place[0])].pop(str(each.place[1]))
        pairs = zip(rows.rows, rows.attributes, strict=True)
        return tuple(table.record(**row, attributes=extra) for row, extra in pairs)
    mended: dict[int, dict[str, Any]] = {}
    for each in wrong:
        mended.setdefault(int(each.place[0]), {})[str(each.place[1])] = defaults[str(each.place[1])]
    return tuple(
        replace(item, **mended[place]) if place in mended else item for place, item in enumerate(given)
    )


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


def _faults_of(wrong: Sequence[Invalid], rows: Rows, table: Table) -> Iterator[Fault]:
    """Yield a mistake for each field and rule, with the records concerned."""
    fields = {item.name: item for item in table.fields}
    groups: dict[tuple[str, str], list[Invalid]] = {}
    for each in wrong:
        groups.setdefault((str(each.place[1]), each.rule or each.message), []).append(each)
    for (name, _), alike in groups.items():
        places = [int(each.place[0]) for each in alike]
        labels = tuple(table.label(rows.rows[at]) for at in places)
        by_row = rows.from_frame and (alike[0].of_type or not all(labels))
        what = "is blank, but a value is required" if alike[0].kind == "missing" else invalid_text(alike)
        if fields[name].clock:
            what = what.replace("must be a number", "must be a time of day such as 8:30, or a number")
        yield Fault(
            table.name,
            what,
            () if by_row else labels,
            name,
            rows=tuple(places) if by_row else (),
            column=name if by_row else "",
            advice="it may be left out" if fields[name].optional else "",
        )


def _rows_of(items: Sequence[Record], table: Table) -> Rows:
    for number, item in enumerate(items, start=1):
        if not isinstance(item, table.record):
            what = f"entry {number} is a {type(item).__name__}"
            advice = f"give {table.record.__name__} objects or a DataFrame"
            return Rows([], faults=[Fault(table.name, what, advice=advice)], broken=True)
    return Rows([row_of(item) for item in items])


def _unstated_times(items: Sequence[Any], table: Table) -> str:
    """Return a question where clock times of records look like others; fields that were left out say nothing."""
    numbers: dict[str, list[str]] = {}
    unit = "min"
    for item in table.fields:
        if item.clock:
            unit = table.units.get(item.name, unit)
            given = [cell for one in items if (cell := getattr(one, item.name)) != item.default]
            texts = [cell for cell in given if isinstance(cell, str)]
            read = clock_cells(given, "", unit) if item.type is float else window_cells(texts, "", unit)
            numbers[item.name] = read.bare
    return unstated_times(numbers.items(), unit, of_day=table.of_day, declared=False)


def _written_times(item: Any, table: Table) -> dict[str, float]:
    """Return the fields of a record in which a time of day is written, as numbers."""
    read = {
        part.name: clock_value(getattr(item, part.name), table.units.get(part.name, "min"))
        for part in table.fields
        if part.clock and part.type is float
    }
    return {name: value for name, value in read.items() if value is not None}


def _has_written_times(item: Any, table: Table) -> bool:
    return isinstance(item, table.record) and bool(_written_times(item, table))


def _plain(item: Any, table: Table) -> Any:
    """Return a record with numbers for times of day and tuples for lists; the record itself where it has them."""
    if not isinstance(item, table.record):
        return item
    plain: dict[str, Any] = dict(_written_times(item, table))
    for part in table.fields:
        given = getattr(item, part.name)
        if part.type is tuple and isinstance(given, (str, list, set, frozenset)):
            plain[part.name] = cell_texts(given) if isinstance(given, str) else tuple(given)
    changed: Any = item
    return replace(changed, **plain) if plain else item


def unknown_names(
    table: Table, records: Sequence[Any], known: Mapping[str, Collection[str]], nearest: Any
) -> Iterator[Fault]:
    """Yield the names in a table that its fields take from other tables, and that no record there has.

    Parameters
    ----------
    table, records
        The table and its records.
    known
        The names of the records of each table.
    nearest
        Returns a hint for a name that is unknown, such as :func:`kanopt.errors.nearest`.
    """
    for item in table.fields:
        names = frozenset[str]().union(*(known.get(other, ()) for other in item.refers))
        if not item.refers or not all(other in known for other in item.refers):
            continue
        wrong: dict[str, list[str]] = {}
        for one in records:
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
        for item in table.fields:
            labels = tuple(table.label(one) for one in records if item.needs and _is_idle(one, item))
            if labels:
                what = f"changes nothing without {' or '.join(item.needs)}"
                told.append(Fault(table.name, what, labels, item.name))
    return tuple(told)


def _is_idle(one: Any, item: Field) -> bool:
    kind: type = type(one)
    blank = {each.name: each.default for each in declared_fields(kind)}
    value = getattr(one, item.name)
    filled = bool(value) and value != blank[item.name]
    return filled and all(getattr(one, name) == blank[name] for name in item.needs)
