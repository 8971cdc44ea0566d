"""Departures that the search finds: no other one is better, and the problem finds one that is as good."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt import refs
from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, Route, RoutingProblem, VehicleType
from kanopt.problems.routing.simulate import route_costs
from kanopt.solvers.routing.racer.plan_data import PlanData
from kanopt.solvers.routing.racer.search import RacerSearch, RouteScore
from tests.cases.law_search import CASES, exact_problem


def best_departures(problem: RoutingProblem, routes: list[tuple[int, list[int]]]) -> list[RouteScore]:
    """Score routes, each of a vehicle type, at the best departures that the racer finds."""
    known = PlanData(problem)
    search, kinds = RacerSearch(known), [kind for kind, _ in known.vehicles]
    return [search.depart(kinds.index(kind), way) for kind, way in routes]


def as_route(problem: RoutingProblem, kind: int, way: list[int], leave: float | None) -> Route:
    data = problem.data
    name = data.vehicles[kind].name
    return Route(name, 1, data.depot_of[name], tuple(data.names[node] for node in way), leave)


@pytest.mark.parametrize("case", CASES)
def test_no_departure_of_many_is_better_and_the_problem_finds_one_as_good(case):
    problem, rng = exact_problem(case, 11, clients=5), np.random.default_rng(1)
    nodes = np.arange(len(problem.depots), len(problem.data.names))
    routes = [
        (int(rng.integers(2)), rng.permutation(nodes)[: rng.integers(1, len(nodes) + 1)].tolist())
        for _ in range(30)
    ]
    for (kind, way), score in zip(routes, best_departures(problem, routes), strict=True):
        if not np.isfinite(score.price):
            continue
        vehicle = problem.vehicles[kind]
        leaves = [score.departure, None, *np.linspace(vehicle.shift_start, vehicle.shift_end, 150).tolist()]
        tried = [as_route(problem, kind, way, leave) for leave in leaves]
        driven = problem.drive(tried)
        cost = route_costs(problem.leg_laws, problem.planning_values, tried, driven)
        late = np.bincount(driven.route, driven.begin > problem.data.latest[driven.head] + 1e-6, len(tried))
        cost[(late > 0) | (driven.finish > vehicle.shift_end + 1e-6)] = np.inf
        assert score.price == pytest.approx(cost[0], rel=1e-9)
        assert score.price <= cost.min() * (1 + 1e-4)
        assert score.price == pytest.approx(cost[1], rel=1e-3)


def test_departures_are_looked_for_where_at_some_hour_no_leg_takes_time():
    """Such a law has no fastest leg above zero, by which the search knew how near is near enough."""
    law = parse_formula(
        "2 * km * (1 + 1.5 * sin(0.2617993877991494 * hour))",
        [Variable("km", "km"), Variable("hour", "h")],
        Variable("min", "min"),
    )
    clients = [Client("a", 1, 2, service_duration=5), Client("b", 9, 4, service_duration=5)]
    van = VehicleType("van", unit_duration_cost=0.5, shift_start=420, shift_end=1020)
    minutes = law.bind(km=refs.arc.distance, hour=refs.clock.hour)
    problem = RoutingProblem([Depot("depot", 5, 5)], clients, [van], {}, minutes)
    leaves = np.linspace(420.0, 1020.0, 3001)
    driven = problem.drive([as_route(problem, 0, [1, 2], leave) for leave in leaves])
    shortest = (driven.finish - leaves)[driven.finish <= 1020.0].min()
    (score,) = best_departures(problem, [(0, [1, 2])])
    assert score.price == pytest.approx(0.5 * shortest, rel=1e-6)


def test_a_leg_without_a_road_is_never_driven_and_a_load_that_a_check_lets_pass_is():
    minutes = np.array([[0.0, 10, 20], [10, 0, np.inf], [20, 12, 0]])
    clients, van = [Client("a", demand=0.1), Client("b", demand=0.2)], VehicleType("van", capacity=0.3)
    problem = RoutingProblem([Depot("depot")], clients, [van], {}, minutes, np.ones((3, 3)))
    there, back = best_departures(problem, [(0, [1, 2]), (0, [2, 1])])
    assert (there.price, back.price, back.broken) == (np.inf, 0.0, frozenset())
    heavy = replace(problem, clients=[clients[0], replace(clients[1], demand=0.21)])
    assert best_departures(heavy, [(0, [2, 1])])[0].broken == {"capacity"}
