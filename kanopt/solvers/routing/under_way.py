"""Routing where routes are under way: the search on the laws alone, which keeps what cannot be changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from kanopt.interrupt import Interrupt
from kanopt.memory import available_bytes, gigabytes
from kanopt.problems.base import Problem
from kanopt.problems.result import Progress
from kanopt.problems.routing import RoutingPlan, RoutingProblem
from kanopt.solvers.base import Outcome, SolveOptions, Solver
from kanopt.solvers.compiled.library import why_no_kernel
from kanopt.solvers.routing.law_routing import search_limits
from kanopt.solvers.routing.racer.plan_data import bytes_needed
from kanopt.solvers.routing.racer.refine import RacerRun
from kanopt.text import count_text


class UnderWayRouting(Solver):
    """Large neighbourhood search from where the routes are that are under way.

    Engines do not model such routes. The search drives every plan on the laws, with every rule: stops that are locked
    stay, what is on board stays there, and all else is planned anew. It begins at the plan it is given, as far as that
    keeps these rules, else at the routes as they are. No bound is claimed. It ends with the time, or by itself as
    :class:`~kanopt.solvers.routing.law_routing.LawRouting` does; then the same seed gives the same plan.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.problems import Client, Depot, VehicleType
    >>> km = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    >>> problem = RoutingProblem(
    ...     [Depot("depot")], [Client("a", demand=1.0), Client("b", pickup=1.0)], [VehicleType("van", 2)], km, km, km
    ... )
    >>> later = problem.with_routes_under_way({"van 1": ["a"], "van 2": ["b"]}, "0:05")
    >>> UnderWayRouting().solve(later, SolveOptions()).objective
    60.0
    """

    @property
    def name(self) -> str:
        """What it is."""
        return "search on the law from routes under way"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a routing problem of which something is under way, else why it does not fit."""
        if not isinstance(problem, RoutingProblem):
            return f"solves routing problems, not {problem.kind}"
        if not problem.data.is_under_way:
            return "no route is under way, so that engines may search"
        if missing := why_no_kernel():
            return missing
        needed, there = bytes_needed(problem.data), available_bytes()
        return "" if needed <= there else f"it needs {gigabytes(needed)}, and {gigabytes(there)} are free"

    def lower(self, problem: RoutingProblem, options: SolveOptions) -> RacerRun:
        """Return the search, at the plan given or at the routes under way."""
        started = RoutingPlan(tuple(replace(route, locked=0) for route in problem.started))
        start = options.initial if isinstance(options.initial, RoutingPlan) else started
        return RacerRun(problem, start, options.seed, options.progress, options.clock, options.workers)

    def search(self, model: RacerRun, options: SolveOptions) -> _FoundUnderWay:
        """Search until the time is over or the search ends by itself."""
        with Interrupt() as interrupt:
            limits = search_limits(model.problem, options.time_limit, lambda: interrupt.asked)
            best = model.run(limits)
            stopped = interrupt.asked or model.stopped
        history, steps = tuple(model.history), count_text(model.steps, "step")
        return _FoundUnderWay(best, history, steps, stopped, model.ended)

    def raise_plan(self, model: RacerRun, found: _FoundUnderWay) -> Outcome:
        """Return the best plan with the departures that are best on the law."""
        assessment = model.problem.assess(found.best).settled()
        ended = "the search ended by itself: the same seed gives the same plan"
        return Outcome(
            plan=assessment.plan,
            status=assessment.status,
            objective=assessment.planned_pricing.objective,
            bound=None,
            rounding_bound=0.0,
            history=found.history,
            interrupted=found.interrupted,
            message="; ".join([found.steps, *([ended] if found.ended else [])]),
        )


@dataclass(frozen=True, eq=False)
class _FoundUnderWay:
    """What a search found, and how it ended."""

    best: RoutingPlan
    history: tuple[Progress, ...]
    steps: str
    interrupted: bool
    ended: bool
