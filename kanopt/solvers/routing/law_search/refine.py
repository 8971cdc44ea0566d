"""``refine``: make a plan better on the law, never worse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kanopt.errors import SolverError
from kanopt.problems.assessment import Rank
from kanopt.problems.result import Progress
from kanopt.problems.routing import Route, RoutingPlan, RoutingProblem
from kanopt.solvers.clock import SearchClock
from kanopt.solvers.routing.incumbents import left_out_text
from kanopt.solvers.routing.law_search.large_neighbourhood import LargeNeighbourhoodSearch, StoppingCriteria
from kanopt.solvers.routing.law_search.rules import unsupported_rules
from kanopt.solvers.routing.law_search.scorer import RouteScorer
from kanopt.solvers.routing.law_search.solution import TourSolution
from kanopt.solvers.routing.law_search.tour_cache import Tour, TourCache

__all__ = ["refine"]


def refine(
    problem: RoutingProblem,
    plan: RoutingPlan | None = None,
    *,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    interrupt: Callable[[], bool] | None = None,
) -> RoutingPlan:
    """Search for a better plan, scoring every plan tried on the law: true loads, true clock, best departures.

    Parameters
    ----------
    problem
        A routing problem.
    plan
        Where to start; None for no client served.
    seconds, steps
        Limits, at least one of them. With `steps` alone the same seed gives the same plan.
    seed
        Of all random choices.
    progress
        Called with each better plan.
    interrupt
        Looked at after every step: whether to stop and return the best plan so far.

    Returns
    -------
    RoutingPlan
        The best plan found, or the one given where none is better on the law: one that keeps the rules before one
        that does not, then one that leaves fewer clients out who must be served, then the cheaper one.

    Raises
    ------
    SolverError
        If there is no limit, or the problem has a rule that the search does not know.
    """
    beyond = unsupported_rules(problem)
    if beyond:
        raise SolverError(f"refine: the search on the law does not know {', '.join(beyond)}")
    if seconds is None and steps is None:
        raise SolverError("refine needs a limit: seconds or steps")
    return LawSearchRun(problem, plan, seed, progress).run(
        StoppingCriteria(seconds, steps, interrupt if interrupt is not None else lambda: False)
    )


class LawSearchRun:
    """One search on a problem, from plan to plan; see :func:`refine`.

    Parameters
    ----------
    problem, plan, seed, progress
        As in :func:`refine`.
    clock
        What seconds are measured with; wall seconds where not given.

    Attributes
    ----------
    history
        The better plans, in order of time; seconds count from when this was made.
    steps
        How many plans were tried.
    ended
        Whether the search ended by itself.
    stopped
        Whether `progress` raised KeyboardInterrupt, which asks the search to stop and keep the plan.
    """

    def __init__(
        self,
        problem: RoutingProblem,
        plan: RoutingPlan | None,
        seed: int,
        progress: Callable[[Progress], None] | None,
        clock: SearchClock | None = None,
    ) -> None:
        self.clock = SearchClock() if clock is None else clock
        self.began = self.clock.now()
        self.problem = problem
        self.given = problem.plan_from(RoutingPlan(()) if plan is None else plan)
        self.seed = seed
        self.progress = progress
        self.scorer = RouteScorer(problem)
        self.cache = TourCache(self.scorer)
        self.steps, self.ended, self.stopped = 0, False, False
        self.history: list[Progress] = []
        self._rank = self._given_rank = problem.assess(self.given).rank
        self._better: list[TourSolution] = []

    def run(self, limits: StoppingCriteria) -> RoutingPlan:
        """Search, and return the best plan."""
        start = self._start()
        self._on_incumbent(start)
        left = None
        self.clock.spend(self.scorer.work_seconds)
        if limits.seconds is not None:
            left = max(0.0, limits.seconds - (self.clock.now() - self.began))
        within = replace(limits, seconds=left, stop_requested=lambda: self.stopped or limits.stop_requested())
        search = LargeNeighbourhoodSearch(
            self.cache, start, within, self.seed, self._on_incumbent, self.clock
        )
        search.run()
        self.steps, self.ended = search.steps, search.ended
        for solution in reversed(self._better):
            plan = self.plan(solution)
            # the last word has the problem itself
            if self.problem.assess(plan).rank < self._given_rank:
                return plan
        return self.given

    def _on_incumbent(self, solution: TourSolution) -> None:
        """Note a plan that is better than all before, and tell of it."""
        rank = Rank(False, solution.mandatory_unserved, 0, solution.price)
        if rank >= self._rank:
            return
        self._rank = rank
        self._better.append(solution)
        message = left_out_text(solution.mandatory_unserved) if solution.mandatory_unserved else ""
        step = Progress(self.clock.now() - self.began, solution.price, message=message)
        self.history.append(step)
        try:
            if self.progress is not None:
                self.progress(step)
        except KeyboardInterrupt:
            self.stopped = True

    def plan(self, solution: TourSolution) -> RoutingPlan:
        """Return a plan with names that says when each route leaves."""
        data, numbers = self.problem.data, [0] * len(self.problem.vehicles)
        routes = []
        for tour in sorted(solution.tours, key=lambda tour: (tour.kind, tour.clients)):
            numbers[tour.kind] += 1
            vehicle = data.vehicles[tour.kind].name
            clients = tuple(data.names[node] for node in tour.clients)
            leaves = None if self.scorer.leaves_departures_open else tour.departure
            routes.append(Route(vehicle, numbers[tour.kind], data.depot_of[vehicle], clients, leaves))
        if self.scorer.leaves_departures_open:
            # of a tabulated clock the problem knows the best departures to the last digit
            found = self.problem.drive(routes).departure.tolist()
            routes = [replace(route, departure=clock) for route, clock in zip(routes, found, strict=True)]
        return self.problem.plan_from(RoutingPlan(tuple(routes)))

    def _start(self) -> TourSolution:
        """Return the given plan as far as it keeps all rules."""
        data, tables = self.problem.data, self.scorer.tables
        free = tables.count.copy()
        seen: set[int] = set()
        tours: list[Tour] = []
        for route in self.given.routes:
            kind = data.type_index[route.vehicle]
            clients = [data.index[name] for name in dict.fromkeys(route.clients)]
            clients = [node for node in clients if node not in seen]
            tour = self._trimmed(kind, clients)
            if free[kind] > 0 and tour.clients:
                free[kind] -= 1
                seen.update(tour.clients)
                tours.append(tour)
        left = frozenset(set(tables.clients) - seen)
        return TourSolution(tables, tuple(tours), left)

    def _trimmed(self, kind: int, clients: list[int]) -> Tour:
        """Return a tour without the clients that make it break a limit, one after the other."""
        while True:
            tour = self.cache.tour(kind, tuple(clients))
            self.cache.score([tour])
            if tour.price < np.inf or not clients:
                return tour
            shorter = [clients[:place] + clients[place + 1 :] for place in range(len(clients))]
            scores = self.scorer.score_routes([(kind, some) for some in shorter])
            excess = np.where(np.isfinite(scores.price), scores.total_excess, np.inf)
            clients = shorter[int(np.lexsort((scores.price, excess))[0])]
