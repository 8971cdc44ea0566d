"""Routing on OR-Tools: guided local search over integer matrices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ortools

from kanopt.interrupt import Interrupt
from kanopt.problems.base import Problem
from kanopt.problems.routing import RoutingPlan, RoutingProblem
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.incumbents import Incumbents
from kanopt.solvers.routing.integers import lower
from kanopt.solvers.routing.ortools_engine.search import OrToolsSearch

__all__ = ["OrToolsRouting"]

_LINES = "the load on board priced on each leg by a straight line between an empty and a full vehicle"


class OrToolsRouting:
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

    def __init__(self, *, loaded: bool = False) -> None:
        self.loaded = loaded

    @property
    def name(self) -> str:
        """Name and version."""
        return f"OR-Tools routing {ortools.__version__}"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a routing problem, else why it does not fit."""
        return "" if isinstance(problem, RoutingProblem) else f"solves routing problems, not {problem.kind}"

    def solve(self, problem: RoutingProblem, options: SolveOptions) -> Outcome:
        """Lower the problem to integers, search, and return the best plan found."""
        integers = lower(problem, options.seed, loaded=self.loaded)
        if integers.is_idle:
            return integers.idle_outcome()
        start = None if options.initial is None else integers.node_routes(options.initial)
        with Interrupt() as interrupt:
            incumbents = Incumbents(integers, options.progress, clock=options.clock)
            search = OrToolsSearch(
                integers,
                incumbents,
                time_limit=options.time_limit,
                seed=options.seed,
                asked=lambda: interrupt.asked or incumbents.stopped,
            )
            search.run(start)
        if search.error is not None:
            raise search.error
        outcome = integers.outcome(
            incumbents.best,
            incumbents.history,
            search.message,
            interrupted=interrupt.asked or incumbents.stopped,
        )
        return _at_planning_values(problem, outcome) if self.loaded else outcome


def _at_planning_values(problem: RoutingProblem, outcome: Outcome) -> Outcome:
    """Report the price at planning values where the load was priced on lines, and say so."""
    by_load = [one.law for one in problem.frozen_inputs() if one.reference == "state.load"]
    laws = [law for law in dict.fromkeys(by_load) if law in problem.planning_values.laws.cost]
    if not isinstance(outcome.plan, RoutingPlan) or not laws:
        return outcome
    seen = problem.price(outcome.plan, frozen=True).objective
    saw = tuple(f"{law}: {_LINES}" for law in laws)
    return replace(outcome, objective=seen, rounding_bound=0.0, solver_view=saw)
