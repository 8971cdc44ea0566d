"""The cheapest insertion of a client into a plan, and the rules that each insertion would break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.findings import Violation
from kanopt.problems.routing.data import Floats, Ints, RoutingData
from kanopt.problems.routing.leg_laws import DURATION, RoutingLaws
from kanopt.problems.routing.plan import Route, RoutingPlan
from kanopt.problems.routing.planning_values import PlanningValues
from kanopt.problems.routing.rules import LIMITS, RULES
from kanopt.problems.routing.rules.rule import DrivenPlan
from kanopt.problems.routing.simulate import Drive, drive, route_costs

_TOLERANCE = 1e-6
_MOST = 100
"""Up to `_MOST` insertions of a client are all checked; of more, the `_EACH` best by each limit they exceed and by
cost."""
_EACH = 15
_MOST_SLOW, _EACH_SLOW = 24, 3
"""The same for routes whose price depends on the departure, which takes long to choose, where drivers have breaks."""
_MOST_RESTED, _EACH_RESTED = 40, 6
"""The same for routes with breaks, where insertions that break a rule even without the breaks are skipped."""
_AT_ONCE = 20
_DURATION = [rule.name for rule in LIMITS].index("duration")
ViolationKey = tuple[str, str, str]


@dataclass(frozen=True)
class Insertion:
    """One insertion of a client into a route.

    Parameters
    ----------
    route
        The route with the client in it.
    client
        The inserted client; its source, and the clients it is the source of, are inserted with it.
    violations
        The rules that the route breaks with the client, by how much more than without it.
    cost
        By how much the plan would cost more on the law.
    """

    route: Route
    client: str
    violations: tuple[Violation, ...]
    cost: float

    @property
    def position_text(self) -> str:
        """The vehicle and the neighbours, in words."""
        clients, depot = self.route.clients, self.route.depot
        at = clients.index(self.client)
        before, after = clients[at - 1] if at else depot, clients[at + 1] if at + 1 < len(clients) else depot
        if len(clients) == 1:
            return f"the empty {self.route.label}"
        return f"{self.route.label} between {before} and {after}"


class InsertionFinder:
    """All insertions of a client into a plan, driven, checked and priced on the law.

    Parameters
    ----------
    laws, planning
        The problem's laws and planning values.
    plan
        The plan to add to.
    driven
        How it is driven on the law, where that is known.
    """

    def __init__(
        self,
        laws: RoutingLaws,
        planning: PlanningValues,
        plan: RoutingPlan,
        driven: Drive | None = None,
    ) -> None:
        self.laws = laws
        self.planning = planning
        self.plan = plan
        self.served = {name: place for place, route in enumerate(plan.routes) for name in route.clients}
        if driven is None:
            driven = drive(laws, planning, plan.routes)
        self.costs = np.append(route_costs(laws, planning, plan.routes, driven), 0.0)
        self.durations = driven.route_durations
        free = [replace(route, departure=None) for route in plan.routes]
        if free != list(plan.routes):
            driven = drive(laws, planning, free)
        self.base_violations = violations_by_route(self.data_all_optional, free, driven)
        self.departures = driven.departure.tolist()
        early = self._leave_as_planned(free, range(len(free)))
        if early != free:
            driven = drive(laws, planning, early)
        self.excess = np.concatenate([self._excess(driven), np.zeros((1, len(LIMITS)))])
        # prices are compared between routes that leave equally early
        self.early_costs = np.append(route_costs(laws, planning, early, driven), 0.0)

    @property
    def data(self) -> RoutingData:
        """The problem's data."""
        return self.laws.data

    @cached_property
    def data_all_optional(self) -> RoutingData:
        """The problem's data, with every client optional, so that a route can be checked by itself."""
        return replace(self.data, clients=tuple(replace(client, prize=0.0) for client in self.data.clients))

    @cached_property
    def empty_routes(self) -> list[Route]:
        """An empty route for one unused vehicle of each type, and for those that some client is pinned to."""
        used = {(route.vehicle, route.index) for route in self.plan.routes}
        pinned = set(self.data.pinned.values())
        found = []
        for vehicle in self.data.vehicles:
            free = [
                index for index in range(1, vehicle.num_available + 1) if (vehicle.name, index) not in used
            ]
            chosen = [index for index in free if index == free[0] or (vehicle.name, index) in pinned]
            depot = self.data.depot_of[vehicle.name]
            found += [Route(vehicle.name, index, depot, (), named=vehicle.is_named) for index in chosen]
        return found

    def for_client(self, client: str) -> list[Insertion]:
        """Return the insertions of a client that roads allow: feasible ones first, then by cost.

        Where there are many on routes with breaks, ones that cost more than the first feasible one may be missing.
        """
        tried, origin = self._candidates(client)
        if not tried:
            return []
        early = self._leave_as_planned(tried, origin)
        if self._breaks_only_cost_time(early):
            found, kept = self._cheapest(client, early, origin)
            if found:
                return found
            tried, early = [tried[place] for place in kept], [early[place] for place in kept]
            origin = [origin[place] for place in kept]
        driven = drive(self.laws, self.planning, early)
        excess, moves = self._excess(driven), self._departure_dependence(early)
        costs = np.where(
            moves,
            self._cost_increase(early, origin, driven, self.early_costs),
            self._cost_increase(early, origin, driven, self.costs),
        )
        over = np.maximum(excess - self.excess[self._plan_rows(origin)], 0.0)
        slow = moves | (
            (excess[:, _DURATION] > 0) & np.array([route.departure is not None for route in early])
        )
        places = np.arange(len(tried))
        quick = select_insertions(places[~slow], over, costs, (_MOST, _EACH))
        found = self._evaluate_driven(client, early, origin, driven, quick)
        sizes = (_MOST_SLOW, _EACH_SLOW) if any(self.data.breaks) else (_MOST, _EACH)
        last = select_insertions(places[slow], over, costs, sizes)
        if last:
            again = [tried[place] for place in last]
            driven = drive(self.laws, self.planning, again)
            found += self._evaluate_driven(
                client, again, [origin[place] for place in last], driven, list(range(len(last)))
            )
            found.sort(key=lambda insertion: round(insertion.cost, 9))
        return sorted(found, key=lambda insertion: bool(insertion.violations))

    def _breaks_only_cost_time(self, early: Sequence[Route]) -> bool:
        """Say whether breaks cost time on many routes, but move no price and no limit of a duration."""
        rested = [bool(self.data.breaks[self.data.type_index[route.vehicle]]) for route in early]
        return (
            sum(rested) > _AT_ONCE
            and all(route.departure is not None for route, rests in zip(early, rested, strict=True) if rests)
            and not np.isfinite(self.data.of_vehicles("max_duration")).any()
            and not self._departure_dependence(early).any()
        )

    def _cheapest(
        self, client: str, early: Sequence[Route], origin: Sequence[int]
    ) -> tuple[list[Insertion], list[int]]:
        """Try insertions by price until one is feasible; else return the positions of those to check.

        Driving without breaks is fast, and a route that breaks a rule without breaks breaks it with them as well.
        """
        driven = drive(self._laws_without_breaks, self.planning, early)
        costs = self._cost_increase(early, origin, driven, self.costs)
        over = np.maximum(self._excess(driven) - self.excess[self._plan_rows(origin)], 0.0)
        order = np.argsort(np.round(costs, 9), kind="stable")
        order = order[(np.isfinite(costs) & (over <= _TOLERANCE).all(axis=1))[order]]
        for begin in range(0, len(order), _AT_ONCE):
            some = [int(place) for place in order[begin : begin + _AT_ONCE]]
            routes = [early[place] for place in some]
            driven = drive(self.laws, self.planning, routes)
            found = self._evaluate_driven(
                client, routes, [origin[place] for place in some], driven, range(len(some))
            )
            if not all(insertion.violations for insertion in found):
                return sorted(found, key=lambda insertion: bool(insertion.violations)), []
        return [], select_insertions(np.arange(len(early)), over, costs, (_MOST_RESTED, _EACH_RESTED))

    @cached_property
    def _laws_without_breaks(self) -> RoutingLaws:
        """The laws, for drivers without breaks."""
        vehicles = tuple(replace(vehicle, breaks="") for vehicle in self.data.vehicles)
        return RoutingLaws(replace(self.data, vehicles=vehicles), self.laws.cost, self.laws.duration)

    def _evaluate_driven(
        self,
        client: str,
        routes: Sequence[Route],
        origin: Sequence[int],
        driven: Drive,
        chosen: Sequence[int],
    ) -> list[Insertion]:
        """Price and check some of the routes, as they were driven."""
        costs = self._cost_increase(routes, origin, driven, self.costs)
        found = []
        for place, violations in zip(
            chosen, violations_by_route(self.data_all_optional, routes, driven, chosen), strict=True
        ):
            before = self.base_violations[origin[place]] if origin[place] < len(self.base_violations) else ()
            more = tuple(_new_violations(violations, before))
            if np.isfinite(costs[place]) and all(np.isfinite(violation.amount) for violation in more):
                route = replace(routes[place], departure=None)
                found.append(Insertion(route, client, more, float(costs[place])))
        return found

    @cached_property
    def _is_timed(self) -> bool:
        """Whether the clock decides how long something takes, or what it costs."""
        laws = self.laws
        moved = any(laws.is_moved_by_clock(name) for name in laws.cost)
        return moved or laws.reads(DURATION, "clock") or self.data.service_times.reads("clock")

    def _leave_as_planned(self, routes: Sequence[Route], origin: Sequence[int]) -> list[Route]:
        """Let routes whose best departure takes long to find leave at a given one.

        Those with breaks leave as soon as they may, where that makes nothing later; those with laws of the clock as
        the route leaves of which they were made.
        """
        data, found = self.data, []
        soonest = [
            bool(rests) and is_soonest_at_start(self.laws, kind) for kind, rests in enumerate(data.breaks)
        ]
        for route, place in zip(routes, origin, strict=True):
            leaves = None
            if soonest[data.type_index[route.vehicle]] or self._is_timed:
                leaves = data.leaves_from(route)
            if self._is_timed and place < len(self.departures):
                leaves = max(data.leaves_from(route), self.departures[place])
            found.append(replace(route, departure=leaves))
        return found

    def _departure_dependence(self, early: Sequence[Route]) -> NDArray[np.bool_]:
        """Say what prices or rules depend on the departure, of routes for which one was given."""
        data = self.data
        paid = data.of_vehicles("unit_duration_cost") + data.of_vehicles("unit_overtime_cost") > 0
        paid = paid | bool(data.has_soft_window.any() or data.policy.longest_route_cost or self._is_timed)
        return np.array(
            [route.departure is not None and bool(paid[data.type_index[route.vehicle]]) for route in early]
        )

    def _plan_rows(self, origin: Sequence[int]) -> Ints:
        return np.minimum(np.asarray(origin, dtype=np.intp), len(self.plan.routes))

    def _candidates(self, client: str) -> tuple[list[Route], list[int]]:
        """Return every route with the client in it, and which route of the plan, or spare one, each was."""
        first, then, homes = self._linked_clients(client)
        tried: list[Route] = []
        origin: list[int] = []
        for place, route in enumerate((*self.plan.routes, *self.empty_routes)):
            if homes and place not in homes:
                continue
            sequences = dict.fromkeys(self._stop_sequences(route, first, then))
            tried += [replace(route, clients=stops, departure=None) for stops in sequences]
            origin += [place] * len(sequences)
        return tried, origin

    def _linked_clients(self, client: str) -> tuple[list[str], list[str], set[int]]:
        """Return the source to insert first, the clients to insert later, and the routes that serve linked clients."""
        known = {each.name: each for each in self.data.clients}
        source = known[client].source or client
        linked = [each.name for each in self.data.clients if each.source == source]
        if not linked:
            return [], [client], set()
        homes = {self.served[name] for name in (source, *linked) if name in self.served}
        first = [source] if source not in self.served else []
        return first, [name for name in linked if name not in self.served], homes

    def _stop_sequences(self, route: Route, first: list[str], then: list[str]) -> Iterator[tuple[str, ...]]:
        """Yield the stops of a route with one block of clients inserted, and a second one after it."""
        stops, home = list(route.clients), [route.depot]
        size = len(stops) + 1
        for at in range(size):
            if not first or not then:
                yield (*stops[:at], *first, *then, *stops[at:])
                continue
            for later in range(at, size):
                yield (*stops[:at], *first, *stops[at:later], *then, *stops[later:])
        vehicle = self.data.vehicles[self.data.type_index[route.vehicle]]
        if not stops or stops.count(route.depot) >= vehicle.max_reloads:
            return
        for at in range(size):
            if at and stops[at - 1] != route.depot:
                yield (*stops[:at], *home, *first, *then, *stops[at:])
            if at < len(stops) and stops[at] != route.depot:
                yield (*stops[:at], *first, *then, *home, *stops[at:])

    def _excess(self, driven: Drive) -> Floats:
        """Return by how much each route exceeds limits that are numbers; (routes, limits)."""
        return np.stack([rule.excess(self.data, driven) for rule in LIMITS], axis=1)

    def _cost_increase(
        self, routes: Sequence[Route], origin: Sequence[int], driven: Drive, before: Floats
    ) -> Floats:
        """Return what the plan costs more with each of the routes in place of the one it was, given their prices."""
        now = self._plan_rows(origin)
        more = np.full(len(routes), np.inf)
        costs = route_costs(self.laws, self.planning, routes, driven)
        np.subtract(costs, before[now], out=more, where=np.isfinite(costs) & np.isfinite(before[now]))
        rate = self.data.policy.longest_route_cost
        if rate:
            longest = float(self.durations.max(initial=0.0))
            others = [
                float(np.delete(self.durations, place).max(initial=0.0))
                for place in range(len(self.durations))
            ]
            with_it = np.maximum(driven.route_durations, np.append(others, longest)[now])
            more = more + rate * (with_it - longest)
        return np.asarray(more)


