"""Routes of all plans that PyVRP meets, and the best plan that can be put together from them.

A search meets good routes in plans that are not good as a whole. Which of them make the best plan is the set
partitioning model of Balinski and Quandt (1964, "On an integer program for a delivery problem", Operations Research
12(2), 300–304), over the routes met instead of all. PyVRP meets routes by the thousand, and is asked between its rounds
for a plan better than its best one: a linear program shows which routes can be in one, and whole numbers are looked for
among these alone, and only where they are few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyvrp import Route, Solution

from kanopt.solvers.clock import SearchClock
from kanopt.solvers.routing.pyvrp_engine.model import PyVrpModel

Floats = NDArray[np.float64]

_MOST = 20_000
_NAMES = 100_000
"""Names of routes remembered, so that a route met before is not looked at again."""
_KEPT = 8000
"""Routes kept after a linear program: no more than one solves in a moment."""
_WHOLE = 1000
"""Routes up to which whole numbers are looked for."""
_NODES, _SECONDS = 500, 5.0
_BETTER = 1e-7
_PER_COLUMN = 2e-5  # seconds, for a clock that counts work


@dataclass(frozen=True)
class PricedRoute:
    """A route: its vehicle type, its clients in order of visit, and its price without clients left out."""

    kind: int
    clients: tuple[int, ...]
    price: float


class RoutePool:
    """The cheapest order met for each vehicle type and set of clients; what was met last comes last.

    Parameters
    ----------
    most
        How many routes are looked at, those met last.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._best: dict[tuple[int, frozenset[int]], PricedRoute] = {}

    def __len__(self) -> int:
        return len(self._best)

    def add(self, route: PricedRoute) -> None:
        """Add a route that keeps all limits."""
        key = route.kind, frozenset(route.clients)
        known = self._best.pop(key, None)
        self._best[key] = known if known is not None and known.price < route.price else route
        if len(self._best) > 2 * self._most:
            self.keep(self.routes())

    def routes(self) -> list[PricedRoute]:
        """Return the routes to look at, those met last at the end."""
        return list(self._best.values())[-self._most :]

    def keep(self, routes: Iterable[PricedRoute]) -> None:
        """Forget all other routes."""
        self._best = {(route.kind, frozenset(route.clients)): route for route in routes}


class SolutionPool:
    """Routes that fit, from which better plans are put together (:func:`better_partition`).

    Parameters
    ----------
    model
        The problem.
    """

    def __init__(self, model: PyVrpModel) -> None:
        self.model = model
        self._seen: set[tuple[int, str]] = set()
        self._pool = RoutePool(_MOST)
        self._problem = SetPartitioning(
            tuple(kind.num_available for kind in model.data.vehicle_types()),
            {
                place: float("inf") if client.required else client.prize
                for place, client in enumerate(model.data.clients())
            },
        )

    def add(self, solution: Solution) -> None:
        """Add the routes of a plan that fit, whether the plan does or not."""
        for route in solution.routes():
            name = route.vehicle_type(), str(route)
            if name not in self._seen:
                self._seen.add(name)
                if route.is_feasible() and (known := _pool_route(route)).clients:
                    self._pool.add(known)

    def best_combination(self, known: Solution, clock: SearchClock) -> Solution | None:
        """Return a better plan than a known one that is made of routes of the pool, None where none was found."""
        routes = [_pool_route(route) for route in known.routes()]
        found = better_partition(self._problem, self._pool, routes, clock)
        if len(self._seen) > _NAMES:
            self._seen.clear()
        if found is None:
            return None
        data = self.model.data
        return Solution(data, [Route(data, list(route.clients), route.kind) for route in found])


def _pool_route(route: Route) -> PricedRoute:
    price = route.distance_cost() + route.duration_cost() + route.fixed_vehicle_cost()
    clients = tuple(stop.idx for stop in route if stop.is_client())
    return PricedRoute(route.vehicle_type(), clients, price)


@dataclass(frozen=True)
class SetPartitioning:
    """What routes are put together for: every client is on one of them or left out.

    Parameters
    ----------
    vehicles
        How many there are of each type.
    missed
        What leaving a client out costs, by client; infinite where it must be served.
    """

    vehicles: tuple[int, ...]
    missed: Mapping[int, float]


