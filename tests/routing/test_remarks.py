"""What is told of data and laws before anything is solved."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import RoutingProblem, refs
from kanopt.routing import Client, Depot, RoadNetwork, RoutingUnits, VehicleType

LINE = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
NAMES = ("yard", "a", "b", "c")


def problem(distance=LINE, duration=None, cost=None, van=None, demand=0.0, **changes) -> RoutingProblem:
    clients = [Client(name, demand=demand, earliest=60, latest=600) for name in NAMES[1:]]
    vehicle = van or VehicleType("van", shift_end=600)
    time = 2 * LINE if duration is None else duration
    return RoutingProblem([Depot("yard")], clients, [vehicle], cost or {}, time, distance, **changes)


def test_nothing_is_told_of_good_data():
    assert problem().data_remarks() == ()
    assert problem().remarks() == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"distance": 1000.0 * LINE, "van": VehicleType("van")}, "in km and times in min"),
        ({"distance": 1e-4 * LINE, "van": VehicleType("van")}, "in km and times in min"),
    ],
)
def test_what_looks_wrong_is_told(changes, told):
    given = problem(**changes)
    (found,) = given.data_remarks()
    assert re.search(told, found + given.remarks()[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"distance": 1000.0 * LINE, "units": RoutingUnits(distance="unit")},
        {"van": VehicleType("van", shift_start=10, shift_end=62)},
        {"van": VehicleType("van", num_available=0, shift_end=1)},
    ],
)
def test_what_is_right_is_not(changes):
    assert problem(**changes).data_remarks() == ()


ROAD = np.array([0.0, 6.0, 30.0, 30.2])
WAYS = np.abs(ROAD[:, None] - ROAD[None, :])


@pytest.mark.parametrize(
    ("law", "fixed", "told"),
    [
        ("3 + 1.5 * km", "3 min", ""),
        ("1.5 * km", None, ""),
        ("20 + 20 * km", "20 min", "3 of 4 legs are slower than one walks"),
        ("0.3 * km", None, "3 of 4 legs are faster than the road allows"),
        ("90 + 1.5 * km", "90 min", ""),  # a fixed time is no driving
        ("5 * log(km)", None, ""),  # which has no value at 0
    ],
)
def test_fixed_times_and_speeds_are_told(law: str, fixed: str | None, told: str) -> None:
    minutes = ko.parse_formula(law, [ko.Variable("km", "km")], ko.Variable("minutes", "min"))
    clients, duration = [Client(name) for name in "abc"], minutes.bind(km=refs.arc.distance)
    problem = RoutingProblem([Depot("yard")], clients, [VehicleType("van")], {}, duration, WAYS)
    found = problem.assess(problem.plan_from([["a", "b", "c"]]))
    assert {each.key: each.text for each in found.figures()}.get("fixed time") == fixed
    assert len(found.implausible) == bool(told)
    assert told in " ".join(found.implausible)
    assert set(found.implausible) <= set(found.law_caveats)


def on_roads(roads: RoadNetwork, vehicles: list[VehicleType], depots: int = 1) -> RoutingProblem:
    names = roads.names
    return RoutingProblem(
        [Depot(name) for name in names[:depots]],
        [Client(name, prize=1.0) for name in names[depots:]],
        vehicles,
        {},
        roads,
        roads,
    )


def random_roads(seed: int, nodes: int = 9, links: int = 11) -> RoadNetwork:
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, nodes, (links, 2))
    frame = pd.DataFrame({"tail": pairs[:, 0], "head": pairs[:, 1], "length": 1.0})
    places = pd.DataFrame({"name": range(nodes), "x": 0.0, "y": 0.0})
    return RoadNetwork(frame, rng.uniform(0.0, 5.0, links), places)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("returns", [True, False])
def test_clients_are_told_that_no_vehicle_can_serve(seed, returns):
    roads = random_roads(seed)
    vehicles = [VehicleType("van", start_depot="0", returns=returns), VehicleType("car", start_depot="1")]
    given = on_roads(roads, vehicles, depots=2)
    time = roads.matrix(roads.names).time
    there_and_back = np.isfinite(time[:2]) & np.isfinite(time[:, :2].T)
    if not returns:
        there_and_back[0] = np.isfinite(time[0])
    missing = [
        name for name, ok in zip(roads.names[2:], there_and_back[:, 2:].any(axis=0), strict=True) if not ok
    ]
    told = given.unreachable()
    assert bool(told) == bool(missing)
    assert all(f"'{name}'" in told[0] for name in missing[:5])
    assert given.remarks()[len(given.remarks()) - len(told) :] == told
