"""Which columns of tables fill which declared fields, and which tables are which parts of a problem.

Both are assignment problems. A column speaks for a field by its header (:mod:`kanopt.records.headers`), by its unit,
by the kind of its values and by their shape: two clock times that never overtake each other begin and end something, a
column whose values are the names of another table refers to it. A table speaks for a part by the fields that its
columns fill, by its own name and by that of its key. Each column fills one field at most, each table is one part.
``kanopt init`` reads tables this way, and so are columns judged that nothing reads
(:mod:`kanopt.records.unread_columns`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, permutations
from typing import Any, Literal, NamedTuple, get_args, get_origin

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from kanopt.records.fields import Field, Table, clock_value, holds_windows
from kanopt.records.headers import (
    FIELD_WORDS,
    IDENTIFIERS,
    LONG_TIMES,
    PLAIN_FIELDS,
    Header,
    field_likeness,
    is_called,
    measured_in,
    names_part,
    read_header,
)

ColumnKind = Literal["number", "clock", "windows", "date", "flag", "text"]
_SHOWN = 500  # texts that are looked at for times of day
_DATE = re.compile(
    r"\s*((?:19|20)\d\d[- ]?(?:Q[1-4]|W\d\d?|[A-Z][a-z]{2,8}|[-/.](?:0?[1-9]|1[0-2]))\b|Q[1-4][- ]?(?:19|20)\d\d"
    r"|\d{1,2}[-/. ][A-Za-z]{3,9}[-/. ]{1,2}\d{2,4}|[A-Za-z]{3,9} \d{1,2},? \d{4}|\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4})"
)
"""Dates as people write them: 2-Jun-06, March 4, 2019, 3/4/19, 2019-03-04 20:21, 2019 Q1, 2019-W05, 2019-03."""
_YES = ["yes", "y", "ja", "j", "oui", "si", "sí", "tak", "true", "x", "1"]
NO = ["no", "n", "nein", "non", "nie", "false", "-", "0"]
YES_NO = frozenset([*_YES, *NO])
"""What people write for yes and no, in small letters."""
LISTED = re.compile(r"\s*[,;/+]\s*|\s+(?:or|oder|ou|o|lub)\s+")
"""What stands between the names that a cell lists; a + between those that are needed at once."""
_TIMES = ("windows", "breaks", "earliest", "latest", "shift_start", "shift_end")
_OF_TIMES = frozenset(" ".join(FIELD_WORDS[name] for name in _TIMES).replace(",", "").split())
_OF_TIMES |= {"h", "hour", "hours"}
_LONG = ("day", "week", "month", "year")
_ANY = (-np.inf, np.inf)
_SIGNED = {"lat": (-90.0, 90.0), "lon": (-180.0, 180.0), "x": _ANY, "y": _ANY, "price": _ANY}
"""Fields whose numbers may be below zero, with their ends."""
_SURE = 0.62
_OTHERWISE = 0.02  # how much less a column may look like another field to be taken for it
_BY_SHAPE, _BY_REFERENCE, _BY_KEY = 0.45, 0.9, 0.6
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

    @property
    def unit(self) -> str:
        """Its declared unit, else the one its header hints at."""
        return self.declared or self.header.unit

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
        if not texts or not all(map(holds_windows, texts)):
            return "text"
        # 7-9 may be school years as well, unless its header speaks of time
        bare = all(re.fullmatch(r"\s*\d+\s*[-–]\s*\d+\s*", text) for text in texts)
        timed = self.speaks_of(_OF_TIMES)
        return "windows" if timed or not bare else "text"

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

    @property
    def is_dated(self) -> bool:
        """Whether it holds dates that are read as such."""
        return self.kind == "date" and is_datetime64_any_dtype(self.values)

    @cached_property
    def is_moment(self) -> bool:
        """Whether it holds dates with a time of day."""
        return self.is_dated and bool((self.values.dt.hour + self.values.dt.minute).any())

    @property
    def counts_hours(self) -> bool:
        """Whether its rows are hours of a day, one after the other from midnight on."""
        rises = self.whole and self.distinct > 2 and self.is_unique and self.values.is_monotonic_increasing
        return rises and self.header.unit == "h" and self.values.iloc[0] == 0 and self.values.iloc[-1] <= 24

    @property
    def measured(self) -> frozenset[tuple[str, int]] | None:
        """What its numbers measure; what is paid a day or longer is money, since a plan is made for that once."""
        if self.unit in LONG_TIMES and not self.declared and all(map(str.isdigit, self.header.words)):
            return None  # the number of a week is no length of time
        money, _, time = self.unit.partition("/")
        once = not self.declared and time in _LONG and dict(measured_in(money) or {}) == {"money": 1}
        return measured_in(money if once else self.unit) if self.kind == "number" else None

    @property
    def measures(self) -> dict[str, int]:
        """What its numbers measure by their unit as it stands, as bases and powers."""
        return dict(measured_in(self.unit) or ()) if self.kind == "number" else {}

    @property
    def is_full(self) -> bool:
        """Whether no cell is missing."""
        return len(self.values) == self.rows

    @property
    def plain_name(self) -> str:
        """Its header without the unit in brackets."""
        return " ".join(re.sub(r"[\[(].*?[\])]", "", self.name).split()) or self.name

    @cached_property
    def listed(self) -> set[str]:
        """The names that its cells list."""
        return {one for text in self.texts for one in listed(text)}

    def speaks_of(self, words: frozenset[str]) -> bool:
        """Say whether a word of its header is one of some, or is made of one."""
        return any(is_called(piece, words) for piece in self.header.pieces)

    def looks_like(self, part: str, *names: str, kind: type = float) -> bool:
        """Say whether it is called like one of some fields, or like other words of planning that are known."""
        fields = [Field(name, "" if kind is str else self.unit, kind) for name in names]
        own = {"unit": self.declared, "numeric": kind is not str}
        return any(field_likeness(part, self.name, field, **own) for field in fields)  # type: ignore[arg-type]

    @property
    def numeric(self) -> bool:
        """Whether it is as good as numbers to its header, as is what begins with a digit, windows apart."""
        first = str(self.values.iloc[0])[:1] if self.kind == "text" and len(self.values) else ""
        return self.kind in ("number", "clock", "date") or first.isdigit()


Columns = Sequence[ColumnFacts]
Names = Mapping[str, Collection[str]]
"""Tables, or parts of a problem, to the names of their rows, as far as they are known."""


def listed(cell: str) -> list[str]:
    """Return the names that a cell lists."""
    return [one for one in LISTED.split(cell) if one not in ("", "-")]


def naming_column(columns: Mapping[str, ColumnFacts]) -> ColumnFacts | None:
    """Return the column that names rows: the first of texts, else of whole numbers, without repetitions."""
    unique = [c for c in columns.values() if c.is_unique and c.texts]
    unique = [c for c in unique if c.kind == "text" or not c.header.unit]
    first = next(iter(columns.values()), None)
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
    named
        Whether words of its header do.
    """

    field: Field
    column: ColumnFacts
    likeness: float
    why: str
    named: bool = False

    @property
    def sure(self) -> bool:
        """Whether header or values say it plainly."""
        return self.likeness >= _SURE


