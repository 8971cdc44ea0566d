"""Which clients and rules together keep a client out: a smallest set of them, by leaving out one after the other."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import csgraph_from_dense, dijkstra

from kanopt.errors import ProblemError, nearest
from kanopt.explain.routing.feasibility import is_exhaustive, serve_all
from kanopt.explain.routing.held_karp import Undecided, is_plain, is_timed
from kanopt.explain.routing.initial_plans import filled_plan, packed_plan, plan_without_others
from kanopt.explain.routing.relaxed_problem import Rule, rules_of, rules_text, smaller_problem
from kanopt.explain.wording import count, few, listing
from kanopt.problems.result import Result
from kanopt.problems.routing import RoutingPlan, RoutingProblem
from kanopt.solvers.solve import solve

__all__ = ["Conflict", "conflict_of"]

_FEW, _FEWER = 15, 7
"""Clients of whom every order is tried: where only the last stop counts, and where the whole order does."""
_SHARE = 0.4  # of the time: what a first attempt may take, with some clients or with all
_TRY = 0.05  # of the time: one attempt by search
_LEAST_SECONDS = 0.3
Member = Rule | tuple[str, ...]


@dataclass(frozen=True)
class Conflict:
    """Clients and rules that keep a client out together, and none of which can be spared.

    Parameters
    ----------
    client
        The client asked about.
    others
        The other clients that cannot all be served with it.
    rules
        The rules that stand in the way.
    fleet
        The vehicles there are, in words.
    proved
        Whether every order of the clients was tried; else a search found no plan.
    irreducible
        Whether a plan is known for all that is left when any of the other clients or rules is left out.
    one_more
        Vehicle types of which one vehicle more would do.
    plan
        A plan that serves the client and all others, where one was found: then there is no conflict.
    """

    client: str
    others: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    fleet: str = ""
    proved: bool = False
    irreducible: bool = False
    one_more: tuple[str, ...] = ()
    plan: RoutingPlan | None = None

    @property
    def clients(self) -> tuple[str, ...]:
        """The clients that cannot all be served, the one asked about first."""
        return (self.client, *self.others)

    @property
    def evidence(self) -> str:
        """How it is known: ``"proved"``, or ``"search found none"``."""
        return "proved" if self.proved else "search found none"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per client and rule of the conflict, with what would mend it where that is known."""
        rows = [("client", name, f"leave {name} out" if self.irreducible else "") for name in self.clients]
        rows += [("rule", str(rule), f"give up {rule}" if self.irreducible else "") for rule in self.rules]
        return pd.DataFrame(rows if self.plan is None else [], columns=["kind", "member", "mend"])

    def __str__(self) -> str:
        if self.plan is not None:
            return (
                f"client {self.client} is in no conflict with those that are served: a plan was found that serves it "
                f"and them"
            )
        because = f", because of {rules_text(self.rules)}" if self.rules else ""
        what = (
            f"clients {few(self.clients, 8)} cannot all be served by {self.fleet}"
            if self.others
            else f"client {self.client} cannot be served by {self.fleet}"
        )
        spare = "; none of these can be spared" if self.irreducible else ""
        mend = []
        # of what may be spared, giving it up need not help
        if self.irreducible and self.others:
            mend.append("leave one of these clients out")
        if self.irreducible and self.rules:
            mend.append("give up " + ("one of these rules" if len(self.rules) > 1 else str(self.rules[0])))
        if self.one_more:
            mend.append(f"add one more {' or '.join(self.one_more)}")
        text = f"{what}{because} ({self.evidence}{spare})"
        return f"{text}. To mend it: {', or '.join(mend)}." if mend else f"{text}."


def conflict_of(result: Result, client: str, *, time_limit: float = 10.0, seed: int = 0) -> Conflict:
    """Find a smallest conflict; see :meth:`kanopt.Explanation.conflict`."""
    problem = result.problem
    if not isinstance(problem, RoutingProblem):
        raise ProblemError(f"this is asked of routes, and the problem is a {problem.kind} problem")
    names = [each.name for each in problem.clients]
    if client not in names:
        raise ProblemError(f"there is no client {client!r}; {nearest(client, names)}")
    plan = result.plan if isinstance(result.plan, RoutingPlan) else None
    served = {name for route in plan.routes for name in route.clients} if plan else set(names)
    if plan is not None and client in served:
        raise ProblemError(
            f"client {client!r} is served; ask about one of {listing(plan.unserved) or 'none'}"
        )
    if not time_limit > 0:
        raise ProblemError(f"time_limit must be a number of seconds above 0, not {time_limit!r}")
    return _Quest(problem, plan, client, served, (time_limit, seed)).conflict()


