from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, Reason, RoutingProblem, VehicleType
from kanopt.refs import arc, clock

LINE = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0))) * 10
CLIENTS = (Client("a", demand=0.5), Client("b", demand=0.4), Client("c", demand=0.3))
VAN = VehicleType("van", 1, capacity=2.0, shift_start=480, shift_end=600)


def problem(clients: object = CLIENTS, vehicles: object = (VAN,), **changes: object) -> RoutingProblem:
    given = {"cost": {"toll": LINE}, "duration": LINE, "distance": LINE, **changes}
    return RoutingProblem([Depot("depot")], clients, vehicles, **given)


def reason(given: RoutingProblem, plan: object, subject: str = "client c") -> Reason:
    found = {r.subject: r for r in given.reasons(None if plan is None else given.plan_from(plan))}
    return found[subject]


def changed(**fields: object) -> tuple[Client, ...]:
    return (*CLIENTS[:2], replace(CLIENTS[2], **fields))


def test_who_can_be_served_needs_no_reason_and_a_detour_counts_in_the_proof():
    given = problem()
    assert given.reasons(given.plan_from([["a", "b", "c"]])) == ()
    slow = LINE.copy()
    slow[0, 3] = 500.0  # over a and b it takes 30 minutes
    assert not reason(problem(changed(latest=515), duration=slow), [["a", "b"]]).proved
    assert "10 min after" in reason(problem(changed(latest=500), duration=slow), [["a", "b"]]).message


def without(*legs: tuple[object, object]) -> np.ndarray:
    """Ways of which some are no roads."""
    ways = LINE.copy()
    for leg in legs:
        ways[leg] = np.inf
    return ways


TIME = parse_formula("d + 0 * h", [Variable("d", "km"), Variable("h", "h")], Variable("t", "min"))
CLOCKED = TIME.bind(d=arc.distance, h=clock.hour)
TO_C, FROM_C = (slice(None, 3), 3), (3, slice(None, 3))


@pytest.mark.parametrize(
    ("changes", "proved", "told"),
    [
        ({"vehicles": [replace(VAN, num_available=0)]}, True, "there is no vehicle"),
        ({"duration": without(TO_C)}, True, "no road leads from depot to it"),
        ({"duration": without(FROM_C)}, True, "a road from it back to depot"),
        ({"cost": {"toll": without(TO_C)}}, True, "no road leads from depot to it"),  # a leg without a price
        ({"cost": {}, "duration": CLOCKED, "distance": without(TO_C)}, True, "no road leads"),
        # on the clock's law a road over another client is a road
        ({"cost": {}, "duration": CLOCKED, "distance": without((0, 3), (3, 0))}, False, "insert it into"),
    ],
)
def test_vehicles_and_roads_that_are_not_there_are_proved(changes: dict, proved: bool, told: str):
    found = reason(problem(**changes), [["a", "b"]] if "vehicles" not in changes else [])
    assert found.proved == proved
    assert told in f"{found.message} {found.relaxation}"


def test_a_fleet_too_small_for_all_demand_is_proved():
    given = problem(vehicles=[replace(VAN, capacity=1.0)])
    for plan in ([["a", "b"]], None):
        found = reason(given, plan, "fleet")
        assert found.proved
        assert "demand 1.2 t, 0.2 t more" in found.message
        assert found.relaxation == "0.2 t more capacity"
    optional = problem(changed(prize=1.0), vehicles=[replace(VAN, capacity=1.0)])
    assert [r.subject for r in optional.reasons(optional.plan_from([["a", "b"]]))] == ["client c"]


@pytest.mark.parametrize(
    ("prize", "message", "relaxation"),
    [
        (15.0, "20.00 EUR more", "a prize above 20.00 EUR"),
        (25.0, "less than its prize of 25.00", "insert it into"),
    ],
)
def test_an_optional_client_is_weighed_against_its_prize(prize, message, relaxation):
    found = reason(problem(changed(prize=prize)), [["a", "b"]])
    assert message in found.message
    assert relaxation in found.relaxation
    assert found.evidence == ""


def test_late_clients_and_long_routes_are_explained():
    clients = (replace(CLIENTS[0], latest=495), *CLIENTS[1:])
    found = reason(problem(clients, vehicles=[replace(VAN, shift_end=545)]), [["c", "b", "a"]], "client a")
    assert (found.kind, found.evidence) == ("late", "")
    assert "stop 3 of van 1 and reached at 08:50, 35 min after" in found.message
    assert "its window 35 min later" in found.relaxation
    too_late = problem((replace(CLIENTS[0], latest=485), *CLIENTS[1:]))
    assert reason(too_late, [["a", "b", "c"]], "client a").proved
    over = reason(problem(vehicles=[replace(VAN, shift_end=530)]), [["a", "b", "c"]], "van 1")
    assert (
        "returns at 09:00, 10 min after its shift ends: 60 min of driving, 0 min of service" in over.message
    )
    assert over.relaxation == "the shift of van 1 10 min longer"


def test_with_a_clock_law_windows_are_driven_and_not_called_proved():
    slow = parse_formula("d * (1 + h / 24)", [Variable("d", "km"), Variable("h", "h")], Variable("t", "min"))
    clocked = slow.bind(d=arc.distance, h=clock.hour)
    found = reason(problem(changed(latest=500), duration=clocked), [["a", "b"]])
    assert not found.proved
    assert "20 min after its window closes" in found.message
    assert reason(problem(changed(demand=3.0), duration=clocked), [["a", "b"]]).proved
