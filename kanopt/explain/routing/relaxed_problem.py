"""A routing problem with fewer clients and fewer rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kanopt.routing import Client, VehicleType
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.problem_part import law_between
from kanopt.routing.rules import RULES
from kanopt.text import join_list

_RULES = {rule.given_up[0]: rule for rule in RULES if rule.given_up[0]}
"""The rules that can be given up, by what they are called then."""


@dataclass(frozen=True)
class RelaxableRule:
    """A rule that can be relaxed.

    Parameters
    ----------
    kind
        What the rule is called: ``"window"`` of a client, ``"shift"`` of a vehicle type, ``"apart"`` of all, …
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
    return join_list(
        [_RULES[kind].given_up_text([each.name for each in rules if each.kind == kind]) for kind in kinds]
    )


def binding_rules(problem: RoutingProblem, names: Collection[str]) -> tuple[RelaxableRule, ...]:
    """Return the rules that bind when the vehicles serve some clients."""
    return tuple(
        RelaxableRule(kind, name) for kind, rule in _RULES.items() for name in rule.binds(problem.data, names)
    )


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
    held: dict[str, set[str]] = {kind: set() for kind in _RULES}
    for each in rules:
        held[each.kind].add(each.name)
    nodes = [*range(len(problem.depots)), *(len(problem.depots) + place for place in kept)]
    clients = [problem.clients[place] for place in kept]
    load = sum(client.demand + client.pickup for client in clients)

    def free(owner: Client | VehicleType) -> dict[str, Any]:
        given_up = (rule for kind, rule in _RULES.items() if owner.name not in held[kind])
        return {
            field: value for rule in given_up for field, value in rule.free(problem.data, owner, load).items()
        }

    # goods that only clients left out have would be taken for misspelt ones
    goods = frozenset[str]().union(*(frozenset(client.goods) for client in clients))
    policy = replace(problem.policy, apart=tuple(pair for pair in problem.policy.apart if set(pair) <= goods))
    for kind, rule in _RULES.items():
        policy = rule.free_policy(policy, held[kind] & {*names, *policy.capacities, ""})
    cost = problem.cost if isinstance(problem.cost, Mapping) else {"cost": problem.cost}
    return replace(
        problem,
        clients=[replace(client, prize=None, **free(client)) for client in clients],
        vehicles=[replace(vehicle, **free(vehicle)) for vehicle in problem.vehicles],
        cost={name: law_between(law, nodes) for name, law in cost.items()},
        duration=law_between(problem.duration, nodes),
        distance=None if problem.distance is None else law_between(problem.distance, nodes),
        policy=policy,
    )
