"""Places on a plane or on the earth: how far apart they are, and where they lie on a map.

A place has x and y in the problem's unit of distance, or a latitude and a longitude in degrees. Between places on the
earth distances are great circles on a sphere of the mean radius (Moritz 2000, Geodetic Reference System 1980: 6371.0088
km; the earth's flattening moves them by less than 0.6 %), by the haversine formula, which keeps its digits where places
lie close together (Sinnott 1984). Roads are longer than that: the detour factor says how much.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.faults import Fault, Renaming
from kanopt.formulas.columns import EARTH_RADIUS_KM, great_circle_direction, great_circle_km, unit_vector
from kanopt.records.declaration import field
from kanopt.records.reading import RecordCheck, RecordReader
from kanopt.records.unread_columns import TableUse, lookalikes
from kanopt.text import join_list, list_names, number_text
from kanopt.units import convert, same_dimension

__all__ = ["EARTH_RADIUS_KM", "ROAD_DETOUR", "Positions", "great_circle_km", "looks_like_degrees"]


def place_field(name: str, unknown: Any = None) -> Any:
    """Declare a coordinate of a place: ``x``, ``y``, ``lat`` or ``lon``."""
    told = {
        "x": "Coordinate in the unit of distance; needed where distances come from coordinates, and for maps.",
        "y": "The other coordinate.",
        "lat": "Instead of x and y, the latitude in degrees; see :mod:`kanopt.plans.geography`.",
        "lon": "The longitude in degrees.",
    }
    on_earth = name in ("lat", "lon")
    return field(default=unknown, kw_only=on_earth, unit="deg" if on_earth else "distance", doc=told[name])


ROAD_DETOUR = 1.3
"""How much longer roads are than great circles where nothing else is stated: a round figure between those of most
countries (Ballou, Rahardja and Sakai 2002, Selected country circuity factors for road travel distance estimation)."""
_TOLD_APART = 3  # fewer places lie near to each other by chance
_OFFSET, _FAR_OFFSET = 0.6, 0.05


@dataclass(frozen=True, eq=False)
class Positions:
    """Where the places of a problem lie.

    Parameters
    ----------
    planar
        Columns x and y, in the unit of distance; shape (n, 2), NaN where unknown.
    degrees
        Columns latitude and longitude; shape (n, 2), NaN where unknown.
    unit
        The problem's unit of distance.
    detour
        How much longer ways are than as the crow flies; None for :data:`ROAD_DETOUR` on the earth and 1 on a plane.
    """

    planar: Floats
    degrees: Floats
    unit: str
    detour: float | None = None

    @classmethod
    def of(cls, places: Iterable[Any], unit: str, detour: float | None = None) -> Positions:
        """Return the positions of records with ``x``, ``y``, ``lat`` and ``lon``, no number or None where unknown."""
        rows = [(place.x, place.y, place.lat, place.lon) for place in places]
        values = np.array(rows, dtype=float).reshape(-1, 4)
        return cls(values[:, :2], values[:, 2:], unit, detour)

    @property
    def geographic(self) -> bool:
        """Whether places are latitudes and longitudes."""
        return bool(np.isfinite(self.degrees).any())

    @property
    def on_earth(self) -> bool:
        """Whether every place has a latitude and a longitude."""
        return bool(np.isfinite(self.degrees).all())

    @property
    def factor(self) -> float:
        """The detour factor."""
        if self.detour is not None:
            return self.detour
        return ROAD_DETOUR if self.geographic else 1.0

    @property
    def given(self) -> Floats:
        """The coordinates as they were given; shape (n, 2), NaN where unknown."""
        return self.degrees if self.geographic else self.planar

    def lengths(self, tails: NDArray[np.intp], heads: NDArray[np.intp]) -> Floats:
        """Return the length of the ways between places by their numbers, in the unit of distance.

        Raises
        ------
        UnitError
            If places are latitudes and longitudes, but the unit of distance is no length.
        """
        if self.geographic:
            apart = convert(great_circle_km(self.degrees[tails], self.degrees[heads]), "km", self.unit)
        else:
            east, north = (axis[tails] - axis[heads] for axis in self.planar.T)
            # coordinates are far from where squares overflow, and a hypotenuse takes seven times as long
            apart = np.sqrt(east * east + north * north)
        return np.asarray(apart * self.factor)

    def directions(self, tails: NDArray[np.intp], heads: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Return how far ways as the crow flies set out to the east and to the north, of a way of length 1."""
        if self.geographic:
            return great_circle_direction(self.degrees[tails], self.degrees[heads])
        east, north = (axis[heads] - axis[tails] for axis in self.planar.T)
        return unit_vector(east, north)

    @cached_property
    def on_map(self) -> Floats:
        """Places on a map, in the unit of distance; shape (n, 2), NaN where unknown.

        Latitudes and longitudes are projected equirectangularly with the mean latitude as standard parallel (Snyder
        1987, section 12), so that distances on the map are true near the middle of the places, in all directions.
        """
        if not self.geographic:
            return self.planar
        lat, lon = np.radians(self.degrees).T
        known = np.isfinite(lat) & np.isfinite(lon)
        # the mean of directions, so that places on both sides of the date line stay together
        centre = np.angle(np.exp(1j * lon[known]).mean())
        east = (lon - centre + np.pi) % (2 * np.pi) - np.pi
        parallel = lat[known].mean()
        kilometres = EARTH_RADIUS_KM * np.column_stack([np.cos(parallel) * east, lat - parallel])
        return convert(kilometres, "km", self.unit) if same_dimension(self.unit, "km") else kilometres

    def note(self) -> str:
        """Say how distances are found, where that is not by straight lines; empty otherwise.

        Examples
        --------
        >>> berlin = np.array([[52.52, 13.405], [52.39, 13.06]])
        >>> Positions(np.full((2, 2), np.nan), berlin, "km").note()
        'distances are great-circle × 1.3 (detour)'
        """
        if self.geographic:
            return f"distances are great-circle × {number_text(self.factor)} (detour)"
        return (
            f"distances are straight lines × {number_text(self.factor)} (detour)" if self.factor != 1 else ""
        )


