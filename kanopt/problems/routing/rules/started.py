"""Routes that are under way: what a plan keeps of them, and that nothing new begins before now."""

from __future__ import annotations

from collections.abc import Iterator

from kanopt.faults import Fault
from kanopt.problems.broken_rules import RuleWords
from kanopt.problems.findings import Violation
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.plan import Route
from kanopt.problems.routing.rules.rule import DrivenPlan, Given, Rule, exceeds
from kanopt.problems.routing.started import StartedRoute, trip_after
from kanopt.records.clock_times import moment
from kanopt.text import amount_text, clock_text, join_list


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
