"""Columns that nothing reads, and what is missing while they are not read.

A column that fills no field becomes an attribute, which laws and rules may read. Where none does, its values change
nothing, and the analyst who wrote ``demand_kg`` for ``demand`` would get a plan for no demand. So every kind of problem
says what it reads (:class:`TableUse`), and one rule, for frames, records and scenario files alike, tells of the rest:
first those columns that look like a field, are a word of planning or hold what rules are made of, with the field that
is meant most likely, then the others by name. Which field is meant is found as ``kanopt init`` finds it
(:mod:`kanopt.records.matching`).

Where no column states a price and no law does, every plan is as good as another, and the cheapest one costs nothing:
that is not the answer to anybody's question, but a header that was not understood. Such a problem is refused
(:func:`missing_price`). Whoever means it writes a column of zeros: what is stated is asked for, and only asked back. So
is a thing that one table lists and no row of another names, because rows are easily lost. Records that are built by
hand name their fields, and are not second-guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import pandas as pd

from kanopt.faults import Fault, Renaming
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.variables import Reference
from kanopt.records.fields import Field, Table
from kanopt.records.headers import (
    COORDINATES,
    MONEY,
    OTHER,
    STATE,
    is_planning_word,
    measured_in,
    place_elsewhere,
    read_header,
    resembled_field,
)
from kanopt.records.matching import YES_NO, ColumnFacts, match_columns
from kanopt.records.reading import Quantity, Record
from kanopt.tables import units_of
from kanopt.text import join_list, list_names
from kanopt.units import factor, same_dimension

_SHOWN = 6


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
    fields: tuple[Field, ...]
    unread: tuple[ColumnFacts, ...]
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class UnreadColumn:
    """A column that nothing reads although it seems to matter.

    Parameters
    ----------
    name
        Its header.
    field
        The field that it would fill; None where it would fill none.
    told
        Where there is no such field, what else it seems to be, in a clause.
    unit
        The unit of the column, declared or hinted at by its header.
    is_rule
        Whether a plan without it may be wrong, so that a scenario file asks about it: it looks like a field that no
        column fills, is a word of planning, or holds what rules are made of.
    """

    name: str
    field: Field | None = None
    told: str = ""
    unit: str = ""
    is_rule: bool = True

    def __str__(self) -> str:
        if self.field is None:
            told = self.told or "kanopt has no such field yet: its values change nothing"
            return f"{self.name!r} ({told})"
        unit = self.declared_unit or self.field.unit
        return f"{self.name!r} (the field {self.field.name}{f', in {unit}' if unit else ''}?)"

    @property
    def declared_unit(self) -> str:
        """The unit to declare when the column becomes its field; empty where there is none, or that of the field."""
        counted = "" if self.field is None else self.field.unit
        converts = counted and self.unit not in ("", counted) and same_dimension(self.unit, counted)
        return self.unit if converts else ""


@dataclass(frozen=True)
class UnreadColumns:
    """The columns of a table that nothing reads.

    Parameters
    ----------
    table
        Its name in the problem.
    striking
        Those that seem to matter.
    others
        The names of the others.
    """

    table: str
    striking: tuple[UnreadColumn, ...]
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return str(self.fault())

    def fault(self) -> Fault:
        """Return it as what is told of the table, with what to write where columns are meant as fields."""
        advice = ("where that is meant, write ", self.renaming) if self.renaming.fields else ""
        return Fault(self.table, self.sentence, advice=advice)

    @property
    def sentence(self) -> str:
        """What is unread, without the name of the table."""
        told = join_list([str(column) for column in self.striking])
        others = join_list([repr(name) for name in self.others])
        if not (told and others):
            return f"nothing reads {told or others}"
        count = f"{len(self.others)} other column{'s' if len(self.others) > 1 else ''}"
        return f"nothing reads {told}; nor {count}: {others}"

    @property
    def renaming(self) -> Renaming:
        """What makes the columns fields, of those that seem to be meant as some."""
        meant = [(column, column.field.name) for column in self.striking if column.field]
        units = {field: column.declared_unit for column, field in meant if column.declared_unit}
        return Renaming(self.table, {column.name: field for column, field in meant}, units)


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

    def is_filled(item: Field) -> bool:
        given = (getattr(one, item.name) for one in records)
        # a coordinate that is not known is no number, which is never equal to itself
        unknown = item.default != item.default
        same = (each == item.default or (unknown and each != each) for each in given)
        return item.required or not all(same)

    known = tuple(replace(item, filled=is_filled(item)) for item in table.fields)
    cells: dict[str, list[Any]] = {}
    units: dict[str, str] = {}
    for name, value in (each for record in records for each in record.attributes.items()):
        if name not in read:
            plain: Any = value.value if isinstance(value, Quantity) else value
            cells.setdefault(name, []).append(plain if isinstance(plain, Real) else str(plain))
            units.setdefault(name, value.unit if isinstance(value, Quantity) else "")
    unread = []
    for name, given in cells.items():
        # pandas' own texts cannot hold half a sign, of which the reader tells
        kind = object if any(isinstance(each, str) for each in given) else None
        unread.append(ColumnFacts(name, pd.Series(given, dtype=kind), len(records), units[name]))
    names = frozenset(map(table.label, records)) if table.key == ("name",) else frozenset[str]()
    return TableUse(table.name, known, tuple(unread), names)


def frame_use(
    table: str, frame: pd.DataFrame, fields: Iterable[Field], read: Collection[str] = ()
) -> TableUse:
    """Return what a problem makes of a frame whose rows become no records."""
    known, there = tuple(fields), list(map(str, frame.columns))
    names = {field.name for field in known} | set(read)
    unread = columns_of(frame, [name for name in there if name not in names])
    return TableUse(table, tuple(replace(field, filled=field.name in there) for field in known), unread)


def columns_of(frame: pd.DataFrame, names: Iterable[str]) -> tuple[ColumnFacts, ...]:
    """Return some columns of a frame with what can be seen of them."""
    units, places = units_of(frame), list(map(str, frame.columns))
    cells = [(name, frame.iloc[:, places.index(name)].dropna()) for name in names]
    return tuple(ColumnFacts(name, values, len(frame), units.get(name, "")) for name, values in cells)


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
    start = scope if "." in scope else f"{scope}."
    read = [each for law in laws for each in (law.references if isinstance(law, BoundFormula) else [law])]
    found = [str(each) for each in read if isinstance(each, Reference)]
    return frozenset(text.removeprefix(start) for text in found if text.startswith(start))


def unread_columns(uses: Iterable[TableUse]) -> tuple[UnreadColumns, ...]:
    """Return the columns of each table that nothing reads; tables that are read as a whole are left out.

    Examples
    --------
    >>> columns = [ColumnFacts("demand_kg", pd.Series([3.0]), 1), ColumnFacts("colour", pd.Series(["red"]), 1)]
    >>> use = TableUse("clients", (Field("demand", "kg"),), tuple(columns))
    >>> print(unread_columns([use])[0].sentence)
    nothing reads 'demand_kg' (the field demand, in kg?); nor 1 other column: 'colour'
    """
    every = tuple(uses)
    found = []
    for use in (each for each in every if each.unread):
        striking = _striking(use, every)
        named = {column.name for column in striking}
        others = tuple(column.name for column in use.unread if column.name not in named)
        found.append(UnreadColumns(use.table, striking, others))
    return tuple(found)


def _striking(use: TableUse, every: Sequence[TableUse]) -> tuple[UnreadColumn, ...]:
    """Return the columns that look like a field, are a word of planning, or hold what rules are made of.

    Parameters
    ----------
    use
        The table.
    every
        All tables of the problem, to whose fields and names the columns may belong.
    """
    empty = [field for field in use.fields if not field.filled]
    fields = [*empty, *(field for field in use.fields if field.filled and not field.is_text)]
    matched = {each.column.name: each for each in match_columns(use.table, fields, use.unread)}
    owner = {each.field.name: name for name, each in matched.items() if each.sure}
    found = list[UnreadColumn]()
    for column in use.unread:
        name, how, fits = column.name, {"numeric": column.numeric}, matched.get(column.name)
        # what a header says counts, even where the values do not fit, and more than what they seem to be
        field = resembled_field(use.table, name, fields, column.declared, **how)
        field = fits.field if fits and fits.sure else field
        if field is None and not is_planning_word(name, **how):
            alike = [each for each in empty if _measures(each, column)]
            seems = fits.field if fits and not fits.field.filled else None
            field = seems or (alike[0] if len(alike) == 1 else None)
        if field is None:
            found += _elsewhere(column, use, every)
        elif field.filled:
            told = f"like {field.name}, which another column fills"
            # cubic metres beside tonnes limit something else, and so do windows beside a demand
            timed = column.kind in ("clock", "windows") and not field.clock
            measured = bool(column.unit and field.unit) and not same_dimension(column.unit, field.unit)
            found.append(UnreadColumn(name, told=told, is_rule=timed or measured))
        elif owner.setdefault(field.name, name) == name:
            found.append(UnreadColumn(name, field, unit=column.unit))
        else:
            found.append(UnreadColumn(name, told=f"like {field.name}, as {owner[field.name]!r} is"))
    return tuple(found)


def _elsewhere(column: ColumnFacts, use: TableUse, every: Sequence[TableUse]) -> Iterator[UnreadColumn]:
    """Yield a column that looks like no field of its table where it is a word of planning, or seems to be a rule."""
    name, how = column.name, {"numeric": column.numeric}
    if is_planning_word(name, **how):
        told = place_elsewhere(use.table, name, use.fields, **how)
        for other in () if told else (each for each in every if each.table != use.table):
            if field := resembled_field(other.table, name, other.fields, column.declared, **how):
                told = told or f"like {field.name} of {other.table}"
        yield UnreadColumn(name, told=told)
    elif alike := [field for field in use.fields if _measures(field, column)]:
        names = [field.name for field in alike if not field.filled] or [field.name for field in alike]
        told = f"measured like {list_names(names, 3, quoted=False)}"
        yield UnreadColumn(name, told=told, unit=column.unit, is_rule=False)
    elif told := _what_rules_are_made_of(column, use, every):
        yield UnreadColumn(name, told=told)


def _measures(field: Field, column: ColumnFacts) -> bool:
    measured = column.measured
    alike = bool(measured) and measured_in(field.unit) == measured and field.name not in COORDINATES
    if alike and field.usual is not None and column.unit and same_dimension(column.unit, field.usual.unit):
        # a van of 2.6 m in height may drive farther than that
        scale = factor(column.unit, field.usual.unit)
        return bool((column.values * scale).between(field.usual.low, field.usual.high).any())
    return alike


def _what_rules_are_made_of(column: ColumnFacts, use: TableUse, every: Sequence[TableUse]) -> str:
    """Say whether a column holds money, amounts, times of day, yes and no, or names of things of the problem."""
    texts = column.texts - {"", "-"}
    if column.kind == "number":
        counted = {measured_in(field.unit) for other in every for field in other.fields}
        is_amount = dict(column.measured or ()) == {"amount": 1} and column.measured in counted
        return "money" if "money" in dict(column.measured or ()) else "an amount" if is_amount else ""
    # what describes a thing rules nothing
    if set(column.header.pieces) & OTHER or not texts:
        return ""
    if column.kind == "clock":
        return "times of day"
    if {text.lower() for text in texts} <= YES_NO:
        return "yes or no"
    if {*column.header.pieces} <= STATE and len(texts) > 1:
        return "states"
    named = {name.strip() for text in texts for name in re.split("[,;]", text)} - {""}
    for other in every:
        # a column with every name of its own table says the names once more
        if named <= other.names and (other.table != use.table or texts != other.names):
            return f"names of {other.table}"
    return ""


def missing_price(
    records: Iterable[tuple[Table, Sequence[Any]]],
    filled: Mapping[str, Collection[str]],
    uses: Callable[[], Iterable[TableUse]],
    law: str,
) -> Iterable[Fault]:
    """Yield a mistake where no record and no column states a price although tables were read.

    Parameters
    ----------
    records
        The tables that declare prices, with their records.
    filled
        Table to the fields that its columns fill, of tables that were given as frames.
    uses
        Returns what the problem makes of its tables; asked where nothing costs anything.
    law
        What besides columns can state a price, as ``"a cost law"``.
    """
    tables = [(table, found) for table, found in records if table.prices]
    read = [table for table, _ in tables if table.name in filled]
    stated = any(getattr(one, price) for table, found in tables for one in found for price in table.prices)
    if stated or not read or any({*table.prices} & {*filled[table.name]} for table in read):
        return
    named = "; ".join(f"{table.name}: {', '.join(table.prices)}" for table in read)
    what = (
        f"nothing costs anything, so that every plan is as good as any other: give {law}, or a price ({named}); a "
        "column of zeros says that nothing is to be paid"
    )
    yield Fault("problem", (what, *lookalikes(uses())))


def without_row(
    table: str, thing: str, names: Sequence[str], effect: str, row: str = "row for the"
) -> Iterator[Fault]:
    """Yield a question about things that another table lists and that no row of this one names.

    Parameters
    ----------
    table
        The table without such rows.
    thing
        What they are, in the singular.
    names
        Their names; nothing is asked where there are none.
    effect
        What follows for each.
    row
        What is missing.

    Examples
    --------
    >>> print(*without_row("demand", "market", ["Lyon", "Nice"], "it wants nothing"))
    demand: no row for the market 'Lyon', 'Nice': it wants nothing; is that meant?
    """
    if names:
        yield Fault(table, f"no {row} {thing} {list_names(names)}: {effect}; is that meant?")


def lookalikes(uses: Iterable[TableUse], fields: Collection[str] = ()) -> Sequence[str | Renaming]:
    """Return the parts of a clause that names the unread columns which look like some fields, or like any price."""

    def is_meant(column: UnreadColumn) -> bool:
        unit = column.field.unit if column.field else column.unit
        is_price = "money" in dict(measured_in(unit) or ()) or MONEY & {*read_header(column.name).pieces}
        return bool(column.field and column.field.name in fields if fields else is_price)

    meant_ones = ((each, [*filter(is_meant, each.striking)][:_SHOWN]) for each in unread_columns(uses))
    like = [replace(each, striking=tuple(columns), others=()) for each, columns in meant_ones if columns]
    told = "; ".join(f"{each.table}: {join_list([*map(str, each.striking)])}" for each in like)
    written = [part for each in like if each.renaming.fields for part in (" and ", each.renaming)]
    meant = ["; where that is meant, write ", *written[1:]] if written else []
    return (f"; nothing reads {told}", *meant) if like else ()
