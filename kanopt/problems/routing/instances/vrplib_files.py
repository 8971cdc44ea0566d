"""VRPLIB files: CVRPLIB's capacitated instances, and those with time windows written in the same format."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FileFormatError, nearest
from kanopt.problems.instance_text import LARGEST_NODES, TextLines
from kanopt.problems.routing.instances.instance import (
    CVRP,
    VRPTW,
    InstanceNodes,
    distance_problem,
    enough_vehicles,
    planar,
)
from kanopt.problems.routing.problem import RoutingProblem
from kanopt.text import number_text

# The parts of a VRPLIB file: specifications and sections, checked line by line before a library parses them.


_COLUMNS = {"NODE_COORD": 2, "DEMAND": 1, "TIME_WINDOW": 2, "SERVICE_TIME": 1}
_IDLE = "DISPLAY_DATA"
_SECTIONS = (*_COLUMNS, "EDGE_WEIGHT", "DEPOT", _IDLE)
_WEIGHTS = ("EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT")
_TEXTS = ("NAME", "TYPE", *_WEIGHTS)
_NUMBERS = ("DIMENSION", "CAPACITY", "VEHICLES", "SERVICE_TIME", "DISTANCE")

NumberedRows = tuple[tuple[int, list[str]], ...]
"""Line and words of each row."""


@dataclass(frozen=True)
class VrplibSections:
    """A VRPLIB file, taken apart and verified.

    Parameters
    ----------
    source
        The file.
    texts, numbers
        Specifications by key, in capitals; those that say nothing about the problem are left out.
    where
        Line of each specification, and of the head of each section (as ``DEMAND_SECTION``).
    sections
        Rows of each section by key (as ``DEMAND``).
    """

    source: TextLines
    texts: Mapping[str, str]
    numbers: Mapping[str, float]
    where: Mapping[str, int]
    sections: Mapping[str, NumberedRows]

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return int(self.numbers["DIMENSION"])

    def refusal(self, message: str, key: str = "") -> FileFormatError:
        """Return an error that names the line of a specification or of the head of a section."""
        return self.source.refusal(f"{key}: {message}" if key else message, self.where.get(key, 0))

    def text(self) -> str:
        """Return the file in its strictest form: known keys, one row per node, explicit weights n to a row.

        In it no name or remark with EOF, a colon or _SECTION misleads whoever parses it.
        """
        rows = [f"{key} : {self.texts[key]}" for key in _WEIGHTS if key in self.texts]
        rows += [f"{key} : {value!r}" for key, value in self.numbers.items()]
        for name, lines in self.sections.items():
            rows.append(f"{name}_SECTION")
            if name == "EDGE_WEIGHT":
                words = [word for _, row in lines for word in row]
                rows += [" ".join(words[at : at + self.size]) for at in range(0, len(words), self.size)]
            else:
                rows += [" ".join(row) for _, row in lines]
        return "\n".join([*rows, "EOF", ""])


def split_parts(source: TextLines) -> VrplibSections:
    """Take a VRPLIB file apart.

    Raises
    ------
    FileFormatError
        Naming file and line, for a row that is neither specification nor section, a key or section that would
        change the problem and is not read, a key that comes twice, a word that is no number, rows that are missing,
        too many or out of order, and an instance too large for matrices.
    """
    texts: dict[str, str] = {}
    numbers: dict[str, float] = {}
    where: dict[str, int] = {}
    sections: dict[str, list[tuple[int, list[str]]]] = {}
    inside: list[tuple[int, list[str]]] | None = None
    for line, row in enumerate(source.lines, start=1):
        if not row or row.startswith("#"):
            continue
        if row.rstrip(" :") == "EOF":
            break
        head = row.rstrip(" :").removesuffix("_SECTION")
        if head != row.rstrip(" :"):
            _refuse_section(source, head, sections, line)
            inside = sections[head] = []
            where[f"{head}_SECTION"] = line
        elif inside is not None:
            inside.append((line, row.split()))
        else:
            _specification(source, row, line, (texts, numbers, where))
    sections.pop(_IDLE, None)
    parts = VrplibSections(
        source, texts, numbers, where, {name: tuple(rows) for name, rows in sections.items()}
    )
    _verify(parts)
    return parts


def _refuse_section(source: TextLines, head: str, sections: Mapping[str, object], line: int) -> None:
    if head not in _SECTIONS:
        hint = nearest(head, _SECTIONS)
        raise source.refusal(
            f"{head[:40]}_SECTION is not read, and without it the problem is another; {hint}", line
        )
    if head in sections:
        raise source.refusal(f"{head}_SECTION stands there twice; remove one", line)


def _specification(
    source: TextLines,
    row: str,
    line: int,
    found: tuple[dict[str, str], dict[str, float], dict[str, int]],
) -> None:
    texts, numbers, where = found
    key, colon, value = (part.strip() for part in row.partition(":"))
    if not colon:
        raise source.refusal(
            f"{row[:40]!r} is neither 'KEY : value' nor the head of a section; this is no VRPLIB file", line
        )
    if key in where:
        raise source.refusal(f"{key} stands there twice; remove one", line)
    if key in _NUMBERS:
        numbers[key] = source.number(value, line, key)
    elif key in _TEXTS:
        texts[key] = value
    elif _is_number(value):
        raise source.refusal(
            f"{key[:40]} is not read, and the number may change the problem; remove the line where it does not",
            line,
        )
    where[key] = line


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _verify(parts: VrplibSections) -> None:
    """Refuse what is missing, counted wrongly or no number."""
    if "DIMENSION" not in parts.numbers:
        raise parts.refusal("DIMENSION is missing: how many nodes there are, the depot included")
    size = parts.numbers["DIMENSION"]
    if size != int(size) or not 2 <= size <= LARGEST_NODES:
        raise parts.refusal(
            f"{number_text(size, 6)} nodes; kanopt reads 2 to {LARGEST_NODES:,}, for which distances fit into memory",
            "DIMENSION",
        )
    for name, columns in _COLUMNS.items():
        if name in parts.sections:
            _verify_rows(parts, name, columns)
    for line, words in parts.sections.get("EDGE_WEIGHT", ()):
        parts.source.numbers(words, line, "EDGE_WEIGHT_SECTION")
    _verify_depot(parts)


def _verify_rows(parts: VrplibSections, name: str, columns: int) -> None:
    head, rows = f"{name}_SECTION", parts.sections[name]
    if len(rows) != parts.size:
        raise parts.refusal(
            f"{len(rows):,} rows, but DIMENSION says {parts.size:,}; the file is cut off or was edited", head
        )
    for node, (line, words) in enumerate(rows, start=1):
        if len(words) != columns + 1:
            raise parts.source.refusal(f"{head}: {len(words)} words where {columns + 1} are expected", line)
        if parts.source.number(words[0], line, head) != node:
            raise parts.source.refusal(
                f"{head}: node {words[0][:20]} where node {node} is expected; number the rows 1, 2, 3, …",
                line,
            )
        parts.source.numbers(words[1:], line, head)


def _verify_depot(parts: VrplibSections) -> None:
    head = "DEPOT_SECTION"
    if "DEPOT" not in parts.sections:
        raise parts.refusal(f"{head} is missing; the file is cut off, or names no depot")
    words = [(line, word) for line, row in parts.sections["DEPOT"] for word in row]
    depots = [parts.source.whole(word, line, head, least=-1) for line, word in words]
    nodes = [depot for depot in depots if depot != -1]
    if len(nodes) != 1 or nodes[0] != 1:
        raise parts.refusal(f"the depot must be node 1 and the only one, not {nodes[:5]}", head)


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
