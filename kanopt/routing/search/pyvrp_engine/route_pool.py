"""Routes of all plans that PyVRP meets, and the best plan that can be put together from them.

A search meets good routes in plans that are not good as a whole. Which of them make the best plan is the set
partitioning model of Balinski and Quandt (1964, "On an integer program for a delivery problem", Operations Research
12(2), 300–304), over the routes met instead of all. PyVRP meets routes by the thousand, and is asked between its rounds
for a plan better than its best one: a linear program shows which routes can be in one, and whole numbers are looked for
among these alone, and only where they are few.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from pyvrp import ProblemData, Route, Solution

from kanopt.engines.clock import SearchClock

_MOST = 20_000
"""Routes that are looked at, those met last."""
_NAMES = 100_000
"""Names of routes remembered, so that a route met before is not looked at again."""
_KEPT = 8000
"""Routes kept after a linear program: no more than one solves in a moment."""
_WHOLE = 1000
"""Routes up to which whole numbers are looked for."""
_NODES, _SECONDS = 500, 5.0
_BETTER = 1e-7
_PER_COLUMN = 2e-5  # seconds, for a clock that counts work


class PricedRoute(NamedTuple):
    """A route: its vehicle type, its clients in order of visit, and its price without clients left out."""

    kind: int
    clients: tuple[int, ...]
    price: float

    @classmethod
    def of(cls, route: Route) -> PricedRoute:
        """Return a route of PyVRP."""
        price = route.distance_cost() + route.duration_cost() + route.fixed_vehicle_cost()
        return cls(route.vehicle_type(), tuple(stop.idx for stop in route if stop.is_client()), price)


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
        self._best: dict[tuple[int, frozenset[int]], PricedRoute] = {}
        clients = data.clients()
        self._required = np.array([client.required for client in clients], dtype=bool)
        # a plan costs what it would with nobody served, and more or less than that with each route
        self._saved = np.where(self._required, 0.0, [client.prize for client in clients])
        self._vehicles = np.array([kind.num_available for kind in data.vehicle_types()], dtype=float)

    def add(self, solution: Solution) -> None:
        """Add the routes of a plan that fit, whether the plan does or not."""
        for route in solution.routes():
            name = route.vehicle_type(), str(route)
            if name not in self._seen:
                self._seen.add(name)
                if route.is_feasible():
                    self.keep([PricedRoute.of(route)])

    def keep(self, routes: Iterable[PricedRoute]) -> None:
        """Keep routes, each set of clients in the cheapest order; of too many those met last."""
        for route in routes:
            key = route.kind, frozenset(route.clients)
            known = self._best.pop(key, None)
            if route.clients:
                self._best[key] = known if known is not None and known.price < route.price else route
        if len(self._best) > 2 * _MOST:
            self._best = dict(list(self._best.items())[-_MOST:])

    def best_combination(self, known: Solution, clock: SearchClock) -> Solution | None:
        """Return a better plan than a known one that is made of routes of the pool, None where none was found."""
        chosen = self.better([PricedRoute.of(route) for route in known.routes()], clock)
        if len(self._seen) > _NAMES:
            self._seen.clear()
        if chosen is None:
            return None
        found = [Route(self.data, list(route.clients), route.kind) for route in chosen]
        return Solution(self.data, found)

    def _net_price(self, route: PricedRoute) -> float:
        """Return what a route costs, less what leaving its clients out does."""
        return float(route.price - self._saved[list(route.clients)].sum())

    def _rows(self, routes: list[PricedRoute]) -> tuple[Any, Any]:
        """Return which clients, and which vehicle type, each route takes; (clients, routes) and (types, routes)."""
        from scipy.sparse import csr_array

        count = len(routes)
        lengths = [len(route.clients) for route in routes]
        clients = np.fromiter((one for route in routes for one in route.clients), dtype=np.intp)
        kinds = np.array([route.kind for route in routes], dtype=np.intp)
        at = clients, np.repeat(np.arange(count), lengths)
        served = csr_array((np.ones(len(clients)), at), shape=(len(self._required), count))
        fleet = csr_array((np.ones(count), (kinds, np.arange(count))), shape=(len(self._vehicles), count))
        return served, fleet

    def better(self, known: list[PricedRoute], clock: SearchClock) -> list[PricedRoute] | None:
        """Return routes that make a plan cheaper than those known do, None where none was found.

        A linear program comes first. Its prices of clients show which routes can be in a better plan (Dantzig's reduced
        costs); where there are many in the pool, only those least too dear for it are kept.

        Parameters
        ----------
        known
            Routes of a plan, which are kept first.
        clock
            Hears of the work.
        """
        from scipy.optimize import Bounds, LinearConstraint, linprog, milp
        from scipy.sparse import vstack

        self.keep(known)
        routes, best = list(self._best.values())[-_MOST:], sum(map(self._net_price, known))
        clock.spend(_PER_COLUMN * len(routes))
        served, fleet = self._rows(routes)
        scale = max(1.0, abs(best) / max(1, len(known)))
        prices = np.array([self._net_price(route) for route in routes]) / scale
        target = (best - _BETTER * abs(best)) / scale
        must = np.flatnonzero(self._required)
        above = vstack([served[np.flatnonzero(~self._required)], fleet]).tocsr()
        most = np.concatenate([np.ones(above.shape[0] - len(self._vehicles)), self._vehicles])
        exact = {"A_eq": served[must], "b_eq": np.ones(len(must))} if len(must) else {}
        found = linprog(prices, A_ub=above, b_ub=most, **exact, method="highs")
        if found.status != 0 or found.fun > target:
            return None
        reduced = prices - above.T @ found.ineqlin.marginals
        reduced = reduced - served[must].T @ found.eqlin.marginals if len(must) else reduced
        order = np.argsort(reduced, kind="stable")
        if len(routes) > _KEPT:
            self._best = {}
            self.keep(routes[place] for place in order[:_KEPT])
        few = order[: int((reduced[order] <= target - found.fun).sum())]
        if len(few) > _WHOLE:
            return None
        limits: dict[str, float] = {"node_limit": _NODES}
        if not clock.counts_work:
            limits["time_limit"] = _SECONDS
        whole = milp(
            prices[few],
            integrality=np.ones(len(few)),
            bounds=Bounds(0, 1),
            constraints=[
                LinearConstraint(served[:, few], self._required.astype(float), np.ones(len(self._required))),
                LinearConstraint(fleet[:, few], -np.inf, self._vehicles),
                LinearConstraint(prices[None, few], -np.inf, target),
            ],
            options=limits,
        )
        return None if whole.x is None else [routes[place] for place in few[whole.x > 0.5]]
