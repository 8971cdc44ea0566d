"""From tables to the records a problem is made of, and from records to the arrays its laws read.

A problem speaks of clients, machines or lanes: frozen dataclasses with a few fields of their own and a
mapping ``attributes`` for whatever else the user's table holds. :func:`records` builds them from a
frame and reports every mistake at once; :func:`field_values` turns one field or attribute of many records back into
an array with a unit, which is how ``client.demand`` or ``vehicle.fuel_price`` is resolved.
"""

from __future__ import annotations

import types
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, Protocol, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import ProblemError, UnitError, nearest
from kanopt.formulas.binding import ReferenceValue
from kanopt.units import convert

__all__ = ["Attribute", "Quantity", "Record", "field_values", "names_of", "records"]


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
"""What a record may carry besides its fields: a bare number, a text, or a number with a unit."""


class Record(Protocol):
    """A frozen dataclass with a mapping of further attributes."""

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """What the table holds besides the fields."""
        ...


RecordT = TypeVar("RecordT", bound=Record)
_SHOWN = 5


@dataclass(frozen=True)
class _Field:
    """A field that a column can fill, with its type (``str``, ``int``, ``float`` or ``bool``)."""

    name: str
    type: type
    required: bool


def records(
    data: pd.DataFrame | Iterable[RecordT],
    kind: type[RecordT],
    *,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    key: Sequence[str] = ("name",),
    where: str = "table",
) -> tuple[RecordT, ...]:
    """Turn a frame into records, or check records that were built by hand.

    Parameters
    ----------
    data
        A frame with one row per record, or records of this kind, which are returned as they are.
    kind
        A frozen dataclass with a field ``attributes``. Fields of type ``str``, ``int``, ``float`` or ``bool``
        (or one of these or None) are read from the column of the same name; a blank cell means the field's
        default.
    columns
        Field to column, where the names differ: ``{"demand": "demand_t"}``.
    units
        Unit of a field in the problem. A column whose declared unit differs (``kanopt.tables.units_of``) is
        converted.
    key
        The fields that tell one record from another.
    where
        What the table is called in messages.

    Returns
    -------
    tuple of `kind`
        In the order of the rows. Columns that fill no field become ``attributes``: a text, a number, or a
        :class:`Quantity` where the frame declares a unit. Blank cells are left out.

    Raises
    ------
    ProblemError
        With every mistake found: a missing column, a blank where a value is required, text where a number
        belongs, a unit that does not convert, two records with the same key.

    Examples
    --------
    >>> from dataclasses import dataclass, field
    >>> @dataclass(frozen=True)
    ... class Client:
    ...     name: str
    ...     demand: float
    ...     attributes: dict = field(default_factory=dict)
    >>> table = pd.DataFrame({"name": ["c1"], "demand_t": [0.5], "zone": ["north"]})
    >>> records(table, Client, columns={"demand": "demand_t"}, where="clients")
    (Client(name='c1', demand=0.5, attributes={'zone': 'north'}),)
    """
    if isinstance(data, pd.DataFrame):
        built = _FrameReader(data, kind, columns or {}, units or {}, where).read()
    else:
        built = tuple(data)
        for place, item in enumerate(built):
            if not isinstance(item, kind):
                raise ProblemError(
                    f"{where}: entry {place + 1} is a {type(item).__name__}; "
                    f"give {kind.__name__} objects or a DataFrame"
                )
        _refuse_types(built, kind, where)
    _refuse_duplicates(built, key, where)
    return built


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
        return value if isinstance(value, str) else Quantity(float(value), units.get(field, ""))
    if field not in item.attributes:
        hint = nearest(field, [*names, *item.attributes])
        raise ProblemError(f"{where}: {_label(item)} has no {field!r}; {hint}")
    return item.attributes[field]


def _field_names(item: Record) -> list[str]:
    names: Iterable[str] = getattr(type(item), "__dataclass_fields__", ())
    return [name for name in names if name != "attributes"]


