"""VRPLIB files: CVRPLIB's capacitated instances, and those with time windows written in the same format."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.instances._planar import InstanceNodes, distance_problem, enough_vehicles, planar
from kanopt.problems.routing.instances._text import TextLines
from kanopt.problems.routing.instances._vrplib_parts import VrplibSections, split_parts
from kanopt.problems.routing.instances.instance import CVRP, VRPTW
from kanopt.problems.routing.problem import RoutingProblem
from kanopt.text import number_text

Floats = NDArray[np.float64]

_TYPES = ("CVRP", "DCVRP", "VRPTW")
_ROUNDED_BY_FILE = {"CEIL_2D": "ceil", "FLOOR_2D": "floor", "EXACT_2D": "thousandths"}
_FORMATS = ("FULL_MATRIX", "LOWER_ROW")


def read_vrplib(source: TextLines, convention: str | None) -> tuple[str, str, RoutingProblem, str]:
    """Read a VRPLIB file; see :func:`kanopt.problems.routing.instances.read_instance`.

    Returns
    -------
    tuple
        Name, kind, problem and rounding.

    Raises
    ------
    FileFormatError
        Naming file and line, for anything that is not as the format has it.
    """
    from vrplib.parse import parse_vrplib

    parts = split_parts(source)
    kind = _kind(parts)
    _verify_weights(parts)
    # every word was verified above: the library counts no rows and names no lines
    data: dict[str, Any] = parse_vrplib(parts.text(), compute_edge_weights=False)
    distance, rounding = _distances(parts, data, kind, convention)
    demand = _column(parts, data, "demand")
    capacity = _capacity(parts, demand)
    nodes = InstanceNodes(_points(parts, data), demand, _service(parts, data), _windows(parts, data))
    name = parts.texts.get("NAME") or source.path.stem
    count = _vehicles(parts, name, demand, capacity)
    return name, kind, distance_problem(nodes, distance, capacity=capacity, count=count), rounding


def _kind(parts: VrplibSections) -> str:
    stated = parts.texts.get("TYPE", "")
    if stated not in _TYPES:
        raise parts.refusal(f"{stated[:40]!r} is not read; known: {', '.join(_TYPES)}", "TYPE")
    if stated == "VRPTW" and "TIME_WINDOW" not in parts.sections:
        raise parts.refusal("TIME_WINDOW_SECTION is missing; the file is cut off, or is no VRPTW")
    return VRPTW if "TIME_WINDOW" in parts.sections else CVRP


def _verify_weights(parts: VrplibSections) -> None:
    """Refuse ways to state distances that are not read, or that the file does not keep to."""
    stated = parts.texts.get("EDGE_WEIGHT_TYPE", "")
    known = ("EUC_2D", *_ROUNDED_BY_FILE, "EXPLICIT")
    if stated not in known:
        raise parts.refusal(f"{stated[:40]!r} is not read; known: {', '.join(known)}", "EDGE_WEIGHT_TYPE")
    if stated != "EXPLICIT":
        if "NODE_COORD" not in parts.sections:
            raise parts.refusal("NODE_COORD_SECTION is missing; the distances come from it")
        if "EDGE_WEIGHT" in parts.sections:
            raise parts.refusal("says the same as coordinates do; remove one", "EDGE_WEIGHT_SECTION")
        return
    form, size = parts.texts.get("EDGE_WEIGHT_FORMAT", ""), parts.size
    if form not in _FORMATS:
        raise parts.refusal(f"{form[:40]!r} is not read; known: {', '.join(_FORMATS)}", "EDGE_WEIGHT_FORMAT")
    if "EDGE_WEIGHT" not in parts.sections:
        raise parts.refusal("EDGE_WEIGHT_SECTION is missing; the file is cut off")
    found = sum(len(words) for _, words in parts.sections["EDGE_WEIGHT"])
    wanted = size * size if form == "FULL_MATRIX" else size * (size - 1) // 2
    if found != wanted:
        raise parts.refusal(
            f"{found:,} numbers, but {form} of {size:,} nodes has {wanted:,}; the file is cut off or was edited",
            "EDGE_WEIGHT_SECTION",
        )


def _distances(
    parts: VrplibSections, data: dict[str, Any], kind: str, convention: str | None
) -> tuple[Floats, str]:
    """Return the distances, and how they were rounded."""
    stated = parts.texts["EDGE_WEIGHT_TYPE"]
    if stated == "EUC_2D":
        rounding = convention or ("round" if kind == CVRP else "dimacs")
    else:
        rounding = _ROUNDED_BY_FILE.get(stated, "given")
        if convention is not None:
            raise parts.refusal(
                f"{stated} says how distances are rounded; leave convention={convention!r} out",
                "EDGE_WEIGHT_TYPE",
            )
    if rounding == "given":
        distance = np.array(data["edge_weight"], dtype=np.float64)
        np.fill_diagonal(distance, 0.0)
        if (distance < 0).any():
            tail, head = np.argwhere(distance < 0)[0] + 1
            raise parts.refusal(f"the distance from {tail} to {head} is negative", "EDGE_WEIGHT_SECTION")
        return distance, rounding
    return planar(_points(parts, data), rounding), rounding


def _points(parts: VrplibSections, data: dict[str, Any]) -> Floats:
    if "NODE_COORD" not in parts.sections:
        return np.full((parts.size, 2), np.nan)
    return np.asarray(data["node_coord"], dtype=np.float64)


def _column(parts: VrplibSections, data: dict[str, Any], name: str) -> Floats:
    """Return a section of one column; none of its numbers may be negative."""
    head = f"{name.upper()}_SECTION"
    if name.upper() not in parts.sections:
        raise parts.refusal(f"{head} is missing; the file is cut off, or is no CVRP")
    values = np.asarray(data[name], dtype=np.float64).reshape(parts.size)
    if (values < 0).any():
        node = int(np.argmax(values < 0)) + 1
        value = number_text(values[node - 1], 6)
        raise parts.refusal(f"node {node} has {value}; at least 0 is expected", head)
    return values


def _capacity(parts: VrplibSections, demand: Floats) -> float:
    if "CAPACITY" not in parts.numbers:
        raise parts.refusal("CAPACITY is missing: what a vehicle carries")
    capacity = parts.numbers["CAPACITY"]
    if demand[0] != 0:
        asked = number_text(demand[0], 6)
        raise parts.refusal(f"the depot demands {asked}; it must be 0", "DEMAND_SECTION")
    if demand.max() > capacity:
        node, asked, most = int(np.argmax(demand)) + 1, number_text(demand.max(), 6), number_text(capacity, 6)
        raise parts.refusal(
            f"node {node} demands {asked}, more than any vehicle carries ({most})", "DEMAND_SECTION"
        )
    return capacity


def _service(parts: VrplibSections, data: dict[str, Any]) -> Floats:
    if "SERVICE_TIME" in parts.sections:
        return _column(parts, data, "service_time")
    each = parts.numbers.get("SERVICE_TIME", 0.0)
    if each < 0:
        raise parts.refusal(f"{number_text(each, 6)} is negative", "SERVICE_TIME")
    return np.array([0.0, *[each] * (parts.size - 1)])


def _windows(parts: VrplibSections, data: dict[str, Any]) -> Floats:
    """Return the windows; those of the depot end no later than a route may last, where the file says so."""
    windows = np.tile([0.0, np.inf], (parts.size, 1))
    if "TIME_WINDOW" in parts.sections:
        windows = np.asarray(data["time_window"], dtype=np.float64)
        wrong = np.flatnonzero(windows[:, 0] > windows[:, 1])
        if wrong.size:
            line = parts.sections["TIME_WINDOW"][wrong[0]][0]
            raise parts.source.refusal("TIME_WINDOW_SECTION: the window closes before it opens", line)
        if "DISTANCE" in parts.numbers:
            raise parts.refusal("a longest route is not read beside time windows", "DISTANCE")
    longest = parts.numbers.get("DISTANCE")
    if longest is not None:
        if longest <= 0:
            raise parts.refusal(f"{number_text(longest, 6)} is no length a route can have", "DISTANCE")
        windows[0, 1] = longest
    return windows


def _vehicles(parts: VrplibSections, name: str, demand: Floats, capacity: float) -> int:
    """Return how many vehicles there are: as many as the file says, else so many that they are no limit."""
    if "VEHICLES" in parts.numbers:
        count = parts.numbers["VEHICLES"]
        if count != int(count) or count < 1:
            raise parts.refusal(f"{number_text(count, 6)} is not a whole number of at least 1", "VEHICLES")
        return int(count)
    # the k of a name is the least number that can carry everything, not the most that may be used
    least = re.search(r"-k(\d{1,5})$", name)
    return enough_vehicles(demand[1:], capacity, int(least.group(1)) if least else 0)
