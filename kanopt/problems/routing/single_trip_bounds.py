"""Lower bounds on time and distance for serving each client on a route of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kanopt.problems.routing.data import Floats, RoutingData
from kanopt.problems.routing.entities import VehicleType
from kanopt.problems.routing.leg_laws import DURATION, RoutingLaws
from kanopt.problems.routing.plan import Route
from kanopt.problems.routing.planning_values import PlanningValues
from kanopt.problems.routing.simulate import drive, service_begin


@dataclass(frozen=True, eq=False)
class SingleTripBounds:
    """Lower bounds for one vehicle type; arrays over nodes.

    Parameters
    ----------
    arrive, begin
        Earliest arrival, and earliest beginning of service.
    delay
        By how much service begins later because of goods that are not ready before.
    return_time
        Least time from the end of service to the end of the route.
    duration, distance
        Least duration and length of a route that serves the node, over its source where it has one.
    exact
        Whether no vehicle can do better. Where travel time depends on clock or load, times are those of the direct
        trip on the law instead.
    """

    arrive: Floats
    begin: Floats
    delay: Floats
    return_time: Floats
    duration: Floats
    distance: Floats
    exact: bool


def single_trip_bounds(laws: RoutingLaws, planning: PlanningValues, vehicle: VehicleType) -> SingleTripBounds:
    """Bound arrival, return, duration and length by shortest paths, which hold whatever else a route serves."""
    data, kind = laws.data, laws.data.type_index[vehicle.name]
    ends = data.index[data.depot_of[vehicle.name]], data.index[data.end_of[vehicle.name]]
    times = planning.durations[kind]
    out, back = _shortest_paths(times, *ends, returns=vehicle.returns)
    lengths = laws.all_lengths()
    there, home = _shortest_paths(lengths, *ends, returns=vehicle.returns)
    sources = data.source
    there = _via_sources(lengths, there, sources, np.zeros(len(there)))
    start, shift = (
        np.maximum(vehicle.shift_start, data.ready_at_depot),
        np.full(len(out), vehicle.shift_start),
    )
    exact = not laws.reads(DURATION, "clock", "state")
    if not exact:
        arrive, back = _direct_trips(laws, planning, vehicle, out, back)
        spent = np.where(np.isfinite(arrive), arrive - start, np.inf)
        undelayed = arrive - (start - shift)
    else:
        always = np.full(len(out), -np.inf)
        arrive = _arrivals(data, kind, times, start + out, data.ready_at_source)
        undelayed = _arrivals(data, kind, times, shift + out, always) if data.has_releases else arrive
        spent = _via_sources(times, out, sources, data.service_times.least[kind])
    every = np.arange(len(arrive))
    begin = service_begin(data, every, arrive)
    delay = np.zeros(len(begin))
    np.subtract(begin, service_begin(data, every, undelayed), out=delay, where=np.isfinite(begin))
    duration = spent + data.service_times.least[kind] + back
    return SingleTripBounds(arrive, begin, delay, back, duration, there + home, exact)


def _arrivals(data: RoutingData, kind: int, times: Floats, arrive: Floats, ready: Floats) -> Floats:
    """Return when nodes can be served, over their sources, given arrivals on the shortest path and goods that wait."""
    arrive = np.maximum(arrive, ready)
    reached = np.isfinite(arrive)
    begin = np.where(reached, service_begin(data, np.arange(len(arrive)), arrive), 0.0)
    stay = data.service_times.least[kind] + begin - np.where(reached, arrive, 0.0)
    return np.maximum(arrive, _via_sources(times, arrive, data.source, stay))


def _shortest_paths(weights: Floats, start: int, end: int, *, returns: bool) -> tuple[Floats, Floats]:
    """Return the shortest paths from the start to every node, and from there to the end where the vehicle returns."""
    from scipy.sparse.csgraph import csgraph_from_dense, dijkstra

    graph = csgraph_from_dense(weights, null_value=np.inf)
    out = dijkstra(graph, indices=start)
    return out, dijkstra(graph.T.tocsr(), indices=end) if returns else np.zeros_like(out)


def _via_sources(weights: Floats, out: Floats, source: np.ndarray, stay: Floats) -> Floats:
    """Route the paths to nodes with a source through that source, with the stay there."""
    from scipy.sparse.csgraph import csgraph_from_dense, dijkstra

    found = out.copy()
    graph = csgraph_from_dense(weights, null_value=np.inf)
    for start in np.unique(source[source >= 0]):
        on = dijkstra(graph, indices=start)
        given = source == start
        found[given] = np.maximum(found[given], out[start] + stay[start] + on[given])
    return found


def _direct_trips(
    laws: RoutingLaws, planning: PlanningValues, vehicle: VehicleType, out: Floats, home: Floats
) -> tuple[Floats, Floats]:
    """Return arrival at every client and the time back, on the direct trip driven on the law."""
    data: RoutingData = laws.data
    depot = data.depot_of[vehicle.name]
    alone = [Route(vehicle.name, 1, depot, (client.name,)) for client in data.clients]
    routes = [replace(route, departure=data.leaves_from(route)) for route in alone]
    driven = drive(laws, planning, routes)
    arrive, back = np.full(len(data.names), np.inf), np.full(len(data.names), np.inf)
    first = driven.tail == data.index[depot]
    arrive[driven.head[first]] = driven.arrive[first]
    back[driven.tail[~first]] = driven.duration[~first]
    # where only paths over other clients lead, their time on the law is unknown: no obstacle is claimed
    arrive = np.where(np.isinf(arrive) & np.isfinite(out), vehicle.shift_start, arrive)
    back = np.where(np.isinf(back) & np.isfinite(home), 0.0, back)
    return arrive, np.where(np.isfinite(home), back, np.inf)
