"""Insertions into plans whose routes break rules already."""

import numpy as np

import kanopt as ko
from kanopt.problems.routing.insertion import insert_clients
from kanopt.routing import Client, Depot, Route, VehicleType


def test_a_missed_break_of_one_route_is_not_held_against_another() -> None:
    minutes = np.full((4, 4), 60.0)
    np.fill_diagonal(minutes, 0.0)
    clients = [Client("c1"), Client("c2"), Client("c3", prize=500.0)]
    fleet = [
        VehicleType("truck", unit_duration_cost=1.0),
        VehicleType("van", shift_start=100.0, breaks="30 in 120-120, 30 in 130-130"),
    ]
    problem = ko.RoutingProblem([Depot("depot")], clients, fleet, minutes, minutes, minutes)
    plan = problem.plan_from(
        [Route("truck", 1, "depot", ("c1",)), Route("van", 1, "depot", ("c2",), departure=100.0)]
    )
    assert [(broken.constraint, broken.where) for broken in problem.check(plan).violations] == [
        ("break", "van 1")
    ]
    (reason,) = problem.reasons(plan)
    assert reason.subject == "client c3"
    assert "van" in reason.message


def test_a_dearer_place_is_found_where_breaks_spoil_the_cheap_ones() -> None:
    many = 44
    spots = np.array([[0, 0], *([[10, 0]] * many), [0, 30], [10, 0]], dtype=float)
    minutes = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    near = [f"near {number}" for number in range(many)]
    full = 480.0 + 10.0 + 5.0 * many + 30.0 + 10.0
    clients = [Client(name, service_duration=5.0) for name in (*near, "far", "new")]
    fleet = [
        VehicleType(name, 1, shift_start=480.0, shift_end=end, breaks="30 in 560-700")
        for name, end in (("busy", full), ("free", 2000.0))
    ]
    problem = ko.RoutingProblem([Depot("depot")], clients, fleet, minutes, minutes, minutes)
    plan = problem.plan_from({"busy 1": near, "free 1": ["far"]})
    filled, refused = insert_clients(problem.leg_laws, problem.planning_values, plan, ["new"])
    assert refused == []
    assert next(route.vehicle for route in filled.routes if "new" in route.clients) == "free"
    assert problem.check(filled).ok
    (reason,) = problem.reasons(plan)
    assert "could serve it" in reason.message
    assert "free" in reason.message
