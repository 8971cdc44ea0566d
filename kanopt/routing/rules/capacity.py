"""What a vehicle can carry, in every measure, and how often it may load again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from kanopt.faults import Fault
from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Violation
from kanopt.routing.arrays import RoutingData
from kanopt.routing.plan import Route
from kanopt.routing.rules.rule import Drive, DrivenPlan, Given, Limit, Measure, Rule
from kanopt.text import amount_text, join_list

# What is loaded at clients, what is picked up, and in which order.


def trips_of(route: Route) -> list[list[str]]:
    """Return the clients between visits of the depot."""
    trips: list[list[str]] = [[]]
    for name in route.clients:
        if name == route.depot:
            trips.append([])
        else:
            trips[-1].append(name)
    return trips


class Sources(Rule):
    """What is loaded at a client is loaded before it is delivered, on the same trip, or neither is visited."""

    name = "order"
    what = "loading at clients"
    words = RuleWords(
        "client is served without what it needs from another, or before that",
        "clients are served without what they need from others, or before that",
    )
    fields = ("clients.source",)
    tables = ("clients",)
    must_hold = True

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield clients that are their own source, or have one that has a source itself."""
        known = {client.name: client for client in given.clients}
        for client in given.clients:
            if client.source == client.name:
                yield Fault("clients", "is its own source", (client.name,))
            elif client.source in known and known[client.source].source:
                what = f"its source {client.source!r} has a source itself"
                yield Fault("clients", what, (client.name,))

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield clients and sources that are served without each other or in the wrong order."""
        if not case.data.has_sources:
            return
        trip_of, place_of = {}, {}
        for route in case.plan.routes:
            for number, trip in enumerate(trips_of(route)):
                for place, name in enumerate(trip):
                    trip_of[name], place_of[name] = (route.label, number), place
        for client in case.data.clients:
            here, there = trip_of.get(client.name), trip_of.get(client.source)
            if not client.source or here is there is None:
                continue
            if here is not None and here == there and place_of[client.source] < place_of[client.name]:
                continue
            loaded = f"client {client.source}, where its demand is loaded"
            wrong = client.name
            if here is None:
                wrong, why = (
                    client.source,
                    f"is served, but not client {client.name}, who is given what it loads",
                )
            elif there is None:
                why = f"is served, but not {loaded}"
            elif here != there:
                why = f"is on another trip than {loaded}"
            else:
                why = f"comes before {loaded}"
            yield Violation(self.name, f"client {wrong}", 1.0, "", f"client {wrong} {why}")


class Backhaul(Rule):
    """A vehicle delivers all it has loaded before it picks anything up."""

    name = "backhaul"
    what = "deliveries before pickups"
    words = RuleWords("client is delivered to after a pickup", "clients are delivered to after a pickup")
    fields = ("policy.backhaul",)
    mend = "{where} served after a pickup"

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield deliveries after a pickup on the same trip."""
        if not case.data.policy.backhaul:
            return
        for route in case.plan.routes:
            for trip in trips_of(route):
                yield from self._of_trip(case.data, route, trip)

    def _of_trip(self, data: RoutingData, route: Route, trip: Sequence[str]) -> Iterator[Violation]:
        first = next((place for place, name in enumerate(trip) if data.pickup[data.index[name]] > 0), None)
        for name in trip[first + 1 :] if first is not None else ():
            if data.demand[data.index[name]] > 0:
                picked_up = f"after it has picked up at client {trip[first or 0]}"
                message = f"{route.label} delivers to client {name} {picked_up}"
                yield Violation(self.name, f"client {name}", 1.0, "", message)


class Capacity(Limit):
    """On no leg is more on board than the vehicle can carry."""

    name = "capacity"
    what = "capacities"
    words = RuleWords("vehicle carries more than it can", "vehicles carry more than they can")
    fields = ("vehicles.capacity",)
    kind = "load"
    bottleneck = "what they want is more than any vehicle carries"

    def measures(self, data: RoutingData, driven: Drive) -> Iterator[Measure]:
        """Yield the largest load of each route, for each measure."""
        routes = np.arange(len(driven.finish))
        for number, loads in enumerate(driven.loads):
            most = np.zeros(len(routes))
            np.maximum.at(most, driven.route, loads)
            # what an open route picks up last is on no leg
            np.maximum(most, driven.ends_with[number], out=most)
            more = " carries {value}{what}, {over} more than its capacity of {limit}"
            what = partial(_measure_of, number)
            limits = data.capacities[number, driven.kind]
            yield Measure(routes, most, limits, data.unit_of(number), more, what=what)

    def relaxed_by(self, data: RoutingData, violation: Violation) -> str:
        """Say how much more capacity it takes."""
        of = (f" of {name}" for name in data.policy.capacities if f" of {name}," in violation.message)
        return f"{amount_text(violation.amount, violation.unit)} more capacity{next(of, '')}"

    def relaxed(self, data: RoutingData, broken: Sequence[Violation]) -> str:
        """Say the same of all measures."""
        return join_list([self.relaxed_by(data, each) for each in broken])


def _measure_of(number: int, case: DrivenPlan, _: int) -> str:
    return measure_text(case.data, number)


def measure_text(data: RoutingData, number: int) -> str:
    """Name a measure of the load by its position, but for the first one."""
    return f" of {data.policy.capacities[number - 1]}" if number else ""


class Measures(Rule):
    """Further measures of the load, each with a capacity; they are checked as that is."""

    name = "measures"
    what = "further capacities"
    fields = ("policy.capacities",)


class Reloads(Rule):
    """A vehicle comes back to its depot on the way no more often than it may."""

    name = "reload"
    what = "reloads"
    words = RuleWords("route comes back to its depot too often", "routes come back to their depot too often")
    fields = ("vehicles.max_reloads",)
    mend = "the number of its reloads {by} higher"

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield routes with too many reloads."""
        for place, route in enumerate(case.plan.routes):
            reloads, allowed = len(trips_of(route)) - 1, case.vehicle(place).max_reloads
            if reloads > allowed:
                back = f"comes back to {route.depot} {reloads} times on its way"
                message = f"{route.label} {back}, and may {allowed} times"
                yield Violation(self.name, route.label, float(reloads - allowed), "", message)
