"""Routes under way, read from whatever a plan may be given as, and a plan as it stands at a time of the day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kanopt.errors import ProblemError
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.plan import Route, RoutingPlan, read_plan
from kanopt.problems.routing.rules.rule import Drive
from kanopt.problems.routing.started import StartedRoute, trip_after
from kanopt.text import count_text, list_names


def read_started(given: Any, data: RoutingData) -> tuple[Route, ...]:
    """Read routes that are under way, and verify that they can be.

    Parameters
    ----------
    given
        Whatever :func:`~kanopt.problems.routing.plan.read_plan` reads.
    data
        The problem's data.

    Raises
    ------
    ProblemError
        With every name that the problem does not know, every vehicle that cannot be on its way like that, and every
        client on two routes.
    """
    routes = read_plan(given, data, what="started").routes
    if mistakes := list(_mistakes(routes, data)):
        raise ProblemError("\n".join(f"started: {mistake}" for mistake in mistakes))
    return routes


def _mistakes(routes: Sequence[Route], data: RoutingData) -> Iterator[str]:
    used = Counter(route.label for route in routes)
    twice = [label for label, times in used.items() if times > 1]
    if twice:
        yield f"{list_names(twice)} is on two routes at once"
    for route in routes:
        vehicle, home = data.vehicles[data.type_index[route.vehicle]], data.depot_of[route.vehicle]
        if not 1 <= route.index <= vehicle.num_available:
            owned = vehicle.num_available
            there = f"there {'is' if owned == 1 else 'are'} {count_text(owned, 'vehicle')}"
            yield f"{route.label} does not exist: {there} of type {vehicle.name!r}"
        if route.depot != home:
            yield f"{route.label} has left {route.depot!r}, but its depot is {home!r}"
        stops = len(route.clients)
        if not 0 <= route.locked <= stops + 1:
            yield (
                f"{route.label}: locked = {route.locked} of {count_text(stops, 'stop')}; give 0 to {stops}, or "
                f"{stops + 1} where it is on its way to its end"
            )
    visits = Counter(name for route in routes for name in route.clients if name != route.depot)
    again = [name for name, times in visits.items() if times > 1]
    if again:
        yield f"clients {list_names(again)} are visited more than once"


def started_routes(routes: Sequence[Route], data: RoutingData) -> tuple[StartedRoute, ...]:
    """Return what is fixed of routes under way."""
    return tuple(_started_route(route, data) for route in routes)


def _started_route(route: Route, data: RoutingData) -> StartedRoute:
    kept = route.clients[: route.locked]
    goes_home = route.locked > len(route.clients) or kept[-1:] == (route.depot,)
    if kept[-1:] == (route.depot,):
        kept = kept[:-1]
    behind = len(kept) - kept[::-1].index(route.depot) if route.depot in kept else 0
    trip = kept[behind:] if goes_home else trip_after(route.clients, behind, route.depot)
    aboard = frozenset(name for name in trip if data.is_loaded[data.index[name]])
    return StartedRoute(route, kept, goes_home, aboard)


def routes_at(data: RoutingData, plan: RoutingPlan, driven: Drive, now: float) -> tuple[Route, ...]:
    """Return the routes of a plan that have left by a time, with the stops that are begun or driven to then.

    Parameters
    ----------
    data
        The problem's data.
    plan, driven
        A plan, and how it is driven.
    now
        Clock time.
    """
    known = {each.vehicle: each.route for each in data.started}
    found = []
    for place, route in enumerate(plan.routes):
        legs = driven.route == place
        before = known.pop((route.vehicle, route.index), None)
        if driven.departure[place] > now:
            found += [] if before is None else [before]
            continue
        count = _locked_by(
            now, route, driven.begin[legs], np.append(driven.leave[legs], driven.finish[place])
        )
        locked = max(count, 0 if before is None else min(before.locked, len(route.clients) + 1))
        found.append(replace(route, departure=float(driven.departure[place]), locked=locked))
    return (*found, *known.values())


def _locked_by(now: float, route: Route, begin: np.ndarray, leave: np.ndarray) -> int:
    """Return how many stops are begun or driven to; one more than there are where the way to the end has begun."""
    begun = int((begin[: len(route.clients)] <= now).sum())
    return begun + bool(leave[begun] <= now)
