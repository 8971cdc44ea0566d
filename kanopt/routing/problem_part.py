"""Part of a routing problem: some clients and some vehicles of it, as a problem of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from kanopt.routing.leg_laws import ArrivalFunctions
from kanopt.routing.plan import Route, RoutingPlan
from kanopt.routing.problem import RoutingProblem

Vehicle = tuple[str, int]
"""Type and number of a vehicle."""


@dataclass(frozen=True)
class ProblemPart:
    """Some clients and vehicles of a problem.

    Parameters
    ----------
    problem
        They as a problem, in which the vehicles of a type are numbered anew.
    numbers
        Type and number in the part of each vehicle, by type and number in the whole.
    """

    problem: RoutingProblem
    numbers: Mapping[Vehicle, Vehicle]

    def inside(self, routes: Iterable[Route]) -> RoutingPlan:
        """Return those of the whole's routes that its vehicles drive, as a plan of the part."""
        return RoutingPlan(_renamed(routes, self.numbers))

    def outside(self, plan: RoutingPlan) -> tuple[Route, ...]:
        """Return the routes of a plan of the part as routes of the whole."""
        return _renamed(plan.routes, {there: here for here, there in self.numbers.items()})


def _renamed(routes: Iterable[Route], numbers: Mapping[Vehicle, Vehicle]) -> tuple[Route, ...]:
    return tuple(
        replace(route, vehicle=number[0], index=number[1])
        for route in routes
        if (number := numbers.get((route.vehicle, route.index))) is not None
    )


def part_of_problem(
    problem: RoutingProblem, clients: Collection[str], vehicles: Collection[Vehicle]
) -> ProblemPart:
    """Return some clients and vehicles of a problem as a problem, on the same laws, with all depots.

    It is not read again: what is a mistake or a question in the whole has been told.

    Parameters
    ----------
    problem
        The whole, of which no route is under way.
    clients
        Names. Clients that are served together come together, those of one vehicle with it.
    vehicles
        Type and number of each.
    """
    data = problem.data
    kept = [client for client in problem.clients if client.name in clients]
    nodes = [*range(len(data.depots)), *(data.index[client.name] for client in kept)]
    numbers: dict[Vehicle, Vehicle] = {}
    counts = dict.fromkeys(data.type_index, 0)
    for name, index in sorted(vehicles):
        counts[name] += 1
        numbers[name, index] = name, counts[name]
    pins: dict[str, list[str]] = {}
    for name, vehicle in data.pinned.items():
        if name in clients:
            pins.setdefault("{} {}".format(*numbers[vehicle]), []).append(name)
    laws = problem.leg_laws
    part = object.__new__(type(problem))
    given = {item.name: getattr(problem, item.name) for item in fields(problem)}
    part.__dict__.update(given)
    part.__dict__.update(
        clients=kept,
        vehicles=[replace(vehicle, num_available=counts[vehicle.name]) for vehicle in problem.vehicles],
        cost={name: law_between(law, nodes) for name, law in laws.cost.items()},
        duration=law_between(laws.duration, nodes),
        distance=law_between(data.distances, nodes) if isinstance(data.distances, np.ndarray) else None,
        policy=replace(problem.policy, pinned={label: tuple(names) for label, names in pins.items()}),
    )
    return ProblemPart(part, numbers)


def law_between(law: Any, nodes: Sequence[int]) -> Any:
    """Return a law between some of the nodes.

    Parameters
    ----------
    law
        A matrix, arrival functions, or what finds its legs by itself: a formula, a road network, a frame with names.
    nodes
        Positions among depots and clients.

    Examples
    --------
    >>> law_between([[0, 1, 2], [3, 0, 4], [5, 6, 0]], [0, 2]).tolist()
    [[0, 2], [5, 0]]
    """
    if isinstance(law, ArrivalFunctions):
        return replace(law, arc=law.arc[np.ix_(nodes, nodes)])
    if isinstance(law, np.ndarray | list | tuple):
        return np.asarray(law)[np.ix_(nodes, nodes)]
    return law
