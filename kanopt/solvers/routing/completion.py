"""Clients that are left out, put into a plan where they cost least on the law."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from kanopt.problems.routing import RoutingPlan, RoutingProblem
from kanopt.problems.routing.insertion import InsertionFinder
from kanopt.solvers.routing.arrays import NodeRoutes
from kanopt.solvers.routing.engines import LARGE
from kanopt.solvers.routing.integers import RoutingIntegers

_MOST = 60
"""So many clients at most: where more are left out, time was not what was missing."""

Accepted = TypeVar("Accepted")


def complete_plan(integers: RoutingIntegers, routes: NodeRoutes) -> NodeRoutes:
    """Put clients who must be served, and are on no route, into a plan as long as there is a place that breaks no rule.

    Parameters
    ----------
    integers
        The problem.
    routes
        A plan that fits.
    """
    problem = integers.problem
    if integers.size > LARGE:
        return routes  # driving every place of thousands of clients takes longer than the search before
    must = [client.name for client in problem.clients if client.mandatory]

    def better(plan: RoutingPlan) -> NodeRoutes | None:
        longer = integers.node_routes(plan)
        return longer if integers.rank(longer) < integers.rank(routes) else None

    for _ in range(_MOST):
        plan = integers.plan(routes)
        missing = [name for name in must if name in plan.unserved]
        if not missing or len(missing) > _MOST:
            break
        longer = _with_cheapest(problem, plan, missing, better)
        if longer is None:
            break
        routes = longer
    return routes


def complete_by_insertion(problem: RoutingProblem, plan: RoutingPlan) -> RoutingPlan | None:
    """Put the clients that are left out, one after the other, where they cost least, if that breaks no rule.

    Parameters
    ----------
    problem
        The problem.
    plan
        A plan that breaks no rule, but for clients left out.
    """
    while plan.unserved:
        longer = _with_cheapest(problem, plan, plan.unserved[:1], problem.plan_from)
        if longer is None:
            return None
        plan = longer
    return plan if problem.check(plan).ok else None


def _with_cheapest(
    problem: RoutingProblem,
    plan: RoutingPlan,
    clients: Iterable[str],
    accept: Callable[[RoutingPlan], Accepted | None],
) -> Accepted | None:
    """Put one of some clients where that costs least and breaks no rule; return what is accepted of it, or None."""
    places = InsertionFinder(problem.leg_laws, problem.planning_values, plan)
    found = [place for name in clients for place in places.for_client(name) if not place.violations]
    for place in sorted(found, key=lambda place: round(place.cost, 9)):
        others = (route for route in plan.routes if route.label != place.route.label)
        longer = accept(RoutingPlan((*others, place.route)))
        if longer is not None:
            return longer
    return None