class _Evidence(NamedTuple):
    score: float = 0.0
    why: str = ""
    named: bool = False


_BY_UNIT = _Evidence(0.5, "by its unit")

_Shapes = Iterator[tuple[ColumnFacts, Field, _Evidence]]


def fill_fields(
    table: Mapping[str, ColumnFacts],
    part: Table,
    names: Names | None = None,
    without: Collection[str] = (),
) -> list[FilledField]:
    """Return which columns fill which fields of a part, each column and each field once.

    Parameters
    ----------
    table
        The columns of a table by their headers.
    part
        The part, with the units in which it is counted.
    names
        Other parts to the names of their rows, as far as they are known.
    without
        Columns that fill nothing.

    Examples
    --------
    >>> from kanopt.routing import RoutingUnits
    >>> frame = pd.DataFrame({"Camion": ["a", "b"], "Salida": ["8:00", "9:00"], "z": ["17:00"] * 2})
    >>> columns = {name: ColumnFacts(name, frame[name], 2) for name in frame}
    >>> vehicles = RoutingUnits().tables()[2]
    >>> [(one.field.name, one.column.name) for one in fill_fields(columns, vehicles)][-2:]
    [('shift_start', 'Salida'), ('shift_end', 'z')]
    """
    fields = list(part.fields)
    columns = [column for column in table.values() if column.name not in without and len(column.values)]
    called: dict[str, float] = {}
    while True:
        naming = naming_column(table) if part.key[0] == "name" else None
        found = match_columns(part.name, fields, columns, names, part.key, naming)
        filled = {one.field.name for one in found}
        idle = [one for one in found if one.field.needs and not filled & {*one.field.needs}]
        # what is called overtime is no price of regular hours where nothing says when overtime begins
        likeness = {one.column.name: one.likeness for one in found}
        other = {name for name in likeness if likeness[name] < called.get(name, 0.0) - _OTHERWISE}
        if not idle and not other:
            return _whole_places(found)
        called |= {one.column.name: one.likeness for one in idle if one.named}
        fields = [item for item in fields if all(item is not one.field for one in idle)]
        columns = [column for column in columns if column.name not in other]


