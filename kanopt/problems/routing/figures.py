"""What a manager asks of routes: how far, how long, with how many vehicles, how full and how late."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.problems.coverage import Coverage, CoverageWords, LeftOutPrice, refer_to
from kanopt.problems.plan_figures import PlanFigure, Roster, hours_figure, share_of
from kanopt.problems.pricing import Pricing
from kanopt.problems.routing.data import Floats, RoutingData
from kanopt.problems.routing.entities import Client
from kanopt.problems.routing.insertion import insert_clients
from kanopt.problems.routing.leg_laws import RoutingLaws
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.planning_values import PlanningValues
from kanopt.problems.routing.simulate import Drive, drive, price_plan, slack
from kanopt.text import amount_text, count_text, join_list, money_text, percent_text


def vehicles_to_send(data: RoutingData, plan: RoutingPlan) -> str:
    """Say how many vehicles are to go out, and of which types where there are several.

    Parameters
    ----------
    data
        The problem's data.
    plan
        The plan.
    """
    fleet = sum(one.num_available for one in data.vehicles)
    used = sum(bool(route.clients) for route in plan.routes)
    types = _types(data, plan)
    return f"Send out {used:,} of {count_text(fleet, 'vehicle')}" + (f": {types}" if types else "")


def _types(data: RoutingData, plan: RoutingPlan) -> str:
    """Say how many vehicles of each type go out; empty where there is one type, or none goes out."""
    used = Counter(route.vehicle for route in plan.routes if route.clients)
    several = len(data.vehicles) > 1
    return join_list(
        [f"{used[one.name]:,} × {one.name}" for one in data.vehicles if several and used[one.name]], 5
    )


def route_figures(data: RoutingData, plan: RoutingPlan, driven: Drive) -> tuple[PlanFigure, ...]:
    """Return the figures of routes that were driven on the law.

    Parameters
    ----------
    data
        The problem's data.
    plan
        The plan.
    driven
        How it is driven.
    """
    return (
        *_distance(data, driven),
        *_hours(data, plan, driven),
        _vehicles(data, plan),
        *_filling(data, plan, driven),
        _lateness(data, driven),
    )


def late_legs(data: RoutingData, driven: Drive) -> NDArray[np.bool_]:
    """Say at which heads of legs service begins after the last window."""
    return np.asarray(driven.late > slack(data.latest[driven.head]))


def _distance(data: RoutingData, driven: Drive) -> tuple[PlanFigure, ...]:
    unit = data.units.distance
    total = math.fsum(data.lengths(driven.tail, driven.head).tolist())
    how = "the legs of all routes, added up"
    return (
        PlanFigure("distance", "Distance", total, amount_text(total, unit), how, better="less", unit=unit),
    )


def _hours(data: RoutingData, plan: RoutingPlan, driven: Drive) -> tuple[PlanFigure, ...]:
    unit = data.units.time
    out = math.fsum(_times_out(plan, driven).tolist())
    driving = math.fsum(driven.duration.tolist())
    return (
        hours_figure("hours", "Time out", out, unit, "from leaving to coming back, all vehicles added up"),
        hours_figure("driving", "Time at the wheel", driving, unit, "all legs, added up", rank=3),
    )


def _times_out(plan: RoutingPlan, driven: Drive) -> Floats:
    used = np.array([bool(route.clients) for route in plan.routes], dtype=bool)
    return np.where(used, driven.route_durations, 0.0)


def _vehicles(data: RoutingData, plan: RoutingPlan) -> PlanFigure:
    used, fleet = (
        sum(bool(route.clients) for route in plan.routes),
        sum(one.num_available for one in data.vehicles),
    )
    text = f"{used:,} of {fleet:,}"
    how = "vehicles that serve somebody, of those there are"
    return PlanFigure("vehicles", "Vehicles used", used, text, how, _types(data, plan), "less")


def _fillings(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Floats:
    """Return the largest load of each route as a share of its vehicle's capacity; NaN where that has no limit."""
    most = _peaks(plan, driven)
    rooms = [data.vehicles[data.type_index[route.vehicle]].capacity for route in plan.routes]
    return np.array([share_of(load, room) for load, room in zip(most, rooms, strict=True)], dtype=float)


def _peaks(plan: RoutingPlan, driven: Drive) -> Floats:
    most = np.zeros(len(plan.routes))
    np.maximum.at(most, driven.route, driven.load)
    return most


def _filling(data: RoutingData, plan: RoutingPlan, driven: Drive) -> tuple[PlanFigure, ...]:
    used = np.array([bool(route.clients) for route in plan.routes], dtype=bool)
    found = _fillings(data, plan, driven)[used]
    found = found[np.isfinite(found)]
    if not found.size:
        return ()
    mean = float(found.mean())
    how = "largest load of each vehicle used as a share of its capacity, the mean of them"
    return (
        PlanFigure("filling", "Load of vehicles", mean, percent_text(mean), how, better="more", unit="%"),
    )


def _lateness(data: RoutingData, driven: Drive) -> PlanFigure:
    late, unit = late_legs(data, driven), data.units.time
    total, count = math.fsum(driven.late[late].tolist()), int(late.sum())
    text = amount_text(total, unit) if count else "none"
    note = f"at {count_text(count, 'stop')}" if count else "every window is kept"
    how = "by how much service begins after a window closes, all stops added up"
    return PlanFigure("lateness", "Lateness", total, text, how, note, "less", unit, bad=bool(count))


def route_rosters(
    data: RoutingData, plan: RoutingPlan, driven: Drive, pricing: Pricing
) -> tuple[Roster, ...]:
    """Return one table with a row for each vehicle that goes out.

    Parameters
    ----------
    data, plan, driven
        As for :func:`route_figures`.
    pricing
        The price of the plan.
    """
    units, used = data.units, [place for place, route in enumerate(plan.routes) if route.clients]
    if not used:
        return ()
    count = len(plan.routes)
    late = np.where(late_legs(data, driven), driven.late, 0.0)
    lengths = np.bincount(driven.route, data.lengths(driven.tail, driven.head), minlength=count)
    lateness = np.bincount(driven.route, late, minlength=count)
    costs = pricing.lines.groupby("group")["amount"].sum()
    frame = pd.DataFrame(
        {
            "vehicle": [route.label for route in plan.routes],
            "stops": np.bincount(driven.route[driven.head >= len(data.depots)], minlength=count),
            "leaves": driven.departure,
            "back": driven.finish,
            "time out (h)": hours_figure("", "", 1.0, units.time, "").value * _times_out(plan, driven),
            f"distance ({units.distance})": lengths,
            f"largest load ({units.load})": _peaks(plan, driven),
            "of its capacity": _fillings(data, plan, driven),
            f"late ({units.time})": lateness,
            f"cost ({units.money})": [float(costs.get(route.label, 0.0)) for route in plan.routes],
        }
    )
    if not lateness.any():
        frame = frame.drop(columns=f"late ({units.time})")
    return (
        Roster(
            "vehicle",
            "What each vehicle does",
            frame.iloc[used].reset_index(drop=True),
            clocks=("leaves", "back"),
            time=units.time,
            shares=("of its capacity",),
            money=(f"cost ({units.money})",),
        ),
    )


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
    largest = sorted(must, key=lambda client: -max(client.demand, client.pickup))
    longer, refused = insert_clients(larger, planning, plan, [client.name for client in largest])
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
