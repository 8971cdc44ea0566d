"""A plan on the earth, in degrees, for exchange with maps; drawn plans are :mod:`kanopt.plans.views`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Property: TypeAlias = str | float | int | bool | None
"""What is said of a place or a line."""


@dataclass(frozen=True)
class EarthPoint:
    """A place, by latitude and longitude in degrees, and what is said of it."""

    lat: float
    lon: float
    properties: Mapping[str, Property]


@dataclass(frozen=True)
class EarthLine:
    """A line through places, each a latitude and a longitude in degrees, and what is said of it."""

    places: tuple[tuple[float, float], ...]
    properties: Mapping[str, Property]


@dataclass(frozen=True)
class EarthPlan:
    """The places and the lines of a plan.

    Examples
    --------
    >>> EarthPlan((EarthPoint(52.5, 13.4, {"name": "depot"}),), ()).points[0].lat
    52.5
    """

    points: tuple[EarthPoint, ...]
    lines: tuple[EarthLine, ...]
