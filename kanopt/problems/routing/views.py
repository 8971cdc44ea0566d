"""Views of a routing plan: the timetable as a frame and as a Gantt chart, and the map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.entities import Client
from kanopt.problems.routing.figures import late_legs
from kanopt.problems.routing.model import RoutingModel
from kanopt.problems.routing.pauses import PauseTaken, pauses_taken
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.simulate import Drive, slack
from kanopt.problems.views import GanttView, MapView, View
from kanopt.problems.work_orders import WorkOrder
from kanopt.text import amount_text, clock_text, join_list

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
        place before), ``arrive``, ``begin`` and ``end`` of the service there, ``late`` and ``breaks`` (how long the
        driver has breaks and rests on the way), ``load`` (on the way there), ``distance``. Times are clock times in the
        problem's unit.
    """
    labels = np.array([route.label for route in plan.routes], dtype=object)
    names = np.array(data.names, dtype=object)
    stops = pd.Series(driven.route).groupby(driven.route).cumcount() + 1
    taken = pauses_taken(data, driven)
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
            "breaks": [_length(taken.get(leg, ())) for leg in range(len(driven.route))],
            "load": driven.load,
            "distance": data.lengths(driven.tail, driven.head),
        }
    )


def _length(pauses: Iterable[PauseTaken]) -> float:
    return float(sum(each.end - each.begin for each in pauses))


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


def views_of(problem: RoutingModel, plan: RoutingPlan, driven: Drive) -> tuple[View, ...]:
    """Return the map, where there are coordinates, and the timetable."""
    where = _positions(problem)
    timetable = _timetable(problem, plan, driven)
    if where is None:
        return (timetable,)
    return (_map(problem, plan, driven, where), timetable)


def _positions(problem: RoutingModel) -> pd.DataFrame | None:
    """Return x and y of depots and clients, from the road network where there is one."""
    if problem.network is not None and problem.network.positions is not None:
        return problem.network.positions.loc[list(problem.network_nodes)].set_axis(list(problem.data.names))
    on_map = problem.positions.on_map
    frame = pd.DataFrame(on_map, columns=["x", "y"], index=list(problem.data.names))
    return frame if np.isfinite(frame.to_numpy()).all() else None


def _map(problem: RoutingModel, plan: RoutingPlan, driven: Drive, where: pd.DataFrame) -> MapView:
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


def _label(problem: RoutingModel, client: Client, arrivals: dict[str, tuple[float, float]]) -> str:
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


def _straight(problem: RoutingModel, plan: RoutingPlan, where: pd.DataFrame) -> pd.DataFrame:
    return _paths(
        [where.loc[list(problem.data.way_of(route))].assign(group=route.label) for route in plan.routes]
    )


def _along_roads(problem: RoutingModel, plan: RoutingPlan, driven: Drive) -> pd.DataFrame:
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


def _background(problem: RoutingModel) -> pd.DataFrame:
    network = problem.network
    assert network is not None
    assert network.positions is not None
    tails = network.positions.loc[network.tails].to_numpy()
    heads = network.positions.loc[network.heads].to_numpy()
    return pd.DataFrame(np.hstack([tails, heads]), columns=["x0", "y0", "x1", "y1"])


def _timetable(problem: RoutingModel, plan: RoutingPlan, driven: Drive) -> GanttView:
    """Return bars for driving, waiting, service, late service, reloads, breaks and rests of every vehicle."""
    names = np.array(problem.data.names, dtype=object)
    rows = np.array([route.label for route in plan.routes], dtype=object)[driven.route]
    heads = names[driven.head]
    served = driven.begin + driven.stay
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
    bars = pd.concat([_ways(problem.data, plan, driven), waits, services], ignore_index=True)
    bars = bars[np.isfinite(bars["end"].astype(float)) & (bars["end"] > bars["start"] + 1e-9)]
    order = pd.Categorical(bars["row"], categories=list(dict.fromkeys(route.label for route in plan.routes)))
    bars = bars.assign(order=order).sort_values(["order", "start"], kind="stable").drop(columns="order")
    return GanttView("Timetable", bars.reset_index(drop=True), problem.units.time, clock=True)


def _ways(data: RoutingData, plan: RoutingPlan, driven: Drive) -> pd.DataFrame:
    """Return bars for driving from stop to stop, and for the pauses on the way and the waits for them."""
    bars, taken = [], pauses_taken(data, driven)
    for leg, place in enumerate(driven.route):
        row, head = plan.routes[place].label, data.names[driven.head[leg]]
        way = f"{data.names[driven.tail[leg]]} → {head}"
        clock, remaining = float(driven.leave[leg]), float(driven.duration[leg])
        for pause in taken.get(leg, ()):
            driving = min(pause.begin - clock, remaining)
            bars.append((row, clock, clock + driving, way, "drive"))
            bars.append((row, clock + driving, pause.begin, head, "wait"))
            bars.append((row, pause.begin, pause.end, pause.word, "break"))
            clock, remaining = pause.end, remaining - driving
        bars.append((row, clock, clock + remaining, way, "drive"))
    return pd.DataFrame(bars, columns=["row", "start", "end", "label", "kind"])


_PLACE = ("stop", "place")
_COLUMNS = ("window", "arrive", "begin", "done", "unload", "pick up", "on board", "notes")
_NOTES = _COLUMNS[-1]
_MOST_GIVEN = 4
"""Columns of texts that a table of clients has; what further columns say is told in the notes."""


