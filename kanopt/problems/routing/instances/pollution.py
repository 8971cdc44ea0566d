"""Pollution-routing instances between places in the United Kingdom (Demir, Bektaş and Laporte 2012)."""

from __future__ import annotations

from typing import Any

import numpy as np

from kanopt.formulas import Variable, parse_formula
from kanopt.problems.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.problems.routing.instances._planar import enough_vehicles
from kanopt.problems.routing.instances._text import TextLines
from kanopt.problems.routing.problem import RoutingProblem
from kanopt.refs import arc, state
from kanopt.text import number_text

_MOST_CLIENTS = 1_000
_UNITS = RoutingUnits(distance="m", time="s", load="kg", money="kg*m")
_COLUMNS = ("demand", "earliest", "latest", "service_duration")

NumberedRows = list[tuple[int, list[str]]]


def is_pollution(source: TextLines) -> bool:
    """Say whether the first three rows with anything in them are one, two and two words, the first a whole number."""
    filled = [row.split() for row in source.lines[:50] if row]
    return [len(words) for words in filled[:3]] == [1, 2, 2] and filled[0][0].isdecimal()


def read_pollution(source: TextLines) -> RoutingProblem:
    """Read a pollution-routing instance; see :func:`kanopt.problems.routing.instances.read_instance`.

    Raises
    ------
    FileFormatError
        Naming file and line, for anything that is not as the format has it.

    Notes
    -----
    The file holds the number of clients; curb weight and payload in kg; the least and the highest speed in km/h;
    distances in metres; for each place its number and name, demand in kg, window and service time in seconds.
    A leg costs distance × (curb weight + load): the part of the energy that the plan moves (the first term of the
    fuel consumption of Barth, Younglove and Scora 2005, "Development of a heavy-duty diesel modal emissions and fuel
    consumption model"). Everybody drives at the highest speed.
    """
    rows: NumberedRows = [(line, row.split()) for line, row in enumerate(source.lines, start=1) if row]
    if len(rows) < 3:
        raise source.refusal("the file is cut off: number of clients, weights and speeds are expected")
    size = source.whole(rows[0][1][0], rows[0][0], "number of clients", least=1) + 1
    if size - 1 > _MOST_CLIENTS:
        raise source.refusal(f"{size - 1:,} clients; kanopt reads at most {_MOST_CLIENTS:,}", rows[0][0])
    empty_weight, payload = source.numbers(rows[1][1], rows[1][0], "weights")
    slow, fast = source.numbers(rows[2][1], rows[2][0], "speeds")
    if empty_weight < 0 or payload <= 0 or not 0 < slow <= fast:
        raise source.refusal(
            "curb weight, payload and speeds must be positive, the lower speed first", rows[2][0]
        )
    if len(rows) != 3 + 2 * size:
        raise source.refusal(
            f"{len(rows) - 3} rows of distances and places where {2 * size} are expected; the file is cut off or edited"
        )
    metres = _distances(source, rows[3 : 3 + size])
    names, table = _places(source, rows[3 + size :], payload)
    seconds = metres / (fast / 3.6)
    clients = [
        Client(name, **dict(zip(_COLUMNS, values, strict=True)))
        for name, values in zip(names[1:], table[1:].tolist(), strict=True)
    ]
    vehicle = VehicleType(
        "vehicle",
        num_available=enough_vehicles(table[1:, 0], payload, 0),
        capacity=payload,
        shift_start=float(table[0, 1]),
        shift_end=float(table[0, 2]),
    )
    inputs = [Variable("distance", "m"), Variable("load", "kg")]
    law = parse_formula(f"distance * ({empty_weight!r} + load)", inputs, Variable("cost", "kg*m"), per="leg")
    cost = {"energy": law.bind(distance=arc.distance, load=state.load)}
    return RoutingProblem([Depot(names[0])], clients, [vehicle], cost, seconds, metres, _UNITS)


def _distances(source: TextLines, rows: NumberedRows) -> Any:
    """Return the distances in metres; shape (n, n)."""
    metres = np.zeros((len(rows), len(rows)))
    for place, (line, words) in enumerate(rows):
        if len(words) != len(rows):
            raise source.refusal(f"{len(words)} distances where {len(rows)} are expected", line)
        metres[place] = source.numbers(words, line, "distance")
        if metres[place].min() < 0:
            least = number_text(metres[place].min(), 6)
            raise source.refusal(f"distance: {least} is negative", line)
    np.fill_diagonal(metres, 0.0)
    return metres


def _places(source: TextLines, rows: NumberedRows, payload: float) -> tuple[list[str], Any]:
    """Return the names of the places and their numbers, depot first; shape (n, 4)."""
    names, table = [], np.zeros((len(rows), len(_COLUMNS)))
    for place, (line, words) in enumerate(rows):
        if len(words) < 6:
            raise source.refusal(
                f"{len(words)} words where number, name, {', '.join(_COLUMNS)} are expected", line
            )
        if words[0] != str(place):
            raise source.refusal(
                f"place {words[0][:20]} where {place} is expected; number the rows 0, 1, …", line
            )
        demand, earliest, latest, service = source.numbers(words[-4:], line, "place")
        if demand < 0 or service < 0:
            raise source.refusal("demand and service must be at least 0", line)
        if demand > payload or (place == 0 and demand):
            most = f"more than any vehicle carries ({number_text(payload, 6)})"
            why = most if place else "but the depot demands nothing"
            raise source.refusal(f"demand: {number_text(demand, 6)}, {why}", line)
        if earliest > latest:
            closes, opens = number_text(latest, 6), number_text(earliest, 6)
            raise source.refusal(f"the window closes ({closes}) before it opens ({opens})", line)
        names.append(" ".join(words[1:-4]).replace("_", " "))
        table[place] = demand, earliest, latest, service
    twice = {name for name in names if names.count(name) > 1}
    return [f"{name} ({place})" if name in twice else name for place, name in enumerate(names)], table
