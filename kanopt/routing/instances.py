"""Published instances of vehicle routing as problems, and their solution files.

Every number of a file is read with its line, so that what is cut off, edited or of another kind is refused with its
place; libraries for these formats count no rows and name no lines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import ProblemError, nearest
from kanopt.plans.instance_text import LARGEST_NODES, TextLines, read_lines
from kanopt.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.problem import RoutingProblem
from kanopt.text import list_names, number_text

__all__ = ["Instance", "Solution", "best_known_file", "read_instance", "read_solution", "solution_text"]

Row = tuple[int, list[str]]
"""A line that is not empty: its number, and its words."""

UNITS = RoutingUnits(distance="km", time="min", load="unit", money="km")
"""Instances name no units. A length is called a kilometre and driven in a minute; what is paid is the length."""

CVRP, VRPTW = "cvrp", "vrptw"
CONVENTIONS = ("round", "dimacs", "exact")
"""What a caller may choose; the other roundings stand in files."""
_ROUNDINGS: Mapping[str, Callable[[Floats], Floats]] = {
    "round": lambda distance: np.floor(distance + 0.5),
    "dimacs": lambda distance: np.floor(10.0 * distance) / 10.0,
    "exact": lambda distance: distance,
    "ceil": np.ceil,
    "floor": np.floor,
    "thousandths": lambda distance: np.floor(1000.0 * distance + 0.5),
}
"""How distances are rounded.

EUC_2D of TSPLIB 95 rounds halves up; the VRPTW track of the 12th DIMACS Implementation Challenge (2021) rounds down to
0.1; EXACT_2D of CVRPLIB counts in thousandths.
"""
_ROUNDED_BY_FILE = {"CEIL_2D": "ceil", "FLOOR_2D": "floor", "EXACT_2D": "thousandths", "EXPLICIT": "given"}
_SPARE = 0.25
_TYPES = ("CVRP", "DCVRP", "VRPTW")
_COLUMNS = {"NODE_COORD": 2, "DEMAND": 1, "TIME_WINDOW": 2, "SERVICE_TIME": 1}
_KEYS = (
    "NAME", "TYPE", "EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT", "DIMENSION", "CAPACITY", "VEHICLES", "SERVICE_TIME",
    "DISTANCE",
)  # fmt: skip
_SECTIONS = (*_COLUMNS, "EDGE_WEIGHT", "DEPOT", "DISPLAY_DATA")
_HEADS = (("VEHICLE",), ("NUMBER", "CAPACITY"), (), ("CUSTOMER",), ("CUST",))
"""How the second to sixth row of a file of Solomon's begin."""

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

    def gap(self, objective: float | None) -> float | None:
        """Return by which fraction an objective lies above the best known one; None where one is missing."""
        if objective is None or not self.best_known:
            return None
        return objective / self.best_known - 1.0


