"""How long routes may be, in distance and in time, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.plans.coverage import RuleWords
from kanopt.routing.arrays import RoutingData
from kanopt.routing.rules.rule import Drive, LegPrice, Limit, Measure, RoutePrice, Rule, sum_by_route


class Distance(Limit, LegPrice):
    """A route is no longer than its vehicle may drive; each unit of distance has a price."""

    name = "distance"
    what = "limits of distance beside prices of something else"
    words = RuleWords("route is longer than it may be", "routes are longer than they may be")
    fields = ("vehicles.max_distance",)
    by_time = False
    mend = "its longest distance {by} longer"
    bottleneck = "even the shortest route to them is longer than any vehicle may drive"
    term = "distance"
    rate = "unit_distance_cost"

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield the lengths of routes."""
        legs = np.nan_to_num(data.lengths(driven.tail, driven.head), posinf=0.0)
        lengths = sum_by_route(driven, legs)
        limits, unit = data.of_vehicles("max_distance")[driven.kind], data.units.distance
        long = " is long {value}, {over} more than the {limit} it may"
        yield Measure(np.arange(len(lengths)), lengths, limits, unit, long)

    def amounts(self, data: RoutingData, driven: Drive) -> Floats:
        """Return the price of the distance of each leg."""
        distance = data.lengths(driven.tail, driven.head)
        with np.errstate(invalid="ignore"):
            paid = self.rates(data)[driven.vehicle] * distance
        return np.where(np.isfinite(distance), paid, np.inf)


class Duration(Limit, RoutePrice):
    """A route takes no longer than its vehicle may be out; each unit of time has a price."""

    name = "duration"
    what = "limits of duration"
    words = RuleWords("route takes longer than it may", "routes take longer than they may")
    fields = ("vehicles.max_duration",)
    kind = "time"
    mend = "its longest duration {by} longer"
    bottleneck = "even the shortest route to them takes longer than any vehicle may drive"
    limit_text = "its longest duration"
    term = "time"
    rate = "unit_duration_cost"

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield how long routes take."""
        limits, unit = data.of_vehicles("max_duration")[driven.kind], data.units.time
        spent = driven.route_durations
        long = " takes {value}, {over} more than the {limit} it may"
        yield Measure(np.arange(len(spent)), spent, limits, unit, long)

    def amounts(self, data: RoutingData, kind: Integers, spent: Floats) -> Floats:
        """Return the price of the time that each route takes."""
        rates = self.rates(data)[kind]
        return np.asarray(rates * np.where(rates > 0, spent, 0.0))


class Overtime(RoutePrice):
    """Time of a route beyond what is regular has a price on top."""

    name = "overtime"
    what = "overtime"
    fields = ("vehicles.unit_overtime_cost",)
    term = "overtime"

    def amounts(self, data: RoutingData, kind: Integers, spent: Floats) -> Floats:
        """Return what the overtime of each route costs."""
        regular, rates = data.of_vehicles("shift_duration"), self.rates(data)[kind]
        regular = np.where(np.isfinite(regular), regular, 0.0)[kind]
        return np.asarray(rates * np.where(rates > 0, np.maximum(spent - regular, 0.0), 0.0))

    def rates(self, data: RoutingData) -> Floats:
        """Return what vehicle types with a regular time pay for more."""
        limited = np.isfinite(data.of_vehicles("shift_duration"))
        return np.where(limited, data.of_vehicles("unit_overtime_cost"), 0.0)


class EvenWork(Rule):
    """The time of the longest route has a price, which spreads work evenly."""

    name = "even work"
    what = "a price of the longest route"
    fields = ("policy.longest_route_cost",)
    term = "longest route"

    def cost(self, data: RoutingData, spent: Floats) -> Floats:
        """Return the price of the longest of some routes, which are along the last axis."""
        return np.asarray(data.policy.longest_route_cost * spent.max(axis=-1))
