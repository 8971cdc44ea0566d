"""Mistakes between the records of a routing problem, each as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kanopt.errors import ProblemError, nearest
from kanopt.faults import Fault
from kanopt.problems.routing.entities import Client, Depot, RoutingUnits, VehicleType, split_label
from kanopt.problems.routing.policy import RoutingPolicy
from kanopt.problems.routing.windows import parse_breaks, parse_windows
from kanopt.records.clock_times import moment, next_day_hint
from kanopt.records.reading import RecordCheck, empty_tables, reference_checks, shared_names
from kanopt.records.unread_columns import TableUse, lookalikes, missing_price
from kanopt.text import amount_text, count_text, join_list, list_names, number_text

_LOADS = ("demand", "pickup")


def routing_checks(
    depots: Sequence[Depot],
    clients: Sequence[Client],
    vehicles: Sequence[VehicleType],
    policy: RoutingPolicy,
    units: RoutingUnits,
) -> list[RecordCheck]:
    """Look for what contradicts itself, words that name nothing, and windows and breaks that cannot be read.

    Parameters
    ----------
    depots, clients, vehicles, policy
        What the problem was given.
    units
        What it counts in.
    """
    time, both = units.time, ("clients", "vehicles")
    places: dict[str, Sequence[Any]] = {"depots": depots, "clients": clients}
    records = {**places, "vehicles": vehicles}
    return [
        *empty_tables(records, ("depots", "vehicles")),
        RecordCheck(shared_names(places), [*places]),
        RecordCheck(_windows(clients, time), ["clients"]),
        RecordCheck(
            _early_ends(
                "vehicles", vehicles, "shift_start", "shift_end", "the shift ends before it starts", time
            ),
            ["vehicles"],
        ),
        RecordCheck(_depots_of(vehicles, {depot.name for depot in depots}), ["vehicles", "depots"]),
        *reference_checks(units.tables(), records),
        RecordCheck(_sources(clients), ["clients"]),
        RecordCheck(_skills(clients, vehicles), both),
        RecordCheck(
            _clocks("clients", clients, lambda client: parse_windows(client.windows, time)), ["clients"]
        ),
        RecordCheck(
            _clocks("vehicles", vehicles, lambda vehicle: parse_breaks(vehicle.breaks, time)), ["vehicles"]
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
    units = RoutingUnits()
    priced = [(units.table(VehicleType), vehicles), (units.table(Client), clients)]
    free = not has_cost_law and not policy.longest_route_cost
    tables = ("depots", "clients", "vehicles")
    unsaid = []
    limit = _idle_capacity(clients, vehicles, policy, load)
    if limit and not {*_LOADS} & {*filled.get("clients", _LOADS)}:
        what = (
            f"no column says how much there is to carry ({' or '.join(_LOADS)}), but {limit}; a column of zeros says "
            "that nothing is"
        )
        unsaid.append(Fault("clients", (what, *lookalikes(uses(), _LOADS))))
    return [
        RecordCheck(missing_price(priced, filled, uses, "a cost law") if free else (), tables),
        RecordCheck(unsaid, tables),
    ]


def load_questions(
    clients: Sequence[Client],
    vehicles: Sequence[VehicleType],
    policy: RoutingPolicy,
    filled: Mapping[str, Collection[str]],
    load: str,
) -> Iterable[Fault]:
    """Yield that columns say that nothing is to be carried although something limits it."""
    stated = [name for name in _LOADS if name in filled.get("clients", ())]
    if stated and (limit := _idle_capacity(clients, vehicles, policy, load)):
        said = f"{join_list(stated)} {'is' if len(stated) == 1 else 'are'} 0 throughout"
        yield Fault("clients", f"{said}, but {limit}; is nothing to be carried?")


def _idle_capacity(
    clients: Sequence[Client], vehicles: Sequence[VehicleType], policy: RoutingPolicy, load: str
) -> str:
    """Say what limits loads, where there are none; empty where there are, or nothing limits them."""
    fleet = [each for each in vehicles if each.num_available > 0 and np.isfinite(each.capacity)]
    moved = any(client.demand > 0 or client.pickup > 0 for client in clients)
    if policy.capacities or not clients or not fleet or moved:
        return ""
    return f"{fleet[0].name!r} carries {amount_text(fleet[0].capacity, load)} at most"


def _windows(clients: Sequence[Client], time: str) -> Iterable[Fault]:
    both = tuple(c.name for c in clients if c.windows and (c.earliest, c.latest) != (0.0, np.inf))
    if both:
        yield Fault("clients", "give either windows, or earliest and latest", both)
    yield from _early_ends(
        "clients", clients, "earliest", "latest", "the window closes before it opens", time
    )


def _early_ends(
    table: str, records: Sequence[Any], begin: str, end: str, what: str, time: str
) -> Iterable[Fault]:
    """Tell of what ends before it begins, and how the next day is written."""
    wrong = [one for one in records if not getattr(one, begin) <= getattr(one, end)]
    if wrong:
        ends = [getattr(one, end) for one in wrong]
        shown = f"{number_text(getattr(wrong[0], begin), 6)} to {number_text(ends[0], 6)}"
        hint = next_day_hint(ends, time).removeprefix("; ")
        yield Fault(table, f"{what} ({shown})", tuple(one.name for one in wrong), advice=hint)


def _depots_of(vehicles: Sequence[VehicleType], depots: set[str]) -> Iterable[Fault]:
    for vehicle in vehicles:
        if vehicle.start_depot is None and len(depots) > 1:
            advice = nearest("", depots)
            yield Fault("vehicles", "say which depot it belongs to", (vehicle.name,), advice=advice)
        if vehicle.end_depot and not vehicle.returns:
            what = f"its routes end at {vehicle.end_depot!r}, and it does not return"
            yield Fault("vehicles", what, (vehicle.name,), advice="leave out one of end_depot and returns")


def _sources(clients: Sequence[Client]) -> Iterable[Fault]:
    """Tell of sources that have a source themselves."""
    known = {client.name: client for client in clients}
    for client in clients:
        if client.source == client.name:
            yield Fault("clients", "is its own source", (client.name,))
        elif client.source in known and known[client.source].source:
            what = f"its source {client.source!r} has a source itself"
            yield Fault("clients", what, (client.name,))


def _clocks(table: str, records: Sequence[Any], read: Callable[[Any], object]) -> Iterable[Fault]:
    """Tell of windows and breaks that cannot be read."""
    for record in records:
        try:
            read(record)
        except ProblemError as error:
            field = "windows" if table == "clients" else "breaks"
            yield Fault(table, str(error), (record.name,), field)


def _policy(
    clients: Sequence[Client], vehicles: Sequence[VehicleType], policy: RoutingPolicy
) -> Iterable[Fault]:
    goods = sorted(frozenset().union(*(client.goods for client in clients)))
    pairs: Sequence[Sequence[str]] = policy.apart
    for pair in pairs:
        if len(pair) != 2:
            yield Fault("policy", f"apart = {pair!r} is no pair of goods")
            continue
        both = [client.name for client in clients if set(pair) <= {*client.goods}]
        if both and pair[0] != pair[1]:
            what = f"apart = {pair!r} cannot be kept apart: clients {list_names(both)} have both"
            yield Fault("policy", what)
        for word in pair:
            # goods that nobody has today are no mistake, but a word near one that somebody has is
            hint = nearest(word, goods) if word not in goods else ""
            if hint.startswith("did you mean"):
                yield Fault("policy", f"apart names {word!r}, which no client has", advice=hint)
    names, types = [client.name for client in clients], [vehicle.name for vehicle in vehicles]
    seen: set[str] = set()
    for label, pinned in policy.pinned.items():
        name, index = split_label(label, types)
        vehicle = next((vehicle for vehicle in vehicles if vehicle.name == name), None)
        if vehicle is None:
            yield Fault("policy", f"pinned names the vehicle {label!r}", advice=nearest(name, types))
        elif label == name and vehicle.num_available > 1:
            advice = (
                f"say which of its {vehicle.num_available} vehicles, as '{name} 1', "
                "or use the clients' field vehicles"
            )
            yield Fault("policy", f"pinned names the type {label!r}", advice=advice)
        elif not 1 <= index <= vehicle.num_available:
            owned = vehicle.num_available
            there = f"there {'is' if owned == 1 else 'are'} {count_text(owned, 'vehicle')}"
            yield Fault("policy", f"pinned names {label!r}, but {there} of type {name!r}")
        for client in pinned:
            if client not in names:
                yield Fault("policy", f"pinned names the client {client!r}", advice=nearest(client, names))
            elif client in seen:
                yield Fault("policy", f"client {client!r} is pinned to two vehicles")
            seen.add(client)


def _not_before(policy: RoutingPolicy, time: str) -> Iterable[Fault]:
    """Tell of a time before which nothing begins that is none."""
    try:
        moment(str(policy.not_before or 0), time)
    except ValueError:
        advice = f"write a number in {time!r} or a text such as '8:30'"
        yield Fault("policy", f"not_before = {policy.not_before!r} is no clock time", advice=advice)


def _skills(clients: Sequence[Client], vehicles: Sequence[VehicleType]) -> Iterable[Fault]:
    """Skills that no vehicle has."""
    known = sorted(frozenset().union(*(vehicle.skills for vehicle in vehicles)))
    for word in dict.fromkeys(word for client in clients for word in client.needs):
        if word not in known:
            wrong = tuple(client.name for client in clients if word in client.needs)
            hint = nearest(word, known) if known else "no vehicle has any skills"
            yield Fault("clients", f"no vehicle has the skill {word!r}", wrong, "needs", advice=hint)
