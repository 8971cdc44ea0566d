"""Which column of a table fills which field of a part, and what its numbers count in: by names and by values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kanopt.errors import KanoptError
from kanopt.records.headers import measured_in
from kanopt.records.likeness import TableColumn, TableField, likely_fields
from kanopt.records.words import IDENTIFIERS
from kanopt.units import UNIT_WORDS, check_unit, factor, same_dimension
from kanopt.whatif.scaffolding.parts import Part, fields_of
from kanopt.whatif.scaffolding.sources import ColumnFacts, SourceTable

__all__ = ["FilledField", "GuessedUnit", "fill_fields", "header_unit", "unit_of_field"]

_SURE = 0.85
_GLUED = re.compile(r"[a-z][A-Z]$")  # highT holds no tonnes
_MOST_HOURS, _MOST_MINUTES = 72, 7 * 1_440  # plans of three days in hours, of a week in minutes
_LONG_TIMES = frozenset(("day", "week", "month", "year"))
_CURRENCY_WORDS = frozenset(("eur", "euro", "euros", "€", "usd", "dollar", "dollars", "$", "gbp", "£", "chf"))


@dataclass(frozen=True)
class FilledField:
    """A field and the column that fills it.

    Parameters
    ----------
    field, column
        Which.
    likeness
        From 0 to 1.1, how much the header looks like the field.
    why
        What speaks for it.
    """

    field: TableField
    column: ColumnFacts
    likeness: float
    why: str

    @property
    def sure(self) -> bool:
        """Whether the header says it plainly."""
        return self.likeness >= _SURE


@dataclass(frozen=True)
class GuessedUnit:
    """A unit, where it is taken from, and whether that is certain."""

    unit: str
    why: str
    sure: bool


def fill_fields(table: SourceTable, part: Part) -> list[FilledField]:
    """Return which columns fill which fields of a part, each column and each field once.

    A part whose rows have names takes the first column without repetitions where no header says which it is.
    """
    fields = fields_of(part.kind, part.name)
    pairs = [
        (likeness, field, column)
        for column in table.columns.values()
        if column.name not in table.derive
        for likeness, field in _likely(part, column, fields)
        if _holds(column, field)
    ]
    filled: dict[str, FilledField] = {}
    used: set[str] = set()
    for likeness, field, column in sorted(pairs, key=lambda pair: -pair[0]):
        if field.name not in filled and column.name not in used:
            why = "so called" if column.name == field.name else "by its header"
            filled[field.name] = FilledField(field, column, likeness, why)
            used.add(column.name)
    if part.named and "name" not in filled:
        filled |= _named(table, fields, used)
    return _without_half_places(list(filled.values()))


def _likely(
    part: Part, column: ColumnFacts, fields: Sequence[TableField]
) -> Sequence[tuple[float, TableField]]:
    """Return what a header looks like; ``job_id`` is a job where the rows are no jobs."""
    as_column = column.as_column()
    found = likely_fields(part.name, as_column, fields)
    pieces = column.header.pieces
    if len(pieces) > 1 and pieces[-1] in IDENTIFIERS:
        thing = TableColumn(" ".join(pieces[:-1]), numeric=False)
        texts = [field for field in fields if field.kind is str and field.name != "name"]
        told = [
            (likeness, field)
            for likeness, field in likely_fields(part.name, thing, texts)
            if likeness >= _SURE
        ]
        return [*told, *found]
    return found


def _holds(column: ColumnFacts, field: TableField) -> bool:
    """Say whether the cells of a column can be those of a field."""
    if field.name == "name" and not column.is_unique:
        return False
    if field.kind is str:
        if field.name in ("windows", "breaks"):
            return column.kind == "windows"
        return column.kind in ("text", "number")
    if field.kind is bool:
        return column.kind == "flag"
    if column.kind == "clock":
        return field.clock
    if column.kind != "number" or not len(column.values):
        return False
    low, high = float(column.values.min()), float(column.values.max())
    if field.name in ("lat", "lon"):
        return max(-low, high) <= (90 if field.name == "lat" else 180)
    if field.name in ("num_available", "order", "max_reloads") and not column.whole:
        return False
    if field.name == "on_time":
        return low > 0 and high < 1
    return field.name in ("x", "y", "price") or low >= 0


def _named(table: SourceTable, fields: Sequence[TableField], used: set[str]) -> dict[str, FilledField]:
    field = next(field for field in fields if field.name == "name")
    unique = [
        column
        for column in table.columns.values()
        if column.is_unique
        and column.name not in used
        and column.name not in table.derive
        and (column.kind == "text" or (column.whole and len(table.frame) > 1))
    ]
    unique.sort(key=lambda column: column.kind != "text")
    if not unique:
        return {}
    return {"name": FilledField(field, unique[0], 0.7, "the first column without repetitions")}


def _without_half_places(filled: list[FilledField]) -> list[FilledField]:
    """Leave out an x without a y, and planes where degrees are given."""
    names = {each.field.name for each in filled}
    out: set[str] = set()
    for pair in ({"x", "y"}, {"lat", "lon"}):
        out |= set() if pair <= names else pair
    if {"x", "y", "lat", "lon"} <= names:
        out |= {"x", "y"}
    return [each for each in filled if each.field.name not in out]


def header_unit(column: ColumnFacts, money: str) -> GuessedUnit | None:
    """Return the unit that a header states; where it states money of no currency, that of the other tables."""
    if column.declared:
        return GuessedUnit(column.declared, "declared in the file", True)
    unit = column.header.unit
    if column.kind == "number" and column.distinct == 2 and column.values.isin((0, 1)).all():
        return None  # yes and no
    ends = set(column.header.pieces[:1] + column.header.pieces[-1:])
    amid = unit in _LONG_TIMES and not any(UNIT_WORDS.get(piece) == unit for piece in ends)
    if not unit or amid or (unit in _LONG_TIMES and column.header.words == ()):
        return None  # a number of a week is no length of time
    stated = bool(_CURRENCY_WORDS & set(column.header.pieces))
    if unit.startswith("EUR") and not stated:
        unit = unit.replace("EUR", money, 1)
    try:
        check_unit(unit)
    except KanoptError:
        return None
    is_money = dict(measured_in(unit) or ()).get("money")
    sure = stated or not is_money
    if _GLUED.search(column.name) and not column.header.measures & set(column.header.words):
        return None
    if "/" in unit and _GLUED.search(column.name):
        unit = unit.partition("/")[0]  # costH is no cost of an hour
    return GuessedUnit(unit, "by its header" if sure else "money of a currency that no header says", sure)


def unit_of_field(part: str, filled: FilledField, counted: str, money: str) -> GuessedUnit | None:
    """Return the unit of a column that fills a field; None where it needs none.

    Parameters
    ----------
    part
        The part of the problem.
    filled
        The field and its column.
    counted
        The unit the problem counts the field in.
    money
        The currency.
    """
    column, field = filled.column, filled.field
    if not counted or counted == "deg" or column.kind != "number":
        return None
    told = header_unit(column, money)
    if told is not None and same_dimension(told.unit, counted):
        return told
    if field.clock:
        return _clock_unit(column)
    limits = (
        None if field.usual is None else replace(field.usual, unit=field.usual.unit.replace("EUR", money))
    )
    if limits is not None and same_dimension(limits.unit, counted):
        units = [counted, *limits.alternatives]
        values = column.values[column.values != 0]
        for unit in units:
            scale = factor(unit, limits.unit)
            if len(values) and (values * scale).between(limits.low, limits.high).all():
                return GuessedUnit(unit, "by its values; no unit is stated", False)
    return GuessedUnit(counted, "no unit is stated", False)


def _clock_unit(column: ColumnFacts) -> GuessedUnit:
    """Return whether times of day are hours, minutes or seconds: nobody plans the first minutes after midnight."""
    high = float(column.values.max()) if len(column.values) else 0.0
    unit = "h" if high <= _MOST_HOURS else "min" if high <= _MOST_MINUTES else "s"
    return GuessedUnit(unit, "by its values; no unit is stated", sure=False)
