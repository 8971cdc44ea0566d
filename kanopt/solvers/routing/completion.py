"""Clients that are left out, put into a plan where they cost least on the law."""

from __future__ import annotations

from kanopt.problems.routing import RoutingPlan, RoutingProblem
from kanopt.problems.routing.insertion import InsertionFinder


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
        finder = InsertionFinder(problem.leg_laws, problem.planning_values, plan)
        places = [place for place in finder.for_client(plan.unserved[0]) if not place.violations]
        if not places:
            return None
        place = min(places, key=lambda place: round(place.cost, 9))
        others = (route for route in plan.routes if route.label != place.route.label)
        plan = problem.plan_from(RoutingPlan((*others, place.route)))
    return plan if problem.check(plan).ok else None
