"""Routing on OR-Tools: guided local search over integer matrices."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import ortools
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from kanopt.interrupt import Interrupt
from kanopt.problems.base import Problem
from kanopt.problems.result import Progress
from kanopt.problems.routing import RoutingProblem
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.routing_arrays import RoutingArrays
from kanopt.solvers.routing_integers import lower

__all__ = ["OrToolsRouting"]

_STEPS, _STEPS_PER_CLIENT = 2000, 50
_PENALTY_WEIGHTS = (0.05, 0.1)  # the solver's default is 0.1
_FIRST = ("PARALLEL_CHEAPEST_INSERTION", "PATH_CHEAPEST_ARC", "SAVINGS")


class OrToolsRouting:
    """Guided local search of OR-Tools on a routing problem at its planning values.

    Arc prices, travel times and demands are lowered to integer matrices, one per vehicle type. A client that must
    be served may be left out at a price above that of any plan, so that a partial plan always comes back; that
    price never enters the objective. No bound is claimed.

    Notes
    -----
    OR-Tools has no seed for this search, which is deterministic. The seed draws what sends it another way: the order
    in which clients are numbered, and the weight of the penalties of guided local search. The search ends at the
    time limit, or by itself after ``2000 + 50 × clients`` accepted steps without a better plan; in the second case
    the same seed gives the same plan.

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

    @property
    def name(self) -> str:
        """Name and version."""
        return f"OR-Tools routing {ortools.__version__}"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a routing problem, else why it does not fit."""
        return "" if isinstance(problem, RoutingProblem) else f"solves routing problems, not {problem.kind}"

    def solve(self, problem: RoutingProblem, options: SolveOptions) -> Outcome:
        """Lower the problem to integers, search, and return the best plan found."""
        integers = lower(problem, options.seed)
        if integers.is_idle:
            return integers.idle_outcome()
        with Interrupt() as interrupt:
            search = _Search(integers, options, interrupt)
            ways = search.run(None if options.initial is None else integers.ways(options.initial))
        if search.error is not None:
            raise search.error
        return integers.outcome(ways, search.history, search.message, interrupted=interrupt.asked)


class _Search:
    """One search: the model, and what is heard from it while it runs."""

    def __init__(self, integers: RoutingArrays, options: SolveOptions, interrupt: Interrupt) -> None:
        self.integers = integers
        self.options = options
        self.interrupt = interrupt
        self.history: list[Progress] = []
        self.error: BaseException | None = None
        self.message = ""
        self.began = time.perf_counter()
        self.best: int | None = None
        self.idle = 0
        self.patience = _STEPS + _STEPS_PER_CLIENT * integers.size
        self.manager, self.model = _model(integers)
        self.model.AddAtSolutionCallback(self._heard)

    def run(self, start: list[list[int]] | None) -> list[list[int]] | None:
        """Search from a plan, or from scratch; return client nodes per vehicle, None without a plan."""
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        parameters.local_search_metaheuristic = metaheuristic
        weight = np.random.default_rng(self.options.seed).uniform(*_PENALTY_WEIGHTS)
        parameters.guided_local_search_lambda_coefficient = float(weight)
        for first in _FIRST:
            left = self.options.time_limit - (time.perf_counter() - self.began)
            if left <= 0 or self.error is not None:
                return None
            parameters.time_limit.FromMilliseconds(max(1, int(1000 * left)))
            parameters.first_solution_strategy = getattr(routing_enums_pb2.FirstSolutionStrategy, first)
            solution = self._searched(parameters, start)
            if solution is not None:
                return self._ways(solution)
            if self.interrupt.asked:
                return None
        return None

    def _searched(self, parameters: Any, start: list[list[int]] | None) -> Any:
        self.model.CloseModelWithParameters(parameters)
        if start is not None:
            indices = [[self.manager.NodeToIndex(node) for node in way] for way in start]
            given = self.model.ReadAssignmentFromRoutes(indices, True)
            if given is not None:
                solution = self.model.SolveFromAssignmentWithParameters(given, parameters)
                if solution is not None:
                    return solution
        return self.model.SolveWithParameters(parameters)

    def _ways(self, solution: Any) -> list[list[int]]:
        ways = []
        for vehicle in range(len(self.integers.fleet)):
            way, index = [], solution.Value(self.model.NextVar(self.model.Start(vehicle)))
            while not self.model.IsEnd(index):
                way.append(int(self.manager.IndexToNode(index)))
                index = solution.Value(self.model.NextVar(index))
            ways.append(way)
        return ways

    def _heard(self) -> None:
        """Note an accepted step; tell of a better plan; end the search when asked or out of patience."""
        try:
            value = int(self.model.CostVar().Value())
            self.idle += 1
            if self.best is None or value < self.best:
                self.best, self.idle = value, 0
                self._tell(value)
            if self.idle >= self.patience:
                self.message = f"ended by itself after {self.patience:,} steps without a better plan"
            if self.interrupt.asked or self.idle >= self.patience:
                self.model.CancelSearch()
        except KeyboardInterrupt:
            self.interrupt.asked = True
            self.model.CancelSearch()
        except BaseException as error:  # an exception must not pass through the solver's C++
            self.error = error
            self.model.CancelSearch()

    def _tell(self, value: int) -> None:
        left = [
            node
            for node in range(self.integers.depots, self.integers.size)
            if self.integers.mandatory[node]
            and not self.model.ActiveVar(self.manager.NodeToIndex(node)).Value()
        ]
        objective = self.integers.money.to_float(
            value - len(left) * self.integers.penalty + self.integers.missed
        )
        missing = len(left) + self.integers.stranded
        message = f"{missing} clients that must be served are left out" if missing else ""
        progress = Progress(time.perf_counter() - self.began, objective, message=message)
        self.history.append(progress)
        if self.options.progress is not None:
            self.options.progress(progress)


def _model(integers: RoutingArrays) -> tuple[Any, Any]:
    """Build the solver's model."""
    homes = [integers.depot(kind) for kind, _ in integers.fleet]
    manager = pywrapcp.RoutingIndexManager(integers.size, len(integers.fleet), homes, homes)
    model = pywrapcp.RoutingModel(manager)
    kinds = [kind for kind, _ in integers.fleet]
    used = sorted(set(kinds))
    cost = {kind: model.RegisterTransitMatrix(integers.cost[kind].tolist()) for kind in used}
    transit = {kind: model.RegisterTransitMatrix(integers.transit[kind].tolist()) for kind in used}
    model.AddDimensionWithVehicleTransits(
        [transit[kind] for kind in kinds], integers.horizon, integers.horizon, False, "time"
    )
    demand = model.RegisterUnaryTransitVector(integers.demand.tolist())
    model.AddDimensionWithVehicleCapacity(
        demand, 0, [int(integers.capacity[kind]) for kind in kinds], True, "load"
    )
    clock = model.GetDimensionOrDie("time")
    for vehicle, kind in enumerate(kinds):
        model.SetArcCostEvaluatorOfVehicle(cost[kind], vehicle)
        model.SetFixedCostOfVehicle(int(integers.fixed[kind]), vehicle)
        shift = int(integers.shift_start[kind]), int(integers.shift_end[kind])
        clock.CumulVar(model.Start(vehicle)).SetRange(*shift)
        clock.CumulVar(model.End(vehicle)).SetRange(*shift)
        if integers.per_time[kind]:
            clock.SetSpanCostCoefficientForVehicle(int(integers.per_time[kind]), vehicle)
    for node in range(integers.depots, integers.size):
        index = manager.NodeToIndex(node)
        clock.CumulVar(index).SetRange(int(integers.earliest[node]), int(integers.latest[node]))
        price = integers.penalty if integers.mandatory[node] else int(integers.prize[node])
        model.AddDisjunction([index], price)
    return manager, model
