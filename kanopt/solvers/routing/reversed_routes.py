"""Routes reversed where that is better on the law, which an engine at planning values cannot see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kanopt.problems.routing import Route, RoutingProblem
from kanopt.problems.routing.data import Floats
from kanopt.problems.routing.simulate import route_costs
from kanopt.solvers.routing.arrays import NodeRoutes
from kanopt.solvers.routing.integers import RoutingIntegers

_NOISE = 1e-9


def reverse_routes(integers: RoutingIntegers, routes: NodeRoutes) -> NodeRoutes:
    """Reverse the routes that are cheaper on the law when driven backwards, and as punctual.

    With load and clock at planning values both directions of a route often cost the same; on the law they do not:
    what is heavy is better delivered first.

    Parameters
    ----------
    integers
        The problem; where its laws read neither load nor clock, nothing is reversed.
    routes
        A plan that fits.
    """
    if not integers.problem.frozen_inputs():
        return routes
    back = {
        place: list(reversed(route))
        for place, (route, (kind, _)) in enumerate(zip(routes, integers.fleet, strict=True))
        if len(route) > 1 and integers.fits(kind, route[::-1])
    }
    if not back:
        return routes
    back = {
        place: route
        for place, route in back.items()
        if integers.rules.is_empty or _keeps_rules(integers, place, route)
    }
    if not back:
        return routes
    if integers.rules.longest:
        return _one_by_one(integers, routes, back)
    there = integers.plan([route if place in back else [] for place, route in enumerate(routes)])
    round_ = integers.plan([back.get(place, []) for place in range(len(routes))])
    forward, late = _price_on_law(integers.problem, there.routes)
    backward, later = _price_on_law(integers.problem, round_.routes)
    better = (backward < forward - _NOISE * np.abs(forward)) & (later <= late)
    chosen = {place for place, turn in zip(back, better, strict=True) if turn}
    return [back[place] if place in chosen else route for place, route in enumerate(routes)]


def _one_by_one(
    integers: RoutingIntegers, routes: NodeRoutes, back: Mapping[int, Sequence[int]]
) -> NodeRoutes:
    """Reverse routes one by one where the whole plan gets cheaper: which route is longest depends on all of them."""
    best, (price, late) = routes, _plan_price(integers, routes)
    for place, route in back.items():
        other = [route if place == each else known for each, known in enumerate(best)]
        cost, later = _plan_price(integers, other)
        if cost < price - _NOISE * abs(price) and later <= late:
            best, price, late = other, cost, later
    return best


def _plan_price(integers: RoutingIntegers, routes: NodeRoutes) -> tuple[float, float]:
    """Return the price of a plan on the law, and by how much it misses windows and ends of shifts."""
    plan = integers.plan(routes)
    return integers.problem.price(plan).objective, float(
        _price_on_law(integers.problem, plan.routes)[1].sum()
    )


def _keeps_rules(integers: RoutingIntegers, place: int, route: Sequence[int]) -> bool:
    """Say whether a route keeps to all rules on the law, beyond those of windows and shifts."""
    plan = integers.plan([route if place == other else [] for other in range(len(integers.fleet))])
    check = integers.problem.check(plan)
    return check.ok or check.only_unserved


def _price_on_law(problem: RoutingProblem, routes: Sequence[Route]) -> tuple[Floats, Floats]:
    """Return the price of each route on the law, and by how much it misses windows and the end of its shift."""
    data = problem.data
    driven = problem.drive(routes)
    latest = data.latest[driven.head]
    ends = data.of_vehicles("shift_end")[[data.type_index[route.vehicle] for route in routes]]
    late = np.zeros_like(driven.begin)
    hard = (driven.begin > latest) & ~data.has_soft_window[driven.head]
    np.subtract(driven.begin, latest, out=late, where=hard)
    over = np.zeros_like(driven.finish)
    np.subtract(driven.finish, ends, out=over, where=driven.finish > ends)
    missed = np.bincount(driven.route, weights=late, minlength=len(routes)) + over
    return route_costs(problem.leg_laws, problem.planning_values, routes, driven), missed
