from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import ProblemError
from kanopt.problems import Route, RoutingPlan
from kanopt.problems.routing import Client, Depot, RoutingProblem, VehicleType
from kanopt.tables import with_units
from tests.cases.routing import random_problem

PROBLEM = random_problem(1)
ROUTES = (Route("van", 1, "depot", ("c1", "c0"), 500.0), Route("truck", 1, "depot", ("c4",)))


def test_every_way_to_write_a_plan_reads_the_same():
    expected = RoutingPlan(ROUTES, ("c2", "c3"))
    assert PROBLEM.plan_from(RoutingPlan(ROUTES)) == expected
    assert PROBLEM.plan_from(list(ROUTES)) == expected
    assert PROBLEM.plan_from(expected.to_frame()) == expected
    late = PROBLEM.plan_from({"van 1": ["c1", "c0"], ("truck", 1): ["c4"]})
    assert [route.clients for route in late.routes] == [("c1", "c0"), ("c4",)]
    assert PROBLEM.plan_from({"van": ["c1", "c0"], "truck": ["c4"]}) == late
    assert PROBLEM.plan_from([["c1", "c0"], ["c4"]]) == late
    assert PROBLEM.plan_from([[], ["c4"]]).routes == (Route("truck", 1, "depot", ("c4",)),)


def test_a_table_of_stops_needs_little_and_is_sorted_by_stop():
    frame = pd.DataFrame(
        {"vehicle": ["truck 1", "van 1", "van 1"], "stop": ["1", 2, 1], "client": ["c4", "c0", "c1"]}
    )
    plan = PROBLEM.plan_from(frame)
    assert {each.label: each.clients for each in plan.routes} == {"van 1": ("c1", "c0"), "truck 1": ("c4",)}
    hours = with_units(frame.assign(departure=[8.0, 8.5, 8.5]), {"departure": "h"})
    assert {route.departure for route in PROBLEM.plan_from(hours).routes} == {480.0, 510.0}
    clock = frame.assign(departure=["8:00", "510", "8:30"])
    assert {route.departure for route in PROBLEM.plan_from(clock).routes} == {480.0, 510.0}


def test_an_empty_plan_has_a_frame():
    frame = RoutingPlan(()).to_frame()
    assert list(frame.columns) == ["vehicle", "index", "depot", "stop", "client", "departure"]
    assert frame.empty
    left = RoutingPlan((), ("c1",)).to_frame()
    assert left["client"].tolist() == ["c1"]
    assert left["vehicle"].isna().all()


STOPS = {"vehicle": "van", "stop": [1, 2], "client": ["c1", "c2"]}


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        ({"vann 1": ["c1"]}, "route 1: unknown vehicle type 'vann'; did you mean 'van'"),
        ([["c1", "c9"]], r"route 1 \(van 1\): unknown client 'c9'"),
        ([Route("van", 1, "yard", ("c1",))], r"route 1 \(van 1\): unknown depot 'yard'"),
        ([Route("van", 1, "depot", ("c0",), float("inf"))], "departure inf is not a clock time"),
        ([["c1"], ["c2"], ["c3"]], "3 routes, .* only 2 vehicles"),
        (["c1"], "van 1: give a list of client names"),
        (7, "not int"),
        (pd.DataFrame(STOPS).rename(columns={"vehicle": "van"}), "'vehicle' is missing"),
        (pd.DataFrame({**STOPS, "stop": [1, None]}), "needs a stop and a client"),
        (pd.DataFrame({**STOPS, "stop": ["first", 2]}), "'stop' is the number"),
        (pd.DataFrame({**STOPS, "departure": ["8:00", "9:00"]}), "'8:00' in one row and '9:00' in another"),
        (pd.DataFrame({**STOPS, "departure": "noon"}), "departure 'noon' is no clock time"),
    ],
)
def test_what_is_not_a_plan_is_refused(decision, message):
    with pytest.raises(ProblemError, match=message):
        PROBLEM.plan_from(decision)


def test_a_single_vehicle_whose_type_is_called_like_a_vehicle_has_that_name():
    fleet = [
        *(VehicleType(name) for name in ("Van 1", "Van 2", "truck")),
        VehicleType("3.5 t", num_available=2),
    ]
    clients, one = [Client(name) for name in ("a", "b", "c", "e")], np.ones((5, 5))
    given = RoutingProblem([Depot("d")], clients, fleet, one, one, one)
    plan = given.plan_from({"Van 1": ["a"], ("Van 2", 1): ["b"], "truck 1": ["c"], "3.5 t 1": ["e"]})
    told = given.assess(plan)
    assert [route.label for route in told.plan.routes] == ["Van 1", "Van 2", "truck 1", "3.5 t 1"]
    assert told.in_use.names == ("Van 1", "Van 2", "truck 1", "3.5 t 1")
    assert set(given.price(plan).lines["group"]) == set(told.in_use.names)
    assert given.plan_from(told.table()).routes == told.plan.routes
    # "van 1" is one of the vans, too
    both = replace(given, vehicles=[VehicleType("van", num_available=2), VehicleType("van 1")])
    plan = both.plan_from({("van", 1): ["a"], ("van 1", 1): ["b"]})
    assert [route.label for route in both.assess(plan).plan.routes] == ["van 1", "van 1 1"]
