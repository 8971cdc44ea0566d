"""A published instance, as a problem."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import ProblemError, nearest
from kanopt.problems.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.problems.routing.problem import RoutingProblem
from kanopt.problems.routing.remarks import InputFinding, input_findings

Floats = NDArray[np.float64]

UNITS = RoutingUnits(distance="km", time="min", load="unit", money="km")
"""Instances name no units. A length is called a kilometre and driven in a minute; what is paid is the length."""

CONVENTIONS = ("round", "dimacs", "exact")
"""What a caller may choose; the others stand in files."""

_SPARE = 0.25


def check_convention(convention: str | None) -> None:
    """Refuse an unknown convention.

    Raises
    ------
    ProblemError
        Naming the known ones.
    """
    if convention is not None and convention not in CONVENTIONS:
        raise ProblemError(f"unknown convention {convention!r}; {nearest(str(convention), CONVENTIONS)}")


def planar(points: Floats, rounding: str) -> Floats:
    """Return the distances between points, rounded.

    Parameters
    ----------
    points
        Coordinates; shape (n, 2).
    rounding
        ``"exact"``; ``"round"``, to the nearest whole number, halves up (EUC_2D of TSPLIB 95, section 2.1);
        ``"dimacs"``, down to 0.1 (12th DIMACS Implementation Challenge, 2021: VRPTW track); ``"ceil"`` and
        ``"floor"`` to whole numbers; ``"thousandths"``, the nearest whole number of thousandths (EXACT_2D of CVRPLIB).

    Returns
    -------
    array
        Shape (n, n).

    Examples
    --------
    >>> points = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> planar(points, "dimacs")[0].tolist(), planar(points, "round")[0].tolist()
    ([0.0, 1.4, 2.2], [0.0, 1.0, 2.0])
    """
    across, up = (points[:, None, axis] - points[None, :, axis] for axis in (0, 1))
    # the root of a sum of squares is exact where coordinates are whole and their distance is; hypot need not be
    distance: Floats = np.sqrt(across * across + up * up)
    if rounding == "round":
        return np.floor(distance + 0.5)
    if rounding == "dimacs":
        return np.floor(10.0 * distance) / 10.0
    if rounding == "ceil":
        return np.ceil(distance)
    if rounding == "floor":
        return np.floor(distance)
    if rounding == "thousandths":
        return np.floor(1000.0 * distance + 0.5)
    return distance


@dataclass(frozen=True, eq=False)
class InstanceNodes:
    """Depot, then clients, as arrays.

    Parameters
    ----------
    points
        Coordinates, shape (n, 2); NaN where there are none.
    demand, service
        Shape (n,).
    windows
        Opening and closing, shape (n, 2); the depot's are earliest departure and latest return.
    """

    points: Floats
    demand: Floats
    service: Floats
    windows: Floats


def distance_problem(
    nodes: InstanceNodes, distance: Floats, *, capacity: float, count: int
) -> RoutingProblem:
    """Return a problem whose objective is the distance and whose travel times are the distances.

    Parameters
    ----------
    nodes, distance
        Depot first.
    capacity, count
        Of the vehicles, all alike.
    """
    (x, y), (opens, closes) = nodes.points.T.tolist(), nodes.windows.T.tolist()
    demand, service = nodes.demand.tolist(), nodes.service.tolist()
    clients = [
        Client(
            str(place),
            x[place],
            y[place],
            demand=demand[place],
            service_duration=service[place],
            earliest=opens[place],
            latest=closes[place],
        )
        for place in range(1, len(distance))
    ]
    vehicle = VehicleType(
        "vehicle",
        num_available=count,
        capacity=capacity,
        unit_distance_cost=1.0,
        shift_start=opens[0],
        shift_end=closes[0],
    )
    return RoutingProblem([Depot("depot", x[0], y[0])], clients, [vehicle], {}, distance, distance, UNITS)


def enough_vehicles(demand: Floats, capacity: float, least: int) -> int:
    """Return a fleet that is no limit: what packing the clients one by one needs, or `least`, and a quarter more.

    Parameters
    ----------
    demand
        Of the clients, none above `capacity`.
    capacity
        Of a vehicle.
    least
        How many are used at least, 0 where nobody says.

    Examples
    --------
    >>> enough_vehicles(np.array([6.0, 5.0, 4.0, 3.0, 1.0, 1.0]), 10.0, 0), enough_vehicles(np.ones(20), 5.0, 8)
    (3, 11)
    """
    room: list[float] = []
    for amount in sorted(demand.tolist(), reverse=True):
        place = next((at for at, free in enumerate(room) if free >= amount), None)
        if place is None:
            room.append(capacity - amount)
        else:
            room[place] -= amount
    packed = max(len(room), least, 1)
    return min(packed + 1 + math.floor(_SPARE * packed), max(len(demand), packed))


CVRP, VRPTW = "cvrp", "vrptw"

_ROUNDED = {"round": 1.0, "dimacs": 0.100001, "floor": 1.0, "thousandths": 1.0}
"""By how much each rounding can make an arc longer than the way over a third place."""


@dataclass(frozen=True, eq=False)
class Instance:
    """A published instance of vehicle routing.

    Parameters
    ----------
    name
        As the file says, else the name of the file.
    kind
        ``"cvrp"`` or ``"vrptw"``.
    problem
        What is to be solved; the objective is counted as the literature counts it.
    rounding
        How distances came from coordinates: ``"round"`` (to the nearest whole number), ``"dimacs"`` (down to 0.1),
        ``"exact"``, ``"ceil"``, ``"floor"``, ``"thousandths"``, or ``"given"`` where the file holds the numbers.
    best_known
        Objective of the solution that lies beside the file, None where none does.
    path
        The file.
    """

    name: str
    kind: str
    problem: RoutingProblem
    rounding: str
    best_known: float | None
    path: Path

    @cached_property
    def findings(self) -> tuple[InputFinding, ...]:
        """What is worth a look in the data, apart from what the rounding of distances does to triangles."""
        return input_findings(self.problem, rounded=_ROUNDED.get(self.rounding, 0.0))

    def gap(self, objective: float | None) -> float | None:
        """Return by which fraction an objective lies above the best known one; None where one is missing."""
        if objective is None or not self.best_known:
            return None
        return objective / self.best_known - 1.0
