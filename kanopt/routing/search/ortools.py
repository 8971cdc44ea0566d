"""Routing on OR-Tools: guided local search over whole numbers, with every rule and the load on board in its model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import pairwise
from typing import Any
from weakref import WeakMethod

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from kanopt.array_types import Integers
from kanopt.engines.base import Outcome, SolveOptions, Solver, asks_to_stop
from kanopt.engines.compiled.library import why_no_kernel
from kanopt.interrupt import Interrupt
from kanopt.plans.base import Problem
from kanopt.plans.findings import Status
from kanopt.plans.result import Progress
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.search.integers import NodeRoutes, RoutingIntegers, refuse_too_large
from kanopt.routing.search.racer.search import RacerRun, StoppingCriteria, left_out_text
from kanopt.routing.search.solver import better_with, known_part, not_modelled

# A routing problem as OR-Tools sees it: one function for each rule that its dimensions say by themselves.

_LISTED = 40.0
"""Bytes of a whole number in a list."""


class OrToolsModel:
    """The solver's model of a routing problem, whose stops are the nodes of the arrays.

    Parameters
    ----------
    arrays
        The problem.

    Attributes
    ----------
    manager, model
        What OR-Tools has made of it.
    clock
        The dimension of time.
    """

    def __init__(self, arrays: RoutingIntegers) -> None:
        self.arrays = arrays
        self.kinds = [kind for kind, _ in arrays.fleet]
        self.used = sorted(set(self.kinds))
        # OR-Tools reads lists of Python's numbers, one matrix at a time, and keeps its own
        self.limits_distance = bool(np.isfinite(arrays.data.of_vehicles("max_distance")).any())
        kept = 8.0 * len(self.used) * (2 + self.limits_distance)
        refuse_too_large("OR-Tools' matrices", arrays.size, _LISTED + kept)
        homes, ends = ([places[kind] for kind in self.kinds] for places in (arrays.homes, arrays.ends))
        self.manager = pywrapcp.RoutingIndexManager(arrays.size, len(self.kinds), homes, ends)
        self.model: Any = pywrapcp.RoutingModel(self.manager)
        self.clock = self._cost_and_time()
        self._loads()
        for node in range(arrays.depots, arrays.size):
            self._visit(node)
        if self.limits_distance:
            self._distance_limit()
        if any(arrays.breaks):
            self._breaks()
        if arrays.data.has_sources:
            self._pickups_and_deliveries()
        if arrays.data.apart.any():
            self._incompatibilities()

    def index(self, node: int) -> int:
        """Return OR-Tools' index of a node."""
        return int(self.manager.NodeToIndex(node))

    def node_routes(self, following: Sequence[int]) -> list[list[int]]:
        """Return nodes by vehicle, given the index that follows each index."""
        found, last = [], len(following)
        for vehicle in range(len(self.kinds)):
            route, index = [], following[self.model.Start(vehicle)]
            while index < last:
                route.append(self.manager.IndexToNode(index))
                index = following[index]
            found.append(route)
        return found

    def index_routes(self, routes: NodeRoutes) -> list[list[int]]:
        """Return a plan as OR-Tools' indices."""
        return [[self.index(node) for node in route] for route in routes]

    def _matrices(self, matrices: Integers) -> list[int]:
        """Register a matrix over nodes for each vehicle type, and return the number of each vehicle's."""
        numbers = {}
        for kind in self.used:
            home, last, matrix = self.arrays.homes[kind], self.arrays.ends[kind], matrices[kind]
            if home != last:
                # a vehicle that serves nobody stays where it is
                matrix = matrix.copy()
                matrix[home, last] = 0
            numbers[kind] = self.model.RegisterTransitMatrix(matrix.tolist())
        return [numbers[kind] for kind in self.kinds]

    def _cost_and_time(self) -> Any:
        """Add prices of arcs, vehicles and time, and the clock within shifts, which is returned."""
        arrays, model, (regular, overtime) = self.arrays, self.model, self.arrays.overtime
        transit = self._matrices(arrays.transit)
        model.AddDimensionWithVehicleTransits(transit, arrays.last, arrays.last, False, "time")
        clock = model.GetDimensionOrDie("time")
        for vehicle, (kind, cost) in enumerate(zip(self.kinds, self._matrices(arrays.cost), strict=True)):
            model.SetArcCostEvaluatorOfVehicle(cost, vehicle)
            model.SetFixedCostOfVehicle(int(arrays.fixed[kind]), vehicle)
            shift = int(arrays.shift_start[kind]), int(arrays.shift_end[kind])
            clock.CumulVar(model.Start(vehicle)).SetRange(*shift)
            clock.CumulVar(model.End(vehicle)).SetRange(*shift)
            if arrays.per_time[kind]:
                clock.SetSpanCostCoefficientForVehicle(int(arrays.per_time[kind]), vehicle)
            if arrays.max_duration[kind] < arrays.last:
                clock.SetSpanUpperBoundForVehicle(int(arrays.max_duration[kind]), vehicle)
            if overtime[kind]:
                more = pywrapcp.BoundCost(int(regular[kind]), int(overtime[kind]))
                clock.SetSoftSpanUpperBoundForVehicle(more, vehicle)
        return clock

    def _visit(self, node: int) -> None:
        """Add the windows of a client, who may serve it, and the price of leaving it out."""
        arrays, index = self.arrays, self.index(node)
        begins = self.clock.CumulVar(index)
        begins.SetRange(int(arrays.earliest[node]), int(arrays.latest[node]))
        price = arrays.penalty if arrays.mandatory[node] else int(arrays.prize[node])
        self.model.AddDisjunction([index], price)
        if arrays.lateness[node] > 0 and arrays.due[node] < arrays.latest[node]:
            self.clock.SetCumulVarSoftUpperBound(index, int(arrays.due[node]), int(arrays.lateness[node]))
        opens, closes = arrays.windows
        for shut, opened in zip(closes[:-1, node].tolist(), opens[1:, node].tolist(), strict=True):
            if opened > shut + 1:
                begins.RemoveInterval(shut + 1, opened - 1)
        if node in arrays.pinned:  # SetAllowedVehiclesForIndex is not there in Python
            self.model.VehicleVar(index).SetValues([-1, arrays.pinned[node]])

    def _loads(self) -> None:
        """Add capacities in every measure, and the price of what is on board."""
        arrays = self.arrays
        for measure, (demand, capacity) in enumerate(zip(arrays.demands, arrays.capacities, strict=True)):
            name = "load" if measure == 0 else f"load {measure}"
            picked = np.zeros_like(demand) if measure else arrays.pickup
            if picked.any() or arrays.data.has_sources:
                self._on_board(name, demand, picked, capacity)
            else:
                self._dimension(name, demand, capacity, starts_empty=True)
        if arrays.loaded:
            model, (price, (taken, given)) = self.model, arrays.load_costs
            self._on_board("force", taken, given, np.full(len(price), int(taken.sum() + given.sum())))
            most = int(price.max(axis=(0, 2)).sum()) + (arrays.size + 2) * int(price.max())
            model.AddDimensionWithVehicleTransits(self._matrices(price), 0, most, True, "energy")
            for vehicle in range(len(self.kinds)):
                model.SetPathEnergyCostOfVehicle("force on board", "energy", 1, vehicle)

    def _dimension(self, name: str, change: Integers, capacity: Integers, *, starts_empty: bool) -> Any:
        """Add a dimension that changes at stops, within a capacity by vehicle type."""
        number = self.model.RegisterUnaryTransitVector(change.tolist())
        capacities = [int(capacity[kind]) for kind in self.kinds]
        self.model.AddDimensionWithVehicleCapacity(number, 0, capacities, starts_empty, name)
        return self.model.GetDimensionOrDie(name)

    def _on_board(self, name: str, demand: Integers, picked: Integers, capacity: Integers) -> None:
        """Count what is on board, and apart from it what of it is still to be delivered from the depot.

        Both are the same when a route begins, and nothing is to be delivered when it ends.
        """
        loaded, given = demand.copy(), np.zeros_like(demand)
        for source, nodes in self.arrays.dependents.items():
            loaded[nodes] = 0
            given[source] = demand[nodes].sum()
        to_deliver = self._dimension(f"{name} to deliver", -loaded, capacity, starts_empty=False)
        change = picked + given - demand
        on_board = self._dimension(f"{name} on board", change, capacity, starts_empty=False)
        for vehicle in range(len(self.kinds)):
            start, end = self.model.Start(vehicle), self.model.End(vehicle)
            to_deliver.CumulVar(end).SetValue(0)
            self.model.solver().Add(on_board.CumulVar(start) == to_deliver.CumulVar(start))

    def _distance_limit(self) -> None:
        """Limit how far each vehicle drives."""
        arrays = self.arrays
        lengths, limits = arrays.lengths
        every = np.repeat(lengths[None], len(limits), axis=0)
        for kind in self.used:
            if not arrays.data.vehicles[kind].returns:
                every[kind, :, arrays.homes[kind]] = 0
        most = [int(limits[kind]) for kind in self.kinds]
        self.model.AddDimensionWithVehicleTransitAndCapacity(self._matrices(every), 0, most, True, "length")

    def _breaks(self) -> None:
        """Add the breaks of drivers, in order and not during a service."""
        arrays, solver = self.arrays, self.model.solver()
        service = arrays.clock.stay(arrays.stay[:, arrays.nodes])
        starts = {self.model.Start(vehicle) for vehicle in range(len(self.kinds))}
        for vehicle, kind in enumerate(self.kinds):
            intervals = [
                solver.FixedDurationIntervalVar(
                    first, max(first, last), length, False, f"rest {vehicle} {place}"
                )
                for place, (length, first, last) in enumerate(arrays.breaks[kind])
            ]
            if intervals:
                stay = [
                    0 if index in starts else int(service[kind, self.manager.IndexToNode(index)])
                    for index in range(self.model.Size())
                ]
                self.clock.SetBreakIntervalsOfVehicle(intervals, vehicle, stay)
                for before, after in pairwise(intervals):
                    solver.Add(after.StartsAfterEnd(before))

    def _pickups_and_deliveries(self) -> None:
        """Visit sources and their clients with one vehicle, in their order, or neither."""
        model, solver = self.model, self.model.solver()
        model.AddConstantDimension(1, self.arrays.size + 1, True, "order")
        order = model.GetDimensionOrDie("order")
        for source, nodes in self.arrays.dependents.items():
            first = self.index(source)
            for second in map(self.index, nodes):
                model.AddPickupAndDelivery(first, second)
                solver.Add(model.VehicleVar(first) == model.VehicleVar(second))
                solver.Add(model.ActiveVar(first) == model.ActiveVar(second))
                solver.Add(order.CumulVar(first) <= order.CumulVar(second))

    def _incompatibilities(self) -> None:
        """Keep incompatible nodes on different routes; those with the same incompatibilities share a visit type."""
        apart = self.arrays.data.apart[np.ix_(self.arrays.nodes, self.arrays.nodes)]
        types = np.unique(apart, axis=0, return_inverse=True)[1].ravel()
        policy = pywrapcp.RoutingModel.TYPE_ADDED_TO_VEHICLE
        for node in range(self.arrays.depots, self.arrays.size):
            self.model.SetVisitType(self.index(node), int(types[node]), policy)
        for node, other in np.argwhere(np.triu(apart)):
            self.model.AddHardTypeIncompatibility(int(types[node]), int(types[other]))


