"""Instances with travel times of a road network by the hour: ``.vrp.json`` beside ``.atf.json.gz``."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from kanopt.errors import FileFormatError, ProblemError
from kanopt.files import require_path
from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.problems.routing.instances._json import JsonObject, as_numbers, load_json, read_bytes
from kanopt.problems.routing.problem import RoutingProblem
from kanopt.text import number_text

_ENDING = ".vrp.json"
_MOST_CLIENTS = 1_000
_FORMAT, _VERSION = "mamut-td-atf", 1
# coordinates are for maps only: a layout of travel times, not of lengths
_UNITS = RoutingUnits(distance="unit", time="s", load="unit", money="s")


def read_rifki(path: Path) -> tuple[str, RoutingProblem]:
    """Read a time-dependent instance; see :func:`kanopt.problems.routing.instances.read_instance`.

    Returns
    -------
    tuple
        Name and problem.

    Raises
    ------
    FileFormatError
        Naming file and key, for anything that is not as the format has it, and where the arrival functions are not
        those that the instance was made with (by their SHA-256).
    """
    head = load_json(read_bytes(path), path)
    clients = head.whole("num_customers", 1, _MOST_CLIENTS)
    size = clients + 1
    head.whole("depot", 0, 0)
    windows = head.numbers("time_windows", (size, 2))
    demand, service = head.numbers("demands", (size,)), head.numbers("service_times", (size,))
    points = head.numbers("coordinates", (size, 2))
    capacity, horizon = head.number("vehicle_capacity"), head.numbers("horizon", (2,))
    count = head.whole("num_vehicles", 1, _MOST_CLIENTS)
    _verify(head, windows, demand, service, capacity)
    law = _arrivals(path, head.inner("td"), size)
    (x, y), (opens, closes) = points.T.tolist(), windows.T.tolist()
    people = [
        Client(
            str(place),
            x[place],
            y[place],
            demand=float(demand[place]),
            service_duration=float(service[place]),
            earliest=opens[place],
            latest=closes[place],
        )
        for place in range(1, size)
    ]
    vehicle = VehicleType(
        "vehicle",
        num_available=count,
        capacity=capacity,
        unit_duration_cost=1.0,
        shift_start=max(opens[0], float(horizon[0])),
        shift_end=min(closes[0], float(horizon[1])),
    )
    name = head.text("instance_name")
    return name, RoutingProblem([Depot("depot", x[0], y[0])], people, [vehicle], {}, law, units=_UNITS)


def _verify(head: JsonObject, windows: Any, demand: Any, service: Any, capacity: float) -> None:
    """Refuse what contradicts itself."""
    for key, values in (("demands", demand), ("service_times", service)):
        if (values < 0).any():
            raise head.refusal(key, f"node {int(np.argmax(values < 0))} has a negative one")
    wrong = np.flatnonzero(windows[:, 0] > windows[:, 1])
    if wrong.size:
        raise head.refusal("time_windows", f"that of node {wrong[0]} closes before it opens")
    if demand.max() > capacity:
        node, most = int(np.argmax(demand)), number_text(capacity, 6)
        raise head.refusal("demands", f"node {node} demands more than any vehicle carries ({most})")
    if demand[0] or service[0]:
        raise head.refusal("demands" if demand[0] else "service_times", "the depot, node 0, must have 0")


def _arrivals(path: Path, block: JsonObject, size: int) -> ArrivalFunctions:
    """Read the arrival functions that lie beside an instance."""
    name = block.text("atf_path")
    if Path(name).name != name or name in ("", ".", ".."):
        raise block.refusal(
            "atf_path", f"{name[:80]!r} must be the name of a file in the folder of the instance"
        )
    beside = path.parent / name
    try:
        require_path(beside)
    except FileFormatError as error:
        raise block.refusal("atf_path", str(error)) from None
    content = read_bytes(beside)
    if hashlib.sha256(content).hexdigest() != block.text("atf_sha256").lower():
        raise block.refusal(
            "atf_sha256", f"{beside} is another file than the instance was made with; get both anew"
        )
    sidecar = load_json(content, beside)
    if sidecar.get("format") != _FORMAT or sidecar.get("format_version") != _VERSION:
        raise sidecar.refusal("format", f"must be {_FORMAT!r}, version {_VERSION}")
    arcs = sidecar.get("arcs")
    if not isinstance(arcs, list) or len(arcs) != size * (size - 1):
        found = f"{len(arcs):,}" if isinstance(arcs, list) else "no"
        raise sidecar.refusal("arcs", f"{found} functions, but {size} nodes have {size * (size - 1):,} arcs")
    functions = {}
    for place, row in enumerate(arcs):
        where = f"arcs[{place}]"
        if not isinstance(row, list) or len(row) != 4 or not all(isinstance(node, int) for node in row[:2]):
            raise sidecar.refusal(where, "must be from, to, times of leaving, times of arriving")
        if (row[0], row[1]) in functions:
            raise sidecar.refusal(where, f"the arc {row[0]} → {row[1]} stands there twice")
        leave, arrive = as_numbers(row[2]), as_numbers(row[3])
        if leave is None or arrive is None:
            raise sidecar.refusal(where, "must have lists of numbers")
        functions[row[0], row[1]] = leave, arrive
    try:
        return ArrivalFunctions.of(functions, size, time="s")
    except ProblemError as error:
        raise sidecar.refusal("arcs", str(error)) from None


def best_known_json(path: Path) -> Path:
    """Return where the best known solution of an instance lies, if it lies anywhere.

    Examples
    --------
    >>> best_known_json(Path("Rifki-1.vrp.json")).name
    'Rifki-1.bks.Duration.json'
    """
    return path.with_name(f"{path.name.removesuffix(_ENDING)}.bks.Duration.json")