def better_partition(
    problem: SetPartitioning, pool: RoutePool, known: Sequence[PricedRoute], clock: SearchClock
) -> list[PricedRoute] | None:
    """Return routes of a pool that make a better plan than the one known, None where none was found.

    A linear program comes first. Its prices of clients show which routes can be in a better plan (Dantzig's reduced
    costs); where there are many in the pool, only those least too dear for it are kept.

    Parameters
    ----------
    problem
        Clients and vehicles.
    pool
        The routes; those of the plan known are noted first.
    known
        Routes of a plan.
    clock
        Hears of the work.
    """
    for route in known:
        pool.add(route)
    routes = pool.routes()
    rows = _CoverRows(problem, routes)
    best = sum(rows.net_price(route) for route in known)
    scale = max(1.0, abs(best) / max(1, len(known)))
    prices = np.array([rows.net_price(route) for route in routes]) / scale
    target = (best - _BETTER * abs(best)) / scale
    reduced, bound = rows.reduced_costs(prices)
    gap = target - bound
    clock.spend(_PER_COLUMN * len(routes))
    if reduced is None or gap < 0:
        return None
    order = np.argsort(reduced, kind="stable")
    if len(routes) > _KEPT:
        pool.keep(routes[place] for place in order[:_KEPT])
    few = order[: int((reduced[order] <= gap).sum())]
    if len(few) > _WHOLE:
        return None
    limits: dict[str, float] = {"node_limit": _NODES}
    if not clock.counts_work:
        limits["time_limit"] = _SECONDS
    chosen = rows.cheapest(few, prices[few], target, limits)
    return None if chosen is None else [routes[place] for place in few[chosen]]


class _CoverRows:
    """The rows of the model: which clients, and which vehicle, each route takes."""

    def __init__(self, problem: SetPartitioning, routes: Sequence[PricedRoute]) -> None:
        from scipy.sparse import csr_array

        place = {client: row for row, client in enumerate(problem.missed)}
        missed, count = np.array(list(problem.missed.values()), dtype=float), len(routes)
        self.required = np.isinf(missed)
        # a plan costs what it would with nobody served, and more or less than that with each route
        self.saved = {client: price for client, price in problem.missed.items() if np.isfinite(price)}
        lengths = [len(route.clients) for route in routes]
        clients = np.fromiter((place[one] for route in routes for one in route.clients), dtype=np.intp)
        kinds = np.array([route.kind for route in routes], dtype=np.intp)
        self.clients = csr_array(
            (np.ones(len(clients)), (clients, np.repeat(np.arange(count), lengths))),
            shape=(len(missed), count),
        )
        self.fleet = csr_array(
            (np.ones(count), (kinds, np.arange(count))), shape=(len(problem.vehicles), count)
        )
        self.vehicles = np.array(problem.vehicles, dtype=float)

    def net_price(self, route: PricedRoute) -> float:
        """Return what a route costs, less what leaving its clients out does."""
        return route.price - sum(self.saved.get(client, 0) for client in route.clients)

    def reduced_costs(self, prices: Floats) -> tuple[Floats | None, float]:
        """Return by how much each route is too dear for the linear program, and the price of its plan."""
        from scipy.optimize import linprog
        from scipy.sparse import vstack

        optional, must = np.flatnonzero(~self.required), np.flatnonzero(self.required)
        above = vstack([self.clients[optional], self.fleet]).tocsr()
        exact = self.clients[must]
        found = linprog(
            prices,
            A_ub=above,
            b_ub=np.concatenate([np.ones(len(optional)), self.vehicles]),
            A_eq=exact if len(must) else None,
            b_eq=np.ones(len(must)) if len(must) else None,
            method="highs",
        )
        if found.status != 0:
            return None, 0.0
        reduced = prices - above.T @ found.ineqlin.marginals
        if len(must):
            reduced = reduced - exact.T @ found.eqlin.marginals
        return reduced, float(found.fun)

    def cheapest(
        self, few: NDArray[np.intp], prices: Floats, target: float, limits: dict[str, float]
    ) -> NDArray[np.bool_] | None:
        """Return which of a few routes make the cheapest plan, None where none costs at most the target."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        found = milp(
            prices,
            integrality=np.ones(len(prices)),
            bounds=Bounds(0, 1),
            constraints=[
                LinearConstraint(
                    self.clients[:, few], self.required.astype(float), np.ones(len(self.required))
                ),
                LinearConstraint(self.fleet[:, few], -np.inf, self.vehicles),
                LinearConstraint(prices[None, :], -np.inf, target),
            ],
            options=limits,
        )
        return None if found.x is None else found.x > 0.5
