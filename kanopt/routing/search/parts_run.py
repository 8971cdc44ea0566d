"""Thousands of clients: a search on part after part of a plan, each the routes around a client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from math import ceil

import numpy as np

from kanopt.engines.base import SolveOptions
from kanopt.plans.base import Rank
from kanopt.plans.result import Progress
from kanopt.routing import Route, RoutingPlan
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.problem_part import ProblemPart, Vehicle, part_of_problem
from kanopt.routing.search.racer.annealing import StoppingCriteria
from kanopt.routing.search.racer.plan_data import served_together
from kanopt.routing.search.racer.refine import RacerRun, left_out_text
from kanopt.routing.search.savings_start import savings_plan

_CLIENTS = 300
_SECONDS = 1.0
"""How long a part is searched in the first sweep; twice as long in the second, and so on."""
_SHORTEST = 0.2


class PartsRun:
    """One search on a problem of thousands of clients, with the attributes of the racer's run.

    What a search keeps of an arc, up to some hundred bytes, it keeps of a few hundred clients at a time: the routes
    around one client, those beside them, clients on no route there, and idle vehicles of each type. One sweep is parts
    around clients drawn at random until every client was in one. So what a route costs must not depend on those that
    other vehicles drive: a price of the longest route is not for this search.

    Parameters
    ----------
    problem, plan
        As in :class:`~kanopt.routing.search.racer.refine.RacerRun`; the plan may be empty.
    options
        Seed, clock and threads of the searches on parts.
    progress
        Called with each better plan.

    Attributes
    ----------
    parts, steps
        How many parts were searched, and in how many steps.
    """

    def __init__(
        self,
        problem: RoutingProblem,
        plan: RoutingPlan,
        options: SolveOptions,
        progress: Callable[[Progress], None],
    ) -> None:
        self.clock = options.clock
        self.began = self.clock.now()
        self.problem = problem
        self.given = plan
        self.options = options
        self.progress = progress
        self.rng = np.random.default_rng(options.seed)
        self.routes: dict[Vehicle, Route] = {(route.vehicle, route.index): route for route in plan.routes}
        self._rank = problem.assess(plan).rank
        self.steps, self.parts = 0, 0
        self.ended, self.stopped = False, False
        self.history: list[Progress] = []

    def run(self, limits: StoppingCriteria) -> RoutingPlan:
        """Search until a limit of seconds is met or it is asked to stop, and return the best plan.

        First routes are made by savings where there are none, and all who are on no route are inserted, however long
        that takes.
        """
        sweep = 0
        if not self.routes:
            plan = savings_plan(self.problem, lambda: self.stopped or limits.stop_requested())
            self.routes = {(route.vehicle, route.index): route for route in plan.routes}
            self._rank = self.problem.assess(plan).rank
        while not (self.stopped or limits.stop_requested()) and (not sweep or not self._is_over(limits)):
            self._sweep(sweep * _SECONDS, limits)
            sweep += 1
        best = self.problem.plan_from(RoutingPlan(tuple(self.routes.values())))
        return best if self.problem.assess(best).rank < self.problem.assess(self.given).rank else self.given

    def _seconds_left(self, limits: StoppingCriteria) -> float:
        left = np.inf if limits.seconds is None else limits.seconds
        return float(left - (self.clock.now() - self.began))

    def _is_over(self, limits: StoppingCriteria) -> bool:
        return self.stopped or limits.stop_requested() or self._seconds_left(limits) < _SHORTEST

    def _sweep(self, seconds: float, limits: StoppingCriteria) -> None:
        """Search on parts until every client was in one, beginning with clients that are on no route.

        Parameters
        ----------
        seconds
            How long a part is searched at most; 0 for parts around those on no route, who are inserted.
        limits
            When the whole search is to end.
        """
        served = {name for route in self.routes.values() for name in route.clients}
        names = [client.name for client in self.problem.clients]
        drawn = [names[place] for place in self.rng.permutation(len(names))]
        # where there is no time for a whole sweep, parts are searched for less
        share = self._seconds_left(limits) * _CLIENTS / max(len(names), 1)
        longest = min(seconds, max(_SHORTEST, share))
        seen: set[str] = set()
        for name in sorted(drawn, key=served.__contains__):
            over = (
                self._is_over(limits)
                if seconds
                else name in served or self.stopped or limits.stop_requested()
            )
            if name not in seen and not over:
                part = self._part_around(name)
                seen.update(client.name for client in part.problem.clients)
                left = max(0.0, min(longest, self._seconds_left(limits)))
                self._improve(part, replace(limits, seconds=left))

    def _part_around(self, client: str) -> ProblemPart:
        """Return the routes around a client, those to which arcs cost least first, and idle vehicles."""
        data = self.problem.data
        at = {name: vehicle for vehicle, route in self.routes.items() for name in route.clients}
        at |= data.pinned
        costs = self.problem.planning_values.arcs_from(np.array([data.index[client]]))[1][:, 0].min(axis=0)
        order = np.argsort(costs[len(data.depots) :], kind="stable") + len(data.depots)
        clients: dict[str, None] = {}
        vehicles: set[Vehicle] = set()
        for name in (client, *(data.names[node] for node in order)):
            if len(clients) >= _CLIENTS:
                break
            for one in self._groups[name]:
                clients[one] = None
                if one in at and at[one] not in vehicles:
                    vehicles.add(at[one])
                    route = self.routes.get(at[one])
                    clients |= dict.fromkeys(route.clients if route else ())
        depots = {depot.name for depot in data.depots}
        routed = {name for route in self.routes.values() for name in route.clients}
        alone = len(clients.keys() - depots - routed)
        share = alone / max(1, len(data.clients) - len(routed - depots))
        return part_of_problem(
            self.problem, clients.keys() - depots, vehicles | self._idle(len(vehicles), alone, share)
        )

    @cached_property
    def _groups(self) -> dict[str, tuple[str, ...]]:
        """The clients that are served together or not at all, by each of them."""
        data = self.problem.data
        together = (tuple(data.names[node] for node in nodes) for nodes in served_together(data))
        return {name: names for names in together for name in names}

    def _idle(self, beside: int, alone: int, share: float) -> set[Vehicle]:
        """Return vehicles without a route.

        Parameters
        ----------
        beside
            As many are there of each type beside others, and one.
        alone, share
            How many clients are on no route, and which share of all such clients that is. As large a share of the idle
            vehicles of each type is for them, so that others find some, too.
        """
        pinned = set(self.problem.data.pinned.values())
        found: set[Vehicle] = set()
        for vehicle in self.problem.vehicles:
            every = ((vehicle.name, index) for index in range(1, vehicle.num_available + 1))
            idle = [one for one in every if one not in self.routes and one not in pinned]
            found.update(idle[: beside + 1 + min(alone, ceil(share * len(idle)))])
        return found

    def _improve(self, part: ProblemPart, limits: StoppingCriteria) -> None:
        """Search on a part, and put what is better into the plan."""
        before = part.problem.plan_from(part.inside(tuple(self.routes.values())))
        seed, options = int(self.rng.integers(2**31)), self.options
        search = RacerRun(part.problem, before, seed, None, options.clock, options.workers)
        after = search.run(limits)
        self.steps += search.steps
        self.parts += 1
        was, now = part.problem.assess(before).rank, part.problem.assess(after).rank
        if not now.is_better_than(was):
            return
        for vehicle in part.numbers:
            self.routes.pop(vehicle, None)
        self.routes |= {(route.vehicle, route.index): route for route in part.outside(after)}
        # every part of a plan is as good as it was or better, and what the plan costs is the sum of them
        violations = self._rank.violations + now.violations - was.violations
        unserved = round(self._rank.unserved + now.unserved - was.unserved)
        price = self._rank.objective + now.objective - was.objective
        self._rank = Rank(violations > 0, unserved, violations, price)
        step = Progress(
            self.clock.now() - self.began, price, message=left_out_text(unserved) if unserved else ""
        )
        self.history.append(step)
        try:
            self.progress(step)
        except KeyboardInterrupt:
            self.stopped = True
