"""Large neighbourhood search over tours scored on the law."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from kanopt.solvers.clock import SearchClock
from kanopt.solvers.cpsat import WORK_PER_SECOND
from kanopt.solvers.routing.law_search.insertion_operators import InsertionOperators
from kanopt.solvers.routing.law_search.local_search import improve_tour, move_to_cheaper_vehicles
from kanopt.solvers.routing.law_search.operator_weights import OperatorWeights
from kanopt.solvers.routing.law_search.removal_operators import RemovalOperators
from kanopt.solvers.routing.law_search.solution import TourSolution
from kanopt.solvers.routing.law_search.tour_cache import Tour, TourCache
from kanopt.solvers.routing.set_partitioning import (
    PartitioningLimits,
    RoutePool,
    SetPartitioning,
    best_partition,
)

__all__ = ["LargeNeighbourhoodSearch", "StoppingCriteria"]

_HOT, _COLD = 1e-2, 1e-3  # of the price: what is accepted with probability 1/e at first and at last
_WORTH = 3.0
_BETTER = 1e-9
_PUT_TOGETHER = (0.5, 1.0)
_SHARE = 0.04  # of the time: what putting a plan together from tours met may take each time
_WORK = 2.0
_POOLED = 12_000
_PER_STEP = 2e-4  # seconds, for a clock that counts work


@dataclass(frozen=True)
class StoppingCriteria:
    """When a search ends.

    Parameters
    ----------
    seconds
        Wall seconds, None for no limit.
    steps
        Plans tried, None for no limit. Where no time limit is met the same seed gives the same plan.
    stop_requested
        Looked at after every step: whether to stop.
    cycle
        Steps from hot to cold, None for one cycle until a limit is met. Then the next begins at the best plan; the
        search ends by itself once a cycle has found nothing better.
    """

    seconds: float | None
    steps: int | None
    stop_requested: Callable[[], bool]
    cycle: int | None = None


class LargeNeighbourhoodSearch:
    """Adaptive large neighbourhood search.

    Each step takes clients out of the plan and puts them back in another way; every tour that changes is then improved
    by itself. A plan that is worse is accepted with a probability that falls with the excess and with time (simulated
    annealing). Half-way and at the end, the best plan is looked for among all tours met.

    Parameters
    ----------
    cache
        Scores tours.
    start
        The plan to begin with, its tours scored.
    limits
        When it ends.
    seed
        Of all random choices.
    on_incumbent
        Called with each plan that is better than all before.
    clock
        What seconds are measured with; every step is reported to it.

    Attributes
    ----------
    best
        The best plan.
    steps
        How many plans were tried.
    ended
        Whether the search ended by itself.

    Notes
    -----
    Ropke and Pisinger (2006), "An adaptive large neighborhood search heuristic for the pickup and delivery problem
    with time windows", Transportation Science 40(4), 455–472.
    """

    def __init__(
        self,
        cache: TourCache,
        start: TourSolution,
        limits: StoppingCriteria,
        seed: int,
        on_incumbent: Callable[[TourSolution], None],
        clock: SearchClock,
    ) -> None:
        self.cache = cache
        self.tables = cache.tables
        self.limits = limits
        self.seed = seed
        self.on_incumbent = on_incumbent
        self.rng = np.random.default_rng(seed)
        self._reported_work = cache.scorer.work_seconds
        self.mandatory_penalty = self._mandatory_penalty()
        self.pool: RoutePool[Tour] = RoutePool(_POOLED)
        self._pool_tours(start.tours)
        self.current = self.best = start
        self.steps = 0
        removals, insertions = (
            RemovalOperators(self.tables, self.rng),
            InsertionOperators(cache, self.mandatory_penalty, self.rng),
        )
        self._removals, self._insertions = removals.by_name, insertions.by_name
        self._remove_weights = OperatorWeights(list(self._removals), self.rng)
        self._insert_weights = OperatorWeights(list(self._insertions), self.rng)
        self.ended = False
        self.clock = clock
        self._began = self._cycle_began = clock.now()
        self._cycle_steps = 0

    def _mandatory_penalty(self) -> float:
        """Return a price for leaving a client out: more than any trip to one client costs."""
        trips = [(kind, (client,)) for kind in range(self.tables.kinds) for client in self.tables.clients]
        scores = self.cache.scorer.score_routes(trips, rough=True).cost()
        dearest = float(scores[np.isfinite(scores)].max(initial=1e-9))
        return _WORTH * max(dearest, float(self.tables.prize.max(initial=0.0)))

    @property
    def progress(self) -> float:
        """How much of the cycle is over, from 0 to 1."""
        limits, steps = self.limits, self.steps - self._cycle_steps
        shares = [0.0]
        if limits.seconds is not None:
            left = limits.seconds - (self._cycle_began - self._began)
            shares.append((self.clock.now() - self._cycle_began) / left if left > 0 else 1.0)
        if limits.steps is not None:
            left = limits.steps - self._cycle_steps
            shares.append(steps / left if left > 0 else 1.0)
        if limits.cycle is not None:
            shares.append(steps / limits.cycle if limits.cycle > 0 else 1.0)
        return min(1.0, max(shares))

    @property
    def _is_over(self) -> bool:
        """Whether a limit is met."""
        limits = self.limits
        late = limits.seconds is not None and self.clock.now() - self._began >= limits.seconds
        return limits.stop_requested() or late or (limits.steps is not None and self.steps >= limits.steps)

    def run(self) -> TourSolution:
        """Search until a limit is met or nothing better is found, and return the best plan."""
        while not self._is_over and not self.ended:
            self._cycle()
        return self.best

    def _cycle(self) -> None:
        """Search from hot to cold."""
        known, self.current = self.best, self.best
        self._cycle_began, self._cycle_steps = self.clock.now(), self.steps
        due = list(_PUT_TOGETHER)
        while not self.limits.stop_requested():
            share = self.progress
            if due and share >= due[0] - (_SHARE if self.limits.seconds else 0.0):
                due.pop(0)
                self._partition()
            if share >= 1.0:
                break
            self._step(share)
            self.steps += 1
            self._spend()
            self.cache.evict((*self.current.tours, *self.best.tours))
        self.ended = self.best is known and not self._is_over

    def _spend(self) -> None:
        """Report the work since the last report to the clock."""
        worked = self.cache.scorer.work_seconds + _PER_STEP * self.steps
        self.clock.spend(worked - self._reported_work)
        self._reported_work = worked

    def _step(self, share: float) -> None:
        """Try one plan near the current one."""
        current = self.current
        remove, insert = self._remove_weights.draw(), self._insert_weights.draw()
        taken = self._removals[remove](current) if current.tours else set()
        tours, left = self._insertions[insert](current, taken)
        candidate = self._score_and_improve(tours, left)
        value, known, best = (
            plan.penalised_price(self.mandatory_penalty) for plan in (candidate, current, self.best)
        )
        scale = abs(best) or 1.0
        temperature = scale * _HOT * (_COLD / _HOT) ** share
        result = "refused"
        if candidate.rank < self.best.rank and (
            candidate.mandatory_unserved < self.best.mandatory_unserved or value < best - _BETTER * scale
        ):
            self._accept_best(candidate)
            result = "best"
        elif value < known - _BETTER * scale:
            result = "better"
        elif value < known - temperature * np.log(max(self.rng.random(), 1e-300)):
            result = "accepted"
        if result != "refused":
            self.current = candidate
        self._remove_weights.update(remove, result)
        self._insert_weights.update(insert, result)

    def _score_and_improve(self, tours: list[Tour], left: set[int]) -> TourSolution:
        """Return a plan after scoring and improving its new tours."""
        self.cache.score(tours)
        kept = []
        for tour in tours:
            if tour.price < np.inf:
                kept.append(improve_tour(self.cache, tour, self.rng))
            else:
                left = left | set(tour.clients)
        candidate = TourSolution(self.tables, tuple(kept), frozenset(left))
        if self.tables.kinds > 1:
            candidate = replace(
                candidate,
                tours=tuple(move_to_cheaper_vehicles(self.cache, kept, candidate.unused_vehicles())),
            )
        self._pool_tours(candidate.tours)
        return candidate

    def _partition(self) -> None:
        """Look for the best plan among the tours met."""
        work, seconds = _WORK, None
        if self.limits.seconds is not None:
            seconds = max(0.05, _SHARE * self.limits.seconds)
        if seconds is not None and self.clock.counts_work:
            work, seconds = min(work, WORK_PER_SECOND * seconds), None
        effort = PartitioningLimits(seconds, work, self.seed, self.clock)
        tables, best, penalty = self.tables, self.best, self.mandatory_penalty
        missed = {
            client: penalty if tables.mandatory[client] else float(tables.prize[client])
            for client in tables.clients
        }
        problem = SetPartitioning(tuple(int(count) for count in tables.count), missed)
        found = best_partition(problem, self.pool.routes(), best.tours, best.unserved, effort)
        if found is None:
            return
        candidate = TourSolution(tables, tuple(found[0]), frozenset(found[1]))
        if candidate.penalised_price(penalty) < best.penalised_price(penalty) and candidate.rank < best.rank:
            self._accept_best(candidate)
            self.current = candidate

    def _pool_tours(self, tours: Iterable[Tour]) -> None:
        """Add scored tours that keep all limits to the pool."""
        for tour in tours:
            if tour.price < np.inf:
                self.pool.add(tour)

    def _accept_best(self, candidate: TourSolution) -> None:
        self.best = candidate
        self.on_incumbent(candidate)
