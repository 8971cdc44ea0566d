"""Every constraint of a routing plan, verified on the law without a solver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from kanopt.problems.findings import Check, Violation
from kanopt.problems.routing.data import Facts
from kanopt.problems.routing.entities import words_of
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.simulate.check_orders import company_violations, order_violations
from kanopt.problems.routing.simulate.check_times import time_violations
from kanopt.problems.routing.simulate.drive import Drive
from kanopt.problems.routing.tolerance import exceeds
from kanopt.problems.wording import amount_text

__all__ = ["check_plan", "exceeds", "missing_skill"]


def check_plan(facts: Facts, plan: RoutingPlan, driven: Drive) -> Check:
    """Verify every rule of the problem for a plan that was driven on the law."""
    return Check(
        (
            *_fleet(facts, plan),
            *_visits(facts, plan),
            *_skills(facts, plan),
            *company_violations(facts, plan),
            *order_violations(facts, plan),
            *_capacity(facts, plan, driven),
            *_roads(facts, plan, driven),
            *time_violations(facts, plan, driven),
        )
    )


def _fleet(facts: Facts, plan: RoutingPlan) -> Iterator[Violation]:
    """Vehicles that do not exist, are used twice, or start from another depot than theirs."""
    used = Counter((route.vehicle, route.index) for route in plan.routes)
    for (name, index), times in used.items():
        count = facts.vehicles[facts.type_index[name]].count
        if not 1 <= index <= count:
            yield Violation(
                "fleet",
                f"{name} {index}",
                1.0,
                "",
                f"{name} {index} does not exist: there are {count} vehicles of type {name!r}",
            )
        if times > 1:
            yield Violation(
                "fleet", f"{name} {index}", times - 1.0, "", f"{name} {index} drives {times} routes at once"
            )
    for route in plan.routes:
        home = facts.depot_of[route.vehicle]
        if route.depot != home:
            yield Violation(
                "depot",
                route.label,
                1.0,
                "",
                f"{route.label} starts from {route.depot!r}, but its depot is {home!r}",
            )


def _visits(facts: Facts, plan: RoutingPlan) -> Iterator[Violation]:
    """Clients served more than once, and mandatory ones not served."""
    visits = Counter(client for route in plan.routes for client in route.clients)
    for client in facts.clients:
        times = visits[client.name]
        if times > 1:
            yield Violation(
                "visits",
                f"client {client.name}",
                times - 1.0,
                "",
                f"client {client.name} is served {times} times",
            )
        if times == 0 and client.mandatory:
            yield Violation(
                "unserved",
                f"client {client.name}",
                client.demand,
                facts.units.load,
                f"client {client.name} must be served and is on no route",
            )


def _skills(facts: Facts, plan: RoutingPlan) -> Iterator[Violation]:
    """Clients served by a vehicle that may not."""
    for route in plan.routes:
        kind = facts.type_index[route.vehicle]
        for name in route.clients:
            if not facts.skilled[kind, facts.index[name]]:
                yield Violation(
                    "skill",
                    f"client {name}",
                    1.0,
                    "",
                    f"{route.label} may not serve client {name}: {missing_skill(facts, kind, name)}",
                )


def missing_skill(facts: Facts, kind: int, name: str) -> str:
    """Say why a vehicle type, by its position, may not serve a client."""
    client, vehicle = facts.clients[facts.index[name] - len(facts.depots)], facts.vehicles[kind]
    lacking = sorted(words_of(client.needs) - words_of(vehicle.skills))
    if lacking:
        return f"it needs {' and '.join(lacking)}, which {vehicle.name} does not have"
    if not facts.skilled[kind, facts.index[name]]:
        return f"it may be served by {' or '.join(sorted(words_of(client.vehicles)))} only"
    pinned, number = facts.pinned[name]
    return f"it is pinned to {pinned} {number}"


def _capacity(facts: Facts, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    """Routes on which more is on board than the vehicle holds; once for each measure, at its worst."""
    for measure, loads in enumerate(driven.loads):
        unit = facts.unit_of(measure)
        what = "" if measure == 0 else f" of {facts.policy.capacities[measure - 1]}"
        most = np.zeros(len(plan.routes))
        np.maximum.at(most, driven.route, loads)
        # what an open route picks up last is on no leg
        np.maximum(most, driven.ends_with[measure], out=most)
        for route, load in zip(plan.routes, most.tolist(), strict=True):
            capacity = float(facts.room[measure, facts.type_index[route.vehicle]])
            if exceeds(load, capacity):
                yield Violation(
                    "capacity",
                    route.label,
                    load - capacity,
                    unit,
                    f"{route.label} carries {amount_text(load, unit)}{what}, {amount_text(load - capacity, unit)} "
                    f"more than its capacity of {amount_text(capacity, unit)}",
                )


def _roads(facts: Facts, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    for place in np.flatnonzero(~np.isfinite(driven.duration)):
        route = plan.routes[driven.route[place]]
        tail, head = facts.names[driven.tail[place]], facts.names[driven.head[place]]
        yield Violation(
            "road",
            route.label,
            np.inf,
            facts.units.distance,
            f"{route.label}: no road leads from {tail} to {head}",
        )