_STEPS, _STEPS_PER_CLIENT = 2000, 50
_PENALTY_WEIGHTS = (0.05, 0.1)  # the solver's default is 0.1
_FIRST = ("PARALLEL_CHEAPEST_INSERTION", "PATH_CHEAPEST_ARC", "SAVINGS")
_GLANCE = 256
_START = 100  # steps for each client of the search for a start
_LINES = "the load on board priced on each leg by a straight line between an empty and a full vehicle"

MODELLED = frozenset(
    {
        "fleet", "depot", "visits", "prize", "skill", "goods", "pinned", "order", "capacity", "measures", "road",
        "time window", "several windows", "soft window", "shift", "distance", "duration", "overtime", "break",
    }
)  # fmt: skip
"""The rules that OR-Tools' dimensions say by themselves, as the referee calls them."""


class OrToolsRouting(Solver):
    """Guided local search of OR-Tools on a routing problem at its planning values.

    Arc prices, travel times and demands are lowered to whole numbers. The model has the rules that OR-Tools says by
    itself: no reloads, goods that are ready later, backhauls, even work, rests after driving or routes under way. Laws
    of the load on board are straight lines between an empty and a full vehicle that do not fall; the clock is frozen. A
    client that must be served may be left out at a price above that of any plan, so that a partial plan always comes
    back; that price never enters the objective. No bound is claimed. The search ends at the time limit, or by itself
    after ``2000 + 50 × clients`` accepted steps without a better plan; in the second case the same seed gives the same
    plan.

    Notes
    -----
    The load is priced by OR-Tools' path energy costs, force × distance, with the load as the force and what a unit of
    load adds to the price of an arc as the distance.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.routing import Client, Depot, VehicleType
    >>> from kanopt.engines.base import SolveOptions
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
        return f"OR-Tools routing {version('ortools')}"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a routing problem of which every rule is modelled, else why it does not fit."""
        return not_modelled(problem, MODELLED)

    def solve(self, problem: RoutingProblem, options: SolveOptions) -> Outcome:
        """Search until the time is over, the search ends by itself, or Ctrl-C."""
        options.refuse_deterministic(self.name)
        prices = problem.planning_values.laws.cost
        read = [one.law for one in problem.frozen_inputs() if one.reference == "state.load"]
        by_load = [law for law in dict.fromkeys(read) if law in prices]
        model = RoutingIntegers(problem, options.seed, loaded=bool(by_load))
        with Interrupt() as interrupt:
            found = _Search(model, options, interrupt)
            begun = None if model.is_idle else _start(model, options)
            if not model.is_idle:
                found.run(begun)
            stopped = found.interrupted or interrupt.asked
        told: dict[str, Any] = {"history": tuple(found.history), "interrupted": stopped}
        routes = [[] for _ in model.fleet] if model.is_idle else found.best
        if routes is None:
            why = "stopped before a first plan was found" if stopped else "no plan within the time limit"
            return Outcome(None, Status.NO_PLAN, None, None, 0.0, message=found.message or why, **told)
        assessment = problem.assess(model.plan(routes)).settled()
        assessment = better_with(assessment, begun)
        moved, bound = _rounded_by(model, assessment.plan)
        return Outcome(
            assessment.plan,
            assessment.status,
            objective=assessment.planned_pricing.objective + moved,
            bound=None,
            rounding_bound=bound,
            message=found.message,
            solver_view=tuple(f"{law}: {_LINES}" for law in by_load),
            **told,
        )


