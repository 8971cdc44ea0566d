"""Why a client is left out under each rule beside capacity and windows: what is said, proved and priced."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kanopt.problems import Client, Depot, Reason, RoutingProblem, VehicleType
from kanopt.problems.routing import RoutingPolicy, insertion
from kanopt.problems.routing.insertion import InsertionFinder
from kanopt.problems.routing.reasons import smallest_relaxations
from kanopt.problems.routing.simulate import drive

LINE = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0))) * 10
CLIENTS = (Client("a", demand=0.5), Client("b", demand=0.4), Client("c", demand=0.3))
VAN = VehicleType("van", 1, capacity=2.0, shift_start=480, shift_end=600)


def problem(
    clients: Any = CLIENTS, van: dict[str, Any] | None = None, count: int = 1, **policy: Any
) -> RoutingProblem:
    """The depot and three clients on a line, ten minutes, kilometres and euros from each to the next."""
    return RoutingProblem(
        [Depot("depot")],
        clients,
        [replace(VAN, num_available=count, **(van or {}))],
        {"toll": LINE},
        LINE,
        LINE,
        policy=RoutingPolicy(**policy),
    )


def changed(**fields: Any) -> tuple[Client, ...]:
    return (*CLIENTS[:2], replace(CLIENTS[2], **fields))


def reason(given: RoutingProblem, plan: Any, subject: str = "client c") -> Reason:
    return {each.subject: each for each in given.reasons(given.plan_from(plan))}[subject]


def test_the_longest_distance_and_duration_are_proofs_where_no_route_is_shorter() -> None:
    far = reason(problem(van={"max_distance": 55.0}), [["a", "b"]])
    assert far.proved
    assert far.evidence == "proved"
    assert far.message == (
        "client c cannot be served: even alone, the shortest route of van to it is 60 km long, 5 km more than it may"
    )
    assert far.relaxation == "the longest distance of van 5 km longer"
    slow = reason(problem(changed(service_duration=15.0), {"max_duration": 70.0}), [["a", "b"]])
    assert slow.proved
    assert "takes 75 min, 5 min more than it may" in slow.message


def test_an_open_route_needs_no_way_back() -> None:
    for limits in ({"shift_end": 515.0}, {"max_distance": 35.0}, {"max_duration": 35.0}):
        assert reason(problem(van=limits), [["a", "b"]]).proved
        open_route = reason(problem(van={**limits, "returns": False}), [["a", "b"]])
        assert "could serve it for 10.00 EUR more" in open_route.message


def test_limits_of_a_route_that_others_use_up_are_what_must_give() -> None:
    clients = (replace(CLIENTS[0], service_duration=10.0), *CLIENTS[1:])
    long = reason(problem(clients, {"max_duration": 65.0}), [["a", "b"]])
    assert not long.proved
    assert long.relaxation == (
        "van 1 between a and b with its longest duration 5 min longer, for 20.00 EUR more"
    )
    assert "exceeds the longest duration by 5 min" in long.message
    roads = LINE.copy()
    roads[2, 3] = roads[3, 2] = 40.0
    far = replace(problem(van={"max_distance": 65.0}), distance=roads)
    found = reason(far, [["b"]])
    assert not found.proved
    assert "with its longest distance" in found.relaxation
    assert "every place for client c with room and time breaks another rule" in found.message


def test_every_capacity_counts_with_its_unit_and_price() -> None:
    clients = [replace(c, attributes={"pallets": n}) for c, n in zip(CLIENTS, (2.0, 1.0, 3.0), strict=True)]
    given = problem(clients, {"attributes": {"pallets": 2.5}}, capacities=("pallets",))
    found = reason(given, [["b"]])
    assert found.proved
    assert "its demand of 3 of pallets is more than van can carry (2.5)" in found.message
    given = problem(clients, {"attributes": {"pallets": 5.0}}, capacities=("pallets",))
    found = reason(given, [["a", "b"]])
    assert not found.proved
    assert found.relaxation == "van 1 between a and b with 1 more capacity of pallets, for 20.00 EUR more"
    assert found.price == 20.0
    fleet = reason(given, [["a", "b"]], "fleet")
    assert fleet.message.startswith(
        "the clients that must be served demand 6 of pallets, 1 more than all vehicles"
    )


def test_what_is_picked_up_must_fit_on_board_even_where_the_route_ends_there() -> None:
    given = problem(changed(demand=0.0, pickup=2.4))
    ends = problem(changed(demand=0.0, pickup=2.4), {"returns": False})
    for each in (given, ends):
        found = reason(each, [["a", "b"]])
        assert found.proved
        assert "what it picks up of 2.4 t is more than van can carry (2 t)" in found.message
        assert not each.check(each.plan_from([["a", "b", "c"]])).ok


def test_a_reload_is_a_place_and_one_more_of_them_is_what_must_give() -> None:
    clients = (Client("a", demand=0.9), Client("b", demand=0.9), Client("c", demand=0.9))
    full = reason(problem(clients, {"capacity": 2.0, "shift_end": 700}), [["a", "b"]])
    assert full.relaxation == "van 1 between a and b with 0.7 t more capacity, for 20.00 EUR more"
    again = reason(problem(clients, {"capacity": 2.0, "shift_end": 700, "max_reloads": 1}), [["a", "b"]])
    assert "could serve it for 40.00 EUR more" in again.message
    assert not [
        each for each in problem(clients, {"max_reloads": 1}).reasons(None) if each.subject == "fleet"
    ]


def test_a_client_and_its_source_are_added_together_and_in_order() -> None:
    clients = (CLIENTS[0], replace(CLIENTS[1], demand=0.0), replace(CLIENTS[2], source="b"))
    given = problem(clients)
    for name in ("b", "c"):
        found = reason(given, [["a"]], f"client {name}")
        assert "could serve it for 40.00 EUR more" in found.message
    late = (CLIENTS[0], replace(CLIENTS[1], demand=0.0, latest=490.0), replace(CLIENTS[2], source="b"))
    found = reason(problem(late), [["a"]], "client c")
    assert found.proved
    assert "client b, its source, cannot be served either" in found.message
    slow = (
        CLIENTS[0],
        replace(CLIENTS[1], service_duration=25.0),
        replace(CLIENTS[2], source="b", latest=530.0),
    )
    found = reason(problem(slow), [["a"]], "client c")
    assert found.proved
    assert "reaches it at 08:55 at the earliest, 5 min after its window closes" in found.message
    heavy = (CLIENTS[0], replace(CLIENTS[1], pickup=1.8), replace(CLIENTS[2], source="b"))
    assert "what it picks up of 2.1 t is more" in reason(problem(heavy), [["a"]], "client b").message


def test_a_source_that_is_served_binds_the_client_to_its_route() -> None:
    clients = (CLIENTS[0], CLIENTS[1], replace(CLIENTS[2], source="a"))
    given = problem(clients, count=2)
    found = reason(given, {"van 1": ["b"], "van 2": ["a"]})
    assert "van 2 between a and depot could serve it for 40.00 EUR more" in found.message


def test_the_last_of_several_windows_counts() -> None:
    given = problem(changed(windows="480-490, 500-505"))
    found = reason(given, [["a", "b"]])
    assert found.proved
    assert "5 min after its window closes at 08:25" in found.message
    later = problem(changed(windows="480-490, 520-525"))
    assert "could serve it for 20.00 EUR more" in reason(later, [["a", "b"]]).message
    shut = reason(problem(changed(windows="480-490, 580-590")), [["a", "b"]])
    assert shut.proved
    assert "is back from it at 10:10 at the earliest" in shut.message


def test_lateness_that_is_paid_for_is_allowed_and_has_a_reason_with_its_price() -> None:
    given = problem(changed(latest=500.0, unit_lateness_cost=2.0))
    found = reason(given, [["a", "b"]])
    assert "could serve it for 40.00 EUR more" in found.message
    late = given.plan_from([["a", "b", "c"]])
    assert given.check(late).ok
    (told,) = given.reasons(late)
    assert (told.subject, told.kind, told.price) == ("client c", "late", -20.0)
    assert told.message.endswith("10 min after its window closes, which it allows at a price of 20.00 EUR")


def test_a_break_counts_in_what_must_give() -> None:
    # c must be served from 515 at the latest, for an hour in which the break may not begin
    given = problem(
        changed(latest=515.0, service_duration=60.0), {"breaks": "30 in 520-540", "shift_end": 700}
    )
    assert given.check(given.plan_from([["a", "b"]])).only_unserved
    found = reason(given, [["a", "b"]])
    assert not found.proved
    assert (
        found.relaxation
        == "van 1 between a and b with the window of client c 35 min later, for 20.00 EUR more"
    )
    without = reason(problem(changed(latest=515.0, service_duration=60.0), {"shift_end": 700}), [["a", "b"]])
    assert "could serve it for 20.00 EUR more" in without.message


def test_goods_pins_backhauls_and_skills_are_named() -> None:
    paint = (replace(CLIENTS[0], goods="food"), CLIENTS[1], replace(CLIENTS[2], goods="paint"))
    found = reason(problem(paint, apart=(("food", "paint"),)), [["a", "b"]])
    assert found.relaxation.endswith("with goods on it that are kept apart, for 20.00 EUR more")
    assert "the goods of clients" in found.message
    assert "the empty van 2 could serve it for 60.00 EUR more" in (
        reason(problem(paint, count=2, apart=(("food", "paint"),)), [["a", "b"]]).message
    )
    pinned = problem(van={"capacity": 1.0}, count=2, pinned={"van 1": ["c"]})
    found = reason(pinned, [["a", "b"]])
    assert found.relaxation == (
        "van 1 between a and b with 0.2 t more capacity, for 20.00 EUR more, or the empty van 2 with "
        "client c pinned to it, for 60.00 EUR more"
    )
    roads = LINE.copy()
    roads[0, 3] = np.inf
    clients = (replace(CLIENTS[0], demand=0.0, pickup=0.5), *CLIENTS[1:])
    given = replace(problem(clients, backhaul=True), distance=roads, duration=roads)
    found = reason(given, [["a"]])
    assert (
        found.relaxation
        == "van 1 between a and depot with client c served after a pickup, for 40.00 EUR more"
    )


def test_even_work_counts_in_the_price_of_a_place() -> None:
    given = problem(count=2, longest_route_cost=0.5)
    found = reason(given, {"van 1": ["a"], "van 2": ["b"]})
    # van 2 takes 20 minutes longer
    assert found.price == pytest.approx(20.0 + 0.5 * 20.0)
    full = replace(given, vehicles=[replace(VAN, num_available=2, capacity=0.5)])
    found = reason(full, {"van 1": ["a"], "van 2": ["b"]})
    before = full.price(full.plan_from({"van 1": ["a"], "van 2": ["b"]})).objective
    after = full.price(full.plan_from({"van 1": ["a"], "van 2": ["b", "c"]})).objective
    assert found.price == pytest.approx(after - before)
    assert found.relaxation == (
        f"van 2 between depot and b with 0.2 t more capacity, for {after - before:.2f} EUR more"
    )


def test_how_the_time_of_a_route_is_spent_counts_breaks_and_reloads() -> None:
    given = problem(
        (replace(CLIENTS[0], service_duration=5.0), CLIENTS[1], CLIENTS[2]),
        {"breaks": "30 in 490-500", "max_reloads": 1, "reload_time": 15.0, "shift_end": 560},
    )
    found = reason(given, [["a", "depot", "b"]], "van 1")
    assert found.message.endswith(
        "60 min of driving, 20 min of service, 0 min of waiting and 30 min of breaks"
    )


def test_a_plan_that_breaks_a_rule_already_is_asked_for_no_more_than_that() -> None:
    given = problem(van={"capacity": 0.8})
    found = reason(given, [["a", "b"]])
    assert "with 0.3 t more capacity" in found.relaxation
    assert "the most free is 0 t on van 1" in found.message


def under_many_rules(seed: int) -> RoutingProblem:
    """A random problem of three clients of whom some cannot be served at all."""
    rng = np.random.default_rng(seed)
    minutes = rng.uniform(5, 40, (4, 4)).round(1)
    np.fill_diagonal(minutes, 0.0)
    distance = rng.uniform(5, 40, (4, 4)).round(1)
    clients = []
    for k in range(3):
        opens = round(float(rng.uniform(480, 560)))
        fields: dict[str, Any] = {"windows": f"{opens}-{opens + 5}, {opens + 30}-{opens + 40}"}
        if rng.random() < 0.5:
            fields = {"earliest": opens, "latest": opens + 30}
        if rng.random() < 0.3:
            fields["unit_lateness_cost"] = 1.0
        if rng.random() < 0.4:
            fields["pickup"] = round(float(rng.uniform(0.2, 1.2)), 2)
        demand, service = round(float(rng.uniform(0.2, 1.1)), 2), float(rng.integers(0, 40))
        clients.append(Client(f"c{k}", demand=demand, service_duration=service, prize=1.0, **fields))
    if rng.random() < 0.5:
        clients[1] = replace(clients[1], source="c0")
    van = VehicleType(
        "van",
        1,
        capacity=1.0,
        shift_start=480,
        shift_end=float(rng.uniform(540, 640)),
        returns=bool(rng.random() < 0.6),
        max_reloads=int(rng.integers(0, 2)),
        max_distance=float(rng.choice([np.inf, 50.0])),
        max_duration=float(rng.choice([np.inf, 60.0])),
        breaks=str(rng.choice(["", "20 in 500-530"])),
    )
    return RoutingProblem([Depot("depot")], clients, [van], minutes, minutes, distance)


def ways(problem: RoutingProblem) -> Iterator[tuple[str, ...]]:
    """Every route of the one vehicle, with every visit of the depot on the way."""
    names = [client.name for client in problem.clients]
    for size in range(1, len(names) + 1):
        for order in itertools.permutations(names, size):
            for again in itertools.product([False, True], repeat=size - 1):
                stops = [
                    [order[0]],
                    *(["depot", n] if x else [n] for n, x in zip(order[1:], again, strict=True)),
                ]
                yield tuple(itertools.chain.from_iterable(stops))


@pytest.mark.slow
def test_who_is_proved_to_be_out_of_reach_is_served_by_no_plan_at_all() -> None:
    proofs = 0
    for seed in range(25):
        given = under_many_rules(seed)
        found = [each for each in given.reasons(given.plan_from([])) if each.proved]
        if not found:
            continue
        out = {each.subject.removeprefix("client ") for each in found}
        for way in ways(given):
            assert not (out & set(way) and given.check(given.plan_from([way])).ok), (seed, way)
        proofs += len(found)
    assert proofs >= 30


@pytest.mark.slow
def test_what_a_place_is_said_to_break_is_what_the_check_says() -> None:
    for seed in range(30):
        given = under_many_rules(seed)
        start = given.plan_from([["c2"]])
        before = {(v.constraint, v.where, v.unit): v.amount for v in given.check(start).violations}
        for place in InsertionFinder(given.leg_laws, given.planning_values, start).for_client("c0"):
            routes = [r for r in start.routes if r.label != place.route.label]
            plan = given.plan_from([*routes, place.route])
            after = given.check(plan).violations
            more = {
                (v.constraint, v.where, v.unit): v.amount - before.get((v.constraint, v.where, v.unit), 0.0)
                for v in after
            }
            told = {(v.constraint, v.where, v.unit): v.amount for v in place.violations}
            assert {k: pytest.approx(v) for k, v in more.items() if v > 1e-6} == told
            prizes = sum(1.0 for name in start.unserved) - sum(1.0 for name in plan.unserved)
            change = given.price(plan).objective - given.price(start).objective
            assert place.cost == pytest.approx(change + prizes)


def test_with_many_places_the_least_that_must_give_is_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    spots = rng.uniform(0, 30, (61, 2))
    minutes = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    clients = [
        Client(f"c{k}", demand=1.0, service_duration=4.0, earliest=480 + opens, latest=520 + opens)
        for k, opens in enumerate(rng.integers(0, 200, 60).tolist())
    ]
    van = VehicleType("van", 10, capacity=5.5, shift_start=450, shift_end=760, max_distance=120.0)
    given = RoutingProblem([Depot("depot")], clients, [van], {"toll": minutes}, minutes, minutes)
    plan = given.plan_from({
        f"van {k + 1}": sorted((f"c{j}" for j in range(5 * k, 5 * k + 5)), key=lambda n: clients[int(n[1:])].latest)
        for k in range(10)
    })  # fmt: skip
    monkeypatch.setattr(insertion, "_MOST", 20)
    monkeypatch.setattr(insertion, "_EACH", 3)
    some = InsertionFinder(given.leg_laws, given.planning_values, plan)
    assert max(len(some.for_client(name)) for name in plan.unserved) < 60
    few = [smallest_relaxations(some.for_client(name)) for name in plan.unserved]
    monkeypatch.setattr(insertion, "_MOST", 10_000)
    every = InsertionFinder(given.leg_laws, given.planning_values, plan)
    for name, found in zip(plan.unserved, few, strict=True):
        assert len(every.for_client(name)) == 60
        assert [(p.position_text, p.violations) for p in smallest_relaxations(every.for_client(name))] == [
            (p.position_text, p.violations) for p in found
        ]


def rested(**van: Any) -> tuple[RoutingProblem, Any]:
    """Two routes of twelve clients with breaks, and one more client to add."""
    rng = np.random.default_rng(8)
    spots = rng.uniform(0, 20, (26, 2))
    minutes = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    clients = [
        Client(f"c{k}", demand=1.0, service_duration=3.0, earliest=480 + opens, latest=700)
        for k, opens in enumerate(rng.integers(0, 60, 25).tolist())
    ]
    fields = {"capacity": 13.0, "shift_start": 480, "breaks": "30 in 540-620, 15 in 660-700", **van}
    given = RoutingProblem(
        [Depot("depot")], clients, [VehicleType("van", 2, **fields)], {"toll": minutes}, minutes, minutes
    )
    return given, given.plan_from([[f"c{k}" for k in range(12)], [f"c{k}" for k in range(12, 24)]])


@pytest.mark.parametrize(
    "van",
    [{}, {"unit_duration_cost": 0.4}, {"max_duration": 225.0}, {"shift_end": 740.0}, {"capacity": 12.0}],
)
def test_the_best_departure_with_breaks_is_looked_for_only_where_it_matters(
    van: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given, plan = rested(**van)
    asked: list[int] = []

    def counted(laws: Any, planning: Any, routes: Any) -> Any:
        asked.append(sum(route.departure is None for route in routes))
        return drive(laws, planning, routes)

    some = InsertionFinder(given.leg_laws, given.planning_values, plan)
    monkeypatch.setattr(insertion, "drive", counted)
    found = some.for_client("c24")
    matters = bool({"unit_duration_cost", "max_duration"} & set(van))
    assert (0 < sum(asked) < 26) if matters else not sum(asked)
    # with every departure looked for, nothing else is told
    monkeypatch.setattr(insertion, "is_soonest_at_start", lambda laws, kind: False)
    every = InsertionFinder(given.leg_laws, given.planning_values, plan).for_client("c24")
    assert len(every) == 26
    assert all(place.route.departure is None for place in found)
    assert [(p.position_text, p.violations) for p in smallest_relaxations(found)] == [
        (p.position_text, p.violations) for p in smallest_relaxations(every)
    ]
    assert [p.cost for p in smallest_relaxations(found)] == pytest.approx(
        [p.cost for p in smallest_relaxations(every)]
    )
    known = {p.route.clients: p for p in every}
    for place in found:
        assert place.violations == known[place.route.clients].violations
        assert place.cost == pytest.approx(known[place.route.clients].cost)


def test_of_many_places_with_breaks_a_few_are_driven_where_none_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    given, plan = rested(capacity=12.0)
    monkeypatch.setattr(insertion, "_MOST_RESTED", 10)
    monkeypatch.setattr(insertion, "_EACH_RESTED", 2)
    some = InsertionFinder(given.leg_laws, given.planning_values, plan)
    found = some.for_client("c24")
    assert len(found) < 26
    monkeypatch.setattr(insertion, "_MOST_RESTED", 100)
    every = InsertionFinder(given.leg_laws, given.planning_values, plan).for_client("c24")
    assert len(every) == 26
    assert [(p.position_text, p.violations) for p in smallest_relaxations(found)] == [
        (p.position_text, p.violations) for p in smallest_relaxations(every)
    ]
