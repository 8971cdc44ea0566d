"""Who may be together on a route, and in which order, verified without a solver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kanopt.problems.findings import Violation
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.plan import Route, RoutingPlan

__all__ = ["company_violations", "order_violations", "trips_of"]


def company_violations(data: RoutingData, plan: RoutingPlan) -> Iterator[Violation]:
    """Yield goods that may not be on one route, and clients on another vehicle than the one they are pinned to."""
    for route in plan.routes:
        stops = [data.index[name] for name in route.clients]
        together = np.argwhere(np.triu(data.apart[np.ix_(stops, stops)]))
        for one, other in together:
            yield Violation(
                "goods",
                route.label,
                1.0,
                "",
                f"{route.label}: the goods of clients {route.clients[one]} and {route.clients[other]} may not be on "
                f"one route",
            )
        for name in route.clients:
            pinned = data.pinned.get(name)
            if pinned is not None and pinned != (route.vehicle, route.index):
                yield Violation(
                    "pinned",
                    f"client {name}",
                    1.0,
                    "",
                    f"client {name} is pinned to {pinned[0]} {pinned[1]}, not to {route.label}",
                )


def order_violations(data: RoutingData, plan: RoutingPlan) -> Iterator[Violation]:
    """Yield goods that are delivered before they are loaded, pickups before deliveries, and too many reloads."""
    for route in plan.routes:
        trips = trips_of(route)
        allowed = data.vehicles[data.type_index[route.vehicle]].reloads
        if len(trips) - 1 > allowed:
            yield Violation(
                "reload",
                route.label,
                len(trips) - 1.0 - allowed,
                "",
                f"{route.label} comes back to {route.depot} {len(trips) - 1} times on its way, and may {allowed} times",
            )
        if data.policy.backhaul:
            for trip in trips:
                yield from _backhaul(data, route, trip)
    if data.has_sources:
        yield from _sources(data, plan)


def trips_of(route: Route) -> list[list[str]]:
    """Return the clients between visits of the depot."""
    trips: list[list[str]] = [[]]
    for name in route.clients:
        if name == route.depot:
            trips.append([])
        else:
            trips[-1].append(name)
    return trips


def _backhaul(data: RoutingData, route: Route, trip: Sequence[str]) -> Iterator[Violation]:
    first = next((place for place, name in enumerate(trip) if data.pickup[data.index[name]] > 0), None)
    for name in trip[first + 1 :] if first is not None else ():
        if data.demand[data.index[name]] > 0:
            yield Violation(
                "backhaul",
                f"client {name}",
                1.0,
                "",
                f"{route.label} delivers to client {name} after it has picked up at client {trip[first or 0]}",
            )


def _sources(data: RoutingData, plan: RoutingPlan) -> Iterator[Violation]:
    trip_of, place_of = {}, {}
    for route in plan.routes:
        for number, trip in enumerate(trips_of(route)):
            for place, name in enumerate(trip):
                trip_of[name], place_of[name] = (route.label, number), place
    for client in data.clients:
        if not client.source:
            continue
        here, there = trip_of.get(client.name), trip_of.get(client.source)
        if here is None and there is None:
            continue
        if here is not None and here == there and place_of[client.source] < place_of[client.name]:
            continue
        if here is None:
            wrong, why = client.source, f"is served, but not client {client.name}, who is given what it loads"
        elif there is None:
            wrong, why = client.name, f"is served, but not client {client.source}, where its demand is loaded"
        elif here != there:
            wrong, why = (
                client.name,
                f"is on another trip than client {client.source}, where its demand is loaded",
            )
        else:
            wrong, why = client.name, f"comes before client {client.source}, where its demand is loaded"
        yield Violation("order", f"client {wrong}", 1.0, "", f"client {wrong} {why}")
