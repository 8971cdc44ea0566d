"""Clients that the roads do not join with a depot, beside the fastest paths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt.problems import RoadNetwork, RoutingProblem
from kanopt.problems.routing import Client, Depot, VehicleType


def problem(roads: RoadNetwork, vehicles: list[VehicleType], depots: int = 1) -> RoutingProblem:
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
    given = problem(roads, vehicles, depots=2)
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
