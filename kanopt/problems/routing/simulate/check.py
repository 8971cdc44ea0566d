"""Every constraint of a routing plan, verified on the law without a solver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from kanopt.problems.findings import Check, Violation
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.entities import split_list
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.simulate.check_orders import company_violations, order_violations
from kanopt.problems.routing.simulate.check_times import time_violations
from kanopt.problems.routing.simulate.drive import Drive
from kanopt.problems.routing.tolerance import exceeds
from kanopt.problems.wording import amount_text

__all__ = ["check_plan", "exceeds", "missing_skill"]


def check_plan(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Check:
    """Verify every rule of the problem for a plan that was driven on the law."""
    return Check(
        (
            *_fleet(data, plan),
            *_visits(data, plan),
            *_skills(data, plan),
            *company_violations(data, plan),
            *order_violations(data, plan),
            *_capacity(data, plan, driven),
            *_roads(data, plan, driven),
            *time_violations(data, plan, driven),
        )
    )


def _fleet(data: RoutingData, plan: RoutingPlan) -> Iterator[Violation]:
    """Vehicles that do not exist, are used twice, or start from another depot than theirs."""
    used = Counter((route.vehicle, route.index) for route in plan.routes)
    for (name, index), times in used.items():
        count = data.vehicles[data.type_index[name]].count
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
        home = data.depot_of[route.vehicle]
        if route.depot != home:
            yield Violation(
                "depot",
                route.label,
                1.0,
                "",
                f"{route.label} starts from {route.depot!r}, but its depot is {home!r}",
            )


def _visits(data: RoutingData, plan: RoutingPlan) -> Iterator[Violation]:
    """Clients served more than once, and mandatory ones not served."""
    visits = Counter(client for route in plan.routes for client in route.clients)
    for client in data.clients:
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
                data.units.load,
                f"client {client.name} must be served and is on no route",
            )


def _skills(data: RoutingData, plan: RoutingPlan) -> Iterator[Violation]:
    """Clients served by a vehicle that may not."""
    for route in plan.routes:
        kind = data.type_index[route.vehicle]
        for name in route.clients:
            if not data.has_skills[kind, data.index[name]]:
                yield Violation(
                    "skill",
                    f"client {name}",
                    1.0,
                    "",
                    f"{route.label} may not serve client {name}: {missing_skill(data, kind, name)}",
                )


def missing_skill(data: RoutingData, kind: int, name: str) -> str:
    """Say why a vehicle type, by its position, may not serve a client."""
    client, vehicle = data.clients[data.index[name] - len(data.depots)], data.vehicles[kind]
    lacking = sorted(split_list(client.needs) - split_list(vehicle.skills))
    if lacking:
        return f"it needs {' and '.join(lacking)}, which {vehicle.name} does not have"
    if not data.has_skills[kind, data.index[name]]:
        return f"it may be served by {' or '.join(sorted(split_list(client.vehicles)))} only"
    pinned, number = data.pinned[name]
    return f"it is pinned to {pinned} {number}"


def _capacity(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    """Routes on which more is on board than the vehicle holds; once for each measure, at its worst."""
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
                yield Violation(
                    "capacity",
                    route.label,
                    load - capacity,
                    unit,
                    f"{route.label} carries {amount_text(load, unit)}{what}, {amount_text(load - capacity, unit)} "
                    f"more than its capacity of {amount_text(capacity, unit)}",
                )


def _roads(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    for place in np.flatnonzero(~np.isfinite(driven.duration)):
        route = plan.routes[driven.route[place]]
        tail, head = data.names[driven.tail[place]], data.names[driven.head[place]]
        yield Violation(
            "road",
            route.label,
            np.inf,
            data.units.distance,
            f"{route.label}: no road leads from {tail} to {head}",
        )
