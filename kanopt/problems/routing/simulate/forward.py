"""Routes laid out as arrays and driven forward, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.data import Floats, Ints, RoutingData
from kanopt.problems.routing.leg_laws import DURATION, LegInputs, RoutingLaws
from kanopt.problems.routing.plan import Route
from kanopt.problems.routing.planning_values import PlanningValues
from kanopt.problems.routing.simulate.breaks import LegTimes, drive_with_breaks, service_begin
from kanopt.problems.routing.simulate.loads import loads_on_board

__all__ = ["PaddedRoutes", "drive_forward", "fixed_durations", "has_breaks", "pad_routes"]


@dataclass(frozen=True, eq=False)
class PaddedRoutes:
    """Routes padded to one length: arrays of shape (routes, longest route in legs)."""

    vehicle: Ints
    tail: Ints
    head: Ints
    valid: NDArray[np.bool_]
    load: Floats
    stay: Floats
    start: Floats

    def select(self, routes: Ints) -> PaddedRoutes:
        """Return some of the routes, each as often as it is named."""
        return PaddedRoutes(*(getattr(self, part.name)[routes] for part in fields(self)))

    def repeat(self, route: int, times: int) -> PaddedRoutes:
        """Return one of the routes, so many times."""
        return self.select(np.full(times, route, dtype=np.intp))


def pad_routes(laws: RoutingLaws, routes: Sequence[Route]) -> tuple[PaddedRoutes, Floats]:
    """Lay the routes out as arrays, with their loads; a leg that stays where it is takes no time and does not count."""
    data = laws.data
    longest = max((len(route.clients) for route in routes), default=0) + 1
    nodes = np.empty((len(routes), longest + 1), dtype=np.intp)
    lengths = np.array([len(route.clients) for route in routes], dtype=np.intp)
    for place, route in enumerate(routes):
        nodes[place] = data.index[route.depot]
        nodes[place, 1 : len(route.clients) + 1] = [data.index[name] for name in route.clients]
    types = np.array([data.type_index[route.vehicle] for route in routes], dtype=np.intp)
    returns = np.array([data.vehicles[kind].returns for kind in types], dtype=bool)
    tail, head = nodes[:, :-1], nodes[:, 1:]
    legs = np.arange(longest)[None, :]
    valid = (legs < (lengths + returns)[:, None]) & (tail != head)
    vehicle = np.broadcast_to(types[:, None], valid.shape)
    stay = np.where(valid & (legs < lengths[:, None]), data.service[vehicle, head], 0.0)
    start = data.of_vehicles("shift_start")[types] if len(types) else np.zeros(0)
    loads = loads_on_board(data, nodes)
    return PaddedRoutes(vehicle, tail, head, valid, loads[0], stay, start), loads


def fixed_durations(
    laws: RoutingLaws, planning: PlanningValues, grid: PaddedRoutes, *, frozen: bool
) -> Floats:
    """Return travel times that do not depend on the clock; padded legs take none."""
    if frozen or not laws.reads(DURATION, "state"):
        values = planning.durations[grid.vehicle, grid.tail, grid.head]
    else:
        values = laws.evaluate(
            DURATION,
            LegInputs(grid.vehicle, grid.tail, grid.head, grid.load, np.zeros(()), np.zeros(())),
        )
    return np.where(grid.valid, values, 0.0)


def drive_forward(laws: RoutingLaws, grid: PaddedRoutes, departure: Floats, fixed: Floats | None) -> LegTimes:
    """Drive all routes forward together, leg by leg; those with breaks one by one."""
    data = laws.data
    shape = grid.valid.shape
    leave, duration, arrive, begin = (np.zeros(shape) for _ in range(4))
    clock = departure.copy()
    for leg in range(shape[1]):
        head, valid = grid.head[:, leg], grid.valid[:, leg]
        leave[:, leg] = clock
        duration[:, leg] = _leg_durations(laws, grid, leg, clock, fixed)
        arrive[:, leg] = clock + duration[:, leg]
        begin[:, leg] = service_begin(data, head, arrive[:, leg])
        clock = np.where(valid, begin[:, leg] + grid.stay[:, leg], clock)
    none, taken = np.zeros(shape[0], dtype=np.intp), np.zeros(shape, dtype=np.intp)
    times = LegTimes(leave, duration, arrive, begin, clock, none, none.copy(), taken)
    if any(data.breaks):
        _insert_breaks(laws, grid, departure, fixed, times)
    return times


def _leg_durations(
    laws: RoutingLaws, grid: PaddedRoutes, leg: int, clock: Floats, fixed: Floats | None
) -> Floats:
    """Return the travel time of one leg of each route, leaving at a clock time; padded legs take none."""
    if fixed is not None:
        return np.asarray(fixed[:, leg])
    valid, spent = grid.valid[:, leg], np.zeros(len(clock))
    if valid.any():
        vehicle, tail, head = (part[valid, leg] for part in (grid.vehicle, grid.tail, grid.head))
        inputs = LegInputs(vehicle, tail, head, grid.load[valid, leg], clock[valid], np.zeros(()))
        spent[valid] = laws.evaluate(DURATION, inputs)
    return spent


def _insert_breaks(
    laws: RoutingLaws, grid: PaddedRoutes, departure: Floats, fixed: Floats | None, times: LegTimes
) -> None:
    """Put breaks into the times of those routes whose drivers have some; equal routes go together."""
    data = laws.data
    rows = np.flatnonzero(has_breaks(data, grid))
    groups: dict[tuple[int, ...], list[int]] = {}
    for row in rows.tolist():
        ends = int(grid.vehicle[row, 0]), *grid.tail[row].tolist(), *grid.head[row].tolist()
        groups.setdefault(ends, []).append(row)
    for equal in groups.values():
        row, members = equal[0], np.array(equal)
        some = np.flatnonzero(grid.valid[row])

        def spent(place: int, clock: Floats, row: int = row, legs: Ints = some) -> Floats:
            one, leaves = grid.repeat(row, clock.size), np.where(np.isfinite(clock), clock, 0.0).ravel()
            given = None if fixed is None else np.repeat(fixed[row : row + 1], clock.size, axis=0)
            found = _leg_durations(laws, one, int(legs[place]), leaves, given)
            return np.asarray(found.reshape(clock.shape))

        stops = list(zip(grid.head[row, some].tolist(), grid.stay[row, some].tolist(), strict=True))
        kind = int(grid.vehicle[row, 0])
        rested = drive_with_breaks(data, stops, data.breaks[kind], departure[members], spent)
        into = np.ix_(members, some)
        for name in ("leave", "duration", "arrive", "begin", "breaks_taken"):
            getattr(times, name)[into] = getattr(rested, name)
        for name in ("finish", "breaks_missed", "breaks_before"):
            getattr(times, name)[members] = getattr(rested, name)


def has_breaks(data: RoutingData, grid: PaddedRoutes) -> NDArray[np.bool_]:
    """Say on which routes drivers rest."""
    rests = np.array([bool(rests) for rests in data.breaks])
    return np.asarray(rests[grid.vehicle[:, 0]] & grid.valid.any(axis=1))
