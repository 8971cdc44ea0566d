"""``read_instance``: tell the formats apart, read, and find the best known objective beside the file."""

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
from kanopt.problems.routing.instances._planar import (
    InstanceNodes,
    check_convention,
    distance_problem,
    planar,
)
from kanopt.problems.routing.instances._text import LARGEST_NODES, TextLines, read_lines
from kanopt.problems.routing.instances.instance import POLLUTION, TDVRPTW, VRPTW, Instance
from kanopt.problems.routing.instances.pollution import is_pollution, read_pollution
from kanopt.problems.routing.instances.solution_files import read_solution
from kanopt.problems.routing.instances.vrplib_files import read_vrplib
from kanopt.problems.routing.problem import RoutingProblem
from kanopt.text import number_text

# Instances with travel times of a road network by the hour: ``.vrp.json`` beside ``.atf.json.gz``.


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
        A file of CVRPLIB (VRPLIB format, of type CVRP or VRPTW), of Solomon or Gehring and Homberger (``.txt``), of
        the pollution-routing problem (UK10_01 and its like), or a time-dependent ``.vrp.json`` beside its
        ``.atf.json.gz`` (Rifki2020 of MAMUT-routing). The format is told from the content.
    convention
        How distances come from coordinates: ``"round"``, to the nearest whole number; ``"dimacs"``, down to 0.1;
        ``"exact"``. Unless stated, as the field counts: CVRP rounded, time windows "dimacs" (where the
        objective is the distance alone; the other custom of the field, fewest vehicles first, goes with "exact").
        Files that hold the distances or travel times themselves have no choice.

    Returns
    -------
    Instance
        With the problem, and the cost of the ``.sol`` file (time-dependent: ``.bks.Duration.json``) of the same name
        where one lies beside it.

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
    numbers, from 1; the places of pollution-routing instances have names. What those pay is distance × (curb weight +
    load), and time-dependent instances pay the seconds between departure and return.

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
    dynamic = source.lines[0].startswith("{")
    if not dynamic and not is_pollution(source):
        raise source.refusal(
            "the content is of no format that is read: VRPLIB (NAME : …, DIMENSION : …), Solomon (second row VEHICLE), "
            "pollution routing (clients, weights, speeds), time-dependent (.vrp.json)"
        )
    if convention is not None:
        raise source.refusal(f"the file holds distances or travel times; leave convention={convention!r} out")
    if dynamic:
        name, problem = read_rifki(file)
        return name, TDVRPTW, problem, "given"
    return file.stem, POLLUTION, read_pollution(source), "given"


def best_known_file(path: Path) -> Path | None:
    """Return the best known solution that lies beside an instance; None where there is none."""
    try:
        beside = best_known_json(path) if path.name.endswith(".vrp.json") else path.with_suffix(".sol")
        return beside if beside.is_file() else None
    except (OSError, ValueError):  # the name is too long with this ending, or a folder has none
        return None


def _is_vrplib(source: TextLines) -> bool:
    keys = {row.partition(":")[0].strip() for row in source.lines[:50]}
    return bool(keys & {"DIMENSION", "CAPACITY", "EDGE_WEIGHT_TYPE"})


def _printable(name: str) -> str:
    """Return a name without control signs, which could move the cursor of a terminal, and of bearable length."""
    return "".join(sign for sign in name if sign.isprintable())[:80]
