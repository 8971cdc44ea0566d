"""The optimum of a small routing problem by driving every route there is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np
import pytest

from kanopt import RoutingProblem
from kanopt.routing import Route
from kanopt.routing.simulate.referee import leg_costs, route_costs


def best_of_all_plans(problem: RoutingProblem) -> tuple[int, float]:
    """Return how many mandatory clients must be left out, and the least cost with so many, at planning values."""
    n = len(problem.clients)
    # (clients left out who must be served, cost so far) by set of clients served
    best: dict[int, float] = {0: 0.0}
    for vehicle in problem.vehicles:
        tours = _tours(problem, vehicle.name)
        for _ in range(min(vehicle.num_available, n)):
            longer = dict(best)
            for done, cost in best.items():
                for tour, price in tours.items():
                    if not done & tour and cost + price < longer.get(done | tour, np.inf):
                        longer[done | tour] = cost + price
            best = longer
    return min(_with_missed(problem, done, cost) for done, cost in best.items())


def _with_missed(problem: RoutingProblem, done: int, cost: float) -> tuple[int, float]:
    left = [client for place, client in enumerate(problem.clients) if not done >> place & 1]
    missed = sum(client.mandatory for client in left)
    return missed, round(cost + sum(client.prize or 0.0 for client in left), 9)


def _tours(problem: RoutingProblem, name: str) -> dict[int, float]:
    """Return the least cost of serving each set of clients with one vehicle of a type."""
    data, n = problem.data, len(problem.clients)
    vehicle = data.vehicles[data.type_index[name]]
    depot = data.depot_of[name]
    orders = [
        order
        for size in range(1, n + 1)
        for some in combinations(range(n), size)
        for order in permutations(some)
    ]
    routes = [
        Route(name, 1, depot, tuple(problem.clients[place].name for place in order)) for order in orders
    ]
    driven = problem.drive(routes, frozen=True)
    spent = np.where(np.isfinite(driven.finish), driven.finish - driven.departure, 0.0)
    costs = vehicle.fixed_cost + vehicle.unit_duration_cost * spent
    for amounts in leg_costs(problem.leg_laws, driven, problem.planning_values).values():
        costs = costs + np.bincount(driven.route, weights=amounts, minlength=len(routes))
    late = np.bincount(
        driven.route, weights=~(driven.begin <= data.latest[driven.head] + 1e-6), minlength=len(routes)
    )
    fits = (late == 0) & (driven.finish <= vehicle.shift_end + 1e-6)
    tours: dict[int, float] = {}
    for order, cost, possible in zip(orders, costs, fits, strict=True):
        load = sum(problem.clients[place].demand for place in order)
        served = sum(1 << place for place in order)
        may = all(data.allowed[data.type_index[name], len(data.depots) + place] for place in order)
        if may and possible and np.isfinite(cost) and load <= vehicle.capacity + 1e-9:
            tours[served] = min(cost, tours.get(served, np.inf))
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
