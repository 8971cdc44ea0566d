"""The integers of a routing problem as PyVRP's data: the same plans, the same order of their prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyvrp import Activity, ActivityType, Client, Depot, Location, ProblemData, Route, Solution, VehicleType

from kanopt.solvers.routing.arc_memory import refuse_too_large
from kanopt.solvers.routing.integers import Integers, NodeRoutes, RoutingIntegers, without_idle_reloads
from kanopt.solvers.routing.pyvrp_engine.scaling import (
    UNLIMITED,
    ScaledIntegers,
    arc_mean,
    positive_mean,
    scale_integers,
)

_EXACT = 1e-12
_VIOLATED = 1e18  # the price of everything violated at once: six times that is inside 64 bits


@dataclass(frozen=True, eq=False)
class PyVrpModel:
    """A routing problem as PyVRP sees it.

    Parameters
    ----------
    arrays
        What was lowered.
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
    money
        How many steps of the arrays' prices are one here.
    complete
        Whether every client that must be served is required; else its prize is none that anybody pays.
    """

    arrays: RoutingIntegers
    data: ProblemData
    kinds: tuple[int, ...]
    reloads: Mapping[int, int]
    load_worth: float
    time_worth: float
    largest: float
    money: int
    complete: bool

    def price(self, cost: int) -> float:
        """Return a price of PyVRP in the problem's own unit, with the prizes of clients that are no nodes."""
        return self.arrays.money.to_float(cost * self.money + self.arrays.missed_prizes)

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
                home = self.arrays.depot(kind)
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


def pyvrp_model(arrays: RoutingIntegers, *, complete: bool) -> PyVrpModel:
    """Lower integers to PyVRP's data; matrices go over as they are, without a loop over arcs.

    Parameters
    ----------
    arrays
        The problem.
    complete
        Whether a plan that leaves out a client that must be served counts as no plan; else such a client carries
        the prize :attr:`ScaledIntegers.worth`.
    """
    steps = scale_integers(arrays)
    kinds = tuple(sorted({kind for kind, _ in arrays.fleet}))
    places = _lay_out(arrays, kinds)
    cost, transit = _with_ends(arrays, steps, places)
    profiles, matrices = _profiles(kinds, cost, transit)
    # two matrices of 64 bits for each profile, and one more while a matrix or neighbours are read
    refuse_too_large("PyVRP's matrices", arrays.size, 8.0 * (2 * len(matrices) + 1))
    data = ProblemData(
        locations=[Location(0, 0) for _ in range(arrays.size + len(places.ends))],
        clients=_clients(arrays, steps, complete=complete),
        depots=_depots(arrays, steps, places),
        vehicle_types=_vehicles(arrays, steps, places, profiles),
        distance_matrices=[cost[kind] for kind in matrices],
        duration_matrices=[transit[kind] for kind in matrices],
    )
    leg = arc_mean(steps.transit, steps.roads)
    arc = arc_mean(steps.cost, steps.roads) + positive_mean(steps.per_time) * leg
    arc = arc or float(steps.fixed.max(initial=0)) or 1.0
    return PyVrpModel(
        arrays=arrays,
        data=data,
        kinds=kinds,
        reloads=places.reloads,
        load_worth=arc
        / (positive_mean(np.maximum(steps.demand[0], steps.pickup)) or positive_mean(steps.demand) or 1.0),
        time_worth=arc / (leg or 1.0),
        largest=_VIOLATED / max(1, _most_violated(arrays, steps)),
        money=steps.money,
        complete=complete,
    )


def _most_violated(arrays: RoutingIntegers, steps: ScaledIntegers) -> int:
    """Return the largest violation there can be: loads of all measures, times, and distances where they are limited.

    A plan has legs to its clients, back to its depots and to its reloads, together thrice the nodes at most. Time that
    is too late comes from legs, stops and waits, and counts once more where it makes a route too long.
    """
    loads = int(steps.demand.sum()) + int(steps.pickup.sum())
    waits = max(int(steps.earliest.max(initial=0)), int(steps.shift_start.max(initial=0)))
    waits = max(waits, int(steps.release.max(initial=0)))
    leg = waits + int(steps.transit.max(initial=0)) + int(steps.reload_time.max(initial=0))
    if arrays.rules.max_distance.size:
        leg += int(steps.cost.max(initial=0))
    return loads + arrays.size * leg


@dataclass(frozen=True)
class _DepotPlaces:
    """PyVRP's depots beyond those of the arrays: where vehicle types reload, and end where they do not come back."""

    kinds: tuple[int, ...]
    reloads: dict[int, int]
    ends: dict[int, int]


def _lay_out(arrays: RoutingIntegers, kinds: tuple[int, ...]) -> _DepotPlaces:
    """Give the depots their numbers: those of the arrays, then reloads, then ends by vehicle type."""
    rules = arrays.rules
    again = [kind for kind in kinds if rules.most_reloads(kind)]
    # without reloads the arc back is free in the arrays already
    ends = [kind for kind in again if not rules.returns(kind)]
    reloads = {kind: arrays.depots + place for place, kind in enumerate(again)}
    return _DepotPlaces(
        kinds, reloads, {kind: arrays.depots + len(again) + place for place, kind in enumerate(ends)}
    )


