"""PyVRP, then the search on the law: the best there is where that can be known, and what is said of the plan."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest

import kanopt as ko
from kanopt import RoutingProblem, Status
from kanopt.engines.base import Outcome, SolveOptions
from kanopt.formulas import Variable, parse_formula
from kanopt.progress import Progress
from kanopt.refs import arc, clock, state, vehicle
from kanopt.routing import Client, Depot, VehicleType
from kanopt.routing.search.ortools import OrToolsRouting
from kanopt.routing.search.solver import RoutingSearch, known_part
from kanopt.routing.simulate.referee import route_costs
from tests.cases.routing import random_problem
from tests.cases.routing_brute_force import optimum

KM, SPEED = Variable("km", "km"), Variable("speed", "km/h")


def solved(problem: RoutingProblem, **options: Any) -> Outcome:
    return RoutingSearch().solve(problem, SolveOptions(**{"time_limit": 20.0, **options}))


def assert_optimal(problem: RoutingProblem, **options: Any) -> Outcome:
    outcome = solved(problem, **options)
    missed, best = optimum(problem, frozen=True)
    left = [c.name for c in problem.clients if c.mandatory and c.name in outcome.plan.unserved]
    assert len(left) == missed
    assert problem.price(outcome.plan, frozen=True).objective == pytest.approx(best, abs=1e-6)
    assert outcome.bound is None
    assert outcome.message == "every search ended by itself: the same seed gives the same plan"
    assert problem.assess(outcome.plan).status is outcome.status
    return outcome


@pytest.mark.parametrize("seed", range(8))
def test_windows_prizes_shifts_and_a_mixed_fleet_are_solved_as_by_trying_everything(seed):
    problem = random_problem(seed, clients=4 + seed % 3, rates=seed % 2 == 0)
    outcome = assert_optimal(problem, seed=seed)
    first, second = outcome.engines
    assert first.name.startswith("PyVRP 0.")
    assert (second.name, first.won, second.won) == ("search on the law", False, True)
    assert second.objective == pytest.approx(outcome.objective)


@pytest.mark.parametrize("seed", range(6))
def test_a_fleet_too_small_serves_as_many_as_it_can(seed):
    given = random_problem(seed, clients=6, optional=seed % 2 == 0)
    vehicles = [replace(vehicle, capacity=vehicle.capacity / 2) for vehicle in given.vehicles]
    outcome = assert_optimal(replace(given, vehicles=vehicles[:1] if seed < 3 else vehicles), seed=seed)
    assert outcome.plan.unserved or seed >= 3


def many_depots(seed: int, clients: int = 6) -> RoutingProblem:
    """Three types in two depots, two vehicles of one; every type has its own prices and speeds, by a law."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 30, (clients + 2, 2)).round(2)
    fuel = parse_formula("km * rate + 1.5", [KM, Variable("rate", "EUR/km")], Variable("fuel", "EUR"))
    time = parse_formula("60 * km / speed", [KM, SPEED], Variable("minutes", "min"))
    fleet = [
        VehicleType(
            name,
            count,
            capacity=capacity,
            fixed_cost=20.0 - 2 * capacity,
            shift_end=420.0,
            start_depot=depot,
            attributes={"rate": rate, "speed": speed},
        )
        for name, count, depot, capacity, rate, speed in (
            ("a", 2, "north", 3.0, 0.3, 50.0),
            ("b", 1, "south", 5.0, 0.4, 80.0),
            ("c", 1, "north", 9.0, 0.9, 60.0),
        )
    ]
    people = [
        Client(f"c{i}", *place, demand=float(rng.integers(1, 4)), service_duration=5.0, latest=300.0)
        for i, place in enumerate(places[2:])
    ]
    cost = {"fuel": fuel.bind(km=arc.distance, rate=vehicle.rate)}
    minutes = time.bind(km=arc.distance, speed=vehicle.speed)
    return RoutingProblem(
        [Depot("north", *places[0]), Depot("south", *places[1])], people, fleet, cost, minutes
    )


@pytest.mark.parametrize("seed", range(3))
def test_several_depots_laws_by_vehicle_type_skills_and_named_types_are_kept(seed):
    given = many_depots(seed)
    assert_optimal(given)
    needs = ["cooled", "", "lift, cooled", "", "", ""]
    types = ["", "b, c", "", "a", "", ""]
    clients = [replace(c, needs=a, vehicles=b) for c, a, b in zip(given.clients, needs, types, strict=True)]
    fleet = [
        replace(v, skills=s) for v, s in zip(given.vehicles, ["cooled", "", "cooled, lift"], strict=True)
    ]
    assert_optimal(replace(given, clients=clients, vehicles=fleet))