def _label(item: Record) -> str:
    return repr(getattr(item, "name", type(item).__name__))


def _refuse_duplicates(items: Sequence[Record], key: Sequence[str], where: str) -> None:
    counts = Counter(tuple(getattr(item, name) for name in key) for item in items)
    again = ["/".join(map(str, value)) for value, count in counts.items() if count > 1]
    if again:
        raise ProblemError(
            f"{where}: {_first_few(again)} appears more than once; {' and '.join(key)} must be unique"
        )


def _refuse_types(items: Sequence[Record], kind: type, where: str) -> None:
    """Refuse texts where numbers belong, and the other way round, in records that were built by hand."""
    mistakes = []
    for field in _plain_fields(kind):
        for item in items:
            value = getattr(item, field.name)
            known, expected = _TYPES[field.type]
            if value is not None and (
                not isinstance(value, known) or (isinstance(value, bool) and bool not in known)
            ):
                mistakes.append(f"{where}: {field.name} of {_label(item)} is {value!r}, not {expected}")
    if mistakes:
        more = [f"{where}: and {len(mistakes) - _SHOWN} more"] if len(mistakes) > _SHOWN else []
        raise ProblemError("\n".join([*mistakes[:_SHOWN], *more]))


_TYPES: Mapping[type, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a text"),
    int: ((int, float, np.number), "a number"),
    float: ((int, float, np.number), "a number"),
    bool: ((bool, np.bool_), "True or False"),
}


def _first_few(words: Sequence[str]) -> str:
    """List the first few words."""
    shown = ", ".join(repr(word) for word in words[:_SHOWN])
    return shown + (f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else "")


def _plain_fields(kind: type) -> tuple[_Field, ...]:
    """Return the fields that a column can fill."""
    hints = get_type_hints(kind)
    found = []
    for item in fields(kind):
        hint = hints[item.name]
        options = [hint]
        if get_origin(hint) in (Union, types.UnionType):
            options = [option for option in get_args(hint) if option is not type(None)]
        if len(options) == 1 and options[0] in (str, int, float, bool):
            required = item.default is MISSING and item.default_factory is MISSING
            found.append(_Field(item.name, options[0], required))
    return tuple(found)


def _declared(frame: pd.DataFrame) -> Mapping[str, str]:
    """Return the units the frame declares, by column."""
    if not frame.attrs:
        return {}
    from kanopt.tables import units_of

    return units_of(frame)


