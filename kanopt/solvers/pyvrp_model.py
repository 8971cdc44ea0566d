"""The integers of a routing problem as PyVRP's data: the same plans, the same order of their prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pyvrp import Client, Depot, Location, ProblemData, Route, Solution, VehicleType

from kanopt.solvers.pyvrp_steps import UNLIMITED, Steps, in_steps, mean
from kanopt.solvers.routing_arrays import Integers, RoutingArrays, Ways

__all__ = ["PyVrpModel", "pyvrp_model"]

_VIOLATED = 2e18  # the price of everything violated at once, so that it cannot overflow


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
    load_worth, time_worth
        Penalty of a unit at which a mean demand, or a mean travel time, too much weighs as much as a mean arc.
    largest
        The largest penalty that cannot overflow.
    """

    arrays: RoutingArrays
    data: ProblemData
    kinds: tuple[int, ...]
    load_worth: float
    time_worth: float
    largest: float

    def ways(self, solution: Solution) -> list[list[int]]:
        """Return client nodes by vehicle of the fleet, whether the routes fit or not."""
        free: dict[int, list[int]] = {kind: [] for kind in self.kinds}
        for place, (kind, _) in reversed(list(enumerate(self.arrays.fleet))):
            free[kind].append(place)
        ways: list[list[int]] = [[] for _ in self.arrays.fleet]
        for route in solution.routes():
            stops = [stop.idx + self.arrays.depots for stop in route if stop.is_client()]
            if stops:
                ways[free[self.kinds[route.vehicle_type()]].pop()] = stops
        return ways

    def solution(self, ways: Ways) -> Solution:
        """Return a plan as PyVRP's solution."""
        routes = [
            Route(self.data, [node - self.arrays.depots for node in way], self.kinds.index(kind))
            for (kind, _), way in zip(self.arrays.fleet, ways, strict=True)
            if way
        ]
        return Solution(self.data, routes)


def pyvrp_model(arrays: RoutingArrays, *, complete: bool) -> PyVrpModel:
    """Lower integers to PyVRP's data; matrices go over as they are, without a loop over arcs.

    Parameters
    ----------
    arrays
        The problem.
    complete
        Whether a plan that leaves out a client that must be served counts as no plan; else such a client carries
        the prize :attr:`Steps.worth`.
    """
    steps = in_steps(arrays)
    kinds = tuple(sorted({kind for kind, _ in arrays.fleet}))
    profiles, matrices = _profiles(kinds, steps.cost, steps.transit)
    data = ProblemData(
        locations=[Location(0, 0) for _ in range(arrays.size)],
        clients=_clients(arrays, steps, complete=complete),
        depots=[Depot(node) for node in range(arrays.depots)],
        vehicle_types=_vehicles(arrays, steps, kinds, profiles),
        distance_matrices=[steps.cost[kind] for kind in matrices],
        duration_matrices=[steps.transit[kind] for kind in matrices],
    )
    ridden = steps.transit[steps.roads]
    arc = mean(steps.cost[steps.roads]) + mean(steps.per_time) * mean(ridden)
    arc = arc or float(steps.fixed.max(initial=0)) or 1.0
    violated = max(int(steps.demand.sum()), arrays.size * int(steps.transit.max(initial=0)), 1)
    return PyVrpModel(
        arrays=arrays,
        data=data,
        kinds=kinds,
        load_worth=arc / (mean(steps.demand) or 1.0),
        time_worth=arc / (mean(ridden) or 1.0),
        largest=_VIOLATED / violated,
    )


def _profiles(kinds: Sequence[int], *matrices: Integers) -> tuple[list[int], list[int]]:
    """Return the profile of each vehicle type, and a vehicle type for each profile: equal matrices share one."""
    shared: list[int] = []
    profiles = []
    for kind in kinds:
        equal = (
            place
            for place, other in enumerate(shared)
            if all(np.array_equal(matrix[kind], matrix[other]) for matrix in matrices)
        )
        profile = next(equal, len(shared))
        if profile == len(shared):
            shared.append(kind)
        profiles.append(profile)
    return profiles, shared


def _clients(arrays: RoutingArrays, steps: Steps, *, complete: bool) -> list[Client]:
    loaded = bool(steps.demand.any())
    must = arrays.mandatory & complete
    prize = np.where(arrays.mandatory, 0 if complete else steps.worth, steps.prize)
    return [
        Client(
            node,
            delivery=[int(steps.demand[node])] if loaded else [],
            tw_early=int(steps.earliest[node]),
            tw_late=int(steps.latest[node]),
            prize=int(prize[node]),
            required=bool(must[node]),
        )
        for node in range(arrays.depots, arrays.size)
    ]


def _vehicles(
    arrays: RoutingArrays, steps: Steps, kinds: Sequence[int], profiles: Sequence[int]
) -> list[VehicleType]:
    loaded = bool(steps.demand.any())
    assert VehicleType().tw_late == UNLIMITED
    return [
        VehicleType(
            num_available=sum(1 for each, _ in arrays.fleet if each == kind),
            capacity=[int(steps.capacity[kind])] if loaded else [],
            start_depot=arrays.depot(kind),
            end_depot=arrays.depot(kind),
            fixed_cost=int(steps.fixed[kind]),
            tw_early=int(steps.shift_start[kind]),
            tw_late=int(steps.shift_end[kind]),
            unit_distance_cost=1,
            unit_duration_cost=int(steps.per_time[kind]),
            profile=profile,
        )
        for kind, profile in zip(kinds, profiles, strict=True)
    ]
