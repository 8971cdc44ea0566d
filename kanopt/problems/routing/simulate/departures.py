"""Departures of routes that do not state theirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.data import Floats, Ints, RoutingData
from kanopt.problems.routing.simulate.forward import LegTimes, drive_forward
from kanopt.problems.routing.simulate.legs import PaddedRoutes
from kanopt.units import convert

__all__ = ["choose_departures", "departure_breakpoints"]

_HALVES, _PARTS = (2, 30), (64, 5)
"""Parts and rounds of a search for departures: bisection, 30 times; or 64 parts, five times, where driving a route once
takes long but driving it many times at once not much longer."""
_TRIED = 49
"""Departures tried over a shift where how long stops take depends on the clock."""
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
        When each leaves: as stated, or as soon as it may.
    free
        Which do not state their departure; (routes,).
    first
        How they are driven with these departures.
    """
    slack = np.where(free, _departure_slack(grid, first), 0.0)
    chosen = departure + slack
    if grid.is_timed:
        chosen = _latest_free_departures(grid, departure, slack, first)
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
    if grid.is_timed:
        return waited[:, -1]
    left, latest = np.full(reached.shape, np.inf), grid.laws.data.latest[grid.head]
    np.subtract(latest, times.begin, out=left, where=reached & np.isfinite(latest))
    slack = np.where(grid.valid, waited + np.maximum(left, 0.0), np.inf)
    return np.asarray(np.minimum(waited[:, -1], slack.min(axis=1)))


def _latest_free_departures(grid: PaddedRoutes, departure: Floats, slack: Floats, first: LegTimes) -> Floats:
    """Find the latest departures that cost nothing where travel or service times depend on the clock."""
    latest = np.where(grid.valid, grid.laws.data.latest[grid.head], np.inf)
    begin = np.maximum(np.where(grid.valid, first.begin, -np.inf), latest) + _SLACK
    chosen = departure.copy()
    for with_breaks, sections in ((False, _HALVES), (True, _PARTS)):
        rows = np.flatnonzero((slack > 0) & (grid.has_breaks == with_breaks))
        if rows.size:
            ends = departure[rows], departure[rows] + slack[rows]
            limits = begin[rows], first.finish[rows] + _SLACK
            chosen[rows] = _latest_feasible(grid.select(rows), ends, limits, sections)
    return chosen


