"""The price of a routing plan, leg by leg."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kanopt.problems.pricing import Pricing
from kanopt.problems.routing.laws import Floats, Inputs, Laws
from kanopt.problems.routing.plan import Route, RoutingPlan
from kanopt.problems.routing.planning import Planning
from kanopt.problems.routing.timing import Drive

__all__ = ["RESERVED", "leg_costs", "planned", "price_plan", "route_costs"]

FIXED, DISTANCE, TIME, MISSED = "fixed", "distance", "time", "missed prizes"
RESERVED = (FIXED, DISTANCE, TIME, MISSED)
"""Terms the problem adds itself, so that no cost law may have these names."""


def planned(planning: Planning, name: str, driven: Drive) -> Inputs:
    """Return the legs as inputs of a law with load and clock at its planning values."""
    moment = planning.moment(name)
    return Inputs(
        driven.vehicle,
        driven.tail,
        driven.head,
        moment.load[driven.vehicle],
        moment.clock[driven.vehicle],
        planning.durations[driven.vehicle, driven.tail, driven.head],
    )


def leg_costs(laws: Laws, planning: Planning, driven: Drive, *, frozen: bool) -> dict[str, Floats]:
    """Return the price of every leg by term: the cost laws, then distance where a vehicle type pays for it."""
    costs = {
        name: laws.evaluate(name, planned(planning, name, driven) if frozen else driven.inputs)
        for name in laws.cost
    }
    rates = laws.facts.of_vehicles("cost_per_distance")
    if rates.any():
        distance = laws.facts.distance[driven.tail, driven.head]
        with np.errstate(invalid="ignore"):
            paid = rates[driven.vehicle] * distance
        costs[DISTANCE] = np.where(np.isfinite(distance), paid, np.inf)
    return costs


def route_costs(laws: Laws, planning: Planning, routes: Sequence[Route], driven: Drive) -> Floats:
    """Return the price of each route on the law, fixed cost and time included."""
    facts = laws.facts
    types = np.array([facts.type_index[route.vehicle] for route in routes], dtype=np.intp)
    used = np.array([bool(route.clients) for route in routes])
    total = np.where(used, facts.of_vehicles("fixed_cost")[types], 0.0)
    rate = facts.of_vehicles("cost_per_time")[types]
    spent = np.where(np.isfinite(driven.finish), driven.finish - driven.departure, np.inf)
    total = total + np.where(rate > 0, rate * np.where(rate > 0, spent, 0.0), 0.0)
    for amounts in leg_costs(laws, planning, driven, frozen=False).values():
        total = total + np.bincount(driven.route, weights=amounts, minlength=len(routes))
    return total


def price_plan(
    laws: Laws, planning: Planning, plan: RoutingPlan, driven: Drive, *, frozen: bool = False
) -> Pricing:
    """Price a plan that was driven forward; `frozen` prices the laws at their planning values."""
    rows = [
        *_fixed(laws, plan),
        *_legs(laws, planning, plan, driven, frozen=frozen),
        *_time(laws, plan, driven),
        *_missed(laws, plan),
    ]
    return Pricing.of(rows, laws.facts.units.money)


def _fixed(laws: Laws, plan: RoutingPlan) -> Iterator[tuple[str, str, str, float]]:
    if laws.facts.of_vehicles("fixed_cost").any():
        for route in plan.routes:
            vehicle = laws.facts.vehicles[laws.facts.type_index[route.vehicle]]
            yield FIXED, route.label, "", vehicle.fixed_cost


def _legs(
    laws: Laws, planning: Planning, plan: RoutingPlan, driven: Drive, *, frozen: bool
) -> Iterator[tuple[str, str, str, float]]:
    names = laws.facts.names
    groups = [plan.routes[place].label for place in driven.route]
    items = [f"{names[a]} → {names[b]}" for a, b in zip(driven.tail, driven.head, strict=True)]
    for term, amounts in leg_costs(laws, planning, driven, frozen=frozen).items():
        for group, item, amount in zip(groups, items, amounts, strict=True):
            yield term, group, item, float(amount)


def _time(laws: Laws, plan: RoutingPlan, driven: Drive) -> Iterator[tuple[str, str, str, float]]:
    rates = laws.facts.of_vehicles("cost_per_time")
    if rates.any():
        for place, route in enumerate(plan.routes):
            rate = float(rates[laws.facts.type_index[route.vehicle]])
            spent = float(driven.finish[place] - driven.departure[place])
            yield TIME, route.label, "", rate * spent if rate else 0.0


def _missed(laws: Laws, plan: RoutingPlan) -> Iterator[tuple[str, str, str, float]]:
    if any(client.prize is not None for client in laws.facts.clients):
        served = {name for route in plan.routes for name in route.clients}
        for client in laws.facts.clients:
            if client.prize is not None and client.name not in served:
                yield MISSED, "unserved", client.name, client.prize
