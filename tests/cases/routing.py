"""Small routing problems, and their optima by trying everything."""

from __future__ import annotations

from itertools import pairwise, permutations, product

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


def route_cost(problem: RoutingProblem, kind: int, way: tuple[int, ...]) -> float | None:
    """Price one route by first principles; None where it cannot be driven."""
    vehicle, clients = problem.vehicles[kind], problem.clients
    if sum(clients[c - 1].demand for c in way) > vehicle.capacity + 1e-9:
        return None
    minutes, price, distance = problem.duration, problem.cost["fuel"], problem.distance
    stops = (0, *way, 0)

    def finish(departure: float) -> float | None:
        clock = departure
        for a, b in pairwise(stops):
            clock += minutes[a, b]
            if b:
                client = clients[b - 1]
                clock = max(clock, client.earliest)
                if clock > client.latest + 1e-9:
                    return None
                clock += client.service_duration
        return clock if clock <= vehicle.shift_end + 1e-9 else None

    starts, gone = {vehicle.shift_start}, 0.0
    for a, b in pairwise(stops):
        gone += minutes[a, b]
        if b:
            for at in (clients[b - 1].earliest, clients[b - 1].latest):
                starts.add(max(vehicle.shift_start, at - gone))
            gone += clients[b - 1].service_duration
    spans = [done - start for start in starts if (done := finish(start)) is not None]
    if not spans:
        return None
    legs = list(pairwise(stops))
    total = vehicle.fixed_cost + vehicle.unit_duration_cost * min(spans)
    return total + sum(price[a, b] + vehicle.unit_distance_cost * distance[a, b] for a, b in legs)


def best_by_trying_all(problem: RoutingProblem) -> tuple[int, float]:
    """Return how many mandatory clients must be left out, and the least cost with so many."""
    clients = problem.clients
    tours: dict[tuple[int, tuple[int, ...]], float | None] = {}
    best: tuple[int, float] | None = None
    for choice in product(range(-1, len(problem.vehicles)), repeat=len(clients)):
        left = [clients[c] for c, kind in enumerate(choice) if kind < 0]
        missed = sum(client.mandatory for client in left)
        total = sum(client.prize or 0.0 for client in left)
        for kind in range(len(problem.vehicles)):
            group = tuple(c + 1 for c, chosen in enumerate(choice) if chosen == kind)
            if not group:
                continue
            if (kind, group) not in tours:
                costs = [route_cost(problem, kind, way) for way in permutations(group)]
                tours[kind, group] = min((cost for cost in costs if cost is not None), default=None)
            cost = tours[kind, group]
            if cost is None:
                break
            total += cost
        else:
            if best is None or (missed, total) < best:
                best = (missed, total)
    assert best is not None
    return best


def random_routes(problem: RoutingProblem, seed: int) -> list[Route]:
    """Return one route per vehicle type over some of the clients, whether they fit or not."""
    rng = np.random.default_rng(seed)
    names = [client.name for client in problem.clients]
    rng.shuffle(names)
    cut = int(rng.integers(1, len(names)))
    last = int(rng.integers(cut + 1, len(names) + 1))
    parts = names[:cut], names[cut:last]
    return [Route(v.name, 1, "depot", tuple(part)) for v, part in zip(problem.vehicles, parts, strict=True)]
