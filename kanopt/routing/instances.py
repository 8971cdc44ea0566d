"""Published instances of vehicle routing as problems, and their solution files.

Every number of a file is read with its line, so that what is cut off, edited or of another kind is refused with its
place; libraries for these formats count no rows and name no lines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import ProblemError, nearest
from kanopt.plans.instance_text import LARGEST_NODES, TextLines, read_lines
from kanopt.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.validation import InputFinding, input_findings
from kanopt.text import list_names, number_text

__all__ = ["Instance", "Solution", "best_known_file", "read_instance", "read_solution", "solution_text"]

Row = tuple[int, list[str]]
"""A line that is not empty: its number, and its words."""

UNITS = RoutingUnits(distance="km", time="min", load="unit", money="km")
"""Instances name no units. A length is called a kilometre and driven in a minute; what is paid is the length."""

CVRP, VRPTW = "cvrp", "vrptw"
CONVENTIONS = ("round", "dimacs", "exact")
"""What a caller may choose; the other roundings stand in files."""
_ROUNDINGS: Mapping[str, tuple[Callable[[Floats], Floats], float]] = {
    "round": (lambda distance: np.floor(distance + 0.5), 1.0),
    "dimacs": (lambda distance: np.floor(10.0 * distance) / 10.0, 0.100001),
    "exact": (lambda distance: distance, 0.0),
    "ceil": (np.ceil, 0.0),
    "floor": (np.floor, 1.0),
    "thousandths": (lambda distance: np.floor(1000.0 * distance + 0.5), 1.0),
}
"""How distances are rounded, and by how much that can make an arc longer than the way over a third place.

