"""Clients that no vehicle can serve even on a route of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kanopt.array_types import Floats
from kanopt.plans.findings import Reason
from kanopt.routing.data import RoutingData
from kanopt.routing.entities import Client, VehicleType
from kanopt.routing.leg_laws import DURATION, RoutingLaws
from kanopt.routing.plan import Route
from kanopt.routing.planning_values import PlanningValues
from kanopt.routing.rules import RULES
from kanopt.routing.rules.rule import LoneTrip, Obstacle
from kanopt.routing.simulate import drive, service_begin

# Lower bounds on time and distance for serving each client on a route of its own.


@dataclass(frozen=True, eq=False)
class SingleTripBounds:
    """Lower bounds for one vehicle type.

    Parameters
    ----------
    data, vehicle
        The problem's data, and the vehicle type.
    bounds
        What bounds the trip to each node, by the names of :class:`~kanopt.routing.rules.rule.LoneTrip`.
    exact
        As there.
    """

    data: RoutingData
    vehicle: VehicleType
    bounds: Mapping[str, Floats]
    exact: bool

    def trip(self, client: Client) -> LoneTrip:
        """Return what is known of one client."""
        at = self.data.index[client.name]
        own = {name: float(values[at]) for name, values in self.bounds.items()}
        return LoneTrip(self.data, client, self.vehicle, exact=self.exact, **own)


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
    stay = data.service_times.least[kind]
    exact = not laws.reads(DURATION, "clock", "state") and not data.service_times.plan_inputs
    if not exact:
        arrive, stay, back = _direct_trips(laws, planning, vehicle, out, back)
        spent = np.where(np.isfinite(arrive), arrive - start, np.inf)
        undelayed = arrive - (start - shift)
    else:
        always = np.full(len(out), -np.inf)
        arrive = _arrivals(data, kind, times, start + out, data.ready_at_source)
        undelayed = _arrivals(data, kind, times, shift + out, always) if data.has_releases else arrive
        spent = _via_sources(times, out, sources, stay)
    every = np.arange(len(arrive))
    begin = service_begin(data, every, arrive)
    delay = np.zeros(len(begin))
    np.subtract(begin, service_begin(data, every, undelayed), out=delay, where=np.isfinite(begin))
    duration = spent + stay + back
    bounds = {
        "arrive": arrive, "begin": begin, "delay": delay, "stay": stay, "back": back,
        "duration": duration, "distance": there + home,
    }  # fmt: skip
    return SingleTripBounds(data, vehicle, bounds, exact)


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
) -> tuple[Floats, Floats, Floats]:
    """Return arrival at every client, the stay there and the time back, on the direct trip driven on the law."""
    data: RoutingData = laws.data
    depot = data.depot_of[vehicle.name]
    alone = [Route(vehicle.name, 1, depot, (client.name,)) for client in data.clients]
    routes = [replace(route, departure=data.leaves_from(route)) for route in alone]
    driven = drive(laws, planning, routes)
    arrive, back = np.full(len(data.names), np.inf), np.full(len(data.names), np.inf)
    first = driven.tail == data.index[depot]
    stay = data.service_times.least[data.type_index[vehicle.name]].copy()
    arrive[driven.head[first]], stay[driven.head[first]] = driven.arrive[first], driven.stay[first]
    back[driven.tail[~first]] = driven.duration[~first]
    # where only paths over other clients lead, their time on the law is unknown: no obstacle is claimed
    arrive = np.where(np.isinf(arrive) & np.isfinite(out), vehicle.shift_start, arrive)
    back = np.where(np.isinf(back) & np.isfinite(home), 0.0, back)
    return arrive, stay, np.where(np.isfinite(home), back, np.inf)


def infeasible_clients(
    laws: RoutingLaws, planning: PlanningValues, names: Sequence[str], kind: str
) -> dict[str, Reason]:
    """Return a reason for each client that no vehicle type can serve even on a route of its own.

    Arrival, return, duration and length are bounded by shortest paths, so that the reason is a proof even where a
    detour over other clients is faster than the direct leg. Where travel or service times depend on clock or load, the
    direct trip is driven on the law instead, and reasons about time are not called proved. A client is infeasible as
    well where its source, or a client whose source it is, cannot be served by the same vehicle.
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
    bounds = [single_trip_bounds(laws, planning, vehicle) for vehicle in fleet]
    found = {}
    for name in names:
        client = data.clients[data.index[name] - len(data.depots)]
        obstacles = [_obstacle(client, bound) for bound in bounds]
        real = [obstacle for obstacle in obstacles if obstacle is not None]
        if len(real) == len(fleet):
            found[name] = _reason(client, real, kind)
    return found


def _obstacle(client: Client, bound: SingleTripBounds) -> Obstacle | None:
    """Return what keeps a vehicle of this type from serving the client or those that come with it, proofs first."""
    own, data = list(_obstacles(client, bound)), bound.data
    source = client.source or client.name
    for other in data.clients if data.has_sources else ():
        if other.name != client.name and source in (other.name, other.source):
            what = "its source" if other.name == source else "which comes with it"
            own += [
                replace(
                    each,
                    message=f"client {other.name}, {what}, cannot be served either: {each.message}",
                    relaxation=f"{each.relaxation} (of client {other.name})",
                )
                for each in _obstacles(other, bound)
            ]
    return next(iter(sorted(own, key=lambda each: not each.proved)), None)


def _obstacles(client: Client, bound: SingleTripBounds) -> Iterator[Obstacle]:
    trip = bound.trip(client)
    for rule in RULES:
        yield from rule.obstacles(trip)


def _reason(client: Client, obstacles: Sequence[Obstacle], kind: str) -> Reason:
    """Word the obstacles: once where it is the same for every vehicle type, else by type."""
    rules = {obstacle.rule for obstacle in obstacles}
    easiest = min(obstacles, key=lambda obstacle: obstacle.amount)
    same = len(rules) == 1 and (easiest.rule.kind != "who" or len(obstacles) == 1)
    start = "even alone, " if easiest.rule.even_alone and same else ""
    message = easiest.message if same else "; ".join(f"{o.vehicle.name}: {o.message}" for o in obstacles)
    if same and len(obstacles) > 1:
        message += "; no other vehicle type does better"
    return Reason(
        subject=f"client {client.name}",
        kind=kind,
        message=f"client {client.name} cannot be served: {start}{message}",
        relaxation=easiest.relaxation
        if same
        else " or ".join(dict.fromkeys(o.relaxation for o in obstacles)),
        proved=all(obstacle.proved for obstacle in obstacles),
        bottleneck=easiest.rule.bottleneck if len(rules) == 1 else "no vehicle can serve them even alone",
        amount=easiest.amount if np.isfinite(easiest.amount) else None,
    )
