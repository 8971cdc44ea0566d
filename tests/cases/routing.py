"""Small routing problems, and their optima by trying everything."""

from __future__ import annotations

import numpy as np

from kanopt import RoutingProblem
from kanopt.routing import Client, Depot, Route, VehicleType


def random_problem(
    seed: int, clients: int = 5, *, optional: bool = True, rates: bool = True
) -> RoutingProblem:
    """Return a problem with two vehicle types, windows, capacities, fixed costs and some prizes."""
    rng = np.random.default_rng(seed)
    n = clients + 1
    minutes = rng.uniform(5, 40, (n, n)).round(2)
    np.fill_diagonal(minutes, 0.0)
    price = rng.uniform(1, 20, (n, n)).round(3)
    opens = rng.uniform(480, 640, clients).round(1)
    people = [
        Client(
            f"c{place}",
            demand=round(float(rng.uniform(0.1, 0.6)), 3),
            service_duration=float(rng.integers(0, 12)),
            earliest=float(opens[place]),
            latest=round(float(opens[place] + rng.uniform(40, 200)), 1),
            prize=round(float(rng.uniform(10, 60)), 2) if optional and rng.random() < 0.4 else None,
        )
        for place in range(clients)
    ]
    fleet = [
        VehicleType(
            "van",
            num_available=1,
            capacity=1.0,
            fixed_cost=12.5,
            unit_duration_cost=0.123 if rates else 0.0,
            shift_start=480,
            shift_end=800,
        ),
        VehicleType(
            "truck",
            num_available=1,
            capacity=2.0,
            fixed_cost=20.0,
            unit_distance_cost=0.37,
            unit_duration_cost=0.31 if rates else 0.0,
            shift_start=460,
            shift_end=760,
        ),
    ]
    distance = rng.uniform(1, 30, (n, n)).round(2)
    return RoutingProblem([Depot("depot")], people, fleet, {"fuel": price}, minutes, distance)


def random_routes(problem: RoutingProblem, seed: int) -> list[Route]:
    """Return one route per vehicle type over some of the clients, whether they fit or not."""
    rng = np.random.default_rng(seed)
    names = [client.name for client in problem.clients]
    rng.shuffle(names)
    cut = int(rng.integers(1, len(names)))
    last = int(rng.integers(cut + 1, len(names) + 1))
    parts = names[:cut], names[cut:last]
    return [Route(v.name, 1, "depot", tuple(part)) for v, part in zip(problem.vehicles, parts, strict=True)]