@pytest.mark.parametrize("money", [1e-6, np.pi, 1e7])
@pytest.mark.parametrize("load", [1e-4 / 3, 1e5 / 3])
def test_neither_units_nor_long_decimals_matter(money, load):
    def scaled(record: Any, factor: float, *fields: str) -> Any:
        values = {name: getattr(record, name) for name in fields}
        return replace(
            record, **{name: factor * value for name, value in values.items() if value is not None}
        )

    given, prices = random_problem(7, clients=5), ("fixed_cost", "unit_duration_cost", "unit_distance_cost")
    clients = [scaled(scaled(each, load, "demand"), money, "prize") for each in given.clients]
    fleet = [scaled(scaled(each, load, "capacity"), money, *prices) for each in given.vehicles]
    duration, cost = given.duration * (1 + 1e-6 * np.sqrt(2)), given.cost["fuel"] * money
    assert_optimal(replace(given, clients=clients, vehicles=fleet, cost=cost, duration=duration))


def city(seed: int, clients: int = 5, *, vans: int = 1) -> RoutingProblem:
    """One town: fuel grows with the load, driving is slow at eight."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 20, (clients + 1, 2)).round(2)
    demand = rng.uniform(0.2, 3.0, clients).round(2)
    fuel = parse_formula("0.2 * km * (1 + load)", [KM, Variable("load", "t")], Variable("fuel", "EUR"))
    slow = "1.7 * km * (1 + 0.8 * exp(-((hour - 8) / 0.7) ^ 2))"
    minutes = parse_formula(slow, [KM, Variable("hour", "h")], Variable("m", "min"))
    return RoutingProblem(
        [Depot("depot", *places[0])],
        [Client(f"c{k}", *places[k + 1], demand=demand[k], service_duration=5.0) for k in range(clients)],
        [VehicleType("van", vans, capacity=20.0, unit_duration_cost=0.4, shift_start=420, shift_end=1200)],
        fuel.bind(km=arc.distance, load=state.load),
        minutes.bind(km=arc.distance, hour=clock.hour),
    )


def cheapest(problem: RoutingProblem) -> float:
    """Return the price of the best order, each leaving as late as it can without finishing later, or at any minute."""
    names = [client.name for client in problem.clients]
    plans = [problem.plan_from({"van 1": list(order)}) for order in permutations(names)]
    routes = [plan.routes[0] for plan in plans]
    routes += [replace(route, departure=float(at)) for route in routes for at in range(420, 720, 5)]
    costs = route_costs(problem.leg_laws, routes, problem.drive(routes))
    assert costs[0] == pytest.approx(problem.price(plans[0]).objective)
    return float(costs.min())


@pytest.mark.parametrize("seed", range(3))
def test_orders_and_departures_are_as_good_as_trying_them_all(seed: int) -> None:
    problem = city(seed, clients=4)
    outcome = solved(problem, seed=seed)
    assert problem.price(outcome.plan).objective <= cheapest(problem) + 1e-6
    assert (outcome.status, outcome.bound) == (Status.FEASIBLE, None)


def test_a_plan_to_start_from_is_never_made_worse_on_the_law() -> None:
    problem = city(1, clients=9, vans=2)
    given = OrToolsRouting().solve(problem, SolveOptions(time_limit=1.0, seed=1)).plan
    for limit in (0.0, 3.0):
        both = solved(problem, time_limit=limit, seed=1, initial=given)
        assert problem.price(both.plan).objective <= problem.price(given).objective + 1e-9


def test_a_second_route_of_one_vehicle_starts_on_a_free_one() -> None:
    problem = city(1, clients=4, vans=2)
    names = [client.name for client in problem.clients]
    given = problem.plan_from([names[:2], names[2:]])
    doubled = replace(given, routes=tuple(replace(route, index=1) for route in given.routes))
    start = known_part(problem, doubled)
    assert [(route.index, [*route.clients]) for route in start.routes] == [(1, names[:2]), (2, names[2:])]


def test_what_is_said_of_the_plan_agrees_with_the_law() -> None:
    told: list[Progress] = []
    result = ko.solve(city(1), time_limit=20.0, seed=3, progress=told.append)
    assert f"{result.objective:,.2f} on the law" in result.engines[-1].message
    assert result.certificate is not None
    assert result.certificate.holds
    assert result.certificate.law_objective == result.objective
    assert [step.seconds for step in told] == sorted(step.seconds for step in told)
    assert all(str(run) in str(result) for run in result.engines)