def is_soonest_at_start(laws: RoutingLaws, kind: int) -> bool:
    """Say whether the earliest departure that is possible makes every stop earliest and misses no break.

    It does where travel times do not depend on the clock and no break may begin before it; such a break can be over
    before a later departure.

    Parameters
    ----------
    laws
        The problem's laws.
    kind
        Vehicle type, by its position.
    """
    data = laws.data
    start = max(data.vehicles[kind].shift_start, float(data.ready_at_depot.max()), data.not_before)
    return not laws.reads(DURATION, "clock") and all(
        driver_break.earliest >= start for driver_break in laws.data.breaks[kind]
    )


def violations_by_route(
    facts: RoutingData, routes: Sequence[Route], driven: Drive, chosen: Sequence[int] | None = None
) -> list[tuple[Violation, ...]]:
    """Check routes one by one, each as if it were a plan of its own.

    Parameters
    ----------
    facts
        The problem's data, with every client optional.
    routes, driven
        Routes, and the drive of all of them together.
    chosen
        Positions of those to check; all where not given.
    """
    places = range(len(routes)) if chosen is None else chosen
    found: dict[int, list[Violation]] = {place: [] for place in places}
    for rule in LIMITS:
        for place, violation in rule.passed(DrivenPlan(facts, RoutingPlan(tuple(routes)), driven, False)):
            if place in found:
                found[place].append(violation)
    ends = np.searchsorted(driven.route, np.arange(len(routes) + 1))
    others = [rule for rule in RULES if rule not in LIMITS]
    for place, violations in found.items():
        alone = driven.of_route(place, slice(ends[place], ends[place + 1]))
        case = DrivenPlan(facts, RoutingPlan((routes[place],)), alone, whole=False)
        violations += [violation for rule in others for violation in rule.broken(case)]
    return [tuple(violations) for violations in found.values()]


