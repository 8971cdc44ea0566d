"""Convert the user's columns to arrays, and evaluate the graph of a formula on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError, UnitError, nearest
from kanopt.faults import float_array
from kanopt.formulas.nodes import Node, computed
from kanopt.formulas.variables import Variable, category_label
from kanopt.text import count_text, list_names
from kanopt.units import convert

if TYPE_CHECKING:
    import pandas as pd


# What dates and places in columns say: the hour, the weekday, how long it is from one to another, and how
# far.

EARTH_RADIUS_KM = 6371.0088


def great_circle_km(tail: Floats, head: Floats) -> Floats:
    """Return great-circle distances in km.

    Parameters
    ----------
    tail, head
        Latitude and longitude in degrees in the last axis; the other axes broadcast.

    Examples
    --------
    >>> paris, rome = np.array([48.8566, 2.3522]), np.array([41.9028, 12.4964])
    >>> print(f"{great_circle_km(paris, rome):.1f}")
    1105.3
    """
    inner: Any = 0.0
    for step in map(np.subtract, _directions(tail), _directions(head)):
        inner = inner + step * step
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(inner / 4, 0.0, 1.0))))


def _directions(places: Floats) -> tuple[Floats, Floats, Floats]:
    """Return where places lie seen from the middle of the earth.

    A quarter of the squared distance of two such points is the haversine, and takes no function of an angle for each
    pair.
    """
    lat, lon = np.moveaxis(np.radians(places), -1, 0)
    return np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)


def great_circle_direction(tail: Floats, head: Floats) -> tuple[Floats, Floats]:
    """Return how far one sets out to the east and to the north, of a way of length 1; both 0 where there is no way.

    They are sine and cosine of the initial bearing of the great circle.

    Parameters
    ----------
    tail, head
        Latitude and longitude in degrees in the last axis; the other axes broadcast.

    Examples
    --------
    >>> east, north = great_circle_direction(np.array([0.0, 10.0]), np.array([0.0, 11.0]))
    >>> float(east), float(north)
    (1.0, 0.0)
    """
    (lat, lon), (to_lat, to_lon) = (np.moveaxis(np.radians(place), -1, 0) for place in (tail, head))
    east = np.sin(to_lon - lon) * np.cos(to_lat)
    north = np.cos(lat) * np.sin(to_lat) - np.sin(lat) * np.cos(to_lat) * np.cos(to_lon - lon)
    return unit_vector(east, north)


def unit_vector(east: Floats, north: Floats) -> tuple[Floats, Floats]:
    """Return steps to the east and to the north as those of a way of length 1; both 0 where there is no way."""
    length = np.hypot(east, north)
    there = np.where(length == 0.0, 1.0, length)
    return east / there, north / there


_CLOCK = r"^\s*([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?\s*$"


@dataclass(frozen=True)
class CalendarFunction:
    """A function of columns of dates and times, or of latitudes and longitudes.

    Parameters
    ----------
    value
        Takes as many columns as `arguments` says; NaN where a date is missing.
    unit
        The unit of what it gives; empty for a plain number.
    arguments
        How many columns it takes.
    takes_clock
        Whether it takes a column of times of day too, such as 16:30, written as texts.
    takes_degrees
        Whether it takes columns of numbers, latitude and longitude of one place and then of another, and no dates.
    """

    value: Callable[..., Floats]
    unit: str = ""
    arguments: int = 1
    takes_clock: bool = False
    takes_degrees: bool = False


def check_zones(columns: Mapping[str, Any]) -> None:
    """Refuse to set dates with a time zone beside dates without one: how far apart they are is not known.

    Raises
    ------
    FormulaError
        If some of the columns have a zone and others have none.
    """
    zoned = {
        name: getattr(getattr(column, "dtype", None), "tz", None) is not None
        for name, column in columns.items()
    }
    if len({*zoned.values()}) > 1:
        having, lacking = (
            next(name for name, has in zoned.items() if has is which) for which in (True, False)
        )
        raise FormulaError(
            f"{having!r} has a time zone and {lacking!r} has none, so that they cannot be compared; write both with "
            "one, as in 2024-01-31 16:30+01:00, or both without"
        )


def _part(name: str) -> CalendarFunction:
    return CalendarFunction(lambda dates: _as_numbers(getattr(dates.dt, name)))


def _as_numbers(values: Any) -> Floats:
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def _hour(dates: pd.Series[Any]) -> Floats:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(dates.dtype):
        parts = dates.dt
        return (
            _as_numbers(parts.hour)
            + _as_numbers(parts.minute) / 60.0
            + (_as_numbers(parts.second) + _as_numbers(parts.microsecond) / 1e6) / 3600.0
        )
    found = dates.astype("string").str.extract(_CLOCK)
    hours, minutes, seconds = (_as_numbers(pd.to_numeric(found[place])) for place in range(3))
    return np.asarray(hours + minutes / 60.0 + np.nan_to_num(seconds) / 3600.0)


def _between(seconds: float, unit: str) -> CalendarFunction:
    def passed(first: pd.Series[Any], second: pd.Series[Any]) -> Floats:
        return np.asarray(_as_numbers((second - first).dt.total_seconds()) / seconds)

    return CalendarFunction(passed, unit, 2)


def _of_places(value: Callable[[Floats, Floats], Floats], unit: str = "") -> CalendarFunction:
    """Return a function of where a way begins and ends."""

    def found(*columns: Any) -> Floats:
        lat, lon, to_lat, to_lon = (np.asarray(column, dtype=np.float64) for column in columns)
        return value(np.stack([lat, lon], axis=-1), np.stack([to_lat, to_lon], axis=-1))

    return CalendarFunction(found, unit, 4, takes_degrees=True)


CALENDAR: Mapping[str, CalendarFunction] = {
    "hour": CalendarFunction(_hour, "h", takes_clock=True),
    "weekday": CalendarFunction(lambda dates: _as_numbers(dates.dt.day_of_week) + 1.0),
    "day": _part("day"),
    "day_of_year": _part("day_of_year"),
    "week": CalendarFunction(lambda dates: _as_numbers(dates.dt.isocalendar().week)),
    "month": _part("month"),
    "quarter": _part("quarter"),
    "year": _part("year"),
    "seconds_between": _between(1.0, "s"),
    "minutes_between": _between(60.0, "min"),
    "hours_between": _between(3600.0, "h"),
    "days_between": _between(86_400.0, "d"),
    "straight_distance": _of_places(great_circle_km, "km"),
    "eastward": _of_places(lambda tail, head: great_circle_direction(tail, head)[0]),
    "northward": _of_places(lambda tail, head: great_circle_direction(tail, head)[1]),
}
"""Hours with their fraction (16:30 is 16.5); weekdays and weeks as ISO 8601 counts them, Monday being 1. Of places: how
long the great circle is between them, and sine and cosine of its initial bearing."""


_EDGE = 1e-9
_SHOWN = 12
_NUMERIC = {"floating", "integer", "mixed-integer-float", "decimal", "boolean", "empty"}


def read_columns(inputs: Sequence[Variable], data: Any, required: frozenset[str]) -> dict[str, NDArray[Any]]:
    """Read a formula's inputs from a frame or a mapping.

    Parameters
    ----------
    inputs
        The inputs; numbers are returned as float64, categories as text in object arrays.
    data
        A DataFrame, or a mapping of name to number, text or array of any shape.
    required
        Names of the required inputs; the others are read if present.

    Raises
    ------
    FormulaError
        If an input is missing (suggests the nearest name), is not numeric, or has missing values.
    """
    columns: dict[str, NDArray[Any]] = {}
    absent = [v.name for v in inputs if v.name in required and v.name not in data]
    if absent:
        listed, is_one = list_names(absent, _SHOWN), len(absent) == 1
        told = f"input {listed} is missing" if is_one else f"inputs {listed} are missing"
        raise FormulaError(f"{told}; {nearest(absent[0], [str(name) for name in data], 'given')}")
    for variable in inputs:
        if variable.name in data:
            columns[variable.name] = _column(variable, data)
    return columns


def _column(variable: Variable, data: Any) -> NDArray[Any]:
    """Return a column, converted if the frame declares another unit than the formula."""
    if variable.is_category:
        return _labels(variable, data[variable.name])
    numbers = _numbers(variable, data[variable.name])
    declared = getattr(data, "attrs", {}).get("kanopt", {}).get("units", {}).get(variable.name, "")
    if not declared or not variable.unit or declared == variable.unit:
        return numbers
    try:
        return convert(numbers, declared, variable.unit)
    except UnitError as error:
        raise FormulaError(f"input {variable.name!r}: {error}") from error


def _numbers(variable: Variable, values: Any) -> Floats:
    dtype = getattr(values, "dtype", np.dtype(object))
    try:
        if not isinstance(dtype, np.dtype) and getattr(dtype, "kind", "O") in "fiub":
            # pandas' own missing value needs to be told what it is as a float
            values = values.to_numpy(dtype=np.float64, na_value=np.nan)
        raw = np.asarray(values)
        if raw.dtype.kind not in "fiub":
            import pandas as pd

            found = pd.api.types.infer_dtype(raw.ravel(), skipna=True)
            if found not in _NUMERIC:
                texts = [each for each in raw.ravel().tolist() if isinstance(each, str)]
                example = repr((texts or raw.ravel().tolist())[0]) if raw.size else "nothing"
                raise FormulaError(
                    f"input {variable.name!r} is a number, but the data hold {found}: {example}"
                )
        numbers = np.array(float_array(raw))
    except FormulaError:
        raise
    except ValueError as error:
        raise FormulaError(f"input {variable.name!r}: {error}") from None
    _refuse_gaps(variable, np.isnan(numbers))
    return numbers


def _labels(variable: Variable, values: Any) -> NDArray[Any]:
    import pandas as pd

    raw = np.asarray(values, dtype=object)
    codes, found = pd.factorize(raw.ravel())
    _refuse_gaps(variable, codes.reshape(raw.shape) < 0)
    labels = np.array([category_label(value) for value in found], dtype=object)
    return labels[codes].reshape(raw.shape)


def _refuse_gaps(variable: Variable, gaps: NDArray[np.bool_]) -> None:
    if gaps.any():
        first = int(np.argmax(gaps))
        raise FormulaError(
            f"input {variable.name!r} has {count_text(int(gaps.sum()), 'missing value')} of {gaps.size:,}, the first "
            f"at position {first}; drop or fill those rows"
        )


def common_shape(columns: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
    """Return the shape to which all columns broadcast.

    Raises
    ------
    FormulaError
        If they do not; names the shapes.
    """
    try:
        return np.broadcast_shapes(*(values.shape for values in columns.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in columns.items())
        raise FormulaError(f"the inputs do not broadcast against each other: {shapes}") from None


def in_bounds(values: Floats, low: float | None, high: float | None) -> NDArray[np.bool_]:
    """Return a mask of values within two bounds, None for no bound, with a relative tolerance of 1e-9."""
    slack = _EDGE * max((abs(bound) for bound in (low, high) if bound is not None), default=0.0)
    above = np.True_ if low is None else values >= low - slack
    below = np.True_ if high is None else values <= high + slack
    return np.broadcast_to(above & below, values.shape)


def describe_place(columns: Mapping[str, NDArray[Any]], where: NDArray[np.bool_]) -> str:
    """Return the inputs at the first true element of `where`, as ``distance_km=0, hour=7``."""
    place = np.unravel_index(int(np.argmax(where)), where.shape)
    found = {name: np.broadcast_to(values, where.shape)[place] for name, values in columns.items()}
    return ", ".join(f"{n}={v:.6g}" if isinstance(v, float) else f"{n}={str(v)!r}" for n, v in found.items())


def evaluate_graph(root: Node, columns: Mapping[str, NDArray[Any]], what: str) -> Floats:
    """Return the value of a graph in the shape to which the columns broadcast, as a new array.

    Raises
    ------
    FormulaError
        If it is not finite where all inputs are; begins with `what` and names the first place.
    """
    shape = common_shape(columns)
    value = computed(root, columns)
    # a view, such as of a broadcast input, is not the caller's to write on
    fresh = value.shape == shape and value.flags.owndata
    result = value if fresh else np.array(np.broadcast_to(value, shape))
    wrong = ~np.isfinite(result)
    if wrong.any():
        for values in columns.values():
            if values.dtype != object:
                wrong = wrong & np.isfinite(values)
        if wrong.any():
            raise FormulaError(
                f"{what} has no finite value where {describe_place(columns, wrong)} "
                f"({int(wrong.sum()):,} of {wrong.size:,} places)"
            )
    return result
