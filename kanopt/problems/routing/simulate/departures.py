"""When routes leave that do not say so themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.data import Floats, Ints, RoutingData
from kanopt.problems.routing.simulate.forward import LegTimes, drive_forward
from kanopt.problems.routing.simulate.legs import PaddedRoutes

__all__ = ["choose_departures", "departure_breakpoints"]

_HALVES, _PARTS = (2, 30), (64, 5)
"""How to look for a departure: by halves 30 times; or in 64 parts five times, where a route takes long to drive once
but not much longer to drive often."""
_SLACK = 1e-7


def choose_departures(
    grid: PaddedRoutes, departure: Floats, free: NDArray[np.bool_], first: LegTimes
) -> Floats:
    """Choose the departures of routes that do not state theirs, and return all.

    Parameters
    ----------
    grid
        The routes.
    departure
        When each leaves: as stated, or when its shift starts.
    free
        Which do not state their departure; (routes,).
    first
        How they are driven with these departures.
    """
    room = np.where(free, _departure_slack(grid, first), 0.0)
    chosen = departure + room
    if grid.fixed is None:
        chosen = _latest_free_departures(grid, departure, room, first)
    for route in np.flatnonzero(free & _needs_search(grid) & np.isfinite(first.finish)):
        chosen[route] = _cheapest_departure(grid, int(route), float(chosen[route]), first)
    return chosen


def _departure_slack(grid: PaddedRoutes, times: LegTimes) -> Floats:
    """Return by how much each departure can move at most without changing the finish.

    With fixed travel times this is the forward time slack of Savelsbergh (1992, "The vehicle routing problem with
    time windows: minimizing route duration", ORSA Journal on Computing 4(2), 146–154): no more than the whole
    wait, and at each stop no more than the wait so far and the time left in its window.
    """
    reached = grid.valid & np.isfinite(times.arrive)
    waits = np.zeros(reached.shape)
    np.subtract(times.begin, times.arrive, out=waits, where=reached)
    waited = np.cumsum(waits, axis=1)
    if grid.fixed is None:
        return waited[:, -1]
    left, latest = np.full(reached.shape, np.inf), grid.laws.data.latest[grid.head]
    np.subtract(latest, times.begin, out=left, where=reached & np.isfinite(latest))
    slack = np.where(grid.valid, waited + np.maximum(left, 0.0), np.inf)
    return np.asarray(np.minimum(waited[:, -1], slack.min(axis=1)))


def _latest_free_departures(grid: PaddedRoutes, departure: Floats, room: Floats, first: LegTimes) -> Floats:
    """Find the latest departures that cost nothing where travel time depends on the clock."""
    latest = np.where(grid.valid, grid.laws.data.latest[grid.head], np.inf)
    begin = np.maximum(np.where(grid.valid, first.begin, -np.inf), latest) + _SLACK
    chosen = departure.copy()
    for with_breaks, sections in ((False, _HALVES), (True, _PARTS)):
        rows = np.flatnonzero((room > 0) & (grid.has_breaks == with_breaks))
        if rows.size:
            ends = departure[rows], departure[rows] + room[rows]
            limits = begin[rows], first.finish[rows] + _SLACK
            chosen[rows] = _latest_feasible(grid.select(rows), ends, limits, sections)
    return chosen


def _latest_feasible(
    grid: PaddedRoutes, ends: tuple[Floats, Floats], limits: tuple[Floats, Floats], sections: tuple[int, int]
) -> Floats:
    """Find the last departures with which nobody is served later than allowed.

    Parameters
    ----------
    grid
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
        times = drive_forward(many, tried.ravel())
        on_time = np.where(many.valid, times.begin <= begin[routes], True).all(axis=1)
        fits = (on_time & (times.finish <= finish[routes])).reshape(tried.shape)
        leading = np.logical_and.accumulate(fits, axis=1).sum(axis=1)[:, None]
        edges = np.concatenate([low[:, None], tried, high[:, None]], axis=1)
        low = np.take_along_axis(edges, leading, axis=1)[:, 0]
        high = np.take_along_axis(edges, leading + 1, axis=1)[:, 0]
    return low


def _needs_search(grid: PaddedRoutes) -> NDArray[np.bool_]:
    """Say on which routes the latest departure that costs nothing may not be the cheapest one."""
    data = grid.laws.data
    several = (data.opens[0] != data.opens[-1]) | data.has_soft_window
    found = (several[grid.head] & grid.valid).any(axis=1) | grid.has_breaks
    if grid.fixed is None and isinstance(grid.laws.duration, ArrivalFunctions):
        rates = data.of_vehicles("cost_per_time") + data.of_vehicles("cost_per_overtime")
        lasting = (rates > 0) | np.isfinite(data.of_vehicles("max_duration"))
        found = found | (lasting[grid.kind] & grid.valid.any(axis=1))
    return np.asarray(found)


def _cheapest_departure(grid: PaddedRoutes, route: int, latest: float, first: LegTimes) -> float:
    """Return the departure at which time, overtime and lateness cost least, of those worth trying."""
    vehicle = grid.laws.data.vehicles[int(grid.kind[route])]

    options = _candidate_departures(grid, route, first.duration[route])
    options = np.unique(np.append(options[options >= vehicle.shift_start], [vehicle.shift_start, latest]))
    times = _drive_candidates(grid, route, options)
    limits = np.array([vehicle.regular_time, vehicle.max_duration])
    limits = limits[np.isfinite(limits)]
    if limits.size:
        # the price may also turn where a route gets longer than it is paid for, or than it may
        turns = (times.finish[:, None] - limits).ravel()
        options = np.unique(np.append(options, turns[np.isfinite(turns) & (turns > vehicle.shift_start)]))
        times = _drive_candidates(grid, route, options)
    misfit, over, cost = _time_cost(grid, route, options, times, first)
    finish, cost, over = (np.round(values, 7) for values in (times.finish, cost, over))
    best = np.lexsort((-options, finish, cost, over, times.breaks.missed, misfit))[0]
    return float(options[best])


def _drive_candidates(grid: PaddedRoutes, route: int, options: Floats) -> LegTimes:
    return drive_forward(grid.select(np.full(len(options), route, dtype=np.intp)), options)


def _time_cost(
    grid: PaddedRoutes, route: int, options: Floats, times: LegTimes, first: LegTimes
) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Return when a route may not leave, by how much it takes too long, and what it pays for time and lateness."""
    data, head, valid = grid.laws.data, grid.head[route], grid.valid[route]
    vehicle = data.vehicles[int(grid.kind[route])]
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


def _candidate_departures(grid: PaddedRoutes, route: int, duration: Floats) -> Floats:
    """Return departures of a route that are worth trying, given the travel times of one of them.

    They are all there need be where travel times are fixed or tabulated; with a formula of the clock, a few good ones.
    """
    data, kind, law = grid.laws.data, int(grid.kind[route]), grid.laws.duration
    legs = np.flatnonzero(grid.valid[route])
    head, stay = grid.head[route, legs], grid.stay[route, legs]
    arrive = np.cumsum(duration[legs] + stay) - stay
    options = _departures_without_waiting(data, kind, head, arrive, arrive + stay)
    if grid.fixed is None and isinstance(law, ArrivalFunctions):
        way = [int(grid.tail[route, legs[0]]), *head.tolist()]
        options = np.append(options, departure_breakpoints(law, data, kind, way))
    return options


def _departures_without_waiting(
    data: RoutingData, kind: int, head: Ints, arrive: Floats, leave: Floats
) -> Floats:
    """Return the departures between which the price of time changes in a straight line, where travel times are fixed.

    What bends it first is met without waiting: a window that opens or closes, a break that may or must begin, or the
    end of the shift, after driving, service and the breaks taken so far alone.

    Parameters
    ----------
    data
        Windows.
    kind
        Vehicle type.
    head, arrive, leave
        Node of each stop, and how long after the departure it is reached and left without waiting; (legs,).
    """
    breaks, shift_end = data.breaks[kind], data.vehicles[kind].shift_end
    moments = [np.array([shift_end]) - arrive[-1]]
    moments += [row[head] - arrive for row in (*data.opens, *data.closes)]
    begins = np.append(0.0, np.append(arrive, leave))
    ends = np.cumsum([0.0, *(rest.length for rest in breaks)])
    for place, rest in enumerate(breaks):
        # one may follow the other at once
        over = rest.earliest + ends[place:] - ends[place]
        moments += [moment - begins for moment in (rest.latest, *over)]
    found = np.concatenate(moments)
    # breaks before those on the way may have been taken in the depot
    rested = np.unique(ends[:, None] - ends)
    return np.asarray(np.unique(found[np.isfinite(found)][:, None] - rested[rested >= 0]))


def departure_breakpoints(law: ArrivalFunctions, data: RoutingData, kind: int, way: Sequence[int]) -> Floats:
    """Return the departures between which the return from a route is linear in the departure.

    The time a route takes is least at one of them: between two of them it rises or falls steadily, and at a jump the
    lower value counts.

    Parameters
    ----------
    law
        Travel times, in the problem's unit.
    data
        Service times and windows.
    kind
        Vehicle type.
    way
        Nodes from depot to depot.

    Returns
    -------
    array
        Rising; shape (k,). Points of the legs, openings and closings of windows, each carried back to the depot:
        the latest departure with which the leg is begun, or the client reached, by then.

    Notes
    -----
    The return is a composition of piecewise-linear functions that never fall, one per leg, of waits and of service
    times; its breakpoints are preimages of theirs (Visser and Spliet 2020, "Efficient move evaluations for
    time-dependent vehicle routing problems", Transportation Science 54(4), 1091–1112).
    """
    targets = np.zeros(0)
    for tail, head in zip(way[-2::-1], way[:0:-1], strict=True):
        if not law.roads[tail, head]:
            return np.zeros(0)
        # by when one has to leave the tail: to reach the targets at the head, and at the points of the leg itself
        leave = np.append(law.latest(tail, head, targets), law.points(tail, head)[0])
        begin = leave - data.service[kind, tail]
        window = np.append(data.opens[:, tail], data.closes[:, tail])
        targets = np.unique(np.append(begin[begin >= data.earliest[tail]], window[np.isfinite(window)]))
    return targets
