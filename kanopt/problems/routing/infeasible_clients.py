"""Clients that no vehicle can serve even on a route of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kanopt.problems.findings import Reason
from kanopt.problems.routing.data import Floats, RoutingData
from kanopt.problems.routing.entities import Client, VehicleType
from kanopt.problems.routing.leg_laws import DURATION, RoutingLaws
from kanopt.problems.routing.plan import Route
from kanopt.problems.routing.planning_values import PlanningValues
from kanopt.problems.routing.simulate import drive, exceeds, missing_skill, service_begin
from kanopt.text import amount_text, clock_text

# Lower bounds on time and distance for serving each client on a route of its own.


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


_BOTTLENECKS = {
    "skill": "no vehicle may serve them",
    "capacity": "what they want is more than any vehicle carries",
    "road": "no road leads to them and back",
    "window": "no vehicle reaches them before their windows close",
    "release": "their goods are ready too late",
    "shift": "no vehicle is done with them before its shift ends",
    "distance": "even the shortest route to them is longer than any vehicle may drive",
    "duration": "even the shortest route to them takes longer than any vehicle may drive",
}


@dataclass(frozen=True)
class _Obstacle:
    """Why one vehicle type cannot serve one client, and by how much."""

    kind: str
    amount: float
    vehicle: VehicleType
    message: str
    relaxation: str
    proved: bool = True


def infeasible_clients(
    laws: RoutingLaws, planning: PlanningValues, names: Sequence[str], kind: str
) -> dict[str, Reason]:
    """Return a reason for each client that no vehicle type can serve even on a route of its own.

    Arrival, return, duration and length are bounded by shortest paths, so that the reason is a proof even where a
    detour over other clients is faster than the direct leg. Where travel time depends on clock or load, the direct trip
    is driven on the law instead, and reasons about time are not called proved. A client is infeasible as well where its
    source, or a client whose source it is, cannot be served by the same vehicle.
    """
    data = laws.data
    fleet = [vehicle for vehicle in data.vehicles if vehicle.num_available > 0]
    if not fleet:
        text = "there is no vehicle: every type has a count of 0"
        return {
            name: Reason(
                f"client {name}", kind, text, "one vehicle", proved=True, bottleneck="there is no vehicle"
            )
            for name in names
        }
    bounds = {vehicle.name: single_trip_bounds(laws, planning, vehicle) for vehicle in fleet}
    found = {}
    for name in names:
        client = data.clients[data.index[name] - len(data.depots)]
        obstacles = [_obstacle(data, client, vehicle, bounds[vehicle.name]) for vehicle in fleet]
        real = [obstacle for obstacle in obstacles if obstacle is not None]
        if len(real) == len(fleet):
            found[name] = _reason(client, real, kind)
    return found


def _obstacle(
    data: RoutingData, client: Client, vehicle: VehicleType, bound: SingleTripBounds
) -> _Obstacle | None:
    """Return what keeps a vehicle of this type from serving the client or those that come with it, proofs first."""
    own = list(_obstacles(data, client, vehicle, bound))
    if not client.source and not data.has_sources:
        return next(iter(sorted(own, key=lambda each: not each.proved)), None)
    source = client.source or client.name
    for other in data.clients:
        if other.name != client.name and source in (other.name, other.source):
            what = "its source" if other.name == source else "which comes with it"
            own += [
                replace(
                    each,
                    message=f"client {other.name}, {what}, cannot be served either: {each.message}",
                    relaxation=f"{each.relaxation} (of client {other.name})",
                )
                for each in _obstacles(data, other, vehicle, bound)
            ]
    return next(iter(sorted(own, key=lambda each: not each.proved)), None)


def _obstacles(
    data: RoutingData, client: Client, vehicle: VehicleType, bound: SingleTripBounds
) -> Iterator[_Obstacle]:
    kind, place = data.type_index[vehicle.name], data.index[client.name]
    if not data.allowed[kind, place]:
        pinned = data.pinned.get(client.name)
        why = missing_skill(data, kind, client.name)
        if pinned is not None and pinned[0] != vehicle.name:
            why = f"it is pinned to {pinned[0]} {pinned[1]}"
        yield _Obstacle("skill", np.inf, vehicle, why, f"{vehicle.name} allowed to serve it")
    yield from _capacity_obstacles(data, client, vehicle)
    depot = data.depot_of[vehicle.name]
    arrive, back = float(bound.arrive[place]), float(bound.return_time[place])
    if not np.isfinite(arrive) or not np.isfinite(back):
        end = f"on to {vehicle.end_depot}" if vehicle.end_depot else f"back to {depot}"
        direction = f"from {depot} to it" if not np.isfinite(arrive) else f"from it {end}"
        yield _Obstacle("road", np.inf, vehicle, f"no road leads {direction}", f"a road {direction}")
        return
    yield from _time_window_obstacles(data, client, vehicle, bound)
    yield from _length_obstacles(data, client, vehicle, bound)


def _capacity_obstacles(data: RoutingData, client: Client, vehicle: VehicleType) -> Iterator[_Obstacle]:
    """Compare what is on board before and after the client with every capacity."""
    kind, place = data.type_index[vehicle.name], data.index[client.name]
    given = [data.index[other.name] for other in data.clients if other.source == client.name]
    for measure, carried in enumerate(data.demands):
        unit = data.unit_of(measure)
        what = f" of {data.policy.capacities[measure - 1]}" if measure else ""
        loads = [("its demand", float(carried[place]))]
        if measure == 0:
            loads.append(("what it picks up", float(data.pickup[place] + carried[given].sum())))
        elif given:
            loads.append(("what is loaded at it", float(carried[given].sum())))
        capacity = float(data.capacities[measure, kind])
        name, most = max(loads, key=lambda load: load[1])
        if exceeds(most, capacity):
            more = amount_text(most - capacity, unit)
            yield _Obstacle(
                "capacity",
                most - capacity,
                vehicle,
                f"{name} of {amount_text(most, unit)}{what} is more than {vehicle.name} can carry "
                f"({amount_text(capacity, unit)})",
                f"{more} less {'demand' if name == 'its demand' and not what else name.removeprefix('its ') + what}, "
                f"or as much more capacity on {vehicle.name}",
            )


def _time_window_obstacles(
    data: RoutingData, client: Client, vehicle: VehicleType, bound: SingleTripBounds
) -> Iterator[_Obstacle]:
    """Compare the earliest arrival with the last window, and the earliest end with the shift."""
    place, unit = data.index[client.name], data.units.time
    arrive, latest = float(bound.arrive[place]), float(data.latest[place])
    kind = data.type_index[vehicle.name]
    ends = float(bound.begin[place] + data.service_times.least[kind, place] + bound.return_time[place])
    over = max(ends - vehicle.shift_end, 0.0) if exceeds(ends, vehicle.shift_end) else 0.0
    longer = f"the shift of {vehicle.name} {amount_text(over, unit)} longer"
    delay, waits = float(bound.delay[place]), ""
    if delay > 0.0:
        ready = clock_text(max(client.release_time, float(data.ready_at_source[place])), unit)
        waits = f", which waits for goods until {ready},"
    if exceeds(arrive, latest) and not data.has_soft_window[place]:
        late = arrive - latest
        ready_after = client.release_time > latest  # whatever the way to it takes
        yield _Obstacle(
            "release" if delay >= late else "window",
            late + over,
            vehicle,
            f"{vehicle.name}{waits or _leaving(data, vehicle)} reaches it at {clock_text(arrive, unit)} at the "
            f"earliest, {amount_text(late, unit)} after its window closes at {clock_text(latest, unit)}",
            f"its window {amount_text(late, unit)} later"
            + (f" and {longer}" if over else "")
            + (_ready_earlier(data, client, vehicle, bound) if delay >= max(late, over) else ""),
            bound.exact or ready_after,
        )
    if over:
        done = "is back from it" if vehicle.returns else "is done with it"
        yield _Obstacle(
            "release" if delay >= over else "shift",
            over,
            vehicle,
            f"{vehicle.name}{waits} {done} at {clock_text(ends, unit)} at the earliest, {amount_text(over, unit)} "
            f"after its shift ends at {clock_text(vehicle.shift_end, unit)}",
            longer + (_ready_earlier(data, client, vehicle, bound) if delay >= over else ""),
            bound.exact,
        )


def _leaving(data: RoutingData, vehicle: VehicleType) -> str:
    return f", leaving {data.depot_of[vehicle.name]} at {clock_text(vehicle.shift_start, data.units.time)},"


def _ready_earlier(data: RoutingData, client: Client, vehicle: VehicleType, bound: SingleTripBounds) -> str:
    """Say how much earlier the goods of a client must be ready, where that would do."""
    kind, place = data.type_index[vehicle.name], data.index[client.name]
    source = data.source[place]
    several = source >= 0 and len(data.windows[source - len(data.depots)]) > 1
    if several or data.service_times.plan_inputs:
        # by how much depends on the window in which they are loaded, or on how long that and service take then
        return ", or its goods ready earlier"
    begins_by = vehicle.shift_end - float(data.service_times.stated[kind, place] + bound.return_time[place])
    windows = data.windows[place - len(data.depots)]
    arrivals = [min(closes, begins_by) for opens, closes in windows if opens <= begins_by]
    if data.has_soft_window[place] and begins_by > windows[-1][1]:
        arrivals.append(begins_by)
    if not arrivals:
        return ""
    needed = float(bound.arrive[place]) - max(arrivals)
    return f", or its goods ready {amount_text(needed, data.units.time)} earlier"


def _length_obstacles(
    data: RoutingData, client: Client, vehicle: VehicleType, bound: SingleTripBounds
) -> Iterator[_Obstacle]:
    """Compare the shortest possible route with the longest one that the vehicle may drive."""
    place = data.index[client.name]
    for name, least, most, unit, proved in (
        ("distance", bound.distance[place], vehicle.max_distance, data.units.distance, True),
        ("duration", bound.duration[place], vehicle.max_duration, data.units.time, bound.exact),
    ):
        value = float(least)
        if exceeds(value, most):
            over = amount_text(value - most, unit)
            yield _Obstacle(
                name,
                value - most,
                vehicle,
                f"the shortest route of {vehicle.name} to it {'takes' if name == 'duration' else 'is'} "
                f"{amount_text(value, unit)}{' long' if name == 'distance' else ''}, {over} more than it may",
                f"the longest {name} of {vehicle.name} {over} longer",
                proved,
            )


def _reason(client: Client, obstacles: Sequence[_Obstacle], kind: str) -> Reason:
    """Word the obstacles: once where it is the same for every vehicle type, else by type."""
    kinds = {obstacle.kind for obstacle in obstacles}
    easiest = min(obstacles, key=lambda obstacle: obstacle.amount)
    same = len(kinds) == 1 and (easiest.kind != "skill" or len(obstacles) == 1)
    start = "even alone, " if easiest.kind in ("window", "release", "shift", "distance", "duration") else ""
    message = easiest.message if same else "; ".join(f"{o.vehicle.name}: {o.message}" for o in obstacles)
    if same and len(obstacles) > 1:
        message += "; no other vehicle type does better"
    return Reason(
        subject=f"client {client.name}",
        kind=kind,
        message=f"client {client.name} cannot be served: {start if same else ''}{message}",
        relaxation=easiest.relaxation
        if same
        else " or ".join(dict.fromkeys(o.relaxation for o in obstacles)),
        proved=all(obstacle.proved for obstacle in obstacles),
        bottleneck=_BOTTLENECKS[easiest.kind] if len(kinds) == 1 else "no vehicle can serve them even alone",
        amount=easiest.amount if np.isfinite(easiest.amount) else None,
    )
