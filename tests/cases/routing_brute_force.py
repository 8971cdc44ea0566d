"""The optimum of a small routing problem by driving every route there is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np
import pytest

from kanopt import RoutingProblem
from kanopt.routing import Route
from kanopt.routing.simulate.referee import leg_costs, route_costs


def optimum(problem: RoutingProblem, departures: int = 0, *, frozen: bool = False) -> tuple[int, float]:
    """Return how many mandatory clients must be left out, and the least cost with so many.

    That is on the law, or at planning values. Where departures are searched, the least cost is that of the best of so
    many departures a route, besides the one that the problem finds itself.
    """
    n = len(problem.clients)
    best: dict[int, float] = {0: 0.0}
    for vehicle in problem.vehicles:
        tours = _tours(problem, vehicle.name, departures, frozen)
        for _ in range(min(vehicle.num_available, n)):
            longer = dict(best)
            for done, cost in best.items():
                for tour, price in tours.items():
                    if not done & tour and cost + price < longer.get(done | tour, np.inf):
                        longer[done | tour] = cost + price
            best = longer
    found = []
    for done, cost in best.items():
        left = [client for place, client in enumerate(problem.clients) if not done >> place & 1]
        prizes = sum(client.prize or 0.0 for client in left)
        found.append((sum(client.mandatory for client in left), cost + prizes))
    return min(found)


def _tours(problem: RoutingProblem, name: str, departures: int, frozen: bool) -> dict[int, float]:
    """Return the least cost of serving each set of clients with one vehicle of a type."""
    data, n = problem.data, len(problem.clients)
    vehicle = data.vehicles[data.type_index[name]]
    demand = [client.demand for client in problem.clients]
    allowed = data.allowed[data.type_index[name], len(data.depots) :]
    orders = [
        order
        for size in range(1, n + 1)
        for some in combinations(np.flatnonzero(allowed).tolist(), size)
        if sum(demand[place] for place in some) <= vehicle.capacity + 1e-9
        for order in permutations(some)
    ]
    tours: dict[int, float] = {}
    for leave in [None, *np.linspace(vehicle.shift_start, vehicle.shift_end, departures)]:
        routes = [
            Route(name, 1, data.depot_of[name], tuple(problem.clients[place].name for place in order), leave)
            for order in orders
        ]
        driven = problem.drive(routes, frozen=frozen)
        costs = vehicle.fixed_cost + vehicle.unit_duration_cost * driven.route_durations
        planning = problem.planning_values if frozen else None
        for amounts in leg_costs(problem.leg_laws, driven, planning).values():
            costs = costs + np.bincount(driven.route, amounts, len(routes))
        late = np.bincount(driven.route, ~(driven.begin <= data.latest[driven.head] + 1e-6), len(routes))
        fits = (late == 0) & (driven.finish <= vehicle.shift_end + 1e-6) & np.isfinite(costs)
        for place in np.flatnonzero(fits):
            served = sum(1 << client for client in orders[place])
            tours[served] = min(float(costs[place]), tours.get(served, np.inf))
    return tours


def cheapest_that_holds(problem: RoutingProblem, routes: Sequence[Route]) -> float:
    """Return the price of the cheapest of some routes alone that breaks no rule but whom it leaves out, prizes apart.

    All are priced at once, and checked from the cheapest on; infinite where none holds.
    """
    costs = route_costs(problem.leg_laws, routes, problem.drive(routes))
    for place in np.argsort(costs, kind="stable").tolist():
        plan = problem.plan_from([routes[place]])
        if {violation.constraint for violation in problem.check(plan).violations} <= {"unserved"}:
            prizes = sum(c.prize or 0.0 for c in problem.clients if c.name in plan.unserved)
            price = problem.price(plan).objective - prizes
            assert price == pytest.approx(costs[place], rel=1e-9, abs=1e-9)
            return price
    return np.inf