def looks_like_degrees(places: Sequence[tuple[float, float]]) -> bool:
    """Say whether x and y look like degrees of longitude and latitude, in either order.

    Degrees of places that belong together lie close to each other and far from where both are 0, other than the numbers
    of small examples, which begin near 0. They have decimals, unless the places lie so close to each other, by how far
    they are from there, that no other numbers would.

    Examples
    --------
    >>> looks_like_degrees([(13.41, 52.52), (13.06, 52.39), (13.24, 52.76)])
    True
    >>> looks_like_degrees([(-9, 38), (-9, 39), (-8, 39)])
    True
    >>> looks_like_degrees([(2.5, 5.0), (9.87, 13.04), (11.1, 5.21)])
    False
    >>> looks_like_degrees([(35, 35), (41, 49), (40, 45)])
    False
    """
    values = np.array(places, dtype=float).reshape(-1, 2)
    values = values[np.isfinite(values).all(axis=1)]
    largest = np.sort(np.abs(values).max(axis=0, initial=0.0))
    if len(np.unique(values, axis=0)) < _TOLD_APART or largest[0] > 90 or largest[1] > 180:
        return False
    fine = np.abs(values * 10 - np.round(values * 10)) > 1e-9
    centre = (values.max(axis=0) + values.min(axis=0)) / 2
    offset = _OFFSET if fine.mean() >= 0.5 else _FAR_OFFSET
    return bool(np.linalg.norm(np.ptp(values, axis=0)) < offset * np.linalg.norm(centre))


# Mistakes in where places lie, for every kind of problem that has places.

_COORDINATES = ("x", "y", "lat", "lon")
_ENDS = {"lat": 90.0, "lon": 180.0}
_MEANING = {"lat": "latitude", "lon": "longitude"}


def place_checks(
    problem: Any, places: Mapping[str, Sequence[Any]], reader: RecordReader, *, measured: bool, needed: bool
) -> list[RecordCheck]:
    """Look for coordinates that are none, that are mixed or missing, and for degrees that are passed as a distance.

    Parameters
    ----------
    problem
        The problem, with units, a detour, and what it makes of its tables where coordinates are missing.
    places
        Table to its records, which have ``x``, ``y``, ``lat`` and ``lon``.
    reader
        What read the tables.
    measured
        Whether distances follow from coordinates.
    needed
        Whether every place must have some for it.
    """
    tables, uses = [*places], problem.table_uses
    return [
        *(RecordCheck(_halves(table, places[table], uses), [table]) for table in tables),
        *(RecordCheck(_beyond(table, places[table]), [table]) for table in tables),
        RecordCheck(_mixed(places), tables),
        RecordCheck(_degrees(places, reader, problem.units.distance) if measured else (), tables),
        RecordCheck(_nowhere(places, uses) if measured and needed else (), tables),
        RecordCheck(detour_mistakes(problem.detour, measured=measured), []),
    ]


def _halves(table: str, places: Sequence[Any], uses: Callable[[], Iterable[TableUse]]) -> Iterable[Fault]:
    for pair in (("x", "y"), ("lat", "lon")):
        half = [place.name for place in places if len({_known(getattr(place, name)) for name in pair}) == 2]
        if half:
            like = lookalikes([use for use in uses() if use.table == table], pair)
            yield Fault(table, (f"give both {pair[0]} and {pair[1]}, or neither", *like), tuple(half))