class _FrameReader:
    """Reads one frame, collecting mistakes."""

    def __init__(
        self,
        frame: pd.DataFrame,
        kind: type[RecordT],
        columns: Mapping[str, str],
        units: Mapping[str, str],
        where: str,
    ) -> None:
        self.frame = frame
        self.kind: Any = kind
        self.units = units
        self.where = where
        self.declared = _declared(frame)
        self.fields = _plain_fields(kind)
        self.mistakes: list[str] = []
        names = [item.name for item in self.fields]
        for name in columns:
            if name not in names:
                self.mistakes.append(f"no field {name!r} to fill from a column; {nearest(name, names)}")
        self.column = {name: columns.get(name, name) for name in names}
        self.named = set(columns)

    def read(self) -> tuple[Any, ...]:
        rows: list[dict[str, Any]] = [{} for _ in range(len(self.frame))]
        for item in self.fields:
            if self.column[item.name] in self.frame.columns:
                self._fill(rows, item)
            elif item.required or item.name in self.named:
                hint = nearest(self.column[item.name], map(str, self.frame.columns))
                self.mistakes.append(f"column {self.column[item.name]!r} is missing; {hint}")
        attributes = self._attributes()
        if self.mistakes:
            raise ProblemError("\n".join(f"{self.where}: {mistake}" for mistake in self.mistakes))
        return tuple(self.kind(**row, attributes=extra) for row, extra in zip(rows, attributes, strict=True))

    def _fill(self, rows: list[dict[str, Any]], item: _Field) -> None:
        """Put the column of a field into the rows, converted and checked."""
        column = self.column[item.name]
        values = self._single(column)
        if item.type in (int, float) and values.dtype.kind in "mM":
            self.mistakes.append(
                f"column {column!r} holds {'dates' if values.dtype.kind == 'M' else 'durations'}; give numbers"
                + (f" in {self.units[item.name]!r}" if self.units.get(item.name) else "")
            )
            return
        blank = values.isna().to_numpy()
        if item.required and blank.any():
            self._mistake(column, np.flatnonzero(blank), "is blank, but a value is required")
        read = _PARSERS[item.type](values[~blank])
        kept = np.flatnonzero(~blank)
        if read.wrong.any():
            places = kept[read.wrong]
            shown = ", ".join(repr(value) for value in values.iloc[places[:_SHOWN]])
            self._mistake(column, places, f"{shown} is not {read.expected}")
            return
        numbers = read.values
        source, target = self.declared.get(column, ""), self.units.get(item.name, "")
        if source and target and item.type is float:
            try:
                numbers = list(convert(np.array(numbers, dtype=float), source, target))
            except UnitError as error:
                self.mistakes.append(f"column {column!r}: {error}")
                return
        for place, value in zip(kept, numbers, strict=True):
            rows[place][item.name] = item.type(value)

    def _attributes(self) -> list[dict[str, Attribute]]:
        """Collect the columns that fill no field."""
        used = {self.column[item.name] for item in self.fields}
        found: list[dict[str, Attribute]] = [{} for _ in range(len(self.frame))]
        for column in self.frame.columns:
            if column in used:
                continue
            values = self._single(column)
            unit = self.declared.get(column, "")
            numeric = pd.api.types.is_numeric_dtype(values.dtype)
            for place in np.flatnonzero(values.notna().to_numpy()):
                value = values.iloc[place]
                if not numeric:
                    found[place][str(column)] = str(value)
                else:
                    found[place][str(column)] = Quantity(float(value), unit) if unit else float(value)
        return found

    def _single(self, column: str) -> pd.Series[Any]:
        times = int((self.frame.columns == column).sum())
        if times > 1:
            raise ProblemError(f"{self.where}: column {column!r} appears {times} times")
        return self.frame[column]

    def _mistake(self, column: str, places: Sequence[int] | NDArray[Any], what: str) -> None:
        rows = ", ".join(str(int(place) + 1) for place in places[:_SHOWN])
        more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        plural = "rows" if len(places) > 1 else "row"
        self.mistakes.append(f"column {column!r}, {plural} {rows}{more}: {what}")


@dataclass(frozen=True)
class _ParsedColumn:
    """A column as a type: its values, where it cannot be read, and what was expected."""

    values: list[Any]
    wrong: NDArray[np.bool_]
    expected: str


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


def _text(values: pd.Series[Any]) -> _ParsedColumn:
    texts = names_of(values)
    return _ParsedColumn(texts, np.array([not text.strip() for text in texts], dtype=bool), "a name")


def _numbers(values: pd.Series[Any]) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    return numbers


def _float(values: pd.Series[Any]) -> _ParsedColumn:
    numbers = _numbers(values)
    return _ParsedColumn(list(numbers), np.isnan(numbers), "a number")


def _int(values: pd.Series[Any]) -> _ParsedColumn:
    numbers = _numbers(values)
    return _ParsedColumn(
        list(numbers), ~(np.isfinite(numbers) & (numbers == np.rint(numbers))), "a whole number"
    )


def _bool(values: pd.Series[Any]) -> _ParsedColumn:
    words = [str(value).strip().lower() for value in values]
    truth = [_WORDS.get(word) for word in words]
    return _ParsedColumn(truth, np.array([value is None for value in truth], dtype=bool), "true or false")


_WORDS = {
    "true": True,
    "yes": True,
    "1": True,
    "1.0": True,
    "false": False,
    "no": False,
    "0": False,
    "0.0": False,
}
_PARSERS = {str: _text, float: _float, int: _int, bool: _bool}
