"""First plans by savings: near nodes are the nearest, plans keep every rule, nobody is left out without need."""

from __future__ import annotations

import numpy as np
import pytest
from kanopt.solvers.routing.savings_start import nearest_nodes, savings_plan

import kanopt as ko
from kanopt import refs, routing
from kanopt.solvers.routing.integers import lower
from tests.cases.routing_variants import VARIANTS, variant

KM = ko.Variable("km", "km")


def town(seed: int, clients: int = 60, *, windows: bool = False, reloads: int = 0) -> ko.RoutingProblem:
    """Return a town of two depots, with vans and dearer lorries."""
    rng = np.random.default_rng(seed)
    people = []
    for number, (x, y) in enumerate(rng.uniform(0, 30, (clients, 2)).tolist()):
        opens = float(rng.uniform(480, 900)) if windows else 0.0
        window = {"earliest": opens, "latest": opens + 150.0} if windows else {}
        people.append(
            routing.Client(
                f"c{number}", x=x, y=y, demand=float(rng.integers(1, 9)), service_duration=4.0, **window
            )
        )
    each = clients // (12 if windows else 12 * (1 + reloads))
    fleet = [
        routing.VehicleType(
            name,
            each,
            room,
            fixed_cost=20.0,
            unit_distance_cost=rate,
            unit_duration_cost=0.3,
            start_depot=depot,
            max_reloads=reloads,
        )
        for name, room, rate, depot in (("van", 40.0, 0.5, "west"), ("lorry", 90.0, 0.8, "east"))
    ]
    depots = [routing.Depot("west", x=5.0, y=15.0), routing.Depot("east", x=25.0, y=15.0)]
    minutes = ko.parse_formula("2 * km", [KM], ko.Variable("minutes", "min")).bind(km=refs.arc.distance)
    return ko.RoutingProblem(depots, people, fleet, {}, minutes)


@pytest.mark.parametrize("count", [1, 7, 100])
def test_near_nodes_are_those_of_all_that_cost_least_to_reach(count: int) -> None:
    arrays = lower(town(1))
    near, first = nearest_nodes(arrays, count), arrays.depots
    paid = arrays.cost.astype(np.int64) + arrays.per_time[:, None, None] * arrays.transit.astype(np.int64)
    paid = paid.min(axis=0)
    assert near.shape == (60, min(count, 59))
    for node in range(first, arrays.size):
        others = [paid[node, head] for head in range(first, arrays.size) if head != node]
        assert node not in near[node - first]
        assert len(set(near[node - first].tolist())) == near.shape[1]
        assert paid[node, near[node - first]].tolist() == sorted(others)[:count]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", VARIANTS)
def test_plans_keep_every_rule_of_the_referee(name: str, seed: int) -> None:
    problem = variant(name, seed)
    integers = lower(problem)
    routes = savings_plan(integers, lambda: False)
    check = problem.check(integers.plan(routes))
    assert check.ok or check.only_unserved
    visited = [node for route in routes for node in route if node >= integers.depots]
    assert len(visited) == len(set(visited))
    assert integers.plan(routes).routes or not any(routes)


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("reloads", [0, 2])
@pytest.mark.parametrize("seed", range(3))
def test_all_are_served_where_vehicles_have_room(seed: int, reloads: int, windows: bool) -> None:
    problem = town(seed, windows=windows, reloads=reloads)
    integers = lower(problem, seed)
    plan = integers.plan(savings_plan(integers, lambda: False))
    assert problem.check(plan).ok
    assert problem.price(plan).objective < sum(
        problem.price(problem.plan_from({"van 1": [client.name]})).terms().sum() for client in problem.clients
    )


def test_a_route_too_heavy_for_the_vehicles_that_are_left_is_cut() -> None:
    people = [routing.Client(f"c{k}", x=10.0 + k, y=0.0, demand=1.0) for k in range(12)]
    fleet = [
        routing.VehicleType("lorry", 1, 6.0, unit_distance_cost=1.0),
        routing.VehicleType("van", 3, 2.0, unit_distance_cost=1.0),
    ]
    minutes = ko.parse_formula("km", [KM], ko.Variable("minutes", "min")).bind(km=refs.arc.distance)
    problem = ko.RoutingProblem([routing.Depot("d", x=0.0, y=0.0)], people, fleet, {}, minutes)
    integers = lower(problem)
    routes = savings_plan(integers, lambda: False)
    assert sorted(map(len, routes)) == [2, 2, 2, 6]
    assert problem.check(integers.plan(routes)).ok


def test_a_client_whose_prize_no_route_is_worth_stays_at_home() -> None:
    far = routing.Client("far", x=500.0, y=0.0, prize=3.0)
    near = routing.Client("near", x=1.0, y=0.0, prize=30.0)
    minutes = ko.parse_formula("km", [KM], ko.Variable("minutes", "min")).bind(km=refs.arc.distance)
    van = routing.VehicleType("van", 2, 2.0, unit_distance_cost=1.0)
    problem = ko.RoutingProblem([routing.Depot("d", x=0.0, y=0.0)], [far, near], [van], {}, minutes)
    integers = lower(problem)
    assert integers.plan(savings_plan(integers, lambda: False)).unserved == ("far",)


def test_asked_to_stop_it_returns_what_fits_so_far() -> None:
    problem = town(2)
    integers = lower(problem)
    looks = iter(range(10**6))
    plan = integers.plan(savings_plan(integers, lambda: next(looks) >= 20))
    check = problem.check(plan)
    assert check.only_unserved
    assert plan.routes
