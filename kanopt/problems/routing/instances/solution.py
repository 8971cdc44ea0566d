"""A published solution: routes by number of the client, and what they cost; read from and written to a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from kanopt.errors import ProblemError
from kanopt.problems.instance_text import TextLines, read_lines
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.problem import RoutingProblem
from kanopt.text import list_names

_ROUTE = re.compile(r"route\s*#?\s*\d+\s*:\s*(.*)", re.IGNORECASE)
_COST = re.compile(r"cost\s*:?\s*(\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class Solution:
    """A solution as it is published.

    Parameters
    ----------
    routes
        Numbers of the clients in order of visit; clients count from 1, in the order of the instance.
    cost
        The cost stated in the file, None where it states none.

    Examples
    --------
    >>> Solution(((2, 1), (3,)), 19.0).routes
    ((2, 1), (3,))
    """

    routes: tuple[tuple[int, ...], ...]
    cost: float | None = None

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
        return problem.plan_from([[clients[number - 1] for number in route] for route in self.routes])


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


def read_solution(path: Path | str) -> Solution:
    """Read a solution file of CVRPLIB: lines ``Route #1: 4 7 2`` and ``Cost 827.3``; other lines are remarks.

    Raises
    ------
    FileFormatError
        If the file holds no route, or a route or the cost is not made of numbers; names file and line or key.
    """
    text = read_lines(Path(path))
    routes: list[tuple[int, ...]] = []
    cost: float | None = None
    for line, row in enumerate(text.lines, start=1):
        route, price = _ROUTE.fullmatch(row), _COST.fullmatch(row)
        if route is not None:
            routes.append(_clients(text, route.group(1), line))
        elif price is not None:
            cost = text.number(price.group(1), line, "cost")
    if not routes:
        raise text.refusal("no line 'Route #1: …'; this is no solution file")
    return Solution(tuple(routes), cost)


def _clients(text: TextLines, row: str, line: int) -> tuple[int, ...]:
    return tuple(text.whole(token, line, "client", least=1) for token in row.split())
