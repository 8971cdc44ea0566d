"""Every constraint of a routing plan, verified on the law without a solver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from kanopt.problems.findings import Check, Violation
from kanopt.problems.routing.entities import words_of
from kanopt.problems.routing.laws import Facts
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.timing import Drive
from kanopt.problems.wording import amount_text, clock_text

__all__ = ["check_plan", "exceeds", "missing_skill"]

_ABSOLUTE, _RELATIVE = 1e-6, 1e-9


def exceeds(value: float, limit: float) -> bool:
    """Say whether a value passes a limit by more than the noise of floating-point sums.

    Examples
    --------
    >>> exceeds(0.1 + 0.2, 0.3), exceeds(0.31, 0.3)
    (False, True)
    """
    return bool(value > limit + _ABSOLUTE * min(1.0, max(abs(limit), 1e-3)) + _RELATIVE * abs(limit))


def check_plan(facts: Facts, plan: RoutingPlan, driven: Drive) -> Check:
    """Verify capacity, windows, shifts, visits, fleet and depots of a plan that was driven on the law."""
    return Check(
        (
            *_fleet(facts, plan),
            *_visits(facts, plan),
            *_skills(facts, plan),
            *_capacity(facts, plan),
            *_roads(facts, plan, driven),
            *_windows(facts, plan, driven),
            *_shifts(facts, plan, driven),
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
            if not facts.allowed[kind, facts.index[name]]:
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
    return f"it may be served by {' or '.join(sorted(words_of(client.vehicles)))} only"


def _capacity(facts: Facts, plan: RoutingPlan) -> Iterator[Violation]:
    for route in plan.routes:
        load = float(sum(facts.demand[facts.index[name]] for name in route.clients))
        capacity = facts.vehicles[facts.type_index[route.vehicle]].capacity
        if exceeds(load, capacity):
            unit = facts.units.load
            yield Violation(
                "capacity",
                route.label,
                load - capacity,
                unit,
                f"{route.label} carries {amount_text(load, unit)}, {amount_text(load - capacity, unit)} more than "
                f"its capacity of {amount_text(capacity, unit)}",
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


def _windows(facts: Facts, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    unit = facts.units.time
    for place in np.flatnonzero(np.isfinite(driven.begin)):
        latest, begin = float(facts.latest[driven.head[place]]), float(driven.begin[place])
        if exceeds(begin, latest):
            name = facts.names[driven.head[place]]
            yield Violation(
                "time window",
                f"client {name}",
                begin - latest,
                unit,
                f"{plan.routes[driven.route[place]].label} reaches client {name} at {clock_text(begin, unit)}, "
                f"{amount_text(begin - latest, unit)} after its window closes at {clock_text(latest, unit)}",
            )


def _shifts(facts: Facts, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    unit = facts.units.time
    for place, route in enumerate(plan.routes):
        vehicle = facts.vehicles[facts.type_index[route.vehicle]]
        leaves, returns = float(driven.departure[place]), float(driven.finish[place])
        if exceeds(vehicle.shift_start, leaves):
            early = vehicle.shift_start - leaves
            yield Violation(
                "shift",
                route.label,
                early,
                unit,
                f"{route.label} leaves at {clock_text(leaves, unit)}, {amount_text(early, unit)} before its shift "
                f"starts at {clock_text(vehicle.shift_start, unit)}",
            )
        if np.isfinite(returns) and exceeds(returns, vehicle.shift_end):
            over = returns - vehicle.shift_end
            yield Violation(
                "shift",
                route.label,
                over,
                unit,
                f"{route.label} returns at {clock_text(returns, unit)}, {amount_text(over, unit)} after its shift "
                f"ends at {clock_text(vehicle.shift_end, unit)}",
            )
