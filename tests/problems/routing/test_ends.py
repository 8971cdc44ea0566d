"""Routes that end at another depot than the one from which they start."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kanopt.errors import ProblemError
from kanopt.problems import Client, Depot, RoutingProblem, VehicleType
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.routing.feasibility import serve_all
from kanopt.solvers.routing.ortools import OrToolsRouting
from kanopt.solvers.routing.solver import RoutingSearch

# north, south, then a, b and c at 0, 40 and 10, 20, 30 km of a road
PLACES = np.array([0.0, 40.0, 10.0, 20.0, 30.0])
KM = np.abs(PLACES[:, None] - PLACES[None, :])
VAN = VehicleType("van", start_depot="north", end_depot="south", shift_end=600.0)


def line(**van: Any) -> RoutingProblem:
    clients = [Client(name, demand=1.0, service_duration=5.0) for name in "abc"]
    return RoutingProblem(
        [Depot("north", 0, 0), Depot("south", 40, 0)], clients, [replace(VAN, **van)], {"fuel": KM}, KM, KM
    )


@pytest.mark.parametrize(
    ("van", "message"),
    [
        ({"end_depot": "sout"}, "'sout' is none of the depots; did you mean 'south'"),
        ({"returns": False}, "'south', and it does not return; leave out one"),
        ({"end_depot": "a"}, "'a' is none of the depots"),
    ],
)
def test_an_end_that_is_none_is_refused(van: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        line(**van)


def test_orders_are_tried_up_to_the_end() -> None:
    deadline = time.perf_counter() + 60.0
    assert serve_all(line(shift_end=54.0), line(), deadline) == (None, True)
    plan, _ = serve_all(line(shift_end=55.0), line(), deadline)
    assert plan is not None
    assert plan.routes[0].clients == ("a", "b", "c")


def test_a_vehicle_that_is_not_needed_goes_nowhere() -> None:
    far = KM.copy()
    far[0, 1] = np.inf
    given = replace(line(num_available=2), duration=far, cost={"fuel": KM})
    for engine in (OrToolsRouting(), RoutingSearch()):
        outcome = engine.solve(given, SolveOptions(time_limit=0.5, seed=1))
        assert len(outcome.plan.routes) == 1
        assert outcome.objective == pytest.approx(40.0)
