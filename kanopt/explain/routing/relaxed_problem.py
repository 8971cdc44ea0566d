"""A routing problem with fewer clients and fewer rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kanopt.explain.wording import few, listing
from kanopt.problems.routing import Client, RoutingProblem, VehicleType
from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.entities import words_of
from kanopt.problems.routing.policy import RoutingPolicy

__all__ = ["Rule", "rules_of", "rules_text", "smaller_problem"]

_OF_VEHICLES: dict[str, dict[str, Any]] = {
    "shift": {"shift_end": np.inf},
    "longest distance": {"max_distance": np.inf},
    "longest duration": {"max_duration": np.inf},
    "breaks": {"breaks": ""},
}


@dataclass(frozen=True)
class Rule:
    """A rule that could be given up.

    Parameters
    ----------
    kind
        ``"window"``, ``"skill"`` or ``"pinned"`` of a client; ``"capacity"``, ``"shift"``, ``"longest distance"``,
        ``"longest duration"`` or ``"breaks"`` of a vehicle type; ``"measure"`` of the load, ``"apart"`` or
        ``"backhaul"`` of all.
    of
        Name of the client, the vehicle type or the measure.

    Examples
    --------
    >>> str(Rule("window", "c1")), str(Rule("capacity", "van"))
    ('the window of c1', 'the capacity of van')
    """

    kind: str
    of: str = ""

    def __str__(self) -> str:
        return rules_text([self])


def rules_text(rules: Sequence[Rule]) -> str:
    """Name rules, those of a kind together.

    Examples
    --------
    >>> rules_text([Rule("window", "a"), Rule("window", "b"), Rule("backhaul")])
    'the windows of a and b and deliveries before pickups'
    """
    kinds = dict.fromkeys(rule.kind for rule in rules)
    return listing([_kind_text(kind, [rule.of for rule in rules if rule.kind == kind]) for kind in kinds])


def _kind_text(kind: str, of: Sequence[str]) -> str:
    names = few(of, 6)
    texts = {
        "skill": f"who may serve {names}",
        "pinned": f"the vehicle that {names} {'is' if len(of) == 1 else 'are'} pinned to",
        "measure": f"the capacity for {names}",
        "apart": "goods that are kept apart",
        "backhaul": "deliveries before pickups",
    }
    plural = {"capacity": "capacities", "breaks": "breaks"}.get(kind, f"{kind}s")
    return texts.get(kind, f"the {kind if len(of) == 1 else plural} of {names}")


def rules_of(problem: RoutingProblem, names: Collection[str]) -> tuple[Rule, ...]:
    """Return the rules that bind when the vehicles serve some clients."""
    facts, policy = problem.facts, problem.policy
    clients = [client for client in problem.clients if client.name in names]
    fleet = [vehicle for vehicle in problem.vehicles if vehicle.count]
    starts = min((vehicle.shift_start for vehicle in fleet), default=0.0)
    found = []
    for client in clients:
        place = facts.index[client.name]
        if facts.earliest[place] > starts or (np.isfinite(facts.latest[place]) and not facts.soft[place]):
            found.append(Rule("window", client.name))
    found += [Rule("skill", client.name) for client in clients if client.needs or client.vehicles]
    found += [Rule("pinned", client.name) for client in clients if client.name in facts.pinned]
    loaded = any(client.demand or client.pickup for client in clients)
    found += [Rule("capacity", each.name) for each in fleet if loaded and np.isfinite(each.capacity)]
    found += [Rule("measure", name) for name in policy.capacities]
    for kind, free in _OF_VEHICLES.items():
        ((field, value),) = free.items()
        found += [Rule(kind, vehicle.name) for vehicle in fleet if getattr(vehicle, field) != value]
    found += [Rule("apart")] if policy.apart else []
    found += [Rule("backhaul")] if policy.backhaul else []
    return tuple(found)


def smaller_problem(
    problem: RoutingProblem, names: Collection[str], rules: Collection[Rule]
) -> RoutingProblem:
    """Return the problem in which some clients must be served, and only some rules hold.

    Parameters
    ----------
    problem
        The whole problem.
    names
        Clients that must be served; there are no others.
    rules
        Those of :func:`rules_of` that still hold.
    """
    kept = [place for place, client in enumerate(problem.clients) if client.name in names]
    held = set(rules)
    nodes = [*range(len(problem.depots)), *(len(problem.depots) + place for place in kept)]
    clients = [_client(problem, problem.clients[place], held) for place in kept]
    load = sum(client.demand + client.pickup for client in clients)
    cost = problem.cost if isinstance(problem.cost, Mapping) else {"cost": problem.cost}
    return replace(
        problem,
        clients=clients,
        vehicles=[_vehicle(vehicle, held, load) for vehicle in problem.vehicles],
        cost={name: _law(law, nodes) for name, law in cost.items()},
        duration=_law(problem.duration, nodes),
        distance=None if problem.distance is None else _law(problem.distance, nodes),
        policy=_policy(problem.policy, clients, held),
    )


def _law(law: Any, nodes: Sequence[int]) -> Any:
    """Return a law between some of the nodes."""
    if isinstance(law, ArrivalFunctions):
        return replace(law, arc=law.arc[np.ix_(nodes, nodes)])
    if isinstance(law, np.ndarray | list | tuple):
        return np.asarray(law)[np.ix_(nodes, nodes)]
    # formulas know their legs, road networks their points, and frames are read by name
    return law


def _client(problem: RoutingProblem, client: Client, held: Collection[Rule]) -> Client:
    free: dict[str, Any] = {"prize": None}
    if Rule("window", client.name) not in held:
        starts = min(0.0, *(vehicle.shift_start for vehicle in problem.vehicles))
        free |= {"earliest": starts, "latest": np.inf, "windows": ""}
    if Rule("skill", client.name) not in held:
        free |= {"needs": "", "vehicles": ""}
    return replace(client, **free)


def _vehicle(vehicle: VehicleType, held: Collection[Rule], load: float) -> VehicleType:
    free: dict[str, Any] = {}
    if Rule("capacity", vehicle.name) not in held and np.isfinite(vehicle.capacity):
        # a law may read the capacity, so that it stays a number
        free["capacity"] = max(vehicle.capacity, load)
    for kind, without in _OF_VEHICLES.items():
        if Rule(kind, vehicle.name) not in held:
            free |= without
    return replace(vehicle, **free)


def _policy(policy: RoutingPolicy, clients: Sequence[Client], held: Collection[Rule]) -> RoutingPolicy:
    names = {client.name for client in clients}
    goods = frozenset[str]().union(*(words_of(client.goods) for client in clients))
    apart = [pair for pair in policy.apart if set(pair) <= goods] if Rule("apart") in held else []
    pinned = {
        label: [name for name in pinned if name in names and Rule("pinned", name) in held]
        for label, pinned in policy.pinned.items()
    }
    return replace(
        policy,
        capacities=tuple(name for name in policy.capacities if Rule("measure", name) in held),
        apart=tuple(apart),
        backhaul=policy.backhaul and Rule("backhaul") in held,
        pinned={label: some for label, some in pinned.items() if some},
    )
