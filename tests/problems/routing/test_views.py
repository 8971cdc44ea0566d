from __future__ import annotations

import numpy as np
import pandas as pd

from kanopt.problems import Client, Depot, GanttView, MapView, RoadNetwork, Route, RoutingProblem, VehicleType

CLIENTS = (
    Client("a", 3.0, 4.0, demand=0.5, service_duration=5, earliest=540, latest=560),
    Client("b", 6.0, 8.0, demand=0.4, service_duration=5, earliest=540),
    Client("c", 0.0, 5.0, demand=0.3, prize=2.0),
)
VAN = VehicleType("van", 2, capacity=2.0, shift_start=480, shift_end=960)


def problem(**changes: object) -> RoutingProblem:
    given = {"depots": [Depot("depot", 0.0, 0.0)], "clients": CLIENTS, "vehicles": [VAN], "cost": {}}
    return RoutingProblem(**{**given, "duration": np.full((4, 4), 10.0), **changes})


def test_the_map_shows_depots_clients_and_routes():
    given = problem()
    view, _ = given.views(given.plan_from([[], ["b", "a"]]))
    assert isinstance(view, MapView)
    assert (view.unit, view.background) == ("km", None)
    points = view.points.set_index("name")
    assert points["role"].to_dict() == {"depot": "depot", "a": "client", "b": "client", "c": "unserved"}
    for part in ("0.5 t", "window 09:00–09:20", "served 09:15"):
        assert part in points["label"]["a"]
    assert "on no route" in points["label"]["c"]
    assert view.paths[["x", "y"]].to_numpy().tolist() == [[0, 0], [6, 8], [3, 4], [0, 0]]
    assert set(view.paths["group"]) == {"van 2"}
    empty, timetable = given.views(given.plan_from([]))
    assert empty.paths.empty
    assert timetable.bars.empty


def test_the_timetable_has_driving_waiting_and_service():
    given = problem()
    timetable = given.views(given.plan_from([Route("van", 1, "depot", ("a", "b"), 520.0)]))[1]
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
    return RoutingProblem([Depot("depot")], [Client("a")], [VAN], {}, network)


def test_on_a_road_network_paths_follow_the_roads():
    nodes = pd.DataFrame({"name": ["depot", "m", "a"], "x": [0.0, 1.0, 1.0], "y": [0.0, 0.0, 1.0]})
    given = roads(nodes)
    view, _ = given.views(given.plan_from([["a"]]))
    assert view.unit == ""
    assert view.points[["x", "y"]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert view.paths[["x", "y"]].to_numpy().tolist() == [[0, 0], [1, 0], [1, 1], [1, 1], [1, 0], [0, 0]]
    assert view.background.to_numpy().tolist() == [[0, 0, 1, 0], [1, 0, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0]]
    assert len(roads(None).views(given.plan_from([["a"]]))) == 1


def test_breaks_windows_and_open_ends_are_drawn() -> None:
    km = np.abs(np.arange(3.0)[:, None] - np.arange(3.0)[None, :]) * 10
    clients = [Client("a", 10.0, 0.0, pickup=0.5, windows="0:05-0:15, 1:00-1:30"), Client("b", 20.0, 0.0)]
    van = VehicleType("van", capacity=2.0, returns=False, breaks="10 in 12-18, 5 in 23-25")
    problem = RoutingProblem([Depot("depot", 0.0, 0.0)], clients, [van], {}, km, km)
    view, timetable = problem.views(problem.plan_from({"van 1": ["a", "b"]}))
    assert view.paths["x"].tolist() == [0.0, 10.0, 20.0]
    assert "pickup 0.5 t, window 00:05–00:15, window 01:00–01:30" in " ".join(view.points["label"])
    rests = timetable.bars[timetable.bars["kind"] == "break"]
    # from a at 10 min: 2 min of the way to b, a break, 1 min, a break that must begin by 25 min, 7 min
    assert rests[["start", "end"]].to_numpy().tolist() == [[12.0, 22.0], [23.0, 28.0]]
    assert timetable.bars["end"].max() == 35.0


def test_rests_after_driving_are_drawn_and_told_as_breaks_are() -> None:
    km = np.array([[0.0, 30.0], [30.0, 0.0]])
    van = VehicleType("van", max_driving=20.0, rest_duration=7.0)
    problem = RoutingProblem([Depot("depot", 0.0, 0.0)], [Client("a", 30.0, 0.0)], [van], {}, km, km)
    known = problem.assess(problem.plan_from([Route("van", 1, "depot", ("a",), 600.0)]))
    bars = known.views()[1].bars
    assert bars["kind"].tolist() == ["drive", "break", "drive", "drive", "break", "drive"]
    assert bars["start"].tolist() == [600.0, 620.0, 627.0, 637.0, 647.0, 654.0]
    assert known.timetable()["breaks"].tolist() == [7.0, 7.0]
    (sheet,) = known.work_orders()
    assert ("breaks", "14 min") in sheet.facts
    assert ["10:20–10:27" in sheet.rows[0][-1], "10:47–10:54" in sheet.rows[1][-1]] == [True, True]
