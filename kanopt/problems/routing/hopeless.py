"""Clients that no vehicle could serve even with nothing else to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import csgraph_from_dense, dijkstra

from kanopt.problems.findings import Reason
from kanopt.problems.routing.checking import exceeds, missing_skill
from kanopt.problems.routing.entities import Client, VehicleType
from kanopt.problems.routing.laws import DURATION, Facts, Floats, Laws
from kanopt.problems.routing.plan import Route
from kanopt.problems.routing.planning import Planning
from kanopt.problems.routing.timing import drive
from kanopt.problems.wording import amount_text, clock_text

__all__ = ["hopeless"]


@dataclass(frozen=True)
class _Obstacle:
    """Why one vehicle type cannot serve one client, and by how much."""

    kind: str
    amount: float
    vehicle: VehicleType
    message: str
    relaxation: str
    proved: bool = True


@dataclass(frozen=True, eq=False)
class _Alone:
    """Earliest arrival at every node, and time from every node to the depot, for one vehicle type."""

    arrive: Floats
    back: Floats
    exact: bool


def hopeless(laws: Laws, planning: Planning, names: Sequence[str], kind: str) -> dict[str, Reason]:
    """Return a reason for each of the clients that every vehicle type fails to serve on its own.

    Arrival and return are bounded by shortest paths over the travel times, so that the reason is a proof also where
    the way over other clients is faster than the direct one. Where travel time depends on clock or load, the
    direct trip is driven on the law instead, and windows and shifts are not called proved.
    """
    facts = laws.facts
    fleet = [vehicle for vehicle in facts.vehicles if vehicle.count > 0]
    if not fleet:
        text = "there is no vehicle: every type has a count of 0"
        return {name: Reason(f"client {name}", kind, text, "one vehicle", proved=True) for name in names}
    alone = {vehicle.name: _alone(laws, planning, vehicle) for vehicle in fleet}
    found = {}
    for name in names:
        client = facts.clients[facts.index[name] - len(facts.depots)]
        obstacles = [_obstacle(facts, client, vehicle, alone[vehicle.name]) for vehicle in fleet]
        real = [obstacle for obstacle in obstacles if obstacle is not None]
        if len(real) == len(fleet):
            found[name] = _reason(client, real, kind)
    return found


def _alone(laws: Laws, planning: Planning, vehicle: VehicleType) -> _Alone:
    facts = laws.facts
    depot = facts.index[facts.depot_of[vehicle.name]]
    place = facts.type_index[vehicle.name]
    exact = not laws.reads(DURATION, "clock", "state")
    graph = csgraph_from_dense(planning.durations[place], null_value=np.inf)
    out, home = dijkstra(graph, indices=depot), dijkstra(graph.T.tocsr(), indices=depot)
    if exact:
        return _Alone(vehicle.shift_start + out, home, exact)
    routes = [
        Route(vehicle.name, 1, facts.names[depot], (client.name,), vehicle.shift_start)
        for client in facts.clients
    ]
    driven = drive(laws, planning, routes)
    arrive, back = np.full(len(facts.names), np.inf), np.full(len(facts.names), np.inf)
    first = driven.tail == depot
    arrive[driven.head[first]] = driven.arrive[first]
    back[driven.tail[~first]] = driven.duration[~first]
    # where only a way over other clients leads, its time on the law is unknown and nothing is held against it
    arrive = np.where(np.isinf(arrive) & np.isfinite(out), vehicle.shift_start, arrive)
    back = np.where(np.isinf(back) & np.isfinite(home), 0.0, back)
    return _Alone(arrive, back, exact)


def _obstacle(facts: Facts, client: Client, vehicle: VehicleType, alone: _Alone) -> _Obstacle | None:
    """Return the first thing that keeps a vehicle of this type from serving the client, if any."""
    units, place = facts.units, facts.index[client.name]
    kind = facts.type_index[vehicle.name]
    if not facts.allowed[kind, place]:
        why = missing_skill(facts, kind, client.name)
        return _Obstacle("skill", np.inf, vehicle, why, f"{vehicle.name} allowed to serve it")
    if exceeds(client.demand, vehicle.capacity):
        more = client.demand - vehicle.capacity
        return _Obstacle(
            "capacity",
            more,
            vehicle,
            f"its demand of {amount_text(client.demand, units.load)} is more than {vehicle.name} can carry "
            f"({amount_text(vehicle.capacity, units.load)})",
            f"{amount_text(more, units.load)} less demand, or as much more capacity on {vehicle.name}",
        )
    depot = facts.depot_of[vehicle.name]
    arrive, back = float(alone.arrive[place]), float(alone.back[place])
    if not np.isfinite(arrive) or not np.isfinite(back):
        way = f"from {depot} to it" if not np.isfinite(arrive) else f"from it back to {depot}"
        return _Obstacle("road", np.inf, vehicle, f"no road leads {way}", f"a road {way}")
    returns = max(arrive, client.earliest) + client.service + back
    over = max(returns - vehicle.shift_end, 0.0) if exceeds(returns, vehicle.shift_end) else 0.0
    longer = f"the shift of {vehicle.name} {amount_text(over, units.time)} longer"
    if exceeds(arrive, client.latest):
        late = arrive - client.latest
        return _Obstacle(
            "window",
            late + over,
            vehicle,
            f"{vehicle.name}, leaving {depot} at {clock_text(vehicle.shift_start, units.time)}, reaches it at "
            f"{clock_text(arrive, units.time)} at the earliest, {amount_text(late, units.time)} after its window "
            f"closes at {clock_text(client.latest, units.time)}",
            f"its window {amount_text(late, units.time)} later" + (f" and {longer}" if over else ""),
            alone.exact,
        )
    if over:
        return _Obstacle(
            "shift",
            over,
            vehicle,
            f"{vehicle.name} is back from it at {clock_text(returns, units.time)} at the earliest, "
            f"{amount_text(over, units.time)} after its shift ends at {clock_text(vehicle.shift_end, units.time)}",
            longer,
            alone.exact,
        )
    return None


def _reason(client: Client, obstacles: Sequence[_Obstacle], kind: str) -> Reason:
    """Say it once where every type meets the same obstacle, else type by type."""
    kinds = {obstacle.kind for obstacle in obstacles}
    easiest = min(obstacles, key=lambda obstacle: obstacle.amount)
    same = len(kinds) == 1 and (easiest.kind != "skill" or len(obstacles) == 1)
    start = "even alone, " if easiest.kind in ("window", "shift") else ""
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
    )
