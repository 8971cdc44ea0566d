"""Clients that a search had no time for, put into its plan where they cost least."""

from __future__ import annotations

from dataclasses import replace

from kanopt.problems.routing import RoutingPlan
from kanopt.problems.routing.insertion import Insertions
from kanopt.solvers.routing.arrays import Ways
from kanopt.solvers.routing.integers import RoutingIntegers

__all__ = ["completed"]

_MOST = 60
"""So many clients at most: where more are left out, time was not what was missing."""


def completed(integers: RoutingIntegers, ways: Ways) -> Ways:
    """Put clients who must be served, and are on no route, into a plan as long as there is a place that breaks no rule.

    Parameters
    ----------
    integers
        The problem.
    ways
        A plan that fits.
    """
    problem = integers.problem
    must = [client.name for client in problem.clients if client.mandatory]
    for _ in range(_MOST):
        plan = integers.plan(ways)
        missing = [name for name in must if name in plan.unserved]
        if not missing or len(missing) > _MOST:
            break
        places = Insertions(problem.rules, problem.planner, plan)
        found = [place for name in missing for place in places.of(name) if not place.broken]
        for place in sorted(found, key=lambda place: place.cost):
            others = [route for route in plan.routes if route.label != place.route.label]
            longer = integers.ways(RoutingPlan((*others, replace(place.route, departure=None))))
            if integers.rank(longer) < integers.rank(ways):
                ways = longer
                break
        else:
            break
    return ways
