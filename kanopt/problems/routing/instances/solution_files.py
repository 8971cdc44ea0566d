"""Solution files: routes by number of the client, and what they cost."""

from __future__ import annotations

import re
from pathlib import Path

from kanopt.problems.routing.instances._json import load_json, read_bytes
from kanopt.problems.routing.instances._text import TextLines, read_lines
from kanopt.problems.routing.instances.solution import Solution

_ROUTE = re.compile(r"route\s*#?\s*\d+\s*:\s*(.*)", re.IGNORECASE)
_COST = re.compile(r"cost\s*:?\s*(\S+)", re.IGNORECASE)


def read_solution(path: Path | str) -> Solution:
    """Read a solution file of CVRPLIB: lines ``Route #1: 4 7 2`` and ``Cost 827.3``; other lines are remarks.

    A file that ends in ``.json`` is read as a best known solution of MAMUT-routing.

    Raises
    ------
    FileFormatError
        If the file holds no route, or a route or the cost is not made of numbers; names file and line or key.
    """
    file = Path(path)
    if file.suffix == ".json":
        return _from_json(file)
    text = read_lines(file)
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


def _from_json(path: Path) -> Solution:
    """Read routes, cost and, where they are stated, departures."""
    data = load_json(read_bytes(path), path)
    if data.text("objective_function") != "Duration":
        raise data.refusal(
            "objective_function", "must be 'Duration', the total time between departure and return"
        )
    routes = data.get("routes")
    good = isinstance(routes, list) and all(
        isinstance(route, list) and all(isinstance(node, int) and node > 0 for node in route)
        for route in routes
    )
    if not good:
        raise data.refusal("routes", "must be lists of clients, counted from 1")
    departures: tuple[float, ...] = ()
    if "metadata" in data.data and "route_departure_times" in data.inner("metadata").data:
        found = data.inner("metadata").numbers("route_departure_times", (len(routes),))
        departures = tuple(found.tolist())
    return Solution(tuple(map(tuple, routes)), data.number("cost"), departures)