def _depots(arrays: RoutingIntegers, steps: ScaledIntegers, places: _DepotPlaces) -> list[Depot]:
    depots = [Depot(node) for node in range(arrays.depots)]
    depots += [
        Depot(arrays.depot(kind), service_duration=int(steps.reload_time[kind])) for kind in places.reloads
    ]
    return depots + [Depot(arrays.size + place) for place in range(len(places.ends))]


def _with_ends(
    arrays: RoutingIntegers, steps: ScaledIntegers, places: _DepotPlaces
) -> tuple[Integers, Integers]:
    """Return the matrices with a place for each type to end at where it stands; the arc there is service alone."""
    if not places.ends:
        return steps.cost, steps.transit
    wide = ((0, 0), (0, len(places.ends)), (0, len(places.ends)))
    cost, transit = np.pad(steps.cost, wide), np.pad(steps.transit, wide)
    for place, kind in enumerate(places.ends, start=arrays.size):
        transit[kind, : arrays.size, place] = arrays.rules.service[kind] // steps.step
    return cost, transit


def _profiles(kinds: Sequence[int], *matrices: Integers) -> tuple[list[int], list[int]]:
    """Return the profile of each vehicle type, and a vehicle type for each profile: equal matrices share one."""
    shared: list[int] = []
    profiles = []
    for kind in kinds:
        equal = (
            place
            for place, other in enumerate(shared)
            if all(
                matrix.strides[0] == 0 or np.array_equal(matrix[kind], matrix[other]) for matrix in matrices
            )
        )
        profile = next(equal, len(shared))
        if profile == len(shared):
            shared.append(kind)
        profiles.append(profile)
    return profiles, shared


def _clients(arrays: RoutingIntegers, steps: ScaledIntegers, *, complete: bool) -> list[Client]:
    loaded, picked = _is_loaded(steps), bool(steps.pickup.any())
    must = arrays.mandatory & complete
    prize = np.where(arrays.mandatory, 0 if complete else steps.worth, steps.prize)
    others = [0] * (len(steps.demand) - 1)
    return [
        Client(
            node,
            delivery=steps.demand[:, node].tolist() if loaded else [],
            pickup=[int(steps.pickup[node]), *others] if picked else [],
            tw_early=int(steps.earliest[node]),
            tw_late=int(steps.latest[node]),
            release_time=int(steps.release[node]) if steps.release.size else 0,
            prize=int(prize[node]),
            required=bool(must[node]),
        )
        for node in range(arrays.depots, arrays.size)
    ]


def _is_loaded(steps: ScaledIntegers) -> bool:
    return bool(steps.demand.any() or steps.pickup.any())


def _vehicles(
    arrays: RoutingIntegers, steps: ScaledIntegers, places: _DepotPlaces, profiles: Sequence[int]
) -> list[VehicleType]:
    loaded, rules = _is_loaded(steps), arrays.rules
    assert VehicleType().tw_late == UNLIMITED
    types = []
    for kind, profile in zip(places.kinds, profiles, strict=True):
        more: dict[str, Any] = {}
        if rules.max_duration.size:
            more["shift_duration"] = int(steps.max_duration[kind])
        if steps.overtime[kind]:
            regular = min(int(steps.regular[kind]), int(steps.max_duration[kind]))
            longest = min(int(steps.max_duration[kind]), arrays.horizon)
            more |= {"shift_duration": regular, "max_overtime": max(0, longest - regular)}
            more["unit_overtime_cost"] = int(steps.overtime[kind])
        if rules.max_distance.size:
            more["max_distance"] = _distance_limit(arrays, steps, kind)
        if kind in places.reloads:
            more |= {"reload_depots": [places.reloads[kind]], "max_reloads": rules.most_reloads(kind)}
        home = arrays.depot(kind)
        types.append(
            VehicleType(
                num_available=sum(1 for each, _ in arrays.fleet if each == kind),
                capacity=steps.capacity[:, kind].tolist() if loaded else [],
                start_depot=home,
                end_depot=places.ends.get(kind, arrays.last(kind)),
                fixed_cost=int(steps.fixed[kind]),
                tw_early=int(steps.shift_start[kind]),
                tw_late=int(steps.shift_end[kind]),
                unit_distance_cost=1,
                unit_duration_cost=int(steps.per_time[kind]),
                profile=profile,
                **more,
            )
        )
    return types


def _distance_limit(arrays: RoutingIntegers, steps: ScaledIntegers, kind: int) -> int:
    """Return the limit of a distance as the price of the arcs, which is what PyVRP sums up.

    Where prices are rounded, each arc may be half a step too dear; what is too far by that only the arrays see.
    """
    roads = steps.roads[kind] & (steps.cost[kind] > 0)
    prices, lengths = steps.cost[kind][roads].astype(float), arrays.rules.length[roads].astype(float)
    rate = prices.sum() / (lengths.sum() or 1.0)
    if not rate:
        return UNLIMITED
    exact = bool((np.abs(prices - rate * lengths) <= _EXACT * prices.max()).all())
    limit = float(arrays.rules.max_distance[kind]) * rate
    return int(min(limit * (1 + _EXACT) + (0.0 if exact else 0.5 * arrays.size), _VIOLATED))
