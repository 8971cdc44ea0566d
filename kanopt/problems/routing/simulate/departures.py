"""When routes leave that do not say so themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.data import Floats, Ints, RoutingData
from kanopt.problems.routing.leg_laws import RoutingLaws
from kanopt.problems.routing.simulate.breaks import LegTimes
from kanopt.problems.routing.simulate.departure_candidates import candidate_departures, departure_breakpoints
from kanopt.problems.routing.simulate.forward import PaddedRoutes, drive_forward, has_breaks

__all__ = ["choose_departures"]

_HALVES, _PARTS = (2, 30), (64, 5)
"""How to look for a departure: by halves 30 times; or in 64 parts five times, where a route takes long to drive once
but not much longer to drive often."""
_SLACK = 1e-7


def choose_departures(
    laws: RoutingLaws,
    grid: PaddedRoutes,
    start: Floats,
    free: NDArray[np.bool_],
    first: LegTimes,
    fixed: Floats | None,
) -> Floats:
    """Choose the departures of routes that do not state theirs, and return all."""
    still = fixed is not None
    room = np.where(free, _departure_slack(laws, grid, first, still=still), 0.0)
    late = start + room if still else _latest_free_departures(laws, grid, start, room, first)
    weighed = _needs_search(laws.data, grid)
    if not still and isinstance(laws.duration, ArrivalFunctions):
        rates = laws.data.of_vehicles("cost_per_time") + laws.data.of_vehicles("cost_per_overtime")
        lasting = (rates > 0) | np.isfinite(laws.data.of_vehicles("max_duration"))
        weighed = weighed | (lasting[grid.vehicle[:, 0]] & grid.valid.any(axis=1))
    return _cheapest_departures(laws, grid, np.flatnonzero(free & weighed), late, first, fixed)


def _departure_slack(laws: RoutingLaws, grid: PaddedRoutes, times: LegTimes, *, still: bool) -> Floats:
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
    latest = laws.data.latest[grid.head]
    np.subtract(latest, times.begin, out=left, where=reached & np.isfinite(latest))
    slack = np.where(grid.valid, waited + np.maximum(left, 0.0), np.inf)
    room: Floats = np.minimum(waited[:, -1], slack.min(axis=1))
    return room


def _needs_search(data: RoutingData, grid: PaddedRoutes) -> NDArray[np.bool_]:
    """Say on which routes the latest departure that costs nothing may not be the cheapest one."""
    several = (data.opens[0] != data.opens[-1]) | data.has_soft_window
    return np.asarray((several[grid.head] & grid.valid).any(axis=1) | has_breaks(data, grid))


def _cheapest_departures(
    laws: RoutingLaws,
    grid: PaddedRoutes,
    routes: Ints,
    departure: Floats,
    first: LegTimes,
    fixed: Floats | None,
) -> Floats:
    """Choose the departures at which time, overtime and lateness cost least, of those worth trying."""
    data, chosen = laws.data, departure.copy()
    for route in routes:
        if not np.isfinite(first.finish[route]):
            continue
        vehicle, start = data.vehicles[int(grid.vehicle[route, 0])], grid.start[route]
        options = _candidate_departures(laws, grid, int(route), first.duration[route], moving=fixed is None)
        options = np.unique(np.append(options[options >= start], [start, departure[route]]))
        bends = np.array([vehicle.regular_time, vehicle.max_duration])
        bends = bends[np.isfinite(bends)]
        for _ in range(2 if bends.size else 1):
            times = _drive_candidates(laws, grid, int(route), options, fixed)
            misfit, over, cost = _time_cost(laws, grid, int(route), options, times, first)
            more = (times.finish[:, None] - bends).ravel()
            more = more[np.isfinite(more) & (more > start)]
            seen, options = options, np.unique(np.append(options, more))
        rounded = (np.round(values, 7) for values in (times.finish, cost, over))
        best = np.lexsort((-seen, *rounded, times.breaks_missed, misfit))[0]
        chosen[route] = seen[best]
    return chosen


def _candidate_departures(
    laws: RoutingLaws, grid: PaddedRoutes, route: int, duration: Floats, *, moving: bool
) -> Floats:
    """Return departures of a route that are worth trying, given the travel times of one of them.

    They are all there need be where travel times are fixed or tabulated; with a formula of the clock, a few good ones.
    """
    data, kind = laws.data, int(grid.vehicle[route, 0])
    legs = np.flatnonzero(grid.valid[route])
    head = grid.head[route, legs]
    way = head, duration[legs], grid.stay[route, legs]
    options = candidate_departures(data, *way, data.breaks[kind], data.vehicles[kind].shift_end)
    if moving and isinstance(laws.duration, ArrivalFunctions):
        stops = [int(grid.tail[route, legs[0]]), *head.tolist()]
        options = np.append(options, departure_breakpoints(laws.duration, data, kind, stops))
    return options


def _drive_candidates(
    laws: RoutingLaws, grid: PaddedRoutes, route: int, options: Floats, fixed: Floats | None
) -> LegTimes:
    given = None if fixed is None else np.repeat(fixed[route : route + 1], len(options), axis=0)
    return drive_forward(laws, grid.repeat(route, len(options)), options, given)


def _time_cost(
    laws: RoutingLaws, grid: PaddedRoutes, route: int, options: Floats, times: LegTimes, first: LegTimes
) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Return when a route may not leave, by how much it takes too long, and what it pays for time and lateness."""
    data, head, valid = laws.data, grid.head[route], grid.valid[route]
    vehicle = data.vehicles[int(grid.vehicle[route, 0])]
    latest = np.where(data.has_soft_window[head] | ~valid, np.inf, data.latest[head])
    limit = np.maximum(np.where(valid, first.begin[route], -np.inf), latest) + _SLACK
    fits = (times.begin <= limit)[:, valid].all(axis=1)
    fits &= times.finish <= max(vehicle.shift_end, float(first.finish[route])) + _SLACK
    spent = times.finish - options
    late = np.where(valid & data.has_soft_window[head], np.maximum(times.begin - data.latest[head], 0.0), 0.0)
    cost = vehicle.cost_per_time * spent + (late * data.lateness_rate[head]).sum(axis=1)
    if vehicle.cost_per_overtime:
        cost = cost + vehicle.cost_per_overtime * np.maximum(spent - vehicle.regular_time, 0.0)
    return ~fits, np.maximum(spent - vehicle.max_duration, 0.0), cost