def run_sheets(data: RoutingData, plan: RoutingPlan, driven: Drive) -> tuple[WorkOrder, ...]:
    """Return a sheet for each vehicle that serves somebody, with whatever texts are given of clients.

    That are addresses, telephone numbers or remarks: columns of the table of clients that are no field.

    Parameters
    ----------
    data
        The problem's data.
    plan
        The plan.
    driven
        How it is driven on the laws.
    """
    given = _given(data)
    # a column of remarks goes where ours are
    shown = [name for name in given if name.lower() != _NOTES][:_MOST_GIVEN]
    own = (*_PLACE, *_COLUMNS)
    heads = (f"{name} (given)" if name.lower() in own else name for name in shown)
    columns = (*_PLACE, *heads, *_COLUMNS)
    noted = [name for name in given if name not in shown]
    taken = pauses_taken(data, driven)

    def stop(number: int, leg: int) -> tuple[str, ...]:
        client = _client(data, driven, leg)
        name, *rest, notes = _stop(data, driven, leg, client, taken.get(leg, ()))
        texts = (_text(client, name) for name in shown)
        told = filter(None, (*(_remark(client, name) for name in noted), notes))
        return (f"{number}", name, *texts, *rest, "; ".join(told))

    return tuple(
        WorkOrder(
            route.label,
            _facts(data, driven, place, taken),
            columns,
            tuple(stop(number, leg) for number, leg in enumerate(_legs(driven, place), start=1)),
        )
        for place, route in enumerate(plan.routes)
        if route.clients
    )


def _given(data: RoutingData) -> list[str]:
    """Return the columns of the table of clients that are no field and hold texts, in their order."""
    return list(
        dict.fromkeys(name for client in data.clients for name in client.attributes if _text(client, name))
    )


def _text(client: Client | None, name: str) -> str:
    value = None if client is None else client.attributes.get(name)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _remark(client: Client | None, name: str) -> str:
    text = _text(client, name)
    return text if not text or name.lower() == _NOTES else f"{name}: {text}"


def _client(data: RoutingData, driven: Drive, leg: int) -> Client | None:
    head = int(driven.head[leg])
    return data.clients[head - len(data.depots)] if head >= len(data.depots) else None


def _legs(driven: Drive, place: int) -> list[int]:
    return np.flatnonzero(driven.route == place).tolist()


def _facts(
    data: RoutingData, driven: Drive, place: int, taken: Mapping[int, Sequence[PauseTaken]]
) -> tuple[tuple[str, str], ...]:
    units, legs = data.units, _legs(driven, place)
    first = legs[0]
    served = len({int(driven.head[leg]) for leg in legs if driven.head[leg] >= len(data.depots)})
    length = float(data.lengths(driven.tail[legs], driven.head[legs]).sum())
    facts = [
        ("from", data.names[driven.tail[first]]),
        ("leave", clock_text(float(driven.departure[place]), units.time)),
        ("end", clock_text(float(driven.finish[place]), units.time)),
        ("clients", f"{served:,}"),
        ("load at departure", amount_text(float(driven.load[first]), units.load)),
    ]
    facts += [("distance", amount_text(length, units.distance))] if np.isfinite(length) else []
    breaks = sum(_length(taken.get(leg, ())) for leg in legs)
    return (*facts, *([("breaks", amount_text(breaks, units.time, 3))] if breaks else []))


def _stop(
    data: RoutingData, driven: Drive, leg: int, client: Client | None, pauses: Sequence[PauseTaken]
) -> tuple[str, ...]:
    """Return the place, and a cell for each of the columns after it."""
    time, load = data.units.time, data.units.load
    head = int(driven.head[leg])
    begin, stay = float(driven.begin[leg]), float(driven.stay[leg])
    return (
        data.names[head],
        "" if client is None else _windows(data, head - len(data.depots)),
        clock_text(float(driven.arrive[leg]), time),
        clock_text(begin, time) if client is not None else "",
        clock_text(begin + stay, time) if client is not None or _goes_on(driven, leg) or stay > 0 else "",
        amount_text(client.demand, load) if client is not None and client.demand else "",
        amount_text(client.pickup, load) if client is not None and client.pickup else "",
        amount_text(float(driven.load[leg]), load),
        "; ".join(_notes(data, driven, leg, client, pauses)),
    )


def _goes_on(driven: Drive, leg: int) -> bool:
    """Say whether the vehicle goes on after a leg, as after a depot where it is loaded again."""
    return leg + 1 < len(driven.route) and driven.route[leg + 1] == driven.route[leg]


def _windows(data: RoutingData, client: int) -> str:
    told = []
    for opens, closes in data.windows[client]:
        if opens > 0 or np.isfinite(closes):
            until = clock_text(closes, data.units.time) if np.isfinite(closes) else "…"
            told.append(f"{clock_text(opens, data.units.time)}–{until}")
    return ", ".join(told)


def _notes(
    data: RoutingData, driven: Drive, leg: int, client: Client | None, pauses: Sequence[PauseTaken]
) -> list[str]:
    time, late = data.units.time, float(driven.late[leg])
    wait = float(driven.begin[leg] - driven.arrive[leg])
    notes = [
        f"{each.word} {clock_text(each.begin, time)}–{clock_text(each.end, time)} on the way there"
        for each in pauses
    ]
    if client is None:
        if _goes_on(driven, leg):
            notes.append(f"go on with {amount_text(float(driven.load[leg + 1]), data.units.load)} on board")
        return notes
    if wait > 1e-9 and np.isfinite(wait):
        notes.append(f"wait {amount_text(wait, time, 3)}")
    if late > slack(data.latest[driven.head[leg]]):
        notes.append(f"{amount_text(late, time, 3)} late")
    notes += [f"load at {client.source}"] if client.source else []
    notes += [f"needs {join_list(client.needs)}"] if client.needs else []
    notes += [f"goods: {join_list(client.goods)}"] if client.goods else []
    return notes
