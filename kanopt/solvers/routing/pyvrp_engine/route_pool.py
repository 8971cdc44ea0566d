"""Routes of all plans that PyVRP meets, from which better ones are put together between its rounds."""

from __future__ import annotations

from dataclasses import dataclass

from pyvrp import Route, Solution

from kanopt.solvers.clock import SearchClock
from kanopt.solvers.routing.pyvrp_engine.model import PyVrpModel
from kanopt.solvers.routing.set_partitioning import RoutePool, SetPartitioning, better_partition

_MOST = 20_000
_NAMES = 100_000
"""Names of routes remembered, so that a route met before is not looked at again."""


@dataclass(frozen=True)
class _PoolRoute:
    """A route of PyVRP by its vehicle type, clients and price without prizes."""

    kind: int
    clients: tuple[int, ...]
    price: int


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
        self._pool: RoutePool[_PoolRoute] = RoutePool(_MOST, repeats_are_new=True)
        self._problem = SetPartitioning(
            tuple(kind.num_available for kind in model.data.vehicle_types()),
            {
                place: float("inf") if client.required else client.prize
                for place, client in enumerate(model.data.clients())
            },
        )

    def __len__(self) -> int:
        return len(self._pool)

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


def _pool_route(route: Route) -> _PoolRoute:
    price = route.distance_cost() + route.duration_cost() + route.fixed_vehicle_cost()
    clients = tuple(stop.idx for stop in route if stop.is_client())
    return _PoolRoute(route.vehicle_type(), clients, price)
