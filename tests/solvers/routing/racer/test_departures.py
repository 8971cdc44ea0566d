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


def random_routes(
    problem: RoutingProblem, rng: np.random.Generator, count: int
) -> list[tuple[int, list[int]]]:
    first = len(problem.depots)
    nodes = np.arange(first, first + len(problem.clients))
    return [
        (
            int(rng.integers(len(problem.vehicles))),
            rng.permutation(nodes)[: rng.integers(1, len(nodes) + 1)].tolist(),
        )
        for _ in range(count)
    ]


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
def test_no_departure_of_many_is_better(case):
    problem = exact_problem(case, 11, clients=5)
    routes = random_routes(problem, np.random.default_rng(1), 40)
    scores = best_departures(problem, routes)
    for place in np.flatnonzero([np.isfinite(score.price) for score in scores]):
        kind, way = routes[place]
        vehicle, leaves = problem.vehicles[kind], [scores[place].departure, None]
        leaves += np.linspace(vehicle.shift_start, vehicle.shift_end, 150).tolist()
        tried = [as_route(problem, kind, way, leave) for leave in leaves]
        driven = problem.drive(tried)
        cost = route_costs(problem.leg_laws, problem.planning_values, tried, driven)
        late = np.bincount(driven.route, driven.begin > problem.data.latest[driven.head] + 1e-6, len(tried))
        cost[(late > 0) | (driven.finish > vehicle.shift_end + 1e-6)] = np.inf
        assert scores[place].price == pytest.approx(cost[0], rel=1e-9)
        assert scores[place].price <= cost.min() * (1 + 1e-4)


def test_departures_are_looked_for_where_at_some_hour_no_leg_takes_time():
    """Such a law has no fastest leg above zero, by which the search knew how near is near enough."""
    km, hour = Variable("km", "km"), Variable("hour", "h")
    minutes = parse_formula(
        "2 * km * (1 + 1.5 * sin(0.2617993877991494 * hour))", [km, hour], Variable("min", "min")
    )
    problem = RoutingProblem(
        [Depot("depot", 5, 5)],
        [Client("a", 1, 2, service_duration=5), Client("b", 9, 4, service_duration=5)],
        [VehicleType("van", unit_duration_cost=0.5, shift_start=420, shift_end=1020)],
        {},
        minutes.bind(km=refs.arc.distance, hour=refs.clock.hour),
    )
    scores = best_departures(problem, [(0, [1, 2])])
    leaves = np.linspace(420.0, 1020.0, 3001)
    driven = problem.drive([as_route(problem, 0, [1, 2], leave) for leave in leaves])
    lasts = driven.finish - leaves
    assert scores[0].price == pytest.approx(0.5 * lasts[driven.finish <= 1020.0].min(), rel=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_the_problem_finds_a_departure_that_is_as_good(case):
    problem = exact_problem(case, 5, clients=5)
    routes = random_routes(problem, np.random.default_rng(2), 30)
    scores = best_departures(problem, routes)
    for place in np.flatnonzero([np.isfinite(score.price) for score in scores]):
        plan = problem.plan_from([as_route(problem, *routes[place], None)])
        price = problem.price(plan).objective
        assert price <= scores[place].price * (1 + 1e-7)
        assert scores[place].price == pytest.approx(price, rel=1e-3)


def test_a_leg_without_a_road_or_a_price_is_never_driven():
    inf = np.inf
    minutes = np.array([[0.0, 10, 20], [10, 0, inf], [20, 12, 0]])
    problem = RoutingProblem(
        [Depot("depot")], [Client("a"), Client("b")], [VehicleType("van")], {}, minutes, np.ones((3, 3))
    )
    scores = best_departures(problem, [(0, [1, 2]), (0, [2, 1])])
    assert [score.price for score in scores] == [inf, 0.0]


def test_the_capacity_that_a_check_lets_pass_is_let_pass():
    clients = [Client("a", demand=0.1), Client("b", demand=0.2)]
    still = np.ones((3, 3))
    problem = RoutingProblem([Depot("d")], clients, [VehicleType("van", capacity=0.3)], {}, still, still)
    assert not best_departures(problem, [(0, [1, 2])])[0].broken
    heavy = replace(problem, clients=[clients[0], replace(clients[1], demand=0.21)])
    assert best_departures(heavy, [(0, [1, 2])])[0].broken == {"capacity"}
