"""Mistakes between the records of a routing problem, each as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from kanopt.faults import Fault
from kanopt.problems.routing.entities import Client, Depot, RoutingUnits, VehicleType
from kanopt.problems.routing.policy import RoutingPolicy
from kanopt.problems.routing.rules import RULES
from kanopt.problems.routing.rules.rule import Given
from kanopt.records.reading import RecordCheck, empty_tables, reference_checks, shared_names
from kanopt.records.unread_columns import TableUse, lookalikes, missing_price
from kanopt.text import amount_text, join_list

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
    places: dict[str, Sequence[Any]] = {"depots": depots, "clients": clients}
    records = {**places, "vehicles": vehicles}
    given = Given(depots, clients, vehicles, policy, units)
    return [
        *empty_tables(records, ("depots", "vehicles")),
        RecordCheck(shared_names(places), [*places]),
        *reference_checks(units.tables(), records),
        *(RecordCheck(rule.faults(given), [*rule.tables]) for rule in RULES),
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
