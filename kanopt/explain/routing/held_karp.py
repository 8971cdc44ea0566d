"""Whether the vehicles can serve all clients, by Held and Karp's dynamic programme over sets of clients."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing import Route, RoutingPlan, RoutingProblem
from kanopt.problems.routing.data import Floats, Ints
from kanopt.problems.routing.leg_laws import DURATION
from kanopt.problems.routing.simulate import service_begin

_NOISE = 2e-6
PinnedVehicles = frozenset[tuple[int, int]]


class Undecided(Exception):  # noqa: N818  # nothing is wrong
    """There was no time to try everything, or the plan found breaks a rule on the law."""


def is_timed(problem: RoutingProblem) -> bool:
    """Say whether any rule concerns the clock; without one, travel times do not affect feasibility."""
    data = problem.data
    fleet = [vehicle for vehicle in data.vehicles if vehicle.num_available]
    limits = [limit for vehicle in fleet for limit in (vehicle.shift_end, vehicle.max_duration)]
    return bool(
        np.isfinite(limits).any()
        or (np.isfinite(data.latest) & ~data.has_soft_window).any()
        or any(data.breaks)
    )


def allows_held_karp(problem: RoutingProblem) -> bool:
    """Say whether the earliest one dominates all routes over the same clients to the same last client.

    It does where travel and service times depend on neither load nor clock, or do not affect feasibility, and no rule
    depends on the order or the length of a route, or on what another client of it waits for.
    """
    data = problem.data
    fleet = [vehicle for vehicle in data.vehicles if vehicle.num_available]
    by_plan = problem.leg_laws.reads(DURATION, "clock", "state") or bool(data.service_times.plan_inputs)
    return (
        not (is_timed(problem) and (data.has_releases or by_plan))
        and not data.has_sources
        and not data.pickup.any()
        and all(np.isinf(v.max_distance) and np.isinf(v.max_duration) and not v.max_reloads for v in fleet)
        and not any(data.breaks)
    )


@dataclass(frozen=True, eq=False)
class _ClientSets:
    """Maximal sets of clients that one vehicle of a type can serve, as bit masks."""

    kind: int
    sets: Ints
    ends: Floats
    times: Floats


def serve_all_held_karp(problem: RoutingProblem, deadline: float) -> RoutingPlan | None:
    """Return a plan that serves every client and breaks no rule, or None if there is none.

    The earliest end of service is computed for each set of clients and each last one of them, from smaller sets to
    greater ones (Held and Karp 1962, "A dynamic programming approach to sequencing problems", Journal of the Society
    for Industrial and Applied Mathematics 10(1), 196–210).

    Parameters
    ----------
    problem
        A problem for which :func:`allows_held_karp` holds, with about 15 clients at most, all of them mandatory.
    deadline
        Moment of ``time.perf_counter`` at which to give up.

    Raises
    ------
    Undecided
        If there was no time to try everything, or the plan breaks a rule on the law.
    """
    types = [
        _client_sets(problem, kind) for kind, vehicle in enumerate(problem.vehicles) if vehicle.num_available
    ]
    counts = tuple(vehicle.num_available for vehicle in problem.vehicles)
    chosen = _SetCover(problem, types, deadline).cover((1 << len(problem.clients)) - 1, counts, frozenset())
    if chosen is None:
        return None
    plan = problem.plan_from(list(_routes(problem, {each.kind: each for each in types}, chosen)))
    if not problem.check(plan).ok:
        raise Undecided
    return plan


def _client_sets(problem: RoutingProblem, kind: int) -> _ClientSets:
    data, vehicle = problem.data, problem.vehicles[kind]
    n, first = len(data.clients), len(data.depots)
    times = problem.planning_values.durations[kind]
    depot, last = (data.index[each[vehicle.name]] for each in (data.depot_of, data.end_of))
    ends = np.full((1 << n, n), np.inf)
    masks = np.arange(1 << n)
    fits = _compatible_sets(problem, kind, masks)
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
            ends[after, client] = _service_end(problem, kind, node, arrive)
    back = times[first:, last] if vehicle.returns else np.zeros(n)
    done = (ends + back).min(axis=1, initial=np.inf)
    whole = np.flatnonzero(np.isfinite(done) & (done <= vehicle.shift_end + _NOISE))
    return _ClientSets(kind, _maximal_sets(whole), ends, times)


def _service_end(problem: RoutingProblem, kind: int, node: int, arrive: Floats) -> Floats:
    """Return when service ends for those who arrive at a client; infinite where that is too late."""
    data = problem.data
    begin = service_begin(data, np.full(len(arrive), node), arrive)
    late = (begin > data.latest[node] + _NOISE) & ~data.has_soft_window[node]
    return np.where(late, np.inf, begin + data.service_times.stated[kind, node])


def _compatible_sets(problem: RoutingProblem, kind: int, masks: Ints) -> NDArray[np.bool_]:
    """Say which sets of clients one vehicle of a type may serve as far as order and times do not matter."""
    data, first = problem.data, len(problem.data.depots)
    bits = (masks[:, None] >> np.arange(len(data.clients))) & 1
    fits = ~(bits[:, ~data.allowed[kind, first:]]).any(axis=1)
    for carried, capacity in zip(data.demands[:, first:], data.capacities[:, kind], strict=True):
        fits &= bits @ carried <= capacity + _NOISE
    for one, other in np.argwhere(np.triu(data.apart[first:, first:])):
        fits &= (bits[:, one] & bits[:, other]) == 0
    numbers = {number for _, number in data.pinned.values()}
    for number in numbers:
        here = [data.index[name] - first for name, pinned in data.pinned.items() if pinned[1] == number]
        there = [data.index[name] - first for name, pinned in data.pinned.items() if pinned[1] != number]
        fits &= ~(bits[:, here].any(axis=1) & bits[:, there].any(axis=1))
    return np.asarray(fits)


def _maximal_sets(sets: Ints) -> Ints:
    """Return the sets that are subsets of no other one, largest first."""
    order = sorted(sets.tolist(), key=lambda mask: -mask.bit_count())
    kept = np.zeros(0, dtype=np.intp)
    for mask in order:
        if mask and not ((kept & mask) == mask).any():
            kept = np.append(kept, mask)
    return kept


class _SetCover:
    """The search for sets that together cover every client."""

    def __init__(self, problem: RoutingProblem, types: list[_ClientSets], deadline: float) -> None:
        self.types, self.deadline = types, deadline
        data = problem.data
        self.pinned = {
            data.index[name] - len(data.depots): (data.type_index[vehicle], number)
            for name, (vehicle, number) in data.pinned.items()
        }
        self.failed: set[tuple[int, tuple[int, ...], PinnedVehicles]] = set()

    def cover(
        self, uncovered: int, counts: tuple[int, ...], used: PinnedVehicles
    ) -> list[tuple[int, int]] | None:
        """Return type and clients of each vehicle; None where the vehicles do not suffice."""
        if not uncovered:
            return []
        if (uncovered, counts, used) in self.failed:
            return None
        if time.perf_counter() > self.deadline:
            raise Undecided
        for kind, some in self._options(uncovered, counts):
            own = {self.pinned[place] for place in self.pinned if some >> place & 1}
            if own & used:
                continue
            fewer = tuple(count - (place == kind) for place, count in enumerate(counts))
            rest = self.cover(uncovered & ~some, fewer, used | own)
            if rest is not None:
                return [(kind, some), *rest]
        self.failed.add((uncovered, counts, used))
        return None

    def _options(self, uncovered: int, counts: tuple[int, ...]) -> Iterator[tuple[int, int]]:
        """Yield the maximal sets of uncovered clients that contain the first of them."""
        first = uncovered & -uncovered
        for each in self.types:
            if counts[each.kind]:
                holding = np.unique(each.sets[each.sets & first != 0] & uncovered)
                for some in _maximal_sets(holding).tolist():
                    yield each.kind, some


def _routes(
    problem: RoutingProblem, types: dict[int, _ClientSets], chosen: list[tuple[int, int]]
) -> Iterator[Route]:
    """Order the clients of each vehicle, and number the vehicles as pinned clients require."""
    data = problem.data
    named = []
    for _, some in chosen:
        names = {client.name for place, client in enumerate(data.clients) if some >> place & 1}
        named.append(next((data.pinned[name][1] for name in names if name in data.pinned), 0))
    taken = {(kind, number) for (kind, _), number in zip(chosen, named, strict=True) if number}
    for (kind, some), number in zip(chosen, named, strict=True):
        index = number or next(k for k in range(1, len(chosen) + 1) if (kind, k) not in taken)
        taken.add((kind, index))
        vehicle = problem.vehicles[kind]
        yield Route(
            vehicle.name, index, data.depot_of[vehicle.name], _client_order(problem, types[kind], some)
        )


def _client_order(problem: RoutingProblem, sets: _ClientSets, some: int) -> tuple[str, ...]:
    """Return the order in which a set of clients is served soonest, from the last one to the first."""
    data, vehicle = problem.data, problem.vehicles[sets.kind]
    first, last = len(data.depots), data.index[data.end_of[vehicle.name]]
    n, uncovered, order = len(data.clients), some, []
    ahead = sets.times[first:, last] if vehicle.returns else np.zeros(n)
    while uncovered:
        client = int(np.argmin(sets.ends[uncovered] + ahead))
        if not np.isfinite(sets.ends[uncovered, client] + ahead[client]):
            raise Undecided
        order.append(data.clients[client].name)
        uncovered &= ~(1 << client)
        ahead = sets.times[first:, first + client]
    return tuple(reversed(order))
