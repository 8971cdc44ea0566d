"""Why clients are unserved or late, and the smallest change found that would mend it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from kanopt.problems.findings import Reason
from kanopt.problems.routing.data import Facts
from kanopt.problems.routing.entities import Client
from kanopt.problems.routing.infeasible_clients import hopeless
from kanopt.problems.routing.insertion import Insertion, Insertions
from kanopt.problems.routing.leg_laws import DURATION, Laws
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.planning_values import Planning
from kanopt.problems.routing.relaxations import (
    LOAD,
    TIME,
    WHO,
    kinds_of,
    price_text,
    smallest,
    total,
    ways_out,
)
from kanopt.problems.routing.simulate.drive import Drive, drive
from kanopt.problems.routing.tolerance import exceeds
from kanopt.problems.wording import amount_text, clock_text

__all__ = ["reasons_of"]


def reasons_of(laws: Laws, planning: Planning, plan: RoutingPlan | None) -> tuple[Reason, ...]:
    """Return a reason for every unserved and every late client; without a plan, for every client none can serve."""
    names = [client.name for client in laws.facts.clients]
    if plan is None:
        found = hopeless(laws, planning, [c.name for c in laws.facts.clients if c.mandatory], "infeasible")
        short = tuple(_fleet_too_small(laws.facts))
        if found or short:
            return (*short, *found.values())
        return (
            Reason(
                "plan",
                "infeasible",
                f"the search ended without a plan for {len(names)} clients, and no single client rules one out",
                "a longer search",
                searched=True,
            ),
        )
    return (*_unserved(laws, planning, plan), *_late(laws, planning, plan))


def _unserved(laws: Laws, planning: Planning, plan: RoutingPlan) -> Iterator[Reason]:
    served = {name for route in plan.routes for name in route.clients}
    left = [client for client in laws.facts.clients if client.name not in served]
    if not left:
        return
    if any(client.mandatory for client in left):
        yield from _fleet_too_small(laws.facts)
    alone = hopeless(laws, planning, [client.name for client in left], "unserved")
    rest = [client for client in left if client.name not in alone or not alone[client.name].proved]
    insertions = Insertions(laws, planning, plan) if rest else None
    for client in left:
        found = alone.get(client.name)
        if insertions is None or (found is not None and found.proved):
            assert found is not None
            yield found
        else:
            yield _not_inserted(laws, client, insertions, found)


def _fleet_too_small(facts: Facts) -> Iterator[Reason]:
    """Compare what must be delivered with what the whole fleet can carry."""
    must = np.array([False] * len(facts.depots) + [client.mandatory for client in facts.clients])
    # what is loaded at a client may be on board when something else no longer is
    needed = facts.carried[:, must & (facts.source < 0)].sum(axis=1)
    trips = np.array([vehicle.count * (1 + vehicle.reloads) for vehicle in facts.vehicles])
    tours = "tour" if trips.sum() == facts.of_vehicles("count").sum() else "trip, reloads included,"
    for measure, demand in enumerate(needed.tolist()):
        capacity = float(sum(facts.room[measure, trips > 0] * trips[trips > 0]))
        if exceeds(demand, capacity):
            unit = facts.unit_of(measure)
            missing = amount_text(demand - capacity, unit)
            what = f" of {facts.policy.capacities[measure - 1]}" if measure else ""
            yield Reason(
                "fleet",
                "infeasible",
                f"the clients that must be served demand {amount_text(demand, unit)}{what}, {missing} more than all "
                f"vehicles carry in one {tours} each ({amount_text(capacity, unit)})",
                f"{missing} more capacity{what}",
                proved=True,
            )


def _not_inserted(laws: Laws, client: Client, insertions: Insertions, alone: Reason | None) -> Reason:
    """Give the cheapest place for a client if one breaks no rule, else what would have to give."""
    facts = laws.facts
    places = insertions.of(client.name)
    if places and not places[0].broken:
        slow = laws.reads(DURATION, "clock", "state")
        return _could_be(facts, client, places[0], slow=slow)
    best = smallest(places)
    mend = ways_out(facts, best)
    price = best[0].cost if best else None
    if alone is not None:
        return replace(alone, relaxation=mend or alone.relaxation, price=price, searched=True)
    message = _no_room(facts, client, places)
    return Reason(f"client {client.name}", "unserved", message, mend, price=price, searched=True)


def _could_be(facts: Facts, client: Client, best: Insertion, *, slow: bool) -> Reason:
    """Word the reason of a client for whom there is room; `slow` where a solver plans with slower travel."""
    planned = "; a solver sees travel times at their planning value" if slow else ""
    money, subject = facts.units.money, f"client {client.name}"
    cost = price_text(facts, best.cost)
    relaxation = f"insert it into {best.place}"
    if client.prize is None:
        message = f"{subject} is left out although {best.place} could serve it for {cost}{planned}"
        return Reason(subject, "unserved", message, relaxation, price=best.cost)
    prize = amount_text(client.prize, money)
    if best.cost >= client.prize:
        bare = amount_text(best.cost, money)
        message = f"serving {subject} would cost {cost} at its cheapest place ({best.place}), and its prize is {prize}"
        return Reason(subject, "unserved", message, f"a prize above {bare}", price=best.cost)
    message = (
        f"{subject} is left out although {best.place} could serve it for {cost}, less than its prize of "
        f"{prize}{planned}"
    )
    return Reason(subject, "unserved", message, relaxation, price=best.cost)


def _no_room(facts: Facts, client: Client, places: Sequence[Insertion]) -> str:
    """Say whether load, time or another rule keeps the client out."""
    subject = f"client {client.name}"
    allowed = [place for place in places if WHO not in kinds_of(place)]
    if not allowed:
        if places:
            return f"every vehicle that may serve {subject} is out of the fleet or does not exist"
        return f"{subject} is left out: no road leads to it from the routes with room for it"
    with_room = [place for place in allowed if LOAD not in kinds_of(place)]
    if not with_room:
        return _too_full(facts, client, allowed)
    in_time = [place for place in with_room if TIME not in kinds_of(place)]
    if not in_time:
        best = min(with_room, key=lambda place: (total(place, TIME), place.cost))
        return (
            f"no vehicle with room for {subject} has the time: the best place, {best.place}, exceeds "
            f"{_limits(best)} by {amount_text(total(best, TIME), facts.units.time)}"
        )
    best = min(in_time, key=lambda place: (len(place.broken), place.cost))
    broken = "; ".join(violation.message for violation in best.broken)
    return f"every place for {subject} with room and time breaks another rule; at the cheapest, {best.place}: {broken}"


def _too_full(facts: Facts, client: Client, places: Sequence[Insertion]) -> str:
    """Say how much room there is where it is most."""
    subject, unit = f"client {client.name}", facts.units.load
    best = min(places, key=lambda place: (total(place, LOAD), place.cost))
    over = [violation for violation in best.broken if violation.constraint == "capacity"]
    if facts.has_sources or client.pickup or len(facts.carried) > 1:
        by = " and ".join(amount_text(violation.amount, violation.unit) for violation in over)
        return f"no vehicle has capacity left for {subject}: the best place, {best.place}, exceeds it by {by}"
    room = client.demand - over[0].amount
    room = room if exceeds(room, 0.0) else 0.0
    return (
        f"no vehicle has capacity left for {subject}: it needs {amount_text(client.demand, unit)}, and the "
        f"most free is {amount_text(room, unit)} on {best.route.label}"
    )


def _limits(place: Insertion) -> str:
    """Name the limits of time that a place exceeds."""
    found = {violation.constraint for violation in place.broken}
    return "the longest duration" if found & {"duration"} else "windows and shift"


def _late(laws: Laws, planning: Planning, plan: RoutingPlan) -> Iterator[Reason]:
    """Word a reason for each client reached after its window and each route that ends after its shift."""
    facts, unit = laws.facts, laws.facts.units.time
    driven = drive(laws, planning, plan.routes)
    yield from _overrun(facts, plan, driven)
    late = [
        place
        for place in np.flatnonzero(driven.late > 0).tolist()
        if exceeds(float(driven.begin[place]), float(facts.latest[driven.head[place]]))
    ]
    paid = [place for place in late if facts.soft[driven.head[place]]]
    yield from (_paid_lateness(facts, plan, driven, place) for place in paid)
    late = [place for place in late if place not in paid]
    if not late:
        return
    never = hopeless(laws, planning, [facts.names[driven.head[place]] for place in late], "late")
    for place in late:
        name = facts.names[driven.head[place]]
        if name in never:
            yield never[name]
            continue
        said, over = _how_late(facts, plan, driven, place)
        yield Reason(
            f"client {name}",
            "late",
            f"{said}; nothing rules out that some vehicle reaches it in time",
            f"its window {amount_text(over, unit)} later, or an earlier stop or vehicle",
        )


def _how_late(facts: Facts, plan: RoutingPlan, driven: Drive, place: int) -> tuple[str, float]:
    """Say on which leg a client is reached late, and by how much."""
    unit, name, route = facts.units.time, facts.names[driven.head[place]], plan.routes[driven.route[place]]
    over = float(driven.begin[place] - facts.latest[driven.head[place]])
    return (
        f"client {name} is stop {route.clients.index(name) + 1} of {route.label} and reached at "
        f"{clock_text(float(driven.begin[place]), unit)}, {amount_text(over, unit)} after its window closes"
    ), over


def _paid_lateness(facts: Facts, plan: RoutingPlan, driven: Drive, place: int) -> Reason:
    """Word a reason for a client that may be reached late at a price."""
    said, over = _how_late(facts, plan, driven, place)
    rate = float(facts.lateness_rate[driven.head[place]])
    cost = amount_text(rate * over, facts.units.money)
    price = f"at a price of {cost}" if rate else "at what its law of cost says"
    return Reason(
        f"client {facts.names[driven.head[place]]}",
        "late",
        f"{said}, which it allows {price}",
        f"its window {amount_text(over, facts.units.time)} later",
        price=-rate * over if rate else None,
    )


def _overrun(facts: Facts, plan: RoutingPlan, driven: Drive) -> Iterator[Reason]:
    unit = facts.units.time
    for place, route in enumerate(plan.routes):
        vehicle, returns = facts.vehicles[facts.type_index[route.vehicle]], float(driven.finish[place])
        end, done = vehicle.shift_end, "returns" if vehicle.returns else "is done"
        if np.isfinite(returns) and exceeds(returns, end):
            over = amount_text(returns - end, unit)
            parts = _parts_of(facts, driven, place)
            yield Reason(
                route.label,
                "late",
                f"{route.label} leaves at {clock_text(float(driven.departure[place]), unit)} and {done} at "
                f"{clock_text(returns, unit)}, {over} after its shift ends: {parts}",
                f"the shift of {route.label} {over} longer",
            )


def _parts_of(facts: Facts, driven: Drive, place: int) -> str:
    """Say of what the time of a route consists."""
    here, unit = driven.route == place, facts.units.time
    driving, waiting = float(driven.duration[here].sum()), float((driven.begin - driven.arrive)[here].sum())
    service = facts.service[driven.vehicle[here], driven.head[here]]
    # the last leg back to the depot ends the route: nothing is loaded again
    home = int(driven.head[here][-1]) < len(facts.depots)
    serving = float(service[:-1].sum() if home else service.sum())
    resting = float(driven.finish[place] - driven.departure[place]) - driving - waiting - serving
    parts = [
        f"{amount_text(driving, unit)} of driving",
        f"{amount_text(serving, unit)} of service",
        f"{amount_text(waiting, unit)} of waiting",
    ]
    if exceeds(resting, 0.0):
        parts.append(f"{amount_text(resting, unit)} of breaks")
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
