"""Numbers that are unusual for what they measure are asked back, and fields that change nothing are told of."""

from __future__ import annotations

import pytest

import kanopt as ko
from kanopt import routing
from kanopt.tables import with_units
from tests.records.test_unread_columns import WAY, routing_frames


def asked(*, units: routing.RoutingUnits | None = None, **changes: object) -> list[str]:
    van = routing.VehicleType("van", fixed_cost=9.0, **changes)
    points = [routing.Client("a", 3, 0, demand=0.1), routing.Client("b", 0, 4)]
    given = units or routing.RoutingUnits()
    problem = ko.RoutingProblem([routing.Depot("hub", 0, 0)], points, [van], {}, WAY, units=given)
    return [line for line in problem.remarks() if "usual" in line]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"unit_duration_cost": 30.0},
            "unit_duration_cost of 'van': is 30 EUR/min (1800 EUR/h), where 0.5 to 500 EUR/h are usual; is "
            "it in EUR/h?",
        ),
        ({"capacity": 1100.0}, "capacity of 'van': is 1100 t, where 0.005 to 100 t are usual; is it in kg?"),
        (
            {"max_distance": 150_000.0},
            "max_distance of 'van': is 150,000 km, where 0.5 to 20,000 km are usual; is it in m?",
        ),
        ({"unit_distance_cost": 900.0}, "unit_distance_cost of 'van': is 900 EUR/km"),
    ],
)
def test_what_is_unusual_is_asked_back(changes, told):
    [line] = asked(**changes)
    assert line.startswith(f"vehicles: {told}")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"unit_duration_cost": 0.5, "capacity": 3.5, "max_duration": 600.0, "unit_distance_cost": 0.3},
        {"capacity": 1100.0, "units": routing.RoutingUnits(load="kg")},
        {"capacity": 1100.0, "units": routing.RoutingUnits(load="pallets")},
        {"unit_duration_cost": 30.0, "units": routing.RoutingUnits(time="h", money="USD")},
        {"unit_duration_cost": 9_000.0, "units": routing.RoutingUnits(money="JPY")},
    ],
)
def test_what_is_usual_is_not(changes):
    assert asked(**changes) == []


def test_a_bare_capacity_beside_demands_in_kilograms_is_asked_back_until_its_unit_is_declared():
    frames = routing_frames(clients_demand=[200.0, 300.0], vehicles_capacity=[2000.0])
    frames["clients"] = with_units(frames["clients"], {"demand": "kg"})
    problem = ko.RoutingProblem(**frames, cost={}, duration=WAY)
    [line] = problem.unusual()
    assert line.startswith("vehicles: capacity of 'van': is 2000 t")
    frames["vehicles"] = with_units(frames["vehicles"], {"capacity": "t"})
    assert ko.RoutingProblem(**frames, cost={}, duration=WAY).unusual() == ()