def read_instance(path: str | Path, *, convention: str | None = None) -> Instance:
    r"""Read a published instance of vehicle routing.

    Parameters
    ----------
    path
        A file of CVRPLIB (VRPLIB format, of type CVRP or VRPTW), or of Solomon or Gehring and Homberger (``.txt``).
        The format is told from the content.
    convention
        How distances come from coordinates: ``"round"``, to the nearest whole number; ``"dimacs"``, down to 0.1;
        ``"exact"``. Unless stated, as the field counts: CVRP rounded, time windows "dimacs" (where the
        objective is the distance alone; the other custom of the field, fewest vehicles first, goes with "exact").
        Files that hold the distances themselves have no choice.

    Returns
    -------
    Instance
        With the problem, and the cost of the ``.sol`` file of the same name where one lies beside it.

    Raises
    ------
    FileFormatError
        If a file is missing, cut off, too large, of a kind that is not read, or contradicts itself; names the line.
    ProblemError
        If the convention is unknown.

    Notes
    -----
    Instances name no units: a length is called a kilometre, is driven in a minute and costs its length. Where a
    file does not say how many vehicles there are, there are so many that they are no limit: the k in a name such as
    X-n101-k25 is the least number. The depot's due date is the end of the shift. Clients are called by their
    numbers, from 1.

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
    if convention is not None and convention not in CONVENTIONS:
        raise ProblemError(f"unknown convention {convention!r}; {nearest(str(convention), CONVENTIONS)}")
    file = Path(path)
    source = read_lines(file)
    rows = [(line, row.split()) for line, row in enumerate(source.lines, start=1) if row]
    if {words[0].rstrip(":") for _, words in rows[:50]} & {"DIMENSION", "CAPACITY", "EDGE_WEIGHT_TYPE"}:
        name, kind, rounding, problem = _Vrplib(source, rows).read(convention)
    elif len(rows) > 1 and rows[1][1] == ["VEHICLE"]:
        kind, rounding = VRPTW, convention or "dimacs"
        name, problem = _read_solomon(source, rows, rounding)
    else:
        raise source.refusal(
            "the content is of no format that is read: VRPLIB (NAME : …, DIMENSION : …), Solomon (second row VEHICLE)"
        )
    beside = best_known_file(file)
    best = read_solution(beside).cost if beside is not None else None
    # control signs could move the cursor of a terminal
    name = "".join(sign for sign in name or file.stem if sign.isprintable())[:80]
    return Instance(name, kind, problem, rounding, best, file)


def _table(source: TextLines, head: str, rows: Sequence[Row], columns: int, first: int) -> Floats:
    """Return the numbers of rows that are numbered from `first` on, without these numbers; (rows, columns)."""
    for node, (line, words) in enumerate(rows, start=first):
        if len(words) != columns + 1:
            raise source.refusal(f"{head}: {len(words)} words where {columns + 1} are expected", line)
        if source.number(words[0], line, head) != node:
            raise source.refusal(f"{head}: node {words[0][:20]} where node {node} is expected", line)
    numbers = [source.numbers(words[1:], line, head) for line, words in rows]
    return np.array(numbers, dtype=np.float64).reshape(len(rows), columns)


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Depot, then clients."""

    points: Floats
    demand: Floats
    service: Floats
    windows: Floats
    capacity: float

    def problem(
        self, source: TextLines, distance: Floats | str, count: int, lines: Mapping[str, Sequence[int]]
    ) -> RoutingProblem:
        """Return the problem whose objective is the distance, given or rounded, and whose times are the distances.

        What no instance means is refused; `lines` has the lines of the nodes of a table, by its name.
        """
        opens, closes = self.windows.T
        most = number_text(self.capacity, 6)
        wrong: tuple[tuple[str, NDArray[np.bool_], str], ...] = (
            ("DEMAND", self.demand < 0, "demands less than nothing"),
            ("SERVICE_TIME", self.service < 0, "takes less than no time"),
            ("DEMAND", self.demand[:1] != 0, "is the depot and demands something"),
            ("DEMAND", self.demand > self.capacity, f"demands more than any vehicle carries ({most})"),
            ("TIME_WINDOW", opens > closes, "has a window that closes before it opens"),
        )
        for table, flags, message in wrong:
            for node in np.flatnonzero(flags)[:1].tolist():
                line = lines.get(table, ())[node : node + 1]
                raise source.refusal(f"{table}: the node in place {node + 1} {message}", *line)
        if isinstance(distance, str):
            across, up = (self.points[:, None, axis] - self.points[None, :, axis] for axis in (0, 1))
            # the root of a sum of squares is exact where coordinates are whole and their distance is; hypot need not be
            distance = _ROUNDINGS[distance](np.sqrt(across * across + up * up))
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

    def enough_vehicles(self, least: int) -> int:
        """Return a fleet that is no limit: what packing clients one by one needs, or `least`, and a quarter more."""
        room: list[float] = []
        for amount in sorted(self.demand[1:].tolist(), reverse=True):
            place = next((at for at, free in enumerate(room) if free >= amount), len(room))
            room += [self.capacity] * (place == len(room))
            room[place] -= amount
        packed = max(len(room), least, 1)
        return min(packed + 1 + math.floor(_SPARE * packed), max(len(self.demand) - 1, packed))


