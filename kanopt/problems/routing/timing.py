"""Driving a plan forward: loads, departures, waits and arrivals on the law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.arrivals import ArrivalFunctions
from kanopt.problems.routing.departures import turning_points
from kanopt.problems.routing.laws import DURATION, Floats, Inputs, Ints, Laws
from kanopt.problems.routing.plan import Route
from kanopt.problems.routing.planning import Planning

__all__ = ["Drive", "drive"]

_HALVINGS = 30
_SLACK = 1e-7


@dataclass(frozen=True, eq=False)
class Drive:
    """Routes driven forward. Arrays over legs, in the order of routes and stops, then arrays over routes.

    Parameters
    ----------
    route, vehicle, tail, head
        Route, vehicle type, start and end of each leg, as positions.
    load
        On board during the leg: everything still to be delivered.
    leave, duration, arrive, begin
        Clock times and travel time of each leg; service at its head begins at `begin`, after waiting for the window.
    departure, finish
        Clock times at which each route leaves and returns.
    """

    route: Ints
    vehicle: Ints
    tail: Ints
    head: Ints
    load: Floats
    leave: Floats
    duration: Floats
    arrive: Floats
    begin: Floats
    departure: Floats
    finish: Floats

    @property
    def inputs(self) -> Inputs:
        """The legs as inputs of a law, with the true load and clock."""
        return Inputs(self.vehicle, self.tail, self.head, self.load, self.leave, self.duration)


@dataclass(frozen=True, eq=False)
class _Grid:
    """Routes padded to one length: arrays of shape (routes, longest route in legs)."""

    vehicle: Ints
    tail: Ints
    head: Ints
    valid: NDArray[np.bool_]
    load: Floats
    start: Floats

    def only(self, route: int, times: int) -> _Grid:
        """Return one of the routes, so many times."""
        parts = (getattr(self, part.name) for part in fields(self))
        return _Grid(*(np.repeat(part[route : route + 1], times, axis=0) for part in parts))


@dataclass(frozen=True, eq=False)
class _Times:
    leave: Floats
    duration: Floats
    arrive: Floats
    begin: Floats
    finish: Floats


def drive(laws: Laws, planning: Planning, routes: Sequence[Route], *, frozen: bool = False) -> Drive:
    """Drive routes forward on the law, or with travel times at their planning values.

    A vehicle waits only for a window to open. A route without a stated departure leaves as late as it can without
    finishing later, or making a client later, than it would by leaving when its shift starts; so no route pays
    for waiting that it can avoid for nothing. Where travel time depends on the clock that departure is found by
    bisection. Where travel times are tabulated in the clock and a vehicle type pays for time, the departure is the
    one with the least time, the latest of them, that makes no client later.

    Parameters
    ----------
    laws, planning
        The problem's laws and planning values.
    routes
        With known names; a route without clients stays in its depot.
    frozen
        Use the planning values of travel time.
    """
    grid = _padded(laws, routes)
    stated = np.array(
        [np.nan if route.departure is None else route.departure for route in routes], dtype=float
    )
    departure = np.where(np.isnan(stated), grid.start, stated)
    still = frozen or not laws.reads(DURATION, "clock")
    fixed = _durations(laws, planning, grid, frozen=frozen) if still else None
    times = _forward(laws, grid, departure, fixed)
    free = np.isnan(stated)
    if free.any():
        room = np.where(free, _room(laws, grid, times, still=still), 0.0)
        late = departure + room if still else _latest(laws, grid, departure, room, times)
        if not still and isinstance(laws.duration, ArrivalFunctions):
            late = _quickest(laws, laws.duration, grid, np.flatnonzero(free), late, times)
        if (late != departure).any():
            departure = late
            times = _forward(laws, grid, departure, fixed)
    valid = grid.valid
    return Drive(
        route=np.nonzero(valid)[0],
        vehicle=grid.vehicle[valid],
        tail=grid.tail[valid],
        head=grid.head[valid],
        load=grid.load[valid],
        leave=times.leave[valid],
        duration=times.duration[valid],
        arrive=times.arrive[valid],
        begin=times.begin[valid],
        departure=departure,
        finish=times.finish,
    )


def _padded(laws: Laws, routes: Sequence[Route]) -> _Grid:
    """Lay the routes out as arrays; a leg that stays where it is takes no time and does not count."""
    facts = laws.facts
    longest = max((len(route.clients) for route in routes), default=0) + 1
    nodes = np.empty((len(routes), longest + 1), dtype=np.intp)
    lengths = np.array([len(route.clients) for route in routes], dtype=np.intp)
    for place, route in enumerate(routes):
        nodes[place] = facts.index[route.depot]
        nodes[place, 1 : len(route.clients) + 1] = [facts.index[name] for name in route.clients]
    types = np.array([facts.type_index[route.vehicle] for route in routes], dtype=np.intp)
    tail, head = nodes[:, :-1], nodes[:, 1:]
    valid = (np.arange(longest)[None, :] <= lengths[:, None]) & (tail != head)
    dropped = np.cumsum(facts.demand[tail], axis=1)
    load = facts.demand[nodes].sum(axis=1, keepdims=True) - dropped
    start = facts.of_vehicles("shift_start")[types] if len(types) else np.zeros(0)
    vehicle = np.broadcast_to(types[:, None], valid.shape)
    return _Grid(vehicle, tail, head, valid, np.where(np.abs(load) < 1e-12, 0.0, load), start)


def _durations(laws: Laws, planning: Planning, grid: _Grid, *, frozen: bool) -> Floats:
    """Return travel times that do not depend on the clock; padded legs take none."""
    if frozen or not laws.reads(DURATION, "state"):
        values = planning.durations[grid.vehicle, grid.tail, grid.head]
    else:
        values = laws.evaluate(
            DURATION,
            Inputs(grid.vehicle, grid.tail, grid.head, grid.load, np.zeros(()), np.zeros(())),
        )
    return np.where(grid.valid, values, 0.0)


def _forward(laws: Laws, grid: _Grid, departure: Floats, fixed: Floats | None) -> _Times:
    """Drive all routes forward together, leg by leg."""
    facts = laws.facts
    shape = grid.valid.shape
    leave, duration, arrive, begin = (np.zeros(shape) for _ in range(4))
    clock = departure.copy()
    for leg in range(shape[1]):
        tail, head, valid = grid.tail[:, leg], grid.head[:, leg], grid.valid[:, leg]
        leave[:, leg] = clock
        if fixed is not None:
            duration[:, leg] = fixed[:, leg]
        elif valid.any():
            inputs = Inputs(
                grid.vehicle[valid, leg],
                tail[valid],
                head[valid],
                grid.load[valid, leg],
                clock[valid],
                np.zeros(()),
            )
            duration[valid, leg] = laws.evaluate(DURATION, inputs)
        arrive[:, leg] = clock + duration[:, leg]
        begin[:, leg] = np.maximum(arrive[:, leg], facts.earliest[head])
        clock = np.where(valid, begin[:, leg] + facts.service[head], clock)
    return _Times(leave, duration, arrive, begin, clock)


def _room(laws: Laws, grid: _Grid, times: _Times, *, still: bool) -> Floats:
    """Return by how much each departure can move at most without changing the finish.

    With fixed travel times this is the forward time slack of Savelsbergh (1992, "The vehicle routing problem with
    time windows: minimizing route duration", ORSA Journal on Computing 4(2), 146–154): no more than the whole
    wait, and at each stop no more than the wait so far and the time left in its window.
    """
    reached = grid.valid & np.isfinite(times.arrive)
    waits = np.zeros_like(times.arrive)
    np.subtract(times.begin, times.arrive, out=waits, where=reached)
    waited = np.cumsum(waits, axis=1)
    if not still:
        return waited[:, -1]
    left = np.full_like(waits, np.inf)
    latest = laws.facts.latest[grid.head]
    np.subtract(latest, times.begin, out=left, where=reached & np.isfinite(latest))
    slack = np.where(grid.valid, waited + np.maximum(left, 0.0), np.inf)
    room: Floats = np.minimum(waited[:, -1], slack.min(axis=1))
    return room


def _quickest(
    laws: Laws, law: ArrivalFunctions, grid: _Grid, routes: Ints, departure: Floats, first: _Times
) -> Floats:
    """Choose among all turning points the departures of the least time, for vehicles that pay for time."""
    facts, chosen = laws.facts, departure.copy()
    rate, end = facts.of_vehicles("cost_per_time"), facts.of_vehicles("shift_end")
    for route in routes:
        legs = int(grid.valid[route].sum())
        kind = int(grid.vehicle[route, 0])
        if not legs or not rate[kind] or not np.isfinite(first.finish[route]):
            continue
        way = [int(grid.tail[route, 0]), *grid.head[route, :legs].tolist()]
        points = turning_points(law, facts, way)
        options = np.append(points[points >= grid.start[route]], [grid.start[route], departure[route]])
        times = _forward(laws, grid.only(int(route), len(options)), options, None)
        limit = np.maximum(first.begin[route], facts.latest[grid.head[route]]) + _SLACK
        fits = (times.begin <= limit)[:, :legs].all(axis=1)
        fits &= times.finish <= max(float(end[kind]), float(first.finish[route])) + _SLACK
        spent = np.where(fits, times.finish - options, np.inf)
        quick = spent <= spent.min() + _SLACK
        chosen[route] = options[quick].max()
    return chosen


def _latest(laws: Laws, grid: _Grid, departure: Floats, room: Floats, first: _Times) -> Floats:
    """Find the latest departures by bisection where travel time depends on the clock."""
    latest = np.where(grid.valid, laws.facts.latest[grid.head], np.inf)
    limit = np.maximum(np.where(grid.valid, first.begin, -np.inf), latest) + _SLACK
    low, high = departure.copy(), departure + room
    for _ in range(_HALVINGS if (room > 0).any() else 0):
        middle = (low + high) / 2
        times = _forward(laws, grid, middle, None)
        on_time = np.where(grid.valid, times.begin <= limit, True).all(axis=1)
        fits = on_time & (times.finish <= first.finish + _SLACK)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return low
