from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt.problems import Client, Depot, RoutingProblem, VehicleType
from kanopt.solvers.routing.completion import complete_plan
from kanopt.solvers.routing.integers import lower
from tests.cases.routing_variants import VARIANTS, variant


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "source"])
def test_nobody_is_left_out_for_whom_there_is_a_place(name: str) -> None:
    more = 0
    for seed in range(3):
        problem = variant(name, seed)
        problem = replace(problem, clients=[replace(client, prize=None) for client in problem.clients])
        integers = lower(problem, seed)
        nothing = [[] for _ in integers.fleet]
        ways = complete_plan(integers, nothing)
        assert integers.rank(ways) <= integers.rank(nothing)
        plan = integers.plan(ways)
        check = problem.check(plan)
        assert check.ok or check.only_unserved
        more += len(problem.clients) - len(plan.unserved)
    assert more > 0


def test_a_plan_that_serves_everyone_is_left_as_it_is() -> None:
    minutes = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 12.0], [20.0, 12.0, 0.0]])
    people = [Client("a"), Client("b", prize=1.0)]
    problem = RoutingProblem([Depot("depot")], people, [VehicleType("van")], minutes, minutes, minutes)
    integers = lower(problem)
    ways = integers.node_routes(problem.plan_from([["a"]]))
    assert complete_plan(integers, ways) is ways


def test_who_fits_nowhere_stays_left_out() -> None:
    minutes = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 12.0], [20.0, 12.0, 0.0]])
    people = [Client("a", demand=1.0), Client("b", demand=1.0)]
    problem = RoutingProblem(
        [Depot("depot")], people, [VehicleType("van", capacity=1.0)], minutes, minutes, minutes
    )
    plan = lower(problem)
    ways = complete_plan(plan, [[]])
    assert [len(way) for way in ways] == [1]
