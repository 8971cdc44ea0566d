"""Routes that are under way: what of them stays, and what may still be planned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import RoutingProblem
from kanopt.errors import ProblemError, SolverError
from kanopt.routing import Client, Depot, Route, RoutingPlan, RoutingPolicy, VehicleType
from kanopt.routing.search.ortools import OrToolsRouting
from kanopt.routing.search.solver import RoutingSearch
from tests.cases import routing_variants
from tests.cases.routing_variants import VARIANTS, going_on, some_routes, variant
from tests.routing.simulate.test_variants import compare

KM = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0))) * 10


def line(van: dict[str, Any] | None = None, **given: Any) -> RoutingProblem:
    """Clients a to d at 10 to 40 km and minutes from the depot; c is picked up, d is no more than a visit."""
    clients = [
        Client("a", demand=1.0),
        Client("b", demand=1.0),
        Client("c", pickup=1.0),
        Client("d", prize=50.0),
    ]
    fleet = [VehicleType("van", **{"num_available": 2, "max_reloads": 2, "reload_time": 5.0, **(van or {})})]
    return RoutingProblem([Depot("depot")], clients, fleet, {"fuel": KM}, KM, KM, **given)


def told(problem: RoutingProblem, plan: Any) -> list[str]:
    violations = problem.check(problem.plan_from(plan)).violations
    return [each.message for each in violations if each.constraint == "started"]


@pytest.mark.parametrize(
    ("now", "locked"),
    [(-1, None), (0, 1), (9, 1), (10, 2), (20, 3), (29.5, 3), (30, 4), (70, 4)],
)
def test_stops_that_are_begun_and_the_one_driven_to_are_locked(now: float, locked: int | None) -> None:
    problem = line().with_routes_under_way([Route("van", 1, "depot", ("a", "b", "c"), 0.0)], now)
    assert problem.policy.not_before == now
    expected = () if locked is None else (Route("van", 1, "depot", ("a", "b", "c"), 0.0, locked),)
    assert problem.started == expected


def test_departures_stay_and_nothing_begins_in_the_past() -> None:
    problem = line(started=[Route("van", 1, "depot", ("a",), 12.0)], policy=RoutingPolicy(not_before="0:50"))
    plan = problem.plan_from({"van 1": ["a", "depot", "b"], "van 2": ["c"]})
    driven = problem.drive(plan.routes)
    assert driven.departure.tolist() == [12.0, 50.0]
    assert problem.check(plan).only_unserved or problem.check(plan).ok
    # the second trip is not begun either
    assert driven.leave[:3].tolist() == [12.0, 22.0, 50.0]
    early = [replace(plan.routes[0], departure=20.0), replace(plan.routes[1], departure=40.0)]
    first, second = told(problem, early)
    assert "van 1 leaves at 00:20, but has left at 00:12" in first
    assert "van 2 leaves at 00:40, 10 min before 00:50" in second


def under_way(
    *stops: str, vehicle: str = "van", number: int = 1, depot: str = "depot", locked: int = 1
) -> list:
    return [Route(vehicle, number, depot, stops, 0.0, locked)]


LOCKED = pd.DataFrame({"vehicle": "van", "stop": [1, 2], "client": ["a", "b"], "locked": [1, 2]})


@pytest.mark.parametrize(
    ("started", "message"),
    [
        (under_way("a", number=3), "van 3 does not exist"),
        (under_way("a", vehicle="bus"), "unknown vehicle type 'bus'"),
        (under_way("e"), "route 1 .van 1.: unknown client 'e'"),
        (under_way("a", locked=3), "van 1: locked = 3 of 1 stop"),
        (under_way("a", locked=-1), "van 1: locked = -1 of 1 stop"),
        ([["a"], ["a", "b"]], "client a is served 2 times"),
        (under_way("a") + under_way("b"), "van 1 drives 2 routes at once"),
        (under_way("a", depot="yard"), "unknown depot 'yard'"),
        ("a", "a routing plan is a RoutingPlan"),
        (LOCKED, "how many of its stops stay"),
        (LOCKED.assign(locked="some"), "how many of its stops stay"),
        (LOCKED.assign(locked=0.5), "how many of its stops stay"),
    ],
)
def test_routes_that_cannot_be_under_way_are_refused(started: Any, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        line(started=started)


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ProblemError, match="not_before = 'noon' is no clock time"):
        line(policy=RoutingPolicy(not_before="noon"))
    with pytest.raises(ProblemError, match="now = 'noon' is no clock time"):
        line().with_routes_under_way([["a"]], "noon")


@pytest.mark.parametrize(
    "locked", [[1, 1], ["1", None], [True, False], ["yes", "no"], ["true", "false"]], ids=str
)
def test_tables_say_what_is_locked(locked: list[Any]) -> None:
    table = LOCKED.assign(vehicle="van 2", departure="0:15", locked=locked)
    assert line(started=table).started == (Route("van", 2, "depot", ("a", "b"), 15.0, 1),)


def test_engines_refuse_what_is_under_way() -> None:
    problem = line(started=[["a"]])
    assert "routes under way" in OrToolsRouting().accepts(problem)
    assert RoutingSearch().accepts(problem) == ""
    with pytest.raises(SolverError, match=r"does not model .*routes under way"):
        ko.solve(problem, solver="ortools")


@pytest.mark.parametrize("name", VARIANTS)
def test_random_plans_are_checked_and_priced_as_the_simulator_does(name: str) -> None:
    kept = 0
    for seed in range(12):
        problem = routing_variants.under_way(variant(name, seed), seed)
        routes = going_on(problem, seed) if problem.started else some_routes(problem, seed, stated=True)
        plan = problem.plan_from(RoutingPlan(routes))
        compare(problem, plan)
        compare(problem, problem.plan_from(plan.reopened()))
        kept += bool(problem.started) and not told(problem, plan)
    assert kept > 0
