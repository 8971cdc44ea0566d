"""Which clients a plan serves, and what serving the others would cost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from kanopt.problems.coverage import Coverage, CoverageWords, LeftOutPrice, refer_to
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.entities import Client
from kanopt.problems.routing.insertion import InsertionFinder
from kanopt.problems.routing.leg_laws import RoutingLaws
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.planning_values import PlanningValues
from kanopt.problems.routing.simulate import drive, price_plan
from kanopt.text import count_text, join_list, money_text

_WORDS = CoverageWords("serves", "client", "clients")
_MOST = 40
"""So many clients at most are put into the plan one by one to learn what serving them costs."""


def clients_served(data: RoutingData, plan: RoutingPlan) -> Coverage:
    """Count the clients on the routes with what is delivered and picked up there, and name the others."""
    on_routes = {name for route in plan.routes for name in route.clients}
    amounts = {client.name: client.demand + client.pickup for client in data.clients}
    return Coverage(
        _WORDS,
        len(amounts),
        tuple(name for name in amounts if name not in on_routes),
        served=math.fsum(amount for name, amount in amounts.items() if name in on_routes),
        wanted=math.fsum(amounts.values()),
        unit=data.units.load,
    )


def price_of_left_out(
    laws: RoutingLaws, planning: PlanningValues, plan: RoutingPlan, objective: float
) -> LeftOutPrice:
    """Return the prizes of the clients that are left out, and what it would cost to serve those that must be served.

    They are put, one after the other, where they cost least on the law, with as many more vehicles as that takes.

    Parameters
    ----------
    laws, planning
        The problem's laws and planning values.
    plan
        The plan.
    objective
        Its price.
    """
    data, money = laws.data, laws.data.units.money
    on_routes = {name for route in plan.routes for name in route.clients}
    left = [client for client in data.clients if client.name not in on_routes]
    names = [client.name for client in left]
    prizes = {client.name: client.prize for client in left if client.prize is not None}
    must = [client for client in left if client.mandatory]
    paid, sentences = math.fsum(prizes.values()), []
    if prizes:
        noun, verb = ("prize", "is") if len(prizes) == 1 else ("prizes", "are")
        sentences.append(
            f"{refer_to(list(prizes), names, noun)}, {money_text(paid, money)}, {verb} in the price"
        )
    if not must:
        return LeftOutPrice(paid, 0.0, "; ".join(sentences))
    more, how = _cost_of_serving(laws, planning, plan, objective, must, names)
    return LeftOutPrice(paid, more, "; ".join([*sentences, how]))


def _cost_of_serving(
    laws: RoutingLaws,
    planning: PlanningValues,
    plan: RoutingPlan,
    objective: float,
    must: Sequence[Client],
    left_out: Sequence[str],
) -> tuple[float | None, str]:
    """Return what it costs more to serve clients with more vehicles (None: not known), and how it is known."""
    data, what = laws.data, refer_to([client.name for client in must], left_out)
    if len(must) > _MOST:
        why = "there are too many for cheapest insertion; plan again with more vehicles"
        return None, f"what serving {what} would cost is not known: {why}"
    fleet = tuple(
        replace(vehicle, num_available=vehicle.num_available + len(must)) for vehicle in data.vehicles
    )
    larger = RoutingLaws(replace(data, vehicles=fleet), laws.cost, laws.duration)
    longer, refused = _insert(larger, planning, plan, must)
    if refused:
        what, it = refer_to(refused, left_out), "it" if len(refused) == 1 else "them"
        return (
            None,
            f"what serving {what} would cost is not known: even another vehicle has no place for {it}",
        )
    more = price_plan(larger, planning, longer, drive(larger, planning, longer.routes)).objective - objective
    return more, (
        f"serving {what} too would cost {money_text(more, data.units.money)} more with {_added(data, longer)} "
        "(each put where it costs least on the law; a search may find a cheaper plan)"
    )


def _insert(
    laws: RoutingLaws, planning: PlanningValues, plan: RoutingPlan, clients: Sequence[Client]
) -> tuple[RoutingPlan, list[str]]:
    """Put clients, the largest first, where they cost least and break no rule; also return those without a place."""
    refused = []
    for client in sorted(clients, key=lambda client: -max(client.demand, client.pickup)):
        if any(client.name in route.clients for route in plan.routes):
            continue  # it came with the client at which its demand is loaded
        places = InsertionFinder(laws, planning, plan).for_client(client.name)
        if not places or places[0].violations:
            refused.append(client.name)
            continue
        others = (route for route in plan.routes if route.label != places[0].route.label)
        plan = RoutingPlan((*others, places[0].route))
    return plan, refused


def _added(data: RoutingData, plan: RoutingPlan) -> str:
    """Say which vehicles a plan uses beyond those there are."""
    count = {vehicle.name: vehicle.num_available for vehicle in data.vehicles}
    added = Counter(route.vehicle for route in plan.routes if route.index > count[route.vehicle])
    return (
        join_list(
            [count_text(found, f"more {name}", f"more of type {name}") for name, found in added.items()]
        )
        or "the vehicles there are"
    )