EUC_2D of TSPLIB 95 rounds halves up; the VRPTW track of the 12th DIMACS Implementation Challenge (2021) rounds down to
0.1; EXACT_2D of CVRPLIB counts in thousandths.
"""
_ROUNDED_BY_FILE = {"CEIL_2D": "ceil", "FLOOR_2D": "floor", "EXACT_2D": "thousandths", "EXPLICIT": "given"}
_SPARE = 0.25

_TYPES = ("CVRP", "DCVRP", "VRPTW")
_COLUMNS = {"NODE_COORD": 2, "DEMAND": 1, "TIME_WINDOW": 2, "SERVICE_TIME": 1}
_SECTIONS = (*_COLUMNS, "EDGE_WEIGHT", "DEPOT", "DISPLAY_DATA")
_NUMBERS = ("DIMENSION", "CAPACITY", "VEHICLES", "SERVICE_TIME", "DISTANCE")
_SIZES: Mapping[str, Callable[[int], int]] = {
    "FULL_MATRIX": lambda nodes: nodes * nodes,
    "LOWER_ROW": lambda nodes: nodes * (nodes - 1) // 2,
}
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

    @cached_property
    def findings(self) -> tuple[InputFinding, ...]:
        """What is worth a look in the data, apart from what the rounding of distances does to triangles."""
        _, rounded = _ROUNDINGS.get(self.rounding, (None, 0.0))
        return input_findings(self.problem, rounded=rounded)

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
    keys = {row.partition(":")[0].strip() for row in source.lines[:50]}
    if keys & {"DIMENSION", "CAPACITY", "EDGE_WEIGHT_TYPE"}:
        name, kind, rounding, problem = _Vrplib(source).read(convention)
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


# Depot and clients as tables of numbers, verified alike whatever the format.


def _table(source: TextLines, head: str, rows: Sequence[Row], columns: int, first: int) -> Floats:
    """Return the numbers of rows that are numbered from `first` on, without these numbers; (rows, columns)."""
    for node, (line, words) in enumerate(rows, start=first):
        if len(words) != columns + 1:
            raise source.refusal(f"{head}: {len(words)} words where {columns + 1} are expected", line)
        if source.number(words[0], line, head) != node:
            numbered = f"number the rows {first}, {first + 1}, {first + 2}, …"
            raise source.refusal(
                f"{head}: node {words[0][:20]} where node {node} is expected; {numbered}", line
            )
    numbers = [source.numbers(words[1:], line, head) for line, words in rows]
    return np.array(numbers, dtype=np.float64).reshape(len(rows), columns)


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Depot, then clients.

    Parameters
    ----------
    points
        Coordinates, NaN where there are none; (n, 2).
    demand, service
        What each demands, and how long service takes; (n,).
    windows
        Opening and closing; the depot's are earliest departure and latest return; (n, 2).
    capacity
        Of the vehicles, all alike.
    """

    points: Floats
    demand: Floats
    service: Floats
    windows: Floats
    capacity: float

    def check(self, refuse: Callable[[str, int, str], Exception]) -> None:
        """Refuse what no instance means; `refuse` is told the table, the node and what is wrong there."""
        opens, closes = self.windows.T
        most, asked = number_text(self.capacity, 6), [number_text(each, 6) for each in self.demand]
        wrong: tuple[tuple[str, NDArray[np.bool_], str], ...] = (
            ("DEMAND", self.demand < 0, "demands {asked}; at least 0 is expected"),
            ("SERVICE_TIME", self.service < 0, "takes less than no time"),
            ("DEMAND", self.demand[:1] != 0, "is the depot and demands {asked}; it must be 0"),
            (
                "DEMAND",
                self.demand > self.capacity,
                "demands {asked}, more than any vehicle carries ({most})",
            ),
            ("TIME_WINDOW", opens > closes, "has a window that closes before it opens"),
        )
        for table, flags, message in wrong:
            if flags.any():
                node = int(np.argmax(flags))
                raise refuse(table, node, message.format(asked=asked[node], most=most))

    def distances(self, rounding: str) -> Floats:
        """Return the distances between points, rounded."""
        across, up = (self.points[:, None, axis] - self.points[None, :, axis] for axis in (0, 1))
        # the root of a sum of squares is exact where coordinates are whole and their distance is; hypot need not be
        return _ROUNDINGS[rounding][0](np.sqrt(across * across + up * up))

    def problem(self, distance: Floats, count: int) -> RoutingProblem:
        """Return a problem whose objective is the distance and whose travel times are the distances."""
        columns = (*self.points.T, self.demand, self.service, *self.windows.T)
        (x, y, _, _, opens, closes), *rows = np.column_stack(columns).tolist()
        clients = [
            Client(
                str(place), x, y, demand=demand, service_duration=service, earliest=earliest, latest=latest
            )
            for place, (x, y, demand, service, earliest, latest) in enumerate(rows, start=1)
        ]
        vehicle = VehicleType(
            "vehicle", num_available=count, capacity=self.capacity, unit_distance_cost=1.0,
            shift_start=opens, shift_end=closes,
        )  # fmt: skip
        depot = Depot("depot", x, y)
        return RoutingProblem([depot], clients, [vehicle], {}, distance, distance, UNITS)

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
        if len(rows) <= place or tuple(rows[place][1][: len(head)]) != head:
            line = rows[place][0] if place < len(rows) else len(source.lines)
            what = " ".join(head) or "numbers of vehicles"
            raise source.refusal(f"{what} is expected here; the file is cut off or not Solomon's", line)
    line, fleet = rows[3]
    if len(fleet) != 2:
        raise source.refusal(f"{len(fleet)} words where NUMBER and CAPACITY are expected", line)
    count = source.whole(fleet[0], line, "NUMBER", least=1)
    customers = rows[6:]
    if not 2 <= len(customers) <= LARGEST_NODES:
        read = f"kanopt reads 2 to {LARGEST_NODES:,}, depot included"
        raise source.refusal(f"CUSTOMER: {len(customers):,} rows; {read}", len(source.lines))
    table = _table(source, "CUSTOMER", customers, 6, 0)
    capacity = source.number(fleet[1], line, "CAPACITY")
    nodes = _Nodes(table[:, :2], table[:, 2], table[:, 5], table[:, 3:5], capacity)
    nodes.check(
        lambda what, node, told: source.refusal(f"{what}: customer {node} {told}", customers[node][0])
    )
    return " ".join(rows[0][1]), nodes.problem(nodes.distances(rounding), count)


