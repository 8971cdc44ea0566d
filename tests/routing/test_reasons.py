"""Why a client is left out or late, and what a place for it breaks: by hand, and beside every route there is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kanopt import RoutingProblem
from kanopt.formulas import Variable, parse_formula
from kanopt.plans.findings import Reason, Violation
from kanopt.refs import arc, clock
from kanopt.routing import Client, Depot, VehicleType, insertion
from kanopt.routing.insertion import InsertionFinder
from kanopt.routing.reasons import smallest_relaxations
from tests.cases.routing_simulator import Simulator
from tests.cases.routing_variants import VARIANTS, variant


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "pinned"])
def test_who_is_proved_to_be_out_of_reach_is_on_no_route_that_holds(name: str) -> None:
    for seed in range(3):
        town = variant(name, seed)
        given = replace(town, vehicles=[replace(each, shift_end=445.0) for each in town.vehicles])
        proved = {each.subject for each in given.reasons(given.plan_from([])) if each.proved}
        out = [place for place, each in enumerate(given.clients) if f"client {each.name}" in proved]
        held = [mask for each in given.vehicles for mask in Simulator(given).options(each.name)]
        assert not any(mask >> place & 1 for mask in held for place in out), (seed, out)
        # most of those whom no route serves are proved to be
        none = [place for place in range(len(given.clients)) if not any(mask >> place & 1 for mask in held)]
        assert len(out) >= len(none) // 2


def amounts(violations: tuple[Violation, ...]) -> dict[tuple[str, str, str], float]:
    return {(v.constraint, v.where, v.unit): v.amount for v in violations}


@pytest.mark.parametrize("name", VARIANTS)
def test_what_a_place_is_said_to_break_is_what_the_check_says(name: str) -> None:
    for seed in range(3):
        given = variant(name, seed)
        start = given.plan_from([["c2"], ["c3"]])
        before = amounts(given.check(start).violations)
        places = InsertionFinder(given.leg_laws, given.planning_values, start).for_client("c0")
        if not given.data.has_sources:  # of whom nothing else must come along every place is looked at
            tried = {(place.route.label, place.route.clients) for place in places}
            for stops in (("c0", "c2"), ("c2", "c0")):
                assert (start.routes[0].label, stops) in tried
        for place in places:
            routes = [r for r in start.routes if r.label != place.route.label]
            plan = given.plan_from([*routes, place.route])
            after = amounts(given.check(plan).violations)
            more = {key: amount - before.get(key, 0.0) for key, amount in after.items()}
            assert {k: pytest.approx(v) for k, v in more.items() if v > 1e-6} == amounts(place.violations)
            prizes = sum(
                c.prize or 0.0 for c in given.clients if c.name in {*start.unserved} - {*plan.unserved}
            )
            change = given.price(plan).objective - given.price(start).objective
            assert place.cost == pytest.approx(change + prizes)


@pytest.mark.parametrize(
    "van",
    [
        {"unit_duration_cost": 0.4},
        {"max_duration": 225.0},
        {"shift_end": 740.0},
        {"capacity": 12.0},
        {"breaks": "", "max_distance": 120.0},
        {"breaks": "", "capacity": 12.0, "shift_end": 600.0},
    ],
)
def test_of_many_places_a_few_are_driven_and_what_must_give_least_is_found(
    van: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(8)
    spots = rng.uniform(0, 20, (26, 2))
    minutes = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    opens, shared = (
        (480 + rng.integers(0, 60, 25)).tolist(),
        {"demand": 1.0, "service_duration": 3.0, "latest": 700},
    )
    clients = [Client(f"c{k}", earliest=earliest, **shared) for k, earliest in enumerate(opens)]
    fields = {"capacity": 13.0, "shift_start": 480, "breaks": "30 in 540-620, 15 in 660-700", **van}
    fleet = [VehicleType("van", 2, **fields)]
    given = RoutingProblem([Depot("depot")], clients, fleet, {"toll": minutes}, minutes, minutes)
    plan = given.plan_from([[f"c{k}" for k in range(12)], [f"c{k}" for k in range(12, 24)]])
    few = ("_MOST", 10), ("_EACH", 2)
    for name, count in few:
        monkeypatch.setattr(insertion, name, count)
    found = InsertionFinder(given.leg_laws, given.planning_values, plan).for_client("c24")
    assert len(found) < 26
    for name, _ in few:
        monkeypatch.setattr(insertion, name, 100)
    every = InsertionFinder(given.leg_laws, given.planning_values, plan).for_client("c24")
    assert len(every) == 26
    assert [(p.position_text, p.violations) for p in smallest_relaxations(found)] == [
        (p.position_text, p.violations) for p in smallest_relaxations(every)
    ]


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


def without(*legs: tuple[object, object]) -> np.ndarray:
    """Ways of which some are no roads."""
    ways = LINE.copy()
    for leg in legs:
        ways[leg] = np.inf
    return ways


TIME = parse_formula("d + 0 * h", [Variable("d", "km"), Variable("h", "h")], Variable("t", "min"))
CLOCKED = TIME.bind(d=arc.distance, h=clock.hour)
TO_C, FROM_C = (slice(None, 3), 3), (3, slice(None, 3))


SLOW = LINE.copy()
SLOW[0, 3] = 500.0  # over a and b it takes 30 minutes
HOURLY = parse_formula("d * (1 + h / 24)", [Variable("d", "km"), Variable("h", "h")], Variable("t", "min"))
HOURLY = HOURLY.bind(d=arc.distance, h=clock.hour)


@pytest.mark.parametrize(
    ("changes", "proved", "told"),
    [
        # a detour that is faster than the direct way counts in the proof
        ({"clients": changed(latest=515), "duration": SLOW}, False, "insert it into"),
        ({"clients": changed(latest=500), "duration": SLOW}, True, "10 min after"),
        ({"clients": changed(latest=500), "duration": HOURLY}, False, "20 min after its window closes"),
        ({"clients": changed(demand=3.0), "duration": HOURLY}, True, "3 t"),
        ({"clients": changed(prize=15.0)}, False, "a prize above 20.00 EUR"),
        ({"clients": changed(prize=25.0)}, False, "less than its prize of 25.00"),
        ({"vehicles": [replace(VAN, num_available=0)]}, True, "there is no vehicle"),
        ({"duration": without(TO_C)}, True, "no road leads from depot to c"),
        ({"duration": without(FROM_C)}, True, "a road from c to depot"),
        ({"cost": {"toll": without(TO_C)}}, True, "no road leads from depot to c"),  # a leg without a price
        ({"cost": {}, "duration": CLOCKED, "distance": without(TO_C)}, True, "no road leads"),
        # on the clock's law a road over another client is a road
        ({"cost": {}, "duration": CLOCKED, "distance": without((0, 3), (3, 0))}, False, "insert it into"),
    ],
)
def test_why_a_client_is_left_out_and_what_is_proved(changes: dict, proved: bool, told: str):
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


def test_late_clients_and_long_routes_are_explained():
    clients = (replace(CLIENTS[0], latest=495), *CLIENTS[1:])
    found = reason(problem(clients, vehicles=[replace(VAN, shift_end=545)]), [["c", "b", "a"]], "client a")
    assert (found.kind, found.evidence) == ("late", "")
    assert "van 1 reaches client a at 08:50, 35 min after its window closes at 08:15" in found.message
    assert "the window of client a 35 min later" in found.relaxation
    too_late = problem((replace(CLIENTS[0], latest=485), *CLIENTS[1:]))
    assert reason(too_late, [["a", "b", "c"]], "client a").proved
    over = reason(problem(vehicles=[replace(VAN, shift_end=530)]), [["a", "b", "c"]], "van 1")
    assert "returns at 09:00, 10 min after its shift ends" in over.message
    assert over.relaxation.startswith("its shift 10 min longer")
