"""Clients that a search had no time for, put into its plan where they cost least."""

from __future__ import annotations

from dataclasses import replace

from kanopt.problems.routing import RoutingPlan
from kanopt.problems.routing.insertion import InsertionFinder
from kanopt.solvers.routing.arrays import NodeRoutes
from kanopt.solvers.routing.integers import RoutingIntegers

__all__ = ["complete_plan"]

_MOST = 60
"""So many clients at most: where more are left out, time was not what was missing."""


def complete_plan(integers: RoutingIntegers, ways: NodeRoutes) -> NodeRoutes:
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
        places = InsertionFinder(problem.leg_laws, problem.planning_values, plan)
        found = [place for name in missing for place in places.for_client(name) if not place.violations]
        for place in sorted(found, key=lambda place: place.cost):
            others = [route for route in plan.routes if route.label != place.route.label]
            longer = integers.node_routes(RoutingPlan((*others, replace(place.route, departure=None))))
            if integers.rank(longer) < integers.rank(ways):
                ways = longer
                break
        else:
            break
    return ways
