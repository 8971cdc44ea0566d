"""Rests of drivers who have been at the wheel for long."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.faults import Fault
from kanopt.routing.arrays import RoutingData
from kanopt.routing.rules.rule import Given, Pause

_NOISE = 1e-9
"""Share of the longest time at the wheel that is rounding; pauses.h has the same."""


class DrivingRest(Pause):
    """Who has been at the wheel for the longest time that is allowed rests before driving on.

    The time at the wheel counts from the departure, or from the rest before, over stops and waits, which are no rest.
    The driver rests wherever that time is over, on the road as well, and not before; a route that ends by then needs no
    rest. So the rule is never broken: it makes routes late.
    """

    name = "driving rest"
    what = "rests after driving"
    fields = ("vehicles.max_driving",)
    tables = ("vehicles",)
    numbers = ("max_driving", "rest_duration")
    word = "rest"

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield vehicles with half of a rest, or with breaks besides, of which it is not known which are rests."""
        yield from super().faults(given)
        both = tuple(one.name for one in given.vehicles if one.breaks and np.isfinite(one.max_driving))
        if both:
            advice = "give breaks at times of the day, or max_driving and rest_duration"
            yield Fault("vehicles", "both breaks and max_driving", both, advice=advice)

    def pause(self, data: RoutingData, kind: Integers, before: Floats, after: Floats) -> Floats:
        """Return the rests that come due on a leg."""
        most = data.of_vehicles("max_driving")[kind]
        rests = _rests(after, most) - _rests(before, most)
        return np.asarray(data.of_vehicles("rest_duration")[kind] * rests)

    def taken(
        self, data: RoutingData, kind: int, before: float, after: float
    ) -> Iterator[tuple[float, float]]:
        """Yield the rests on a leg: each is due after another longest time at the wheel."""
        vehicle = data.vehicles[kind]
        first, last = _rests(np.array([before, after]), np.asarray(vehicle.max_driving)).astype(int)
        for number in range(first + 1, last + 1):
            yield number * vehicle.max_driving, vehicle.rest_duration


def _rests(driven: Floats, most: Floats) -> Floats:
    """Return how many rests are over when a driver has been so long at the wheel in all."""
    full = np.where(np.isfinite(driven), driven, 0.0) / most - _NOISE
    return np.asarray(np.maximum(np.ceil(full) - 1.0, 0.0))
