"""``read_instance``: tell the formats apart, read, and find the best known objective beside the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kanopt.errors import ProblemError
from kanopt.problems.instance_text import LARGEST_NODES, TextLines, read_lines
from kanopt.problems.routing.instances.instance import (
    VRPTW,
    Instance,
    InstanceNodes,
    check_convention,
    distance_problem,
    planar,
)
from kanopt.problems.routing.instances.vrplib_files import read_vrplib
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.problem import RoutingProblem
from kanopt.text import list_names, number_text

_ROUTE = re.compile(r"route\s*#?\s*\d+\s*:\s*(.*)", re.IGNORECASE)
_COST = re.compile(r"cost\s*:?\s*(\S+)", re.IGNORECASE)


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
    >>> from kanopt.problems import Client, Depot, VehicleType
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
            routes.append(_clients(text, route.group(1), line))
        elif price is not None:
            cost = text.number(price.group(1), line, "cost")
    if not routes:
        raise text.refusal("no line 'Route #1: …'; this is no solution file")
    return Solution(tuple(routes), cost)


def _clients(text: TextLines, row: str, line: int) -> tuple[int, ...]:
    return tuple(text.whole(token, line, "client", least=1) for token in row.split())


# Instances with time windows as Solomon (1987) and Gehring and Homberger (1999) published them.


_COLUMNS = ("CUST NO.", "XCOORD.", "YCOORD.", "DEMAND", "READY TIME", "DUE DATE", "SERVICE TIME")


def is_solomon(source: TextLines) -> bool:
    """Say whether the second row with anything in it is VEHICLE, as in every such file."""
    filled = [row for row in source.lines[:50] if row]
    return len(filled) > 1 and filled[1] == "VEHICLE"


def read_solomon(source: TextLines, convention: str | None) -> tuple[str, RoutingProblem, str]:
    """Read an instance in Solomon's format; see :func:`kanopt.problems.routing.instances.read_instance`.

    Returns
    -------
    tuple
        Name, problem and rounding.

    Raises
    ------
    FileFormatError
        Naming file and line, for anything that is not as the format has it.

    Notes
    -----
    Read here and not with vrplib, which makes −1 of 40.5 and does not notice rows that are missing.
    """
    rows = [(line, row.split()) for line, row in enumerate(source.lines, start=1) if row]
    heads = [("VEHICLE",), ("NUMBER", "CAPACITY"), None, ("CUSTOMER",), ("CUST",)]
    for place, head in enumerate(heads, start=1):
        if head is not None and (len(rows) <= place or tuple(rows[place][1][: len(head)]) != head):
            line = rows[place][0] if place < len(rows) else len(source.lines)
            raise source.refusal(
                f"{' '.join(head)} is expected here; the file is cut off or not Solomon's", line
            )
    line, fleet = rows[3]
    if len(fleet) != 2:
        raise source.refusal(f"{len(fleet)} words where NUMBER and CAPACITY are expected", line)
    count = source.whole(fleet[0], line, "NUMBER", least=1)
    capacity = source.number(fleet[1], line, "CAPACITY")
    table = _table(source, rows[6:], capacity)
    nodes = InstanceNodes(table[:, 1:3], table[:, 3], table[:, 6], table[:, 4:6])
    rounding = convention or "dimacs"
    distance = planar(nodes.points, rounding)
    name = " ".join(rows[0][1])
    return name, distance_problem(nodes, distance, capacity=capacity, count=count), rounding


def _table(
    source: TextLines, rows: list[tuple[int, list[str]]], capacity: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the rows of depot and customers, verified."""
    if not 2 <= len(rows) <= LARGEST_NODES:
        raise source.refusal(
            f"CUSTOMER: {len(rows):,} rows; kanopt reads 2 to {LARGEST_NODES:,}, depot included",
            len(source.lines),
        )
    table = []
    for number, (line, words) in enumerate(rows):
        if len(words) != len(_COLUMNS):
            raise source.refusal(
                f"{len(words)} words where {len(_COLUMNS)} are expected: {', '.join(_COLUMNS)}", line
            )
        values = [source.number(word, line, what) for word, what in zip(words, _COLUMNS, strict=True)]
        if values[0] != number:
            raise source.refusal(
                f"CUST NO.: {words[0][:20]} where {number} is expected; number the rows 0, 1, …", line
            )
        if min(values[3], values[6]) < 0:
            raise source.refusal("DEMAND and SERVICE TIME must be at least 0", line)
        if values[4] > values[5]:
            raise source.refusal(f"the window closes ({words[5]}) before it opens ({words[4]})", line)
        if values[3] > capacity or (number == 0 and values[3]):
            most = f"more than any vehicle carries ({number_text(capacity, 6)})"
            why = most if number else "but the depot demands nothing"
            raise source.refusal(f"DEMAND: {number_text(values[3], 6)}, {why}", line)
        table.append(values)
    return np.array(table)


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
    check_convention(convention)
    file = Path(path)
    name, kind, problem, rounding = _read(file, convention)
    beside = best_known_file(file)
    best = read_solution(beside).cost if beside is not None else None
    return Instance(_printable(name), kind, problem, rounding, best, file)


def _read(file: Path, convention: str | None) -> tuple[str, str, RoutingProblem, str]:
    """Return name, kind, problem and rounding."""
    source = read_lines(file)
    if _is_vrplib(source):
        return read_vrplib(source, convention)
    if is_solomon(source):
        name, problem, rounding = read_solomon(source, convention)
        return name, VRPTW, problem, rounding
    raise source.refusal(
        "the content is of no format that is read: VRPLIB (NAME : …, DIMENSION : …), Solomon (second row VEHICLE)"
    )


def best_known_file(path: Path) -> Path | None:
    """Return the best known solution that lies beside an instance; None where there is none."""
    try:
        beside = path.with_suffix(".sol")
        return beside if beside.is_file() else None
    except (OSError, ValueError):  # the name is too long with this ending, or a folder has none
        return None


def _is_vrplib(source: TextLines) -> bool:
    keys = {row.partition(":")[0].strip() for row in source.lines[:50]}
    return bool(keys & {"DIMENSION", "CAPACITY", "EDGE_WEIGHT_TYPE"})


def _printable(name: str) -> str:
    """Return a name without control signs, which could move the cursor of a terminal, and of bearable length."""
    return "".join(sign for sign in name if sign.isprintable())[:80]
