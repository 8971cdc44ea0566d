"""Whether vehicles can serve all clients, where of a route only its clients, its last stop and its end count."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing import Route, RoutingPlan, RoutingProblem
from kanopt.problems.routing.data import Floats, Ints
from kanopt.problems.routing.leg_laws import DURATION
from kanopt.problems.routing.simulate.breaks import opening

__all__ = ["Undecided", "is_plain", "is_timed", "serve_plainly"]

_NOISE = 2e-6
Named = frozenset[tuple[int, int]]


class Undecided(Exception):  # noqa: N818  # nothing is wrong
    """There was no time to try everything, or what was found does not hold on the law."""


def is_timed(problem: RoutingProblem) -> bool:
    """Say whether any rule is about the clock: without one, travel times decide nothing."""
    facts = problem.facts
    fleet = [vehicle for vehicle in facts.vehicles if vehicle.count]
    limits = [limit for vehicle in fleet for limit in (vehicle.shift_end, vehicle.max_duration)]
    return bool(
        np.isfinite(limits).any() or (np.isfinite(facts.latest) & ~facts.soft).any() or any(facts.rests)
    )


def is_plain(problem: RoutingProblem) -> bool:
    """Say whether of the routes over the same clients to the same last one, only the earliest counts.

    So it is where travel time depends on neither load nor clock, or decides nothing, and no rule looks back at the
    order or the length of a route.
    """
    facts = problem.facts
    fleet = [vehicle for vehicle in facts.vehicles if vehicle.count]
    return (
        not (is_timed(problem) and problem.rules.reads(DURATION, "clock", "state"))
        and not facts.has_sources
        and not facts.pickup.any()
        and all(np.isinf(v.max_distance) and np.isinf(v.max_duration) and not v.reloads for v in fleet)
        and not any(facts.rests)
    )


@dataclass(frozen=True, eq=False)
class _Sets:
    """Sets of clients that one vehicle of a type can serve and that are no part of a greater one, as bits."""

    kind: int
    sets: Ints
    ends: Floats
    times: Floats


def serve_plainly(problem: RoutingProblem, deadline: float) -> RoutingPlan | None:
    """Return a plan that serves every client of a plain problem and breaks no rule, or None if there is none.

    The earliest end of service is computed for each set of clients and each last one of them, from smaller sets to
    greater ones (Held and Karp 1962, "A dynamic programming approach to sequencing problems", Journal of the Society
    for Industrial and Applied Mathematics 10(1), 196–210).

    Parameters
    ----------
    problem
        A problem for which :func:`is_plain` holds, with some 15 clients at most, all of whom must be served.
    deadline
        Moment of ``time.perf_counter`` at which to give up.

    Raises
    ------
    Undecided
        If there was no time to try everything, or the plan does not hold on the law.
    """
    types = [_sets(problem, kind) for kind, vehicle in enumerate(problem.vehicles) if vehicle.count]
    counts = tuple(vehicle.count for vehicle in problem.vehicles)
    chosen = _Cover(problem, types, deadline).of((1 << len(problem.clients)) - 1, counts, frozenset())
    if chosen is None:
        return None
    plan = problem.plan_from(list(_routes(problem, {each.kind: each for each in types}, chosen)))
    if not problem.check(plan).ok:
        raise Undecided
    return plan


def _sets(problem: RoutingProblem, kind: int) -> _Sets:
    facts, vehicle = problem.facts, problem.vehicles[kind]
    n, first = len(facts.clients), len(facts.depots)
    times = problem.planner.durations[kind]
    depot = facts.index[facts.depot_of[vehicle.name]]
    ends = np.full((1 << n, n), np.inf)
    masks = np.arange(1 << n)
    fits = _together(problem, kind, masks)
    sizes = np.array([mask.bit_count() for mask in masks.tolist()])
    for size in range(n):
        before = masks[(sizes == size) & fits]
        for client in range(n):
            node = first + client
            free = before[before & (1 << client) == 0]
            after = free | (1 << client)
            free, after = free[fits[after]], after[fits[after]]
            if size == 0:
                arrive = np.full(len(free), vehicle.shift_start + times[depot, node])
            else:
                arrive = (ends[free] + times[first:, node]).min(axis=1, initial=np.inf)
            ends[after, client] = _end(problem, kind, node, arrive)
    back = times[first:, depot] if vehicle.returns else np.zeros(n)
    done = (ends + back).min(axis=1, initial=np.inf)
    whole = np.flatnonzero(np.isfinite(done) & (done <= vehicle.shift_end + _NOISE))
    return _Sets(kind, _greatest(whole), ends, times)


def _end(problem: RoutingProblem, kind: int, node: int, arrive: Floats) -> Floats:
    """Return when service ends for those who arrive at a client; infinite where that is too late."""
    facts = problem.facts
    begin = opening(facts, np.full(len(arrive), node), arrive)
    late = (begin > facts.latest[node] + _NOISE) & ~facts.soft[node]
    return np.where(late, np.inf, begin + facts.service[kind, node])


def _together(problem: RoutingProblem, kind: int, masks: Ints) -> NDArray[np.bool_]:
    """Say which sets one vehicle of a type may have together, whatever the order."""
    facts, first = problem.facts, len(problem.facts.depots)
    bits = (masks[:, None] >> np.arange(len(facts.clients))) & 1
    fits = ~(bits[:, ~facts.allowed[kind, first:]]).any(axis=1)
    for carried, room in zip(facts.carried[:, first:], facts.room[:, kind], strict=True):
        fits &= bits @ carried <= room + _NOISE
    for one, other in np.argwhere(np.triu(facts.apart[first:, first:])):
        fits &= (bits[:, one] & bits[:, other]) == 0
    numbers = {number for _, number in facts.pinned.values()}
    for number in numbers:
        here = [facts.index[name] - first for name, pinned in facts.pinned.items() if pinned[1] == number]
        there = [facts.index[name] - first for name, pinned in facts.pinned.items() if pinned[1] != number]
        fits &= ~(bits[:, here].any(axis=1) & bits[:, there].any(axis=1))
    return np.asarray(fits)


def _greatest(sets: Ints) -> Ints:
    """Return the sets that are part of no other one, large ones first."""
    order = sorted(sets.tolist(), key=lambda mask: -mask.bit_count())
    kept = np.zeros(0, dtype=np.intp)
    for mask in order:
        if mask and not ((kept & mask) == mask).any():
            kept = np.append(kept, mask)
    return kept


class _Cover:
    """The choice of sets that together hold every client."""

    def __init__(self, problem: RoutingProblem, types: list[_Sets], deadline: float) -> None:
        self.types, self.deadline = types, deadline
        facts = problem.facts
        self.pinned = {
            facts.index[name] - len(facts.depots): (facts.type_index[vehicle], number)
            for name, (vehicle, number) in facts.pinned.items()
        }
        self.failed: set[tuple[int, tuple[int, ...], Named]] = set()

    def of(self, left: int, counts: tuple[int, ...], used: Named) -> list[tuple[int, int]] | None:
        """Return type and clients of each vehicle; None where the vehicles do not suffice."""
        if not left:
            return []
        if (left, counts, used) in self.failed:
            return None
        if time.perf_counter() > self.deadline:
            raise Undecided
        for kind, some in self._options(left, counts):
            own = {self.pinned[place] for place in self.pinned if some >> place & 1}
            if own & used:
                continue
            fewer = tuple(count - (place == kind) for place, count in enumerate(counts))
            rest = self.of(left & ~some, fewer, used | own)
            if rest is not None:
                return [(kind, some), *rest]
        self.failed.add((left, counts, used))
        return None

    def _options(self, left: int, counts: tuple[int, ...]) -> Iterator[tuple[int, int]]:
        """Yield the greatest sets of the clients left that hold the first of them."""
        first = left & -left
        for each in self.types:
            if counts[each.kind]:
                holding = np.unique(each.sets[each.sets & first != 0] & left)
                for some in _greatest(holding).tolist():
                    yield each.kind, some


def _routes(
    problem: RoutingProblem, types: dict[int, _Sets], chosen: list[tuple[int, int]]
) -> Iterator[Route]:
    """Order the clients of each vehicle, and give those that are pinned the vehicle they name."""
    facts = problem.facts
    named = []
    for _, some in chosen:
        names = {client.name for place, client in enumerate(facts.clients) if some >> place & 1}
        named.append(next((facts.pinned[name][1] for name in names if name in facts.pinned), 0))
    taken = {(kind, number) for (kind, _), number in zip(chosen, named, strict=True) if number}
    for (kind, some), number in zip(chosen, named, strict=True):
        index = number or next(k for k in range(1, len(chosen) + 1) if (kind, k) not in taken)
        taken.add((kind, index))
        vehicle = problem.vehicles[kind]
        yield Route(vehicle.name, index, facts.depot_of[vehicle.name], _way(problem, types[kind], some))


def _way(problem: RoutingProblem, sets: _Sets, some: int) -> tuple[str, ...]:
    """Return the order in which a set of clients is served soonest, from the last one to the first."""
    facts, vehicle = problem.facts, problem.vehicles[sets.kind]
    first, depot = len(facts.depots), facts.index[facts.depot_of[vehicle.name]]
    n, left, way = len(facts.clients), some, []
    ahead = sets.times[first:, depot] if vehicle.returns else np.zeros(n)
    while left:
        client = int(np.argmin(sets.ends[left] + ahead))
        if not np.isfinite(sets.ends[left, client] + ahead[client]):
            raise Undecided
        way.append(facts.clients[client].name)
        left &= ~(1 << client)
        ahead = sets.times[first:, first + client]
    return tuple(reversed(way))
