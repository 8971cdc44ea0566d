"""Where breaks are taken: on the legs with which the route costs least."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kanopt.formulas import Formula, Input, Step, Variable, parse_formula
from kanopt.problems import Client, Depot, Route, RoutingPlan, RoutingProblem, VehicleType
from kanopt.problems.routing import RoutingPolicy
from kanopt.refs import clock
from tests.cases.kernel_scores import score_plan

KM = 10.0 * np.abs(np.arange(3.0)[:, None] - np.arange(3.0)[None, :])
HOUR = Variable("hour", "h")
# 10 EUR for each leg that begins before noon
TOLL = Formula(Step(Input("hour"), (12.0,), (10.0, 0.0), name="toll"), (HOUR,), Variable("toll", "EUR"))
TO_B = ("a", "b")


def town(
    clients: tuple[Client, ...] = (Client("a", service_duration=20.0), Client("b")), **given: Any
) -> RoutingProblem:
    """Clients at 10 and 20 minutes from the depot; drivers rest for half an hour from between 11:00 and 12:00."""
    van = {"shift_start": 660.0, "breaks": "30 in 11:00-12:00", **given.pop("van", {})}
    return RoutingProblem(
        [Depot("depot")], clients, [VehicleType("van", **van)], given.pop("cost", {}), KM, KM, **given
    )


def leaving(problem: RoutingProblem, departure: float) -> RoutingPlan:
    plan = problem.plan_from((Route("van", 1, "depot", TO_B, departure),))
    price, broken = score_plan(problem, plan)
    assert price == pytest.approx(problem.price(plan).objective)
    assert broken == {each.constraint for each in problem.check(plan).violations}
    return plan


@pytest.mark.parametrize(
    ("rate", "taken", "price"),
    [
        # on the way to a, so that the other two legs begin from noon on: one toll, and half an hour
        (0.1, [1, 0, 0], 10.0 + 0.1 * 90.0),
        # after the route, which is over at noon: three tolls
        (1.0, [0, 0, 0], 30.0 + 60.0),
    ],
)
def test_a_break_is_taken_where_tolls_and_time_cost_least(
    rate: float, taken: list[int], price: float
) -> None:
    problem = town(van={"unit_duration_cost": rate}, cost={"toll": TOLL.bind(hour=clock.hour)})
    plan = leaving(problem, 660.0)
    assert problem.drive(plan.routes).breaks_taken.tolist() == taken
    assert problem.price(plan).objective == pytest.approx(price)


def test_no_price_makes_a_break_break_a_rule() -> None:
    tolls = {"toll": TOLL.bind(hour=clock.hour)}
    for limits in ({"shift_end": 749.0}, {"max_duration": 89.0}):
        problem = town(van=limits, cost=tolls)
        plan = leaving(problem, 660.0)
        assert problem.check(plan).ok
        assert problem.drive(plan.routes).breaks_taken.tolist() == [0, 0, 0]
    late = town((Client("a", service_duration=20.0), Client("b", latest=729.0)), cost=tolls)
    assert late.check(leaving(late, 660.0)).ok


def test_a_service_that_takes_less_later_has_the_break_before_it() -> None:
    # of the hour between eleven and noon each minute makes the stop at a three quarters of a minute shorter
    law = parse_formula("45 * (12 - hour)", [HOUR], Variable("stop", "min")).bind(hour=clock.hour)
    problem = town(
        van={"breaks": "30 in 11:00-11:10", "shift_end": 715.0, "returns": False},
        policy=RoutingPolicy(service=law),
        clients=(Client("a"), Client("b")),
    )
    plan = leaving(problem, 660.0)
    driven = problem.drive(plan.routes)
    # rested from 11:00 to 11:30, at a at 11:40 for 15 minutes, at b at 12:05
    assert driven.breaks_taken.tolist() == [1, 0]
    assert driven.begin.tolist() == pytest.approx([700.0, 725.0])
