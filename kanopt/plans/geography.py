"""Places on a plane or on the earth: how far apart they are, and where they lie on a map.

A place has x and y in the problem's unit of distance, or a latitude and a longitude in degrees. Between places on the
earth distances are great circles on a sphere of the mean radius (Moritz 2000, Geodetic Reference System 1980: 6371.0088
km; the earth's flattening moves them by less than 0.6 %), by the haversine formula, which keeps its digits where places
lie close together (Sinnott 1984). Roads are longer than that: the detour factor says how much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.calendar_functions import (
    EARTH_RADIUS_KM,
    great_circle_direction,
    great_circle_km,
    unit_vector,
)
from kanopt.text import number_text
from kanopt.units import convert, same_dimension

__all__ = [
    "EARTH_RADIUS_KM",
    "ROAD_DETOUR",
    "Positions",
    "great_circle_km",
    "looks_like_degrees",
]

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
