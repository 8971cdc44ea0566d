"""Routes of many plans, from which the best plan is put together: a partition of the clients into routes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyvrp import Route, Solution
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack

from kanopt.solvers.clock import SearchClock
from kanopt.solvers.routing.pyvrp_engine.model import PyVrpModel

__all__ = ["RoutePool"]

_KEPT, _MOST, _NAMES = (
    8000,
    20_000,
    100_000,
)  # columns after, and at, a linear program; names of routes remembered
_WHOLE = 1000  # columns up to which whole numbers are looked for
_NODES, _SECONDS = 500, 5.0
_BETTER = 1e-7
_PER_COLUMN = 2e-5  # seconds, for a clock that counts work

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _RouteColumn:
    """A route: its vehicle type, its price less the prizes of its stops, and its clients in order."""

    kind: int
    price: int
    stops: tuple[int, ...]


class RoutePool:
    """Routes that fit, the cheapest order of each set of clients and vehicle type.

    A local search finds good routes in plans that are not good as a whole. Which of them make the best plan is a
    partition of the clients: a linear program first, whose prices of clients show which routes can be in a better
    plan than the best one known (Dantzig's reduced costs); whole numbers are looked for among these alone, and only
    where they are few.

    Parameters
    ----------
    model
        The problem.
    """

    def __init__(self, model: PyVrpModel) -> None:
        self.model = model
        self._seen: set[tuple[int, str]] = set()
        self._columns: dict[tuple[int, frozenset[int]], _RouteColumn] = {}
        clients = model.data.clients()
        self._required = np.array([client.required for client in clients], dtype=bool)

    def __len__(self) -> int:
        return len(self._columns)

    def add(self, solution: Solution) -> None:
        """Take in the routes of a plan that fit, whether the plan does or not."""
        for route in solution.routes():
            name = route.vehicle_type(), str(route)
            if name not in self._seen:
                self._seen.add(name)
                if route.is_feasible():
                    self._add_route(route)

    def _add_route(self, route: Route) -> None:
        """Note a route, in the cheapest order of its stops, as the one seen last."""
        stops = tuple(stop.idx for stop in route if stop.is_client())
        column = _RouteColumn(route.vehicle_type(), _price(route), stops)
        key = column.kind, frozenset(stops)
        known = self._columns.pop(key, column)
        if stops:
            self._columns[key] = min(column, known, key=lambda each: each.price)

    def best_combination(self, known: Solution, clock: SearchClock) -> Solution | None:
        """Return a better plan than a known one that is made of routes of the pool, None where none was found."""
        for route in known.routes():
            self._add_route(route)
        columns = list(self._columns.values())[-_MOST:]
        best = sum(_price(route) for route in known.routes())
        scale = max(1.0, abs(best) / max(1, known.num_routes()))
        prices = np.array([column.price for column in columns]) / scale
        target = (best - _BETTER * abs(best)) / scale
        partition, fleet = self._rows(columns)
        reduced, bound = self._reduced_costs(prices, partition, fleet)
        room = target - bound
        clock.spend(_PER_COLUMN * len(columns))
        if reduced is None or room < 0:
            return None
        order = np.argsort(reduced, kind="stable")
        kept = order[: int((reduced[order] <= room).sum())]
        self._prune(columns, order)
        if len(kept) > _WHOLE:
            return None
        limits: dict[str, float] = {"node_limit": _NODES}
        if not clock.counts_work:
            limits["time_limit"] = _SECONDS
        chosen = self._solve_integer(prices[kept], partition[:, kept], fleet[:, kept], target, limits)
        return None if chosen is None else self._plan(columns[place] for place in kept[chosen])

    def _rows(self, columns: list[_RouteColumn]) -> tuple[csr_array, csr_array]:
        """Return which clients, and which vehicle type, each route takes."""
        count = len(columns)
        lengths = [len(column.stops) for column in columns]
        clients = np.fromiter((stop for column in columns for stop in column.stops), dtype=np.intp)
        kinds = np.array([column.kind for column in columns], dtype=np.intp)
        partition = csr_array(
            (np.ones(len(clients)), (clients, np.repeat(np.arange(count), lengths))),
            shape=(len(self._required), count),
        )
        types = self.model.data.num_vehicle_types
        return partition, csr_array((np.ones(count), (kinds, np.arange(count))), shape=(types, count))

    def _limits(self) -> tuple[Floats, Floats, Floats]:
        """Return how often each client is served at least and at most, and how many vehicles of each type there are."""
        vehicles = [kind.num_available for kind in self.model.data.vehicle_types()]
        return self._required.astype(float), np.ones(len(self._required)), np.array(vehicles, dtype=float)

    def _reduced_costs(
        self, prices: Floats, partition: csr_array, fleet: csr_array
    ) -> tuple[Floats | None, float]:
        """Return by how much each route is too dear for the linear program, and the price of its plan."""
        must, once, vehicles = self._limits()
        optional = np.flatnonzero(~self._required)
        above = vstack([partition[optional], fleet]).tocsr()
        exact = partition[np.flatnonzero(self._required)]
        found = linprog(
            prices,
            A_ub=above,
            b_ub=np.concatenate([once[optional], vehicles]),
            A_eq=exact if exact.shape[0] else None,
            b_eq=must[self._required] if exact.shape[0] else None,
            method="highs",
        )
        if found.status != 0:
            return None, 0.0
        reduced = prices - above.T @ found.ineqlin.marginals
        if exact.shape[0]:
            reduced = reduced - exact.T @ found.eqlin.marginals
        return reduced, float(found.fun)

    def _solve_integer(
        self, prices: Floats, partition: csr_array, fleet: csr_array, target: float, limits: dict[str, float]
    ) -> NDArray[np.bool_] | None:
        must, once, vehicles = self._limits()
        found = milp(
            prices,
            integrality=np.ones(len(prices)),
            bounds=Bounds(0, 1),
            constraints=[
                LinearConstraint(partition, must, once),
                LinearConstraint(fleet, -np.inf, vehicles),
                LinearConstraint(prices[None, :], -np.inf, target),
            ],
            options=limits,
        )
        return None if found.x is None else found.x > 0.5

    def _prune(self, columns: list[_RouteColumn], order: NDArray[np.intp]) -> None:
        """Keep no more routes than a linear program solves in a moment: those least too dear."""
        if len(columns) > _KEPT:
            kept = [columns[place] for place in order[:_KEPT]]
            self._columns = {(column.kind, frozenset(column.stops)): column for column in kept}
        if len(self._seen) > _NAMES:
            self._seen.clear()

    def _plan(self, columns: Iterable[_RouteColumn]) -> Solution:
        data = self.model.data
        return Solution(data, [Route(data, list(column.stops), column.kind) for column in columns])


def _price(route: Route) -> int:
    price: int = route.distance_cost() + route.duration_cost() + route.fixed_vehicle_cost() - route.prizes()
    return price
