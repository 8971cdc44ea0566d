"""Why clients are unserved or late, and the smallest change found that would mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from kanopt.array_types import Floats
from kanopt.plans.findings import Reason, Violation
from kanopt.routing.arrays import RoutingData
from kanopt.routing.entities import Client
from kanopt.routing.insertion import Insertion, InsertionFinder, violations_by_route
from kanopt.routing.leg_laws import DURATION, RoutingLaws
from kanopt.routing.plan import Route, RoutingPlan
from kanopt.routing.planning_values import PlanningValues
from kanopt.routing.rules import BY_NAME, kind_of
from kanopt.routing.rules.release import RELEASE
from kanopt.routing.rules.rule import Drive, DrivenPlan, exceeds, slack
from kanopt.routing.simulate.departures import drive
from kanopt.text import amount_text, count_text, join_list, money_text

LOAD, TIME, WHO = "load", "time", "who"
_MOST = 3


def smallest_relaxations(places: Iterable[Insertion]) -> list[Insertion]:
    """Return the insertion that breaks its rules least, for each set of rules to relax; cheapest first.

    Insertions that break rules of two kinds count only where none breaks rules of one kind.
    """
    best: dict[frozenset[str], tuple[tuple[float, ...], Insertion]] = {}
    for place in places:
        kinds = frozenset(place.by_kind)
        size = *(round(place.over(kind), 9) for kind in sorted(kinds)), round(place.cost, 9)
        may = not any(BY_NAME[each.constraint].must_hold for each in place.violations)
        if may and (kinds not in best or size < best[kinds][0]):
            best[kinds] = size, place
    fewest = min(map(len, best), default=0)
    found = [place for kinds, (_, place) in best.items() if len(kinds) == fewest]
    return sorted(found, key=lambda place: place.cost)[:_MOST]


def relaxation_text(data: RoutingData, places: Sequence[Insertion]) -> str:
    """Say which limits each insertion needs relaxed, and how much more the plan would then cost."""
    told = (
        f"{place.position_text} with {_relaxed_text(data, place)}, for {price_text(data, place.cost)}"
        for place in places
    )
    return ", or ".join(told)


def _relaxed_text(data: RoutingData, place: Insertion) -> str:
    return " together with ".join(_kind_text(data, place, kind) for kind in sorted(place.by_kind))


def price_text(data: RoutingData, cost: float) -> str:
    """Write what a plan costs more, or less."""
    return f"{money_text(abs(cost), data.units.money)} {'more' if cost >= 0 else 'less'}"


def _kind_text(data: RoutingData, place: Insertion, kind: str) -> str:
    broken = place.by_kind[kind]
    if kind == TIME and len(broken) > 1:
        names = list(dict.fromkeys(BY_NAME[each.constraint].limit_text for each in broken))
        return f"{amount_text(place.over(kind), broken[0].unit)} more in {join_list(names)}"
    first = broken[0]
    if kind == WHO:  # a vehicle may not serve a client, or not only that: one change would do for each
        first = next((each for each in broken if each.constraint == "pinned"), first)
        broken = [first]
    return BY_NAME[first.constraint].relaxed(data, broken)


# Clients that no vehicle can serve even on a route of their own.


def infeasible_clients(
    laws: RoutingLaws, planning: PlanningValues, names: Sequence[str], kind: str
) -> dict[str, Reason]:
    """Return a reason for each client that no vehicle type can serve even on a route of its own.

    The referee drives these routes along shortest paths and without breaks, so that a rule that they break is broken by
    every route with the client, even where a detour over others is faster than the direct leg. Where travel or service
    times depend on clock or load, legs are driven on the law instead, and reasons about time are not called proved. A
    client is infeasible as well where its source, or a client whose source it is, cannot be served by the same vehicle.
    """
    data = laws.data
    kinds = [place for place, vehicle in enumerate(data.vehicles) if vehicle.num_available > 0]
    if not kinds:
        text, what = "there is no vehicle: every type has a count of 0", "there is no vehicle"
        return {
            name: Reason(f"client {name}", kind, text, "one vehicle", proved=True, bottleneck=what)
            for name in names
        }
    groups = {data.names[node]: nodes for nodes in data.served_together for node in nodes}
    wanted = list(dict.fromkeys(groups[name] for name in names))
    trips = [_trips_alone(laws, planning, place, wanted) for place in kinds]
    found = {}
    for name in names:
        together = sorted((data.names[node] for node in groups[name]), key=lambda other: other != name)
        broken = [[of_type[each] for each in together if of_type[each].violations] for of_type in trips]
        if all(broken):
            found[name] = _reason_alone(laws, name, broken, kind)
    if data.has_releases and found:
        ready = tuple(replace(client, release_time=0.0) for client in data.clients)
        at_once = RoutingLaws(replace(data, clients=ready), laws.cost, laws.duration)
        for name in found.keys() - infeasible_clients(at_once, planning, list(found), kind).keys():
            relaxation = f"{found[name].relaxation}, or its goods ready earlier"
            found[name] = replace(found[name], relaxation=relaxation, bottleneck=RELEASE.bottleneck)
    return found


def _trips_alone(
    laws: RoutingLaws, planning: PlanningValues, kind: int, groups: Sequence[tuple[int, ...]]
) -> dict[str, Insertion]:
    """Return by client the route on which a vehicle type serves it alone, after its source, and what that breaks.

    Of a source it is the one with all that it loads, of which only what is on board counts.
    """
    data, vehicle = laws.data, laws.data.vehicles[kind]
    home, end = int(data.homes[kind]), int(data.ends[kind])
    starts = [home, *(source for source, *others in groups if others)]
    lengths = _along_shortest_paths(laws.all_lengths(), starts, end if vehicle.returns else None)
    duration = laws.duration
    if not laws.reads(DURATION, "clock", "state"):
        times = planning.durations[kind]
        duration = _along_shortest_paths(times, starts, end if vehicle.returns else None)
    near = RoutingLaws(
        replace(
            data,
            clients=tuple(replace(client, prize=0.0) for client in data.clients),
            vehicles=tuple(replace(one, breaks="", max_driving=np.inf) for one in data.vehicles),
            distances=lengths,
            policy=replace(data.policy, not_before=None, longest_route_cost=0.0),
            started=(),
        ),
        {},
        duration,
    )
    trips: list[tuple[int, ...]] = []
    for source, *others in groups:
        # what is on board at most is least where what is given and not taken goes first
        order = sorted(others, key=lambda node: data.pickup[node] - data.demand[node])
        trips += [
            (source,),
            *([(source, *order, source)] if others else []),
            *((source, node) for node in others),
        ]
    routes = []
    for *visited, node in trips:
        name = data.names[node]
        pinned, index = data.pinned.get(name, ("", 1))
        names = tuple(data.names[each] for each in dict.fromkeys([*visited, node]))
        index = index if pinned == vehicle.name else 1
        routes.append(Route(vehicle.name, index, data.depot_of[vehicle.name], names, named=True))
    driven = drive(near, PlanningValues(near), routes)
    every, found = violations_by_route(near.data, routes, driven), dict[str, Insertion]()
    for (*visited, node), route, broken in zip(trips, routes, every, strict=True):
        way = [data.index[name] for name in data.way_of(route)]
        # where roads lead over other clients alone, a table of arrivals does not know how long that takes
        unknown = {"road"} if np.isfinite(lengths[way[:-1], way[1:]]).all() else set[str]()
        told = tuple(
            each
            for each in broken
            if not BY_NAME[each.constraint].must_hold
            and each.constraint not in unknown
            and (len(visited) < 2 or kind_of(each) in (LOAD, "goods"))
        )
        before = found.get(data.names[node], Insertion(route, data.names[node], (), 0.0))
        found[before.client] = replace(before, violations=(*before.violations, *told))
    return found


def _along_shortest_paths(weights: Floats, starts: Sequence[int], end: int | None) -> Floats:
    """Return a matrix in which arcs from some nodes, and to an end where there is one, are shortest paths."""
    from scipy.sparse.csgraph import csgraph_from_dense, dijkstra

    graph, found = csgraph_from_dense(weights, null_value=np.inf), np.array(weights)
    found[starts] = dijkstra(graph, indices=starts)
    if end is not None:
        found[:, end] = dijkstra(graph.T.tocsr(), indices=end)
    return found


def _reason_alone(laws: RoutingLaws, client: str, broken: Sequence[Sequence[Insertion]], kind: str) -> Reason:
    """Word what keeps every vehicle type from serving a client: once where it is the same for all, else by type.

    Parameters
    ----------
    laws
        Of the problem.
    client
        The client.
    broken
        By vehicle type the trips, that of the client before those of clients that come with it, that break rules.
    kind
        Of the reason.
    """
    data = laws.data
    exact = not laws.reads(DURATION, "clock", "state") and not laws.service_moves
    node = data.index[client]
    never = data.release[node] > data.due[node]  # whatever the way to it takes

    def unproved(each: Violation) -> bool:
        return not (exact or kind_of(each) != TIME or (never and each.constraint == "time window"))

    places = [min(trips, key=lambda trip: all(map(unproved, trip.violations))) for trips in broken]
    first = [
        min(place.violations, key=lambda each: (unproved(each), kind_of(each) != WHO)) for place in places
    ]
    said = [each.message for each in first]
    for at, place in enumerate(places):
        if place.client != client:
            what = "its source" if data.source[node] == data.index[place.client] else "which comes with it"
            said[at] = f"client {place.client}, {what}, cannot be served either: {said[at]}"
    easiest, rules = min(first, key=lambda each: each.amount), {each.constraint for each in first}
    same = len(rules) == 1 and (kind_of(easiest) != WHO or len(places) == 1)
    message = said[first.index(easiest)] if same else "; ".join(said)
    if same and len(places) > 1:
        message += "; no other vehicle type does better"
    relaxed = (
        f"{place.route.label} with {_relaxed_text(data, place)}" for place in smallest_relaxations(places)
    )
    bottleneck = BY_NAME[easiest.constraint].bottleneck if len(rules) == 1 else ""
    return Reason(
        subject=f"client {client}",
        kind=kind,
        message=f"client {client} cannot be served, even alone: {message}",
        relaxation=", or ".join(relaxed),
        proved=not any(map(unproved, first)),
        bottleneck=bottleneck or "no vehicle can serve them even alone",
        amount=easiest.amount if np.isfinite(easiest.amount) else None,
    )


def infeasibility_reasons(laws: RoutingLaws, planning: PlanningValues) -> tuple[Reason, ...]:
    """Return a reason for every client that no vehicle can serve, and for a fleet that is too small."""
    must = [client.name for client in laws.data.clients if client.mandatory]
    found = infeasible_clients(laws, planning, must, "infeasible")
    short = tuple(_fleet_too_small(laws.data))
    if found or short:
        return (*short, *found.values())
    clients = count_text(len(laws.data.clients), "client")
    return (
        Reason(
            "plan",
            "infeasible",
            f"the search ended without a plan for {clients}, and no single client rules one out",
            "a longer search",
            searched=True,
        ),
    )


def plan_reasons(
    laws: RoutingLaws, planning: PlanningValues, plan: RoutingPlan, driven: Drive
) -> tuple[Reason, ...]:
    """Return a reason for every unserved and every late client of a plan that was driven on the law."""
    return (*_unserved(laws, planning, plan, driven), *_late(laws, planning, plan, driven))


def _unserved(
    laws: RoutingLaws, planning: PlanningValues, plan: RoutingPlan, driven: Drive
) -> Iterator[Reason]:
    served = {name for route in plan.routes for name in route.clients}
    left = [client for client in laws.data.clients if client.name not in served]
    if not left:
        return
    if any(client.mandatory for client in left):
        yield from _fleet_too_small(laws.data)
    alone = infeasible_clients(laws, planning, [client.name for client in left], "unserved")
    unexplained = [client for client in left if client.name not in alone or not alone[client.name].proved]
    insertions = InsertionFinder(laws, planning, plan, driven) if unexplained else None
    for client in left:
        found = alone.get(client.name)
        if insertions is None or (found is not None and found.proved):
            assert found is not None
            yield found
        else:
            yield _not_inserted(laws.data, client, insertions, found)


def _fleet_too_small(data: RoutingData) -> Iterator[Reason]:
    """Compare what must be delivered with what the whole fleet can carry."""
    must = np.array([False] * len(data.depots) + [client.mandatory for client in data.clients])
    # what is loaded at a client may be on board when something else no longer is
    needed = data.demands[:, must & (data.source < 0)].sum(axis=1)
    trips = np.array([vehicle.num_available * (1 + vehicle.max_reloads) for vehicle in data.vehicles])
    tours = "tour" if trips.sum() == data.of_vehicles("num_available").sum() else "trip, reloads included,"
    for measure, demand in enumerate(needed.tolist()):
        capacity = float(sum(data.capacities[measure, trips > 0] * trips[trips > 0]))
        if exceeds(demand, capacity):
            unit = data.unit_of(measure)
            missing = amount_text(demand - capacity, unit)
            what = f" of {data.policy.capacities[measure - 1]}" if measure else ""
            yield Reason(
                "fleet",
                "infeasible",
                f"the clients that must be served demand {amount_text(demand, unit)}{what}, {missing} more than all "
                f"vehicles carry in one {tours} each ({amount_text(capacity, unit)})",
                f"{missing} more capacity{what}",
                proved=True,
            )


def _not_inserted(
    data: RoutingData, client: Client, insertions: InsertionFinder, alone: Reason | None
) -> Reason:
    """Give the cheapest feasible insertion of a client, else the smallest relaxations that allow one."""
    places = insertions.for_client(client.name)
    if places and not places[0].violations:
        return _feasible_insertion_reason(data, client, places[0])
    best = smallest_relaxations(places)
    relaxation = relaxation_text(data, best)
    price = best[0].cost if best else None
    if alone is not None:
        return replace(alone, relaxation=relaxation or alone.relaxation, price=price, searched=True)
    obstacle = _blocking_rules(client, places)
    return replace(obstacle, relaxation=relaxation, price=price, searched=True)


def _feasible_insertion_reason(data: RoutingData, client: Client, best: Insertion) -> Reason:
    """Word the reason of a client with a feasible insertion."""
    subject, prize = f"client {client.name}", client.prize
    cost, relaxation = price_text(data, best.cost), f"insert it into {best.position_text}"
    message = f"{subject} is left out although {best.position_text} could serve it for {cost}"
    bottleneck = "a vehicle could serve them, and the search left them out"
    if prize is not None and best.cost >= prize:
        told = f"at its cheapest place ({best.position_text}), and its prize is {money_text(prize, data.units.money)}"
        message = f"serving {subject} would cost {cost} {told}"
        bottleneck = "serving them would cost more than their prizes"
        relaxation = f"a prize above {money_text(best.cost, data.units.money)}"
    elif prize is not None:
        message += f", less than its prize of {money_text(prize, data.units.money)}"
        bottleneck = "serving them would cost less than their prizes, and the search left them out"
    return Reason(subject, "unserved", message, relaxation, price=best.cost, bottleneck=bottleneck)


_OBSTACLES = (
    (WHO, "every vehicle that may serve {} is out of the fleet or does not exist"),
    (LOAD, "no vehicle has capacity left for {}"),
    (TIME, "no vehicle with room for {} has the time"),
)
"""What stands in the way where every place breaks a rule of a kind, in the order in which it is looked at."""


def _blocking_rules(client: Client, places: Sequence[Insertion]) -> Reason:
    """Say whether load, time or another rule keeps the client out, and what the best place breaks."""
    subject = f"client {client.name}"
    if not places:
        message = f"{subject} is left out: no road leads to it from the routes with room for it"
        bottleneck = "no road leads to them from the routes with room"
        return Reason(subject, "unserved", message, bottleneck=bottleneck)
    kind, obstacle = "", "every place for {} with room and time breaks another rule"
    for each, told in _OBSTACLES:
        left = [place for place in places if each not in place.by_kind]
        if not left:
            kind, obstacle = each, told
            break
        places = left
    best = min(places, key=lambda place: (place.over(kind), len(place.violations), place.cost))
    broken = "; ".join(each.message for each in best.by_kind.get(kind, best.violations))
    return Reason(
        subject,
        "unserved",
        f"{obstacle.format(subject)}: at the best, {best.position_text}, {broken}",
        bottleneck=obstacle.format("them"),
        amount=best.over(kind) or None,
    )


def _late(laws: RoutingLaws, planning: PlanningValues, plan: RoutingPlan, driven: Drive) -> Iterator[Reason]:
    """Word a reason for each client reached after its window and each route outside its shift."""
    data, case = laws.data, DrivenPlan(laws.data, plan, driven)
    head, unit = driven.head, data.units.time
    for leg in np.flatnonzero(data.has_soft_window[head] & (driven.late > slack(data.latest[head]))):
        name, late = data.names[head[leg]], float(driven.late[leg])
        by, paid = amount_text(late, unit), float(data.lateness_rate[head[leg]]) * late
        price = (
            f"at a price of {money_text(paid, data.units.money)}" if paid else "at what its law of cost says"
        )
        yield Reason(
            f"client {name}",
            "late",
            f"client {name} is served {by} after its window closes, which it allows {price}",
            f"the window of client {name} {by} later",
            price=-paid if paid else None,
            bottleneck="they are reached late, which is allowed at a price",
            amount=late,
        )
    broken = [each for rule in ("shift", "time window") for each in BY_NAME[rule].broken(case)]
    hard = [each.where.removeprefix("client ") for each in broken if each.constraint == "time window"]
    never = infeasible_clients(laws, planning, hard, "late") if hard else {}
    for each in broken:
        rule = BY_NAME[each.constraint]
        assert rule.words is not None
        yield never.get(each.where.removeprefix("client ")) or Reason(
            each.where,
            "late",
            f"{each.message}; nothing rules out that another plan keeps to it",
            f"{rule.relaxed_by(data, each)}, or another stop or vehicle before it",
            bottleneck=f"{rule.words.many}, though another plan might not",
            amount=each.amount,
        )
