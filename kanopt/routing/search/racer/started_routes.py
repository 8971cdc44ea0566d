"""Routes under way as the kernel reads them, and as a search begins with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from kanopt.routing import Route, RoutingPlan
from kanopt.routing.plan import StartedRoute, trip_after
from kanopt.routing.service_times import RoutingData
from kanopt.routing.simulate import slack

_NOT_LEFT, _ON_TRIP, _GOES_HOME, _GOES_TO_END = range(4)


def started_arrays(data: RoutingData) -> dict[str, Any]:
    """Return what is fixed, by the names of ``kernel/racer.h``."""
    routes = [data.started_of.get((data.vehicles[kind].name, number)) for kind, number in data.fleet]
    bound = np.full(len(data.names), -1)
    for slot, each in enumerate(routes):
        bound[[data.index[name] for name in (each.bound if each is not None else ())]] = slot
    kept = [[] if each is None else [data.index[name] for name in each.kept] for each in routes]
    leaves = np.array([-np.inf if each is not None else data.not_before for each in routes])
    left = [None if each is None else each.route.departure for each in routes]
    return {
        "bound": bound,
        "loaded": data.is_loaded,
        "kept_start": np.cumsum([0, *map(len, kept)]),
        "kept_stops": [node for stops in kept for node in stops],
        "under_way": [_NOT_LEFT if each is None else _state(data, each) for each in routes],
        "has_left": np.array(left, dtype=float),
        "leaves_from": leaves,
        "left_limit": leaves - slack(leaves) / 2,
    }


def _state(data: RoutingData, each: StartedRoute) -> int:
    if not each.goes_home:
        return _ON_TRIP
    return _GOES_HOME if data.end_of[each.route.vehicle] == each.route.depot else _GOES_TO_END


def begun_with(data: RoutingData, plan: RoutingPlan) -> tuple[list[list[Route]], list[Route]]:
    """Return the routes with which a vehicle under way may go on, the best first, and the other routes of a plan.

    A plan that changes what is under way does not hold; then the route goes on as it was, or with what it must.

    Parameters
    ----------
    data
        The problem's data.
    plan
        Where a search is to begin.
    """
    given: dict[tuple[str, int], Route] = {}
    for route in plan.routes:
        given.setdefault((route.vehicle, route.index), route)
    started = [
        [*([given[each.vehicle]] if each.vehicle in given else []), *_continued(data, each)]
        for each in data.started
    ]
    return started, [route for vehicle, route in given.items() if vehicle not in data.started_of]


def _continued(data: RoutingData, each: StartedRoute) -> Iterator[Route]:
    """Yield the route as it was when it began, and with what it must serve alone."""
    yield each.route
    kept = len(each.kept)
    rest = trip_after(each.route.clients, kept, each.route.depot)
    sources = {client.name: client.source for client in data.clients}
    needed = [name for name in rest if name in each.aboard or sources.get(name) in each.kept]
    stops = (*each.kept, *needed)
    takers = [name for name, source in sources.items() if source in each.kept and name not in stops]
    yield replace(each.route, clients=(*stops, *takers))
    yield replace(each.route, clients=stops)
