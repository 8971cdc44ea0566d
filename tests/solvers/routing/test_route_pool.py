"""Plans put together from routes of many: the model against all plans there are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from kanopt.solvers.clock import WorkClock
from kanopt.solvers.routing.pyvrp_engine.route_pool import PricedRoute as Column
from kanopt.solvers.routing.pyvrp_engine.route_pool import RoutePool, SetPartitioning, better_partition


def random_model(seed: int) -> tuple[SetPartitioning, list[Column]]:
    """Return clients 3 to 7 and two vehicle types, and routes of which each client alone is one."""
    r = np.random.default_rng(seed)
    clients = range(3, 8)
    missed = {client: np.inf if client % 2 else float(r.integers(1, 9)) for client in clients}
    columns = [Column(1, (client,), float(r.integers(5, 12))) for client in clients]
    for _ in range(20):
        size = int(r.integers(1, 4))
        stops = tuple(int(one) for one in r.choice(list(clients), size, replace=False))
        columns.append(Column(int(r.integers(2)), stops, float(r.integers(5, 20))))
    return SetPartitioning((1, 5), missed), columns


def price_of(problem: SetPartitioning, columns: list[Column], left: float = np.inf) -> float:
    """Return the price of a plan, infinite where it is none; a client that must be served is left out at a price."""
    served = [client for column in columns for client in column.clients]
    kinds = [column.kind for column in columns]
    many = any(kinds.count(kind) > count for kind, count in enumerate(problem.vehicles))
    if many or len(served) > len(set(served)):
        return np.inf
    missed = sum(min(price, left) for client, price in problem.missed.items() if client not in served)
    return float(sum(column.price for column in columns) + missed)


def least(problem: SetPartitioning, columns: list[Column], left: float = np.inf) -> float:
    plans = (list(plan) for size in range(6) for plan in combinations(columns, size))
    return min(price_of(problem, plan, left) for plan in plans)


@pytest.mark.parametrize("seed", range(4))
def test_a_linear_program_first_finds_the_best_plan_of_a_pool(seed: int) -> None:
    problem, columns = random_model(seed)
    pool = RoutePool(100)
    for column in columns:
        pool.add(column)
    known, clock = columns[:5], WorkClock()
    found = better_partition(problem, pool, known, clock) or known
    assert price_of(problem, found) == pytest.approx(least(problem, columns))
    assert better_partition(problem, pool, found, clock) is None
    assert clock.now() > 0


def test_a_pool_keeps_the_cheapest_order_of_what_was_met_last() -> None:
    pool = RoutePool(2)
    first, second = Column(0, (1, 2), 5.0), Column(0, (3,), 4.0)
    for column in (first, second, Column(0, (2, 1), 6.0)):
        pool.add(column)
    assert pool.routes() == [second, first]
    cheaper = Column(0, (2, 1), 4.5)
    pool.add(cheaper)
    assert pool.routes() == [second, cheaper]
    for place in range(4, 9):
        pool.add(Column(0, (place,), 1.0))
    assert len(pool) <= 4
    assert [column.clients for column in pool.routes()] == [(7,), (8,)]
