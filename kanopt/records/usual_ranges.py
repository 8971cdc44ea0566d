"""Numbers that are unusual for what they measure, asked back: a driver for 30 EUR a minute, a van for 1,100 t.

One table says what is usual. Nothing is refused by it, and a column that declares its unit is not asked: whoever writes
``"t"`` beside 1,100 means it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kanopt.records.table_schema import TableSchema
from kanopt.text import amount_text, list_names, number_text
from kanopt.units import convert, factor, same_dimension

__all__ = ["UsualRange", "unusual_values"]


@dataclass(frozen=True)
class UsualRange:
    """What is usual of a field.

    Parameters
    ----------
    unit
        The unit of the range; euros stand for any money of about their worth.
    low, high
        Its ends. What is beyond them is asked back, zero and infinity apart.
    mistaken
        Units in which such a number may be meant.
    """

    unit: str
    low: float
    high: float
    mistaken: tuple[str, ...] = ()


_LOADS = ("kg", "t", "g", "lb")
_PRICES_OF_TIME = ("EUR/h", "EUR/min", "EUR/day")
_PRICES_OF_WAY = ("EUR/km", "EUR/m", "EUR/100 km")
_WAYS = ("m", "km")
_TIMES = ("s", "min", "h")

USUAL: Mapping[str, Mapping[str, UsualRange]] = {
    "clients": {
        "demand": UsualRange("t", 0.0, 100.0, _LOADS),
        "pickup": UsualRange("t", 0.0, 100.0, _LOADS),
        "service": UsualRange("min", 0.05, 1_440.0, _TIMES),
    },
    "vehicles": {
        "capacity": UsualRange("t", 0.005, 100.0, _LOADS),
        "cost_per_time": UsualRange("EUR/h", 0.5, 500.0, _PRICES_OF_TIME),
        "cost_per_overtime": UsualRange("EUR/h", 0.5, 1_000.0, _PRICES_OF_TIME),
        "cost_per_distance": UsualRange("EUR/km", 0.005, 50.0, _PRICES_OF_WAY),
        "max_distance": UsualRange("km", 0.5, 20_000.0, _WAYS),
        "max_duration": UsualRange("h", 0.1, 1_000.0, _TIMES),
        "reload_time": UsualRange("min", 0.05, 1_440.0, _TIMES),
    },
    "power_price": {"price": UsualRange("EUR/kWh", 0.0005, 10.0, ("EUR/MWh", "cEUR/kWh"))},
    "lanes": {"distance": UsualRange("km", 0.01, 30_000.0, _WAYS)},
}
"""Table and field to what is usual of it."""

_ALIKE = ("EUR", "USD", "GBP", "CHF", "CAD", "AUD")
"""Currencies of which a coin buys about the same."""


def unusual_values(
    schema: TableSchema, records: Sequence[Any], declared: Collection[str] = ()
) -> Iterable[str]:
    """Yield a question for each field of a table in which numbers are unusual for what they measure.

    Parameters
    ----------
    schema
        The table, with the units that the problem counts in.
    records
        Its records.
    declared
        The fields whose columns declare a unit, which are not asked.

    Examples
    --------
    >>> from kanopt.problems.routing.entities import RoutingUnits, VehicleType
    >>> vehicles = RoutingUnits().tables()[2]
    >>> print(*unusual_values(vehicles, [VehicleType("van", capacity=1100.0)]))
    vehicles: capacity of 'van' is 1100 t, where 0.005 to 100 t are usual; is it in kg? Declare the unit of its column
    """
    for name, usual in USUAL.get(schema.name, {}).items():
        counted = schema.units.get(name, "")
        asked = _in_money_of(usual, counted)
        if name in declared or not same_dimension(counted, asked.unit):
            continue
        given = [(record, getattr(record, name)) for record in records]
        odd = [given[place] for place in _odd_places([value for _, value in given], counted, asked)]
        if odd:
            labels = ["/".join(str(getattr(record, part)) for part in schema.key) for record, _ in odd]
            yield f"{schema.name}: {name} of {_question(labels, [value for _, value in odd], counted, asked)}"


def _in_money_of(usual: UsualRange, unit: str) -> UsualRange:
    """Return what is usual in the currency of a unit."""
    money = unit.partition("/")[0]
    if money not in _ALIKE:
        return usual
    mistaken = tuple(each.replace("EUR", money) for each in usual.mistaken)
    return replace(usual, unit=usual.unit.replace("EUR", money), mistaken=mistaken)


def _odd_places(values: Sequence[float | None], unit: str, usual: UsualRange) -> list[int]:
    """Return the places of the values beyond what is usual; zero and what is not limited are fine."""
    scale = factor(unit, usual.unit)
    return [
        place
        for place, value in enumerate(values)
        if value and math.isfinite(value) and not usual.low <= abs(value) * scale <= usual.high
    ]


def _question(labels: Sequence[str], values: Sequence[float], unit: str, usual: UsualRange) -> str:
    ends = [*dict.fromkeys((min(values), max(values)))]
    shown = " to ".join([*map(number_text, ends[:-1]), amount_text(ends[-1], unit)])
    if unit != usual.unit:
        shown += f" ({amount_text(convert(ends[-1], unit, usual.unit), usual.unit)})"
    meant = [each for each in usual.mistaken if not _odd_places(values, each, usual)]
    limits = f"{number_text(usual.low)} to {amount_text(usual.high, usual.unit)}"
    hint = f"is it in {meant[0]}?" if meant else f"is it really in {unit}?"
    return f"{list_names(labels)} is {shown}, where {limits} are usual; {hint} Declare the unit of its column"
