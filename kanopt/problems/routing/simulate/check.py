"""Every rule of a routing plan, verified on the law without a solver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.broken_rules import RuleWords
from kanopt.problems.findings import Check, Violation
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.plan import Route, RoutingPlan
from kanopt.problems.routing.simulate.drive import Drive
from kanopt.problems.routing.simulate.legs import PaddedRoutes
from kanopt.problems.routing.simulate.tolerance import exceeds, slack
from kanopt.problems.routing.simulate.under_way import changes_of_started
from kanopt.text import amount_text, clock_text, count_text, join_list

Flags = NDArray[np.bool_]

RULE_WORDS: Mapping[str, RuleWords] = {
    "fleet": RuleWords(
        "vehicle is not in the fleet or drives twice at once",
        "vehicles are not in the fleet or drive twice at once",
    ),
    "depot": RuleWords("route starts from the wrong depot", "routes start from the wrong depot"),
    "visits": RuleWords("client is served more than once", "clients are served more than once"),
    "skill": RuleWords(
        "client is served by a vehicle that may not", "clients are served by vehicles that may not"
    ),
    "goods": RuleWords(
        "route carries goods that must be kept apart", "routes carry goods that must be kept apart"
    ),
    "pinned": RuleWords(
        "client is on another vehicle than the one it is pinned to",
        "clients are on other vehicles than those they are pinned to",
    ),
    "reload": RuleWords(
        "route comes back to its depot too often", "routes come back to their depot too often"
    ),
    "backhaul": RuleWords("client is delivered to after a pickup", "clients are delivered to after a pickup"),
    "order": RuleWords(
        "client is served without what it needs from another, or before that",
        "clients are served without what they need from others, or before that",
    ),
    "capacity": RuleWords("vehicle carries more than it can", "vehicles carry more than they can"),
    "road": RuleWords("route drives where no road leads", "routes drive where no road leads"),
    "time window": RuleWords(
        "client is served after its window closes", "clients are served after their windows close"
    ),
    "release": RuleWords(
        "vehicle leaves before its goods are ready", "vehicles leave before their goods are ready"
    ),
    "shift": RuleWords("vehicle drives outside its shift", "vehicles drive outside their shifts"),
    "distance": RuleWords("route is longer than it may be", "routes are longer than they may be"),
    "duration": RuleWords("route takes longer than it may", "routes take longer than they may"),
    "started": RuleWords(
        "route is not as it is under way, or begins in the past",
        "routes are not as they are under way, or begin in the past",
    ),
    "break": RuleWords("vehicle has no time for its breaks", "vehicles have no time for their breaks"),
}
"""How the breaking of each rule is told."""


def check_plan(data: RoutingData, plan: RoutingPlan, driven: Drive, *, whole: bool = True) -> Check:
    """Verify every rule of the problem for a plan that was driven on the law.

    Parameters
    ----------
    data, plan, driven
        The problem's data, a plan, and how it is driven.
    whole
        Whether the plan is all of it, so that every route under way must be in it.
    """
    return Check(
        (
            *_fleet(data, plan),
            *_visits(data, plan),
            *_skills(data, plan),
            *_goods_and_pins(data, plan),
            *_orders(data, plan),
            *_capacity(data, plan, driven),
            *_roads(data, plan, driven),
            *_windows(data, plan, driven),
            *_releases(data, plan, driven),
            *_shifts(data, plan, driven),
            *_lengths(data, plan, driven),
            *_breaks(data, plan, driven),
            *changes_of_started(data, plan, driven, whole=whole),
        )
    )


def _fleet(data: RoutingData, plan: RoutingPlan) -> Iterator[Violation]:
    """Yield vehicles that do not exist, are used twice, or start from another depot than theirs."""
    used = Counter((route.vehicle, route.index) for route in plan.routes)
    for (name, index), times in used.items():
        vehicle = data.vehicles[data.type_index[name]]
        label, count = Route(name, index, "", (), named=vehicle.is_named).label, vehicle.num_available
        if not 1 <= index <= count:
            there = f"there {'is' if count == 1 else 'are'} {count_text(count, 'vehicle')} of type {name!r}"
            message = f"{label} does not exist: {there}"
            yield Violation("fleet", label, 1.0, "", message)
        if times > 1:
            yield Violation("fleet", label, times - 1.0, "", f"{label} drives {times} routes at once")
    for route in plan.routes:
        home = data.depot_of[route.vehicle]
        if route.depot != home:
            message = f"{route.label} starts from {route.depot!r}, but its depot is {home!r}"
            yield Violation("depot", route.label, 1.0, "", message)


def _visits(data: RoutingData, plan: RoutingPlan) -> Iterator[Violation]:
    """Yield clients served more than once, and mandatory ones not served."""
    visits = Counter(client for route in plan.routes for client in route.clients)
    for client in data.clients:
        times, where = visits[client.name], f"client {client.name}"
        if times > 1:
            yield Violation("visits", where, times - 1.0, "", f"{where} is served {times} times")
        if times == 0 and client.mandatory:
            message = f"{where} must be served and is on no route"
            yield Violation("unserved", where, client.demand, data.units.load, message)


def _skills(data: RoutingData, plan: RoutingPlan) -> Iterator[Violation]:
    """Yield clients served by a vehicle that may not."""
    for route in plan.routes:
        kind = data.type_index[route.vehicle]
        for name in route.clients:
            if not data.has_skills[kind, data.index[name]]:
                message = f"{route.label} may not serve client {name}: {missing_skill(data, kind, name)}"
                yield Violation("skill", f"client {name}", 1.0, "", message)


def missing_skill(data: RoutingData, kind: int, name: str) -> str:
    """Say why a vehicle type, by its position, may not serve a client."""
    client, vehicle = data.clients[data.index[name] - len(data.depots)], data.vehicles[kind]
    lacking = sorted({*client.needs} - {*vehicle.skills})
    if lacking:
        return f"it needs {join_list(lacking)}, which {vehicle.name} does not have"
    if not data.has_skills[kind, data.index[name]]:
        return f"it may be served by {' or '.join(sorted(frozenset(client.vehicles)))} only"
    pinned, number = data.pinned[name]
    return f"it is pinned to {pinned} {number}"


def _goods_and_pins(data: RoutingData, plan: RoutingPlan) -> Iterator[Violation]:
    """Yield goods that may not be on one route, and clients on another vehicle than the one they are pinned to."""
    for route in plan.routes:
        stops = [data.index[name] for name in route.clients]
        for one, other in np.argwhere(np.triu(data.apart[np.ix_(stops, stops)])):
            pair = f"{route.clients[one]} and {route.clients[other]}"
            message = f"{route.label}: the goods of clients {pair} may not be on one route"
            yield Violation("goods", route.label, 1.0, "", message)
        for name in route.clients:
            pinned = data.pinned.get(name)
            if pinned is not None and pinned != (route.vehicle, route.index):
                message = f"client {name} is pinned to {pinned[0]} {pinned[1]}, not to {route.label}"
                yield Violation("pinned", f"client {name}", 1.0, "", message)


def _orders(data: RoutingData, plan: RoutingPlan) -> Iterator[Violation]:
    """Yield too many reloads, deliveries after pickups, and goods that are delivered before they are loaded."""
    for route in plan.routes:
        trips = trips_of(route)
        reloads, allowed = len(trips) - 1, data.vehicles[data.type_index[route.vehicle]].max_reloads
        if reloads > allowed:
            message = f"{route.label} comes back to {route.depot} {reloads} times on its way, and may {allowed} times"
            yield Violation("reload", route.label, float(reloads - allowed), "", message)
        if data.policy.backhaul:
            for trip in trips:
                yield from _backhaul(data, route, trip)
    if data.has_sources:
        yield from _sources(data, plan)


def trips_of(route: Route) -> list[list[str]]:
    """Return the clients between visits of the depot."""
    trips: list[list[str]] = [[]]
    for name in route.clients:
        if name == route.depot:
            trips.append([])
        else:
            trips[-1].append(name)
    return trips


def _backhaul(data: RoutingData, route: Route, trip: Sequence[str]) -> Iterator[Violation]:
    first = next((place for place, name in enumerate(trip) if data.pickup[data.index[name]] > 0), None)
    for name in trip[first + 1 :] if first is not None else ():
        if data.demand[data.index[name]] > 0:
            picked_up = f"after it has picked up at client {trip[first or 0]}"
            message = f"{route.label} delivers to client {name} {picked_up}"
            yield Violation("backhaul", f"client {name}", 1.0, "", message)


def _sources(data: RoutingData, plan: RoutingPlan) -> Iterator[Violation]:
    trip_of, place_of = {}, {}
    for route in plan.routes:
        for number, trip in enumerate(trips_of(route)):
            for place, name in enumerate(trip):
                trip_of[name], place_of[name] = (route.label, number), place
    for client in data.clients:
        if not client.source:
            continue
        here, there = trip_of.get(client.name), trip_of.get(client.source)
        if here is None and there is None:
            continue
        if here is not None and here == there and place_of[client.source] < place_of[client.name]:
            continue
        loaded = f"client {client.source}, where its demand is loaded"
        if here is None:
            wrong, why = client.source, f"is served, but not client {client.name}, who is given what it loads"
        elif there is None:
            wrong, why = client.name, f"is served, but not {loaded}"
        elif here != there:
            wrong, why = client.name, f"is on another trip than {loaded}"
        else:
            wrong, why = client.name, f"comes before {loaded}"
        yield Violation("order", f"client {wrong}", 1.0, "", f"client {wrong} {why}")


def _capacity(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    """Yield routes on which more is on board than the vehicle holds; once for each measure, at its worst."""
    for measure, loads in enumerate(driven.loads):
        unit = data.unit_of(measure)
        what = "" if measure == 0 else f" of {data.policy.capacities[measure - 1]}"
        most = np.zeros(len(plan.routes))
        np.maximum.at(most, driven.route, loads)
        # what an open route picks up last is on no leg
        np.maximum(most, driven.ends_with[measure], out=most)
        for route, load in zip(plan.routes, most.tolist(), strict=True):
            capacity = float(data.capacities[measure, data.type_index[route.vehicle]])
            if exceeds(load, capacity):
                message = (
                    f"{route.label} carries {amount_text(load, unit)}{what}, {amount_text(load - capacity, unit)} "
                    f"more than its capacity of {amount_text(capacity, unit)}"
                )
                yield Violation("capacity", route.label, load - capacity, unit, message)


def _roads(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    for leg in np.flatnonzero(~np.isfinite(driven.duration)):
        label = plan.routes[driven.route[leg]].label
        tail, head = data.names[driven.tail[leg]], data.names[driven.head[leg]]
        message = f"{label}: no road leads from {tail} to {head}"
        yield Violation("road", label, np.inf, data.units.distance, message)


def _windows(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    unit = data.units.time
    for leg in np.flatnonzero(np.isfinite(driven.begin)):
        latest, begin = float(data.latest[driven.head[leg]]), float(driven.begin[leg])
        if not data.has_soft_window[driven.head[leg]] and exceeds(begin, latest):
            label, where = plan.routes[driven.route[leg]].label, f"client {data.names[driven.head[leg]]}"
            message = (
                f"{label} reaches {where} at {clock_text(begin, unit)}, "
                f"{amount_text(begin - latest, unit)} after its window closes at {clock_text(latest, unit)}"
            )
            yield Violation("time window", where, begin - latest, unit, message)


def _releases(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    """Yield routes that leave before the goods of their first trip are ready; those of later trips are waited for."""
    unit = data.units.time
    for route, leaves in zip(plan.routes, driven.departure.tolist(), strict=True):
        ready = data.released(route)
        if exceeds(ready, leaves):
            last = max((data.index[name] for name in trips_of(route)[0]), key=data.ready_at_depot.__getitem__)
            message = (
                f"{route.label} leaves at {clock_text(leaves, unit)}, {amount_text(ready - leaves, unit)} before what "
                f"client {data.names[last]} receives is ready at {clock_text(ready, unit)}"
            )
            yield Violation("release", route.label, ready - leaves, unit, message)


def _shifts(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    unit = data.units.time
    for place, route in enumerate(plan.routes):
        vehicle = data.vehicles[data.type_index[route.vehicle]]
        leaves, returns = float(driven.departure[place]), float(driven.finish[place])
        early, over = vehicle.shift_start - leaves, returns - vehicle.shift_end
        if exceeds(vehicle.shift_start, leaves):
            message = (
                f"{route.label} leaves at {clock_text(leaves, unit)}, {amount_text(early, unit)} before its shift "
                f"starts at {clock_text(vehicle.shift_start, unit)}"
            )
            yield Violation("shift", route.label, early, unit, message)
        if np.isfinite(returns) and exceeds(returns, vehicle.shift_end):
            done = "returns" if vehicle.returns else "is done"
            message = (
                f"{route.label} {done} at {clock_text(returns, unit)}, {amount_text(over, unit)} after its shift "
                f"ends at {clock_text(vehicle.shift_end, unit)}"
            )
            yield Violation("shift", route.label, over, unit, message)


def _lengths(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    """Yield routes that lead too far or take too long."""
    legs = np.nan_to_num(data.lengths(driven.tail, driven.head), posinf=0.0)
    distances = np.bincount(driven.route, weights=legs, minlength=len(plan.routes)).tolist()
    durations, units = driven.route_durations.tolist(), data.units
    for route, distance, duration in zip(plan.routes, distances, durations, strict=True):
        vehicle = data.vehicles[data.type_index[route.vehicle]]
        for constraint, verb, value, limit, unit in (
            ("distance", "is long", distance, vehicle.max_distance, units.distance),
            ("duration", "takes", duration, vehicle.max_duration, units.time),
        ):
            if np.isfinite(value) and exceeds(value, limit):
                message = (
                    f"{route.label} {verb} {amount_text(value, unit)}, {amount_text(value - limit, unit)} more than "
                    f"the {amount_text(limit, unit)} it may"
                )
                yield Violation(constraint, route.label, value - limit, unit, message)


def _breaks(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    for place in np.flatnonzero((driven.breaks_missed > 0) & np.isfinite(driven.finish)):
        route, count = plan.routes[place], int(driven.breaks_missed[place])
        breaks = len(data.breaks[data.type_index[route.vehicle]])
        message = f"{route.label}: {count} of the driver's {breaks} breaks cannot be taken when they must be"
        yield Violation("break", route.label, float(count), "", message)


def broken_rules_of_routes(
    data: RoutingData, driven: Drive, grid: PaddedRoutes, stops: Sequence[int]
) -> dict[str, Flags]:
    """Return which routes break each rule that depends on what happens on the way; (routes,) each.

    Parameters
    ----------
    data
        The problem's data.
    driven, grid
        The routes as they are driven, and laid out.
    stops
        How many stops each route has.
    """
    count = len(driven.finish)
    rows = np.arange(count)

    def of_legs(flags: Flags) -> Flags:
        return np.bincount(driven.route, weights=flags, minlength=count) > 0

    latest = data.latest[driven.head]
    hard = ~data.has_soft_window[driven.head] & np.isfinite(driven.begin)
    ends, longest = (data.of_vehicles(name)[grid.kind] for name in ("shift_end", "max_duration"))
    reached = np.isfinite(driven.finish)
    load = np.where(grid.valid, grid.loads, 0.0).max(axis=2, initial=0.0)
    load = np.maximum(load, grid.loads[:, rows, np.asarray(stops, dtype=np.intp)])
    capacity = data.capacities[:, grid.kind]
    return {
        "time window": of_legs(hard & (driven.begin > latest + slack(latest))),
        "shift": reached & (driven.finish > ends + slack(ends)),
        "duration": reached & (driven.route_durations > longest + slack(longest)),
        "break": reached & (driven.breaks_missed > 0),
        "capacity": (load > capacity + slack(capacity)).any(axis=0),
        "road": ~reached,
    }