def _new_violations(broken: Sequence[Violation], before: Sequence[Violation]) -> Iterator[Violation]:
    """Yield by how much rules are broken beyond what was broken before."""
    known: dict[ViolationKey, list[float]] = {}
    for violation in before:
        known.setdefault(_violation_key(violation), []).append(violation.amount)
    for violation in broken:
        same = known.get(_violation_key(violation))
        was = same.pop(0) if same else 0.0
        if not np.isfinite(violation.amount):
            if not np.isfinite(was):
                continue
            yield violation
        elif violation.amount - was > _TOLERANCE:
            yield replace(violation, amount=violation.amount - was) if was else violation


def _violation_key(violation: Violation) -> ViolationKey:
    return violation.constraint, violation.where, violation.unit


_TOLERANCE = 1e-6


def select_insertions(places: Ints, over: Floats, costs: Floats, sizes: tuple[int, int]) -> list[int]:
    """Return the insertions to check: all, or the best few of those that exceed the same limits.

    Parameters
    ----------
    places
        Positions to choose from.
    over, costs
        By how much each insertion exceeds limits, (places, limits), and what it costs.
    sizes
        Up to how many are all checked; and how many are chosen by each criterion where there are more.
    """
    most, each = sizes
    order = places[np.argsort(np.round(costs[places], 9), kind="stable")]
    order = order[np.isfinite(costs[order])]
    if len(order) <= most:
        return [int(place) for place in order]
    excess = over[order]
    limits = (excess > _TOLERANCE) @ (1 << np.arange(over.shape[1]))
    chosen: set[int] = set()
    for kind in np.unique(limits):
        same = np.flatnonzero(limits == kind)
        # excesses have no common unit: take the least by each limit, and by the sum of shares
        shares = excess[same] / np.maximum(excess[same].max(axis=0), _TOLERANCE)
        for size in (*shares[:, shares.any(axis=0)].T, shares.sum(axis=1)):
            chosen.update(same[np.argsort(size, kind="stable")[:each]].tolist())
        chosen.update(same[:each].tolist())
    return [int(place) for place in order[sorted(chosen)]]
