"""The records a problem is made of, and the arrays that laws read from them.

A problem speaks of clients, machines or lanes: frozen dataclasses with a few fields of their own and a
mapping ``attributes`` for whatever else the user's table holds. :mod:`kanopt.records.reading` reads and checks
them; :func:`field_values` turns one field or attribute of many records into an array with a unit, which is how
``client.demand`` or ``vehicle.fuel_price`` is resolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from kanopt.errors import ProblemError, UnitError, nearest
from kanopt.formulas.references import ReferenceValue
from kanopt.units import convert


@dataclass(frozen=True)
class Quantity:
    """A number with a unit.

    Examples
    --------
    >>> Quantity(1.8, "EUR/l")
    Quantity(value=1.8, unit='EUR/l')
    """

    value: float
    unit: str = ""


Attribute: TypeAlias = float | str | Quantity
"""Value of an attribute: a bare number, a text, or a number with a unit."""


class Record(Protocol):
    """A frozen dataclass with a mapping of further attributes."""

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """What the table holds besides the fields."""
        ...


def field_values(
    items: Sequence[Record], field: str, *, units: Mapping[str, str] | None = None, where: str = "records"
) -> ReferenceValue:
    """Return one field or attribute of many records as an array with its unit.

    Parameters
    ----------
    items
        The records; fields come before attributes.
    field
        Name of the field or attribute.
    units
        Unit of each field of the records.
    where
        What the records are called in messages.

    Returns
    -------
    Known
        Values of shape ``(len(items),)``: float64, or object where they are texts. Attributes in several
        units are converted to that of the first record.

    Raises
    ------
    ProblemError
        If a record has no such field or attribute (names the nearest), or texts and numbers are mixed.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> vans = [SimpleNamespace(attributes={"price": Quantity(2.0, "EUR/l")}),
    ...         SimpleNamespace(attributes={"price": Quantity(0.0018, "EUR/ml")})]
    >>> field_values(vans, "price")
    ReferenceValue(values=array([2. , 1.8]), unit='EUR/l')
    """
    _refuse_blank(items, field, where)
    values = [_field_value(item, field, units or {}, where) for item in items]
    if any(isinstance(value, str) for value in values):
        if not all(isinstance(value, str) for value in values):
            raise ProblemError(f"{where}: {field!r} is a text in some records and a number in others")
        return ReferenceValue(np.array(values, dtype=object))
    quantities = [value if isinstance(value, Quantity) else Quantity(float(value)) for value in values]
    unit = quantities[0].unit if quantities else ""
    numbers = np.empty(len(quantities))
    for place, quantity in enumerate(quantities):
        if bool(quantity.unit) != bool(unit):
            raise ProblemError(f"{where}: {field!r} has a unit in some records and none in others")
        try:
            numbers[place] = convert(quantity.value, quantity.unit, unit)
        except UnitError as error:
            raise ProblemError(f"{where}: {field!r}: {error}") from error
    return ReferenceValue(numbers, unit)


def _field_value(item: Record, field: str, units: Mapping[str, str], where: str) -> Attribute:
    """Look a field up, then an attribute."""
    names = _field_names(item)
    if field in names:
        value = getattr(item, field)
        if value is None:
            raise ProblemError(f"{where}: {field!r} of {_label(item)} is not set, but a law reads it")
        if isinstance(value, tuple):
            return ", ".join(value)
        return value if isinstance(value, str) else Quantity(float(value), units.get(field, ""))
    if field not in item.attributes:
        hint = nearest(field, [*names, *item.attributes])
        raise ProblemError(f"{where}: {_label(item)} has no {field!r}; {hint}")
    return item.attributes[field]


def _refuse_blank(items: Sequence[Record], field: str, where: str) -> None:
    """Name the first record that lacks nothing but attributes that others of its kind have: its cell is blank."""
    first = next((item for item in items if field not in item.attributes), None)
    if first is None or field in _field_names(first):
        return
    alike = [item for item in items if type(item) is type(first)]
    whole = next((item for item in alike if field in item.attributes), None)
    if whole is not None and set(first.attributes) <= set(whole.attributes):
        row = next(place for place, item in enumerate(alike, start=1) if item is first)
        raise ProblemError(
            f"{where}: row {row:,}, {_label(first)}: {field!r} is blank, but a law reads it; write a value"
        )


def _field_names(item: Record) -> list[str]:
    names: Iterable[str] = getattr(type(item), "__dataclass_fields__", ())
    return [name for name in names if name != "attributes"]


def _label(item: Record) -> str:
    return repr(getattr(item, "name", type(item).__name__))


def names_of(values: Iterable[Any]) -> list[str]:
    """Return names as texts; whole numbers are written without a decimal point.

    Examples
    --------
    >>> names_of([1.0, 2, "c3"])
    ['1', '2', 'c3']
    """
    return [
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value) for value in values
    ]