class _Quest:
    """The search for a conflict: what is known to be possible or not, and how much time is left."""

    def __init__(
        self,
        problem: RoutingProblem,
        plan: RoutingPlan | None,
        client: str,
        served: Collection[str],
        limits: tuple[float, int],
    ) -> None:
        self.problem, self.plan, self.client = problem, plan, client
        self.seconds, self.seed = limits
        self.end = time.perf_counter() + self.seconds
        self.known: dict[frozenset[Member], tuple[bool, bool]] = {}
        self.whole: RoutingPlan | None = None
        must = {each.name for each in problem.clients if each.mandatory and each.name in served}
        self.own, *others = self._groups({*must, client})
        self.near = self._nearest(others)

    def _groups(self, names: set[str]) -> list[tuple[str, ...]]:
        """Return clients with those they cannot be served without, the one asked about first."""
        found: dict[str, list[str]] = {}
        for each in self.problem.clients:
            found.setdefault(each.source or each.name, []).append(each.name)
        groups = [tuple(group) for group in found.values() if names & set(group)]
        return sorted(groups, key=lambda group: self.client not in group)

    def _nearest(self, groups: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        """Order clients by driving time from the one asked about, and by how far their windows lie apart."""
        facts, times = self.problem.facts, self.problem.planner.durations.min(axis=0)
        here = facts.index[self.client]

        def far(group: tuple[str, ...]) -> float:
            places = [facts.index[name] for name in group]
            gaps = np.maximum(
                facts.earliest[places] - facts.latest[here], facts.earliest[here] - facts.latest[places]
            )
            return float((np.minimum(times[here, places], times[places, here]) + np.maximum(gaps, 0.0)).min())

        return sorted(groups, key=far)

    def conflict(self) -> Conflict:
        """Begin with the nearest clients, of whom every order can be tried, else with all; then leave out."""
        start = self._start()
        if start is None:
            found = self.problem.plan_from(list(self.whole.routes)) if self.whole else None
            return Conflict(self.client, plan=found)
        members = self._filtered(start)
        names, rules = self._split(members)
        _, proved = self._blocked(members)
        without = [[each for each in members if each != member] for member in members]
        spared = [self.known.get(frozenset(self._tidy(fewer))) for fewer in without]
        return Conflict(
            client=self.client,
            others=tuple(name for name in self._in_order(names) if name != self.client),
            rules=rules,
            fleet=_fleet(self.problem),
            proved=proved,
            irreducible=all(known is not None and not known[0] for known in spared),
            one_more=self._one_more(members),
        )

    def _in_order(self, names: Collection[str]) -> list[str]:
        return [each.name for each in self.problem.clients if each.name in names]

    def _split(self, members: Collection[Member]) -> tuple[set[str], tuple[Rule, ...]]:
        """Return the names of clients, and the rules that concern them."""
        names = {name for each in members if isinstance(each, tuple) for name in each} | set(self.own)
        rules = {each for each in members if isinstance(each, Rule)}
        return names, tuple(rule for rule in rules_of(self.problem, names) if rule in rules)

    def _start(self) -> list[Member] | None:
        """Return clients and rules that are in conflict, the farthest clients first; None where all can be served."""
        for groups in (self.near[:most] for most in self._sizes()):
            members = self._members(groups)
            blocked, _ = self._blocked(members, share=_SHARE)
            if blocked:
                return members
            if len(groups) == len(self.near):
                return None
        heavy = self._too_heavy()
        if heavy is not None:
            return heavy
        members = self._members(self.near)
        return members if self._blocked(members, share=_SHARE)[0] else None

    def _sizes(self) -> list[int]:
        most = _FEW if is_plain(self.problem) else _FEWER
        return list(dict.fromkeys(min(size, len(self.near)) for size in (3, 6, 9, most - 1) if size < most))

    def _members(self, groups: Sequence[tuple[str, ...]]) -> list[Member]:
        names = {name for group in (self.own, *groups) for name in group}
        return [*reversed(groups), *rules_of(self.problem, names)]

    def _too_heavy(self) -> list[Member] | None:
        """Return the fewest clients that demand more than all vehicles carry, where all together do."""
        facts = self.problem.facts
        if facts.has_sources:
            return None
        trips = np.array([vehicle.count * (1 + vehicle.reloads) for vehicle in facts.vehicles])
        room = float(facts.room[0, trips > 0] @ trips[trips > 0])
        left = room - facts.demand[facts.index[self.client]]
        chosen: list[tuple[str, ...]] = []
        for group in sorted(self.near, key=lambda group: -facts.demand[facts.index[group[0]]]):
            if left < -1e-9 * max(room, 1.0):
                break
            chosen.append(group)
            left -= facts.demand[facts.index[group[0]]]
        if not left < -1e-9 * max(room, 1.0):
            return None
        members: list[Member] = [*chosen]
        members += [
            rule for rule in self._members(chosen) if isinstance(rule, Rule) and rule.kind == "capacity"
        ]
        self.known[frozenset(members)] = True, True
        return members

    def _filtered(self, members: list[Member]) -> list[Member]:
        """Leave out what can be left out, in blocks at first, until nothing can or the time is up."""
        size = max(len(members) // 2, 1)
        while True:
            before = len(members)
            at = 0
            while at < len(members) and time.perf_counter() < self.end:
                fewer = self._tidy([*members[:at], *members[at + size :]])
                if self._blocked(fewer)[0]:
                    members = fewer
                else:
                    at += size
            if time.perf_counter() >= self.end or (size == 1 and len(members) == before):
                return members
            size = max(size // 2, 1)

    def _tidy(self, members: list[Member]) -> list[Member]:
        """Drop rules about clients that are no longer there."""
        kept = set(self._split(members)[1])
        return [each for each in members if not isinstance(each, Rule) or each in kept]

    def _blocked(self, members: Collection[Member], share: float = _TRY) -> tuple[bool, bool]:
        """Say whether the clients cannot all be served under the rules, and whether that is proved."""
        key = frozenset(members)
        if key not in self.known:
            names, rules = self._split(members)
            self.known[key] = self._tried(smaller_problem(self.problem, names, rules), share)
        return self.known[key]

    def _tried(self, problem: RoutingProblem, share: float) -> tuple[bool, bool]:
        seconds = max(min(share * self.seconds, self.end - time.perf_counter()), _LEAST_SECONDS)
        if len(problem.clients) <= (_FEW if is_plain(problem) else _FEWER):
            try:
                plan = serve_all(problem, time.perf_counter() + seconds)
            except Undecided:
                plan = None
            else:
                self.whole = plan or self.whole
                proved = plan is None and is_exhaustive(problem) and self._no_detour(problem)
                return plan is None, proved
        plan = self._searched(problem, seconds)
        self.whole = plan or self.whole
        return plan is None, False

    def _searched(self, problem: RoutingProblem, seconds: float) -> RoutingPlan | None:
        """Look for a plan from the one that is explained, with the clients taken out that are not asked about."""
        packed = packed_plan(problem)
        if problem.check(packed).ok:
            return packed
        start = None if self.plan is None else plan_without_others(problem, self.plan)
        filled = None if start is None else filled_plan(problem, start)
        if filled is not None:
            return filled
        found = solve(problem, time_limit=seconds, seed=self.seed, initial=start)
        return found.plan if found.check.ok and isinstance(found.plan, RoutingPlan) else None

    def _no_detour(self, problem: RoutingProblem) -> bool:
        """Say whether no way between the clients over others is faster, or shorter, than the direct one."""
        facts, times = self.problem.facts, self.problem.planner.durations
        nodes = [facts.index[name] for name in problem.facts.names]
        grids = [times[kind] for kind, vehicle in enumerate(facts.vehicles) if vehicle.count]
        if not is_timed(problem):
            grids = [np.where(np.isfinite(grid), 0.0, np.inf) for grid in grids]
        if any(np.isfinite(vehicle.max_distance) for vehicle in problem.vehicles):
            grids.append(np.where(self.problem.rules.roads, facts.distance, np.inf))
        for grid in grids:
            ways = dijkstra(csgraph_from_dense(grid, null_value=np.inf), indices=nodes)[:, nodes]
            direct = grid[np.ix_(nodes, nodes)].copy()
            np.fill_diagonal(direct, 0.0)
            if (ways < direct - 1e-9 * (1.0 + np.where(np.isfinite(ways), ways, 0.0))).any():
                return False
        return True

    def _one_more(self, members: Collection[Member]) -> tuple[str, ...]:
        """Return the vehicle types of which one more would do."""
        names, rules = self._split(members)
        problem = smaller_problem(self.problem, names, rules)
        found = []
        for kind, vehicle in enumerate(problem.vehicles):
            fleet = [
                replace(each, count=each.count + (place == kind))
                for place, each in enumerate(problem.vehicles)
            ]
            if not self._tried(replace(problem, vehicles=fleet), _TRY)[0]:
                found.append(vehicle.name)
        return tuple(found)


def _fleet(problem: RoutingProblem) -> str:
    vehicles = [each for each in problem.vehicles if each.count]
    return (
        listing(
            [
                count(each.count, f"vehicle of type {each.name}", f"vehicles of type {each.name}")
                for each in vehicles
            ]
        )
        or "no vehicle"
    )
