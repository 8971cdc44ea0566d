"""Published instances that a law prices: travel times by the clock (Rifki et al.), and pollution routing."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np

import kanopt as ko
from kanopt import refs, routing
from kanopt.formulas import Variable, parse_formula
from kanopt.routing.arrival_functions import ArrivalFunctions
from kanopt.routing.instances import Instance, Solution, read_solution

RIFKI = ".vrp.json"
# coordinates are for maps only: a layout of travel times, not of lengths
_BY_CLOCK = routing.RoutingUnits(distance="unit", time="s", load="unit", money="s")
_BY_LOAD = routing.RoutingUnits(distance="m", time="s", load="kg", money="kg*m")


def read_any(path: Path) -> Instance:
    """Read an instance of any set of the benchmarks."""
    if path.name.endswith(RIFKI):
        return read_rifki(path)
    return read_pollution(path) if _is_pollution(path) else ko.read_instance(path)


def best_known(path: Path) -> Path:
    """Return where the best known solution of an instance lies, if it lies anywhere."""
    if path.name.endswith(RIFKI):
        return path.with_name(f"{path.name.removesuffix(RIFKI)}.bks.Duration.json")
    return path.with_suffix(".sol")


def read_best_known(path: Path) -> tuple[Solution, list[float]]:
    """Read a solution file of CVRPLIB, or a best known solution of MAMUT-routing, which says when routes leave."""
    if path.suffix != ".json":
        return read_solution(path), []
    data = json.loads(path.read_text("utf-8"))
    assert data["objective_function"] == "Duration"
    leaves = data.get("metadata", {}).get("route_departure_times", [])
    return Solution(tuple(map(tuple, data["routes"])), float(data["cost"])), leaves


def read_rifki(path: Path) -> Instance:
    """Read a time-dependent instance of MAMUT-routing: ``.vrp.json`` beside its ``.atf.json.gz``."""
    head = json.loads(path.read_text("utf-8"))
    size = head["num_customers"] + 1
    content = gzip.decompress((path.parent / Path(head["td"]["atf_path"]).name).read_bytes())
    assert hashlib.sha256(content).hexdigest() == head["td"]["atf_sha256"]
    functions = {
        (tail, head): (np.array(leave, dtype=float), np.array(arrive, dtype=float))
        for tail, head, leave, arrive in json.loads(content)["arcs"]
    }
    (opens, closes), (x, y) = np.transpose(head["time_windows"]), np.transpose(head["coordinates"])
    clients = [
        routing.Client(
            str(place),
            float(x[place]),
            float(y[place]),
            demand=float(head["demands"][place]),
            service_duration=float(head["service_times"][place]),
            earliest=float(opens[place]),
            latest=float(closes[place]),
        )
        for place in range(1, size)
    ]
    vehicle = routing.VehicleType(
        "vehicle",
        num_available=head["num_vehicles"],
        capacity=float(head["vehicle_capacity"]),
        unit_duration_cost=1.0,
        shift_start=max(float(opens[0]), float(head["horizon"][0])),
        shift_end=min(float(closes[0]), float(head["horizon"][1])),
    )
    law = ArrivalFunctions.of(functions, size, time="s")
    depot = routing.Depot("depot", float(x[0]), float(y[0]))
    problem = ko.RoutingProblem([depot], clients, [vehicle], {}, law, units=_BY_CLOCK)
    beside = best_known(path)
    best = read_best_known(beside)[0].cost if beside.is_file() else None
    return Instance(head["instance_name"], "tdvrptw", problem, "given", best, path)


def _is_pollution(path: Path) -> bool:
    rows = [row.split() for row in path.read_text("latin-1").splitlines() if row.strip()]
    return [len(words) for words in rows[:3]] == [1, 2, 2] and rows[0][0].isdecimal()


def read_pollution(path: Path) -> Instance:
    """Read a pollution-routing instance between places in the United Kingdom (Demir, Bektaş and Laporte 2012).

    Notes
    -----
    The file holds the number of clients; curb weight and payload in kg; the least and the highest speed in km/h;
    distances in metres; for each place its number and name, demand in kg, window and service time in seconds.
    A leg costs distance × (curb weight + load): the part of the energy that the plan moves (the first term of the
    fuel consumption of Barth, Younglove and Scora 2005, "Development of a heavy-duty diesel modal emissions and fuel
    consumption model"). Everybody drives at the highest speed.
    """
    rows = [row.split() for row in path.read_text("latin-1").splitlines() if row.strip()]
    size = int(rows[0][0]) + 1
    empty_weight, payload = map(float, rows[1])
    metres = np.array(rows[3 : 3 + size], dtype=float)
    np.fill_diagonal(metres, 0.0)
    places = rows[3 + size :]
    demand, earliest, latest, service = np.array([words[-4:] for words in places], dtype=float).T
    names = [f"{' '.join(words[1:-4]).replace('_', ' ')} ({words[0]})" for words in places]
    clients = [
        routing.Client(
            names[place],
            demand=float(demand[place]),
            earliest=float(earliest[place]),
            latest=float(latest[place]),
            service_duration=float(service[place]),
        )
        for place in range(1, size)
    ]
    # a fleet that is no limit
    vehicle = routing.VehicleType(
        "vehicle", size - 1, payload, shift_start=float(earliest[0]), shift_end=float(latest[0])
    )
    inputs = [Variable("distance", "m"), Variable("load", "kg")]
    law = parse_formula(f"distance * ({empty_weight!r} + load)", inputs, Variable("cost", "kg*m"), per="leg")
    cost = {"energy": law.bind(distance=refs.arc.distance, load=refs.state.load)}
    seconds = metres / (float(rows[2][1]) / 3.6)
    depot = routing.Depot(names[0])
    problem = ko.RoutingProblem([depot], clients, [vehicle], cost, seconds, metres, _BY_LOAD)
    beside = best_known(path)
    best = read_solution(beside).cost if beside.is_file() else None
    return Instance(path.stem, "pollution", problem, "given", best, path)
