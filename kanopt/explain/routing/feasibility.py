"""Whether the vehicles can serve a small set of clients, by enumerating all routes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.explain.routing.held_karp import Undecided, allows_held_karp, is_timed, serve_all_held_karp
from kanopt.problems.routing import Route, RoutingPlan, RoutingProblem, VehicleType
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.insertion import is_soonest_at_start, violations_by_route
from kanopt.problems.routing.leg_laws import DURATION
from kanopt.problems.routing.simulate import Drive, slack

_MORE = 2.0
"""Multiple of the tolerance of the check, so that no route that the check accepts is discarded."""
ClientOrder = tuple[str, ...]


@dataclass(frozen=True)
class _FeasibleTour:
    """A set of clients that one vehicle can serve, as a bit mask, and the order of its stops."""

    served: int
    kind: int
    number: int | None
    clients: ClientOrder


def is_exhaustive(problem: RoutingProblem) -> bool:
    """Say whether trying every order of the clients with its best departure covers all plans.

    The best departure is known where travel times are fixed and no break depends on it, and how long a route takes
    counts only where waiting can be avoided by leaving later.
    """
    if not is_timed(problem):
        return True
    data = problem.data
    timed = any(np.isfinite(vehicle.max_duration) for vehicle in data.vehicles)
    waits = len(data.opens) > 1 or bool(data.has_soft_window.any())
    return (
        not problem.leg_laws.reads(DURATION, "clock", "state")
        and not data.service_times.plan_inputs
        and not any(data.breaks)
        and not (timed and waits)
    )


def serve_all(problem: RoutingProblem, deadline: float) -> RoutingPlan | None:
    """Return a plan that serves every client and breaks no rule on the law, or None if there is none.

    Parameters
    ----------
    problem
        A problem with few clients, all of them mandatory.
    deadline
        Moment of ``time.perf_counter`` at which to give up.

    Raises
    ------
    Undecided
        If there was no time to try everything.
    """
    if allows_held_karp(problem):
        return serve_all_held_karp(problem, deadline)
    tours: dict[int, list[_FeasibleTour]] = {}
    for kind in range(len(problem.vehicles)):
        for tour in _feasible_tours(problem, kind, deadline):
            tours.setdefault(tour.served & -tour.served, []).append(tour)
    counts = tuple(vehicle.num_available for vehicle in problem.vehicles)
    chosen = _exact_cover((1 << len(problem.clients)) - 1, tours, counts, frozenset(), set())
    if chosen is None:
        return None
    plan = problem.plan_from(list(_routes(problem, chosen)))
    return plan if problem.check(plan).ok else None


def _routes(problem: RoutingProblem, chosen: list[_FeasibleTour]) -> Iterator[Route]:
    """Assign a vehicle to each tour, tours with pinned clients first."""
    taken = {(tour.kind, tour.number) for tour in chosen if tour.number is not None}
    for tour in chosen:
        number = tour.number
        if number is None:
            number = next(n for n in range(1, len(chosen) + len(taken) + 1) if (tour.kind, n) not in taken)
            taken.add((tour.kind, number))
        name = problem.vehicles[tour.kind].name
        yield Route(name, number, problem.data.depot_of[name], tour.clients)


def _exact_cover(
    uncovered: int,
    tours: Mapping[int, Sequence[_FeasibleTour]],
    counts: tuple[int, ...],
    named: frozenset[tuple[int, int]],
    failed: set[tuple[int, tuple[int, ...], frozenset[tuple[int, int]]]],
) -> list[_FeasibleTour] | None:
    """Choose tours, listed by their first client, that serve each client once with the available vehicles."""
    if not uncovered:
        return []
    state = uncovered, counts, named
    if state in failed:
        return None
    for tour in tours.get(uncovered & -uncovered, ()):
        if tour.served & ~uncovered or not counts[tour.kind]:
            continue
        own = set() if tour.number is None else {(tour.kind, tour.number)}
        if own & named:
            continue
        fewer = tuple(count - (kind == tour.kind) for kind, count in enumerate(counts))
        rest = _exact_cover(uncovered & ~tour.served, tours, fewer, named | own, failed)
        if rest is not None:
            return [tour, *rest]
    failed.add(state)
    return None


def _feasible_tours(problem: RoutingProblem, kind: int, deadline: float) -> list[_FeasibleTour]:
    """Return one feasible tour of a vehicle type for each set of clients that has one."""
    data, vehicle = problem.data, problem.vehicles[kind]
    if not vehicle.num_available:
        return []
    lenient = replace(data, clients=tuple(replace(client, prize=0.0) for client in data.clients))
    # finding the departure takes most of the time, and decides nothing but how long the route takes
    soonest = is_soonest_at_start(problem.leg_laws, kind)
    found: dict[int, _FeasibleTour] = {}
    orders: list[ClientOrder] = [()]
    while orders:
        routes = [
            Route(
                vehicle.name,
                _pinned_vehicle(data, order) or 1,
                data.depot_of[vehicle.name],
                order,
            )
            for before in orders
            for order in _extensions(problem, kind, before)
        ]
        if soonest:
            routes = [replace(route, departure=data.leaves_from(route)) for route in routes]
        orders = []
        for batch in _batches(routes, deadline):
            driven = problem.drive(batch)
            alive, whole = _extendable_and_complete(problem, vehicle, driven, len(batch))
            orders += [batch[place].clients for place in np.flatnonzero(alive)]
            slow = _keep_feasible(lenient, batch, driven, np.flatnonzero(alive & whole).tolist(), found)
            for again in _batches(slow if soonest else [], deadline):
                free = [replace(route, departure=None) for route in again]
                _keep_feasible(lenient, free, problem.drive(free), list(range(len(free))), found)
    return list(found.values())


def _keep_feasible(
    lenient: RoutingData,
    routes: list[Route],
    driven: Drive,
    places: list[int],
    found: dict[int, _FeasibleTour],
) -> list[Route]:
    """Keep those of the routes that break no rule, one for each set of clients; return those that take too long."""
    bit = {client.name: 1 << place for place, client in enumerate(lenient.clients)}
    served = {place: sum(bit.get(name, 0) for name in routes[place].clients) for place in places}
    new = [place for place in places if served[place] not in found]
    slow = []
    for place, broken in zip(new, violations_by_route(lenient, routes, driven, new), strict=True):
        route = routes[place]
        if not broken:
            kind, number = lenient.type_index[route.vehicle], _pinned_vehicle(lenient, route.clients)
            tour = _FeasibleTour(served[place], kind, number, route.clients)
            found.setdefault(served[place], tour)
        elif {violation.constraint for violation in broken} == {"duration"}:
            slow.append(place)
    return [routes[place] for place in slow if served[place] not in found]


def _batches(routes: list[Route], deadline: float) -> Iterator[list[Route]]:
    """Yield the routes in batches, each of which takes about a tenth of a second to process."""
    at, size = 0, 10
    while at < len(routes):
        begin = time.perf_counter()
        if begin > deadline:
            raise Undecided
        yield routes[at : at + size]
        at += size
        seconds = time.perf_counter() - begin
        size = 2 * size if seconds < 0.05 else max(size // 2, 1) if seconds > 0.2 else size


def _pinned_vehicle(data: RoutingData, order: ClientOrder) -> int | None:
    """Return the number of the vehicle that the first pinned client on the route is pinned to."""
    return next((data.pinned[name][1] for name in order if name in data.pinned), None)


def _extensions(problem: RoutingProblem, kind: int, order: ClientOrder) -> Iterator[ClientOrder]:
    """Yield the stops with one more client that may follow, directly and after a reload at the depot."""
    data, vehicle = problem.data, problem.vehicles[kind]
    depot = data.depot_of[vehicle.name]
    stops = [data.index[name] for name in order if name != depot]
    may_reload = bool(order) and order.count(depot) < vehicle.max_reloads
    for client in data.clients:
        place = data.index[client.name]
        if place in stops or not data.allowed[kind, place] or data.apart[place, stops].any():
            continue
        yield (*order, client.name)
        if may_reload:
            yield (*order, depot, client.name)


def _extendable_and_complete(
    problem: RoutingProblem, vehicle: VehicleType, driven: Drive, count: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which routes may be extended further, and which may be complete."""
    data, kind = problem.data, problem.data.type_index[vehicle.name]
    stops = np.searchsorted(driven.route, np.arange(1, count + 1)) - 1 - vehicle.returns
    ends = driven.begin[stops] + driven.stay[stops]
    on_way = np.ones(len(driven.route), dtype=bool)
    if vehicle.returns:
        on_way[stops + 1] = False
    late = driven.late > _MORE * slack(data.latest[driven.head])
    wrong = on_way & (~np.isfinite(driven.begin) | (late & ~data.has_soft_window[driven.head]))
    capacity = data.capacities[:, kind]
    wrong |= (driven.loads > (capacity + _MORE * slack(capacity))[:, None]).any(axis=0)
    alive = np.bincount(driven.route, weights=wrong, minlength=count) == 0
    legs = np.where(on_way, np.nan_to_num(data.lengths(driven.tail, driven.head), posinf=0.0), 0.0)
    far = np.bincount(driven.route, weights=legs, minlength=count)
    limits = np.array([vehicle.max_distance, vehicle.max_duration, vehicle.shift_end])
    farthest, longest, close = (limits + _MORE * slack(limits)).tolist()
    alive &= (far <= farthest) & (ends <= close)
    if not problem.leg_laws.reads(DURATION, "clock", "state"):
        # waits and breaks come on top
        least = np.minimum(driven.stay, data.service_times.least[kind, driven.head])
        busy = np.where(on_way, np.nan_to_num(driven.duration + least, posinf=0.0), 0.0)
        alive &= np.bincount(driven.route, weights=busy, minlength=count) <= longest
    return alive, np.isfinite(driven.finish) & (driven.finish <= close)