class _Vrplib:
    """A file in VRPLIB format: specifications, then sections with a row for each node.

    Parameters
    ----------
    source
        The file.

    Raises
    ------
    FileFormatError
        Naming file and line, for a row that is neither specification nor section, and for a key or section that would
        change the problem and is not read, or comes twice.
    """

    def __init__(self, source: TextLines) -> None:
        self.source = source
        self.texts: dict[str, str] = {}
        self.where: dict[str, int] = {}
        self.sections: dict[str, list[Row]] = {}
        inside: list[Row] | None = None
        for line, row in enumerate(source.lines, start=1):
            head = row.rstrip(" :")
            if head == "EOF":
                break
            if not row or row.startswith("#"):
                continue
            if head.endswith("_SECTION"):
                self._note(head, line)
                inside = self.sections[head.removesuffix("_SECTION")] = []
            elif inside is not None:
                inside.append((line, row.split()))
            else:
                self._specify(row, line)

    def _note(self, key: str, line: int) -> None:
        name = key.removesuffix("_SECTION")
        if name != key and name not in _SECTIONS:
            another = f"{key[:48]} is not read, and without it the problem is another"
            raise self.source.refusal(f"{another}; {nearest(name, _SECTIONS)}", line)
        if key in self.where:
            raise self.source.refusal(f"{key} stands there twice; remove one", line)
        self.where[key] = line

    def _specify(self, row: str, line: int) -> None:
        key, colon, value = (part.strip() for part in row.partition(":"))
        if not colon:
            what = f"{row[:40]!r} is neither 'KEY : value' nor the head of a section"
            raise self.source.refusal(f"{what}; this is no VRPLIB file", line)
        self._note(key, line)
        self.texts[key] = value
        known = key in _NUMBERS or key in ("NAME", "TYPE", "EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT")
        if not known and re.fullmatch(r"[-+]?\.?\d[\d.]*(e[-+]?\d+)?", value, re.IGNORECASE):
            why = "is not read, and the number may change the problem; remove the line where it does not"
            raise self.source.refusal(f"{key[:40]} {why}", line)

    def refusal(self, key: str, message: str) -> Exception:
        """Return an error that names a specification or the head of a section, and its line where it is there."""
        return self.source.refusal(f"{key}: {message}", self.where.get(key, 0))

    def _number(self, key: str, default: float | None = None) -> float:
        if key not in self.texts and default is None:
            raise self.source.refusal(f"{key} is missing; the file is cut off, or is no VRPLIB file")
        return self.source.number(self.texts.get(key, str(default)), self.where.get(key, 0), key)

    def _whole(self, key: str, least: int, most: int, told: str) -> int:
        value = self._number(key)
        if value != int(value) or not least <= value <= most:
            raise self.refusal(key, f"{number_text(value, 6)} {told}")
        return int(value)

    def _words(self, key: str, known: Sequence[str]) -> str:
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
            cut = "the file is cut off or was edited"
            raise self.refusal(head, f"{len(rows):,} rows, but DIMENSION says {self.size:,}; {cut}")
        return _table(self.source, head, rows, _COLUMNS[name], 1)

    def read(self, convention: str | None) -> tuple[str, str, str, RoutingProblem]:
        """Return name, kind, rounding and problem.

        Raises
        ------
        FileFormatError
            Naming file and line, for anything that is not as the format has it.
        """
        self.size = self._whole(
            "DIMENSION",
            2,
            LARGEST_NODES,
            f"nodes; kanopt reads 2 to {LARGEST_NODES:,}, which fit into memory",
        )
        timed = self._words("TYPE", _TYPES) == "VRPTW" or "TIME_WINDOW" in self.sections
        kind = VRPTW if timed else CVRP
        nodes = self._nodes(timed=timed)
        distance, rounding = self._distances(nodes, kind, convention)
        name = self.texts.get("NAME", "")
        if "VEHICLES" in self.texts:
            count = self._whole("VEHICLES", 1, 10**9, "is not a whole number of at least 1")
        else:
            # the k of a name is the least number that can carry everything, not the most that may be used
            least = re.search(r"-k(\d{1,5})$", name or self.source.path.stem)
            count = nodes.enough_vehicles(int(least.group(1)) if least else 0)
        return name, kind, rounding, nodes.problem(distance, count)

    def _nodes(self, *, timed: bool) -> _Nodes:
        count = self.size
        each = self._number("SERVICE_TIME", 0.0)
        windows = self._numbers("TIME_WINDOW", None if timed else np.tile([0.0, np.inf], (count, 1)))
        if "DISTANCE" in self.texts:
            # a route may last no longer: the depot closes then
            longest = self._number("DISTANCE")
            if timed or longest <= 0:
                what = "is not read beside time windows" if timed else "must be more than nothing"
                raise self.refusal("DISTANCE", f"a longest route {what}")
            windows[0, 1] = longest
        nodes = _Nodes(
            self._numbers("NODE_COORD", np.full((count, 2), np.nan)),
            self._numbers("DEMAND")[:, 0],
            self._numbers("SERVICE_TIME", np.array([[0.0], *[[each]] * (count - 1)]))[:, 0],
            windows,
            self._number("CAPACITY"),
        )

        def refuse(table: str, node: int, told: str) -> Exception:
            rows = self.sections.get(table)
            line = rows[node][0] if rows else self.where.get(table, 0)
            head = f"{table}_SECTION" if rows else table
            return self.source.refusal(f"{head}: node {node + 1} {told}", line)

        nodes.check(refuse)
        depot = [
            self.source.whole(word, line, "DEPOT_SECTION", least=-1)
            for line, words in self._section("DEPOT")
            for word in words
        ]
        if [node for node in depot if node != -1] != [1]:
            raise self.refusal("DEPOT_SECTION", f"the depot must be node 1 and the only one, not {depot[:5]}")
        return nodes

    def _distances(self, nodes: _Nodes, kind: str, convention: str | None) -> tuple[Floats, str]:
        """Return the distances, and how they were rounded."""
        stated = self._words("EDGE_WEIGHT_TYPE", ("EUC_2D", *_ROUNDED_BY_FILE))
        rounding = _ROUNDED_BY_FILE.get(stated) or convention or ("round" if kind == CVRP else "dimacs")
        if stated != "EUC_2D" and convention is not None:
            leave = f"leave convention={convention!r} out"
            raise self.refusal("EDGE_WEIGHT_TYPE", f"{stated} says how distances are rounded; {leave}")
        if stated != "EXPLICIT":
            self._section("NODE_COORD")
            if "EDGE_WEIGHT" in self.sections:
                raise self.refusal("EDGE_WEIGHT_SECTION", "says the same as coordinates do; remove one")
            return nodes.distances(rounding), rounding
        head, form = "EDGE_WEIGHT_SECTION", self._words("EDGE_WEIGHT_FORMAT", [*_SIZES])
        rows, wanted = self._section("EDGE_WEIGHT"), _SIZES[form](self.size)
        numbers = np.array([each for line, words in rows for each in self.source.numbers(words, line, head)])
        if len(numbers) != wanted:
            told = f"{len(numbers):,} numbers, but {form} of {self.size:,} nodes has {wanted:,}"
            raise self.refusal(head, f"{told}; the file is cut off or was edited")
        distance = np.zeros((self.size, self.size))
        if form == "FULL_MATRIX":
            distance = numbers.reshape(distance.shape)
            np.fill_diagonal(distance, 0.0)
        else:
            distance[np.tril_indices(self.size, -1)] = numbers
            distance += distance.T
        if (distance < 0).any():
            tail, heads = np.argwhere(distance < 0)[0] + 1
            raise self.refusal(head, f"the distance from {tail} to {heads} is negative")
        return distance, rounding


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
