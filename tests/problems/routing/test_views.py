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
    assert view.unit == "km"
    assert view.background is None
    assert dict(zip(view.points["name"], view.points["role"], strict=True)) == {
        "depot": "depot",
        "a": "client",
        "b": "client",
        "c": "unserved",
    }
    labels = dict(zip(view.points["name"], view.points["label"], strict=True))
    assert labels["a"] == "a, 0.5 t, window 09:00–09:20, served 09:15"
    assert labels["b"] == "b, 0.4 t, window 09:00–…, served 09:00"
    assert labels["c"] == "c, 0.3 t, on no route"
    assert view.paths[["x", "y"]].to_numpy().tolist() == [[0, 0], [6, 8], [3, 4], [0, 0]]
    assert set(view.paths["group"]) == {"van 2"}


def test_the_timetable_has_driving_waiting_and_service():
    given = problem()
    timetable = given.views(given.plan_from([Route("van", 1, "depot", ("a", "b"), 520.0)]))[1]
    assert isinstance(timetable, GanttView)
    assert (timetable.unit, timetable.clock) == ("min", True)
    rows = timetable.bars[["start", "end", "label", "kind"]].to_numpy().tolist()
    assert rows == [
        [520.0, 530.0, "depot → a", "drive"],
        [530.0, 540.0, "a", "wait"],
        [540.0, 545.0, "a", "service"],
        [545.0, 555.0, "a → b", "drive"],
        [555.0, 560.0, "b", "service"],
        [560.0, 570.0, "b → depot", "drive"],
    ]


def test_an_empty_plan_has_views_too():
    view, timetable = problem().views(problem().plan_from([]))
    assert view.paths.empty
    assert timetable.bars.empty


def roads(nodes: pd.DataFrame | None) -> RoutingProblem:
    links = pd.DataFrame(
        {"tail": ["depot", "m", "a", "m"], "head": ["m", "a", "m", "depot"], "length": [1.0, 1.0, 1.0, 1.0]}
    )
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
    problem = RoutingProblem(
        [Depot("depot", 0.0, 0.0)],
        [Client("a", 10.0, 0.0, pickup=0.5, windows="0:05-0:15, 1:00-1:30"), Client("b", 20.0, 0.0)],
        [VehicleType("van", capacity=2.0, returns=False, breaks="10 in 12-18, 5 in 23-25")],
        {},
        km,
        km,
    )
    view, timetable = problem.views(problem.plan_from({"van 1": ["a", "b"]}))
    assert isinstance(view, MapView)
    assert isinstance(timetable, GanttView)
    assert view.paths["x"].tolist() == [0.0, 10.0, 20.0]
    assert "pickup 0.5 t, window 00:05–00:15, window 01:00–01:30" in " ".join(view.points["label"])
    rests = timetable.bars[timetable.bars["kind"] == "break"]
    # from a at 10 min: 2 min of the way to b, a break, 1 min, a break that must begin by 25 min, 7 min
    assert rests[["start", "end"]].to_numpy().tolist() == [[12.0, 22.0], [23.0, 28.0]]
    assert timetable.bars["end"].max() == 35.0


def test_rests_after_driving_are_drawn_and_told_as_breaks_are() -> None:
    km = np.abs(np.arange(2.0)[:, None] - np.arange(2.0)[None, :]) * 30
    van = VehicleType("van", capacity=2.0, max_driving=20.0, rest_duration=7.0)
    problem = RoutingProblem(
        [Depot("depot", 0.0, 0.0)], [Client("a", 30.0, 0.0, demand=0.5)], [van], {}, km, km
    )
    known = problem.assess(problem.plan_from([Route("van", 1, "depot", ("a",), 600.0)]))
    bars = known.views()[1].bars
    assert bars[["start", "end", "label", "kind"]].to_numpy().tolist() == [
        [600.0, 620.0, "depot → a", "drive"],
        [620.0, 627.0, "rest", "break"],
        [627.0, 637.0, "depot → a", "drive"],
        [637.0, 647.0, "a → depot", "drive"],
        [647.0, 654.0, "rest", "break"],
        [654.0, 674.0, "a → depot", "drive"],
    ]
    assert known.timetable()["breaks"].tolist() == [7.0, 7.0]
    (sheet,) = known.work_orders()
    assert ("breaks", "14 min") in sheet.facts
    assert [row[-1] for row in sheet.rows] == [
        f"rest {time} on the way there" for time in ("10:20–10:27", "10:47–10:54")
    ]
