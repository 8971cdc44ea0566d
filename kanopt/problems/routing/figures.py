"""What a manager asks of routes: how far, how long, with how many vehicles, how full and how late."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.problems.plan_figures import PlanFigure, Roster, hours_figure, share_of
from kanopt.problems.pricing import Pricing
from kanopt.problems.routing.data import Floats, RoutingData
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.simulate import Drive, slack
from kanopt.text import amount_text, count_text, join_list, percent_text


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
