"""What the numbers of a column count in: by its header, by the field that it fills, and by values."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kanopt.errors import KanoptError
from kanopt.records.headers import measured_in, read_header
from kanopt.records.matching import ColumnFacts, FilledField
from kanopt.units import UNIT_WORDS, check_unit, factor, same_dimension

__all__ = ["GuessedUnit", "header_unit", "spelled_unit", "unit_of_field"]

_GLUED = re.compile(r"[a-z][A-Z]$")  # highT holds no tonnes
_MOST_HOURS, _MOST_MINUTES = 72, 7 * 1_440  # plans of three days in hours, of a week in minutes
_LONG_TIMES = frozenset(("day", "week", "month", "year"))
_CENTS = re.compile(
    r"\b(ct|cts|cents?|c€|centimes?|c[eé]ntimos?|pence|p(?= ?(?:/|per\b)))(?![^\W_])", re.IGNORECASE
)
_MANY = re.compile(r"\b(10+) ?(km|kg|lb|mi|l)\b", re.IGNORECASE)
_LAST_WORD = re.compile(r"[ /]*(und|and|et|y|per|pro|par|por|je)? *([^\W\d]+)[)\] ]*$", re.IGNORECASE)
_CURRENCIES = ("EUR", "USD", "GBP", "CHF")
_CURRENCY_WORDS = frozenset(("eur", "euro", "euros", "€", "usd", "dollar", "dollars", "$", "gbp", "£", "chf"))


@dataclass(frozen=True)
class GuessedUnit:
    """A unit, where it is taken from, and whether that is certain."""

    unit: str
    why: str
    sure: bool


def spelled_unit(name: str) -> str:
    """Return the unit of a header that its words alone do not give: cents, a price of many, an amount of a period.

    Examples
    --------
    >>> [spelled_unit(each) for each in ("Maut (ct/km)", "Kosten je 100 km (€)", "Límite km/día", "€/t und Monat")]
    ['cEUR/km', 'EUR/100 km', 'km', 'EUR/t']
    >>> spelled_unit("Kosten (€/t)")
    ''
    """
    unit = read_header(name).unit
    if many := _MANY.search(name):
        money = unit.partition("/")[0]
        return f"{money}/{many[1]} {many[2].lower()}" if money in _CURRENCIES else ""
    if cents := _CENTS.search(name):
        return (
            "c" + read_header(_CENTS.sub("GBP" if cents[1].lower() in ("p", "pence") else "EUR", name)).unit
        )
    ending = _LAST_WORD.search(name)
    if ending is None or read_header(f"x {ending[2]}").unit not in _LONG_TIMES:
        return ""
    rest = read_header(name[: ending.start()]).unit
    return rest if rest and dict(measured_in(rest) or ()) != {"money": 1} else ""


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
