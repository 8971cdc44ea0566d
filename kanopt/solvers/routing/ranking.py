"""How good a plan is on the law."""

from __future__ import annotations

from kanopt.problems.routing import RoutingPlan, RoutingProblem

__all__ = ["rank_on_law"]


def rank_on_law(problem: RoutingProblem, plan: RoutingPlan) -> tuple[bool, int, float]:
    """Return how good a plan is on the law, the smaller the better.

    A plan that keeps all rules comes before one that does not, then one that leaves fewer clients out who must be
    served, then the cheaper one.
    """
    check = problem.check(plan)
    must = {client.name for client in problem.clients if client.mandatory}
    broken = not (check.ok or check.only_unserved)
    return broken, len(must & set(plan.unserved)), problem.price(plan).objective
