"""Whether vehicles can serve all of a few clients, by trying every route there is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.explain.plain import Undecided, is_plain, is_timed, serve_plainly
from kanopt.problems.findings import Violation
from kanopt.problems.routing import Route, RoutingPlan, RoutingProblem, VehicleType
from kanopt.problems.routing.facts import Facts, Floats
from kanopt.problems.routing.insertion import broken_by_each
from kanopt.problems.routing.laws import DURATION
from kanopt.problems.routing.timing import Drive

__all__ = ["is_exhaustive", "serve_all"]

Way = tuple[str, ...]


@dataclass(frozen=True)
class _Tour:
    """A set of clients that one vehicle can serve, as bits, and how."""

    served: int
    kind: int
    number: int | None
    way: Way


def is_exhaustive(problem: RoutingProblem) -> bool:
    """Say whether no plan is left out when every order of the clients is tried with its best departure.

    The best departure is known where travel times are fixed and no break depends on it, and how long a route takes
    counts only where waiting can be avoided by leaving later.
    """
    if not is_timed(problem):
        return True
    facts = problem.facts
    timed = any(np.isfinite(vehicle.max_duration) for vehicle in facts.vehicles)
    waits = len(facts.opens) > 1 or bool(facts.soft.any())
    return (
        not problem.rules.reads(DURATION, "clock", "state") and not any(facts.rests) and not (timed and waits)
    )


def serve_all(problem: RoutingProblem, deadline: float) -> RoutingPlan | None:
    """Return a plan that serves every client and breaks no rule on the law, or None if there is none.

    Parameters
    ----------
    problem
        With few clients, all of whom must be served.
    deadline
        Moment of ``time.perf_counter`` at which to give up.

    Raises
    ------
    Undecided
        If there was no time to try everything.
    """
    if is_plain(problem):
        return serve_plainly(problem, deadline)
    tours: dict[int, list[_Tour]] = {}
    for kind in range(len(problem.vehicles)):
        for tour in _tours(problem, kind, deadline):
            tours.setdefault(tour.served & -tour.served, []).append(tour)
    counts = tuple(vehicle.count for vehicle in problem.vehicles)
    chosen = _cover((1 << len(problem.clients)) - 1, tours, counts, frozenset(), set())
    if chosen is None:
        return None
    plan = problem.plan_from(list(_routes(problem, chosen)))
    return plan if problem.check(plan).ok else None


def _routes(problem: RoutingProblem, chosen: list[_Tour]) -> Iterator[Route]:
    """Give each tour a vehicle: those that name theirs first."""
    taken = {(tour.kind, tour.number) for tour in chosen if tour.number is not None}
    for tour in chosen:
        number = tour.number
        if number is None:
            number = next(n for n in range(1, len(chosen) + len(taken) + 1) if (tour.kind, n) not in taken)
            taken.add((tour.kind, number))
        name = problem.vehicles[tour.kind].name
        yield Route(name, number, problem.facts.depot_of[name], tour.way)


def _cover(
    left: int,
    tours: Mapping[int, Sequence[_Tour]],
    counts: tuple[int, ...],
    named: frozenset[tuple[int, int]],
    failed: set[tuple[int, tuple[int, ...], frozenset[tuple[int, int]]]],
) -> list[_Tour] | None:
    """Choose tours, given by their first client, that serve each client once with the vehicles there are."""
    if not left:
        return []
    state = left, counts, named
    if state in failed:
        return None
    for tour in tours.get(left & -left, ()):
        if tour.served & ~left or not counts[tour.kind]:
            continue
        own = set() if tour.number is None else {(tour.kind, tour.number)}
        if own & named:
            continue
        fewer = tuple(count - (kind == tour.kind) for kind, count in enumerate(counts))
        rest = _cover(left & ~tour.served, tours, fewer, named | own, failed)
        if rest is not None:
            return [tour, *rest]
    failed.add(state)
    return None


def _tours(problem: RoutingProblem, kind: int, deadline: float) -> list[_Tour]:
    """Return one feasible tour of a vehicle type for each set of clients that has one."""
    facts, vehicle = problem.facts, problem.vehicles[kind]
    if not vehicle.count:
        return []
    lenient = replace(facts, clients=tuple(replace(client, prize=0.0) for client in facts.clients))
    bit = {client.name: 1 << place for place, client in enumerate(facts.clients)}
    found: dict[int, _Tour] = {}
    ways: list[Way] = [()]
    while ways:
        routes = [
            Route(vehicle.name, _number(problem, kind, way) or 1, facts.depot_of[vehicle.name], way)
            for before in ways
            for way in _longer(problem, kind, before)
        ]
        if time.perf_counter() > deadline:
            raise Undecided
        if not routes:
            break
        driven = problem.drive(routes)
        alive, whole = _judged(problem, vehicle, driven, len(routes))
        served = [sum(bit.get(name, 0) for name in route.clients) for route in routes]
        asked = [place for place in np.flatnonzero(alive & whole) if served[place] not in found]
        for place, broken in zip(asked, _checked(lenient, routes, driven, asked, deadline), strict=True):
            if not broken:
                way = routes[place].clients
                found.setdefault(served[place], _Tour(served[place], kind, _number(problem, kind, way), way))
        ways = [routes[place].clients for place in np.flatnonzero(alive)]
    return list(found.values())


def _checked(
    lenient: Facts, routes: list[Route], driven: Drive, asked: list[np.intp], deadline: float
) -> Iterator[tuple[Violation, ...]]:
    """Check some of the routes, a few hundred at a time."""
    for begin in range(0, len(asked), 500):
        if time.perf_counter() > deadline:
            raise Undecided
        yield from broken_by_each(
            lenient, routes, driven, [int(place) for place in asked[begin : begin + 500]]
        )


def _number(problem: RoutingProblem, kind: int, way: Way) -> int | None:
    """Return the number of the vehicle that the first pinned client on the way names."""
    pinned: Mapping[str, tuple[str, int]] = problem.facts.pinned
    return next((pinned[name][1] for name in way if name in pinned), None)


def _longer(problem: RoutingProblem, kind: int, way: Way) -> Iterator[Way]:
    """Yield the way with each client more that may be on it, and with a visit of the depot before."""
    facts, vehicle = problem.facts, problem.vehicles[kind]
    depot = facts.depot_of[vehicle.name]
    stops = [facts.index[name] for name in way if name != depot]
    again = bool(way) and way.count(depot) < vehicle.reloads
    for client in facts.clients:
        place = facts.index[client.name]
        if place in stops or not facts.allowed[kind, place] or facts.apart[place, stops].any():
            continue
        yield (*way, client.name)
        if again:
            yield (*way, depot, client.name)


def _judged(
    problem: RoutingProblem, vehicle: VehicleType, driven: Drive, count: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which routes could still be made longer, and which may be whole."""
    facts, kind = problem.facts, problem.facts.type_index[vehicle.name]
    stops = np.searchsorted(driven.route, np.arange(1, count + 1)) - 1 - vehicle.returns
    ends = driven.begin[stops] + facts.service[kind, driven.head[stops]]
    on_way = np.ones(len(driven.route), dtype=bool)
    if vehicle.returns:
        on_way[stops + 1] = False
    late = driven.late > _slack(facts.latest[driven.head])
    wrong = on_way & (~np.isfinite(driven.begin) | (late & ~facts.soft[driven.head]))
    room = facts.room[:, kind]
    wrong |= (driven.loads > (room + _slack(room))[:, None]).any(axis=0)
    alive = np.bincount(driven.route, weights=wrong, minlength=count) == 0
    legs = np.where(on_way, np.nan_to_num(facts.distance[driven.tail, driven.head], posinf=0.0), 0.0)
    far = np.bincount(driven.route, weights=legs, minlength=count)
    alive &= far <= vehicle.max_distance + float(_slack(np.asarray(vehicle.max_distance)))
    close = vehicle.shift_end + float(_slack(np.asarray(vehicle.shift_end)))
    alive &= ends <= close
    return alive, np.isfinite(driven.finish) & (driven.finish <= close)


def _slack(limit: Floats) -> Floats:
    """Return what the check of plans leaves to the noise of sums, and a little more."""
    finite = np.where(np.isfinite(limit), np.abs(limit), 0.0)
    return np.asarray(2e-6 * np.minimum(1.0, np.maximum(finite, 1e-3)) + 2e-9 * finite)
