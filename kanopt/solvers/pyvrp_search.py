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

from kanopt.solvers.incumbents import Incumbents
from kanopt.solvers.pyvrp_model import PyVrpModel, pyvrp_model
from kanopt.solvers.routing_arrays import RoutingArrays, Ways

__all__ = ["PyVrpSearch"]

_STEPS, _STEPS_PER_PAIR = 3000, 5
_ROUND = 8000
_COMPLETE_STEPS, _COMPLETE_SHARE = 5000, 0.3
# penalties, as multiples of what makes an excess worth an arc; with prizes on clients an excess must not pay
_FIRST, _FIRST_WITH_PRIZES, _LEAST, _MOST = 100.0, 1000.0, 0.01, 1e5


class PyVrpSearch:
    """One search of PyVRP on the integers of a routing problem.

    PyVRP accepts a worse plan where it is better than that of 300 iterations before. Once that leads nowhere any
    more, after 8,000 iterations without a better plan, the next round begins from the best one.

    First every client that must be served is required. Where no such plan is found within a number of iterations, or
    within a third of the time, the search begins again with a prize on these clients, and finds the best partial
    plan. The search ends at the time limit, when asked, or by itself after ``3000 + 5 × clients²`` iterations
    without a better plan; in the last case the same seed gives the same plan.

    Parameters
    ----------
    arrays
        The problem.
    incumbents
        Hears of every better plan.
    time_limit
        Wall seconds, counted from the beginning of `incumbents`.
    seed
        Any whole number of at least 0.
    asked
        Looked at in every iteration: whether to stop.
    """

    def __init__(
        self,
        arrays: RoutingArrays,
        incumbents: Incumbents,
        *,
        time_limit: float,
        seed: int,
        asked: Callable[[], bool],
    ) -> None:
        self.arrays = arrays
        self.incumbents = incumbents
        self.time_limit = time_limit
        self.rng = RandomNumberGenerator(seed % 2**32)
        self.asked = asked
        self.patience = _STEPS + _STEPS_PER_PAIR * (arrays.size - arrays.depots) ** 2
        self.message = ""

    def run(self, start: Ways | None) -> None:
        """Search from a plan that fits, or from scratch; :attr:`message` says how it ended."""
        if start is not None:
            self.incumbents.offer(start)
        if self._may_be_complete() and not self._over(1.0):
            self._search(complete=True)
        if not self._is_complete() and not self._over(1.0):
            self._search(complete=False)

    def _may_be_complete(self) -> bool:
        """Say whether the fleet could carry everything that must be served."""
        must = int(self.arrays.demand[self.arrays.mandatory].sum())
        return must <= sum(int(self.arrays.capacity[kind]) for kind, _ in self.arrays.fleet)

    def _is_complete(self) -> bool:
        """Say whether a plan is known that serves all who must be and can be."""
        return self.incumbents.rank is not None and self.incumbents.rank[0] == self.arrays.stranded

    def _over(self, share: float) -> bool:
        """Say whether the search was asked to stop, or that share of its time is over."""
        return self.asked() or self.incumbents.seconds >= share * self.time_limit

    def _search(self, *, complete: bool) -> None:
        model = pyvrp_model(self.arrays, complete=complete)
        local = self._local_search(model)
        first = self._first(model, local)
        watch = _Watch(self, model, complete=complete, first=first)
        with warnings.catch_warnings():
            # penalties that stay at their largest mean that no plan serves all: what is done then is done here
            warnings.simplefilter("ignore", PenaltyBoundWarning)
            while not watch.ended:
                watch.idle = 0
                params = IteratedLocalSearchParams(callbacks=watch)
                search = IteratedLocalSearch(
                    model.data, self._penalties(model, complete=complete), local, first, params
                )
                first = search.run(watch.over, collect_stats=False).best
        if not self._is_complete():
            self.incumbents.offer(self._trimmed(model, watch.current))

    def _local_search(self, model: PyVrpModel) -> LocalSearch:
        neighbours = compute_neighbours(model.data, NeighbourhoodParams())
        local = LocalSearch(model.data, self.rng, neighbours, PerturbationManager(PerturbationParams()))
        for operator in OPERATORS:
            if operator.supports(model.data):
                local.add_operator(operator(model.data))
        return local

    def _first(self, model: PyVrpModel, local: LocalSearch) -> Solution:
        """Return the plan to start from: the best one known, else a random one after a local search."""
        evaluator = self._penalties(model, complete=True).max_cost_evaluator()
        if self.incumbents.best is None:
            return local(Solution.make_random(model.data, self.rng), evaluator, exhaustive=True)
        known = model.solution(self.incumbents.best)
        return known if known.is_complete() else local(known, evaluator, exhaustive=True)

    @staticmethod
    def _penalties(model: PyVrpModel, *, complete: bool) -> PenaltyManager:
        """Return penalties that begin not far above the prices of arcs.

        PyVRP begins at half its largest penalty, whatever a unit of load, time or money is, and needs tens of
        thousands of iterations to come down; from here plans are as good in a third of the time.
        """
        worths, first = (model.load_worth, model.time_worth), _FIRST if complete else _FIRST_WITH_PRIZES
        params = PenaltyParams(
            min_penalty=min(_LEAST * min(worths), model.largest),
            max_penalty=min(_MOST * max(worths), model.largest),
        )
        loads = [first * worths[0]] * model.data.num_load_dimensions
        return PenaltyManager((loads, first * worths[1], 1.0), params)

    def _trimmed(self, model: PyVrpModel, solution: Solution) -> Ways:
        """Return a plan without the stops that do not fit."""
        seen: set[int] = set()
        return [
            self.arrays.trimmed(kind, way, seen)
            for (kind, _), way in zip(self.arrays.fleet, model.ways(solution), strict=True)
        ]


class _Watch(IteratedLocalSearchCallbacks):
    """Hears from PyVRP in every iteration, and says when a round is to stop."""

    def __init__(self, search: PyVrpSearch, model: PyVrpModel, *, complete: bool, first: Solution) -> None:
        self.search = search
        self.model = model
        self.complete = complete
        self.current = first
        self.ended = False
        self.iterations = 0
        self.best_at = 0
        self.idle = 0
        self._offer(first)

    def on_best(self, best: Solution) -> None:
        """Note a better plan."""
        self.best_at, self.idle = self.iterations, 0
        self._offer(best)

    def on_iteration(
        self, current: Solution, candidate: Solution, best: Solution, cost_evaluator: CostEvaluator
    ) -> None:
        """Count an iteration."""
        self.iterations += 1
        self.idle += 1
        self.current = current

    def _offer(self, solution: Solution) -> None:
        if solution.is_feasible():
            self.search.incumbents.offer(self.model.ways(solution))

    def over(self, best_cost: int) -> bool:
        """Say whether the round is to stop, and note whether the search is; PyVRP asks before every iteration."""
        search, share = self.search, 1.0
        if self.complete and not search._is_complete():
            share = _COMPLETE_SHARE
            self.ended = self.iterations >= _COMPLETE_STEPS
        elif self.iterations - self.best_at >= search.patience:
            search.message = f"ended by itself after {search.patience:,} iterations without a better plan"
            self.ended = True
        self.ended = self.ended or search._over(share)
        return self.ended or self.idle >= _ROUND
