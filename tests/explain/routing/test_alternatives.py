"""Why this and not that: forced plans on problems small enough to know the answer."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

import kanopt as ko
from kanopt.errors import ProblemError
from kanopt.problems import Client, Depot, RoutingProblem, VehicleType
from tests.cases.routing_brute_force import best_of_all_plans

MINUTES = np.array(
    [
        [0.0, 10.0, 20.0, 15.0],
        [10.0, 0.0, 12.0, 30.0],
        [20.0, 12.0, 0.0, 9.0],
        [15.0, 30.0, 9.0, 0.0],
    ]
)


def problem_of(**van: float) -> RoutingProblem:
    return RoutingProblem(
        depots=[Depot("depot")],
        clients=[Client("a", demand=1.0), Client("b", demand=1.0), Client("c", demand=1.0)],
        vehicles=[
            VehicleType("van", capacity=3.0, **van),
            VehicleType("truck", capacity=9.0, fixed_cost=7.0),
        ],
        cost={"fuel": MINUTES},
        duration=MINUTES,
        distance=MINUTES,
    )


@pytest.fixture
def result() -> ko.Result:
    return ko.solve(problem_of(), time_limit=2.0)


@pytest.mark.parametrize("client", ["a", "b", "c"])
def test_a_client_elsewhere_costs_what_trying_everything_says(result: ko.Result, client: str) -> None:
    assert result.objective == 46.0
    forced = ko.explain(result).instead(client, "truck")
    problem = result.problem
    clients = [replace(c, vehicles="truck") if c.name == client else c for c in problem.clients]
    _, best = best_of_all_plans(replace(problem, clients=clients))
    assert forced.after.objective == pytest.approx(best)
    assert forced.change == pytest.approx(best - 46.0)
    assert forced.terms()["change"].sum() == pytest.approx(forced.change)
    assert str(forced) == f"client {client} on truck: the plan costs 7.00 EUR (15 %) more: fixed +7.00"


def test_a_leg_is_worth_what_the_plan_without_it_costs_more(result: ko.Result) -> None:
    way = ("depot", *result.plan.routes[0].clients, "depot")
    for start, end in itertools.pairwise(way):
        forced = ko.explain(result).leg(start, end)
        closed = MINUTES.copy()
        names = result.problem.data.index
        closed[names[start], names[end]] = np.inf
        _, best = best_of_all_plans(replace(result.problem, distance=closed))
        assert forced.after.objective == pytest.approx(best)
        assert (start, end) not in [
            pair
            for route in forced.after.plan.routes
            for pair in zip(("depot", *route.clients), (*route.clients, "depot"), strict=True)
        ]
    assert "without the leg" in str(forced)


def test_what_is_left_out_under_force_is_said() -> None:
    problem = problem_of()
    vehicles = [replace(problem.vehicles[0]), replace(problem.vehicles[1], capacity=1.0)]
    clients = [replace(c, vehicles="truck") if c.name == "a" else c for c in problem.clients]
    result = ko.solve(replace(problem, vehicles=vehicles, clients=clients), time_limit=2.0)
    forced = ko.explain(result).instead("b", "truck")
    assert set(forced.newly_unserved) <= {"a", "b"}
    assert len(forced.newly_unserved) == 1
    said = (
        f"leaves {forced.newly_unserved[0]} out"
        if forced.serves_client
        else "no plan was found in which it is"
    )
    assert said in str(forced)


def test_a_plan_that_was_not_the_best_is_told_so() -> None:
    poor = ko.evaluate(problem_of(), {"truck 1": ["a", "c", "b"]})
    forced = ko.explain(poor).instead("a", "van", time_limit=2.0)
    assert forced.change < 0
    assert str(forced).endswith("The plan that was explained is not the best one")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda why: why.instead("d", "truck"), "there is no client 'd'"),
        (lambda why: why.instead("a", "trunk"), "there is no vehicle type 'trunk'; did you mean 'truck'"),
        (lambda why: why.instead("a", "van"), "client 'a' is on 'van' already"),
        (lambda why: why.leg("a", "nowhere"), "there is no stop 'nowhere'"),
        (lambda why: why.leg("a", "c"), "the plan does not drive from 'a' to 'c': from a it goes to"),
    ],
)
def test_questions_without_an_answer_say_what_could_be_asked(
    result: ko.Result, ask: object, message: str
) -> None:
    with pytest.raises(ProblemError, match=message):
        ask(ko.explain(result))


def test_a_vehicle_that_may_not_serve_is_not_forced() -> None:
    problem = problem_of()
    vehicles = [replace(problem.vehicles[0], skills="cooled"), problem.vehicles[1]]
    clients = [replace(problem.clients[0], needs="cooled"), *problem.clients[1:]]
    result = ko.solve(replace(problem, vehicles=vehicles, clients=clients), time_limit=2.0)
    with pytest.raises(ProblemError, match="'truck' may not serve client 'a': it needs cooled"):
        ko.explain(result).instead("a", "truck")


def test_a_client_with_a_prize_is_put_on_the_vehicle_all_the_same() -> None:
    km = np.array([[0.0, 10.0, 100.0], [10.0, 0.0, 100.0], [100.0, 100.0, 0.0]])
    problem = RoutingProblem(
        [Depot("depot")],
        [Client("a"), Client("b", prize=30.0)],
        [VehicleType("van"), VehicleType("truck")],
        km,
        km,
        km,
    )
    result = ko.solve(problem, time_limit=1.0, seed=0)
    assert result.plan.unserved == ("b",)
    forced = ko.explain(result).instead("b", "truck", time_limit=1.0)
    assert forced.serves_client
    assert "b" in {
        name for route in forced.after.plan.routes if route.vehicle == "truck" for name in route.clients
    }
    assert forced.change == pytest.approx(210.0 - 20.0 - 30.0)
