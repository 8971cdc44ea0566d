"""Published instances of vehicle routing as problems, and their solution files."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import ProblemError
from kanopt.plans.instance_text import LARGEST_NODES, LARGEST_NUMBER, read_lines
from kanopt.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.problem import RoutingProblem
from kanopt.text import list_names

__all__ = ["Instance", "Solution", "best_known_file", "read_instance", "read_solution", "solution_text"]

UNITS = RoutingUnits(distance="km", time="min", load="unit", money="km")
"""Instances name no units. A length is called a kilometre and driven in a minute; what is paid is the length."""

CVRP, VRPTW = "cvrp", "vrptw"
_TYPES = ("CVRP", "DCVRP", "VRPTW")
_ROUNDINGS: Mapping[str, Callable[[Floats], Floats]] = {
    "round": lambda distance: np.floor(distance + 0.5),
    "dimacs": lambda distance: np.floor(10.0 * distance) / 10.0,
    "ceil": np.ceil,
    "floor": np.floor,
    "thousandths": lambda distance: np.floor(1000.0 * distance + 0.5),
}
"""How distances are rounded.

EUC_2D of TSPLIB 95 rounds halves up; the VRPTW track of the 12th DIMACS Implementation Challenge (2021) rounds down to
0.1; EXACT_2D of CVRPLIB counts in thousandths.
"""
_ROUNDED_BY_FILE = {"CEIL_2D": "ceil", "FLOOR_2D": "floor", "EXACT_2D": "thousandths", "EXPLICIT": "given"}
_TEXTS = {"name", "comment", "type", "edge_weight_type", "edge_weight_format"}
_READ = _TEXTS | {
    "dimension", "capacity", "vehicles", "service_time", "distance", "node_coord", "demand", "time_window", "depot",
    "edge_weight", "display_data",
}  # fmt: skip

_ROUTE = re.compile(r"route\s*#?\s*\d+\s*:\s*(.*)", re.IGNORECASE)
_COST = re.compile(r"cost\s*:?\s*(\S+)", re.IGNORECASE)


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
        ``"ceil"``, ``"floor"``, ``"thousandths"``, or ``"given"`` where the file holds the numbers.
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

    def gap(self, objective: float | None) -> float | None:
        """Return by which fraction an objective lies above the best known one; None where one is missing."""
        if objective is None or not self.best_known:
            return None
        return objective / self.best_known - 1.0


def read_instance(path: str | Path) -> Instance:
    r"""Read a published instance of vehicle routing.

    Parameters
    ----------
    path
        A file of CVRPLIB (VRPLIB format, of type CVRP or VRPTW), or of Solomon or Gehring and Homberger (``.txt``).
        The format is told from the content.

    Returns
    -------
    Instance
        With the problem, and the cost of the ``.sol`` file of the same name where one lies beside it.

    Raises
    ------
    FileFormatError
        If a file is missing, cut off, too large, of a kind that is not read, or contradicts itself.

    Notes
    -----
    Distances come from coordinates as the field counts: for CVRP rounded to the nearest whole number, with time windows
    down to 0.1 (where the objective is the distance alone). Instances name no units: a length is called a kilometre, is
    driven in a minute and costs its length. Where a file does not say how many vehicles there are, there are so many
    that they are no limit: the k in a name such as X-n101-k25 is the least number. The depot's due date is the end of
    the shift. Clients are called by their numbers, from 1.

    Examples
    --------
    >>> import tempfile
    >>> lines = ["NAME : pair", "TYPE : CVRP", "DIMENSION : 3", "EDGE_WEIGHT_TYPE : EUC_2D", "CAPACITY : 5",
    ...          "NODE_COORD_SECTION", "1 0 0", "2 3 4", "3 0 8", "DEMAND_SECTION", "1 0", "2 2", "3 3",
    ...          "DEPOT_SECTION", "1", "-1", "EOF"]
    >>> file = Path(tempfile.mkdtemp()) / "pair.vrp"
    >>> _ = file.write_text("\n".join(lines))
    >>> instance = read_instance(file)
    >>> instance.kind, instance.rounding, instance.best_known
    ('cvrp', 'round', None)
    >>> instance.problem.price(instance.problem.plan_from([["1", "2"]])).objective
    18.0
    """
    file = Path(path)
    source = read_lines(file)
    try:
        given = _given([row for row in source.lines if row])
        found = _Nodes.of(given, _whole(given, "dimension"))
        count = _whole(given, "vehicles") if "vehicles" in given else found.enough_vehicles()
        kind, stated = found.kind, given["edge_weight_type"]
        usual = "round" if kind == CVRP else "dimacs"
        rounding = usual if stated == "EUC_2D" else _ROUNDED_BY_FILE[stated]
        if count < 1:
            raise ValueError("there is no vehicle")
        problem = found.problem(given, rounding, count)
    except (ValueError, RuntimeError, KeyError, IndexError, TypeError, OverflowError) as error:
        missing = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        what = "no instance in VRPLIB or Solomon format, cut off, or of a kind that is not read"
        raise source.refusal(f"{what}: {missing:.200}") from error
    beside = best_known_file(file)
    best = read_solution(beside).cost if beside is not None else None
    # control signs could move the cursor of a terminal
    name = "".join(sign for sign in str(given["name"]) or file.stem if sign.isprintable())[:80]
    return Instance(name, kind, problem, rounding, best, file)


def _given(rows: Sequence[str]) -> dict[str, Any]:
    """Return what a file says, by vrplib's names."""
    from vrplib.parse import parse_vrplib

    if len(rows) > 7 and rows[1] == "VEHICLE":
        # vrplib's reader of this format cuts numbers to whole ones
        table = np.loadtxt(rows[6:], ndmin=2).reshape(-1, 7)
        if list(table[:, 0]) != list(range(len(table))):
            raise ValueError("customers are not numbered from 0 on")
        count, capacity = map(float, rows[3].split())
        return {
            "name": rows[0], "type": "VRPTW", "dimension": len(table), "vehicles": count, "capacity": capacity,
            "edge_weight_type": "EUC_2D", "node_coord": table[:, 1:3], "demand": table[:, 3],
            "time_window": table[:, 4:6], "service_time": table[:, 6], "depot": np.zeros(1),
        }  # fmt: skip
    _check_numbering(rows)
    found: dict[str, Any] = {"name": "", **parse_vrplib("\n".join(rows), compute_edge_weights=False)}
    # a remark is a text; numbers that are not read would make another problem
    unread = [key for key, value in found.items() if key not in _READ and not isinstance(value, str)]
    if unread:
        raise ValueError(f"{list_names(unread)} is not read, and without it the problem may be another")
    return found


