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


def test_nothing_to_explain():
    given = problem()
    assert given.reasons(given.plan_from([["a", "b", "c"]])) == ()


def test_a_detour_that_is_faster_than_the_direct_way_counts_in_the_proof():
    slow = LINE.copy()
    slow[0, 3] = 500.0  # over a and b it takes 30 minutes
    within = problem(changed(latest=515), duration=slow)
    assert not reason(within, [["a", "b"]]).proved
    assert "10 min after" in reason(problem(changed(latest=500), duration=slow), [["a", "b"]]).message


def test_no_vehicle_and_no_road():
    none = reason(problem(vehicles=[replace(VAN, num_available=0)]), [], "client a")
    assert (none.message, none.proved) == ("there is no vehicle: every type has a count of 0", True)
    cut = LINE.copy()
    cut[:3, 3] = np.inf
    assert "no road leads from depot to it" in reason(problem(duration=cut), [["a", "b"]]).message
    one_way = LINE.copy()
    one_way[3, :3] = np.inf
    found = reason(problem(duration=one_way), [["a", "b"]])
    assert (found.relaxation, found.proved) == ("a road from it back to depot", True)


def test_with_a_clock_law_a_road_over_another_client_is_a_road():
    roads = LINE.copy()
    roads[0, 3] = roads[3, 0] = np.inf
    law = parse_formula("d + 0 * h", [Variable("d", "km"), Variable("h", "h")], Variable("t", "min"))
    given = problem(cost={}, duration=law.bind(d=arc.distance, h=clock.hour), distance=roads)
    assert given.check(given.plan_from([["a", "c", "b"]])).ok
    assert "a road" not in reason(given, [["a", "b"]]).relaxation
    roads[:, 3] = np.inf
    given = problem(cost={}, duration=law.bind(d=arc.distance, h=clock.hour), distance=roads)
    found = reason(given, [["a", "b"]])
    assert found.proved
    assert found.message == "client c cannot be served: no road leads from depot to it"


def test_a_leg_without_a_price_is_no_road():
    price = LINE.copy()
    price[:, 3] = np.inf
    given = problem(cost={"toll": price})
    found = reason(given, [["a", "b"]])
    assert found.proved
    assert found.message == "client c cannot be served: no road leads from depot to it"
    assert [v.constraint for v in given.check(given.plan_from([["a", "b", "c"]])).violations] == ["road"]


def test_a_fleet_too_small_for_all_demand_is_proved():
    given = problem(vehicles=[replace(VAN, capacity=1.0)])
    for plan in ([["a", "b"]], None):
        found = reason(given, plan, "fleet")
        assert found.proved
        assert found.message.startswith(
            "the clients that must be served demand 1.2 t, 0.2 t more than all vehicles"
        )
        assert found.relaxation == "0.2 t more capacity"
    optional = problem(changed(prize=1.0), vehicles=[replace(VAN, capacity=1.0)])
    assert [r.subject for r in optional.reasons(optional.plan_from([["a", "b"]]))] == ["client c"]


@pytest.mark.parametrize(
    ("prize", "message", "relaxation"),
    [
        (15.0, "would cost 20.00 EUR more at its cheapest place", "a prize above 20.00 EUR"),
        (25.0, "could serve it for 20.00 EUR more, less than its prize of 25.00 EUR", "insert it into"),
    ],
)
def test_an_optional_client_is_weighed_against_its_prize(prize, message, relaxation):
    found = reason(problem(changed(prize=prize)), [["a", "b"]])
    assert message in found.message
    assert relaxation in found.relaxation
    assert found.evidence == ""


def test_late_clients_and_long_routes_are_explained():
    clients = (replace(CLIENTS[0], latest=495), *CLIENTS[1:])
    given = problem(clients, vehicles=[replace(VAN, shift_end=545)])
    found = reason(given, [["c", "b", "a"]], "client a")
    assert found.kind == "late"
    assert "is stop 3 of van 1 and reached at 08:50, 35 min after its window closes" in found.message
    assert found.relaxation == "its window 35 min later, or an earlier stop or vehicle"
    assert found.evidence == ""
    too_late = problem((replace(CLIENTS[0], latest=485), *CLIENTS[1:]))
    assert reason(too_late, [["a", "b", "c"]], "client a").proved
    short = problem(vehicles=[replace(VAN, shift_end=530)])
    over = reason(short, [["a", "b", "c"]], "van 1")
    assert (
        "returns at 09:00, 10 min after its shift ends: 60 min of driving, 0 min of service" in over.message
    )
    assert over.relaxation == "the shift of van 1 10 min longer"


def test_with_a_clock_law_windows_are_driven_and_not_called_proved():
    law = parse_formula(
        "km * (1 + hour / 24)", [Variable("km", "km"), Variable("hour", "h")], Variable("t", "min")
    )
    clocked = law.bind(km=arc.distance, hour=clock.hour)
    found = reason(problem(changed(latest=500), duration=clocked), [["a", "b"]])
    assert not found.proved
    assert "20 min after its window closes" in found.message
    heavy = reason(problem(changed(demand=3.0), duration=clocked), [["a", "b"]])
    assert heavy.proved