def match_columns(
    table: str,
    fields: Sequence[Field],
    columns: Columns,
    names: Names | None = None,
    key: Sequence[str] = (),
    naming: ColumnFacts | None = None,
) -> list[FilledField]:
    """Solve the assignment of columns to fields.

    Parameters
    ----------
    table
        What the table is called in the problem, such as ``"clients"``.
    fields, columns
        What is assigned to each other, each once at most.
    names
        Other tables to the names of their rows, as far as they are known.
    key
        The fields that identify a row.
    naming
        The column that names the rows, if one does and they have names.
    """
    if not columns or not fields:
        return []
    from scipy.optimize import linear_sum_assignment

    found = sorted(_shapes(table, fields, columns, naming), key=lambda each: -each[2].score)
    shapes = {(column.name, item.name): evidence for column, item, evidence in found}

    def evidence(column: ColumnFacts, item: Field) -> _Evidence:
        shape = shapes.get((column.name, item.name), _Evidence())
        return _evidence(table, item, column, key, names or {}, shape)

    grid = [[evidence(column, item) for item in fields] for column in columns]
    scores = np.array([[cell.score for cell in row] for row in grid])
    scores *= 1.0 - 1e-9 * np.arange(len(columns))[:, None]  # of equal columns the first
    pairs = zip(*linear_sum_assignment(scores, maximize=True), strict=True)
    return [
        FilledField(fields[place], columns[row], *grid[row][place])
        for row, place in pairs
        if scores[row, place] > 0
    ]


def _evidence(
    table: str,
    item: Field,
    column: ColumnFacts,
    key: Sequence[str],
    names: Names,
    shape: _Evidence,
) -> _Evidence:
    """Return how much speaks for a column as a field, and what."""
    if shape.score < 0 or not _may_hold(column, item, key):
        return _Evidence()
    if item.clock and column.kind == "number" and not (column.header.words or column.counts_hours):
        return _Evidence()  # a time that nothing is said of is no clock time
    known = [set(names[other]) for other in item.refers if other in names]
    if known and not column.texts <= set().union(*known) | {""}:
        return _Evidence()
    if table in item.refers and column.is_unique and column.texts == {*names.get(table, ())}:
        return _Evidence()  # it names the rows themselves, and no row refers to every other
    if known and column.distinct:
        shape = _Evidence(_BY_REFERENCE, f"its values are names of {item.refers[0]}")
    # what its values are was asked before
    words = field_likeness(table, column.name, item, column.declared, numeric=not item.is_text)
    if not words:
        wrong = column.kind == "number" and may_not_be_negative(item) and float(column.values.min()) < 0
        return _Evidence() if wrong else shape
    # of two columns that are called alike, that whose shape fits; its unit was counted with its header
    fit = 0.0 if shape is _BY_UNIT else 0.5 * shape.score
    return _Evidence(words + fit, f"looks like {item.name}", named=True)


