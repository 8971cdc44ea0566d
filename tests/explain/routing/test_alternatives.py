"""Why this and not that: forced plans on problems small enough to know the answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import kanopt as ko
from kanopt import RoutingProblem
from kanopt.errors import ProblemError
from kanopt.routing import Client, Depot, VehicleType
from tests.cases.routing_brute_force import best_of_all_plans

MINUTES = np.array(
    [
        [0.0, 10.0, 20.0, 15.0],
        [10.0, 0.0, 12.0, 30.0],
        [20.0, 12.0, 0.0, 9.0],
        [15.0, 30.0, 9.0, 0.0],
    ]
)
CLIENTS = [Client(name, demand=1.0) for name in "abc"]
VAN, TRUCK = VehicleType("van", capacity=3.0), VehicleType("truck", capacity=9.0, fixed_cost=7.0)


def problem_of(
    clients: list[Client] = CLIENTS, van: VehicleType = VAN, truck: VehicleType = TRUCK
) -> RoutingProblem:
    return RoutingProblem([Depot("depot")], clients, [van, truck], {"fuel": MINUTES}, MINUTES, MINUTES)


@pytest.fixture(scope="module")
def result() -> ko.Result:
    return ko.solve(problem_of(), time_limit=2.0)


@pytest.mark.parametrize("client", ["a", "b", "c"])
def test_a_client_elsewhere_costs_what_trying_everything_says(result: ko.Result, client: str) -> None:
    forced = ko.explain(result).instead(client, "truck")
    _, best = best_of_all_plans(
        problem_of([replace(c, vehicles="truck") if c.name == client else c for c in CLIENTS])
    )
    assert forced.after.objective == pytest.approx(best)
    assert forced.change == pytest.approx(best - 46.0)
    assert forced.terms()["change"].sum() == pytest.approx(forced.change)
    assert "7.00 EUR (15 %) more" in str(forced)


def test_what_is_left_out_under_force_is_said_and_a_prize_counts() -> None:
    clients = [replace(CLIENTS[0], vehicles="truck"), *CLIENTS[1:]]
    result = ko.solve(problem_of(clients, truck=replace(TRUCK, capacity=1.0)), time_limit=2.0)
    forced = ko.explain(result).instead("b", "truck")
    (left,) = forced.newly_unserved
    assert left in ("a", "b")
    serves = "b" not in forced.after.plan.unserved
    assert (f"leaves {left} out" if serves else "no plan was found in which it is") in str(forced)
    dear = ko.solve(problem_of([*CLIENTS[:2], Client("c", prize=1.0)]), time_limit=1.0, seed=0)
    assert dear.plan.unserved == ("c",)
    forced = ko.explain(dear).instead("c", "truck", time_limit=1.0)
    assert "c" not in forced.after.plan.unserved
    # all three on the truck, instead of a and b on the van and a missed prize
    assert forced.change == pytest.approx(46.0 + 7.0 - 42.0 - 1.0)


def test_a_plan_that_was_not_the_best_is_told_so() -> None:
    poor = ko.evaluate(problem_of(), {"truck 1": ["a", "c", "b"]})
    forced = ko.explain(poor).instead("a", "van", time_limit=2.0)
    assert forced.change < 0
    assert "not the best one" in str(forced)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda why: why.instead("d", "truck"), "no client 'd'"),
        (lambda why: why.instead("a", "trunk"), "'trunk'; did you mean 'truck'"),
        (lambda why: why.instead("a", "van"), "'a' is on 'van' already"),
    ],
)
def test_questions_without_an_answer_say_what_could_be_asked(
    result: ko.Result, ask: object, message: str
) -> None:
    with pytest.raises(ProblemError, match=message):
        ask(ko.explain(result))


def test_a_vehicle_that_may_not_serve_is_not_forced() -> None:
    problem = problem_of([replace(CLIENTS[0], needs="cooled"), *CLIENTS[1:]], replace(VAN, skills="cooled"))
    with pytest.raises(ProblemError, match="'truck' may not serve client 'a': it needs cooled"):
        ko.explain(ko.evaluate(problem, {"van 1": ["a", "b", "c"]})).instead("a", "truck")
