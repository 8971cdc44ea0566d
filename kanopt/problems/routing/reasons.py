"""Why clients are unserved or late, and the smallest change found that would mend it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kanopt.problems.findings import Reason
from kanopt.problems.routing.checking import exceeds
from kanopt.problems.routing.entities import Client
from kanopt.problems.routing.hopeless import hopeless
from kanopt.problems.routing.insertion import Insertion, Insertions
from kanopt.problems.routing.laws import DURATION, Facts, Laws
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.planning import Planning
from kanopt.problems.routing.timing import Drive, drive
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
    proved = hopeless(laws, planning, [client.name for client in left], "unserved")
    rest = [client for client in left if client.name not in proved]
    insertions = Insertions(laws, planning, plan) if rest else None
    for client in left:
        if insertions is None or client.name in proved:
            yield proved[client.name]
        else:
            yield _not_inserted(laws, client, insertions)


def _fleet_too_small(facts: Facts) -> Iterator[Reason]:
    """Compare what must be delivered with what the whole fleet can carry."""
    demand = sum(client.demand for client in facts.clients if client.mandatory)
    capacity = sum(vehicle.count * vehicle.capacity for vehicle in facts.vehicles if vehicle.count)
    if exceeds(demand, capacity):
        unit = facts.units.load
        missing = amount_text(demand - capacity, unit)
        yield Reason(
            "fleet",
            "infeasible",
            f"the clients that must be served demand {amount_text(demand, unit)}, {missing} more than all vehicles "
            f"carry in one tour each ({amount_text(capacity, unit)})",
            f"{missing} more capacity",
            proved=True,
        )


def _not_inserted(laws: Laws, client: Client, insertions: Insertions) -> Reason:
    facts = laws.facts
    places = insertions.of(client.name)
    fits = [place for place in places if place.load == 0 and place.time == 0]
    if fits:
        slow = laws.reads(DURATION, "clock", "state")
        return _could_be(facts, client, min(fits, key=lambda place: place.cost), slow=slow)
    message = _no_room(facts, client, insertions, places)
    relaxation = _smallest(facts, places)
    return Reason(f"client {client.name}", "unserved", message, relaxation)


def _could_be(facts: Facts, client: Client, best: Insertion, *, slow: bool) -> Reason:
    """Word the reason of a client for whom there is room; `slow` where a solver plans with slower travel."""
    planned = "; a solver sees travel times at their planning value" if slow else ""
    money, subject = facts.units.money, f"client {client.name}"
    cost = amount_text(best.cost, money)
    if client.prize is None:
        return Reason(
            subject,
            "unserved",
            f"{subject} is left out although {best.place} could serve it for {cost} more{planned}",
            f"insert it into {best.place}",
        )
    prize = amount_text(client.prize, money)
    if best.cost >= client.prize:
        return Reason(
            subject,
            "unserved",
            f"serving {subject} would cost {cost} more at its cheapest place ({best.place}), and its prize is {prize}",
            f"a prize above {cost}",
        )
    return Reason(
        subject,
        "unserved",
        f"{subject} is left out although {best.place} could serve it for {cost} more, less than its prize of "
        f"{prize}{planned}",
        f"insert it into {best.place}",
    )


def _no_room(facts: Facts, client: Client, insertions: Insertions, places: Sequence[Insertion]) -> str:
    """Say whether load or time keeps the client out."""
    units, subject = facts.units, f"client {client.name}"
    free = insertions.free_capacity(client.name)
    if not free:
        return f"every vehicle that may serve {subject} is out of the fleet or does not exist"
    label, room = free[0]
    if exceeds(client.demand, room):
        return (
            f"no vehicle has capacity left for {subject}: it needs {amount_text(client.demand, units.load)}, and the "
            f"most free is {amount_text(max(room, 0.0), units.load)} on {label}"
        )
    in_time = [place for place in places if place.load == 0]
    if not in_time:
        return f"{subject} is left out: no road leads to it from the routes with room for it"
    best = min(in_time, key=lambda place: place.time)
    return (
        f"no vehicle with room for {subject} has the time: the best place, {best.place}, exceeds "
        f"windows and shift by {amount_text(best.time, units.time)}"
    )


def _smallest(facts: Facts, places: Sequence[Insertion]) -> str:
    """Return the smallest excess of load alone, and of time alone, that would let the client in."""
    units, options = facts.units, []
    by_load = [place for place in places if place.time == 0 and place.load > 0]
    if by_load:
        best = min(by_load, key=lambda place: place.load)
        options.append(f"{amount_text(best.load, units.load)} more capacity on {best.route.label}")
    by_time = [place for place in places if place.load == 0 and place.time > 0]
    if by_time:
        best = min(by_time, key=lambda place: place.time)
        options.append(_more_time(facts, best))
    if not options and places:
        best = min(places, key=lambda place: (place.load, place.time))
        load = amount_text(best.load, units.load)
        options.append(f"{load} more capacity on {best.route.label} together with {_more_time(facts, best)}")
    return ", or ".join(options)


def _more_time(facts: Facts, place: Insertion) -> str:
    what, worst = place.late
    unit = facts.units.time
    if place.time > worst + 1e-6:
        return f"{amount_text(place.time, unit)} more in the windows and the shift of {place.route.label}"
    if what == "shift":
        return f"the shift of {place.route.label} {amount_text(worst, unit)} longer"
    return f"the window of {what} {amount_text(worst, unit)} later, on {place.route.label}"


def _late(laws: Laws, planning: Planning, plan: RoutingPlan) -> Iterator[Reason]:
    """Word a reason for each client reached after its window and each route that ends after its shift."""
    facts, unit = laws.facts, laws.facts.units.time
    driven = drive(laws, planning, plan.routes)
    yield from _overrun(facts, plan, driven)
    late = [
        place
        for place in np.flatnonzero(np.isfinite(driven.begin))
        if exceeds(float(driven.begin[place]), float(facts.latest[driven.head[place]]))
    ]
    if not late:
        return
    never = hopeless(laws, planning, [facts.names[driven.head[place]] for place in late], "late")
    for place in late:
        name, route = facts.names[driven.head[place]], plan.routes[driven.route[place]]
        if name in never:
            yield never[name]
            continue
        over = float(driven.begin[place] - facts.latest[driven.head[place]])
        stop = route.clients.index(name) + 1
        yield Reason(
            f"client {name}",
            "late",
            f"client {name} is stop {stop} of {route.label} and reached at "
            f"{clock_text(float(driven.begin[place]), unit)}, {amount_text(over, unit)} after its window "
            f"closes; nothing rules out that some vehicle reaches it in time",
            f"its window {amount_text(over, unit)} later, or an earlier stop or vehicle",
        )


def _overrun(facts: Facts, plan: RoutingPlan, driven: Drive) -> Iterator[Reason]:
    unit = facts.units.time
    for place, route in enumerate(plan.routes):
        end, returns = facts.vehicles[facts.type_index[route.vehicle]].shift_end, float(driven.finish[place])
        if np.isfinite(returns) and exceeds(returns, end):
            over = amount_text(returns - end, unit)
            here = driven.route == place
            parts = (
                f"{amount_text(float(driven.duration[here].sum()), unit)} of driving, "
                f"{amount_text(float(facts.service[driven.head[here]].sum()), unit)} of service and "
                f"{amount_text(float((driven.begin[here] - driven.arrive[here]).sum()), unit)} of waiting"
            )
            yield Reason(
                route.label,
                "late",
                f"{route.label} leaves at {clock_text(float(driven.departure[place]), unit)} and returns at "
                f"{clock_text(returns, unit)}, {over} after its shift ends: {parts}",
                f"the shift of {route.label} {over} longer",
            )