def _check_numbering(rows: Sequence[str]) -> None:
    """Refuse nodes that are not numbered from 1 on: vrplib takes rows in the order in which they stand."""
    heads = [row.partition(":")[0].strip() for row in rows if ":" in row]
    if len(set(heads)) < len(heads):
        raise ValueError("a key stands there twice")
    section, numbers = "", dict[str, list[str]]()
    for row in rows:
        words = row.split()
        if words[0].upper().endswith("_SECTION") or words[0] == "EOF":
            section = words[0].upper()
        elif section not in ("", "EOF", "DEPOT_SECTION", "EDGE_WEIGHT_SECTION"):
            numbers.setdefault(section, []).append(words[0])
    for name, found in numbers.items():
        if found != [str(place) for place in range(1, len(found) + 1)]:
            raise ValueError(f"{name}: its nodes are not numbered from 1 on")


def _whole(given: Mapping[str, Any], key: str) -> int:
    if given[key] != int(given[key]):
        raise ValueError(f"{key} is {given[key]}, which is no whole number")
    return int(given[key])


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Depot, then clients."""

    kind: str
    points: Floats
    demand: Floats
    service: Floats
    windows: Floats
    capacity: float

    @classmethod
    def of(cls, given: Mapping[str, Any], size: int) -> _Nodes:
        """Check what a file says of its nodes."""
        if not 2 <= size <= LARGEST_NODES:
            raise ValueError(f"dimension: {size:,} nodes; 2 to {LARGEST_NODES:,} are read")
        if given["type"] not in _TYPES or list(given["depot"]) != [0]:
            raise ValueError(f"type {given['type']!r} is not read, or node 1 is not the only depot")
        timed = given["type"] == "VRPTW" or "time_window" in given
        unknown, always = np.full((size, 2), np.nan), np.tile([0.0, np.inf], (size, 1))
        points = (
            given["node_coord"]
            if given["edge_weight_type"] != "EXPLICIT"
            else given.get("node_coord", unknown)
        )
        windows = np.array(given["time_window"] if timed else always, dtype=float).reshape(size, 2)
        if "distance" in given:  # a route may last no longer: the depot closes then
            if timed:
                raise ValueError("distance: a longest route is not read beside time windows")
            windows[0, 1] = float(given["distance"])
        stated = np.asarray(given.get("service_time", 0.0), dtype=float)
        service = stated if stated.ndim else np.array([0.0, *[float(stated)] * (size - 1)])
        demand = np.asarray(given["demand"], dtype=float).reshape(size)
        found = cls(
            VRPTW if timed else CVRP, np.asarray(points, dtype=float).reshape(size, 2), demand,
            service.reshape(size), windows, float(given["capacity"]),
        )  # fmt: skip
        for what, wrong in (
            ("coordinates are no numbers", ~np.isfinite(found.points).all(axis=1) & (points is not unknown)),
            ("coordinates are too large", (np.abs(found.points) > LARGEST_NUMBER).any(axis=1)),
            ("demands more than any vehicle carries", ~(demand <= found.capacity)),
            ("is the depot and demands something", (demand != 0) & (np.arange(size) == 0)),
        ):
            for node in np.flatnonzero(np.broadcast_to(wrong, size))[:1].tolist():
                raise ValueError(f"the node in place {node + 1} {what}")
        return found

    def problem(self, given: Mapping[str, Any], rounding: str, count: int) -> RoutingProblem:
        """Return the problem whose objective is the distance, given or rounded, and whose times are the distances."""
        if rounding == "given":
            distance = np.array(given["edge_weight"], dtype=float).reshape(len(self.demand), -1)
            np.fill_diagonal(distance, 0.0)
        else:
            across, up = (self.points[:, None, axis] - self.points[None, :, axis] for axis in (0, 1))
            # the root of a sum of squares is exact where coordinates are whole and their distance is; hypot need not be
            distance = _ROUNDINGS[rounding](np.sqrt(across * across + up * up))
        columns = (*self.points.T, self.demand, self.service, *self.windows.T)
        (x, y, _, _, start, end), *rows = np.column_stack(columns).tolist()
        names = ("x", "y", "demand", "service_duration", "earliest", "latest")
        clients = [
            Client(str(place), **dict(zip(names, row, strict=True)))
            for place, row in enumerate(rows, start=1)
        ]
        vehicle = VehicleType(
            "vehicle", num_available=count, capacity=self.capacity, unit_distance_cost=1.0, shift_start=start,
            shift_end=end,
        )  # fmt: skip
        return RoutingProblem([Depot("depot", x, y)], clients, [vehicle], {}, distance, distance, UNITS)

    def enough_vehicles(self) -> int:
        """Return a fleet that is no limit: without limits of time fewer than twice as many as carry everything.

        Where there were more routes, two of them could be one.
        """
        clients = len(self.demand) - 1
        if np.isfinite(self.windows[:, 1]).any():
            return clients
        return min(math.floor(2.0 * float(self.demand.sum()) / self.capacity) + 1, clients)


# Solution files of CVRPLIB.


@dataclass(frozen=True)
class Solution:
    """A solution as it is published.

    Parameters
    ----------
    routes
        Numbers of the clients in order of visit; clients count from 1, in the order of the instance.
    cost
        The cost stated in the file, None where it states none.

    Examples
    --------
    >>> Solution(((2, 1), (3,)), 19.0).routes
    ((2, 1), (3,))
    """

    routes: tuple[tuple[int, ...], ...]
    cost: float | None = None

    def plan(self, problem: RoutingProblem) -> RoutingPlan:
        """Return the plan that these routes are.

        Raises
        ------
        ProblemError
            If a route visits a client that the problem does not have, or there are more routes than vehicles.
        """
        clients = [client.name for client in problem.clients]
        wrong = sorted(
            {number for route in self.routes for number in route if not 1 <= number <= len(clients)}
        )
        if wrong:
            shown = list_names([str(number) for number in wrong], quoted=False)
            raise ProblemError(
                f"solution: there is no client {shown}; clients are numbered 1 to {len(clients)}"
            )
        return problem.plan_from([[clients[number - 1] for number in route] for route in self.routes])


def solution_text(problem: RoutingProblem, plan: RoutingPlan, cost: float) -> str:
    """Return a plan as a solution file of CVRPLIB.

    Parameters
    ----------
    problem
        What the plan solves; gives the clients their numbers, from 1.
    plan
        The routes; vehicles that stay in are left out.
    cost
        The objective.

    Examples
    --------
    >>> import numpy as np
    >>> from kanopt.routing import Client, Depot, VehicleType
    >>> minutes = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    >>> problem = RoutingProblem(
    ...     [Depot("yard")], [Client("a"), Client("b")], [VehicleType("van")], minutes, minutes, minutes
    ... )
    >>> print(solution_text(problem, problem.plan_from([["b", "a"]]), 3.0), end="")
    Route #1: 2 1
    Cost 3
    """
    number = {client.name: place for place, client in enumerate(problem.clients, start=1)}
    routes = [route for route in plan.routes if route.clients]
    lines = [
        f"Route #{place}: {' '.join(str(number[name]) for name in route.clients)}"
        for place, route in enumerate(routes, start=1)
    ]
    # twelve digits: sums of distances are not exact, and nobody wants 827.3000000000001
    return "\n".join([*lines, f"Cost {cost:.12g}"]) + "\n"


def read_solution(path: Path | str) -> Solution:
    """Read a solution file of CVRPLIB: lines ``Route #1: 4 7 2`` and ``Cost 827.3``; other lines are remarks.

    Raises
    ------
    FileFormatError
        If the file holds no route, or a route or the cost is not made of numbers; names file and line or key.
    """
    text = read_lines(Path(path))
    routes: list[tuple[int, ...]] = []
    cost: float | None = None
    for line, row in enumerate(text.lines, start=1):
        route, price = _ROUTE.fullmatch(row), _COST.fullmatch(row)
        if route is not None:
            words = route.group(1).split()
            routes.append(tuple(text.whole(word, line, "client", least=1) for word in words))
        elif price is not None:
            cost = text.number(price.group(1), line, "cost")
    if not routes:
        raise text.refusal("no line 'Route #1: …'; this is no solution file")
    return Solution(tuple(routes), cost)


def best_known_file(path: Path) -> Path | None:
    """Return the best known solution that lies beside an instance; None where there is none."""
    try:
        beside = path.with_suffix(".sol")
        return beside if beside.is_file() else None
    except (OSError, ValueError):  # the name is too long with this ending, or a folder has none
        return None
