"""What a plan of routes is read from, and what is drawn of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kanopt import RoutingProblem
from kanopt.errors import ProblemError
from kanopt.plans.findings import GanttView, MapView
from kanopt.routing import Client, Depot, RoadNetwork, Route, RoutingPlan, VehicleType
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


PEOPLE = (
    Client("a", 3.0, 4.0, demand=0.5, service_duration=5, earliest=540, latest=560),
    Client("b", 6.0, 8.0, demand=0.4, service_duration=5, earliest=540),
    Client("c", 0.0, 5.0, demand=0.3, prize=2.0),
)
DRAWN_VAN = VehicleType("van", 2, capacity=2.0, shift_start=480, shift_end=960)


def drawn(**changes: object) -> RoutingProblem:
    given = {"depots": [Depot("depot", 0.0, 0.0)], "clients": PEOPLE, "vehicles": [DRAWN_VAN], "cost": {}}
    return RoutingProblem(**{**given, "duration": np.full((4, 4), 10.0), **changes})


def test_the_map_shows_depots_clients_and_routes():
    given = drawn()
    view, _ = given.assess(given.plan_from([[], ["b", "a"]])).views()
    assert isinstance(view, MapView)
    assert (view.unit, view.background) == ("km", None)
    points = view.points.set_index("name")
    assert points["role"].to_dict() == {"depot": "depot", "a": "client", "b": "client", "c": "unserved"}
    for part in ("0.5 t", "window 09:00–09:20", "served 09:15"):
        assert part in points["label"]["a"]
    assert "on no route" in points["label"]["c"]
    assert view.paths[["x", "y"]].to_numpy().tolist() == [[0, 0], [6, 8], [3, 4], [0, 0]]
    assert set(view.paths["group"]) == {"van 2"}
    empty, timetable = given.assess(given.plan_from([])).views()
    assert empty.paths.empty
    assert timetable.bars.empty


def test_the_timetable_has_driving_waiting_and_service():
    given = drawn()
    timetable = given.assess(given.plan_from([Route("van", 1, "depot", ("a", "b"), 520.0)])).views()[1]
    assert isinstance(timetable, GanttView)
    assert (timetable.unit, timetable.clock) == ("min", True)
    bars = timetable.bars
    assert bars["kind"].tolist() == ["drive", "wait", "service", "drive", "service", "drive"]
    assert bars["start"].tolist() == [520.0, 530.0, 540.0, 545.0, 555.0, 560.0]
    assert bars["end"].tolist() == [*bars["start"][1:], 570.0]
    assert bars["label"].tolist() == ["depot → a", "a", "a", "a → b", "b", "b → depot"]


def roads(nodes: pd.DataFrame | None) -> RoutingProblem:
    ends = {"tail": ["depot", "m", "a", "m"], "head": ["m", "a", "m", "depot"]}
    links = pd.DataFrame(ends).assign(length=1.0)
    network = RoadNetwork(links, np.full(4, 6.0), nodes)
    return RoutingProblem([Depot("depot")], [Client("a")], [DRAWN_VAN], {}, network)


def test_on_a_road_network_paths_follow_the_roads():
    nodes = pd.DataFrame({"name": ["depot", "m", "a"], "x": [0.0, 1.0, 1.0], "y": [0.0, 0.0, 1.0]})
    given = roads(nodes)
    view, _ = given.assess(given.plan_from([["a"]])).views()
    assert view.unit == ""
    assert view.points[["x", "y"]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert view.paths[["x", "y"]].to_numpy().tolist() == [[0, 0], [1, 0], [1, 1], [1, 1], [1, 0], [0, 0]]
    assert view.background.to_numpy().tolist() == [[0, 0, 1, 0], [1, 0, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0]]
    assert len(roads(None).assess(given.plan_from([["a"]])).views()) == 1


def test_breaks_windows_and_open_ends_are_drawn() -> None:
    km = np.abs(np.arange(3.0)[:, None] - np.arange(3.0)[None, :]) * 10
    clients = [Client("a", 10.0, 0.0, pickup=0.5, windows="0:05-0:15, 1:00-1:30"), Client("b", 20.0, 0.0)]
    van = VehicleType("van", capacity=2.0, returns=False, breaks="10 in 12-18, 5 in 23-25")
    drawn = RoutingProblem([Depot("depot", 0.0, 0.0)], clients, [van], {}, km, km)
    view, timetable = drawn.assess(drawn.plan_from({"van 1": ["a", "b"]})).views()
    assert view.paths["x"].tolist() == [0.0, 10.0, 20.0]
    assert "pickup 0.5 t, window 00:05–00:15, window 01:00–01:30" in " ".join(view.points["label"])
    rests = timetable.bars[timetable.bars["kind"] == "break"]
    # from a at 10 min: 2 min of the way to b, a break, 1 min, a break that must begin by 25 min, 7 min
    assert rests[["start", "end"]].to_numpy().tolist() == [[12.0, 22.0], [23.0, 28.0]]
    assert timetable.bars["end"].max() == 35.0


def test_rests_after_driving_are_drawn_and_told_as_breaks_are() -> None:
    km = np.array([[0.0, 30.0], [30.0, 0.0]])
    van = VehicleType("van", max_driving=20.0, rest_duration=7.0)
    drawn = RoutingProblem([Depot("depot", 0.0, 0.0)], [Client("a", 30.0, 0.0)], [van], {}, km, km)
    known = drawn.assess(drawn.plan_from([Route("van", 1, "depot", ("a",), 600.0)]))
    bars = known.views()[1].bars
    assert bars["kind"].tolist() == ["drive", "break", "drive", "drive", "break", "drive"]
    assert bars["start"].tolist() == [600.0, 620.0, 627.0, 637.0, 647.0, 654.0]
    assert known.timetable()["breaks"].tolist() == [7.0, 7.0]