def _read_solomon(source: TextLines, rows: Sequence[Row], rounding: str) -> tuple[str, RoutingProblem]:
    """Read an instance as Solomon (1987) and Gehring and Homberger (1999) published them; return its name, too."""
    for place, head in enumerate(_HEADS, start=1):
        if (
            len(rows) <= place
            or tuple(rows[place][1][: len(head)]) != head
            or (not head and len(rows[3][1]) != 2)
        ):
            line = rows[place][0] if place < len(rows) else len(source.lines)
            what = " ".join(head) or "numbers of vehicles and their capacity"
            raise source.refusal(f"{what} is expected here; the file is cut off or not Solomon's", line)
    (line, fleet), customers = rows[3], rows[6:]
    count = source.whole(fleet[0], line, "NUMBER", least=1)
    if not 2 <= len(customers) <= LARGEST_NODES:
        raise source.refusal(
            f"CUSTOMER: {len(customers):,} rows; 2 to {LARGEST_NODES:,} are read", rows[-1][0]
        )
    table = _table(source, "CUSTOMER", customers, 6, 0)
    capacity = source.number(fleet[1], line, "CAPACITY")
    nodes = _Nodes(table[:, :2], table[:, 2], table[:, 5], table[:, 3:5], capacity)
    lines = [line for line, _ in customers]
    found = nodes.problem(source, rounding, count, dict.fromkeys(_COLUMNS, lines))
    return " ".join(rows[0][1]), found


