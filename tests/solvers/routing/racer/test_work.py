"""Plans of unusual shape: what the kernel keeps room for, and that no step takes long."""

from __future__ import annotations

import numpy as np

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, RoutingPlan, RoutingProblem, VehicleType
from kanopt.problems.routing import Route
from kanopt.refs import arc, state
from kanopt.solvers.routing.racer.refine import refine

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


def test_a_plan_with_more_reloads_than_there_is_room_for_is_taken_apart():
    problem = loaded_problem(same_clients(400), [VehicleType("van")])
    stops = [stop for client in problem.clients for stop in (client.name, "depot")]
    plan = refine(problem, RoutingPlan((Route("van", 1, "depot", tuple(stops), 0.0),)), steps=1)
    assert problem.check(plan).ok
