"""The price of a routing plan, leg by leg."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kanopt.problems.pricing import Pricing
from kanopt.problems.routing.data import Floats, Ints, RoutingData
from kanopt.problems.routing.leg_laws import LegInputs, RoutingLaws
from kanopt.problems.routing.plan import Route, RoutingPlan
from kanopt.problems.routing.planning_values import PlanningValues
from kanopt.problems.routing.simulate.drive import Drive

FIXED, DISTANCE, TIME, MISSED = "fixed", "distance", "time", "missed prizes"
OVERTIME, LATENESS, LONGEST = "overtime", "lateness", "longest route"
RESERVED = (FIXED, DISTANCE, TIME, OVERTIME, LATENESS, LONGEST, MISSED)
"""Terms the problem adds itself, so that no cost law may have these names."""


def planned_inputs(planning: PlanningValues, name: str, driven: Drive) -> LegInputs:
    """Return the legs as inputs of a law with load and clock at its planning values."""
    load, clock = planning.state(name, driven.vehicle, driven.tail)
    return LegInputs(
        driven.vehicle,
        driven.tail,
        driven.head,
        load,
        clock,
        planning.duration(driven.vehicle, driven.tail, driven.head),
    )


def leg_costs(
    laws: RoutingLaws, planning: PlanningValues, driven: Drive, *, frozen: bool
) -> dict[str, Floats]:
    """Return the price of every leg by term: the cost laws, then distance and lateness where they are paid for."""
    costs = {
        name: laws.evaluate(name, planned_inputs(planning, name, driven) if frozen else driven.inputs)
        for name in laws.cost
    }
    rates = laws.data.of_vehicles("unit_distance_cost")
    if rates.any():
        distance = laws.data.lengths(driven.tail, driven.head)
        with np.errstate(invalid="ignore"):
            paid = rates[driven.vehicle] * distance
        costs[DISTANCE] = np.where(np.isfinite(distance), paid, np.inf)
    if laws.data.lateness_rate.any():
        costs[LATENESS] = laws.data.lateness_rate[driven.head] * driven.late
    return costs


def time_costs(laws: RoutingLaws, types: Ints, spent: Floats) -> dict[str, Floats]:
    """Return what each route pays for its time, by term.

    Parameters
    ----------
    laws
        The problem's laws.
    types, spent
        Vehicle type of each route, and how long it takes.
    """
    data, costs = laws.data, {}
    rates, overtime_rates = data.of_vehicles("unit_duration_cost"), data.of_vehicles("unit_overtime_cost")
    if rates.any():
        costs[TIME] = rates[types] * np.where(rates[types] > 0, spent, 0.0)
    regular = data.of_vehicles("shift_duration")
    overtime_rates = np.where(np.isfinite(regular), overtime_rates, 0.0)
    if overtime_rates.any():
        regular = np.where(np.isfinite(regular), regular, 0.0)[types]
        costs[OVERTIME] = overtime_rates[types] * np.where(
            overtime_rates[types] > 0, np.maximum(spent - regular, 0.0), 0.0
        )
    return costs


def route_costs(
    laws: RoutingLaws, planning: PlanningValues, routes: Sequence[Route], driven: Drive
) -> Floats:
    """Return the price of each route on the law, fixed cost and time included; that of the longest one is not."""
    data = laws.data
    types = np.array([data.type_index[route.vehicle] for route in routes], dtype=np.intp)
    used = np.array([bool(route.clients) for route in routes])
    total = np.where(used, data.of_vehicles("fixed_cost")[types], 0.0)
    for amounts in time_costs(laws, types, driven.route_durations).values():
        total = total + amounts
    for amounts in leg_costs(laws, planning, driven, frozen=False).values():
        total = total + np.bincount(driven.route, weights=amounts, minlength=len(routes))
    return total


def price_side_by_side(
    laws: RoutingLaws, planning: PlanningValues, types: Ints, driven: Drive, count: int
) -> dict[str, Floats]:
    """Price several plans of equally many routes, driven as one after the other.

    Parameters
    ----------
    laws, planning
        The problem's laws and planning values.
    types
        Vehicle type of each route, as a position; (plans * routes,).
    driven
        All routes, those of the first plan before those of the second.
    count
        How many plans there are.

    Returns
    -------
    dict
        By term, what each plan costs, without the prizes that it misses; (plans,).
    """
    routes, data = len(types) // count, laws.data
    plan_of_leg = driven.route // max(routes, 1)
    found: dict[str, Floats] = {
        term: np.asarray(np.bincount(plan_of_leg, weights=amounts, minlength=count), dtype=float)
        for term, amounts in leg_costs(laws, planning, driven, frozen=False).items()
    }
    spent = driven.route_durations
    by_route = time_costs(laws, types, spent)
    fixed = data.of_vehicles("fixed_cost")
    if fixed.any():
        by_route[FIXED] = fixed[types]
    found |= {term: paid.reshape(count, routes).sum(axis=1) for term, paid in by_route.items()}
    if data.policy.longest_route_cost and routes:
        longest = spent.reshape(count, routes).max(axis=1)
        found[LONGEST] = data.policy.longest_route_cost * longest
    return found


def missed_prizes(data: RoutingData, plan: RoutingPlan) -> dict[str, float]:
    """Return the prizes of the clients that a plan leaves out, by name; empty where no client has a prize."""
    if all(client.prize is None for client in data.clients):
        return {}
    served = {name for route in plan.routes for name in route.clients}
    return {
        client.name: client.prize
        for client in data.clients
        if client.prize is not None and client.name not in served
    }


def price_plan(
    laws: RoutingLaws, planning: PlanningValues, plan: RoutingPlan, driven: Drive, *, frozen: bool = False
) -> Pricing:
    """Price a plan that was driven forward; `frozen` prices the laws at their planning values."""
    rows = [
        *_fixed(laws, plan),
        *_legs(laws, planning, plan, driven, frozen=frozen),
        *_time(laws, plan, driven),
        *_longest(laws, plan, driven),
        *_missed(laws, plan),
    ]
    return Pricing.of(rows, laws.data.units.money)


def _fixed(laws: RoutingLaws, plan: RoutingPlan) -> Iterator[tuple[str, str, str, float]]:
    if laws.data.of_vehicles("fixed_cost").any():
        for route in plan.routes:
            vehicle = laws.data.vehicles[laws.data.type_index[route.vehicle]]
            yield FIXED, route.label, "", vehicle.fixed_cost


def _legs(
    laws: RoutingLaws, planning: PlanningValues, plan: RoutingPlan, driven: Drive, *, frozen: bool
) -> Iterator[tuple[str, str, str, float]]:
    where = leg_names(laws.data, plan, driven)
    for term, amounts in leg_costs(laws, planning, driven, frozen=frozen).items():
        for (group, item), amount in zip(where, amounts, strict=True):
            yield term, group, item, float(amount)


def leg_names(data: RoutingData, plan: RoutingPlan, driven: Drive) -> list[tuple[str, str]]:
    """Return vehicle and leg of each leg driven, as the lines of a price have them."""
    names = data.names
    return [
        (plan.routes[place].label, f"{names[tail]} → {names[head]}")
        for place, tail, head in zip(driven.route, driven.tail, driven.head, strict=True)
    ]


def _time(laws: RoutingLaws, plan: RoutingPlan, driven: Drive) -> Iterator[tuple[str, str, str, float]]:
    types = np.array([laws.data.type_index[route.vehicle] for route in plan.routes], dtype=np.intp)
    for term, amounts in time_costs(laws, types, driven.route_durations).items():
        for route, amount in zip(plan.routes, amounts, strict=True):
            yield term, route.label, "", float(amount)


def _longest(laws: RoutingLaws, plan: RoutingPlan, driven: Drive) -> Iterator[tuple[str, str, str, float]]:
    rate = laws.data.policy.longest_route_cost
    if rate and plan.routes:
        place = int(np.argmax(driven.route_durations))
        yield LONGEST, plan.routes[place].label, "", rate * float(driven.route_durations[place])


def _missed(laws: RoutingLaws, plan: RoutingPlan) -> Iterator[tuple[str, str, str, float]]:
    for name, prize in missed_prizes(laws.data, plan).items():
        yield MISSED, "unserved", name, prize
