"""Units that no header states, guessed from values and from what other columns say; each is to be looked at."""

from __future__ import annotations

from collections.abc import Iterable

from kanopt.units import convert
from kanopt.whatif.scaffolding.header_words import MEASURE_WORDS, words_of
from kanopt.whatif.scaffolding.mapping import GuessedUnit, header_unit
from kanopt.whatif.scaffolding.outcomes import is_known_before, measure_of
from kanopt.whatif.scaffolding.relations import is_clock_number
from kanopt.whatif.scaffolding.sources import ColumnFacts, SourceTable
from kanopt.whatif.scaffolding.targets import made_by_name

__all__ = ["guess_units", "is_imperial"]

_ROADS, _AIR = (8.0, 90.0), (480.0, 900.0)  # km/h, of the median trip
_IMPERIAL = frozenset(
    ("mi", "mile", "miles", "ft", "feet", "sqft", "foot", "inch", "inches", "lb", "lbs", "pounds")
) | {"gal", "gallons", "mpg", "mph", "zip", "zipcode", "usd", "$"}
_MINUTES_OF_A_DAY = 1_440.0
_TEMPERATURE = frozenset(("temp", "temperature", "hightemp", "lowtemp", "avgtemp"))
_HOT = 55.0  # °C, which no weather reaches
_RAIN = frozenset(("rain", "snow", "precip", "precipitation", "rainfall", "snowfall"))


def is_imperial(columns: Iterable[ColumnFacts]) -> bool:
    """Say whether a table is one of the United States: miles, pounds, gallons, dollars, zip codes, Fahrenheit."""
    return any(_IMPERIAL & set(column.header.pieces) or _is_fahrenheit(column) for column in columns)


def _is_fahrenheit(column: ColumnFacts) -> bool:
    warm = column.kind == "number" and bool(_TEMPERATURE & words_of(column)) and len(column.values) > 0
    return warm and _HOT < float(column.values.quantile(0.95)) < 2 * _HOT


def guess_units(table: SourceTable, money: str) -> dict[str, GuessedUnit]:
    """Return units of columns that measure something by their names and state no unit.

    Parameters
    ----------
    table
        The table.
    money
        The currency where a header states none.
    """
    numbers = [column for column in table.columns.values() if column.kind == "number"]
    open_columns = [
        column
        for column in numbers
        if header_unit(column, money) is None and not is_clock_number(column) and len(column.values)
    ]
    imperial = is_imperial(numbers)
    made = made_by_name([column.name for column in numbers])
    found: dict[str, GuessedUnit] = {}
    for column in open_columns:
        measure, high = measure_of(column), float(column.values.max())
        pieces = set(column.header.pieces)
        if column.name in made or (measure == "money" and float(column.values.median()) < 0):
            continue  # logarithms and differences
        if measure == "money" or ("value" in pieces and len(pieces) > 1):
            found[column.name] = GuessedUnit(money, "money of a currency that no header says", False)
        elif measure == "amount" and pieces & {"weight", "gewicht", "load", "ladung"} and high > 2:
            mass = "lb" if imperial else "kg" if high > 100 else "t"
            found[column.name] = GuessedUnit(mass, "no unit is stated", False)
        elif pieces & _RAIN:
            found[column.name] = GuessedUnit("in" if imperial else "mm", "no unit is stated", False)
    return found | _times_and_ways(table, open_columns, imperial)


def _times_and_ways(table: SourceTable, columns: list[ColumnFacts], imperial: bool) -> dict[str, GuessedUnit]:
    """Return units of times and ways: those under which speeds are those of roads, else of aeroplanes."""
    numbers = [column for column in table.columns.values() if column.kind == "number"]
    made = made_by_name([column.name for column in numbers])
    ways = [column for column in numbers if measure_of(column) == "length" and column.name not in made]
    times = [
        column
        for column in numbers
        if measure_of(column) == "time"
        and (header_unit(column, "EUR") or words_of(column) & MEASURE_WORDS["time"])
        and not is_known_before(column)
    ]
    found: dict[str, GuessedUnit] = {}
    way_unit = "mi" if imperial else "km"
    for time in times:
        told = header_unit(time, "EUR")
        for way in ways:
            stated = header_unit(way, "EUR")
            fit = _fitting(
                table,
                (way, [stated.unit] if stated else [way_unit, *({"km", "mi", "m"} - {way_unit})]),
                (time, [told.unit] if told else ["min", "h", "s"]),
            )
            if fit is not None:
                why = f"under it speeds are those {fit[2]}"
                found.setdefault(way.name, GuessedUnit(fit[0], why, False))
                found.setdefault(time.name, GuessedUnit(fit[1], why, False))
    plain = "no unit is stated"
    for column in columns:
        if column in times:
            long = float(column.values.median()) > _MINUTES_OF_A_DAY
            found.setdefault(column.name, GuessedUnit("s" if long else "min", plain, False))
        elif column in ways:
            found.setdefault(column.name, GuessedUnit(way_unit, plain, False))
    return {name: unit for name, unit in found.items() if any(each.name == name for each in columns)}


def _fitting(
    table: SourceTable, way: tuple[ColumnFacts, list[str]], time: tuple[ColumnFacts, list[str]]
) -> tuple[str, str, str] | None:
    """Return units of a way and a time under which the median speed is usual, and where; None where none is."""
    both = table.frame[[way[0].name, time[0].name]].dropna()
    both = both[(both > 0).all(axis="columns")]
    if len(both) < max(3, 0.5 * len(table.frame)):
        return None
    median = float((both[way[0].name] / both[time[0].name]).median())
    pairs = [(way_unit, time_unit) for time_unit in time[1] for way_unit in way[1]]
    for way_unit, time_unit in sorted(pairs, key=lambda pair: pair[0] == "m"):
        speed = median * convert(1.0, way_unit, "km") / convert(1.0, time_unit, "h")
        for where, (low, high) in {"of roads": _ROADS, "of aeroplanes": _AIR}.items():
            if low <= speed <= high:
                return way_unit, time_unit, where
    return None
