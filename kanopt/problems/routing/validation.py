"""Mistakes in the data of a routing problem, every one of a kind at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kanopt.errors import ProblemError, nearest
from kanopt.problems.routing.data import Floats
from kanopt.problems.routing.entities import Client, Depot, VehicleType, split_label, split_list
from kanopt.problems.routing.policy import RoutingPolicy
from kanopt.problems.routing.windows import parse_breaks, parse_windows
from kanopt.problems.wording import list_names

__all__ = ["check_entities", "check_text_fields", "read_matrix"]

_MOST = 20  # reloads: each is a stop of its own for every vehicle


def check_entities(
    depots: Sequence[Depot], clients: Sequence[Client], vehicles: Sequence[VehicleType]
) -> None:
    """Refuse data that contradict themselves.

    Raises
    ------
    ProblemError
        With one line for each kind of mistake and the names concerned.
    """
    mistakes = [
        *_names(depots, clients, vehicles),
        *_clients(clients),
        *_vehicles(vehicles, {depot.name for depot in depots}),
        *_sources(clients),
    ]
    if mistakes:
        raise ProblemError("\n".join(mistakes))


def _names(
    depots: Sequence[Depot], clients: Sequence[Client], vehicles: Sequence[VehicleType]
) -> Iterable[str]:
    if not depots:
        yield "depots: there is none"
    if not vehicles:
        yield "vehicles: there is no type"
    counts = Counter([*(depot.name for depot in depots), *(client.name for client in clients)])
    again = [name for name, count in counts.items() if count > 1]
    if again:
        yield f"depots and clients: {list_names(again)} appears more than once; names must be unique"


def _mistake_line(where: str, wrong: Sequence[str], what: str) -> Iterable[str]:
    if wrong:
        yield f"{where} {list_names(wrong)}: {what}"


def _clients(clients: Sequence[Client]) -> Iterable[str]:
    at_least_0 = "must be a number of at least 0"
    for field in ("demand", "pickup", "service"):
        wrong = [client.name for client in clients if not 0 <= getattr(client, field) < np.inf]
        yield from _mistake_line("clients", wrong, f"{field} {at_least_0}")
    wrong = [c.name for c in clients if not 0 <= (c.cost_per_lateness or 0.0) < np.inf]
    yield from _mistake_line(
        "clients", wrong, f"cost_per_lateness {at_least_0}, or left out where it must not be late"
    )
    wrong = [c.name for c in clients if c.windows and (c.earliest, c.latest) != (0.0, np.inf)]
    yield from _mistake_line("clients", wrong, "give either windows, or earliest and latest")
    wrong = [c.name for c in clients if c.prize is not None and not 0 <= c.prize < np.inf]
    yield from _mistake_line(
        "clients", wrong, f"prize {at_least_0}, or left out for a client that must be served"
    )
    wrong = [client.name for client in clients if not np.isfinite(client.earliest)]
    yield from _mistake_line("clients", wrong, "earliest must be a clock time")
    late = [client for client in clients if client.earliest > client.latest or np.isnan(client.latest)]
    if late:
        shown = ", ".join(f"{c.name!r} ({c.earliest:g} to {c.latest:g})" for c in late[:5])
        more = f" and {len(late) - 5} more" if len(late) > 5 else ""
        yield f"clients {shown}{more}: the window closes before it opens"


def _vehicles(vehicles: Sequence[VehicleType], depots: set[str]) -> Iterable[str]:
    limits = ("capacity", "max_distance", "max_duration", "regular_time")
    prices = ("fixed_cost", "cost_per_distance", "cost_per_time", "cost_per_overtime")
    for field in (*limits, *prices, "reload_time"):
        most = np.inf if field in limits else np.finfo(float).max
        wrong = [vehicle.name for vehicle in vehicles if not 0 <= getattr(vehicle, field) <= most]
        yield from _mistake_line("vehicles", wrong, f"{field} must be a number of at least 0")
    wrong = [
        v.name for v in vehicles if not (isinstance(v.reloads, int | np.integer) and 0 <= v.reloads <= _MOST)
    ]
    yield from _mistake_line("vehicles", wrong, f"reloads must be a whole number from 0 to {_MOST}")
    counts: dict[str, object] = {vehicle.name: vehicle.count for vehicle in vehicles}
    wrong = [
        name for name, count in counts.items() if not (isinstance(count, int | np.integer) and count >= 0)
    ]
    yield from _mistake_line("vehicles", wrong, "count must be a whole number of at least 0")
    wrong = [
        vehicle.name
        for vehicle in vehicles
        if not np.isfinite(vehicle.shift_start) or not vehicle.shift_end >= vehicle.shift_start
    ]
    yield from _mistake_line("vehicles", wrong, "the shift ends before it starts")
    for vehicle in vehicles:
        if vehicle.depot is None and len(depots) > 1:
            yield f"vehicle {vehicle.name!r}: say which depot it belongs to; {nearest('', depots)}"
        elif vehicle.depot is not None and vehicle.depot not in depots:
            yield f"vehicle {vehicle.name!r}: unknown depot {vehicle.depot!r}; {nearest(vehicle.depot, depots)}"


def _sources(clients: Sequence[Client]) -> Iterable[str]:
    """Tell of sources that are no clients, or have a source themselves."""
    known = {client.name: client for client in clients}
    for client in clients:
        if client.source and client.source not in known:
            hint = nearest(client.source, known)
            yield f"client {client.name!r}: its source {client.source!r} is no client; {hint}"
        elif client.source == client.name:
            yield f"client {client.name!r}: is its own source"
        elif client.source and known[client.source].source:
            yield f"client {client.name!r}: its source {client.source!r} has a source itself"


def check_text_fields(
    clients: Sequence[Client], vehicles: Sequence[VehicleType], policy: RoutingPolicy, time: str
) -> None:
    """Refuse words that name nothing, and windows, breaks and rules that cannot be read.

    Raises
    ------
    ProblemError
        With one line for each mistake.
    """
    mistakes = [
        *_skills(clients, vehicles),
        *_clocks(clients, vehicles, time),
        *_policy(clients, vehicles, policy),
    ]
    if mistakes:
        raise ProblemError("\n".join(mistakes))


def _clocks(clients: Sequence[Client], vehicles: Sequence[VehicleType], time: str) -> Iterable[str]:
    for client in clients:
        try:
            parse_windows(client.windows, time)
        except ProblemError as error:
            yield f"client {client.name!r}: windows: {error}"
    for vehicle in vehicles:
        try:
            parse_breaks(vehicle.breaks, time)
        except ProblemError as error:
            yield f"vehicle {vehicle.name!r}: breaks: {error}"


def _policy(
    clients: Sequence[Client], vehicles: Sequence[VehicleType], policy: RoutingPolicy
) -> Iterable[str]:
    if not 0 <= policy.cost_of_longest < np.inf:
        yield f"policy: cost_of_longest = {policy.cost_of_longest!r} must be a number of at least 0"
    goods = sorted(frozenset().union(*(split_list(client.goods) for client in clients)))
    pairs: Sequence[Sequence[str]] = policy.apart
    for pair in pairs:
        if len(pair) != 2:
            yield f"policy: apart = {pair!r} is no pair of goods"
            continue
        both = [client.name for client in clients if set(pair) <= split_list(client.goods)]
        if both and pair[0] != pair[1]:
            yield f"policy: apart = {pair!r} cannot be kept apart: clients {list_names(both)} have both"
        for word in pair:
            # goods that nobody has today are no mistake, but a word near one that somebody has is
            hint = nearest(word, goods) if word not in goods else ""
            if hint.startswith("did you mean"):
                yield f"policy: apart names {word!r}, which no client has; {hint}"
    names, types = [client.name for client in clients], [vehicle.name for vehicle in vehicles]
    seen: set[str] = set()
    for label, pinned in policy.pinned.items():
        name, index = split_label(label, types)
        vehicle = next((vehicle for vehicle in vehicles if vehicle.name == name), None)
        if vehicle is None:
            yield f"policy: pinned names the vehicle {label!r}; {nearest(name, types)}"
        elif label == name and vehicle.count > 1:
            yield (
                f"policy: pinned names the type {label!r}; say which of its {vehicle.count} vehicles, as '{name} 1', "
                f"or use the clients' field vehicles"
            )
        elif not 1 <= index <= vehicle.count:
            yield f"policy: pinned names {label!r}, but there are {vehicle.count} vehicles of type {name!r}"
        for client in pinned:
            if client not in names:
                yield f"policy: pinned names the client {client!r}; {nearest(client, names)}"
            elif client in seen:
                yield f"policy: client {client!r} is pinned to two vehicles"
            seen.add(client)


def _skills(clients: Sequence[Client], vehicles: Sequence[VehicleType]) -> Iterable[str]:
    """Skills that no vehicle has, and vehicle types that do not exist."""
    named = dict.fromkeys(word for client in clients for word in sorted(split_list(client.vehicles)))
    types = [vehicle.name for vehicle in vehicles]
    for word in named:
        if word not in types:
            wrong = [client.name for client in clients if word in split_list(client.vehicles)]
            yield f"clients {list_names(wrong)}: unknown vehicle type {word!r}; {nearest(word, types)}"
    known = sorted(frozenset().union(*(split_list(vehicle.skills) for vehicle in vehicles)))
    needed = dict.fromkeys(word for client in clients for word in sorted(split_list(client.needs)))
    for word in needed:
        if word not in known:
            wrong = [client.name for client in clients if word in split_list(client.needs)]
            hint = nearest(word, known) if known else "no vehicle has any skills"
            yield f"clients {list_names(wrong)}: no vehicle has the skill {word!r}; {hint}"


def read_matrix(values: Any, names: Sequence[str], what: str) -> Floats:
    """Read a matrix over the nodes; infinite entries mean that there is no road.

    Parameters
    ----------
    values
        Array of shape (n, n) in the order depots, then clients; or a frame whose index and columns are their names,
        in any order.
    names
        The names of the nodes.
    what
        What the matrix is called in messages.

    Raises
    ------
    ProblemError
        If the shape is wrong, a name is missing, or entries are negative or not numbers; names the arcs.
    """
    if isinstance(values, pd.DataFrame):
        missing = [name for name in names if name not in values.index or name not in values.columns]
        if missing:
            raise ProblemError(f"{what}: no row and column for {list_names(missing)}")
        values = values.loc[list(names), list(names)]
    try:
        matrix = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ProblemError(f"{what}: not a matrix of numbers: {error}") from error
    if matrix.shape != (len(names), len(names)):
        raise ProblemError(
            f"{what}: shape {matrix.shape}, but there are {len(names)} depots and clients; "
            f"give ({len(names)}, {len(names)}) in the order depots, then clients"
        )
    for wrong, mistake in ((np.isnan(matrix), "not a number"), (matrix < 0, "negative")):
        places = np.argwhere(wrong)
        if len(places):
            shown = ", ".join(f"{names[a]} → {names[b]} ({matrix[a, b]:g})" for a, b in places[:5])
            more = f" and {len(places) - 5} more" if len(places) > 5 else ""
            raise ProblemError(f"{what}: {mistake}: {shown}{more}")
    return matrix
