"""Plans made for other data: their order stays, their times follow, and what holds still holds."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import kanopt as ko
from kanopt.problems.scheduling.dispatch import dispatch_greedily
from tests.cases.scheduling import random_problem

DEPOT, VAN = ko.routing.Depot("depot"), ko.routing.VehicleType("van", unit_duration_cost=1.0)


def order_on_machines(plan) -> list[list[str]]:
    frame = plan.to_frame().sort_values(["machine", "start", "end"], kind="stable")
    return [rows["task"].tolist() for _, rows in frame.groupby("machine")]


@given(st.integers(0, 10_000), st.floats(0.5, 1.6))
@settings(max_examples=15, deadline=None)
def test_a_schedule_keeps_its_order_and_every_rule(seed, factor):
    before = random_problem(np.random.default_rng(seed), shape=(2, 2, 1), whole=False)
    found = dispatch_greedily(before.data.structure, before.data.timing)
    if found is None:
        return
    plan = before.schedule(*found)
    slower = replace(
        before, modes=tuple(replace(mode, duration=factor * mode.duration) for mode in before.data.modes)
    )
    moved = slower.carried_over(plan)
    if not slower.check(moved).ok:  # a task no longer fits: then nothing was moved
        assert moved.to_frame()["start"].tolist() == plan.to_frame()["start"].tolist()
        return
    chosen = ["task", "machine", "mode"]
    frames = [one.to_frame().sort_values("task")[chosen].to_numpy().tolist() for one in (moved, plan)]
    assert frames[0] == frames[1]
    assert order_on_machines(moved) == order_on_machines(plan)


def test_a_route_leaves_when_that_is_best_on_the_new_times():
    def city(minutes: float) -> ko.RoutingProblem:
        legs = np.array([[0.0, minutes], [minutes, 0.0]])
        return ko.RoutingProblem(
            [DEPOT], [ko.routing.Client("a", earliest=60, latest=70)], [VAN], {}, legs, legs
        )

    plan = ko.evaluate(city(30.0), [["a"]]).assessment.settled().plan
    assert plan.routes[0].departure == 30.0  # the van does not wait
    late = ko.evaluate(city(45.0), plan)
    assert late.status == "infeasible"
    moved = ko.evaluate(city(45.0), city(45.0).carried_over(plan))
    assert moved.status != "infeasible"
    assert moved.assessment.settled().plan.routes[0].departure == 15.0


def test_a_route_under_way_left_when_it_did():
    legs = np.array([[0.0, 30.0, 40.0], [30.0, 0.0, 20.0], [40.0, 20.0, 0.0]])
    clients = [ko.routing.Client("a"), ko.routing.Client("b")]
    problem = ko.RoutingProblem([DEPOT], clients, [VAN], {}, legs, legs)
    plan = ko.evaluate(problem, [["a", "b"]]).assessment.settled().plan
    now = plan.routes[0].departure + 35.0
    under_way = problem.with_routes_under_way(plan, now)
    driven = ko.evaluate(under_way, under_way.carried_over(plan)).assessment.simulation
    assert driven.departure.tolist() == [plan.routes[0].departure]


def test_other_kinds_are_read_as_they_are():
    choice = ko.DecisionProblem([ko.decisions.Decision("n", 0, 4, integer=True)], {"n": 1.0})
    plan = choice.plan_from({"n": 2})
    assert choice.carried_over(plan) == plan
