"""The integers of a routing problem as PyVRP's data: the same plans, the same order of their prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pyvrp import Activity, ActivityType, Client, Depot, Location, ProblemData, Route, Solution, VehicleType

from kanopt.array_types import Integers
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.rules import beyond
from kanopt.routing.search.integers import (
    NodeRoutes,
    RoutingIntegers,
    refuse_too_large,
    splits_at_pickups,
    without_idle_reloads,
)

# What of a routing problem PyVRP does not model.


MODELLED = frozenset(
    {
        "fleet", "depot", "visits", "prize", "skill", "capacity", "measures", "road", "time window",
        "release", "shift", "duration", "overtime",
    }
)  # fmt: skip
"""The rules that PyVRP models, as the referee calls them."""


def unsupported_rules(problem: RoutingProblem) -> tuple[str, ...]:
    """Name the rules of a problem that PyVRP does not model, in a few words each.

    Parameters
    ----------
    problem
        A routing problem.
    """
    return tuple(rule.what for rule in beyond(problem.data, MODELLED | set(_modelled_here(problem))))


def _modelled_here(problem: RoutingProblem) -> Iterator[str]:
    """Yield the rules that PyVRP models of some problems and not of others."""
    data = problem.data
    counts = {vehicle.name: vehicle.num_available for vehicle in data.vehicles}
    if all(counts[name] == 1 for name, _ in data.pinned.values()):
        yield "pinned"
    if splits_at_pickups(data):
        yield "backhaul"
    if all(vehicle.returns for vehicle in data.vehicles if vehicle.max_reloads):
        yield "reload"


UNLIMITED = int(np.iinfo(np.int64).max)
"""A time that never comes."""
_MOST = 1e12  # a plan's price at most, so that prices, prizes and penalties together stay inside 64 bits
_FAR = 2  # an arc without a road costs so many times the dearest one, so that a search keeps away from it
_WORTH = 3  # a client that must be served is worth so many times the dearest trip or prize
_VIOLATED = 1e18  # the price of everything violated at once: six times that is inside 64 bits


class PyVrpModel:
    """A routing problem as PyVRP sees it: the integers of a problem, in units in which its penalties weigh alike.

    Matrices go over as they are, without a loop over arcs. Loads are counted so that a mean demand is a mean travel
    time, and limits that can never be met are left out. Rules that PyVRP does not model are left out
    (:func:`unsupported_rules`); nobody is served late who need not be.

    Parameters
    ----------
    arrays
        The problem, from :func:`integers_of`.
    complete
        Whether a plan that leaves out a client that must be served counts as no plan; else such a client carries
        a prize above what any trip to one client saves. A search that may leave out such clients finds its way better
        with it than with a price above any plan.

    Attributes
    ----------
    data
        PyVRP's data. Its clients are the nodes behind the depots, in their order; its vehicle types are the vehicle
        types that have vehicles.
    kinds
        Vehicle type of `arrays` for each vehicle type of PyVRP.
    reloads
        PyVRP's depot at which each vehicle type reloads, for those that may.
    load_worth, time_worth
        Penalty of a unit at which a mean demand, or a mean travel time, too much weighs as much as a mean arc.
    largest
        The largest penalty that cannot overflow.
    """

    def __init__(self, arrays: RoutingIntegers, *, complete: bool) -> None:
        self.arrays, self.complete = arrays, complete
        self.kinds = tuple(sorted({kind for kind, _ in arrays.fleet}))
        again = [kind for kind in self.kinds if arrays.most_reloads(kind)]
        self.reloads = {kind: arrays.depots + place for place, kind in enumerate(again)}
        # two matrices of 64 bits for each type, and one more while a matrix or neighbours are read
        refuse_too_large("PyVRP's matrices", arrays.size, 8.0 * (2 * len(self.kinds) + 1))
        self._roads = arrays.transit <= arrays.last
        self._timed = _time_matters(arrays)
        leg = positive_mean(arrays.transit[self._roads])
        weighed = [self._weighed(measure, leg) for measure in range(len(arrays.demands))]
        self._demands, self._picked, self._capacities = map(np.stack, zip(*weighed, strict=True))
        self._is_loaded = bool(self._demands.any() or self._picked.any())
        self._cost = self._costs()
        self._transit = arrays.transit if self._timed else np.broadcast_to(np.int64(0), arrays.transit.shape)
        begins = int(arrays.shift_start.min())
        self._earliest, self._release = (
            np.where(times <= begins, 0, times) if self._timed else np.zeros_like(times)
            for times in (arrays.earliest, arrays.release)
        )
        self.data = ProblemData(
            locations=[Location(0, 0) for _ in range(arrays.size)],
            clients=self._clients(),
            depots=self._depots(),
            vehicle_types=[self._vehicle(profile, kind) for profile, kind in enumerate(self.kinds)],
            distance_matrices=[self._cost[kind] for kind in self.kinds],
            duration_matrices=[self._transit[kind] for kind in self.kinds],
        )
        leg = positive_mean(self._transit[self._roads])
        arc = positive_mean(self._cost[self._roads]) + positive_mean(arrays.per_time) * leg
        arc = arc or float(arrays.fixed.max(initial=0)) or 1.0
        load = positive_mean(np.maximum(self._demands[0], self._picked[0])) or positive_mean(self._demands)
        self.load_worth, self.time_worth = arc / (load or 1.0), arc / (leg or 1.0)
        self.largest = _VIOLATED / max(1, self._most_violated())

    # ---- the problem

    def _weighed(self, measure: int, leg: float) -> tuple[Integers, Integers, Integers]:
        """Return demands, pickups and capacities in one measure, so that a mean demand is as large as a mean leg."""
        demand, capacity = self.arrays.demands[measure], self.arrays.capacities[measure]
        picked = np.zeros_like(demand) if measure else self.arrays.pickup
        divisor = int(np.gcd.reduce(np.concatenate([demand, picked]))) or 1
        heavy = max(1, round(leg / (positive_mean(np.maximum(demand, picked) // divisor) or 1.0)))
        return demand // divisor * heavy, picked // divisor * heavy, capacity // divisor * heavy

    def _costs(self) -> Integers:
        arrays = self.arrays
        dearest = max(1, int(arrays.cost.max(initial=0, where=self._roads)))
        return np.asarray(np.where(self._roads, arrays.cost, _FAR * dearest))

    def _clients(self) -> list[Client]:
        arrays, complete = self.arrays, self.complete
        latest = np.minimum(arrays.latest, np.where(arrays.release <= arrays.due, arrays.due, arrays.latest))
        latest = np.where(self._timed & (latest < arrays.last), latest, UNLIMITED)
        prize = np.where(arrays.mandatory, 0 if complete else self._worth(), arrays.prize)
        pickup, others = self._picked[0], [0] * (len(self._demands) - 1)
        return [
            Client(
                node,
                delivery=self._demands[:, node].tolist() if self._is_loaded else [],
                pickup=[int(pickup[node]), *others] if pickup.any() else [],
                tw_early=int(self._earliest[node]),
                tw_late=int(latest[node]),
                release_time=int(self._release[node]),
                prize=int(prize[node]),
                required=bool(arrays.mandatory[node] and complete),
            )
            for node in range(arrays.depots, arrays.size)
        ]

    def _worth(self) -> int:
        """Return a price for leaving out a client that must be served: more than any trip to one client saves."""
        arrays = self.arrays
        dearest, longest = (
            int(values.max(initial=0, where=self._roads)) for values in (self._cost, self._transit)
        )
        hourly = int((arrays.per_time + arrays.overtime[1]).max(initial=0))
        trip = 2 * dearest + int(arrays.fixed.max(initial=0)) + 2 * longest * hourly
        return _WORTH * max(trip, int(arrays.prize.max(initial=0)))

    def _depots(self) -> list[Depot]:
        arrays = self.arrays
        again = [
            Depot(arrays.homes[kind], service_duration=int(arrays.reload_time[kind])) for kind in self.reloads
        ]
        return [Depot(node) for node in range(arrays.depots)] + again

    def _vehicle(self, profile: int, kind: int) -> VehicleType:
        arrays, (regular, overtime) = self.arrays, self.arrays.overtime
        assert VehicleType().tw_late == UNLIMITED
        more: dict[str, Any] = {}
        longest = int(arrays.max_duration[kind])
        if overtime[kind]:
            normal, longest = min(int(regular[kind]), longest), min(longest, arrays.last)
            more |= {"shift_duration": normal, "max_overtime": max(0, longest - normal)}
            more["unit_overtime_cost"] = int(overtime[kind])
        elif longest < arrays.last:
            more["shift_duration"] = longest
        if kind in self.reloads:
            more |= {"reload_depots": [self.reloads[kind]], "max_reloads": arrays.most_reloads(kind)}
        if self._timed:
            more |= {"tw_early": int(arrays.shift_start[kind]), "tw_late": int(arrays.shift_end[kind])}
        return VehicleType(
            num_available=sum(1 for each, _ in arrays.fleet if each == kind),
            capacity=self._capacities[:, kind].tolist() if self._is_loaded else [],
            start_depot=arrays.homes[kind],
            end_depot=arrays.ends[kind],
            fixed_cost=int(arrays.fixed[kind]),
            unit_distance_cost=1,
            unit_duration_cost=int(arrays.per_time[kind]),
            profile=profile,
            **more,
        )

    def _most_violated(self) -> int:
        """Return the largest violation there can be: loads of all measures, and times.

        A plan has legs to its clients, back to its depots and to its reloads, together thrice the nodes at most. Time
        that is too late comes from legs, stops and waits, and counts once more where it makes a route too long.
        """
        arrays = self.arrays
        loads = int(self._demands.sum()) + int(self._picked[0].sum())
        starts = arrays.shift_start if self._timed else np.zeros_like(arrays.shift_start)
        leg = max(int(times.max(initial=0)) for times in (self._earliest, starts, self._release))
        leg += int(self._transit.max(initial=0)) + int(arrays.reload_time.max(initial=0))
        return loads + arrays.size * leg

    # ---- plans

    def price(self, cost: int) -> float:
        """Return a price of PyVRP in the problem's own unit, with the prizes of clients that are no nodes."""
        return self.arrays.money.to_float(cost + self.arrays.missed_prizes)

    def left_out(self, solution: Solution) -> tuple[int, int]:
        """Return how many clients a plan leaves out although they must be served, and their prizes here."""
        if self.complete:
            return 0, 0
        served = {stop.idx for route in solution.routes() for stop in route if stop.is_client()}
        must = np.flatnonzero(self.arrays.mandatory[self.arrays.depots :])
        missed = [int(place) for place in must if place not in served]
        clients = self.data.clients()
        return len(missed), sum(clients[place].prize for place in missed)

    def node_routes(self, solution: Solution) -> list[list[int]]:
        """Return client nodes by vehicle of the fleet, whether the routes fit or not."""
        free: dict[int, list[int]] = {kind: [] for kind in self.kinds}
        for place, (kind, _) in reversed(list(enumerate(self.arrays.fleet))):
            free[kind].append(place)
        routes: list[list[int]] = [[] for _ in self.arrays.fleet]
        for route in solution.routes():
            kind = self.kinds[route.vehicle_type()]
            stops = [stop.idx + self.arrays.depots for stop in route if stop.is_client()]
            if stops and kind in self.reloads:
                home = self.arrays.homes[kind]
                nodes = [stop.idx + self.arrays.depots if stop.is_client() else home for stop in route]
                stops = without_idle_reloads(nodes, self.arrays.depots)
            if stops:
                routes[free[kind].pop()] = stops
        return routes

    def solution(self, routes: NodeRoutes) -> Solution:
        """Return a plan as PyVRP's solution."""
        driven = [
            Route(self.data, self._visits(kind, route), self.kinds.index(kind))
            for (kind, _), route in zip(self.arrays.fleet, routes, strict=True)
            if route
        ]
        return Solution(self.data, driven)

    def _visits(self, kind: int, route: Sequence[int]) -> list[int] | list[Activity]:
        """Return the stops of a route as PyVRP's clients, with its reloads where there are any."""
        first = self.arrays.depots
        if all(node >= first for node in route):
            return [node - first for node in route]
        again = Activity(ActivityType.DEPOT, self.reloads[kind])
        return [Activity(ActivityType.CLIENT, node - first) if node >= first else again for node in route]


