"""What dates and places in columns say: the hour, the weekday, how long it is from one to another, and how far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FormulaError

if TYPE_CHECKING:
    import pandas as pd

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
    return CalendarFunction(lambda dates: _numbers(getattr(dates.dt, name)))


def _numbers(values: Any) -> Floats:
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))


def _hour(dates: pd.Series[Any]) -> Floats:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(dates.dtype):
        parts = dates.dt
        return (
            _numbers(parts.hour)
            + _numbers(parts.minute) / 60.0
            + (_numbers(parts.second) + _numbers(parts.microsecond) / 1e6) / 3600.0
        )
    found = dates.astype("string").str.extract(_CLOCK)
    hours, minutes, seconds = (_numbers(pd.to_numeric(found[place])) for place in range(3))
    return np.asarray(hours + minutes / 60.0 + np.nan_to_num(seconds) / 3600.0)


def _between(seconds: float, unit: str) -> CalendarFunction:
    def passed(first: pd.Series[Any], second: pd.Series[Any]) -> Floats:
        return np.asarray(_numbers((second - first).dt.total_seconds()) / seconds)

    return CalendarFunction(passed, unit, 2)


def _of_places(value: Callable[[Floats, Floats], Floats], unit: str = "") -> CalendarFunction:
    """Return a function of where a way begins and ends."""

    def found(*columns: Any) -> Floats:
        lat, lon, to_lat, to_lon = (np.asarray(column, dtype=np.float64) for column in columns)
        return value(np.stack([lat, lon], axis=-1), np.stack([to_lat, to_lon], axis=-1))

    return CalendarFunction(found, unit, 4, takes_degrees=True)


CALENDAR: Mapping[str, CalendarFunction] = {
    "hour": CalendarFunction(_hour, "h", takes_clock=True),
    "weekday": CalendarFunction(lambda dates: _numbers(dates.dt.day_of_week) + 1.0),
    "day": _part("day"),
    "day_of_year": _part("day_of_year"),
    "week": CalendarFunction(lambda dates: _numbers(dates.dt.isocalendar().week)),
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
