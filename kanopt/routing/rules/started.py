"""Routes that are under way: what a plan keeps of them, and that nothing new begins before now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kanopt.errors import ProblemError
from kanopt.faults import Fault
from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Violation
from kanopt.records.fields import moment
from kanopt.routing.arrays import RoutingData
from kanopt.routing.plan import Route, RoutingPlan, StartedRoute, trip_after
from kanopt.routing.plan_reading import read_plan
from kanopt.routing.rules.fleet import Ends, Fleet
from kanopt.routing.rules.rule import Drive, DrivenPlan, Given, Rule, exceeds
from kanopt.routing.rules.visits import Visits
from kanopt.text import amount_text, clock_text, count_text, join_list


def read_started(given: Any, data: RoutingData) -> tuple[Route, ...]:
    """Read routes that are under way, and verify that they can be.

    Parameters
    ----------
    given
        Whatever :func:`~kanopt.routing.plan.read_plan` reads.
    data
        The problem's data.

    Raises
    ------
    ProblemError
        With every name that the problem does not know, every vehicle that cannot be on its way like that, and every
        client on two routes.
    """
    plan = read_plan(given, data, what="started")
    if mistakes := list(_mistakes(plan, data)):
        raise ProblemError("\n".join(f"started: {mistake}" for mistake in mistakes))
    return plan.routes


def _mistakes(plan: RoutingPlan, data: RoutingData) -> Iterator[str]:
    """Yield what of vehicles and visits no plan may be, and numbers of locked stops that are none."""
    case = DrivenPlan(data, plan, None)  # type: ignore[arg-type]  # before anything is driven
    for rule in (Fleet(), Ends(), Visits()):
        yield from (each.message for each in rule.broken(case) if each.constraint == rule.name)
    for route in plan.routes:
        stops = len(route.clients)
        if not 0 <= route.locked <= stops + 1:
            yield (
                f"{route.label}: locked = {route.locked} of {count_text(stops, 'stop')}; give 0 to {stops}, or "
                f"{stops + 1} where it is on its way to its end"
            )


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
        # stops that are begun or driven to; one more than there are where the way to the end has begun
        begun = int((driven.begin[legs][: len(route.clients)] <= now).sum())
        count = begun + bool(np.append(driven.leave[legs], driven.finish[place])[begun] <= now)
        locked = max(count, 0 if before is None else min(before.locked, len(route.clients) + 1))
        found.append(replace(route, departure=float(driven.departure[place]), locked=locked))
    return (*found, *known.values())


class Started(Rule):
    """A plan changes nothing that cannot be changed any more."""

    name = "started"
    what = "routes under way"
    words = RuleWords(
        "route is not as it is under way, or begins in the past",
        "routes are not as they are under way, or begin in the past",
    )
    must_hold = True

    def stated(self, data: RoutingData) -> bool:
        """Say whether anything is fixed because time has passed."""
        return data.is_under_way

    def faults(self, given: Given) -> Iterator[Fault]:
        """Yield a time before which nothing begins that is none."""
        stated, time = given.policy.not_before, given.units.time
        try:
            moment(str(stated or 0), time)
        except ValueError:
            advice = f"write a number in {time!r} or a text such as '8:30'"
            yield Fault("policy", f"not_before = {stated!r} is no clock time", advice=advice)

    def broken(self, case: DrivenPlan) -> Iterator[Violation]:
        """Yield what the plan changes."""
        data = case.data
        if not data.is_under_way:
            return
        there = {(route.vehicle, route.index) for route in case.plan.routes}
        for each in data.started if case.whole else ():
            if each.vehicle not in there:
                yield self._changed(each.route, "is under way, and the plan has no route for it")
        for place, route in enumerate(case.plan.routes):
            known = data.started_of.get((route.vehicle, route.index))
            told = [
                *_changed_vehicles(data, route),
                *_left_early(data, route, float(case.driven.departure[place])),
            ]
            told += _changes(data, route, known) if known is not None else []
            for message in told:
                yield self._changed(route, message)

    def _changed(self, route: Route, message: str) -> Violation:
        return Violation(self.name, route.label, 1.0, "", f"{route.label} {message}")


def _changed_vehicles(data: RoutingData, route: Route) -> Iterator[str]:
    for name in route.clients:
        vehicle, index = data.bound_to.get(name, (route.vehicle, route.index))
        if (vehicle, index) != (route.vehicle, route.index):
            yield f"serves client {name}, which stays on {vehicle} {index}, which is under way"


def _left_early(data: RoutingData, route: Route, leaves: float) -> Iterator[str]:
    """Yield that a route leaves when it cannot have: before now, or at another time than it did."""
    known, unit = data.started_of.get((route.vehicle, route.index)), data.units.time
    if known is None and exceeds(data.not_before, leaves):
        early = amount_text(data.not_before - leaves, unit)
        yield f"leaves at {clock_text(leaves, unit)}, {early} before {clock_text(data.not_before, unit)}, which is past"
    left = None if known is None else known.route.departure
    if left is not None and (exceeds(left, leaves) or exceeds(leaves, left)):
        yield f"leaves at {clock_text(leaves, unit)}, but has left at {clock_text(left, unit)}"


def _changes(data: RoutingData, route: Route, known: StartedRoute) -> Iterator[str]:
    """Yield which stops of a route under way are not as they must be."""
    kept = len(known.kept)
    if route.clients[:kept] != known.kept:
        yield f"is under way, and does not keep its first stops ({join_list(known.kept, 6)})"
        return
    after = route.clients[kept:]
    trip = frozenset(trip_after(route.clients, kept, route.depot))
    if known.goes_home:
        if trip or (after and data.end_of[route.vehicle] != route.depot):
            yield f"is on its way to {data.end_of[route.vehicle]}, and cannot go to {after[0]} before"
    else:
        missing = known.aboard - trip - frozenset(known.kept)
        if missing:
            yield f"has goods of clients {join_list(sorted(missing), 6)} on board, and does not serve them on this trip"
        new = [name for name in trip - known.aboard if data.is_loaded[data.index[name]]]
        if new:
            yield f"has left {route.depot} without the goods of clients {join_list(sorted(new), 6)}"
