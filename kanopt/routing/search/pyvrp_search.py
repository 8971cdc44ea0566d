"""The iterated local search of PyVRP, watched: time, patience, Ctrl-C, and every better plan as it is found."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyvrp import (
    CostEvaluator,
    IteratedLocalSearch,
    IteratedLocalSearchCallbacks,
    IteratedLocalSearchParams,
    PenaltyManager,
    PenaltyParams,
    ProblemData,
    RandomNumberGenerator,
    Route,
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

from kanopt.array_types import Floats
from kanopt.engines.base import SearchClock
from kanopt.plans.result import Progress
from kanopt.routing import RoutingPlan
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.search.pyvrp_model import PyVrpModel, integers_of
from kanopt.routing.search.racer.search import left_out_text

# Routes of all plans that PyVRP meets, and the best plan that can be put together from them.
#
# A search meets good routes in plans that are not good as a whole. Which of them make the best plan is the
# set partitioning model of Balinski and Quandt (1964, "On an integer program for a delivery problem",
# Operations Research 12(2), 300–304), over the routes met instead of all. PyVRP meets routes by the
# thousand, and is asked between its rounds for a plan better than its best one: a linear program shows
# which routes can be in one, and whole numbers are looked for among these alone, and only where they are
# few.

_MOST_ROUTES, _KEPT = 20_000, 8000
"""Routes that are looked at, those met last, and of these kept after a linear program, those least too dear for it."""
_NAMES = 100_000
"""Names of routes remembered, so that a route met before is not looked at again."""
_WHOLE = 1000
"""Routes up to which whole numbers are looked for."""
_NODES, _SECONDS = 500, 5.0
_BETTER = 1e-7
_PER_COLUMN = 2e-5  # seconds, for a clock that counts work


class RoutePool:
    """The cheapest order met for each vehicle type and set of clients; what was met last comes last.

    Parameters
    ----------
    data
        PyVRP's data.
    """

    def __init__(self, data: ProblemData) -> None:
        self.data = data
        self._seen: set[tuple[int, str]] = set()
        self._best: dict[tuple[int, frozenset[int]], tuple[int, list[int]]] = {}

    def add(self, solution: Solution) -> None:
        """Add the routes of a plan that fit, whether the plan does or not."""
        for route in solution.routes():
            kind = route.vehicle_type()
            if (kind, str(route)) in self._seen:
                continue
            self._seen.add((kind, str(route)))
            stops = [stop.idx for stop in route if stop.is_client()]
            if stops and route.is_feasible():
                price = route.distance_cost() + route.duration_cost() + route.fixed_vehicle_cost()
                known = self._best.pop((kind, frozenset(stops)), (price, stops))
                self._best[kind, frozenset(stops)] = min(known, (price, stops))
        if len(self._best) > 2 * _MOST_ROUTES:
            self._best = dict(list(self._best.items())[-_MOST_ROUTES:])

    def best_combination(self, known: Solution, clock: SearchClock) -> Solution | None:
        """Return a better plan than a known one that is made of routes of the pool, None where none was found.

        A linear program comes first. Its prices of clients show which routes can be in a better plan (Dantzig's reduced
        costs). The clock hears of the work.
        """
        from scipy.optimize import Bounds, LinearConstraint, linprog, milp

        self.add(known)
        if len(self._seen) > _NAMES:
            self._seen.clear()
        routes = list(self._best.items())[-_MOST_ROUTES:]
        clock.spend(_PER_COLUMN * len(routes))
        required = np.array([client.required for client in self.data.clients()], dtype=bool)
        # a plan costs what it would with nobody served, and more or less than that with each route
        saved = np.where(required, 0.0, [client.prize for client in self.data.clients()])
        best = _cost(known) - saved.sum()
        scale = max(1.0, abs(best) / max(1, known.num_routes()))
        prices = np.array([price - saved[stops].sum() for _, (price, stops) in routes]) / scale
        target = (best - _BETTER * abs(best)) / scale
        taken, most = self._rows(routes, required)
        found = linprog(prices, A_ub=taken, b_ub=most, method="highs")
        if found.status != 0 or found.fun > target:
            return None
        reduced = prices - taken.T @ found.ineqlin.marginals
        order = np.argsort(reduced, kind="stable")
        self._best = dict(routes[place] for place in order[:_KEPT])
        few = order[: int((reduced[order] <= target - found.fun).sum())]
        if len(few) > _WHOLE:
            return None
        limits = (
            {"node_limit": _NODES} if clock.counts_work else {"node_limit": _NODES, "time_limit": _SECONDS}
        )
        whole = milp(
            prices[few],
            integrality=np.ones(len(few)),
            bounds=Bounds(0, 1),
            constraints=[
                LinearConstraint(taken[:, few], ub=most),
                LinearConstraint(prices[None, few], ub=target),
            ],
            options=limits,
        )
        if whole.x is None:
            return None
        chosen = (routes[place] for place in few[whole.x > 0.5])
        return Solution(self.data, [Route(self.data, stops, kind) for (kind, _), (_, stops) in chosen])

    def _rows(self, routes: Sequence[Any], required: NDArray[np.bool_]) -> tuple[Any, Floats]:
        """Return what each route takes of clients and vehicles, at least and at most; (rows, routes) and (rows,)."""
        from scipy.sparse import csr_array, vstack

        clients, count = len(required), len(routes)
        takes = [[*stops, clients + kind] for (kind, _), (_, stops) in routes]
        at = np.concatenate(takes), np.repeat(np.arange(count), [len(each) for each in takes])
        vehicles = [kind.num_available for kind in self.data.vehicle_types()]
        shape = clients + len(vehicles), count
        taken = csr_array((np.ones(len(at[0])), at), shape=shape)
        must = np.flatnonzero(required)
        return vstack([taken, -taken[must]]).tocsr(), np.concatenate(
            [np.ones(clients), vehicles, -np.ones(len(must))]
        )


_STEPS, _STEPS_PER_PAIR = 3000, 5
_ROUND, _ROUND_PER_CLIENT = 3000, 4
# clients from which on a pool of routes has something to tell, and up to which it is quick
_POOLED = range(15, 301)
_EVERY = 5
_GAIN = 0.001
"""Share of the price by which the last half of a search must have made the plan cheaper for it to go on."""
_PER_STEP, _PER_STEP_AND_CLIENT = 5e-4, 7e-7  # seconds, for a clock that counts work
# penalties, as multiples of what makes an excess worth an arc; with prizes on clients an excess must not pay
_FIRST, _FIRST_TIME, _FIRST_WITH_PRIZES, _LEAST, _MOST = 100.0, 10.0, 1000.0, 0.01, 1e5


class PyVrpRun(IteratedLocalSearchCallbacks):
    """One search of PyVRP for a plan from which another search goes on.

    PyVRP accepts a worse plan where it is better than that of 300 iterations before. Once that leads nowhere any
    more, after ``3000 + 4 × clients`` iterations without a better plan, a new round begins: from the best plan where
    the last one found it, else from it and from a random one by turns. Between rounds, for up to 300 clients, the
    routes of all plans are put together anew (:class:`RoutePool`). On RC101 this finds the optimum, where one round
    ends 1 % above it.

    Every client that must be served is required where the fleet could carry them all, else it has a prize. The plan is
    the best one found, or where none keeps PyVRP's rules the one at which the search stands: whoever goes on takes it
    as far as it fits. PyVRP calls the search in every iteration.

    Parameters
    ----------
    problem
        What is planned; rules that PyVRP does not model are left out.
    seed
        Any whole number of at least 0.
    clock
        What seconds are measured with.
    report
        Called with every better plan.

    Attributes
    ----------
    plan, price, unserved
        The best plan, what it costs at planning values, and how many clients it leaves out although they must be
        served; None where there is none.
    message
        How the search ended, where it ended by itself.
    best, current
        PyVRP's best plan of all rounds, None before the first, and the plan at which the search stands.
    """

    def __init__(
        self, problem: RoutingProblem, seed: int, clock: SearchClock, report: Callable[[Progress], None]
    ) -> None:
        self.began = clock.now()
        self.problem, self.clock, self.report = problem, clock, report
        self.rng = RandomNumberGenerator(seed % 2**32)
        self.integers = integers_of(problem, seed)
        self.patience = _STEPS + _STEPS_PER_PAIR * len(problem.clients) ** 2
        self.plan: RoutingPlan | None = None
        self.price: float | None = None
        self.unserved, self.message = 0, ""
        self.best: Solution | None = None
        self.ended = False
        self._history: list[tuple[float, float]] = []
        self._iterations, self._best_at, self._idle = 0, 0, 0

    def search(
        self, start: RoutingPlan | None, least: float, most: float, stop_requested: Callable[[], bool]
    ) -> None:
        """Search from a plan, or from scratch, for as long as much is gained.

        Parameters
        ----------
        start
            A plan, or None.
        least, most
            Seconds that it takes at least, unless it ends by itself, and at most.
        stop_requested
            Looked at in every iteration: whether to stop.
        """
        self.least, self.most, self.stop_requested = least, most, stop_requested
        if self.integers.is_idle or self._has_to_end():
            return
        complete = self._may_be_complete()
        self.model = model = PyVrpModel(self.integers, complete=complete)
        self.data, clients = model.data, model.data.num_clients
        self.local = LocalSearch(
            self.data,
            self.rng,
            compute_neighbours(self.data, NeighbourhoodParams()),
            PerturbationManager(PerturbationParams()),
        )
        for operator in OPERATORS:
            if operator.supports(self.data):
                self.local.add_operator(operator(self.data))
        self.longest = _ROUND + _ROUND_PER_CLIENT * clients
        self.worth = _PER_STEP + _PER_STEP_AND_CLIENT * clients
        # a route of the pool is a set of clients in an order, without reloads
        self.pool = RoutePool(self.data) if clients in _POOLED and not model.reloads else None
        first = None if start is None else model.solution(self.integers.node_routes(start))
        if first is None or not first.is_complete():
            first = self._improved(first)
        self.current, again = first, False
        self._offer(first)
        with warnings.catch_warnings():
            # penalties that stay at their largest mean that no plan serves all
            warnings.simplefilter("ignore", PenaltyBoundWarning)
            while not self.ended:
                better = self._run_round(first, complete=complete)
                # without a pool nothing of what a new start finds is kept unless it beats the best plan as a whole
                again = better or not again or self.pool is None
                if not self.ended:
                    first = (self.best if again else None) or self._improved()
        self.plan = self.integers.plan(model.node_routes(self.current if self.best is None else self.best))

    def _may_be_complete(self) -> bool:
        """Say whether the fleet could carry everything that must be served."""
        integers = self.integers
        must = int(integers.demands[0, integers.mandatory].sum())
        trips = ((kind, 1 + integers.most_reloads(kind)) for kind, _ in integers.fleet)
        return must <= sum(count * int(integers.capacities[0, kind]) for kind, count in trips)

    # ---- plans to start from

    def _improved(self, solution: Solution | None = None) -> Solution:
        """Return a plan after a local search, or a random one."""
        evaluator = self._penalties(complete=True).max_cost_evaluator()
        return self.local(solution or Solution.make_random(self.data, self.rng), evaluator, exhaustive=True)

    def _penalties(self, *, complete: bool) -> PenaltyManager:
        """Return penalties that begin not far above the prices of arcs.

        PyVRP begins at half its largest penalty, whatever a unit of load, time or money is, and needs tens of
        thousands of iterations to come down; from here plans are as good in a third of the time.
        """
        model = self.model
        worths = model.load_worth, model.time_worth
        # late routes help to find others where these are put together anew; else they only cost time
        late = _FIRST_TIME if self.data.num_clients in _POOLED else _FIRST
        load, time = (_FIRST, late) if complete else (_FIRST_WITH_PRIZES,) * 2
        params = PenaltyParams(
            min_penalty=min(_LEAST * min(worths), model.largest),
            max_penalty=min(_MOST * max(worths), model.largest),
        )
        loads = [load * worths[0]] * self.data.num_load_dimensions
        return PenaltyManager((loads, time * worths[1], 1.0), params)

    # ---- rounds

    def _run_round(self, first: Solution, *, complete: bool) -> bool:
        """Run one round, and put routes of all rounds together; return whether there is a better plan."""
        before, self._idle = self.best, 0
        params = IteratedLocalSearchParams(callbacks=self)
        search = IteratedLocalSearch(self.data, self._penalties(complete=complete), self.local, first, params)
        search.run(self._is_over, collect_stats=False)
        if self.pool is not None and self.best is not None and not self.ended:
            combined = self.pool.best_combination(self.best, self.clock)
            if combined is not None:
                self._offer(combined)
        return self.best is not before

    def on_best(self, best: Solution) -> None:
        """Store the best plan of a round."""
        self._idle = 0
        self._offer(best)

    def on_iteration(
        self, current: Solution, candidate: Solution, best: Solution, cost_evaluator: CostEvaluator
    ) -> None:
        """Count an iteration."""
        self._iterations += 1
        self._idle += 1
        self.clock.spend(self.worth)
        self.current = current
        if self.pool is not None and self._iterations % _EVERY == 0:
            self.pool.add(candidate)

    def _offer(self, solution: Solution) -> None:
        """Keep a plan that is better, and tell what it costs and how many clients it leaves out."""
        if not solution.is_feasible() or not (self.best is None or _cost(solution) < _cost(self.best)):
            return
        self.best, self._best_at = solution, self._iterations
        left, prizes = self.model.left_out(solution)
        self.price, self.unserved = self.model.price(_cost(solution) - prizes), left
        self._history.append((self.seconds, self.model.price(_cost(solution))))
        self.report(Progress(self.seconds, self.price, message=left_out_text(left)))

    # ---- the end

    @property
    def seconds(self) -> float:
        """Seconds since the search was made."""
        return self.clock.now() - self.began

    def _is_over(self, best_cost: int) -> bool:
        """Say whether the round is to stop, and note whether the search is; PyVRP asks before every iteration."""
        if self._iterations - self._best_at >= self.patience:
            self.message = f"ended by itself after {self.patience:,} iterations without a better plan"
            self.ended = True
        self.ended = self.ended or self._has_to_end()
        return self.ended or self._idle >= self.longest

    def _has_to_end(self) -> bool:
        """Say whether the search was asked to stop, its time is over, or it gains little."""
        seconds = self.seconds
        if self.stop_requested() or seconds >= self.most:
            return True
        if seconds < self.least:
            return False
        # whether the last half of the search has made the plan much cheaper
        before = [price for then, price in self._history if then <= seconds / 2]
        last = self._history[-1][1] if self._history else np.inf
        return not self._history or bool(before and before[-1] - last <= _GAIN * abs(last))


def _cost(solution: Solution) -> int:
    price = solution.distance_cost() + solution.duration_cost() + solution.fixed_vehicle_cost()
    cost: int = price + solution.uncollected_prizes()
    return cost
