"""Which columns of tables fill which declared fields, and which tables are which parts of a problem.

Both are assignment problems. A column speaks for a field by its words (:mod:`kanopt.records.likeness`), by its unit,
by the kind of its values and by their shape: two clock times that never overtake each other begin and end something, a
column whose values are the names of another table refers to it. A table speaks for a part by the fields that its
columns fill, by its own name and by that of its key. Each column fills one field at most, each table is one part.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype
from scipy.optimize import linear_sum_assignment

from kanopt.records.clock_times import clock_value, holds_windows
from kanopt.records.declaration import Field, Table
from kanopt.records.headers import Header, measured_in, read_header
from kanopt.records.likeness import TableColumn, TableField, field_likeness, is_called
from kanopt.records.words import IDENTIFIERS, PLAIN_FIELDS, TABLE_WORDS

__all__ = ["ColumnFacts", "FilledField", "TableFacts", "assign_tables", "fill_fields", "table_score"]

ColumnKind = Literal["number", "clock", "windows", "date", "flag", "text"]
_SHOWN = 500  # texts that are looked at for times of day
_DATE = re.compile(
    r"\s*((?:19|20)\d\d[- ]?(?:Q[1-4]|W\d\d?|[A-Z][a-z]{2,8})\b|Q[1-4][- ]?(?:19|20)\d\d"
    r"|\d{1,2}[-/. ][A-Za-z]{3,9}[-/. ]{1,2}\d{2,4}|[A-Za-z]{3,9} \d{1,2},? \d{4}|\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4})"
)
"""Dates as people write them: 2-Jun-06, March 4, 2019, 3/4/19, 2019-03-04 20:21, 2019 Q1, 2019-W05."""
_YES_NO = frozenset(
    ["yes", "no", "y", "n", "ja", "nein", "j", "oui", "non", "si", "no", "true", "false", "x", "-", "0", "1"]
)
_LONG = ("day", "week", "month", "year")
_SURE = 0.62
_BY_SHAPE, _BY_UNIT, _BY_REFERENCE, _BY_KEY = 0.45, 0.5, 0.9, 0.6
_NAMED, _PLAIN, _EXPLAINED, _MOST_TELLING = 2.0, 0.4, 2.0, 5.0


@dataclass(frozen=True, eq=False)
class ColumnFacts:
    """What can be seen of a column.

    Parameters
    ----------
    name
        Its header.
    values
        Its cells, without those that are missing.
    rows
        The rows of the table.
    declared
        The unit that the file itself declares.
    """

    name: str
    values: pd.Series[Any]
    rows: int
    declared: str = ""

    @cached_property
    def header(self) -> Header:
        """The header taken apart."""
        return read_header(self.name)

    @cached_property
    def kind(self) -> ColumnKind:
        """What its cells are."""
        if is_bool_dtype(self.values):
            return "flag"
        if is_numeric_dtype(self.values):
            return "number"
        if is_datetime64_any_dtype(self.values):
            return "date"
        texts = [str(value) for value in self.values.head(_SHOWN)]
        digits = all(text.strip().isdigit() for text in texts)
        if texts and not digits and all(clock_value(text, "min") is not None for text in texts):
            return "clock"
        if texts and sum(bool(_DATE.match(text)) for text in texts) > 0.5 * len(texts):
            return "date"
        return "windows" if texts and all(map(holds_windows, texts)) else "text"

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        return int(self.values.nunique())

    @property
    def is_unique(self) -> bool:
        """Whether every row has a value of its own."""
        return self.distinct == self.rows > 0

    @cached_property
    def whole(self) -> bool:
        """Whether it holds whole numbers only."""
        return self.kind == "number" and bool((self.values % 1 == 0).all())

    @cached_property
    def texts(self) -> frozenset[str]:
        """Its values as names are written; empty where they name nothing."""
        if self.kind == "number":
            return frozenset(str(int(value)) for value in self.values.unique()) if self.whole else frozenset()
        return frozenset(str(value).strip() for value in self.values.unique())

    @cached_property
    def minutes(self) -> pd.Series[Any] | None:
        """Its clock times as minutes; None where it holds none."""
        if self.kind != "clock":
            return None
        return self.values.map(lambda text: clock_value(str(text), "min")).astype(float)

    def as_column(self, unit: str = "") -> TableColumn:
        """Return it as far as hints go."""
        return TableColumn(self.name, unit or self.declared, self.kind in ("number", "clock"))


@dataclass(frozen=True, eq=False)
class TableFacts:
    """What can be seen of a table: its name in words, and its columns by their headers."""

    name: str
    words: tuple[str, ...]
    columns: Mapping[str, ColumnFacts]

    @cached_property
    def key(self) -> ColumnFacts | None:
        """The column that names its rows: the first of texts, else of whole numbers, without repetitions."""
        unique = [
            column
            for column in self.columns.values()
            if column.is_unique and column.texts and (column.kind == "text" or not column.header.unit)
        ]
        first = next(iter(self.columns.values()), None)
        if first in unique:  # numbers of orders stand in front of what they are about
            return first
        named = [c for c in unique if c.kind == "text" or IDENTIFIERS & {*c.header.pieces[-1:]}]
        return next(iter(named), None)


@dataclass(frozen=True)
class FilledField:
    """A field and the column that fills it.

    Parameters
    ----------
    field, column
        Which.
    likeness
        From 0 to about 2, how much speaks for it.
    why
        What speaks for it.
    """

    field: TableField
    column: ColumnFacts
    likeness: float
    why: str

    @property
    def sure(self) -> bool:
        """Whether header or values say it plainly."""
        return self.likeness >= _SURE


@dataclass(frozen=True)
class _Evidence:
    score: float = 0.0
    why: str = ""


def fill_fields(
    table: TableFacts,
    part: Table,
    names: Mapping[str, Collection[str]] | None = None,
    without: Collection[str] = (),
) -> list[FilledField]:
    """Return which columns fill which fields of a part, each column and each field once.

    Parameters
    ----------
    table
        The table.
    part
        The part, with the units in which it is counted.
    names
        Other parts to the names of their rows, as far as they are known.
    without
        Columns that fill nothing.

    Examples
    --------
    >>> from kanopt.problems import RoutingUnits
    >>> frame = pd.DataFrame({"Camion": ["a", "b"], "Salida": ["8:00", "9:00"], "z": ["17:00"] * 2})
    >>> columns = {name: ColumnFacts(name, frame[name], 2) for name in frame}
    >>> vehicles = RoutingUnits().tables()[2]
    >>> [(one.field.name, one.column.name) for one in fill_fields(TableFacts("t", (), columns), vehicles)][-2:]
    [('shift_start', 'Salida'), ('shift_end', 'z')]
    """
    fields = part.fields
    columns = [
        column for column in table.columns.values() if column.name not in without and len(column.values)
    ]
    left: Sequence[Field] = fields
    while True:
        found = _assigned(table, part, left, columns, names or {})
        filled = {one.field.name for one in found}
        idle = {
            item.name for item in left if item.name in filled and item.needs and not filled & {*item.needs}
        }
        if not idle:
            return _whole_places(found)
        left = [item for item in left if item.name not in idle]


def _assigned(
    table: TableFacts,
    part: Table,
    fields: Sequence[Field],
    columns: Sequence[ColumnFacts],
    names: Mapping[str, Collection[str]],
) -> list[FilledField]:
    """Solve the assignment of columns to fields."""
    if not columns or not fields:
        return []
    shapes = _by_shape(table, part, fields, columns)
    grid = [[_evidence(table, part, item, column, names, shapes) for item in fields] for column in columns]
    scores = np.array([[cell.score for cell in row] for row in grid])
    rows, places = linear_sum_assignment(scores, maximize=True)
    return [
        FilledField(
            TableField.of(fields[place], part), columns[row], float(scores[row, place]), grid[row][place].why
        )
        for row, place in zip(rows, places, strict=True)
        if scores[row, place] > 0
    ]


def _evidence(
    table: TableFacts,
    part: Table,
    item: Field,
    column: ColumnFacts,
    names: Mapping[str, Collection[str]],
    shapes: Mapping[tuple[str, str], _Evidence],
) -> _Evidence:
    """Return how much speaks for a column as a field, and what."""
    if not _may_hold(column, item, part):
        return _Evidence()
    if item.refers:
        known = [set(names[other]) for other in item.refers if other in names]
        if known and not column.texts <= set().union(*known) | {""}:
            return _Evidence()
    if item.clock and column.kind == "number" and not column.header.words:
        return _Evidence()  # a time that nothing is said of is no clock time
    if (column.name, item.name) in shapes and shapes[column.name, item.name].score < 0:
        return _Evidence()
    as_column = TableColumn(column.name, column.declared, not item.is_text)
    words = field_likeness(part.name, as_column, TableField.of(item, part))
    words = words if words >= _SURE else 0.0
    shape = shapes.get((column.name, item.name), _Evidence())
    if item.refers and known and column.distinct:
        shape = _Evidence(_BY_REFERENCE, f"its values are names of {item.refers[0]}")
    if words:
        # of two columns that are called alike, that whose shape fits; a unit speaks in the words already
        fits = 0.0 if shape.score == _BY_UNIT else 0.5 * shape.score
        return _Evidence(words + fits, f"looks like {item.name}")
    return shape


def _by_shape(
    table: TableFacts, part: Table, fields: Sequence[Field], columns: Sequence[ColumnFacts]
) -> dict[tuple[str, str], _Evidence]:
    """Return what the shape of values says: clock times in pairs, units, and the column that names the rows."""
    found: dict[tuple[str, str], _Evidence] = {}
    found |= _clock_pairs(fields, columns)
    found |= _measured_alike(part, fields, columns)
    ends = [item for item in fields if item.name in ("x", "y")]
    lengths = [
        c for c in columns if c.kind == "number" and dict(measured_in(unit_meant(c)) or {}) == {"length": 1}
    ]
    if len(ends) == len(lengths) == 2:
        why = "two lengths beside a name are a place"
        found |= {
            (c.name, item.name): _Evidence(_BY_SHAPE, why) for c, item in zip(lengths, ends, strict=True)
        }
    named = next((item for item in fields if item.name == part.key[0] == "name"), None)
    key = table.key
    if named is not None and key in columns:
        assert key is not None
        called = any(is_called(word, _entity_words(part)) for word in key.header.pieces)
        score = _BY_KEY + 0.5 * called
        found[key.name, named.name] = _Evidence(score, "the first column without repetitions")
    lists = [item for item in fields if item.clock and item.type is str]
    for column in columns:
        if column.kind == "windows" and len(lists) == 1:
            found[column.name, lists[0].name] = _Evidence(_BY_SHAPE, "it holds windows of time")
    return found


def _clock_pairs(fields: Sequence[Field], columns: Sequence[ColumnFacts]) -> dict[tuple[str, str], _Evidence]:
    """Return which clock times begin and which end something: no row ends before it begins."""
    clocks = [item for item in fields if item.clock and item.type is float]
    pairs = [
        (begin, end)
        for begin, end in pairwise(clocks)
        if _ends(end) and not (_ends(begin) and not begin.required)
    ]
    timed = [column for column in columns if column.kind == "clock"]
    found: dict[tuple[str, str], _Evidence] = {}
    if len(timed) == 1 and len(clocks) == 1:
        found[timed[0].name, clocks[0].name] = _Evidence(_BY_SHAPE, "its only clock time")
    if len(timed) == 1 and pairs:
        found[timed[0].name, pairs[0][1].name] = _Evidence(_BY_SHAPE - 0.05, "its only clock time")
    for one in timed:
        for other in timed:
            first, last = one.minutes, other.minutes
            if first is None or last is None:
                continue
            both = first.index.intersection(last.index)
            if one is other or not len(both) or not (first[both] <= last[both]).all():
                continue
            if (first[both] == last[both]).all():
                continue
            if len(timed) == 2:  # whatever they are called, the later one begins nothing
                against = _Evidence(-1.0, "it would end before it begins")
                found |= {(other.name, begin.name): against for begin, _ in pairs}
                found |= {(one.name, end.name): against for _, end in pairs}
            for begin, end in pairs:
                found.setdefault((one.name, begin.name), _Evidence(_BY_SHAPE, f"never after {other.name}"))
                found.setdefault((other.name, end.name), _Evidence(_BY_SHAPE, f"never before {one.name}"))
    return found


def _ends(item: Field) -> bool:
    """Say whether a clock time limits something from above: without it nothing is limited."""
    return item.required or item.default is None or item.default == float("inf")


def _measured_alike(
    part: Table, fields: Sequence[Field], columns: Sequence[ColumnFacts]
) -> dict[tuple[str, str], _Evidence]:
    """Return fields that a column fills by its unit alone: the only one that measures so, or the first for the only."""
    found: dict[tuple[str, str], _Evidence] = {}
    measured = {
        column.name: measured_in(unit_meant(column))
        for column in columns
        if column.kind == "number" and (column.header.words or column.header.unit != "pcs")
    }
    for name, what in measured.items():
        if not what:
            continue
        alike = [
            item
            for item in fields
            if not item.clock
            and not item.is_text
            and measured_in(part.units.get(item.name, "")) == what
            and not (item.price and item.optional)
            and item.name not in ("x", "y")
        ]
        plain = [item for item in alike if not item.needs]
        alike = plain or alike
        rivals = sum(other == what for other in measured.values())
        first_of_amounts = rivals == 1 and dict(what).keys() <= {"amount", "money"}
        if len(alike) == 1 or (alike and first_of_amounts):
            found[name, alike[0].name] = _Evidence(_BY_UNIT, "by its unit")
    return found


def unit_meant(column: ColumnFacts) -> str:
    """Return the unit of a column; what is paid a day or longer is money, since a plan is made for that once."""
    unit = column.declared or column.header.unit
    money, _, time = unit.partition("/")
    return (
        money
        if not column.declared and time in _LONG and dict(measured_in(money) or {}) == {"money": 1}
        else unit
    )


def _may_hold(column: ColumnFacts, item: Field, part: Table) -> bool:
    """Say whether the values of a column can be those of a field."""
    if item.is_text:
        if column.kind == "windows" or column.kind == "clock":
            return column.kind == "windows" and item.clock
        names = item.name in part.key or bool(item.refers)
        if column.kind == "number":
            return names and column.whole and not column.header.unit
        if column.kind == "date":
            return names
        unique = item.name == "name" == part.key[0] and len(part.key) == 1
        return column.kind in ("text", "flag") and not item.clock and (column.is_unique or not unique)
    if item.type is bool:
        return column.kind == "flag" or {text.lower() for text in column.texts} <= _YES_NO
    if column.kind == "clock":
        return item.clock
    if column.kind != "number":
        return False
    low, high = float(column.values.min()), float(column.values.max())
    if item.name in ("lat", "lon"):
        return max(-low, high) <= (90 if item.name == "lat" else 180)
    counted = not column.header.unit or measured_in(column.header.unit) == measured_in("pcs")
    if item.type is int and not (column.whole and counted):
        return False
    if item.name == "on_time":
        return low > 0 and high < 1
    return item.name in ("x", "y", "price") or low >= 0


def _whole_places(filled: list[FilledField]) -> list[FilledField]:
    """Leave out an x without a y, and planes where degrees are given."""
    names = {each.field.name for each in filled}
    out: set[str] = set()
    for pair in ({"x", "y"}, {"lat", "lon"}):
        out |= set() if pair <= names else pair
    if {"x", "y", "lat", "lon"} <= names:
        out |= {"x", "y"}
    return [each for each in filled if each.field.name not in out]


def _entity_words(part: Table) -> frozenset[str]:
    return TABLE_WORDS.get(part.name, frozenset())


def table_score(table: TableFacts, part: Table, filled: Sequence[FilledField]) -> float:
    """Return how much speaks for a table as a part: its name, that of its key, and the fields that are filled."""
    words = _entity_words(part)
    named = any(is_called(word, words) for word in table.words)
    key = next((one.column for one in filled if one.field.name == part.key[0]), None)
    keyed = key is not None and any(is_called(word, words) for word in key.header.pieces)
    telling = sum(
        min(one.likeness, 1.2) * (_PLAIN if one.field.name in PLAIN_FIELDS else 1.0) for one in filled
    )
    explained = len(filled) / max(len(table.columns), 1)
    return _NAMED * named + keyed + min(telling, _MOST_TELLING) + _EXPLAINED * explained


def assign_tables(scores: Mapping[tuple[str, str], float]) -> dict[str, str]:
    """Return part to table for the best sum of scores, each once; pairs without a score are not made.

    Examples
    --------
    >>> assign_tables({("clients", "a"): 3.0, ("depots", "a"): 2.5, ("clients", "b"): 2.0, ("depots", "b"): 0.0})
    {'clients': 'b', 'depots': 'a'}
    """
    parts = list(dict.fromkeys(part for part, _ in scores))
    tables = list(dict.fromkeys(table for _, table in scores))
    grid = np.array([[scores.get((part, table), 0.0) for table in tables] for part in parts])
    if not grid.size:
        return {}
    rows, places = linear_sum_assignment(grid, maximize=True)
    return {
        parts[row]: tables[place] for row, place in zip(rows, places, strict=True) if grid[row, place] > 0
    }
