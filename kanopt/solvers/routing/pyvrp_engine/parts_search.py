"""PyVRP on thousands of clients: part after part of a plan, each the routes that lie around a client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from kanopt.solvers.routing.arrays import NodeRoutes, RoutingArrays
from kanopt.solvers.routing.incumbents import Incumbents
from kanopt.solvers.routing.parts import ProblemPart, part_of
from kanopt.solvers.routing.pyvrp_engine.search import PyVrpSearch
from kanopt.solvers.routing.savings_start import offer_first_plan
from kanopt.text import count_text

__all__ = ["PartsSearch"]

_CLIENTS = 200
_SECONDS = 0.4
"""How long a part is searched in the first sweep; twice as long in the second, and so on."""
_LEAST = 0.05


class PartsSearch:
    """One search of PyVRP on thousands of clients, with the arguments of :class:`PyVrpSearch`.

    PyVRP alone has two matrices of 64 bits for each price of distance, sorts every row of them for neighbours, and
    begins with a local search that nothing interrupts: at 10,000 clients 2.4 GB, and three quarters of a minute until
    there is a plan. Here the first plan is made by savings, in seconds. Then PyVRP searches on some two hundred
    clients at a time: the routes around one client, those beside them, and idle vehicles of each type. One sweep is
    parts around clients drawn at random until every client was in one.
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
        self.rng = np.random.default_rng(seed)
        self.stop_requested = stop_requested
        self.parts = 0
        self.message = ""

    def run(self, start: NodeRoutes | None) -> None:
        """Search from a plan that fits, or from savings; :attr:`message` says how many parts were searched."""
        offer_first_plan(self.incumbents, start, self.time_limit, self.stop_requested)
        sweep = 0
        while not self.is_over():
            sweep += 1
            self._sweep(sweep * _SECONDS)
        parts = count_text(
            self.parts, f"part of about {_CLIENTS} clients", f"parts of about {_CLIENTS} clients"
        )
        self.message = f"{'stopped' if self.stop_requested() else 'time limit'}; {parts}"

    def is_over(self) -> bool:
        """Say whether the search was asked to stop, or its time is over."""
        return self._seconds_left() < _LEAST or self.stop_requested()

    def _seconds_left(self) -> float:
        return self.time_limit - self.incumbents.seconds

    def _sweep(self, seconds: float) -> None:
        """Search on parts until every client was in one, beginning with clients that are on no route."""
        assert self.incumbents.best is not None  # the first plan
        served = {node for route in self.incumbents.best for node in route}
        clients = self.rng.permutation(np.arange(self.arrays.depots, self.arrays.size)).tolist()
        waiting = sorted(clients, key=served.__contains__)
        seen: set[int] = set()
        for client in waiting:
            if client not in seen and not self.is_over():
                part = self._part_around(client, self.incumbents.best)
                seen.update(part.nodes.tolist())
                self._improve(part, min(seconds, self._seconds_left()))

    def _part_around(self, client: int, routes: NodeRoutes) -> ProblemPart:
        """Return the routes around a client, nearest first, with clients on no route, and idle vehicles."""
        arrays, first = self.arrays, self.arrays.depots
        at = {stop: place for place, route in enumerate(routes) for stop in route if stop >= first}
        if arrays.rules.pinned.size:
            at |= {node: int(place) for node, place in enumerate(arrays.rules.pinned) if place >= 0}
        order = np.argsort(arrays.cost[arrays.fleet[0][0], client, first:], kind="stable") + first
        clients: dict[int, None] = {}
        vehicles: set[int] = set()
        for near in (client, *order.tolist()):
            if len(clients) >= _CLIENTS:
                break
            clients[near] = None
            if near in at and at[near] not in vehicles:
                vehicles.add(at[near])
                clients |= {stop: None for stop in routes[at[near]] if stop >= first}
        return part_of(arrays, list(clients), sorted(vehicles | self._idle(routes, len(vehicles))))

    def _idle(self, routes: NodeRoutes, beside: int) -> set[int]:
        """Return vehicles without a route: of each type as many as there are others, and one."""
        taken: Counter[int] = Counter()
        found = set()
        for place, ((kind, _), route) in enumerate(zip(self.arrays.fleet, routes, strict=True)):
            if not route and taken[kind] <= beside:
                taken[kind] += 1
                found.add(place)
        return found

    def _improve(self, part: ProblemPart, seconds: float) -> None:
        """Search on a part, and put what is better into the plan."""
        best, rank = self.incumbents.best, self.incumbents.rank
        assert best is not None  # the first plan
        assert rank is not None
        own = Incumbents(part.arrays, clock=self.incumbents.clock)
        seed = int(self.rng.integers(2**31))
        search = PyVrpSearch(
            part.arrays, own, time_limit=seconds, seed=seed, stop_requested=self.stop_requested
        )
        before = part.routes_of(best)
        search.run(before)
        self.parts += 1
        was = part.arrays.rank(before)
        assert own.best is not None  # the plan before
        assert own.rank is not None
        if own.rank < was:
            # the price of a plan is the sum over its routes and over clients left out
            after = rank[0] - was[0] + own.rank[0], rank[1] - was[1] + own.rank[1]
            self.incumbents.offer(part.put_into(best, own.best), after)