def _latest_free_departures(
    laws: RoutingLaws, grid: PaddedRoutes, departure: Floats, room: Floats, first: LegTimes
) -> Floats:
    """Find the latest departures that cost nothing where travel time depends on the clock."""
    latest = np.where(grid.valid, laws.data.latest[grid.head], np.inf)
    limit = np.maximum(np.where(grid.valid, first.begin, -np.inf), latest) + _SLACK
    chosen, resting = departure.copy(), has_breaks(laws.data, grid)
    for with_rests, sections in ((False, _HALVES), (True, _PARTS)):
        rows = np.flatnonzero((room > 0) & (resting == with_rests))
        if rows.size:
            ends = departure[rows], departure[rows] + room[rows]
            limits = limit[rows], first.finish[rows] + _SLACK
            chosen[rows] = _latest_feasible(laws, grid.select(rows), ends, limits, sections)
    return chosen


def _latest_feasible(
    laws: RoutingLaws,
    grid: PaddedRoutes,
    ends: tuple[Floats, Floats],
    limits: tuple[Floats, Floats],
    sections: tuple[int, int],
) -> Floats:
    """Find the last departures with which nobody is served later than allowed.

    Parameters
    ----------
    laws, grid
        Routes that fit when they leave at the first of the two ends.
    ends
        Between which departures to look; (routes,) each.
    limits
        By when each service must begin, (routes, legs), and by when each route must finish, (routes,).
    sections
        Into how many parts to cut what is between two departures, and how often: the last departure before the first
        that does not fit is one of the two ends the next time.
    """
    (low, high), (begin, finish), (parts, rounds) = ends, limits, sections
    routes, share = np.repeat(np.arange(len(low)), parts - 1), np.arange(1, parts) / parts
    many = grid.select(routes)
    for _ in range(rounds):
        tried = low[:, None] + (high - low)[:, None] * share
        times = drive_forward(laws, many, tried.ravel(), None)
        on_time = np.where(many.valid, times.begin <= begin[routes], True).all(axis=1)
        fits = (on_time & (times.finish <= finish[routes])).reshape(tried.shape)
        leading = np.logical_and.accumulate(fits, axis=1).sum(axis=1)[:, None]
        edges = np.concatenate([low[:, None], tried, high[:, None]], axis=1)
        low = np.take_along_axis(edges, leading, axis=1)[:, 0]
        high = np.take_along_axis(edges, leading + 1, axis=1)[:, 0]
    return low