def integers_of(problem: RoutingProblem, seed: int = 0) -> RoutingIntegers:
    """Round a problem so that prices leave room for the penalties with which PyVRP weighs loads and times."""
    return RoutingIntegers(problem, seed, dearest=_MOST)


def _time_matters(arrays: RoutingIntegers) -> bool:
    """Say whether any time has a price or a limit that some plan may reach."""
    clients = slice(arrays.depots, None)
    starts = (arrays.shift_start, arrays.earliest, arrays.release)
    reach = max(int(times.max(initial=0)) for times in starts) + int(arrays.transit.max(axis=(0, 2)).sum())
    reloads = max((arrays.most_reloads(kind) for kind, _ in arrays.fleet), default=0)
    reach += reloads * int(arrays.transit.max(initial=0) + arrays.reload_time.max(initial=0))
    soonest = min(int(arrays.shift_end.min()), int(arrays.latest[clients].min(initial=arrays.last)))
    limits = (arrays.max_duration < arrays.last).any() or (arrays.lateness > 0).any()
    return bool(reach > soonest or limits or arrays.per_time.any() or arrays.overtime[1].any())


def positive_mean(values: Integers) -> float:
    """Return the mean of what is above zero, 0 where nothing is.

    Examples
    --------
    >>> positive_mean(np.array([0, 2, 4]))
    3.0
    """
    positive = values[values > 0]
    return float(positive.mean()) if positive.size else 0.0
