"""Columns that nothing reads: no field, no law, no rule of the problem. What kanopt did not read, it names.

A column that fills no field becomes an attribute, which laws and rules may read. Where none does, its values change
nothing, and the analyst who wrote ``demand_kg`` for ``demand`` would get a plan for no demand. So every kind of problem
says what it reads (:class:`TableUse`), and one rule, for frames, records and scenario files alike, tells of the rest:
first those columns that look like a field or are a word of planning, with the field that is meant most likely, then
the others by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from pandas.api.types import is_numeric_dtype

from kanopt.faults import Fault, Renaming
from kanopt.formulas.binding import BoundFormula
from kanopt.formulas.references import Reference
from kanopt.records.clock_times import clock_value, holds_windows
from kanopt.records.declaration import Table
from kanopt.records.headers import read_header
from kanopt.records.likeness import (
    TableColumn,
    TableField,
    fields_measured_alike,
    is_planning_word,
    place_elsewhere,
    resembled_field,
)
from kanopt.records.record import Quantity, Record
from kanopt.records.words import OTHER
from kanopt.tables import units_of
from kanopt.text import join_list, list_names
from kanopt.units import same_dimension

__all__ = [
    "TableUse",
    "UnreadColumn",
    "UnreadColumns",
    "columns_of",
    "fields_read",
    "frame_use",
    "striking_columns",
    "table_use",
    "unread_columns",
]

_MOST_STRIKING, _MOST_OTHERS = 12, 40
_LONGEST = 800  # letters of a message; what to write in a scenario file is a little longer than in Python


@dataclass(frozen=True)
class TableUse:
    """What a problem makes of one table.

    Parameters
    ----------
    table
        Its name in the problem, such as ``"clients"``.
    fields
        The fields of its records.
    unread
        The columns that fill no field and that nothing else reads.
    names
        The names of its records.
    """

    table: str
    fields: tuple[TableField, ...]
    unread: tuple[TableColumn, ...]
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class UnreadColumn:
    """A column that nothing reads although it seems to matter.

    Parameters
    ----------
    name
        Its header.
    field
        The field that no column fills and that it looks like; None where it is a word of planning only.
    filled
        The field that it looks like where another column fills it.
    elsewhere
        Where else the problem has what it seems to hold, in a clause.
    unit
        The unit of the column, declared or hinted at by its header.
    is_rule
        Whether a plan without it may be wrong, so that a scenario file asks about it: it looks like a field that no
        column fills, is a word of planning, or holds what rules are made of.
    """

    name: str
    field: TableField | None = None
    filled: str = ""
    elsewhere: str = ""
    unit: str = ""
    is_rule: bool = True

    def __str__(self) -> str:
        return f"{self.name!r} ({self._meaning()})"

    def _meaning(self) -> str:
        if self.filled:
            return f"like {self.filled}, which another column fills"
        if self.elsewhere:
            return self.elsewhere
        if self.field is None:
            return "kanopt has no such field yet: its values change nothing"
        unit = self.declared_unit or self.field.unit
        return f"the field {self.field.name}, in {unit}?" if unit else f"the field {self.field.name}?"

    @property
    def declared_unit(self) -> str:
        """The unit to declare when the column becomes its field; empty where there is none, or that of the field."""
        counted = "" if self.field is None else self.field.unit
        converts = counted and self.unit not in ("", counted) and same_dimension(self.unit, counted)
        return self.unit if converts else ""


@dataclass(frozen=True)
class UnreadColumns:
    """The columns of a table that nothing reads, as many as one message can name.

    Parameters
    ----------
    table
        Its name in the problem.
    striking
        Those that look like a field or are a word of planning.
    others
        The names of the others.
    proposed
        Fields for which an earlier message proposes a column.
    """

    table: str
    striking: tuple[UnreadColumn, ...]
    others: tuple[str, ...]
    proposed: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return str(self.fault())

    def fault(self) -> Fault:
        """Return it as what is told of the table, with what to write where columns are meant as fields."""
        advice = ("where that is meant, write ", self.renaming) if self.meant else ""
        return Fault(self.table, self.sentence, advice=advice)

    @property
    def sentence(self) -> str:
        """What is unread, without the name of the table."""
        told = join_list([str(column) for column in self.striking])
        others = join_list([repr(name) for name in self.others])
        if not self.striking:
            return f"nothing reads {others}"
        if not self.others:
            return f"nothing reads {told}"
        count = f"{len(self.others)} other column{'s' if len(self.others) > 1 else ''}"
        return f"nothing reads {told}; nor {count}: {others}"

    @property
    def meant(self) -> dict[str, str]:
        """Field to the column that looks like it."""
        found: dict[str, str] = {}
        for column in self.striking:
            if column.field is not None and column.field.name not in self.proposed:
                found.setdefault(column.field.name, column.name)
        return found

    @property
    def renaming(self) -> Renaming:
        """What makes the columns fields."""
        columns = {column: field for field, column in self.meant.items()}
        units = {
            column.field.name: column.declared_unit
            for column in self.striking
            if column.field and column.name in columns and column.declared_unit
        }
        return Renaming(self.table, columns, units)


def table_use(table: Table, records: Sequence[Record], read: Collection[str]) -> TableUse:
    """Return what a problem makes of the records of a table.

    Parameters
    ----------
    table
        The table.
    records
        Its rows.
    read
        The attributes that laws and rules read.
    """
    known = tuple(
        TableField.of(
            item,
            table,
            filled=item.required or any(_differs(getattr(one, item.name), item.default) for one in records),
        )
        for item in table.fields
    )
    found: dict[str, TableColumn] = {}
    texts: dict[str, set[str]] = {}
    for record in records:
        for name, value in record.attributes.items():
            if name in read:
                continue
            if isinstance(value, str):
                texts.setdefault(name, set()).add(value)
            if name not in found:
                unit = value.unit if isinstance(value, Quantity) else ""
                found[name] = TableColumn(name, unit, not isinstance(value, str) or _is_number(value))
    unread = tuple(replace(each, texts=frozenset(texts.get(each.name, ()))) for each in found.values())
    names = frozenset(map(table.label, records)) if table.key == ("name",) else frozenset[str]()
    return TableUse(table.name, known, unread, names)


def frame_use(
    table: str, frame: pd.DataFrame, fields: Iterable[TableField], read: Collection[str] = ()
) -> TableUse:
    """Return what a problem makes of a frame whose rows become no records."""
    known, there = tuple(fields), list(map(str, frame.columns))
    names = {field.name for field in known} | set(read)
    unread = columns_of(frame, [name for name in there if name not in names])
    return TableUse(table, tuple(replace(field, filled=field.name in there) for field in known), unread)


def columns_of(frame: pd.DataFrame, names: Iterable[str]) -> tuple[TableColumn, ...]:
    """Return some columns of a frame as far as hints go."""
    units = units_of(frame)
    return tuple(TableColumn(name, units.get(name, ""), is_numeric_dtype(frame[name])) for name in names)


def fields_read(scope: str, laws: Iterable[object]) -> frozenset[str]:
    """Return the fields of a scope that bound formulas and references read; matrices and numbers are passed over.

    Parameters
    ----------
    scope
        The scope, or how references to the fields begin, as in ``"arc.from_"``.
    laws
        What was given as laws.

    Examples
    --------
    >>> from kanopt import refs
    >>> sorted(fields_read("lane", [refs.lane.rate, refs.market.size, 3.0]))
    ['rate']
    >>> sorted(fields_read("arc.from_", [refs.arc.from_zone, refs.arc.distance]))
    ['zone']
    """
    found: list[Reference] = []
    for law in laws:
        found += (
            law.references if isinstance(law, BoundFormula) else [law] if isinstance(law, Reference) else []
        )
    start = scope if "." in scope else f"{scope}."
    texts = [str(reference) for reference in found]
    return frozenset(text.removeprefix(start) for text in texts if text.startswith(start))


def unread_columns(uses: Iterable[TableUse]) -> tuple[UnreadColumns, ...]:
    """Return the columns of each table that nothing reads; tables that are read as a whole are left out.

    Every column is named: those of a table stand in several messages where one would be too long.

    Examples
    --------
    >>> columns = (TableColumn("demand_kg"), TableColumn("colour", numeric=False))
    >>> use = TableUse("clients", (TableField("demand", "kg"),), columns)
    >>> print(unread_columns([use])[0].sentence)
    nothing reads 'demand_kg' (the field demand, in kg?); nor 1 other column: 'colour'
    """
    found, every = list[UnreadColumns](), tuple(uses)
    for use in every:
        striking = striking_columns(use, every)
        names = {column.name for column in striking}
        others = tuple(column.name for column in use.unread if column.name not in names)
        found += _in_messages(use.table, striking, others)
    return tuple(found)


def _in_messages(
    table: str, striking: Sequence[UnreadColumn], others: Sequence[str]
) -> Iterator[UnreadColumns]:
    """Part the columns of a table into messages that are not too long."""
    part = UnreadColumns(table, (), ())
    every: list[UnreadColumn | str] = [*striking, *others]
    for column in every:
        longer = (
            replace(part, others=(*part.others, column))
            if isinstance(column, str)
            else replace(part, striking=(*part.striking, column))
        )
        fits = len(longer.striking) <= _MOST_STRIKING and len(longer.others) <= _MOST_OTHERS
        if (part.striking or part.others) and not (fits and len(str(longer)) <= _LONGEST):
            yield part
            told = part.proposed | part.meant.keys()
            longer = UnreadColumns(table, longer.striking[-1:], longer.others[-1:], told)
            longer = replace(longer, striking=()) if isinstance(column, str) else longer
        part = longer
    if every:
        yield part


def striking_columns(use: TableUse, every: Sequence[TableUse] = ()) -> tuple[UnreadColumn, ...]:
    """Return the columns that look like a field, are a word of planning, or hold what rules are made of.

    Parameters
    ----------
    use
        The table.
    every
        All tables of the problem, to whose fields and names the columns may belong.
    """
    empty = [field for field in use.fields if not field.filled]
    filled = [field for field in use.fields if field.filled and field.kind is not str]
    found = []
    for column in use.unread:
        if field := resembled_field(use.table, column, [*empty, *filled]):
            found.append(
                UnreadColumn(column.name, filled=field.name, is_rule=False)
                if field.filled
                else UnreadColumn(column.name, field, unit=column.hinted_unit)
            )
        elif is_planning_word(column):
            elsewhere = place_elsewhere(use.table, column, use.fields) or _field_of_another(
                column, use, every
            )
            found.append(UnreadColumn(column.name, elsewhere=elsewhere))
        elif measured := fields_measured_alike(column, use.fields):
            found.append(_measured_alike(column, measured))
        elif held := _what_rules_are_made_of(column, use, every):
            found.append(UnreadColumn(column.name, elsewhere=held))
    return tuple(found)


def _field_of_another(column: TableColumn, use: TableUse, every: Sequence[TableUse]) -> str:
    """Say which field of another table a column looks like; empty where there is none."""
    for other in every:
        if other.table != use.table and (field := resembled_field(other.table, column, other.fields)):
            return f"like {field.name} of {other.table}"
    return ""


_YES_NO = frozenset(("yes", "no", "y", "n", "true", "false", "ja", "nein", "j", "oui", "non", "si", "sí"))


def _what_rules_are_made_of(column: TableColumn, use: TableUse, every: Sequence[TableUse]) -> str:
    """Say whether the texts of a column are times of day, yes and no, or names of things of the problem."""
    texts = {text.strip() for text in column.texts} - {""}
    if not texts or set(read_header(column.name).pieces) & OTHER:  # what describes a thing rules nothing
        return ""
    if all(":" in text and clock_value(text, "min") is not None for text in texts):
        return "times of day"
    if {text.lower() for text in texts} <= _YES_NO:
        return "yes or no"
    named = {name.strip() for text in texts for name in re.split("[,;]", text)} - {""}
    for other in every:
        # a column with every name of its own table says the names once more
        if named <= other.names and (other.table != use.table or texts != other.names):
            return f"names of {other.table}"
    return ""


def _measured_alike(column: TableColumn, fields: Sequence[TableField]) -> UnreadColumn:
    """Tell of a column by what it measures alone."""
    empty = [field for field in fields if not field.filled]
    if len(empty) in (1, 2):
        return UnreadColumn(column.name, empty[0], unit=column.hinted_unit)
    names = list_names([field.name for field in empty or fields], 3, quoted=False)
    return UnreadColumn(
        column.name, elsewhere=f"measured like {names}", unit=column.hinted_unit, is_rule=False
    )


def _is_number(text: str) -> bool:
    """Say whether a text is a number or a time, perhaps with a unit; windows and breaks are texts."""
    return text[:1].isdigit() and not holds_windows(text)


def _differs(value: object, default: object) -> bool:
    # a coordinate that is not known is no number, which is never equal to itself
    return not (value == default or (value != value and default != default))
