"""The cheapest insertion of a client into a plan, and the rules that each insertion would break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.plans.findings import Violation
from kanopt.routing.arrays import RoutingData
from kanopt.routing.leg_laws import DURATION, SERVICE, RoutingLaws
from kanopt.routing.plan import Route, RoutingPlan
from kanopt.routing.planning_values import PlanningValues
from kanopt.routing.rules import LIMITS, RULES, kind_of
from kanopt.routing.rules.rule import Drive, DrivenPlan
from kanopt.routing.simulate.departures import drive
from kanopt.routing.simulate.referee import route_costs

_TOLERANCE = 1e-6
_MOST, _EACH = 40, 6
"""Up to so many insertions of a client are all checked; of more, the few best by each limit they exceed and by cost."""
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

    @cached_property
    def by_kind(self) -> dict[str, list[Violation]]:
        """The violations by the kind of rule: load, time, skills, or a constraint by its name."""
        found: dict[str, list[Violation]] = {}
        for violation in self.violations:
            found.setdefault(kind_of(violation), []).append(violation)
        return found

    def over(self, kind: str) -> float:
        """Return by how much it breaks the rules of a kind."""
        return sum(violation.amount for violation in self.by_kind.get(kind, ()))

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
    """All insertions of a client into a plan: the promising ones driven, checked and priced on the law.

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
        self.laws, self.planning, self.plan, self.data = laws, planning, plan, laws.data
        self.served = {name: place for place, route in enumerate(plan.routes) for name in route.clients}
        if driven is None:
            driven = drive(laws, planning, plan.routes)
        self.costs = np.append(route_costs(laws, plan.routes, driven), 0.0)
        self.durations = driven.route_durations
        free = [replace(route, departure=None) for route in plan.routes]
        if free != list(plan.routes):
            driven = drive(laws, planning, free)
        self.base_violations = [*violations_by_route(self.data_all_optional, free, driven), ()]
        self.departures = driven.departure.tolist()
        excess, costs, _ = self._screen(free, range(len(free)))
        self.base_excess, self.base_costs = np.pad(excess, ((0, 1), (0, 0))), np.append(costs, 0.0)

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

        Where there are many, those that exceed limits by more and cost more may be missing; one that is feasible is
        found where there is one.
        """
        tried, origin = self._candidates(client)
        if not tried:
            return []
        rows = np.minimum(np.asarray(origin, dtype=np.intp), len(self.plan.routes))
        excess, costs, durations = self._screen(tried, origin)
        over = np.maximum(excess - self.base_excess[rows], 0.0)
        costs = self._increase(costs, self.base_costs, durations, rows)
        chosen = select_insertions(over, costs)
        found = self._evaluate(client, tried, rows, chosen)
        # what the screen leaves out may spoil all that were chosen: one that fits may be among the dearer ones
        left = np.argsort(np.round(costs, 9), kind="stable")
        left = left[(np.isfinite(costs) & (over <= _TOLERANCE).all(axis=1))[left] & ~np.isin(left, chosen)]
        for begin in range(0, len(left), _MOST):
            if any(not each.violations for each in found):
                break
            found += self._evaluate(client, tried, rows, left[begin : begin + _MOST].tolist())
        return sorted(found, key=lambda each: (bool(each.violations), round(each.cost, 9)))

    def _evaluate(
        self, client: str, tried: Sequence[Route], rows: Integers, chosen: Sequence[int]
    ) -> list[Insertion]:
        """Drive, check and price some of the routes with the client; those that no road allows are left out.

        Parameters
        ----------
        client
            The client.
        tried, rows
            Routes with the client in them, and which of the plan's, an empty one last, each was.
        chosen
            Positions of those to drive.
        """
        routes, rows = [tried[place] for place in chosen], rows[list(chosen)]
        driven = drive(self.laws, self.planning, routes)
        paid = route_costs(self.laws, routes, driven)
        costs = self._increase(paid, self.costs, driven.route_durations, rows)
        found = []
        for place, violations in enumerate(violations_by_route(self.data_all_optional, routes, driven)):
            more = tuple(_new_violations(violations, self.base_violations[rows[place]]))
            if np.isfinite(costs[place]) and all(np.isfinite(violation.amount) for violation in more):
                found.append(Insertion(routes[place], client, more, float(costs[place])))
        return found

    def _screen(self, routes: Sequence[Route], origin: Sequence[int]) -> tuple[Floats, Floats, Floats]:
        """Return by how much routes exceed limits, (routes, limits), what they cost and how long they take.

        Breaks are left out: driving without is fast, and a route that breaks a rule without breaks breaks it with them
        as well. Where the clock decides, routes leave as those do of which they were made.
        """
        leaving = list(routes)
        if self._is_timed:
            soonest = [self.data.leaves_from(route) for route in routes]
            planned = [self.departures[at] if at < len(self.departures) else -np.inf for at in origin]
            leaving = [
                replace(route, departure=max(times))
                for route, times in zip(routes, zip(soonest, planned, strict=True), strict=True)
            ]
        laws = self._laws_without_breaks
        driven = drive(laws, self.planning, leaving)
        excess = np.stack([rule.excess(laws.data, driven) for rule in LIMITS], axis=1)
        return excess, route_costs(laws, leaving, driven), driven.route_durations

    @cached_property
    def _laws_without_breaks(self) -> RoutingLaws:
        """The laws, for drivers without breaks."""
        if not any(self.data.breaks):
            return self.laws
        vehicles = tuple(replace(vehicle, breaks="") for vehicle in self.data.vehicles)
        return RoutingLaws(replace(self.data, vehicles=vehicles), self.laws.cost, self.laws.duration)

    @cached_property
    def _is_timed(self) -> bool:
        """Whether the clock decides how long something takes, or what it costs."""
        laws = self.laws
        moved = any(laws.is_moved_by_clock(name) for name in laws.cost)
        return moved or laws.reads(DURATION, "clock") or laws.reads(SERVICE, "clock")

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
        at = self.data.index[client]
        group = next(nodes for nodes in self.data.served_together if at in nodes)
        source, *linked = (self.data.names[node] for node in group)
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

    def _increase(self, costs: Floats, before: Floats, durations: Floats, rows: Integers) -> Floats:
        """Return what the plan costs more with each of some routes in place of the one it was.

        Parameters
        ----------
        costs, durations
            What the routes cost, and how long they take.
        before, rows
            What the plan's routes cost, an empty one last, and which of them each was.
        """
        more = np.full(len(costs), np.inf)
        np.subtract(costs, before[rows], out=more, where=np.isfinite(costs) & np.isfinite(before[rows]))
        rate = self.data.policy.longest_route_cost
        if rate:
            longest = float(self.durations.max(initial=0.0))
            others = [
                float(np.delete(self.durations, place).max(initial=0.0))
                for place in range(len(self.durations))
            ]
            more = more + rate * (np.maximum(durations, np.append(others, longest)[rows]) - longest)
        return np.asarray(more)


def insert_clients(
    laws: RoutingLaws, planning: PlanningValues, plan: RoutingPlan, clients: Sequence[str]
) -> tuple[RoutingPlan, list[str]]:
    """Put clients, one after the other, where they cost least and break no rule; also return those without a place.

    Parameters
    ----------
    laws, planning
        The problem's laws and planning values.
    plan
        The plan to add to.
    clients
        Names, in order.
    """
    refused = []
    for client in clients:
        if any(client in route.clients for route in plan.routes):
            continue  # it came with the client at which its demand is loaded
        places = InsertionFinder(laws, planning, plan).for_client(client)
        if not places or places[0].violations:
            refused.append(client)
            continue
        others = (route for route in plan.routes if route.label != places[0].route.label)
        plan = RoutingPlan((*others, places[0].route))
    return plan, refused


def violations_by_route(
    facts: RoutingData, routes: Sequence[Route], driven: Drive
) -> list[tuple[Violation, ...]]:
    """Check routes one by one, each as if it were a plan of its own.

    Parameters
    ----------
    facts
        The problem's data, with every client optional.
    routes, driven
        Routes, and the drive of all of them together.
    """
    ends = np.searchsorted(driven.route, np.arange(len(routes) + 1))
    rules = (*LIMITS, *(rule for rule in RULES if rule not in LIMITS))
    passed = {rule: rule.breaking(facts, driven) for rule in LIMITS}
    found = []
    for place, route in enumerate(routes):
        alone = driven.of_route(place, slice(ends[place], ends[place + 1]))
        case = DrivenPlan(facts, RoutingPlan((route,)), alone, whole=False)
        some = (rule for rule in rules if rule not in passed or passed[rule][place])
        found.append(tuple(violation for rule in some for violation in rule.broken(case)))
    return found


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


def select_insertions(over: Floats, costs: Floats) -> list[int]:
    """Return the insertions to check: all, or the best few of those that exceed the same limits.

    Parameters
    ----------
    over, costs
        By how much each insertion exceeds limits, (places, limits), and what it costs.
    """
    order = np.argsort(np.round(costs, 9), kind="stable")
    order = order[np.isfinite(costs[order])]
    if len(order) <= _MOST:
        return [int(place) for place in order]
    excess = over[order]
    limits = (excess > _TOLERANCE) @ (1 << np.arange(over.shape[1]))
    chosen: set[int] = set()
    for kind in np.unique(limits):
        same = np.flatnonzero(limits == kind)
        # excesses have no common unit: take the least by each limit, and by the sum of shares
        shares = excess[same] / np.maximum(excess[same].max(axis=0), _TOLERANCE)
        for size in (*shares[:, shares.any(axis=0)].T, shares.sum(axis=1)):
            chosen.update(same[np.argsort(size, kind="stable")[:_EACH]].tolist())
        chosen.update(same[:_EACH].tolist())
    return [int(place) for place in order[sorted(chosen)]]