def _shapes(table: str, fields: Sequence[Field], columns: Columns, naming: ColumnFacts | None) -> _Shapes:
    """Yield what the shape of values says: of clock times, of units, of places, of lists, of the names of rows."""
    yield from _clock_pairs(fields, columns)
    yield from _measured_alike(fields, columns)
    ends = [item for item in fields if item.name in ("x", "y")]
    lengths = [column for column in columns if dict(column.measured or ()) == {"length": 1}]
    for column, item in zip(lengths, ends, strict=True) if len(ends) == len(lengths) == 2 else ():
        yield column, item, _Evidence(_BY_SHAPE, "two lengths beside a name are a place")
    lists = [item for item in fields if item.clock and item.is_text]
    for column in (c for c in columns if c.kind == "windows" and len(lists) == 1):
        yield column, lists[0], _Evidence(_BY_SHAPE, "it holds windows of time")
    names = [item for item in fields if item.name == "name"]
    if naming is not None and naming in columns and names:
        called = any(names_part(word, table) for word in naming.header.pieces)
        yield naming, names[0], _Evidence(_BY_KEY + 0.5 * called, "the first column without repetitions")


def _clock_pairs(fields: Sequence[Field], columns: Columns) -> _Shapes:
    """Yield which clock times begin and which end something: no row ends before it begins."""
    clocks = [item for item in fields if item.clock and item.kind is float]
    ends = ((begin, end) for begin, end in pairwise(clocks) if is_end(end))
    pairs = [(begin, end) for begin, end in ends if begin.required or not is_end(begin)]
    timed = [(column, column.minutes) for column in columns if column.minutes is not None]
    if len(timed) == 1:
        if len(clocks) == 1:
            yield timed[0][0], clocks[0], _Evidence(_BY_SHAPE, "its only clock time")
        if pairs:
            yield timed[0][0], pairs[0][1], _Evidence(_BY_SHAPE - 0.05, "its only clock time")
    for (one, first), (other, last) in permutations(timed, 2):
        both = first.index.intersection(last.index)
        if not len(both) or not (first[both] <= last[both]).all() or (first[both] == last[both]).all():
            continue
        for begin, end in pairs:
            if len(timed) == 2:  # whatever they are called, the later one begins nothing
                against = _Evidence(-1.0, "it would end before it begins")
                yield other, begin, against
                yield one, end, against
            yield one, begin, _Evidence(_BY_SHAPE, f"never after {other.name}")
            yield other, end, _Evidence(_BY_SHAPE, f"never before {one.name}")


def is_end(item: Field) -> bool:
    """Say whether a clock time limits something from above: without it nothing is limited."""
    return item.required or item.default is None or item.default == float("inf")


def _measured_alike(fields: Sequence[Field], columns: Columns) -> _Shapes:
    """Yield fields that a column fills by its unit alone: the only one that measures so, or the first for the only."""
    told = [column for column in columns if column.header.words or column.header.unit != "pcs"]
    measured = [(column, what) for column in told if (what := column.measured)]
    plain = [item for item in fields if not (item.clock or item.is_text or item.name in ("x", "y"))]
    plain = [item for item in plain if not (item.price and item.optional)]
    for column, what in measured:
        alike = [item for item in plain if measured_in(item.unit) == what]
        alike = [item for item in alike if not item.needs] or alike
        rivals = sum(other == what for _, other in measured)
        first_of_amounts = rivals == 1 and dict(what).keys() <= {"amount", "money"}
        if len(alike) == 1 or (alike and first_of_amounts):
            yield column, alike[0], _BY_UNIT


