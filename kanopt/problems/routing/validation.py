"""Mistakes between the records of a routing problem, each as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.errors import ProblemError, nearest
from kanopt.problems.routing.entities import Client, Depot, VehicleType, split_label, split_list
from kanopt.problems.routing.policy import RoutingPolicy
from kanopt.problems.routing.windows import parse_breaks, parse_windows
from kanopt.records.clock_times import moment, next_day_hint
from kanopt.records.missing_data import missing_amount, missing_price, zero_amount
from kanopt.records.reading import RecordCheck
from kanopt.text import amount_text, count_text, list_names, number_text

if TYPE_CHECKING:
    from kanopt.records.unread_columns import TableUse

__all__ = ["load_questions", "routing_checks", "unstated_checks"]

_LOADS = ("demand", "pickup")

_PRICES = {
    "vehicles": ("fixed_cost", "cost_per_distance", "cost_per_time", "cost_per_overtime"),
    "clients": ("prize", "cost_per_lateness"),
}


def routing_checks(
    depots: Sequence[Depot],
    clients: Sequence[Client],
    vehicles: Sequence[VehicleType],
    policy: RoutingPolicy,
    time: str,
) -> list[RecordCheck]:
    """Look for what contradicts itself, words that name nothing, and windows and breaks that cannot be read.

    Parameters
    ----------
    depots, clients, vehicles, policy
        What the problem was given.
    time
        Its unit of time.
    """
    both = ("clients", "vehicles")
    return [
        RecordCheck(_none("depots", depots), ["depots"]),
        RecordCheck(_none("vehicles", vehicles), ["vehicles"]),
        RecordCheck(_names(depots, clients), ["depots", "clients"]),
        RecordCheck(_windows(clients, time), ["clients"]),
        RecordCheck(_shifts(vehicles, time), ["vehicles"]),
        RecordCheck(_depots_of(vehicles, {depot.name for depot in depots}), ["vehicles", "depots"]),
        RecordCheck(_sources(clients), ["clients"]),
        RecordCheck(_skills(clients, vehicles), both),
        RecordCheck(
            _clocks("client", clients, lambda client: parse_windows(client.windows, time)), ["clients"]
        ),
        RecordCheck(
            _clocks("vehicle", vehicles, lambda vehicle: parse_breaks(vehicle.breaks, time)), ["vehicles"]
        ),
        RecordCheck(_policy(clients, vehicles, policy), both),
        RecordCheck(_not_before(policy, time), []),
    ]


def unstated_checks(
    clients: Sequence[Client],
    vehicles: Sequence[VehicleType],
    policy: RoutingPolicy,
    uses: Callable[[], Sequence[TableUse]],
    filled: Mapping[str, Collection[str]],
    *,
    has_cost_law: bool,
    load: str,
) -> list[RecordCheck]:
    """Look whether nothing costs anything, or nothing is to be carried, where tables were read and do not say so.

    Parameters
    ----------
    clients, vehicles, policy
        What the problem was given.
    uses
        Returns what it makes of its tables; asked where something is missing.
    filled
        Table to the fields that its columns fill, of tables that were given as frames.
    has_cost_law
        Whether a law prices legs.
    load
        Its unit of loads.
    """
    tables = ("depots", "clients", "vehicles")
    free = not has_cost_law and not policy.cost_of_longest
    return [
        RecordCheck(_no_price(clients, vehicles, uses, filled) if free else (), tables),
        RecordCheck(() if policy.capacities else _no_load(clients, vehicles, load, uses, filled), tables),
    ]


def _no_price(
    clients: Sequence[Client],
    vehicles: Sequence[VehicleType],
    uses: Callable[[], Sequence[TableUse]],
    filled: Mapping[str, Collection[str]],
) -> Iterable[str]:
    records: dict[str, Sequence[Any]] = {"vehicles": vehicles, "clients": clients}
    stated = any(
        getattr(record, price)
        for table, prices in _PRICES.items()
        for record in records[table]
        for price in prices
    )
    if not stated:
        yield from missing_price(_PRICES, filled, uses(), "a cost law")


def _no_load(
    clients: Sequence[Client],
    vehicles: Sequence[VehicleType],
    load: str,
    uses: Callable[[], Sequence[TableUse]],
    filled: Mapping[str, Collection[str]],
) -> Iterable[str]:
    if limit := _idle_capacity(clients, vehicles, load):
        yield from missing_amount("clients", _LOADS, filled, uses(), limit)


def load_questions(
    clients: Sequence[Client],
    vehicles: Sequence[VehicleType],
    policy: RoutingPolicy,
    filled: Mapping[str, Collection[str]],
    load: str,
) -> Iterable[str]:
    """Yield that columns say that nothing is to be carried although something limits it."""
    if not policy.capacities and (limit := _idle_capacity(clients, vehicles, load)):
        yield from zero_amount("clients", _LOADS, filled, limit)


def _idle_capacity(clients: Sequence[Client], vehicles: Sequence[VehicleType], load: str) -> str:
    """Say what limits loads, where there are none; empty where there are, or nothing limits them."""
    fleet = [each for each in vehicles if each.count > 0 and np.isfinite(each.capacity)]
    moved = any(client.demand > 0 or client.pickup > 0 for client in clients)
    if not clients or not fleet or moved:
        return ""
    return f"{fleet[0].name!r} carries {amount_text(fleet[0].capacity, load)} at most"


def _none(table: str, records: Sequence[object]) -> Iterable[str]:
    if not records:
        yield f"{table}: there is none" if table == "depots" else f"{table}: there is no type"


def _names(depots: Sequence[Depot], clients: Sequence[Client]) -> Iterable[str]:
    there = {client.name for client in clients}
    again = [depot.name for depot in depots if depot.name in there]
    if again:
        yield f"depots and clients: {list_names(again)} appears more than once; names must be unique"


def _windows(clients: Sequence[Client], time: str) -> Iterable[str]:
    both = [c.name for c in clients if c.windows and (c.earliest, c.latest) != (0.0, np.inf)]
    if both:
        yield f"clients {list_names(both)}: give either windows, or earliest and latest"
    late = [client for client in clients if not client.earliest <= client.latest]
    if late:
        shown = [f"{c.name!r} ({number_text(c.earliest, 6)} to {number_text(c.latest, 6)})" for c in late]
        hint = next_day_hint([client.latest for client in late], time)
        yield f"clients {list_names(shown, quoted=False)}: the window closes before it opens{hint}"


def _shifts(vehicles: Sequence[VehicleType], time: str) -> Iterable[str]:
    early = [vehicle for vehicle in vehicles if not vehicle.shift_end >= vehicle.shift_start]
    if early:
        hint = next_day_hint([vehicle.shift_end for vehicle in early], time)
        yield f"vehicles {list_names([each.name for each in early])}: the shift ends before it starts{hint}"


def _depots_of(vehicles: Sequence[VehicleType], depots: set[str]) -> Iterable[str]:
    for vehicle in vehicles:
        if vehicle.depot is None and len(depots) > 1:
            yield f"vehicle {vehicle.name!r}: say which depot it belongs to; {nearest('', depots)}"
        elif vehicle.depot is not None and vehicle.depot not in depots:
            yield f"vehicle {vehicle.name!r}: unknown depot {vehicle.depot!r}; {nearest(vehicle.depot, depots)}"
        if vehicle.end and vehicle.end not in depots:
            hint = nearest(vehicle.end, depots)
            yield f"vehicle {vehicle.name!r}: its routes end at an unknown depot {vehicle.end!r}; {hint}"
        elif vehicle.end and not vehicle.returns:
            yield (
                f"vehicle {vehicle.name!r}: its routes end at {vehicle.end!r}, and it does not return; leave out one "
                f"of end and returns"
            )


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


def _clocks(kind: str, records: Sequence[Any], read: Callable[[Any], object]) -> Iterable[str]:
    """Tell of windows and breaks that cannot be read."""
    for record in records:
        try:
            read(record)
        except ProblemError as error:
            yield f"{kind} {record.name!r}: {'windows' if kind == 'client' else 'breaks'}: {error}"


def _policy(
    clients: Sequence[Client], vehicles: Sequence[VehicleType], policy: RoutingPolicy
) -> Iterable[str]:
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
            there = f"there {'is' if vehicle.count == 1 else 'are'} {count_text(vehicle.count, 'vehicle')}"
            yield f"policy: pinned names {label!r}, but {there} of type {name!r}"
        for client in pinned:
            if client not in names:
                yield f"policy: pinned names the client {client!r}; {nearest(client, names)}"
            elif client in seen:
                yield f"policy: client {client!r} is pinned to two vehicles"
            seen.add(client)


def _not_before(policy: RoutingPolicy, time: str) -> Iterable[str]:
    """Tell of a time before which nothing begins that is none."""
    try:
        moment(str(policy.not_before or 0), time)
    except ValueError:
        yield (
            f"policy: not_before = {policy.not_before!r} is no clock time; write a number in {time!r} or a text such "
            f"as '8:30'"
        )


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
