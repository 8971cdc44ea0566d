"""A routing problem in integers without names, as engines see it; it can be sent to another process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.arc_blocks import of_types
from kanopt.solvers.routing.integer_routes import (
    RouteTimes,
    arc_cost,
    choose_times,
    keeps_rules,
    load_cost,
    loads_fit,
    route_length,
    route_times,
    split_trips,
    without_idle_reloads,
)
from kanopt.solvers.routing.integer_rules import RoutingRules
from kanopt.solvers.routing.shared_rows import distinct
from kanopt.units import Scaling

Integers = NDArray[np.int64]
NodeRoutes = Sequence[Sequence[int]]
"""Client nodes in order of visit, one route for each vehicle of the fleet; the node of its depot is a reload."""
Rank = tuple[int, int]
"""How good a plan is, the smaller the better: clients left out who must be served, then the objective."""
_MOST_CACHED = 100_000


@dataclass(frozen=True, eq=False, kw_only=True)
class RoutingArrays:
    """A routing problem as an engine sees it.

    Durations and demands are rounded up, capacities down, windows and shifts inward, so that a plan feasible
    here is feasible at the planning values. Nodes are the depots where some vehicle starts or ends, then clients.

    Parameters
    ----------
    fleet
        Vehicle type (position) and number of each vehicle, in order of types.
    home, end
        Nodes of the depots where each vehicle type starts and ends, shape (types,); -1 where there is no such vehicle.
    cost, transit
        Price of an arc and time from the start of service at its tail to the arrival at its head, by vehicle
        type; (types, nodes, nodes). An arc without a road takes longer than `horizon`. What all types share is in
        memory once; 32 bits a number where they suffice.
    demand, earliest, latest, prize, mandatory
        By node; `prize` is 0 for depots and for clients that must be served.
    capacity, fixed, per_time, shift_start, shift_end
        By vehicle type.
    depots
        How many of the nodes are depots.
    missed_prizes
        Prizes of optional clients that are not among the nodes.
    unreachable_mandatory
        How many clients that must be served are not among the nodes.
    horizon
        The latest time that can occur.
    money
        The scaling of prices.
    rules
        All other rules.
    """

    fleet: tuple[tuple[int, int], ...]
    home: Integers
    end: Integers
    cost: Integers
    transit: Integers
    demand: Integers
    earliest: Integers
    latest: Integers
    prize: Integers
    mandatory: NDArray[np.bool_]
    capacity: Integers
    fixed: Integers
    per_time: Integers
    shift_start: Integers
    shift_end: Integers
    depots: int
    missed_prizes: int
    unreachable_mandatory: int
    horizon: int
    money: Scaling
    rules: RoutingRules = field(default_factory=RoutingRules)

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self.demand)

    def depot(self, kind: int) -> int:
        """Return the node of a vehicle type's depot."""
        return int(self.home[kind])

    def last(self, kind: int) -> int:
        """Return the node of the depot where a vehicle type ends, if it comes to one."""
        return int(self.end[kind])

    @cached_property
    def penalty(self) -> int:
        """Price of leaving a mandatory client out: more than any plan can cost."""
        arcs = int(self.cost.max(axis=(0, 2), initial=0).sum())
        routes = len(self.fleet)
        leaving = int(self.cost[:, : self.depots].max(initial=0)) * routes
        fixed = int(self.fixed.max(initial=0)) * routes
        spans = self.per_time * (self.shift_end - self.shift_start)
        most = arcs + leaving + fixed + int(self.prize.sum()) + int(spans.max(initial=0)) * routes + 1
        return most if self.rules.is_empty else most + self._rule_cost_bound()

    def _rule_cost_bound(self) -> int:
        """Return a number above all that the rules can add to the price of a plan."""
        rules, routes = self.rules, len(self.fleet)
        again = sum(rules.most_reloads(kind) for kind, _ in self.fleet)
        most = 2 * int(self.cost.max(initial=0)) * min(again, self.size)
        spans = self.shift_end - self.shift_start
        if rules.overtime.size:
            most += int((rules.overtime * spans).max(initial=0)) * routes
        if rules.lateness.size:
            most += sum(
                int(rate) * (self.horizon - int(due))
                for rate, due in zip(rules.lateness, rules.due, strict=True)
            )
        if rules.load_cost.size:
            # no vehicle carries more than the sum of all loads
            carried = int(rules.load_units.sum())
            legs = routes + min(again, self.size)
            most += (
                int(rules.load_cost.max(axis=(0, 2)).sum()) + legs * int(rules.load_cost.max())
            ) * carried
        return most + rules.longest * int(spans.max(initial=0))

    def span(self, kind: int, route: Sequence[int]) -> tuple[int, int] | None:
        """Return departure and return of a route at its shortest duration, None if it cannot be driven in time.

        Parameters
        ----------
        kind
            Vehicle type.
        route
            Client nodes in order of visit.
        """
        if not self.rules.is_empty:
            found = route_times(self, kind, route)
            return (found[0].departure, found[0].finish) if found else None
        transit, home = self.transit[kind], self.depot(kind)
        clock, waited = int(self.shift_start[kind]), 0
        least_slack: int | None = None
        tail = home
        for node in route:
            arrive = clock + int(transit[tail, node])
            clock = max(arrive, int(self.earliest[node]))
            if clock > self.latest[node]:
                return None
            waited += clock - arrive
            slack = waited + int(self.latest[node]) - clock
            least_slack = slack if least_slack is None else min(least_slack, slack)
            tail = node
        finish = clock + int(transit[tail, self.last(kind)])
        if finish > self.shift_end[kind]:
            return None
        return int(self.shift_start[kind]) + min(
            waited, least_slack if least_slack is not None else 0
        ), finish

    def fits(
        self, kind: int, route: Sequence[int], vehicle: int | None = None, *, whole: bool = True
    ) -> bool:
        """Say whether a vehicle type can drive a route.

        Parameters
        ----------
        kind, route
            As in :meth:`span`.
        vehicle
            Position in the fleet, where it is known, for clients that one vehicle serves.
        whole
            Whether the clients of a source that is on the route must be on it as well.
        """
        if self.rules.is_empty:
            load = int(self.demand[list(route)].sum()) if route else 0
            return load <= self.capacity[kind] and self.span(kind, route) is not None
        if not (keeps_rules(self, kind, route, vehicle, whole=whole) and loads_fit(self, kind, route)):
            return False
        limit = self.rules.max_distance
        if limit.size and route_length(self, kind, route) > limit[kind]:
            return False
        return bool(route_times(self, kind, route))

    def trimmed(
        self, kind: int, route: Sequence[int], seen: set[int], vehicle: int | None = None
    ) -> list[int]:
        """Return the stops of a route that fit, in order; skip those in `seen`, and add the others to it."""
        if not self.rules.is_empty:
            return self._trimmed(kind, route, seen, vehicle)
        left = [node for node in dict.fromkeys(route) if node not in seen]
        kept: list[int] = left if self.fits(kind, left) else []
        for node in left if not kept else ():
            if self.fits(kind, [*kept, node]):
                kept.append(node)
        seen.update(kept)
        return kept

    def _trimmed(self, kind: int, route: Sequence[int], seen: set[int], vehicle: int | None) -> list[int]:
        """Return the stops that fit where a route may have reloads, and clients that belong together."""
        left: list[int] = []
        for node in route:
            if node < self.depots or not (node in seen or node in left):
                left.append(node)
        left = without_idle_reloads(self, left)
        kept = left if self.fits(kind, left, vehicle) else []
        for node in left if not kept else ():
            # a reload counts once there is something behind it
            if node < self.depots or self.fits(
                kind, without_idle_reloads(self, [*kept, node]), vehicle, whole=False
            ):
                kept.append(node)
        kept = self._without_split_groups(without_idle_reloads(self, kept))
        if not self.fits(kind, kept, vehicle):
            kept = []
        seen.update(node for node in kept if node >= self.depots)
        return kept

    def _without_split_groups(self, route: list[int]) -> list[int]:
        """Return a route without clients that are served only with others that are not on it."""
        while True:
            parts = split_trips(self, route)
            lone = {
                node
                for trip in parts
                for node in trip
                if any(one not in trip for one in self.rules.dependents.get(node, ()))
                or (
                    self.rules.source.size
                    and self.rules.source[node] >= 0
                    and self.rules.source[node] not in trip
                )
            }
            if not lone:
                return route
            route = without_idle_reloads(self, [node for node in route if node not in lone])

    def times(self, routes: NodeRoutes) -> list[RouteTimes | None]:
        """Return when each route leaves and returns so that the plan costs least; None where it does not fit."""
        options: list[list[RouteTimes]] = []
        for place, (route, (kind, _)) in enumerate(zip(routes, self.fleet, strict=True)):
            key = place if self.rules.pinned.size else kind, tuple(route)
            if key not in self._times_cache:
                fits = bool(route) and self.fits(kind, route, place)
                if len(self._times_cache) > _MOST_CACHED:
                    self._times_cache.clear()
                self._times_cache[key] = route_times(self, kind, route) if fits else []
            options.append(self._times_cache[key])
        chosen = iter(choose_times([each for each in options if each], self.rules.longest))
        return [next(chosen) if each else None for each in options]

    def best_times(self, kind: int, route: Sequence[int]) -> RouteTimes | None:
        """Return the times at which a route costs least, None if it cannot be driven in time."""
        found = route_times(self, kind, route)
        return found[0] if found else None

    @cached_property
    def _times_cache(self) -> dict[tuple[int, tuple[int, ...]], list[RouteTimes]]:
        return {}

    def objective(self, routes: NodeRoutes) -> int:
        """Return the price of a plan, one route per vehicle, without penalties for mandatory clients.

        This is the solver's objective, computed again: a route costs its arcs, its vehicle and the least time it can
        take. A route that does not fit does not count.
        """
        if not self.rules.is_empty:
            return self._objective(routes, self.times(routes))
        total = self.missed_prizes
        served = np.zeros(self.size, dtype=bool)
        for (kind, _), route in zip(self.fleet, routes, strict=True):
            times = self.span(kind, route)
            if not route or times is None:
                continue
            stops = np.array([self.depot(kind), *route, self.last(kind)])
            served[list(route)] = True
            total += int(self.cost[kind, stops[:-1], stops[1:]].sum()) + int(self.fixed[kind])
            total += int(self.per_time[kind]) * (times[1] - times[0])
        return total + int(self.prize[~served].sum())

    def _objective(self, routes: NodeRoutes, times: Sequence[RouteTimes | None]) -> int:
        total, longest = self.missed_prizes, 0
        for (kind, _), route, each in zip(self.fleet, routes, times, strict=True):
            if each is not None:
                total += arc_cost(self, kind, route) + int(self.fixed[kind]) + each.price
                total += load_cost(self, kind, route)
                longest = max(longest, each.duration)
        return total + int(self.prize[~self._served(routes, times)].sum()) + self.rules.longest * longest

    def _served(self, routes: NodeRoutes, times: Sequence[RouteTimes | None]) -> NDArray[np.bool_]:
        served = np.zeros(self.size, dtype=bool)
        served[
            [node for route, each in zip(routes, times, strict=True) if each is not None for node in route]
        ] = True
        return served

    def rank(self, routes: NodeRoutes) -> Rank:
        """Return how good a plan is; of two plans the one with the smaller rank is the better one."""
        if not self.rules.is_empty:
            times = self.times(routes)
            left = int((self.mandatory & ~self._served(routes, times)).sum())
            return self.unreachable_mandatory + left, self._objective(routes, times)
        served = np.zeros(self.size, dtype=bool)
        for route in routes:
            served[list(route)] = True
        return self.unreachable_mandatory + int((self.mandatory & ~served).sum()), self.objective(routes)

    def without_names(self) -> RoutingArrays:
        """Return the arrays without the problem they were made of, to be sent to another process."""
        return RoutingArrays(**{item.name: getattr(self, item.name) for item in fields(RoutingArrays)})

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent, matrices that all vehicle types share once."""
        state = {item.name: getattr(self, item.name) for item in fields(self)}
        return state | {name: distinct(state[name]) for name in ("cost", "transit")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        shared = {name: of_types(state[name], len(state["capacity"])) for name in ("cost", "transit")}
        self.__dict__.update(state | shared)
