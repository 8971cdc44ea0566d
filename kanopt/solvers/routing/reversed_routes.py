"""Routes turned round where that is better on the law, which an engine at planning values cannot see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kanopt.problems.routing import Route, RoutingProblem
from kanopt.problems.routing.data import Floats
from kanopt.problems.routing.simulate import route_costs
from kanopt.solvers.routing.arrays import NodeRoutes
from kanopt.solvers.routing.integers import RoutingIntegers

__all__ = ["reverse_routes"]

_NOISE = 1e-9


def reverse_routes(integers: RoutingIntegers, ways: NodeRoutes) -> NodeRoutes:
    """Turn the routes that are cheaper on the law when driven backwards, and as punctual.

    With load and clock at planning values both directions of a route often cost the same; on the law they do not:
    what is heavy is better delivered first.

    Parameters
    ----------
    integers
        The problem; where its laws read neither load nor clock, nothing is turned.
    ways
        A plan that fits.
    """
    if not integers.problem.frozen_inputs():
        return ways
    back = {
        place: list(reversed(way))
        for place, (way, (kind, _)) in enumerate(zip(ways, integers.fleet, strict=True))
        if len(way) > 1 and integers.fits(kind, way[::-1])
    }
    if not back:
        return ways
    back = {
        place: way
        for place, way in back.items()
        if integers.rules.is_empty or _keeps_rules(integers, place, way)
    }
    if not back:
        return ways
    if integers.rules.longest:
        return _one_by_one(integers, ways, back)
    there = integers.plan([way if place in back else [] for place, way in enumerate(ways)])
    round_ = integers.plan([back.get(place, []) for place in range(len(ways))])
    forward, late = _price_on_law(integers.problem, there.routes)
    backward, later = _price_on_law(integers.problem, round_.routes)
    better = (backward < forward - _NOISE * np.abs(forward)) & (later <= late)
    chosen = {place for place, turn in zip(back, better, strict=True) if turn}
    return [back[place] if place in chosen else way for place, way in enumerate(ways)]


def _one_by_one(integers: RoutingIntegers, ways: NodeRoutes, back: Mapping[int, Sequence[int]]) -> NodeRoutes:
    """Turn the routes with which the whole plan gets cheaper: of the longest one the others have a say as well."""
    best, (price, late) = ways, _plan_price(integers, ways)
    for place, way in back.items():
        other = [way if place == each else known for each, known in enumerate(best)]
        cost, later = _plan_price(integers, other)
        if cost < price - _NOISE * abs(price) and later <= late:
            best, price, late = other, cost, later
    return best


def _plan_price(integers: RoutingIntegers, ways: NodeRoutes) -> tuple[float, float]:
    """Return the price of a plan on the law, and by how much it misses windows and ends of shifts."""
    plan = integers.plan(ways)
    return integers.problem.price(plan).objective, float(
        _price_on_law(integers.problem, plan.routes)[1].sum()
    )


def _keeps_rules(integers: RoutingIntegers, place: int, way: Sequence[int]) -> bool:
    """Say whether a route keeps to all rules on the law, beyond those of windows and shifts."""
    plan = integers.plan([way if place == other else [] for other in range(len(integers.fleet))])
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
