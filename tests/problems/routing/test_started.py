"""Routes that are under way: what of them stays, and what may still be planned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.errors import ProblemError, SolverError
from kanopt.problems import Client, Depot, Route, RoutingPlan, RoutingProblem, VehicleType
from kanopt.problems.routing import RoutingPolicy
from kanopt.solvers.routing.ortools import OrToolsRouting
from kanopt.solvers.routing.solver import RoutingSearch
from tests.cases.routing_variants import VARIANTS, going_on, some_routes, under_way, variant
from tests.problems.routing.simulate.test_variants import compare

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
    assert told(problem, early) == [
        "van 1 leaves at 00:20, but has left at 00:12",
        "van 2 leaves at 00:40, 10 min before 00:50, which is past",
    ]


@pytest.mark.parametrize(
    ("started", "message"),
    [
        (
            [Route("van", 3, "depot", ("a",))],
            "started: van 3 does not exist: there are 2 vehicles of type 'van'",
        ),
        ([Route("bus", 1, "depot", ("a",))], "started: route 1: unknown vehicle type 'bus'"),
        ([Route("van", 1, "depot", ("e",))], "started: route 1 .van 1.: unknown client 'e'"),
        (
            [Route("van", 1, "depot", ("a",), 0.0, 3)],
            "van 1: locked = 3 of 1 stop; give 0 to 1, or 2 where it is on",
        ),
        ([Route("van", 1, "depot", ("a",), 0.0, -1)], "van 1: locked = -1 of 1 stop"),
        ([["a"], ["a", "b"]], "started: clients 'a' are visited more than once"),
        (
            [Route("van", 1, "depot", ("a",)), Route("van", 1, "depot", ("b",))],
            "'van 1' is on two routes at once",
        ),
        ([Route("van", 1, "yard", ("a",))], "unknown depot 'yard'"),
        ("a", "a routing plan is a RoutingPlan"),
    ],
)
def test_routes_that_cannot_be_under_way_are_refused(started: Any, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        line(started=started)


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ProblemError, match="not_before = 'noon' is no clock time; write a number in 'min'"):
        line(policy=RoutingPolicy(not_before="noon"))
    with pytest.raises(ProblemError, match="now = 'noon' is no clock time"):
        line().with_routes_under_way([["a"]], "noon")


@pytest.mark.parametrize(
    "locked", [[1, 1], ["1", None], [True, False], ["yes", "no"], ["true", "false"]], ids=str
)
def test_tables_say_what_is_locked(locked: list[Any]) -> None:
    table = pd.DataFrame(
        {"vehicle": "van 2", "stop": [1, 2], "client": ["a", "b"], "departure": "0:15", "locked": locked}
    )
    assert line(started=table).started == (Route("van", 2, "depot", ("a", "b"), 15.0, 1),)


@pytest.mark.parametrize("locked", [[1, 2], ["some", "some"], [0.5, 0.5]], ids=str)
def test_tables_that_do_not_say_it_are_refused(locked: list[Any]) -> None:
    table = pd.DataFrame({"vehicle": "van", "stop": [1, 2], "client": ["a", "b"], "locked": locked})
    with pytest.raises(ProblemError, match="says how many of its stops stay, the same number in all rows"):
        line(started=table)


def test_engines_refuse_what_is_under_way() -> None:
    problem = line(started=[["a"]])
    assert "routes under way" in OrToolsRouting().accepts(problem)
    assert RoutingSearch().accepts(problem) == ""
    with pytest.raises(SolverError, match=r"does not model .*routes under way"):
        ko.solve(problem, solver="ortools")


def test_the_rest_of_the_day_is_planned_anew() -> None:
    given = line(van={"fixed_cost": 5.0})
    problem = given.with_routes_under_way({"van 1": ["a", "b"], "van 2": ["c", "d"]}, 5)
    result = ko.solve(problem, time_limit=5, seed=3)
    assert result.check.ok
    assert (
        result.plan.routes
        == (
            Route("van", 1, "depot", ("a", "b"), 0.0),
            Route("van", 2, "depot", ("c", "d"), 0.0),
        )
        or result.objective
        < given.price(given.plan_from({"van 1": ["a", "b"], "van 2": ["c", "d"]})).objective
    )
    assert result.plan.routes[0].clients[0] == "a"
    assert result.plan.routes[1].clients[0] == "c"
    assert [run.message for run in result.engines[:-1]] == ["not used: routes are under way"]


def test_optional_clients_on_board_are_not_left_out() -> None:
    given = line()
    clients = [*given.clients[:1], replace(given.clients[1], prize=0.01), *given.clients[2:]]
    problem = replace(given, clients=clients, started=[Route("van", 1, "depot", ("b", "a"), 0.0, 0)])
    plan = ko.solve(problem, time_limit=2, seed=1).plan
    assert "b" in plan.routes[0].clients


@pytest.mark.parametrize("name", VARIANTS)
def test_random_plans_are_checked_and_priced_as_the_simulator_does(name: str) -> None:
    kept = 0
    for seed in range(12):
        problem = under_way(variant(name, seed), seed)
        routes = going_on(problem, seed) if problem.started else some_routes(problem, seed, stated=True)
        plan = problem.plan_from(RoutingPlan(routes))
        compare(problem, plan)
        compare(problem, problem.plan_from(plan.reopened()))
        kept += bool(problem.started) and not told(problem, plan)
    assert kept > 0
