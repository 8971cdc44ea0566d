"""Routes that end at another depot than the one from which they start."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import ProblemError
from kanopt.problems import Client, Depot, MapView, RoadNetwork, RoutingProblem, VehicleType
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.routing.feasibility import serve_all
from kanopt.solvers.routing.ortools import OrToolsRouting
from kanopt.solvers.routing.racer.refine import refine
from kanopt.solvers.routing.solver import RoutingSearch
from tests.cases.routing_simulator import best_of_all
from tests.cases.routing_variants import variant

# north, south, then a, b and c at 0, 40 and 10, 20, 30 km of a road
PLACES = np.array([0.0, 40.0, 10.0, 20.0, 30.0])
KM = np.abs(PLACES[:, None] - PLACES[None, :])
VAN = VehicleType("van", start_depot="north", end_depot="south", shift_end=600.0)


def line(**van: Any) -> RoutingProblem:
    clients = [Client(name, demand=1.0, service_duration=5.0) for name in "abc"]
    return RoutingProblem(
        [Depot("north", 0, 0), Depot("south", 40, 0)], clients, [replace(VAN, **van)], {"fuel": KM}, KM, KM
    )


def test_the_last_leg_leads_to_the_end() -> None:
    given = line(unit_duration_cost=1.0, unit_distance_cost=2.0)
    plan = given.plan_from({"van": ["a", "b"]})
    driven = given.drive(plan.routes)
    assert [given.data.names[node] for node in driven.head] == ["a", "b", "south"]
    assert driven.load.tolist() == [2.0, 1.0, 0.0]
    assert driven.finish.tolist() == [50.0]
    assert given.price(plan).terms().to_dict() == {"time": 50.0, "fuel": 40.0, "distance": 80.0}
    assert given.timetable(plan)["place"].tolist() == ["a", "b", "south"]


@pytest.mark.parametrize(
    ("limit", "rule"),
    [
        ({"shift_end": 49.0}, "shift"),
        ({"max_distance": 39.0}, "distance"),
        ({"max_duration": 49.0}, "duration"),
    ],
)
def test_limits_count_the_way_to_the_end(limit: dict[str, float], rule: str) -> None:
    given = line(**limit)
    assert [each.constraint for each in given.check(given.plan_from({"van": ["a", "b"]})).violations][1:] == [
        rule
    ]


def test_reloads_are_at_the_depot_of_the_start() -> None:
    given = line(max_reloads=1, capacity=2.0)
    plan = given.plan_from({"van": ["a", "north", "b", "c"]})
    assert given.check(plan).ok
    assert given.drive(plan.routes).finish.tolist() == [75.0]
    with pytest.raises(ProblemError, match="unknown client 'south'"):
        given.plan_from({"van": ["a", "south", "b"]})


def test_the_map_leads_to_the_end() -> None:
    places = [(0.0, 0.0), (40.0, 0.0), (10.0, 0.0), (20.0, 0.0), (30.0, 0.0)]
    given = line()
    given = replace(
        given,
        clients=[replace(c, x=place[0], y=0.0) for c, place in zip(given.clients, places[2:], strict=True)],
    )
    view = given.views(given.plan_from({"van": ["a"]}))[0]
    assert isinstance(view, MapView)
    assert view.paths["x"].tolist() == [0.0, 10.0, 40.0]


@pytest.mark.parametrize(
    ("van", "message"),
    [
        ({"end_depot": "sout"}, "'sout' is none of the depots; did you mean 'south'"),
        (
            {"returns": False},
            "its routes end at 'south', and it does not return; leave out one of end_depot and returns",
        ),
        ({"end_depot": "a"}, "'a' is none of the depots"),
    ],
)
def test_an_end_that_is_none_is_refused(van: dict[str, Any], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        line(**van)


def test_who_cannot_be_brought_to_the_end_is_told() -> None:
    given = line(shift_end=40.0)
    (reason,) = [
        each for each in given.reasons(given.plan_from({"van": ["b"]})) if each.subject == "client a"
    ]
    assert reason.proved
    assert "van is back from it at 00:45 at the earliest" in reason.message
    road = KM.copy()
    road[[0, 2, 3, 4], 1] = np.inf
    (reason,) = replace(line(), duration=road).infeasibility_reasons()[:1]
    assert "no road leads from it on to south" in reason.message


def test_the_network_is_asked_for_the_way_to_the_end() -> None:
    roads = pd.DataFrame({"tail": ["north", "a", "south"], "head": ["a", "south", "b"], "length": 1.0})
    network = RoadNetwork(roads, np.ones(3))
    given = RoutingProblem(
        [Depot("north"), Depot("south")], [Client("a"), Client("b")], [VAN], {}, network, network
    )
    (told,) = given.unreachable()
    assert told.endswith("no vehicle can drive from its depot to 'b' and on to where it ends")


def test_a_shift_too_short_to_reach_the_end_is_remarked() -> None:
    assert any(
        "the first return to south would be at 00:45" in told for told in line(shift_end=44.0).remarks()
    )


def test_orders_are_tried_up_to_the_end() -> None:
    deadline = time.perf_counter() + 60.0
    assert serve_all(line(shift_end=54.0), line(), deadline) == (None, True)
    plan, _ = serve_all(line(shift_end=55.0), line(), deadline)
    assert plan is not None
    assert plan.routes[0].clients == ("a", "b", "c")


@pytest.mark.parametrize("engine", [RoutingSearch(), OrToolsRouting()], ids=["search", "ortools"])
@pytest.mark.parametrize("reloads", [0, 1])
def test_engines_see_the_end(engine: Any, reloads: int) -> None:
    given = replace(
        line(max_reloads=reloads, capacity=2.0 if reloads else np.inf, fixed_cost=3.0),
        depots=[Depot("north"), Depot("south")],
    )
    outcome = engine.solve(given, SolveOptions(time_limit=2.0, seed=1))
    best = best_of_all(given)
    assert given.check(outcome.plan).ok
    assert outcome.objective == pytest.approx(best.cost, abs=2 * outcome.rounding_bound + 1e-6)


def test_a_vehicle_that_is_not_needed_goes_nowhere() -> None:
    far = KM.copy()
    far[0, 1] = np.inf
    given = replace(line(num_available=2), duration=far, cost={"fuel": KM})
    for engine in (OrToolsRouting(), RoutingSearch()):
        outcome = engine.solve(given, SolveOptions(time_limit=2.0, seed=1))
        assert len(outcome.plan.routes) == 1
        assert outcome.objective == pytest.approx(40.0)


@pytest.mark.parametrize("seed", range(12))
def test_the_search_finds_the_best_plan(seed: int) -> None:
    given = variant("end", seed)
    best = best_of_all(given)
    assert given.price(refine(given, steps=2000, seed=seed)).objective == pytest.approx(best.cost, rel=1e-6)