def _may_hold(column: ColumnFacts, item: Field, key: Sequence[str]) -> bool:
    """Say whether the values of a column can be those of a field."""
    if item.is_text:
        return _may_name(column, item, key)
    if item.kind is bool:
        return column.kind == "flag" or {text.lower() for text in column.texts} <= YES_NO
    if column.kind == "clock" or column.is_moment:
        return item.clock
    if column.is_dated and not is_end(item):  # what begins on a day begins at its midnight
        return item.clock
    if column.kind != "number":
        return False
    low, high = float(column.values.min()), float(column.values.max())
    if item.kind is int:
        unit = column.header.unit
        counted = not unit or unit in LONG_TIMES or measured_in(unit) == measured_in("pcs")
        return column.whole and counted and low >= 0
    least, most = _SIGNED.get(item.name, (0.0, np.inf))
    return least <= low and high <= most and (item.name != "on_time" or 0 < low <= high < 1)


def may_not_be_negative(item: Field) -> bool:
    """Say whether the numbers of a field are none below zero."""
    return not item.is_text and item.name not in _SIGNED


def _may_name(column: ColumnFacts, item: Field, key: Sequence[str]) -> bool:
    """Say whether the values of a column can be texts of a field: numbers and dates only name things.

    Of a field of some words they are these, the usual one among them: a site that a user calls open may be used, and
    need not be.
    """
    if get_origin(item.rules) is Literal:
        return {*get_args(item.rules)} >= column.texts >= {item.default}
    if column.kind in ("windows", "clock"):
        return column.kind == "windows" and item.clock
    names = item.name in key or bool(item.refers)
    if column.kind == "number":
        return names and column.whole and not column.header.unit
    unique = [item.name] == ["name"] == [*key]
    return names if column.kind == "date" else not item.clock and (column.is_unique or not unique)


def _whole_places(filled: list[FilledField]) -> list[FilledField]:
    """Leave out an x without a y, and planes where degrees are given."""
    names, planes, degrees = {each.field.name for each in filled}, {"x", "y"}, {"lat", "lon"}
    out = set[str]().union(*(pair for pair in (planes, degrees) if not pair <= names))
    out |= planes if degrees <= names else set()
    return [each for each in filled if each.field.name not in out]


def table_score(title: Collection[str], columns: int, part: Table, filled: Sequence[FilledField]) -> float:
    """Return how much speaks for a table of so many columns: its title, the name of its key, the filled fields."""
    named = any(names_part(word, part.name) for word in title)
    key = next((one.column for one in filled if one.field.name == part.key[0]), None)
    keyed = key is not None and any(names_part(word, part.name) for word in key.header.pieces)
    weights = [_PLAIN if one.field.name in PLAIN_FIELDS else 1.0 for one in filled]
    telling = sum(min(one.likeness, 1.2) * weight for one, weight in zip(filled, weights, strict=True))
    explained = len(filled) / max(columns, 1)
    return _NAMED * named + keyed + min(telling, _MOST_TELLING) + _EXPLAINED * explained


def assign_tables(scores: Mapping[tuple[str, str], float]) -> dict[str, str]:
    """Return part to table for the best sum of scores, each once; pairs without a score are not made.

    Examples
    --------
    >>> assign_tables({("clients", "a"): 3.0, ("depots", "a"): 2.5, ("clients", "b"): 2.0, ("depots", "b"): 0.0})
    {'clients': 'b', 'depots': 'a'}
    """
    from scipy.optimize import linear_sum_assignment

    parts = list(dict.fromkeys(part for part, _ in scores))
    tables = list(dict.fromkeys(table for _, table in scores))
    grid = np.array([[scores.get((part, table), 0.0) for table in tables] for part in parts])
    if not grid.size:
        return {}
    pairs = zip(*linear_sum_assignment(grid, maximize=True), strict=True)
    return {parts[row]: tables[place] for row, place in pairs if grid[row, place] > 0}
