"""Smallest sets of clients and rules that keep a client unserved, found by deletion filtering."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kanopt.display import Part, Shown
from kanopt.engines.base import SolveOptions, Solver
from kanopt.engines.solve import search_and_assess, solver_of
from kanopt.errors import ProblemError, nearest
from kanopt.plans.result import Result
from kanopt.routing import Client, RoutingPlan, VehicleType
from kanopt.routing.insertion import insert_clients
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.problem_part import law_between
from kanopt.routing.rules import RULES
from kanopt.routing.rules.capacity import trips_of
from kanopt.routing.search.feasibility import Undecided, serve_all
from kanopt.text import count_text, join_list

# A routing problem with fewer clients and fewer rules.

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


def restrict_plan(problem: RoutingProblem, plan: RoutingPlan) -> RoutingPlan:
    """Return a plan without the clients that a relaxed problem does not have."""
    names = {client.name for client in problem.clients}
    routes = []
    for route in plan.routes:
        kept = tuple(name for name in route.clients if name in names)
        # keep a reload only between two clients that remain
        if len(kept) < len(route.clients) and route.depot in route.clients:
            trips = [tuple(name for name in trip if name in names) for trip in trips_of(route)]
            kept = tuple(
                name
                for place, trip in enumerate(trip for trip in trips if trip)
                for name in ((route.depot, *trip) if place else trip)
            )
        if kept:
            routes.append(replace(route, clients=kept, departure=None))
    return problem.plan_from(routes)


_FEW = 15
"""Most clients of which it is decided whether they can be served; of more, plans are searched for."""
_SHARE = 0.4  # of the time limit, for a first attempt with some clients or with all
_TRY = 0.05  # of the time limit, for one attempt by search
_LEAST_SECONDS = 0.3
ConflictMember = RelaxableRule | tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Conflict(Shown):
    """Clients and rules that together keep a client unserved, none of which can be dropped.

    Parameters
    ----------
    client
        The client asked about.
    others
        The other clients that cannot all be served with it.
    rules
        The rules in conflict.
    fleet
        The fleet, in words.
    proved
        Whether it is proved that there is no plan; else a search found none.
    irreducible
        Whether dropping any one of the other clients or rules is known to allow a plan for the remaining ones.
    sufficient_vehicle_types
        Vehicle types of which one more vehicle would resolve the conflict.
    plan
        A plan that serves the client and all others that must be, where one was found: then there is no conflict.
    inseparable
        Those of the others that are served with the client or not at all, since goods of one are loaded at another.
    """

    client: str
    others: tuple[str, ...] = ()
    rules: tuple[RelaxableRule, ...] = ()
    fleet: str = ""
    proved: bool = False
    irreducible: bool = False
    sufficient_vehicle_types: tuple[str, ...] = ()
    plan: RoutingPlan | None = None
    inseparable: tuple[str, ...] = ()

    @property
    def clients(self) -> tuple[str, ...]:
        """The clients that cannot all be served, the one asked about first."""
        return (self.client, *self.others)

    @property
    def evidence(self) -> str:
        """How it is known: ``"proved"``, or ``"search found none"``."""
        return "proved" if self.proved else "search found none"

    def _shown(self) -> Iterator[Part]:
        yield self._sentence()

    def _sentence(self) -> str:
        if self.plan is not None:
            return (
                f"client {self.client} is in no conflict with those that must be served: a plan was found that serves "
                f"it and them"
            )
        because = f", because of {rules_text(self.rules)}" if self.rules else ""
        what = (
            f"clients {join_list(self.clients, 8)} cannot all be served by {self.fleet}"
            if self.others
            else f"client {self.client} cannot be served by {self.fleet}"
        )
        spare = "; none of these can be spared" if self.irreducible else ""
        mend = []
        # giving up a client or a rule is only known to help where the conflict is irreducible
        if self.irreducible and set(self.others) - set(self.inseparable):
            mend.append("leave one of these clients out")
        if self.irreducible and self.rules:
            mend.append("give up " + ("one of these rules" if len(self.rules) > 1 else str(self.rules[0])))
        if self.sufficient_vehicle_types:
            mend.append(f"add one more {' or '.join(self.sufficient_vehicle_types)}")
        text = f"{what}{because} ({self.evidence}{spare})"
        return f"{text}. To mend it: {', or '.join(mend)}." if mend else f"{text}."


def find_conflict(result: Result, client: str, *, time_limit: float = 10.0, seed: int = 0) -> Conflict:
    """Find a smallest conflict; see :meth:`kanopt.Explanation.conflict`."""
    problem = result.problem
    if not isinstance(problem, RoutingProblem):
        raise ProblemError(f"this is asked of routes, and the problem is a {problem.kind} problem")
    if problem.data.is_under_way:
        raise ProblemError(
            "conflicts are looked for among whole routes, and some of this problem are under way"
        )
    names = [each.name for each in problem.clients]
    if client not in names:
        raise ProblemError(f"there is no client {client!r}; {nearest(client, names)}")
    plan = result.plan if isinstance(result.plan, RoutingPlan) else None
    served = {name for route in plan.routes for name in route.clients} if plan else set(names)
    if plan is not None and client in served:
        raise ProblemError(
            f"client {client!r} is served; ask about one of {join_list(plan.unserved) or 'none'}"
        )
    if not time_limit > 0:
        raise ProblemError(f"time_limit must be a number of seconds above 0, not {time_limit!r}")
    limits = time_limit, seed, solver_of(result)
    return _ConflictSearch(problem, plan, client, served, limits).conflict()


class _ConflictSearch:
    """The search for a conflict, with what is known to be feasible or infeasible and the remaining time."""

    def __init__(
        self,
        problem: RoutingProblem,
        plan: RoutingPlan | None,
        client: str,
        served: Collection[str],
        limits: tuple[float, int, Solver | None],
    ) -> None:
        self.problem, self.plan, self.client = problem, plan, client
        self.seconds, self.seed, self.solver = limits
        self.end = time.perf_counter() + self.seconds
        self.verdicts: dict[frozenset[ConflictMember], tuple[bool, bool]] = {}
        self.feasible_plan: RoutingPlan | None = None
        must = {each.name for each in problem.clients if each.mandatory and each.name in served}
        self.client_group, *others = self._groups({*must, client})
        self.groups_by_distance = self._nearest(others)

    def _groups(self, names: set[str]) -> list[tuple[str, ...]]:
        """Return groups of clients that can only be served together, the group of the client in question first."""
        found: dict[str, list[str]] = {}
        for each in self.problem.clients:
            found.setdefault(each.source or each.name, []).append(each.name)
        groups = [tuple(group) for group in found.values() if names & set(group)]
        return sorted(groups, key=lambda group: self.client not in group)

    def _nearest(self, groups: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """Order clients by driving time from the one asked about, and by how far their windows lie apart."""
        data, times = self.problem.data, self.problem.planning_values.durations.min(axis=0)
        here = data.index[self.client]

        def distance_to_client(group: tuple[str, ...]) -> float:
            places = [data.index[name] for name in group]
            gaps = np.maximum(
                data.earliest[places] - data.latest[here], data.earliest[here] - data.latest[places]
            )
            return float((np.minimum(times[here, places], times[places, here]) + np.maximum(gaps, 0.0)).min())

        return sorted(groups, key=distance_to_client)

    def conflict(self) -> Conflict:
        """Find a conflict among the nearest clients, where it can be proved, else among all; then reduce it."""
        start = self._initial_members()
        if start is None:
            found = self.problem.plan_from(list(self.feasible_plan.routes)) if self.feasible_plan else None
            return Conflict(self.client, plan=found)
        members = self._deletion_filter(start)
        names, rules = self._split(members)
        _, proved = self._is_infeasible(members)
        without = [self._drop_unused_rules([each for each in members if each != one]) for one in members]
        verdicts = [self.verdicts.get(frozenset(fewer)) for fewer in without]
        return Conflict(
            client=self.client,
            others=tuple(each.name for each in self.problem.clients if each.name in names - {self.client}),
            rules=rules,
            fleet=_fleet(self.problem),
            proved=proved,
            irreducible=all(known is not None and not known[0] for known in verdicts),
            sufficient_vehicle_types=self._sufficient_vehicle_types(members),
            inseparable=tuple(name for name in self.client_group if name != self.client),
        )

    def _split(self, members: Collection[ConflictMember]) -> tuple[set[str], tuple[RelaxableRule, ...]]:
        """Return the names of clients, and the rules that concern them."""
        names = {name for each in members if isinstance(each, tuple) for name in each} | set(
            self.client_group
        )
        rules = {each for each in members if isinstance(each, RelaxableRule)}
        return names, tuple(rule for rule in binding_rules(self.problem, names) if rule in rules)

    def _initial_members(self) -> list[ConflictMember] | None:
        """Return clients and rules that are in conflict, the farthest clients first; None where all can be served."""
        for most in (3, 6, 9, _FEW - 1):
            groups = self.groups_by_distance[:most]
            members = self._members(groups)
            blocked, _ = self._is_infeasible(members, share=_SHARE)
            if blocked:
                return members
            if len(groups) == len(self.groups_by_distance):
                return None
        heavy = self._capacity_conflict()
        if heavy is not None:
            return heavy
        members = self._members(self.groups_by_distance)
        return members if self._is_infeasible(members, share=_SHARE)[0] else None

    def _members(self, groups: Sequence[tuple[str, ...]]) -> list[ConflictMember]:
        names = {name for group in (self.client_group, *groups) for name in group}
        return [*reversed(groups), *binding_rules(self.problem, names)]

    def _capacity_conflict(self) -> list[ConflictMember] | None:
        """Return the fewest clients that demand more than all vehicles carry, where all together do."""
        data = self.problem.data
        if data.has_sources:
            return None
        trips = np.array([vehicle.num_available * (1 + vehicle.max_reloads) for vehicle in data.vehicles])
        room = float(data.capacities[0, trips > 0] @ trips[trips > 0])
        left = room - data.demand[data.index[self.client]]
        chosen: list[tuple[str, ...]] = []
        for group in sorted(self.groups_by_distance, key=lambda group: -data.demand[data.index[group[0]]]):
            if left < -1e-9 * max(room, 1.0):
                break
            chosen.append(group)
            left -= data.demand[data.index[group[0]]]
        if not left < -1e-9 * max(room, 1.0):
            return None
        members: list[ConflictMember] = [*chosen]
        members += [
            rule
            for rule in self._members(chosen)
            if isinstance(rule, RelaxableRule) and rule.kind == "capacity"
        ]
        self.verdicts[frozenset(members)] = True, True
        return members

    def _deletion_filter(self, members: list[ConflictMember]) -> list[ConflictMember]:
        """Remove what can be removed, in blocks at first, until nothing can be or the time is up."""
        size = max(len(members) // 2, 1)
        while True:
            before = len(members)
            at = 0
            while at < len(members) and time.perf_counter() < self.end:
                fewer = self._drop_unused_rules([*members[:at], *members[at + size :]])
                if self._is_infeasible(fewer)[0]:
                    members = fewer
                else:
                    at += size
            if time.perf_counter() >= self.end or (size == 1 and len(members) == before):
                return members
            size = max(size // 2, 1)

    def _drop_unused_rules(self, members: list[ConflictMember]) -> list[ConflictMember]:
        """Drop rules about clients that are no longer there."""
        kept = set(self._split(members)[1])
        return [each for each in members if not isinstance(each, RelaxableRule) or each in kept]

    def _is_infeasible(self, members: Collection[ConflictMember], share: float = _TRY) -> tuple[bool, bool]:
        """Say whether the clients cannot all be served under the rules, and whether that is proved."""
        key = frozenset(members)
        if key not in self.verdicts:
            names, rules = self._split(members)
            self.verdicts[key] = self._test_feasibility(relax_problem(self.problem, names, rules), share)
        return self.verdicts[key]

    def _test_feasibility(self, problem: RoutingProblem, share: float) -> tuple[bool, bool]:
        seconds = max(min(share * self.seconds, self.end - time.perf_counter()), _LEAST_SECONDS)
        if len(problem.clients) <= _FEW:
            try:
                plan, proved = serve_all(problem, self.problem, time.perf_counter() + seconds)
            except Undecided:
                plan = None
            else:
                self.feasible_plan = plan or self.feasible_plan
                return plan is None, proved
        plan = self._search_plan(problem, seconds)
        self.feasible_plan = plan or self.feasible_plan
        return plan is None, False

    def _search_plan(self, problem: RoutingProblem, seconds: float) -> RoutingPlan | None:
        """Search for a plan, starting from the explained one without the clients that are not in question."""
        start = None if self.plan is None else restrict_plan(problem, self.plan)
        if start is not None:
            laws, planning = problem.leg_laws, problem.planning_values
            filled, refused = insert_clients(laws, planning, start, start.unserved)
            filled = problem.plan_from(filled)
            if not refused and problem.check(filled).ok:
                return filled
        options = SolveOptions(time_limit=seconds, seed=self.seed, initial=start)
        found = search_and_assess(problem, options, self.solver)
        return found.plan if found.check.ok and isinstance(found.plan, RoutingPlan) else None

    def _sufficient_vehicle_types(self, members: Collection[ConflictMember]) -> tuple[str, ...]:
        """Return the vehicle types of which one more vehicle would resolve the conflict."""
        names, rules = self._split(members)
        problem = relax_problem(self.problem, names, rules)
        found = []
        for kind, vehicle in enumerate(problem.vehicles):
            fleet = [
                replace(each, num_available=each.num_available + (place == kind))
                for place, each in enumerate(problem.vehicles)
            ]
            if not self._test_feasibility(replace(problem, vehicles=fleet), _TRY)[0]:
                found.append(vehicle.name)
        return tuple(found)


def _fleet(problem: RoutingProblem) -> str:
    counted = [
        count_text(each.num_available, f"vehicle of type {each.name}", f"vehicles of type {each.name}")
        for each in problem.vehicles
        if each.num_available
    ]
    return join_list(counted) or "no vehicle"
