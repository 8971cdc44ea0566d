"""Routing on OR-Tools: guided local search over integer matrices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kanopt.problems.base import Problem
from kanopt.problems.routing import RoutingPlan, RoutingProblem
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.routing.engine_solver import EngineSolver, FoundRoutes, raise_routes
from kanopt.solvers.routing.engines import ORTOOLS, engine_name
from kanopt.solvers.routing.integers import RoutingIntegers, lower

_LINES = "the load on board priced on each leg by a straight line between an empty and a full vehicle"


class OrToolsRouting(EngineSolver):
    """Guided local search of OR-Tools on a routing problem at its planning values.

    Arc prices, travel times and demands are lowered to integer matrices, one per vehicle type, and every rule of a
    routing problem is part of the model. A client that must be served may be left out at a price above that of any
    plan, so that a partial plan always comes back; that price never enters the objective. No bound is claimed. The
    search ends at the time limit, or by itself after ``2000 + 50 × clients`` accepted steps without a better plan; in
    the second case the same seed gives the same plan.

    Parameters
    ----------
    loaded
        Whether laws of the load on board are part of the model, as straight lines between an empty and a full vehicle
        that do not fall, instead of being frozen at one load. The search is on these lines; the objective that is
        reported is the price at planning values, so that the certificate compares like with like.

    Notes
    -----
    The load is priced by OR-Tools' path energy costs, force × distance, with the load as the force and what a unit of
    load adds to the price of an arc as the distance.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.problems import Client, Depot, VehicleType
    >>> from kanopt.solvers.base import SolveOptions
    >>> minutes = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    >>> problem = RoutingProblem(
    ...     [Depot("depot")], [Client("a"), Client("b")], [VehicleType("van")], minutes, minutes, minutes
    ... )
    >>> OrToolsRouting().solve(problem, SolveOptions()).objective
    42.0
    """

    engine = ORTOOLS

    def __init__(self, *, loaded: bool = False) -> None:
        self.loaded = loaded

    @property
    def name(self) -> str:
        """Name and version."""
        return engine_name(ORTOOLS)

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a routing problem of which no route is under way, else why it does not fit."""
        if not isinstance(problem, RoutingProblem):
            return f"solves routing problems, not {problem.kind}"
        return "does not model routes under way" if problem.data.is_under_way else ""

    def lower(self, problem: RoutingProblem, options: SolveOptions) -> RoutingIntegers:
        """Return the problem in integers, rounded on the safe side, with what the load costs where that is priced."""
        return lower(problem, options.seed, loaded=self.loaded)

    def raise_plan(self, model: RoutingIntegers, found: FoundRoutes) -> Outcome:
        """Return the routes with names and departures, at planning values where the load was priced on lines."""
        outcome = raise_routes(model, found)
        if not self.loaded or model.is_idle:
            return outcome
        return _at_planning_values(model.problem, outcome)


def _at_planning_values(problem: RoutingProblem, outcome: Outcome) -> Outcome:
    """Report the price at planning values where the load was priced on lines, and say so."""
    by_load = [one.law for one in problem.frozen_inputs() if one.reference == "state.load"]
    laws = [law for law in dict.fromkeys(by_load) if law in problem.planning_values.laws.cost]
    if not isinstance(outcome.plan, RoutingPlan) or not laws:
        return outcome
    objective = problem.price(outcome.plan, frozen=True).objective
    solver_view = tuple(f"{law}: {_LINES}" for law in laws)
    return replace(outcome, objective=objective, rounding_bound=0.0, solver_view=solver_view)