def _nowhere(places: Mapping[str, Sequence[Any]], uses: Callable[[], Iterable[TableUse]]) -> Iterable[Fault]:
    """Yield the places without coordinates, which distances should follow from."""
    lost = [
        place.name
        for records in places.values()
        for place in records
        if not any(_known(getattr(place, name)) for name in _COORDINATES)
    ]
    if lost:
        advice = "give x and y, or lat and lon, a table of distances or a road network"
        what = f"no coordinates; {advice}"
        yield Fault([*places][-1], (what, *lookalikes(uses(), _COORDINATES)), tuple(lost))


def _beyond(table: str, places: Sequence[Any]) -> Iterable[Fault]:
    """Yield latitudes and longitudes that are none, and that they may stand in each other's column."""
    for name, end in _ENDS.items():
        wrong = [
            place for place in places if _known(getattr(place, name)) and not abs(getattr(place, name)) <= end
        ]
        if wrong:
            shown = [f"{place.name!r} ({number_text(getattr(place, name), 6)})" for place in wrong]
            swapped = name == "lat" and all(abs(place.lat) <= 180 and abs(place.lon) <= 90 for place in wrong)
            hint = "are lat and lon swapped?" if swapped else "give degrees"
            ends = f"{number_text(-end)} and {number_text(end)}"
            what = f"of {list_names(shown, quoted=False)} is no {_MEANING[name]}, which lies between {ends}"
            yield Fault(table, f"{name} {what}", advice=hint)


def _mixed(places: Mapping[str, Sequence[Any]]) -> Iterable[Fault]:
    every = [(table, place) for table, records in places.items() for place in records]
    planar = [(table, place.name) for table, place in every if _known(place.x) or _known(place.y)]
    earthly = [(table, place.name) for table, place in every if _known(place.lat) or _known(place.lon)]
    if planar and earthly:
        (table, name), (other, on_earth) = planar[0], earthly[0]
        what = f"{name!r} has x and y, but {on_earth!r} of {other} has lat and lon"
        advice = "give all places the same, so that the distances between them are known"
        yield Fault(table, what, advice=advice)


def _degrees(places: Mapping[str, Sequence[Any]], reader: RecordReader, unit: str) -> Iterable[Fault]:
    """Yield a question where x and y of tables look like degrees and no unit says that they are none."""
    read = [table for table in places if {"x", "y"} <= reader.filled.get(table, frozenset())]
    if not read or any({"x", "y"} & reader.declared[table] for table in read):
        return
    every = [place for table in read for place in places[table]]
    if asked := degrees_question(every, unit):
        # by themselves most people write the longitude first
        east, north = "yx" if any(_known(place.y) and abs(place.y) > 90 for place in every) else "xy"
        written: list[str | Renaming] = []
        for table in read:
            written += [" and " if written else "", Renaming(table, {east: "lon", north: "lat"})]
        end = f", as far as {east} is the longitude; if they are {unit}, declare {unit!r} as their unit"
        advice = ("if they are degrees, write ", *written, end)
        yield Fault(read[0], f"column 'x' and column 'y' {asked}", advice=advice)


def degrees_question(places: Sequence[Any], unit: str) -> str:
    """Return why x and y of some places look like degrees; empty where they do not."""
    if not looks_like_degrees([(place.x, place.y) for place in places]):
        return ""
    ranges = []
    for name in ("x", "y"):
        values = np.array([getattr(place, name) for place in places], dtype=float)
        ranges.append(f"{name} from {number_text(np.nanmin(values))} to {number_text(np.nanmax(values))}")
    return f"look like degrees ({', '.join(ranges)}), but would count in {unit}"


def at_one_point(places: Mapping[str, Sequence[Any]]) -> Iterable[Fault]:
    """Yield a question where all places lie at one point, so that every distance between them is 0."""
    every = [place for records in places.values() for place in records]
    points = {
        tuple(getattr(place, name) for name in _COORDINATES if _known(getattr(place, name)))
        for place in every
    }
    if len(every) >= _TOLD_APART and len(points) == 1 and (point := points.pop()):
        shown = ", ".join(number_text(value, 6) for value in point)
        what = (
            f"all {len(every)} places of {join_list([*places])} lie at one point ({shown}), so that no way has a "
            "length; are their coordinates rounded too far?"
        )
        yield Fault([*places][-1], what)


def detour_mistakes(detour: float | None, *, measured: bool) -> Iterable[Fault]:
    """Yield what is wrong with a detour factor.

    Parameters
    ----------
    detour
        The factor; None where it is not given.
    measured
        Whether distances follow from coordinates.
    """
    if detour is None:
        return
    if isinstance(detour, bool) or not isinstance(detour, (int, float)) or not 1 <= detour < np.inf:
        yield Fault("problem", f"detour must be a number of at least 1, such as 1.3, not {detour!r}")
    elif not measured:
        what = "detour is a factor on distances between coordinates, but distances are given"
        yield Fault("problem", what, advice="leave it out")


def _known(value: float | None) -> bool:
    return value is not None and value == value