def _start(model: RoutingIntegers, options: SolveOptions) -> RoutingPlan | None:
    """Return the plan that is given, or one of a short search on the law where single moves find little for long.

    So it is where clients are loaded at others, drivers take breaks or goods are kept apart. None where it breaks a
    rule, or there is no kernel.
    """
    problem, hard = model.problem, model.data.has_sources or any(model.breaks) or model.data.apart.any()
    if options.initial is not None:
        known = known_part(problem, options.initial)
    elif hard and not why_no_kernel():
        search = RacerRun(problem, None, options.seed, None, options.clock)
        known = search.run(StoppingCriteria(None, _START * len(problem.clients), lambda: False))
    else:
        return None
    return None if problem.assess(known).rank.breaks_rules else known


def _rounded_by(model: RoutingIntegers, plan: RoutingPlan) -> tuple[float, float]:
    """Return by how much rounding the price of each arc moves that of a plan, and a bound on it."""
    moved, legs = 0.0, 0
    for (kind, _), route in zip(model.fleet, model.node_routes(plan), strict=True):
        if route and not model.loaded:
            ends = [model.ends[kind]] if model.data.vehicles[kind].returns else []
            stops = np.array([model.homes[kind], *route, *ends])
            exact = model.problem.planning_values.costs[kind][model.nodes[stops[:-1]], model.nodes[stops[1:]]]
            paid = model.cost[kind, stops[:-1], stops[1:]] / model.money.factor
            moved, legs = moved + float((paid - exact).sum()), legs + len(stops) - 1
    return moved, legs * model.money.bound


