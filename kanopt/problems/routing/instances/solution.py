"""A published solution, and the text of a solution file."""

from __future__ import annotations

from dataclasses import dataclass

from kanopt.errors import ProblemError
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.problem import RoutingProblem
from kanopt.text import list_names


@dataclass(frozen=True)
class Solution:
    """A solution as it is published.

    Parameters
    ----------
    routes
        Numbers of the clients in order of visit; clients count from 1, in the order of the instance.
    cost
        The cost stated in the file, None where it states none.
    departures
        When each route leaves, where the file says so.

    Examples
    --------
    >>> Solution(((2, 1), (3,)), 19.0).routes
    ((2, 1), (3,))
    """

    routes: tuple[tuple[int, ...], ...]
    cost: float | None = None
    departures: tuple[float, ...] = ()

    def plan(self, problem: RoutingProblem) -> RoutingPlan:
        """Return the plan that these routes are.

        Raises
        ------
        ProblemError
            If a route visits a client that the problem does not have, or there are more routes than vehicles.
        """
        clients = [client.name for client in problem.clients]
        wrong = sorted(
            {number for route in self.routes for number in route if not 1 <= number <= len(clients)}
        )
        if wrong:
            shown = list_names([str(number) for number in wrong], quoted=False)
            raise ProblemError(
                f"solution: there is no client {shown}; clients are numbered 1 to {len(clients)}"
            )
        plan = problem.plan_from([[clients[number - 1] for number in route] for route in self.routes])
        if not self.departures:
            return plan
        frame = plan.to_frame().dropna(subset=["vehicle"])
        leaves = {route.label: time for route, time in zip(plan.routes, self.departures, strict=True)}
        labels = frame["vehicle"].astype(str) + " " + frame["index"].astype(str)
        return problem.plan_from(frame.assign(departure=labels.map(leaves)))


def solution_text(problem: RoutingProblem, plan: RoutingPlan, cost: float) -> str:
    """Return a plan as a solution file of CVRPLIB.

    Parameters
    ----------
    problem
        What the plan solves; gives the clients their numbers, from 1.
    plan
        The routes; vehicles that stay in are left out.
    cost
        The objective.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.problems import Client, Depot, VehicleType
    >>> minutes = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    >>> problem = RoutingProblem(
    ...     [Depot("yard")], [Client("a"), Client("b")], [VehicleType("van")], minutes, minutes, minutes
    ... )
    >>> print(solution_text(problem, problem.plan_from([["b", "a"]]), 3.0), end="")
    Route #1: 2 1
    Cost 3
    """
    number = {client.name: place for place, client in enumerate(problem.clients, start=1)}
    routes = [route for route in plan.routes if route.clients]
    lines = [
        f"Route #{place}: {' '.join(str(number[name]) for name in route.clients)}"
        for place, route in enumerate(routes, start=1)
    ]
    # twelve digits: sums of distances are not exact, and nobody wants 827.3000000000001
    return "\n".join([*lines, f"Cost {cost:.12g}"]) + "\n"
