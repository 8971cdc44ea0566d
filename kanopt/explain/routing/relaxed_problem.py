"""A routing problem with fewer clients and fewer rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kanopt.problems.routing import Client, RoutingProblem, VehicleType
from kanopt.problems.routing.policy import RoutingPolicy
from kanopt.problems.routing.problem_part import law_between
from kanopt.text import join_list

_OF_VEHICLES: dict[str, dict[str, Any]] = {
    "shift": {"shift_end": np.inf},
    "longest distance": {"max_distance": np.inf},
    "longest duration": {"max_duration": np.inf},
    "breaks": {"breaks": ""},
}


@dataclass(frozen=True)
class RelaxableRule:
    """A rule that can be relaxed.

    Parameters
    ----------
    kind
        ``"window"``, ``"release"``, ``"skill"`` or ``"pinned"`` of a client; ``"capacity"``, ``"shift"``,
        ``"longest distance"``, ``"longest duration"`` or ``"breaks"`` of a vehicle type; ``"measure"`` of the load,
        ``"apart"`` or ``"backhaul"`` of all.
    name
        Name of the client, the vehicle type or the measure.

    Examples
    --------
    >>> str(RelaxableRule("window", "c1")), str(RelaxableRule("capacity", "van"))
    ('the window of c1', 'the capacity of van')
    """

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return rules_text([self])


def rules_text(rules: Sequence[RelaxableRule]) -> str:
    """Name rules, grouped by kind.

    Examples
    --------
    >>> rules_text([RelaxableRule("window", "a"), RelaxableRule("window", "b"), RelaxableRule("backhaul")])
    'the windows of a and b and deliveries before pickups'
    """
    kinds = dict.fromkeys(rule.kind for rule in rules)
    return join_list([_kind_text(kind, [rule.name for rule in rules if rule.kind == kind]) for kind in kinds])


def _kind_text(kind: str, of: Sequence[str]) -> str:
    names = join_list(of, 6)
    texts = {
        "skill": f"who may serve {names}",
        "pinned": f"the vehicle that {names} {'is' if len(of) == 1 else 'are'} pinned to",
        "measure": f"the capacity for {names}",
        "apart": "goods that are kept apart",
        "backhaul": "deliveries before pickups",
    }
    plural = {"capacity": "capacities", "breaks": "breaks"}.get(kind, f"{kind}s")
    return texts.get(kind, f"the {kind if len(of) == 1 else plural} of {names}")


def binding_rules(problem: RoutingProblem, names: Collection[str]) -> tuple[RelaxableRule, ...]:
    """Return the rules that bind when the vehicles serve some clients."""
    data, policy = problem.data, problem.policy
    clients = [client for client in problem.clients if client.name in names]
    fleet = [vehicle for vehicle in problem.vehicles if vehicle.num_available]
    starts = min((vehicle.shift_start for vehicle in fleet), default=0.0)
    found = []
    for client in clients:
        place = data.index[client.name]
        if data.earliest[place] > starts or (
            np.isfinite(data.latest[place]) and not data.has_soft_window[place]
        ):
            found.append(RelaxableRule("window", client.name))
    found += [
        RelaxableRule("release", client.name)
        for client in clients
        if data.release[data.index[client.name]] > starts
    ]
    found += [RelaxableRule("skill", client.name) for client in clients if client.needs or client.vehicles]
    found += [RelaxableRule("pinned", client.name) for client in clients if client.name in data.pinned]
    loaded = any(client.demand or client.pickup for client in clients)
    found += [RelaxableRule("capacity", each.name) for each in fleet if loaded and np.isfinite(each.capacity)]
    found += [RelaxableRule("measure", name) for name in policy.capacities]
    for kind, free in _OF_VEHICLES.items():
        ((field, value),) = free.items()
        found += [RelaxableRule(kind, vehicle.name) for vehicle in fleet if getattr(vehicle, field) != value]
    found += [RelaxableRule("apart")] if policy.apart else []
    found += [RelaxableRule("backhaul")] if policy.backhaul else []
    return tuple(found)


def relax_problem(
    problem: RoutingProblem, names: Collection[str], rules: Collection[RelaxableRule]
) -> RoutingProblem:
    """Return the problem with some of its clients, all mandatory, and some of its rules.

    Parameters
    ----------
    problem
        The original problem.
    names
        Clients to keep; all of them become mandatory.
    rules
        Rules of :func:`binding_rules` to keep.
    """
    kept = [place for place, client in enumerate(problem.clients) if client.name in names]
    held = set(rules)
    nodes = [*range(len(problem.depots)), *(len(problem.depots) + place for place in kept)]
    clients = [_relax_client(problem, problem.clients[place], held) for place in kept]
    load = sum(client.demand + client.pickup for client in clients)
    cost = problem.cost if isinstance(problem.cost, Mapping) else {"cost": problem.cost}
    return replace(
        problem,
        clients=clients,
        vehicles=[_relax_vehicle(vehicle, held, load) for vehicle in problem.vehicles],
        cost={name: law_between(law, nodes) for name, law in cost.items()},
        duration=law_between(problem.duration, nodes),
        distance=None if problem.distance is None else law_between(problem.distance, nodes),
        policy=_relax_policy(problem.policy, clients, held),
    )


def _relax_client(problem: RoutingProblem, client: Client, held: Collection[RelaxableRule]) -> Client:
    free: dict[str, Any] = {"prize": None}
    if RelaxableRule("window", client.name) not in held:
        starts = min(0.0, *(vehicle.shift_start for vehicle in problem.vehicles))
        free |= {"earliest": starts, "latest": np.inf, "windows": ""}
    if RelaxableRule("release", client.name) not in held:
        free |= {"release_time": 0.0}
    if RelaxableRule("skill", client.name) not in held:
        free |= {"needs": "", "vehicles": ""}
    return replace(client, **free)


def _relax_vehicle(vehicle: VehicleType, held: Collection[RelaxableRule], load: float) -> VehicleType:
    free: dict[str, Any] = {}
    if RelaxableRule("capacity", vehicle.name) not in held and np.isfinite(vehicle.capacity):
        # a law may read the capacity, so that it stays a number
        free["capacity"] = max(vehicle.capacity, load)
    for kind, without in _OF_VEHICLES.items():
        if RelaxableRule(kind, vehicle.name) not in held:
            free |= without
    return replace(vehicle, **free)


def _relax_policy(
    policy: RoutingPolicy, clients: Sequence[Client], held: Collection[RelaxableRule]
) -> RoutingPolicy:
    names = {client.name for client in clients}
    goods = frozenset[str]().union(*(frozenset(client.goods) for client in clients))
    apart = [pair for pair in policy.apart if set(pair) <= goods] if RelaxableRule("apart") in held else []
    pinned = {
        label: [name for name in pinned if name in names and RelaxableRule("pinned", name) in held]
        for label, pinned in policy.pinned.items()
    }
    return replace(
        policy,
        capacities=tuple(name for name in policy.capacities if RelaxableRule("measure", name) in held),
        apart=tuple(apart),
        backhaul=policy.backhaul and RelaxableRule("backhaul") in held,
        pinned={label: some for label, some in pinned.items() if some},
    )
