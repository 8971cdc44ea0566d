"""Plans of unusual shape: what the kernel keeps room for, and that no step takes long."""

from __future__ import annotations

import numpy as np
import pytest

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, RoutingPlan, RoutingProblem, VehicleType
from kanopt.refs import arc, state
from kanopt.solvers.routing.racer.plan_data import PlanData
from kanopt.solvers.routing.racer.refine import refine
from kanopt.solvers.routing.racer.search import RacerSearch

FUEL = parse_formula("km * (1 + load)", [Variable("km", "km"), Variable("load", "t")], Variable("c", "EUR"))


def loaded_problem(clients: list[Client], vehicles: list[VehicleType]) -> RoutingProblem:
    places = np.random.default_rng(0).uniform(0, 50, (len(clients) + 1, 2))
    km = np.hypot(*(places[:, None] - places[None, :]).transpose(2, 0, 1))
    law = FUEL.bind(km=arc.distance, load=state.load)
    return RoutingProblem([Depot("depot")], clients, vehicles, {"fuel": law}, km, km)


def same_clients(count: int, source: str = "") -> list[Client]:
    return [Client(f"c{number}", demand=1.0, source=source) for number in range(count)]


def test_two_routes_with_all_the_reloads_they_may_have_are_joined():
    problem = loaded_problem(same_clients(42), [VehicleType("van", 2, capacity=1.0, max_reloads=20)])
    plan = refine(problem, steps=6000, seed=1)
    assert problem.check(plan).ok


def test_looking_for_places_is_work_even_where_no_leg_is_driven():
    vehicles = [VehicleType(f"van {number}", capacity=0.0) for number in range(40)]
    search = RacerSearch(PlanData(loaded_problem(same_clients(50), vehicles)))
    search.begin(RoutingPlan(()))
    search.take_steps(5000, 1.0, legs=100_000)
    assert search.report.best_missed == 50
    assert search.report.steps < 1000


@pytest.mark.parametrize("clients", [2, 8])
def test_clients_loaded_at_one_client_are_put_in_without_driving_all_their_orders(clients):
    problem = loaded_problem([Client("hub"), *same_clients(clients, source="hub")], [VehicleType("van", 2)])
    search = RacerSearch(PlanData(problem))
    search.begin(RoutingPlan(()))
    assert search.report.best_missed == 0
    assert search.report.legs < 50_000  # 8 clients alone have 40 320 orders, each of ten legs
    search.take_steps(20, 1.0)
    assert problem.check(search.best_plan()).ok
