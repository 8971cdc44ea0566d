"""When routes leave that do not say so themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.data import Facts, Floats, Ints
from kanopt.problems.routing.leg_laws import Laws
from kanopt.problems.routing.simulate.breaks import Times
from kanopt.problems.routing.simulate.departure_candidates import departures_worth_trying, turning_points
from kanopt.problems.routing.simulate.forward import Grid, forward, rest_on

__all__ = ["departures_of"]

_HALVES, _PARTS = (2, 30), (64, 5)
"""How to look for a departure: by halves 30 times; or in 64 parts five times, where a route takes long to drive once
but not much longer to drive often."""
_SLACK = 1e-7


def departures_of(
    laws: Laws,
    grid: Grid,
    start: Floats,
    free: NDArray[np.bool_],
    first: Times,
    fixed: Floats | None,
) -> Floats:
    """Choose the departures of routes that do not state theirs, and return all."""
    still = fixed is not None
    room = np.where(free, _room(laws, grid, first, still=still), 0.0)
    late = start + room if still else _latest(laws, grid, start, room, first)
    weighed = _weighed(laws.facts, grid)
    if not still and isinstance(laws.duration, ArrivalFunctions):
        rates = laws.facts.of_vehicles("cost_per_time") + laws.facts.of_vehicles("cost_per_overtime")
        lasting = (rates > 0) | np.isfinite(laws.facts.of_vehicles("max_duration"))
        weighed = weighed | (lasting[grid.vehicle[:, 0]] & grid.valid.any(axis=1))
    return _cheapest(laws, grid, np.flatnonzero(free & weighed), late, first, fixed)


def _room(laws: Laws, grid: Grid, times: Times, *, still: bool) -> Floats:
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


def _weighed(facts: Facts, grid: Grid) -> NDArray[np.bool_]:
    """Say on which routes the latest departure that costs nothing may not be the cheapest one."""
    several = (facts.opens[0] != facts.opens[-1]) | facts.soft
    return np.asarray((several[grid.head] & grid.valid).any(axis=1) | rest_on(facts, grid))


def _cheapest(
    laws: Laws, grid: Grid, routes: Ints, departure: Floats, first: Times, fixed: Floats | None
) -> Floats:
    """Choose the departures at which time, overtime and lateness cost least, of those worth trying."""
    facts, chosen = laws.facts, departure.copy()
    for route in routes:
        if not np.isfinite(first.finish[route]):
            continue
        vehicle, start = facts.vehicles[int(grid.vehicle[route, 0])], grid.start[route]
        options = _options(laws, grid, int(route), first.duration[route], moving=fixed is None)
        options = np.unique(np.append(options[options >= start], [start, departure[route]]))
        bends = np.array([vehicle.regular_time, vehicle.max_duration])
        bends = bends[np.isfinite(bends)]
        for _ in range(2 if bends.size else 1):
            times = _repeated(laws, grid, int(route), options, fixed)
            misfit, over, cost = _time_cost(laws, grid, int(route), options, times, first)
            more = (times.finish[:, None] - bends).ravel()
            more = more[np.isfinite(more) & (more > start)]
            seen, options = options, np.unique(np.append(options, more))
        rounded = (np.round(values, 7) for values in (times.finish, cost, over))
        best = np.lexsort((-seen, *rounded, times.missed, misfit))[0]
        chosen[route] = seen[best]
    return chosen


def _options(laws: Laws, grid: Grid, route: int, duration: Floats, *, moving: bool) -> Floats:
    """Return departures of a route that are worth trying, given the travel times of one of them.

    They are all there need be where travel times are fixed or tabulated; with a formula of the clock, a few good ones.
    """
    facts, kind = laws.facts, int(grid.vehicle[route, 0])
    legs = np.flatnonzero(grid.valid[route])
    head = grid.head[route, legs]
    way = head, duration[legs], grid.stay[route, legs]
    options = departures_worth_trying(facts, *way, facts.rests[kind], facts.vehicles[kind].shift_end)
    if moving and isinstance(laws.duration, ArrivalFunctions):
        stops = [int(grid.tail[route, legs[0]]), *head.tolist()]
        options = np.append(options, turning_points(laws.duration, facts, kind, stops))
    return options


def _repeated(laws: Laws, grid: Grid, route: int, options: Floats, fixed: Floats | None) -> Times:
    given = None if fixed is None else np.repeat(fixed[route : route + 1], len(options), axis=0)
    return forward(laws, grid.only(route, len(options)), options, given)


def _time_cost(
    laws: Laws, grid: Grid, route: int, options: Floats, times: Times, first: Times
) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Return when a route may not leave, by how much it takes too long, and what it pays for time and lateness."""
    facts, head, valid = laws.facts, grid.head[route], grid.valid[route]
    vehicle = facts.vehicles[int(grid.vehicle[route, 0])]
    latest = np.where(facts.soft[head] | ~valid, np.inf, facts.latest[head])
    limit = np.maximum(np.where(valid, first.begin[route], -np.inf), latest) + _SLACK
    fits = (times.begin <= limit)[:, valid].all(axis=1)
    fits &= times.finish <= max(vehicle.shift_end, float(first.finish[route])) + _SLACK
    spent = times.finish - options
    late = np.where(valid & facts.soft[head], np.maximum(times.begin - facts.latest[head], 0.0), 0.0)
    cost = vehicle.cost_per_time * spent + (late * facts.lateness_rate[head]).sum(axis=1)
    if vehicle.cost_per_overtime:
        cost = cost + vehicle.cost_per_overtime * np.maximum(spent - vehicle.regular_time, 0.0)
    return ~fits, np.maximum(spent - vehicle.max_duration, 0.0), cost


def _latest(laws: Laws, grid: Grid, departure: Floats, room: Floats, first: Times) -> Floats:
    """Find the latest departures that cost nothing where travel time depends on the clock."""
    latest = np.where(grid.valid, laws.facts.latest[grid.head], np.inf)
    limit = np.maximum(np.where(grid.valid, first.begin, -np.inf), latest) + _SLACK
    chosen, resting = departure.copy(), rest_on(laws.facts, grid)
    for with_rests, sections in ((False, _HALVES), (True, _PARTS)):
        rows = np.flatnonzero((room > 0) & (resting == with_rests))
        if rows.size:
            ends = departure[rows], departure[rows] + room[rows]
            limits = limit[rows], first.finish[rows] + _SLACK
            chosen[rows] = _last_that_fits(laws, grid.rows(rows), ends, limits, sections)
    return chosen


def _last_that_fits(
    laws: Laws,
    grid: Grid,
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
    many = grid.rows(routes)
    for _ in range(rounds):
        tried = low[:, None] + (high - low)[:, None] * share
        times = forward(laws, many, tried.ravel(), None)
        on_time = np.where(many.valid, times.begin <= begin[routes], True).all(axis=1)
        fits = (on_time & (times.finish <= finish[routes])).reshape(tried.shape)
        leading = np.logical_and.accumulate(fits, axis=1).sum(axis=1)[:, None]
        edges = np.concatenate([low[:, None], tried, high[:, None]], axis=1)
        low = np.take_along_axis(edges, leading, axis=1)[:, 0]
        high = np.take_along_axis(edges, leading + 1, axis=1)[:, 0]
    return low
