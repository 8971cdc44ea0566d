"""Insertions into plans whose routes break rules already."""

import numpy as np

import kanopt as ko
from kanopt.routing import Client, Depot, Route, VehicleType


def test_a_missed_break_of_one_route_is_not_held_against_another() -> None:
    minutes = np.full((4, 4), 60.0)
    np.fill_diagonal(minutes, 0.0)
    problem = ko.RoutingProblem(
        depots=[Depot("depot")],
        clients=[Client("c1"), Client("c2"), Client("c3", prize=500.0)],
        vehicles=[
            VehicleType("truck", num_available=1, unit_duration_cost=1.0),
            VehicleType("van", num_available=1, shift_start=100.0, breaks="30 in 120-120, 30 in 130-130"),
        ],
        cost=minutes,
        duration=minutes,
        distance=minutes,
    )
    plan = problem.plan_from(
        [Route("truck", 1, "depot", ("c1",)), Route("van", 1, "depot", ("c2",), departure=100.0)]
    )
    assert [(broken.constraint, broken.where) for broken in problem.check(plan).violations] == [
        ("break", "van 1")
    ]
    (reason,) = problem.reasons(plan)
    assert reason.subject == "client c3"
    assert "van" in reason.message