class _Search:
    """One search of OR-Tools on the whole numbers of a routing problem.

    OR-Tools has no seed for its searches, which are deterministic. The seed draws what sends them another way: the
    order in which clients are numbered, and the weight of the penalties of guided local search.

    Parameters
    ----------
    integers
        The problem.
    options
        Time limit, seed, clock and who is told of better plans.
    interrupt
        Whether to stop.

    Attributes
    ----------
    best
        The best plan, None before the first.
    start
        The plan it began with, where that keeps all rules.
    history
        Every better plan, in order of time.
    message
        How the search ended, where it ended by itself.
    """

    def __init__(self, integers: RoutingIntegers, options: SolveOptions, interrupt: Interrupt) -> None:
        self.integers, self.options, self.interrupt = integers, options, interrupt
        self.began = options.clock.now()
        self.best: NodeRoutes | None = None
        self.history: list[Progress] = []
        self.message, self.interrupted = "", False
        self.error: BaseException | None = None
        self.value: int | None = None
        self.idle, self.limit_checks = 0, 0
        self.patience = _STEPS + _STEPS_PER_CLIENT * integers.size

    @property
    def seconds(self) -> float:
        """Seconds since the search was made."""
        return self.options.clock.now() - self.began

    def run(self, start: RoutingPlan | None) -> None:
        """Search from a plan, or from scratch."""
        routes = None if start is None else self.integers.node_routes(start)
        self.best = routes
        self.routing_model = OrToolsModel(self.integers)
        self.model = self.routing_model.model
        self.next = [self.model.NextVar(index) for index in range(self.model.Size())]
        self.model.AddAtSolutionCallback(_weakly(self._on_solution))
        # between two plans the search may look for times for long
        self.model.AddSearchMonitor(self.model.solver().CustomLimit(_weakly(self._is_over)))
        for first in _FIRST:
            if self.error is not None or self._has_to_end():
                break
            parameters = self._parameters()
            parameters.first_solution_strategy = getattr(routing_enums_pb2.FirstSolutionStrategy, first)
            if self._searched(parameters, routes):
                if self._single_client and not self.message:
                    self.message = "ended by itself: there is one client only"
                break
        if self.error is not None:
            raise self.error

    @property
    def _single_client(self) -> bool:
        """Whether there is one client only, so that a search has nothing to move and would never be asked to end."""
        return self.integers.size - self.integers.depots <= 1

    def _has_to_end(self) -> bool:
        """Say whether the time is over, or somebody asked the search to stop."""
        asked = self.interrupted or self.interrupt.should_stop(found=self.best is not None)
        return asked or self.seconds >= self.options.time_limit

    def _parameters(self) -> Any:
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        left = self.options.time_limit - self.seconds
        parameters.time_limit.FromMilliseconds(max(1, int(1000 * left)))
        # times that linear programs propose may lie in gaps between windows, and the search for others takes seconds
        parameters.disable_scheduling_beware_this_may_degrade_performance = len(self.integers.data.opens) > 1
        kinds = routing_enums_pb2.LocalSearchMetaheuristic
        metaheuristic = kinds.GREEDY_DESCENT if self._single_client else kinds.GUIDED_LOCAL_SEARCH
        parameters.local_search_metaheuristic = metaheuristic
        weight = np.random.default_rng(self.options.seed).uniform(*_PENALTY_WEIGHTS)
        parameters.guided_local_search_lambda_coefficient = float(weight)
        return parameters

    def _searched(self, parameters: Any, start: NodeRoutes | None) -> bool:
        """Search with some parameters; return whether there is a plan."""
        self.model.CloseModelWithParameters(parameters)
        given = None
        if start is not None:
            # reading it with its times may search for them without end
            given = self.model.solver().Assignment()
            if not self.model.RoutesToAssignment(self.routing_model.index_routes(start), True, True, given):
                given = None
        solution = None
        if given is not None:
            solution = self.model.SolveFromAssignmentWithParameters(given, parameters)
        if solution is None:
            solution = self.model.SolveWithParameters(parameters)
        if solution is not None and self.value is None:
            self.best = self._node_routes(solution.Value)
        return solution is not None

    def _node_routes(self, value: Callable[[Any], int]) -> list[list[int]]:
        """Return nodes by vehicle, given the values of the solver's variables."""
        return self.routing_model.node_routes([value(variable) for variable in self.next])

    def _on_solution(self) -> None:
        """Count an accepted step; report a better plan; end the search when asked or out of patience."""
        try:
            # Value ends the process where a price is not known yet
            value = int(self.model.CostVar().Min())
            self.idle += 1
            if self.value is None or value < self.value:
                self.value, self.idle = value, 0
                self.best = self._node_routes(lambda variable: int(variable.Value()))
                self._report(value)
            if self.idle >= self.patience:
                self.message = f"ended by itself after {self.patience:,} steps without a better plan"
            if self.idle >= self.patience or self._has_to_end():
                self.model.CancelSearch()
        except BaseException as error:  # an exception must not pass through the solver's C++
            self.error = error
            self.model.CancelSearch()

    def _report(self, value: int) -> None:
        """Tell of a better plan; the solver's price of it, which may leave a depot sooner than is best."""
        integers = self.integers
        served = np.zeros(integers.size, dtype=bool)
        served[[node for route in self.best or () for node in route]] = True
        left = int((integers.mandatory & ~served).sum())
        price = integers.money.to_float(value - left * integers.penalty + integers.missed_prizes)
        left += integers.unreachable_mandatory
        self.history.append(Progress(self.seconds, price, message=left_out_text(left)))
        self.interrupted |= asks_to_stop(self.options.progress, self.history[-1])

    def _is_over(self) -> bool:
        """Say whether the search is to stop; OR-Tools asks at every branch and at every move that it tries."""
        self.limit_checks += 1
        return self.limit_checks % _GLANCE == 0 and self._has_to_end()


def _weakly(method: Callable[[], Any]) -> Callable[[], Any]:
    """Return a callback that does not keep the search alive.

    The solver holds its callbacks, and the search holds the solver; that circle leads through C++, where Python's
    collector does not see it, and megabytes of model would stay in memory after every search.
    """
    known = WeakMethod(method)

    def call() -> Any:
        bound = known()
        assert bound is not None  # whoever runs the solver holds the search
        return bound()

    return call
