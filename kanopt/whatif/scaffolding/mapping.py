"""What the numbers of a column count in: by its header, by the field that it fills, and by values."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kanopt.errors import KanoptError
from kanopt.records.headers import CURRENCY_WORDS, LONG_TIMES, measured_in
from kanopt.records.matching import ColumnFacts, FilledField
from kanopt.units import COUNTED, UNIT_WORDS, check_unit, factor, same_dimension

_GLUED = re.compile(r"[a-z][A-Z]$")  # highT holds no tonnes
_MOST_HOURS, _MOST_MINUTES = 72, 7 * 1_440  # plans of three days in hours, of a week in minutes


@dataclass(frozen=True)
class GuessedUnit:
    """A unit, where it is taken from, and whether that is certain."""

    unit: str
    why: str
    sure: bool


def header_unit(column: ColumnFacts, money: str) -> GuessedUnit | None:
    """Return the unit that a header states; where it states money of no currency, that of the other tables."""
    if column.declared:
        return GuessedUnit(column.declared, "declared in the file", True)
    unit = column.header.unit
    if column.kind == "number" and column.distinct == 2 and column.values.isin((0, 1)).all():
        return None  # yes and no
    ends = set(column.header.pieces[:1] + column.header.pieces[-1:])
    amid = unit in LONG_TIMES and not any(UNIT_WORDS.get(piece) == unit for piece in ends)
    if not unit or amid or (unit in LONG_TIMES and column.header.words == ()):
        return None  # a number of a week is no length of time
    stated = bool(CURRENCY_WORDS.keys() & {*column.header.pieces})
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
    whole, _, each = counted.partition("/")
    if (
        told is not None
        and each in COUNTED
        and measured_in(whole) == measured_in(told.unit) == measured_in(each)
    ):
        return replace(told, unit=f"{told.unit}/{each}")  # the weight of a bag is so many kg a bag
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
