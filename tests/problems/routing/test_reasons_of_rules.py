"""Why a client is left out under each rule beside capacity and windows: what is said, proved and priced."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kanopt.problems import Client, Depot, RoutingProblem, VehicleType
from kanopt.problems.findings import Violation
from kanopt.problems.routing import insertion
from kanopt.problems.routing.insertion import InsertionFinder
from kanopt.problems.routing.reasons import smallest_relaxations


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
    limits = {
        "shift_end": float(rng.uniform(540, 640)),
        "returns": bool(rng.random() < 0.6),
        "max_reloads": int(rng.integers(0, 2)),
        "max_distance": float(rng.choice([np.inf, 50.0])),
        "max_duration": float(rng.choice([np.inf, 60.0])),
        "breaks": str(rng.choice(["", "20 in 500-530"])),
    }
    van = VehicleType("van", 1, capacity=1.0, shift_start=480, **limits)
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
    for seed in range(14):
        given = under_many_rules(seed)
        found = [each for each in given.reasons(given.plan_from([])) if each.proved]
        if not found:
            continue
        out = {each.subject.removeprefix("client ") for each in found}
        for way in ways(given):
            assert not (out & set(way) and given.check(given.plan_from([way])).ok), (seed, way)
        proofs += len(found)
    assert proofs >= 15


def amounts(violations: tuple[Violation, ...]) -> dict[tuple[str, str, str], float]:
    return {(v.constraint, v.where, v.unit): v.amount for v in violations}


@pytest.mark.slow
def test_what_a_place_is_said_to_break_is_what_the_check_says() -> None:
    for seed in range(16):
        given = under_many_rules(seed)
        start = given.plan_from([["c2"]])
        before = amounts(given.check(start).violations)
        for place in InsertionFinder(given.leg_laws, given.planning_values, start).for_client("c0"):
            routes = [r for r in start.routes if r.label != place.route.label]
            plan = given.plan_from([*routes, place.route])
            after = given.check(plan).violations
            more = {key: amount - before.get(key, 0.0) for key, amount in amounts(after).items()}
            assert {k: pytest.approx(v) for k, v in more.items() if v > 1e-6} == amounts(place.violations)
            prizes = sum(1.0 for name in start.unserved) - sum(1.0 for name in plan.unserved)
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
    clients = [
        Client(f"c{k}", demand=1.0, service_duration=3.0, earliest=480 + opens, latest=700)
        for k, opens in enumerate(rng.integers(0, 60, 25).tolist())
    ]
    fields = {"capacity": 13.0, "shift_start": 480, "breaks": "30 in 540-620, 15 in 660-700", **van}
    fleet = [VehicleType("van", 2, **fields)]
    given = RoutingProblem([Depot("depot")], clients, fleet, {"toll": minutes}, minutes, minutes)
    plan = given.plan_from([[f"c{k}" for k in range(12)], [f"c{k}" for k in range(12, 24)]])
    few = ("_MOST_RESTED", 10), ("_EACH_RESTED", 2), ("_MOST", 10), ("_EACH", 2)
    for name, count in few:
        monkeypatch.setattr(insertion, name, count)
    some = InsertionFinder(given.leg_laws, given.planning_values, plan)
    found = some.for_client("c24")
    assert len(found) < 26
    for name, _ in few:
        monkeypatch.setattr(insertion, name, 100)
    every = InsertionFinder(given.leg_laws, given.planning_values, plan).for_client("c24")
    assert len(every) == 26
    assert [(p.position_text, p.violations) for p in smallest_relaxations(found)] == [
        (p.position_text, p.violations) for p in smallest_relaxations(every)
    ]
