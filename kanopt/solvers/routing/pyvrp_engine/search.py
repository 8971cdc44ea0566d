"""The iterated local search of PyVRP, watched: time, patience, Ctrl-C, and every better plan as it is found."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from pyvrp import (
    CostEvaluator,
    IteratedLocalSearch,
    IteratedLocalSearchCallbacks,
    IteratedLocalSearchParams,
    PenaltyManager,
    PenaltyParams,
    RandomNumberGenerator,
    Solution,
)
from pyvrp.exceptions import PenaltyBoundWarning
from pyvrp.search import (
    OPERATORS,
    LocalSearch,
    NeighbourhoodParams,
    PerturbationManager,
    PerturbationParams,
    compute_neighbours,
)

from kanopt.solvers.routing.arrays import NodeRoutes, RoutingArrays
from kanopt.solvers.routing.incumbents import Incumbents
from kanopt.solvers.routing.pyvrp_engine.model import PyVrpModel, pyvrp_model
from kanopt.solvers.routing.pyvrp_engine.route_pool import SolutionPool

_STEPS, _STEPS_PER_PAIR = 3000, 5
_ROUND, _ROUND_PER_CLIENT = 3000, 4
# clients from which on a pool of routes has something to tell, and up to which it is quick
_POOLED = range(15, 301)
_EVERY = 5
_COMPLETE_STEPS, _COMPLETE_SHARE = 5000, 0.3
_PER_STEP, _PER_STEP_AND_CLIENT = 5e-4, 7e-7  # seconds, for a clock that counts work
# penalties, as multiples of what makes an excess worth an arc; with prizes on clients an excess must not pay
_FIRST, _FIRST_TIME, _FIRST_WITH_PRIZES, _LEAST, _MOST = 100.0, 10.0, 1000.0, 0.01, 1e5


class PyVrpSearch:
    """One search of PyVRP on the integers of a routing problem.

    PyVRP accepts a worse plan where it is better than that of 300 iterations before. Once that leads nowhere any
    more, after ``3000 + 4 × clients`` iterations without a better plan, a new round begins: from the best plan where
    the last one found it, else from it and from a random one by turns. Between rounds, for up to 300 clients, the
    routes of all plans are put together anew (:class:`SolutionPool`). On RC101 this finds the optimum, where one round
    ends 1 % above it.

    First every client that must be served is required. Where no such plan is found within a number of iterations, or
    within a third of the time, the search begins again with a prize on these clients, and finds the best partial
    plan. The search ends at the time limit, when asked, or by itself after ``3000 + 5 × clients²`` iterations
    without a better plan; in the last case the same seed gives the same plan.

    Parameters
    ----------
    arrays
        The problem.
    incumbents
        Called with every better plan.
    time_limit
        Wall seconds, counted from the beginning of `incumbents`.
    seed
        Any whole number of at least 0.
    stop_requested
        Looked at in every iteration: whether to stop.
    """

    def __init__(
        self,
        arrays: RoutingArrays,
        incumbents: Incumbents,
        *,
        time_limit: float,
        seed: int,
        stop_requested: Callable[[], bool],
    ) -> None:
        self.arrays = arrays
        self.incumbents = incumbents
        self.time_limit = time_limit
        self.rng = RandomNumberGenerator(seed % 2**32)
        self.stop_requested = stop_requested
        self.patience = _STEPS + _STEPS_PER_PAIR * (arrays.size - arrays.depots) ** 2
        self.message = ""

    def run(self, start: NodeRoutes | None) -> None:
        """Search from a plan that fits, or from scratch; :attr:`message` says how it ended."""
        if start is not None:
            self.incumbents.offer(start)
        if self._may_be_complete() and not self._is_over(1.0):
            self._search(complete=True)
        if not self._is_complete() and not self._is_over(1.0):
            self._search(complete=False)

    def _may_be_complete(self) -> bool:
        """Say whether the fleet could carry everything that must be served."""
        must, rules = int(self.arrays.demand[self.arrays.mandatory].sum()), self.arrays.rules
        trips = ((kind, 1 + rules.most_reloads(kind)) for kind, _ in self.arrays.fleet)
        return must <= sum(count * int(self.arrays.capacity[kind]) for kind, count in trips)

    def _is_complete(self) -> bool:
        """Say whether a plan is known that serves all who must be and can be."""
        return (
            self.incumbents.rank is not None and self.incumbents.rank[0] == self.arrays.unreachable_mandatory
        )

    def _is_over(self, share: float) -> bool:
        """Say whether the search was asked to stop, or that share of its time is over."""
        return self.stop_requested() or self.incumbents.seconds >= share * self.time_limit

    def _search(self, *, complete: bool) -> None:
        model = pyvrp_model(self.arrays, complete=complete)
        local = self._local_search(model)
        first = self._initial_solution(model, local)
        monitor, again = _SearchMonitor(self, model, complete=complete, first=first), False
        with warnings.catch_warnings():
            # penalties that stay at their largest mean that no plan serves all: what is done then is done here
            warnings.simplefilter("ignore", PenaltyBoundWarning)
            while True:
                penalties = self._penalties(model, complete=complete)
                params = IteratedLocalSearchParams(callbacks=monitor)
                search = IteratedLocalSearch(model.data, penalties, local, first, params)
                better = monitor.run_round(search)
                if monitor.ended:
                    break
                # without a pool nothing of what a new start finds is kept unless it beats the best plan as a whole
                again = better or not again or monitor.pool is None
                first = (
                    monitor.best
                    if again and monitor.best is not None
                    else self._random_solution(model, local)
                )
        if not self._is_complete():
            self.incumbents.offer(self._trimmed(model, monitor.current))

    def _local_search(self, model: PyVrpModel) -> LocalSearch:
        neighbours = compute_neighbours(model.data, NeighbourhoodParams())
        local = LocalSearch(model.data, self.rng, neighbours, PerturbationManager(PerturbationParams()))
        for operator in OPERATORS:
            if operator.supports(model.data):
                local.add_operator(operator(model.data))
        return local

    def _initial_solution(self, model: PyVrpModel, local: LocalSearch) -> Solution:
        """Return the plan to start from: the best one known, else a random one after a local search."""
        if self.incumbents.best is None:
            return self._random_solution(model, local)
        known = model.solution(self.incumbents.best)
        if known.is_complete():
            return known
        return local(known, self._penalties(model, complete=True).max_cost_evaluator(), exhaustive=True)

    def _random_solution(self, model: PyVrpModel, local: LocalSearch) -> Solution:
        evaluator = self._penalties(model, complete=True).max_cost_evaluator()
        return local(Solution.make_random(model.data, self.rng), evaluator, exhaustive=True)

    @staticmethod
    def _penalties(model: PyVrpModel, *, complete: bool) -> PenaltyManager:
        """Return penalties that begin not far above the prices of arcs.

        PyVRP begins at half its largest penalty, whatever a unit of load, time or money is, and needs tens of
        thousands of iterations to come down; from here plans are as good in a third of the time.
        """
        worths = model.load_worth, model.time_worth
        # late routes help to find others where these are put together anew; else they only cost time
        late = _FIRST_TIME if model.data.num_clients in _POOLED else _FIRST
        load, time = (_FIRST, late) if complete else (_FIRST_WITH_PRIZES,) * 2
        params = PenaltyParams(
            min_penalty=min(_LEAST * min(worths), model.largest),
            max_penalty=min(_MOST * max(worths), model.largest),
        )
        loads = [load * worths[0]] * model.data.num_load_dimensions
        return PenaltyManager((loads, time * worths[1], 1.0), params)

    def _trimmed(self, model: PyVrpModel, solution: Solution) -> NodeRoutes:
        """Return a plan without the stops that do not fit."""
        seen: set[int] = set()
        return [
            self.arrays.trimmed(kind, route, seen, place)
            for place, ((kind, _), route) in enumerate(
                zip(self.arrays.fleet, model.node_routes(solution), strict=True)
            )
        ]


class _SearchMonitor(IteratedLocalSearchCallbacks):
    """Called by PyVRP in every iteration; says when a round is to stop.

    Attributes
    ----------
    best
        The best plan of all rounds, None before the first.
    current
        The plan at which the search stands, whether it fits or not.
    ended
        Whether the search is to end with the round.
    """

    def __init__(self, search: PyVrpSearch, model: PyVrpModel, *, complete: bool, first: Solution) -> None:
        self.search = search
        self.model = model
        self.complete = complete
        self.current = first
        self.best: Solution | None = None
        self.ended = False
        self.iterations = 0
        self.best_at = 0
        self.idle = 0
        clients = model.data.num_clients
        self.longest = _ROUND + _ROUND_PER_CLIENT * clients
        self.worth = _PER_STEP + _PER_STEP_AND_CLIENT * clients
        # a route of the pool is a set of clients in an order, without reloads
        self.pool = SolutionPool(model) if clients in _POOLED and not model.reloads else None
        self._offer(first)

    def run_round(self, search: IteratedLocalSearch) -> bool:
        """Run one round, and put routes of all rounds together; return whether there is a better plan."""
        before, self.idle = self.best, 0
        search.run(self.is_over, collect_stats=False)
        if self.pool is not None and self.best is not None and not self.ended:
            combined = self.pool.best_combination(self.best, self.search.incumbents.clock)
            if combined is not None:
                self._offer(combined)
        return self.best is not before

    def on_best(self, best: Solution) -> None:
        """Store the best plan of a round."""
        self.idle = 0
        self._offer(best)

    def on_iteration(
        self, current: Solution, candidate: Solution, best: Solution, cost_evaluator: CostEvaluator
    ) -> None:
        """Count an iteration."""
        self.iterations += 1
        self.idle += 1
        self.search.incumbents.clock.spend(self.worth)
        self.current = current
        if self.pool is not None and self.iterations % _EVERY == 0:
            self.pool.add(candidate)

    def _offer(self, solution: Solution) -> None:
        if solution.is_feasible() and (self.best is None or _cost(solution) < _cost(self.best)):
            self.best, self.best_at = solution, self.iterations
            self.search.incumbents.offer(self.model.node_routes(solution))

    def is_over(self, best_cost: int) -> bool:
        """Say whether the round is to stop, and note whether the search is; PyVRP asks before every iteration."""
        search, share = self.search, 1.0
        if self.complete and not search._is_complete():
            share = _COMPLETE_SHARE
            self.ended = self.iterations >= _COMPLETE_STEPS
        elif self.iterations - self.best_at >= search.patience:
            search.message = f"ended by itself after {search.patience:,} iterations without a better plan"
            self.ended = True
        self.ended = self.ended or search._is_over(share)
        return self.ended or self.idle >= self.longest


def _cost(solution: Solution) -> int:
    price = solution.distance_cost() + solution.duration_cost() + solution.fixed_vehicle_cost()
    cost: int = price + solution.uncollected_prizes()
    return cost
