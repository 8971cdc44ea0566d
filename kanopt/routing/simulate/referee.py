"""Every rule of a driven plan, verified on the law without a solver, and the price of the plan leg by leg."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.plans.findings import Check
from kanopt.plans.slider_prices import Pricing
from kanopt.records.declaration import declared_fields
from kanopt.routing.arrays import RoutingData
from kanopt.routing.entities import VehicleType
from kanopt.routing.leg_laws import LegInputs, RoutingLaws
from kanopt.routing.plan import Route, RoutingPlan
from kanopt.routing.planning_values import PlanningValues
from kanopt.routing.rules import EVEN_WORK, FLEET, LEG_PRICES, PRIZES, ROUTE_PRICES, RULES
from kanopt.routing.rules.rule import Drive, DrivenPlan, Flags, sum_by_route

PRICE_FIELDS = frozenset(item.name for item in declared_fields(VehicleType) if item.price)
"""Fields of a vehicle type that move the price of a plan and nothing else."""


def check_plan(data: RoutingData, plan: RoutingPlan, driven: Drive, *, whole: bool = True) -> Check:
    """Verify every rule of the problem for a plan that was driven on the law.

    Parameters
    ----------
    data, plan, driven
        The problem's data, a plan, and how it is driven.
    whole
        Whether the plan is all of it, so that every route under way must be in it.
    """
    case = DrivenPlan(data, plan, driven, whole)
    return Check(tuple(violation for rule in RULES for violation in rule.broken(case)))


def broken_rules_of_routes(data: RoutingData, driven: Drive) -> dict[str, Flags]:
    """Return which routes break each rule that depends on what happens on the way; (routes,) each."""
    return {rule.name: rule.breaking(data, driven) for rule in RULES if rule.by_time}


def leg_costs(laws: RoutingLaws, driven: Drive, planning: PlanningValues | None = None) -> dict[str, Floats]:
    """Return the price of every leg by term: the cost laws, then what rules add.

    Parameters
    ----------
    laws, driven
        The problem's laws, and routes as they are driven.
    planning
        At which load and clock laws are evaluated; None for those of the routes.
    """
    costs = {
        name: laws.evaluate(
            name, driven.inputs if planning is None else _planned_inputs(planning, name, driven)
        )
        for name in laws.cost
    }
    paid = (rule for rule in LEG_PRICES if rule.is_paid(laws.data))
    return costs | {rule.term: rule.amounts(laws.data, driven) for rule in paid}


def _planned_inputs(planning: PlanningValues, name: str, driven: Drive) -> LegInputs:
    point = planning.point(name)
    duration = planning.duration(driven.vehicle, driven.tail, driven.head)
    moment = point.load[driven.vehicle], point.clock[driven.vehicle]
    return LegInputs(driven.vehicle, driven.tail, driven.head, *moment, duration)


def _costs_of_routes(data: RoutingData, kind: Integers, spent: Floats) -> dict[str, Floats]:
    """Return what each route pays besides its legs, by term, given its vehicle type and how long it takes."""
    return {rule.term: rule.amounts(data, kind, spent) for rule in ROUTE_PRICES if rule.is_paid(data)}


def route_costs(laws: RoutingLaws, routes: Sequence[Route], driven: Drive) -> Floats:
    """Return the price of each route on the law, fixed cost and time included; that of the longest one is not."""
    used = np.array([bool(route.clients) for route in routes], dtype=bool)
    total = np.zeros(len(routes))
    for amounts in _costs_of_routes(laws.data, driven.kind, driven.route_durations).values():
        total = total + np.where(used, amounts, 0.0)
    return total + sum(sum_by_route(driven, amounts) for amounts in leg_costs(laws, driven).values())


def price_side_by_side(laws: RoutingLaws, plan: RoutingPlan, driven: Drive, count: int) -> dict[str, Floats]:
    """Price a plan that was driven several times, once after the other.

    Parameters
    ----------
    laws
        The problem's laws.
    plan
        The plan.
    driven
        All routes, those of the first time before those of the second.
    count
        How many times.

    Returns
    -------
    dict
        By term, what the plan costs each time; (times,).
    """
    data, routes = laws.data, len(driven.kind) // count
    plan_of_leg = driven.route // max(routes, 1)
    found: dict[str, Floats] = {
        term: np.asarray(np.bincount(plan_of_leg, weights=amounts, minlength=count), dtype=float)
        for term, amounts in leg_costs(laws, driven).items()
    }
    spent = driven.route_durations
    by_route = _costs_of_routes(data, driven.kind, spent)
    found |= {term: paid.reshape(count, routes).sum(axis=1) for term, paid in by_route.items()}
    if EVEN_WORK.stated(data) and routes:
        found[EVEN_WORK.term] = EVEN_WORK.cost(data, spent.reshape(count, routes))
    if missed := PRIZES.missed(data, plan):
        found[PRIZES.term] = np.full(count, sum(missed.values()))
    return found


def price_plan(
    laws: RoutingLaws, plan: RoutingPlan, driven: Drive, planning: PlanningValues | None = None
) -> Pricing:
    """Price a plan that was driven forward, with laws at planning values where these are given."""
    return Pricing.of(_lines(laws, plan, driven, leg_costs(laws, driven, planning)), laws.data.units.money)


def _lines(
    laws: RoutingLaws, plan: RoutingPlan, driven: Drive, of_legs: dict[str, Floats]
) -> Iterator[tuple[str, str, str, float]]:
    data, spent = laws.data, driven.route_durations
    labels = [route.label for route in plan.routes]
    legs = leg_names(data, plan, driven)
    of_routes = _costs_of_routes(data, driven.kind, spent)
    # what a vehicle costs anyway, then the legs, then what its time costs
    anyway = {FLEET.term: of_routes.pop(FLEET.term)} if FLEET.term in of_routes else {}
    routes = [(label, "") for label in labels]
    for where, costs in ((routes, anyway), (legs, of_legs), (routes, of_routes)):
        for term, amounts in costs.items():
            for (group, item), amount in zip(where, amounts, strict=True):
                yield term, group, item, float(amount)
    if EVEN_WORK.stated(data) and labels:
        yield EVEN_WORK.term, labels[int(np.argmax(spent))], "", float(EVEN_WORK.cost(data, spent))
    for name, prize in PRIZES.missed(data, plan).items():
        yield PRIZES.term, "unserved", name, prize


def leg_names(data: RoutingData, plan: RoutingPlan, driven: Drive) -> list[tuple[str, str]]:
    """Return vehicle and leg of each leg driven, as the lines of a price have them."""
    names = data.names
    return [
        (plan.routes[place].label, f"{names[tail]} → {names[head]}")
        for place, tail, head in zip(driven.route, driven.tail, driven.head, strict=True)
    ]
