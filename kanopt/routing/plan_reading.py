"""A plan that a user already has: routes, frames, mappings or lists, read and verified."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pandas as pd

from kanopt.errors import ProblemError, nearest
from kanopt.records.fields import clock_value, unstated_times
from kanopt.routing.arrays import RoutingData
from kanopt.routing.entities import VehicleType, split_label
from kanopt.routing.plan import Route, RoutingPlan
from kanopt.tables import units_of
from kanopt.units import convert

Value = TypeVar("Value")


def read_plan(decision: Any, data: RoutingData, what: str = "plan") -> RoutingPlan:
    """Read a plan from routes, a frame, a mapping or lists, and verify its names; `what` it is called in messages.

    Raises
    ------
    ProblemError
        With every vehicle type, client or depot that the problem does not know, and every departure that is no time.
    """
    routes = tuple(route for route in map(_without_empty_trips, _routes(decision, data)) if route.clients)
    if mistakes := list(_mistakes(routes, data)):
        raise ProblemError("\n".join(f"{what}: {mistake}" for mistake in mistakes))
    served = {client for route in routes for client in route.clients}
    plan = RoutingPlan(routes, tuple(one.name for one in data.clients if one.name not in served))
    # what is known of a plan is known of this object
    return decision if isinstance(decision, RoutingPlan) and decision == plan else plan


def _mistakes(routes: Sequence[Route], data: RoutingData) -> Iterator[str]:
    """Yield the names of routes that the problem does not know, and departures that are no time."""
    known, depots = dict.fromkeys(client.name for client in data.clients), {one.name for one in data.depots}
    for place, route in enumerate(routes, start=1):
        where = f"route {place} ({route.label})"
        if route.vehicle not in data.type_index:
            hint = nearest(route.vehicle, data.type_index)
            yield f"route {place}: unknown vehicle type {route.vehicle!r}; {hint}"
        elif route.depot not in depots:
            yield f"{where}: unknown depot {route.depot!r}; {nearest(route.depot, depots)}"
        for client in route.clients:
            if client not in known and client != route.depot:
                yield f"{where}: unknown client {client!r}; {nearest(client, known)}"
        if route.departure is not None and math.isinf(route.departure):
            yield f"{where}: departure {route.departure} is not a clock time"


def _without_empty_trips(route: Route) -> Route:
    """Drop returns to the depot between which nobody is served; who is locked in on one is on its way to the end."""
    places = [
        place
        for place, (before, stop) in enumerate(
            zip((route.depot, *route.clients), route.clients, strict=False)
        )
        if stop != route.depot or before != route.depot
    ]
    end = len(places) > 0 and route.clients[places[-1]] == route.depot
    if len(places) - end == len(route.clients):
        return route
    locked = sum(place < route.locked for place in places) + max(0, route.locked - len(route.clients))
    stops = tuple(route.clients[place] for place in places[: len(places) - end])
    return replace(route, clients=stops, locked=min(locked, len(stops) + 1))


def _routes(decision: Any, data: RoutingData) -> Iterable[Route]:
    depot_of = data.depot_of
    if isinstance(decision, RoutingPlan):
        return decision.routes
    if isinstance(decision, pd.DataFrame):
        return _from_frame(decision, depot_of, data.units.time)
    if isinstance(decision, Mapping):
        return [
            _route(label, clients, depot_of, place)
            for place, (label, clients) in enumerate(decision.items(), start=1)
        ]
    if isinstance(decision, Sequence) and not isinstance(decision, str):
        if all(isinstance(route, Route) for route in decision):
            return tuple(decision)
        return _from_lists(decision, data.vehicles, depot_of)
    raise ProblemError(
        f"a routing plan is a RoutingPlan, a DataFrame, a mapping of vehicle to clients or a list of lists of "
        f"clients, not {type(decision).__name__}"
    )


def _from_lists(
    decision: Sequence[Any], vehicles: Sequence[VehicleType], depot_of: Mapping[str, str]
) -> list[Route]:
    """Give the lists to the vehicles in their order."""
    labels = [(vehicle.name, index) for vehicle in vehicles for index in range(1, vehicle.num_available + 1)]
    if len(decision) > len(labels):
        raise ProblemError(f"the plan has {len(decision)} routes, but there are only {len(labels)} vehicles")
    return [
        Route(name, index, depot_of[name], _names(clients, f"{name} {index}"))
        for (name, index), clients in zip(labels, decision, strict=False)
    ]


def _route(label: Any, clients: Any, depot_of: Mapping[str, str], place: int) -> Route:
    """Read ``"van 2": ["c1", "c4"]`` or ``("van", 2): […]``; a bare type name means its first vehicle."""
    if isinstance(label, tuple) and len(label) == 2:
        name, index = str(label[0]), int(label[1])
    else:
        name, index = split_label(str(label), depot_of)
    return Route(name, index, depot_of.get(name, ""), _names(clients, f"route {place}"))


def _names(clients: Any, where: str) -> tuple[str, ...]:
    if isinstance(clients, str) or not isinstance(clients, Iterable):
        raise ProblemError(f"plan: {where}: give a list of client names, not {clients!r}")
    return tuple(str(client) for client in clients)


def _from_frame(frame: pd.DataFrame, depot_of: Mapping[str, str], time: str) -> list[Route]:
    """Read one row per stop; ``index``, ``depot``, ``departure`` and ``locked`` may be missing."""
    unit = units_of(frame).get("departure", time)
    missing = [name for name in ("vehicle", "stop", "client") if name not in frame.columns]
    if missing:
        hints = "; ".join(
            f"{name!r} is missing, {nearest(name, map(str, frame.columns))}" for name in missing
        )
        raise ProblemError(f"plan: a table of stops has the columns vehicle, stop and client: {hints}")
    rows = frame[frame["vehicle"].notna()].copy()
    if rows[["stop", "client"]].isna().any().any():
        raise ProblemError("plan: a row with a vehicle needs a stop and a client")
    rows["vehicle"] = rows["vehicle"].astype(str)
    if "index" in rows.columns:
        rows["index"] = rows["index"].fillna(1).astype(int)
    else:
        rows[["vehicle", "index"]] = [split_label(label, depot_of) for label in rows["vehicle"]]
    rows["stop"] = pd.to_numeric(rows["stop"], errors="coerce")
    if rows["stop"].isna().any():
        raise ProblemError("plan: 'stop' is the number of the stop on its route")
    routes = []
    for (name, index), part in rows.sort_values("stop", kind="stable").groupby(
        ["vehicle", "index"], sort=False
    ):
        depot = _one_value(part, "depot", str) or depot_of.get(str(name), "")
        leaves = _one_value(part, "departure", lambda given: _parse_departure(given, unit, time))
        stops = tuple(part["client"].astype(str))
        routes.append(Route(str(name), int(str(index)), depot, stops, leaves, _parse_locked(part)))
    return routes


def _one_value(stops: pd.DataFrame, column: str, read: Callable[[Any], Value]) -> Value | None:
    """Return what the rows of a route say in a column, None where they say nothing; they may not say unlike things."""
    given = stops[column].dropna().tolist() if column in stops.columns else list[Any]()
    values = dict(zip(map(read, given), given, strict=True))
    if len(values) > 1:
        one, other, *_ = values.values()
        raise ProblemError(
            f"plan: {column} of {stops['vehicle'].iloc[0]!r} is {one!r} in one row and {other!r} in another; write the "
            "same in all rows of a route, or in one"
        )
    return next(iter(values), None)


def _parse_locked(stops: pd.DataFrame) -> int:
    """Read how many stops of a route stay as they are: a number in its rows, or whether each row does."""
    given = stops["locked"].dropna().tolist() if "locked" in stops.columns else list[Any]()
    if not given:
        return 0
    words = {"true": True, "yes": True, "false": False, "no": False}
    values = [words.get(str(value).strip().lower(), value) for value in given]
    if all(isinstance(value, bool) for value in values):
        return values.index(False) if False in values else len(values)
    try:
        numbers = {float(value) for value in values}
    except (TypeError, ValueError):
        numbers = set()
    if len(numbers) != 1 or not next(iter(numbers)).is_integer():
        raise ProblemError(
            f"plan: locked = {list(map(str, given))} of {stops['vehicle'].iloc[0]!r} says how many of its stops stay, "
            f"the same number in all rows, or true or false in each"
        )
    return int(next(iter(numbers)))


def _parse_departure(departure: Any, unit: str, time: str) -> float:
    """Read a departure, a number or a text such as ``8:30``, and return it in the problem's unit."""
    try:
        written = clock_value(departure, time)
        leaves = convert(float(departure), unit, time) if written is None else written
    except (TypeError, ValueError) as error:
        raise ProblemError(
            f"plan: departure {departure!r} is no clock time; write a number in {unit!r} or a text such as '8:30'"
        ) from error
    bare = [departure.strip()] if isinstance(departure, str) and written is None else []
    if asked := unstated_times([("departure", bare)], time, of_day=False):
        raise ProblemError(f"plan: {asked}")
    return leaves
