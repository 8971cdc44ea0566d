"""How far apart two places on the earth lie, and in which direction from each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EARTH_RADIUS_KM", "great_circle_direction", "great_circle_km", "unit_vector"]

Floats = NDArray[np.float64]
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
