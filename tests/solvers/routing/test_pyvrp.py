"""Problems that PyVRP models: its steps keep prices and limits, and both searches find the best plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, Progress, RoutingProblem, RoutingUnits, Status, VehicleType
from kanopt.refs import arc, vehicle
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.clock import SearchClock
from kanopt.solvers.routing.pyvrp_engine.search import PyVrpRun
from kanopt.solvers.routing.solver import RoutingSearch
from tests.cases.routing import best_by_trying_all, random_problem
from tests.cases.routing_brute_force import best_of_all_plans
from tests.solvers.routing.test_ortools import euclidean


def solved(problem: RoutingProblem, **options: object) -> Outcome:
    return RoutingSearch().solve(problem, SolveOptions(**{"time_limit": 20.0, **options}))


def assert_optimal(problem: RoutingProblem, **options: object) -> Outcome:
    outcome = solved(problem, **options)
    missed, best = best_of_all_plans(problem)
    left = [c.name for c in problem.clients if c.mandatory and c.name in outcome.plan.unserved]
    assert len(left) == missed
    assert problem.price(outcome.plan, frozen=True).objective == pytest.approx(best, abs=1e-6)
    assert outcome.bound is None
    assert "ended by itself" in outcome.message
    assert problem.assess(outcome.plan).status is outcome.status
    return outcome


@pytest.mark.parametrize("seed", range(10))
def test_windows_prizes_shifts_and_a_mixed_fleet_are_solved_as_by_trying_everything(seed):
    problem = random_problem(seed, clients=4 + seed % 3, rates=seed % 2 == 0)
    outcome = assert_optimal(problem, seed=seed)
    if len(problem.clients) < 6:
        assert best_of_all_plans(problem) == pytest.approx(best_by_trying_all(problem))
    assert outcome.status is Status.FEASIBLE


@pytest.mark.parametrize("seed", range(6))
def test_a_fleet_too_small_serves_as_many_as_it_can(seed):
    given = random_problem(seed, clients=6, optional=seed % 2 == 0)
    vehicles = [replace(vehicle, capacity=vehicle.capacity / 2) for vehicle in given.vehicles]
    problem = replace(given, vehicles=vehicles[:1] if seed < 3 else vehicles)
    outcome = assert_optimal(problem, seed=seed)
    assert outcome.plan.unserved or seed >= 3


def many_depots(seed: int, clients: int = 6) -> RoutingProblem:
    """Three types in two depots, two vehicles of one; every type has its own prices and speeds, by a law."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 30, (clients + 2, 2)).round(2)
    km = Variable("km", "km")
    fuel = parse_formula("km * rate + 1.5", [km, Variable("rate", "EUR/km")], Variable("fuel", "EUR"))
    time = parse_formula("60 * km / speed", [km, Variable("speed", "km/h")], Variable("minutes", "min"))
    kinds = [
        ("a", 2, "north", 3.0, 0.3, 50.0),
        ("b", 1, "south", 5.0, 0.4, 80.0),
        ("c", 1, "north", 9.0, 0.9, 60.0),
    ]
    return RoutingProblem(
        [Depot("north", *places[0]), Depot("south", *places[1])],
        [
            Client(f"c{i}", *place, demand=float(rng.integers(1, 4)), service_duration=5.0, latest=300.0)
            for i, place in enumerate(places[2:])
        ],
        [
            VehicleType(
                name,
                count,
                capacity=capacity,
                fixed_cost=20.0 - 2 * capacity,
                shift_end=420.0,
                start_depot=depot,
                attributes={"rate": rate, "speed": speed},
            )
            for name, count, depot, capacity, rate, speed in kinds
        ],
        {"fuel": fuel.bind(km=arc.distance, rate=vehicle.rate)},
        time.bind(km=arc.distance, speed=vehicle.speed),
        units=RoutingUnits(),
    )


@pytest.mark.parametrize("seed", range(4))
def test_several_depots_and_laws_by_vehicle_type(seed):
    assert_optimal(many_depots(seed))


@pytest.mark.parametrize("seed", range(3))
def test_skills_and_named_vehicle_types_are_kept(seed):
    given = many_depots(seed)
    needs = ["cooled", "", "lift, cooled", "", "", ""]
    names = ["", "b, c", "", "a", "", ""]
    problem = replace(
        given,
        clients=[
            replace(client, needs=need, vehicles=some)
            for client, need, some in zip(given.clients, needs, names, strict=True)
        ],
        vehicles=[
            replace(vehicle, skills=skills)
            for vehicle, skills in zip(given.vehicles, ["cooled", "", "cooled, lift"], strict=True)
        ],
    )
    assert_optimal(problem)


@pytest.mark.parametrize("money", [1e-6, np.pi, 1e7])
@pytest.mark.parametrize("load", [1e-4 / 3, np.e, 1e5 / 3])
def test_neither_units_nor_long_decimals_matter(money, load):
    given = random_problem(7, clients=5)
    clients = [
        replace(c, demand=c.demand * load, prize=None if c.prize is None else c.prize * money)
        for c in given.clients
    ]
    vehicles = [
        replace(
            v,
            capacity=v.capacity * load,
            fixed_cost=v.fixed_cost * money,
            unit_duration_cost=v.unit_duration_cost * money,
            unit_distance_cost=v.unit_distance_cost * money,
        )
        for v in given.vehicles
    ]
    duration = given.duration * (1 + 1e-6 * np.sqrt(2))
    assert_optimal(
        replace(given, clients=clients, vehicles=vehicles, cost=given.cost["fuel"] * money, duration=duration)
    )


def test_a_road_that_is_missing_is_not_driven():
    minutes = np.full((4, 4), 10.0)
    minutes[1, 2] = minutes[0, 3] = np.inf
    clients = [Client("a"), Client("b", prize=100.0), Client("c")]
    problem = RoutingProblem([Depot("d")], clients, [VehicleType("van")], minutes, minutes, minutes)
    outcome = assert_optimal(problem)
    assert outcome.plan.unserved == ()


def test_what_cannot_be_served_is_left_and_its_prize_stays_out_of_the_objective() -> None:
    minutes = np.full((5, 5), 10.0)
    minutes[:, 4] = np.inf
    clients = [
        Client("a", demand=0.6),
        Client("b", demand=0.6, prize=3.0),
        Client("heavy", demand=9.0),
        Client("island", prize=4.5),
    ]
    problem = RoutingProblem(
        [Depot("depot")], clients, [VehicleType("van", capacity=1.0)], minutes / 10, minutes, minutes
    )
    seen: list[Progress] = []
    outcome = solved(problem, progress=seen.append)
    assert outcome.status is Status.PARTIAL
    assert outcome.plan.unserved == ("b", "heavy", "island")
    assert outcome.objective == pytest.approx(2.0 + 3.0 + 4.5)
    assert outcome.history == tuple(seen)
    assert seen[-1].objective == pytest.approx(9.5)


def test_a_time_limit_is_looked_at_in_every_iteration() -> None:
    class Step(SearchClock):
        seconds = 0.0

        def now(self) -> float:
            return self.seconds

        def spend(self, seconds: float) -> None:
            self.seconds += 1.0

    clock = Step()
    run = PyVrpRun(euclidean(12), 0, clock, lambda step: None)
    run.search(None, 7.0, 7.0, lambda: False)
    assert clock.seconds == 7.0
    assert run.plan is not None
