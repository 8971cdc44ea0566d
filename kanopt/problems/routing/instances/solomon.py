"""Instances with time windows as Solomon (1987) and Gehring and Homberger (1999) published them."""

from __future__ import annotations

import numpy as np

from kanopt.problems.routing.instances._planar import InstanceNodes, distance_problem, planar
from kanopt.problems.routing.instances._text import LARGEST_NODES, TextLines
from kanopt.problems.routing.problem import RoutingProblem
from kanopt.text import number_text

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