def _latest_feasible(
    grid: PaddedRoutes, ends: tuple[Floats, Floats], limits: tuple[Floats, Floats], sections: tuple[int, int]
) -> Floats:
    """Find the latest departures with which no service begins later than allowed.

    Parameters
    ----------
    grid
        Routes that fit when they leave at the first of the ends.
    ends
        Between which departures to look; (routes,) each.
    limits
        By when each service must begin, (routes, legs), and by when each route must finish, (routes,).
    sections
        Into how many parts to cut the interval between two departures, and how often: the next interval begins at the
        last departure before the first that does not fit.
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
    if grid.has_timed_stops or (grid.fixed is None and isinstance(grid.laws.duration, ArrivalFunctions)):
        rates = data.of_vehicles("cost_per_time") + data.of_vehicles("cost_per_overtime")
        lasting = (rates > 0) | np.isfinite(data.of_vehicles("max_duration"))
        found = found | (lasting[grid.kind] & grid.valid.any(axis=1))
    return np.asarray(found)


def _cheapest_departure(grid: PaddedRoutes, route: int, latest: float, first: LegTimes) -> float:
    """Return the candidate departure at which time, overtime and lateness cost least."""
    vehicle, earliest = grid.laws.data.vehicles[int(grid.kind[route])], float(grid.earliest[route])
    options = _candidate_departures(grid, route, first)
    options = np.unique(np.append(options[options >= earliest], [earliest, latest]))
    times = _drive_candidates(grid, route, options)
    limits = np.array([vehicle.regular_time, vehicle.max_duration])
    limits = limits[np.isfinite(limits)]
    if limits.size:
        # the price may also bend where the duration reaches the regular time or its limit
        turns = (times.finish[:, None] - limits).ravel()
        options = np.unique(np.append(options, turns[np.isfinite(turns) & (turns > earliest)]))
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
    """Return which departures are infeasible, the excess of the duration, and the price of time and lateness."""
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


def _candidate_departures(grid: PaddedRoutes, route: int, first: LegTimes) -> Floats:
    """Return candidate departures of a route, given how it is driven with one departure.

    The best departure is among them where travel times are fixed or tabulated and service times fixed; with a formula
    of the clock they are a heuristic choice.
    """
    data, kind, law = grid.laws.data, int(grid.kind[route]), grid.laws.duration
    legs = np.flatnonzero(grid.valid[route])
    head, stay = grid.head[route, legs], first.stay[route, legs]
    arrive = np.cumsum(first.duration[route, legs] + stay) - stay
    ready = grid.ready[route, legs]
    options = _departures_without_waiting(data, kind, (head, ready), arrive, arrive + stay)
    if grid.fixed is None and isinstance(law, ArrivalFunctions):
        nodes = [int(grid.tail[route, legs[0]]), *head.tolist()]
        options = np.append(options, departure_breakpoints(law, data, kind, nodes, ready, stay))
    if grid.has_timed_stops:
        midnight = convert(24.0, "h", data.units.time)
        last = min(data.vehicles[kind].shift_end, max(midnight, float(first.finish[route])))
        options = np.append(options, np.linspace(float(grid.earliest[route]), last, _TRIED))
    return options


def _departures_without_waiting(
    data: RoutingData, kind: int, stops: tuple[Ints, Floats], arrive: Floats, leave: Floats
) -> Floats:
    """Return the breakpoints of the price of time in the departure, where travel times are fixed.

    At a breakpoint the vehicle arrives, without having waited before, exactly when a window opens or closes, goods are
    ready, a break may or must begin, or the shift ends; only driving, service and breaks are before that.

    Parameters
    ----------
    data
        Windows.
    kind
        Vehicle type.
    stops
        Node of each stop, and when service there may begin as far as goods must be ready; (legs,) each.
    arrive, leave
        How long after the departure each stop is reached and left without waiting; (legs,).
    """
    head, ready = stops
    breaks, shift_end = data.breaks[kind], data.vehicles[kind].shift_end
    moments = [np.array([shift_end]) - arrive[-1]]
    moments += [times - arrive for times in (ready, *data.opens[:, head], *data.closes[:, head])]
    begins = np.append(0.0, np.append(arrive, leave))
    ends = np.cumsum([0.0, *(driver_break.length for driver_break in breaks)])
    for place, driver_break in enumerate(breaks):
        # the next break may follow at once
        over = driver_break.earliest + ends[place:] - ends[place]
        moments += [moment - begins for moment in (driver_break.latest, *over)]
    found = np.concatenate(moments)
    # breaks before those on the route may have been taken at the depot
    taken = np.unique(ends[:, None] - ends)
    return np.asarray(np.unique(found[np.isfinite(found)][:, None] - taken[taken >= 0]))


def departure_breakpoints(
    law: ArrivalFunctions,
    data: RoutingData,
    kind: int,
    nodes: Sequence[int],
    ready: Sequence[float] | Floats | None = None,
    stay: Sequence[float] | Floats | None = None,
) -> Floats:
    """Return the departures between which the return from a route is linear in the departure.

    The time a route takes is least at one of them: between two of them it is monotone, and at a jump the
    lower value counts.

    Parameters
    ----------
    law
        Travel times, in the problem's unit.
    data
        Service times and windows.
    kind
        Vehicle type.
    nodes
        Nodes from depot to depot.
    ready
        When service at each node but the first may begin as far as goods must be ready.
    stay
        How long service at each node but the first takes; what the data state where not given.

    Returns
    -------
    array
        Increasing; shape (k,). Points of the legs, openings and closings of windows, each carried back to the depot:
        the latest departure with which the leg is begun, or the client reached, by then.

    Notes
    -----
    The return is a composition of piecewise-linear functions that never fall, one per leg, of waits and of service
    times; its breakpoints are preimages of theirs (Visser and Spliet 2020, "Efficient move evaluations for
    time-dependent vehicle routing problems", Transportation Science 54(4), 1091–1112).
    """
    leave = targets = np.zeros(0)
    waits = [-np.inf, *(np.full(len(nodes) - 1, -np.inf) if ready is None else ready)]
    stays = [0.0, *(data.service_times.stated[kind, nodes[1:]] if stay is None else stay)]
    for tail, head, wait, served in zip(
        nodes[-2::-1], nodes[:0:-1], waits[-2::-1], stays[-2::-1], strict=True
    ):
        if not law.roads[tail, head]:
            return np.zeros(0)
        # latest departures from the tail to reach the targets at the head, and at the points of the leg itself
        leave = np.append(law.latest(tail, head, targets), law.points(tail, head)[0])
        begin = leave - served
        turns = np.concatenate([[wait], data.opens[:, tail], data.closes[:, tail]])
        soonest = max(float(data.earliest[tail]), wait)
        targets = np.unique(np.append(begin[begin >= soonest], turns[np.isfinite(turns)]))
    return np.unique(leave)
