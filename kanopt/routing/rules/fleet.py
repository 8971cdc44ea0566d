"""Vehicles that there are, each on one route from its own depot, and what using one costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.errors import nearest
from kanopt.faults import Fault
from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Violation
from kanopt.routing.arrays import RoutingData
from kanopt.routing.plan import Route
from kanopt.routing.rules.rule import Drive, DrivenPlan, Flags, Given, RoutePrice, Rule
from kanopt.text import count_text


class Fleet(RoutePrice):
    """A vehicle of a route exists, and drives one route at a time; using it has a price."""

    name = "fleet"
    words = RuleWords(
        "vehicle is not in the fleet or drives twice at once",
        "vehicles are not in the fleet or drive twice at once",
    )
    must_hold = True
    term = "fixed"
    rate = "fixed_cost"

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield vehicles that do not exist, or are used twice."""
        data = case.data
        used = Counter((route.vehicle, route.index) for route in case.plan.routes)
        for (name, index), times in used.items():
            vehicle = data.vehicles[data.type_index[name]]
            label = Route(name, index, "", (), named=vehicle.is_named).label
            if not 1 <= index <= vehicle.num_available:
                message = f"{label} does not exist: {there_are(vehicle.num_available)} of type {name!r}"
                yield Violation(self.name, label, 1.0, "", message)
            if times > 1:
                message = f"{label} drives {times} routes at once"
                yield Violation(self.name, label, times - 1.0, "", message)

    def amounts(self, data: RoutingData, kind: Integers, spent: Floats) -> Floats:
        """Return the fixed cost of each route."""
        return self.rates(data)[kind]


def there_are(count: int) -> str:
    """Say how many vehicles there are."""
    return f"there {'is' if count == 1 else 'are'} {count_text(count, 'vehicle')}"


class Ends(Rule):
    """A route starts from the depot of its vehicle, and ends where that is to end."""

    name = "depot"
    tables = ("vehicles", "depots")
    words = RuleWords("route starts from the wrong depot", "routes start from the wrong depot")
    must_hold = True

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield vehicles of which it is not said where they start, or said twice how they end."""
        depots = {depot.name for depot in given.depots}
        for vehicle in given.vehicles:
            if vehicle.start_depot is None and len(depots) > 1:
                advice = nearest("", depots)
                yield Fault("vehicles", "say which depot it belongs to", (vehicle.name,), advice=advice)
            if vehicle.end_depot and not vehicle.returns:
                what = f"its routes end at {vehicle.end_depot!r}, and it does not return"
                yield Fault(
                    "vehicles", what, (vehicle.name,), advice="leave out one of end_depot and returns"
                )

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield routes that start from another depot."""
        for route in case.plan.routes:
            home = case.data.depot_of[route.vehicle]
            if route.depot != home:
                message = f"{route.label} starts from {route.depot!r}, but its depot is {home!r}"
                yield Violation(self.name, route.label, 1.0, "", message)


class Roads(Rule):
    """Routes drive where roads lead."""

    name = "road"
    words = RuleWords("route drives where no road leads", "routes drive where no road leads")
    by_time = True
    bottleneck = "no road leads to them and back"

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield legs without a road."""
        driven, names = case.driven, case.data.names
        for leg in np.flatnonzero(~np.isfinite(driven.duration)):
            label = case.label(driven.route[leg])
            message = f"{label}: no road leads from {names[driven.tail[leg]]} to {names[driven.head[leg]]}"
            yield Violation(self.name, label, np.inf, case.data.units.distance, message)

    def breaking(self, data: RoutingData, driven: Drive) -> Flags:
        """Say which routes do not come to their end."""
        return np.asarray(~np.isfinite(driven.finish))

    def relaxed_by(self, data: RoutingData, violation: Violation) -> str:
        """Say which road is missing."""
        return f"a road {violation.message.partition('no road leads ')[2]}"
