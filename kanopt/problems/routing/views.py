"""Views of a routing plan: the timetable as a frame and as a Gantt chart, and the map."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kanopt.problems.routing.entities import Client
from kanopt.problems.routing.figures import late_legs
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.simulate import Drive, breaks_on_leg
from kanopt.problems.views import GanttView, MapView, View
from kanopt.text import amount_text, clock_text

if TYPE_CHECKING:
    from kanopt.problems.routing.data import RoutingData
    from kanopt.problems.routing.problem import RoutingProblem

_TIMES = ["arrive", "begin", "end", "late"]


def timetable_of(data: RoutingData, plan: RoutingPlan, driven: Drive) -> pd.DataFrame:
    """Return one row per leg of a plan that was driven on the law.

    Parameters
    ----------
    data
        The problem's data.
    plan
        The plan.
    driven
        How it is driven.

    Returns
    -------
    DataFrame
        Columns ``vehicle`` (such as ``"van 1"``), ``stop`` (counted from 1 on each route), ``place``, ``leave`` (of the
        place before), ``arrive``, ``begin`` and ``end`` of the service there, ``late`` and ``breaks`` (taken on the
        way), ``load`` (on the way there), ``distance``. Times are clock times in the problem's unit.
    """
    labels = np.array([route.label for route in plan.routes], dtype=object)
    names = np.array(data.names, dtype=object)
    stops = pd.Series(driven.route).groupby(driven.route).cumcount() + 1
    return pd.DataFrame(
        {
            "vehicle": labels[driven.route],
            "stop": stops.to_numpy(),
            "place": names[driven.head],
            "leave": driven.leave,
            "arrive": driven.arrive,
            "begin": driven.begin,
            "end": driven.begin + driven.stay,
            "late": np.where(late_legs(data, driven), driven.late, 0.0),
            "breaks": driven.breaks_taken,
            "load": driven.load,
            "distance": data.lengths(driven.tail, driven.head),
        }
    )


def with_times(data: RoutingData, plan: RoutingPlan, timetable: pd.DataFrame) -> pd.DataFrame:
    """Return the stops of a plan with the times of a timetable; a client left out has none.

    Parameters
    ----------
    data
        The problem's data.
    plan
        The plan.
    timetable
        From :func:`timetable_of`, of this plan.
    """
    rows, leg = [], 0
    for route in plan.routes:
        for stop, (before, place) in enumerate(pairwise(data.way_of(route))):
            # a client named twice in a row, as in a plan made by hand, makes no leg
            leg += place != before
            if stop < len(route.clients):
                rows.append(leg - 1)
    stops = plan.to_frame()
    times = timetable[_TIMES].iloc[rows].reset_index(drop=True).reindex(range(len(stops)))
    return pd.concat([stops, times], axis=1)


def views_of(problem: RoutingProblem, plan: RoutingPlan, driven: Drive) -> tuple[View, ...]:
    """Return the map, where there are coordinates, and the timetable."""
    where = _positions(problem)
    timetable = _timetable(problem, plan, driven)
    if where is None:
        return (timetable,)
    return (_map(problem, plan, driven, where), timetable)


def _positions(problem: RoutingProblem) -> pd.DataFrame | None:
    """Return x and y of depots and clients, from the road network where there is one."""
    if problem.network is not None and problem.network.positions is not None:
        return problem.network.positions.loc[list(problem.network_nodes)].set_axis(list(problem.data.names))
    on_map = problem.positions.on_map
    frame = pd.DataFrame(on_map, columns=["x", "y"], index=list(problem.data.names))
    return frame if np.isfinite(frame.to_numpy()).all() else None


def _map(problem: RoutingProblem, plan: RoutingPlan, driven: Drive, where: pd.DataFrame) -> MapView:
    unserved = set(plan.unserved)
    late = np.where(late_legs(problem.data, driven), driven.late, 0.0)
    arrivals = {
        problem.data.names[head]: (begin, by)
        for head, begin, by in zip(driven.head, driven.begin, late, strict=True)
    }
    rows = [(depot.name, "depot", depot.name) for depot in problem.depots]
    rows += [
        (client.name, "unserved" if client.name in unserved else "client", _label(problem, client, arrivals))
        for client in problem.clients
    ]
    points = pd.DataFrame(rows, columns=["name", "role", "label"])
    points[["x", "y"]] = where.loc[points["name"]].to_numpy()
    depots = {depot.name for depot in problem.depots}  # where vehicles load again
    stops = {
        name: (route.label, stop)
        for route in plan.routes
        for stop, name in enumerate(route.clients, start=1)
        if name not in depots
    }
    on_route = [stops.get(name, ("", 0)) for name in points["name"]]
    points["group"], points["stop"] = zip(*on_route, strict=True)
    network = problem.network
    roads = network is not None and network.positions is not None
    return MapView(
        title="Routes",
        points=points[["name", "x", "y", "role", "label", "group", "stop"]],
        paths=_along_roads(problem, plan, driven) if roads else _straight(problem, plan, where),
        background=_background(problem) if roads else None,
        unit="" if roads else problem.units.distance,
    )


def _label(problem: RoutingProblem, client: Client, arrivals: dict[str, tuple[float, float]]) -> str:
    units = problem.units
    parts = [client.name, amount_text(client.demand, units.load)]
    parts += [] if client.name in arrivals else ["on no route"]
    if client.pickup:
        parts.append(f"pickup {amount_text(client.pickup, units.load)}")
    for opens, closes in problem.data.windows[problem.data.index[client.name] - len(problem.depots)]:
        if opens > 0 or np.isfinite(closes):
            until = clock_text(closes, units.time) if np.isfinite(closes) else "…"
            parts.append(f"window {clock_text(opens, units.time)}–{until}")
    begin, late = arrivals.get(client.name, (np.nan, 0.0))
    if np.isfinite(begin):
        parts.append(f"served {clock_text(begin, units.time)}")
    if late:
        parts.append(f"{amount_text(late, units.time)} late")
    return ", ".join(parts)


def _straight(problem: RoutingProblem, plan: RoutingPlan, where: pd.DataFrame) -> pd.DataFrame:
    return _paths(
        [where.loc[list(problem.data.way_of(route))].assign(group=route.label) for route in plan.routes]
    )


def _along_roads(problem: RoutingProblem, plan: RoutingPlan, driven: Drive) -> pd.DataFrame:
    network = problem.network
    assert network is not None
    assert network.positions is not None
    pairs = [
        (problem.network_nodes[a], problem.network_nodes[b])
        for a, b in zip(driven.tail, driven.head, strict=True)
    ]
    parts = [
        network.positions.loc[list(path.nodes)].assign(group=plan.routes[place].label)
        for place, path in zip(driven.route, network.paths(pairs), strict=True)
        if path is not None
    ]
    return _paths(parts)


def _paths(parts: list[pd.DataFrame]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame({"group": [], "x": [], "y": []})
    return pd.concat(parts, ignore_index=True)[["group", "x", "y"]]


def _background(problem: RoutingProblem) -> pd.DataFrame:
    network = problem.network
    assert network is not None
    assert network.positions is not None
    tails = network.positions.loc[network.tails].to_numpy()
    heads = network.positions.loc[network.heads].to_numpy()
    return pd.DataFrame(np.hstack([tails, heads]), columns=["x0", "y0", "x1", "y1"])


def _timetable(problem: RoutingProblem, plan: RoutingPlan, driven: Drive) -> GanttView:
    """Return bars for driving, waiting, service, late service, reloads and breaks of every vehicle."""
    names = np.array(problem.data.names, dtype=object)
    rows = np.array([route.label for route in plan.routes], dtype=object)[driven.route]
    heads = names[driven.head]
    served = driven.begin + driven.stay
    drives = pd.DataFrame(
        {
            "row": rows,
            "start": driven.leave,
            "end": driven.arrive,
            "label": names[driven.tail] + " → " + heads,
            "kind": "drive",
        }
    )
    waits = pd.DataFrame(
        {"row": rows, "start": driven.arrive, "end": driven.begin, "label": heads, "kind": "wait"}
    )
    late = late_legs(problem.data, driven)
    kinds = np.where(late, "late", np.where(driven.head < len(problem.depots), "reload", "service"))
    labels = heads.copy()
    labels[late] = [
        f"{name}, {amount_text(by, problem.units.time)} late"
        for name, by in zip(heads[late], driven.late[late], strict=True)
    ]
    services = pd.DataFrame(
        {"row": rows, "start": driven.begin, "end": served, "label": labels, "kind": kinds}
    )
    bars = pd.concat([drives, waits, services, _breaks(problem, plan, driven)], ignore_index=True)
    bars = bars[np.isfinite(bars["end"].astype(float)) & (bars["end"] > bars["start"] + 1e-9)]
    order = pd.Categorical(bars["row"], categories=list(dict.fromkeys(route.label for route in plan.routes)))
    bars = bars.assign(order=order).sort_values(["order", "start"], kind="stable").drop(columns="order")
    return GanttView("Timetable", bars.reset_index(drop=True), problem.units.time, clock=True)


def _breaks(problem: RoutingProblem, plan: RoutingPlan, driven: Drive) -> pd.DataFrame:
    """Return bars for the breaks on the way."""
    data, bars = problem.data, []
    had = driven.breaks_before.copy()
    for leg in np.flatnonzero(driven.breaks_taken):
        place, count = int(driven.route[leg]), int(driven.breaks_taken[leg])
        rests = data.breaks[int(driven.vehicle[leg])]
        leave, duration = float(driven.leave[leg]), float(driven.duration[leg])
        for begin, end in breaks_on_leg(rests, int(had[place]), count, leave, duration):
            bars.append((plan.routes[place].label, begin, end, "break", "break"))
        had[place] += count
    return pd.DataFrame(bars, columns=["row", "start", "end", "label", "kind"])
