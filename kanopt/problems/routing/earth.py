"""Routes on the earth: stops and the straight ways between them, in degrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.earth import EarthLine, EarthPlan, EarthPoint, Property
from kanopt.text import clock_text

if TYPE_CHECKING:
    from kanopt.problems.routing.plan import RoutingPlan
    from kanopt.problems.routing.problem import RoutingProblem
    from kanopt.problems.routing.simulate import Drive


def routes_on_earth(problem: RoutingProblem, plan: RoutingPlan, driven: Drive) -> EarthPlan | None:
    """Return depots, clients and routes in degrees; None where any place has no latitude and longitude."""
    if not problem.on_earth:
        return None
    degrees = problem.positions.degrees
    data, count = problem.data, len(problem.depots)
    visits = {
        int(head): (int(route), float(begin), float(late))
        for head, route, begin, late in zip(driven.head, driven.route, driven.begin, driven.late, strict=True)
        if head >= count
    }
    points = []
    for place, (name, (lat, lon)) in enumerate(zip(data.names, degrees.tolist(), strict=True)):
        said: dict[str, Property] = {"name": name, "role": "depot" if place < count else "client"}
        if place >= count:
            said |= _visit(problem, plan, visits.get(place))
            said["demand"] = problem.clients[place - count].demand
            said["demand_unit"] = problem.units.load
        points.append(EarthPoint(lat, lon, said))
    lines = []
    for number, route in enumerate(plan.routes):
        way = tuple(
            (float(lat), float(lon)) for lat, lon in degrees[[data.index[n] for n in data.way_of(route)]]
        )
        if len(way) > 1:
            lines.append(EarthLine(way, _route(problem, plan, driven, number)))
    return EarthPlan(tuple(points), tuple(lines))


def _visit(
    problem: RoutingProblem, plan: RoutingPlan, visit: tuple[int, float, float] | None
) -> dict[str, Property]:
    if visit is None:
        return {"role": "unserved", "vehicle": None, "begin": None, "late": None}
    route, begin, late = visit
    return {
        "vehicle": plan.routes[route].label,
        "begin": clock_text(begin, problem.units.time),
        "late": late,
        "time_unit": problem.units.time,
    }


def _route(problem: RoutingProblem, plan: RoutingPlan, driven: Drive, number: int) -> dict[str, Property]:
    legs = driven.route == number
    return {
        "name": plan.routes[number].label,
        "role": "route",
        "vehicle_type": plan.routes[number].vehicle,
        "clients": len(np.unique(driven.head[legs & (driven.head >= len(problem.depots))])),
        "leave": clock_text(float(driven.departure[number]), problem.units.time),
        "end": clock_text(float(driven.finish[number]), problem.units.time),
        "distance": float(problem.data.lengths(driven.tail[legs], driven.head[legs]).sum()),
        "distance_unit": problem.units.distance,
    }