class _Vrplib:
    """A file in VRPLIB format: specifications, then sections with a row for each node."""

    def __init__(self, source: TextLines, rows: Sequence[Row]) -> None:
        self.source = source
        self.texts: dict[str, str] = {}
        self.where: dict[str, int] = {}
        self.sections: dict[str, list[Row]] = {}
        inside: list[Row] | None = None
        for line, words in rows:
            head = " ".join(words).rstrip(" :")
            if head == "EOF":
                break
            if head.startswith("#"):
                continue
            if head.endswith("_SECTION"):
                self._note(head, line, head.removesuffix("_SECTION") in _SECTIONS)
                inside = self.sections[head.removesuffix("_SECTION")] = []
            elif inside is not None:
                inside.append((line, words))
            else:
                key, colon, value = (part.strip() for part in " ".join(words).partition(":"))
                if not colon:
                    what = f"{head[:40]!r} is neither 'KEY : value' nor the head of a section"
                    raise source.refusal(f"{what}; this is no VRPLIB file", line)
                self._note(key, line, key in _KEYS or not re.fullmatch(r"[-+.\d]+(e[-+]?\d+)?", value, re.I))
                self.texts[key] = value

    def _note(self, key: str, line: int, is_read: bool) -> None:
        if not is_read:
            raise self.source.refusal(
                f"{key[:48]} is not read, and without it the problem may be another", line
            )
        if key in self.where:
            raise self.source.refusal(f"{key} stands there twice; remove one", line)
        self.where[key] = line

    def refusal(self, key: str, message: str) -> Exception:
        """Return an error that names a specification or the head of a section, and its line where it is there."""
        return self.source.refusal(f"{key}: {message}", self.where.get(key, 0))

    def _number(self, key: str, default: float | None = None) -> float:
        if key not in self.texts and default is None:
            raise self.source.refusal(f"{key} is missing; the file is cut off, or is no VRPLIB file")
        return self.source.number(self.texts.get(key, str(default)), self.where.get(key, 0), key)

    def _word(self, key: str, known: Sequence[str]) -> str:
        stated = self.texts.get(key, "")
        if stated not in known:
            raise self.refusal(key, f"{stated[:40]!r} is not read; known: {', '.join(known)}")
        return stated

    def _section(self, name: str) -> list[Row]:
        if name not in self.sections:
            raise self.source.refusal(f"{name}_SECTION is missing; the file is cut off, or of another type")
        return self.sections[name]

    def _numbers(self, name: str, default: Floats | None = None) -> Floats:
        """Return the numbers of a section; (n, columns)."""
        if name not in self.sections and default is not None:
            return default
        head, rows = f"{name}_SECTION", self._section(name)
        if len(rows) != self.size:
            raise self.refusal(head, f"{len(rows):,} rows, but DIMENSION says {self.size:,}")
        return _table(self.source, head, rows, _COLUMNS[name], 1)

    def read(self, convention: str | None) -> tuple[str, str, str, RoutingProblem]:
        """Return name, kind, rounding and problem."""
        self.size = int(size := self._number("DIMENSION"))
        if size != self.size or not 2 <= size <= LARGEST_NODES:
            raise self.refusal("DIMENSION", f"{number_text(size, 6)} nodes; 2 to {LARGEST_NODES:,} are read")
        timed = self._word("TYPE", _TYPES) == "VRPTW" or "TIME_WINDOW" in self.sections
        kind, name = VRPTW if timed else CVRP, self.texts.get("NAME", "")
        nodes = self._nodes(timed=timed)
        stated = self._word("EDGE_WEIGHT_TYPE", ("EUC_2D", *_ROUNDED_BY_FILE))
        rounding = _ROUNDED_BY_FILE.get(stated) or convention or ("round" if kind == CVRP else "dimacs")
        if stated != "EUC_2D" and convention is not None:
            leave = f"leave convention={convention!r} out"
            raise self.refusal("EDGE_WEIGHT_TYPE", f"{stated} says how distances are rounded; {leave}")
        if stated != "EXPLICIT":
            self._section("NODE_COORD")
        if "VEHICLES" in self.texts:
            count = self.source.whole(self.texts["VEHICLES"], self.where["VEHICLES"], "VEHICLES", least=1)
        else:
            # the k of a name is the least number that can carry everything, not the most that may be used
            least = re.search(r"-k(\d{1,5})$", name or self.source.path.stem)
            count = nodes.enough_vehicles(int(least.group(1)) if least else 0)
        lines = {table: [line for line, _ in rows] for table, rows in self.sections.items()}
        given = self._matrix() if stated == "EXPLICIT" else rounding
        return name, kind, rounding, nodes.problem(self.source, given, count, lines)

    def _nodes(self, *, timed: bool) -> _Nodes:
        count, each = self.size, self._number("SERVICE_TIME", 0.0)
        windows = self._numbers("TIME_WINDOW", None if timed else np.tile([0.0, np.inf], (count, 1)))
        if "DISTANCE" in self.texts:
            # a route may last no longer: the depot closes then
            if timed or (longest := self._number("DISTANCE")) <= 0:
                what = "is not read beside time windows" if timed else "must be more than nothing"
                raise self.refusal("DISTANCE", f"a longest route {what}")
            windows[0, 1] = longest
        depot = [word for _, words in self._section("DEPOT") for word in words]
        if depot not in (["1", "-1"], ["1"]):
            raise self.refusal("DEPOT_SECTION", f"the depot must be node 1 and the only one, not {depot[:5]}")
        return _Nodes(
            self._numbers("NODE_COORD", np.full((count, 2), np.nan)),
            self._numbers("DEMAND")[:, 0],
            self._numbers("SERVICE_TIME", np.array([[0.0], *[[each]] * (count - 1)]))[:, 0],
            windows,
            self._number("CAPACITY"),
        )

    def _matrix(self) -> Floats:
        """Return distances that stand in the file."""
        head, form = "EDGE_WEIGHT_SECTION", self._word("EDGE_WEIGHT_FORMAT", ("FULL_MATRIX", "LOWER_ROW"))
        rows = self._section("EDGE_WEIGHT")
        numbers = np.array([each for line, words in rows for each in self.source.numbers(words, line, head)])
        distance = np.zeros((self.size, self.size))
        into = np.indices(distance.shape) if form == "FULL_MATRIX" else np.tril_indices(self.size, -1)
        if len(numbers) != np.size(into[0]):
            told = f"{len(numbers):,} numbers, but {form} of {self.size:,} nodes has {np.size(into[0]):,}"
            raise self.refusal(head, f"{told}; the file is cut off or was edited")
        distance[tuple(np.ravel(axis) for axis in into)] = numbers
        if form == "FULL_MATRIX":
            np.fill_diagonal(distance, 0.0)
        else:
            distance += distance.T
        if (distance < 0).any():
            tail, heads = np.argwhere(distance < 0)[0] + 1
            raise self.refusal(head, f"the distance from {tail} to {heads} is negative")
        return distance


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
