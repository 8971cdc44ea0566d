"""Plans put together from routes of many: the model against all plans there are."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kanopt.solvers.clock import WorkClock
from kanopt.solvers.routing.pyvrp_engine.route_pool import PricedRoute, RoutePool

PRIZES = {0: None, 1: 4.0, 2: None, 3: 7.0, 4: None}
VEHICLES = 1, 5


def pool_of(routes: list[PricedRoute]) -> RoutePool:
    """Return a pool of routes of five clients, of whom three must be served, and two vehicle types."""
    data: Any = SimpleNamespace(
        clients=lambda: [SimpleNamespace(required=p is None, prize=p or 0.0) for p in PRIZES.values()],
        vehicle_types=lambda: [SimpleNamespace(num_available=count) for count in VEHICLES],
    )
    pool = RoutePool(data)
    pool.keep(routes)
    return pool


def random_routes(seed: int) -> list[PricedRoute]:
    """Return routes of which each client alone is one."""
    r = np.random.default_rng(seed)
    routes = [PricedRoute(1, (client,), float(r.integers(5, 12))) for client in PRIZES]
    for _ in range(20):
        stops = tuple(int(one) for one in r.choice(list(PRIZES), int(r.integers(1, 4)), replace=False))
        routes.append(PricedRoute(int(r.integers(2)), stops, float(r.integers(5, 20))))
    return routes


def price_of(routes: list[PricedRoute]) -> float:
    """Return the price of a plan, infinite where it is none."""
    served = [client for route in routes for client in route.clients]
    kinds = [route.kind for route in routes]
    many = any(kinds.count(kind) > count for kind, count in enumerate(VEHICLES))
    if many or len(served) > len(set(served)):
        return np.inf
    missed = [np.inf if price is None else price for client, price in PRIZES.items() if client not in served]
    return float(sum(route.price for route in routes) + sum(missed))


@pytest.mark.parametrize("seed", range(4))
def test_a_linear_program_first_finds_the_best_plan_of_a_pool(seed: int) -> None:
    routes = random_routes(seed)
    pool, clock = pool_of(routes), WorkClock()
    found = pool.better(routes[:5], clock) or routes[:5]
    plans = (list(plan) for size in range(6) for plan in combinations(routes, size))
    assert price_of(found) == pytest.approx(min(map(price_of, plans)))
    assert pool.better(found, clock) is None
    assert clock.now() > 0
