"""Driving a plan forward: loads, departures, waits and arrivals on the law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.arrivals import ArrivalFunctions
from kanopt.problems.routing.departures import departures_worth_trying, turning_points
from kanopt.problems.routing.facts import Facts, Floats, Ints
from kanopt.problems.routing.laws import DURATION, Inputs, Laws
from kanopt.problems.routing.loading import loads_on_board
from kanopt.problems.routing.plan import Route
from kanopt.problems.routing.planning import Planning
from kanopt.problems.routing.rests import Times, drive_with_rests, opening

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
    loads
        On board during each leg in every measure, the load first; (measures, legs).
    leave, duration, arrive, begin
        Clock times and travel time of each leg; service at its head begins at `begin`, after waiting for the window. A
        break on the way is part of neither: one arrives later by it.
    late, stay
        By how much service at the head of each leg begins after its last window, and how long it takes.
    departure, finish
        Clock times at which each route leaves and returns, or ends its last service where it need not return.
    ends_with
        On board of each route when it returns, or at the end of its last service, in every measure; (measures, routes).
    rests_missed, rests_before
        How many breaks of each route could not be taken, and how many were over when it left.
    rests_taken
        How many breaks are taken on each leg.
    """

    route: Ints
    vehicle: Ints
    tail: Ints
    head: Ints
    loads: Floats
    leave: Floats
    duration: Floats
    arrive: Floats
    begin: Floats
    late: Floats
    stay: Floats
    departure: Floats
    finish: Floats
    ends_with: Floats
    rests_missed: Ints
    rests_before: Ints
    rests_taken: Ints

    @property
    def load(self) -> Floats:
        """Load on board during each leg."""
        return np.asarray(self.loads[0])

    @property
    def spent(self) -> Floats:
        """How long each route takes."""
        return np.asarray(
            np.where(np.isfinite(self.finish), self.finish - np.nan_to_num(self.departure), np.inf)
        )

    @property
    def inputs(self) -> Inputs:
        """The legs as inputs of a law, with the true load and clock."""
        return Inputs(self.vehicle, self.tail, self.head, self.load, self.leave, self.duration, self.late)


@dataclass(frozen=True, eq=False)
class _Grid:
    """Routes padded to one length: arrays of shape (routes, longest route in legs)."""

    vehicle: Ints
    tail: Ints
    head: Ints
    valid: NDArray[np.bool_]
    load: Floats
    stay: Floats
    start: Floats

    def only(self, route: int, times: int) -> _Grid:
        """Return one of the routes, so many times."""
        parts = (getattr(self, part.name) for part in fields(self))
        return _Grid(*(np.repeat(part[route : route + 1], times, axis=0) for part in parts))


def drive(laws: Laws, planning: Planning, routes: Sequence[Route], *, frozen: bool = False) -> Drive:
    """Drive routes forward on the law, or with travel times at their planning values.

    A vehicle waits only for a window to open. A route without a stated departure leaves as late as it can without
    finishing later, or making a client later, than it would by leaving when its shift starts; so no route pays
    for waiting that it can avoid for nothing. Where travel time depends on the clock that departure is found by
    bisection. On a route with breaks, several windows or windows that may be missed, and where travel times are
    tabulated in the clock and time is paid, the departure is the one at which time, overtime and lateness cost least,
    that makes no other client later; of equally cheap ones that with the earliest return, and of these the latest.
    With breaks or a formula of the clock that is the best of some that are worth trying.

    Parameters
    ----------
    laws, planning
        The problem's laws and planning values.
    routes
        With known names; a route without clients stays in its depot.
    frozen
        Use the planning values of travel time.
    """
    grid, loads = _padded(laws, routes)
    stated = np.array(
        [np.nan if route.departure is None else route.departure for route in routes], dtype=float
    )
    departure = np.where(np.isnan(stated), grid.start, stated)
    still = frozen or not laws.reads(DURATION, "clock")
    fixed = _durations(laws, planning, grid, frozen=frozen) if still else None
    times = _forward(laws, grid, departure, fixed)
    free = np.isnan(stated)
    if free.any():
        late = _left(laws, grid, departure, free, times, fixed)
        if (late != departure).any():
            departure = late
            times = _forward(laws, grid, departure, fixed)
    valid = grid.valid
    begin, latest = times.begin[valid], laws.facts.latest[grid.head[valid]]
    over = np.zeros_like(begin)
    np.subtract(begin, latest, out=over, where=np.isfinite(begin) & np.isfinite(latest))
    return Drive(
        route=np.nonzero(valid)[0],
        vehicle=grid.vehicle[valid],
        tail=grid.tail[valid],
        head=grid.head[valid],
        loads=loads[:, valid],
        leave=times.leave[valid],
        duration=times.duration[valid],
        arrive=times.arrive[valid],
        begin=begin,
        late=np.maximum(over, 0.0),
        stay=grid.stay[valid],
        departure=departure,
        finish=times.finish,
        ends_with=loads[:, np.arange(len(routes)), [len(route.clients) for route in routes]],
        rests_missed=times.missed,
        rests_before=times.before,
        rests_taken=times.taken[valid],
    )


def _left(
    laws: Laws,
    grid: _Grid,
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


def _padded(laws: Laws, routes: Sequence[Route]) -> tuple[_Grid, Floats]:
    """Lay the routes out as arrays, with their loads; a leg that stays where it is takes no time and does not count."""
    facts = laws.facts
    longest = max((len(route.clients) for route in routes), default=0) + 1
    nodes = np.empty((len(routes), longest + 1), dtype=np.intp)
    lengths = np.array([len(route.clients) for route in routes], dtype=np.intp)
    for place, route in enumerate(routes):
        nodes[place] = facts.index[route.depot]
        nodes[place, 1 : len(route.clients) + 1] = [facts.index[name] for name in route.clients]
    types = np.array([facts.type_index[route.vehicle] for route in routes], dtype=np.intp)
    returns = np.array([facts.vehicles[kind].returns for kind in types], dtype=bool)
    tail, head = nodes[:, :-1], nodes[:, 1:]
    legs = np.arange(longest)[None, :]
    valid = (legs < (lengths + returns)[:, None]) & (tail != head)
    vehicle = np.broadcast_to(types[:, None], valid.shape)
    stay = np.where(valid & (legs < lengths[:, None]), facts.service[vehicle, head], 0.0)
    start = facts.of_vehicles("shift_start")[types] if len(types) else np.zeros(0)
    loads = loads_on_board(facts, nodes)
    return _Grid(vehicle, tail, head, valid, loads[0], stay, start), loads


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


def _forward(laws: Laws, grid: _Grid, departure: Floats, fixed: Floats | None) -> Times:
    """Drive all routes forward together, leg by leg; those with breaks one by one."""
    facts = laws.facts
    shape = grid.valid.shape
    leave, duration, arrive, begin = (np.zeros(shape) for _ in range(4))
    clock = departure.copy()
    for leg in range(shape[1]):
        head, valid = grid.head[:, leg], grid.valid[:, leg]
        leave[:, leg] = clock
        duration[:, leg] = _spent(laws, grid, leg, clock, fixed)
        arrive[:, leg] = clock + duration[:, leg]
        begin[:, leg] = opening(facts, head, arrive[:, leg])
        clock = np.where(valid, begin[:, leg] + grid.stay[:, leg], clock)
    none, taken = np.zeros(shape[0], dtype=np.intp), np.zeros(shape, dtype=np.intp)
    times = Times(leave, duration, arrive, begin, clock, none, none.copy(), taken)
    if any(facts.rests):
        _rest(laws, grid, departure, fixed, times)
    return times


def _spent(laws: Laws, grid: _Grid, leg: int, clock: Floats, fixed: Floats | None) -> Floats:
    """Return the travel time of one leg of each route, leaving at a clock time; padded legs take none."""
    if fixed is not None:
        return np.asarray(fixed[:, leg])
    valid, spent = grid.valid[:, leg], np.zeros(len(clock))
    if valid.any():
        vehicle, tail, head = (part[valid, leg] for part in (grid.vehicle, grid.tail, grid.head))
        inputs = Inputs(vehicle, tail, head, grid.load[valid, leg], clock[valid], np.zeros(()))
        spent[valid] = laws.evaluate(DURATION, inputs)
    return spent


def _rest(laws: Laws, grid: _Grid, departure: Floats, fixed: Floats | None, times: Times) -> None:
    """Put breaks into the times of those routes whose drivers have some; equal routes go together."""
    facts = laws.facts
    with_rests = np.array([bool(rests) for rests in facts.rests])
    rows = np.flatnonzero(with_rests[grid.vehicle[:, 0]] & grid.valid.any(axis=1))
    groups: dict[tuple[int, ...], list[int]] = {}
    for row in rows.tolist():
        ends = int(grid.vehicle[row, 0]), *grid.tail[row].tolist(), *grid.head[row].tolist()
        groups.setdefault(ends, []).append(row)
    for equal in groups.values():
        row, members = equal[0], np.array(equal)
        some = np.flatnonzero(grid.valid[row])

        def spent(place: int, clock: Floats, row: int = row, legs: Ints = some) -> Floats:
            one, leaves = grid.only(row, clock.size), np.where(np.isfinite(clock), clock, 0.0).ravel()
            given = None if fixed is None else np.repeat(fixed[row : row + 1], clock.size, axis=0)
            found = _spent(laws, one, int(legs[place]), leaves, given)
            return np.asarray(found.reshape(clock.shape))

        stops = list(zip(grid.head[row, some].tolist(), grid.stay[row, some].tolist(), strict=True))
        kind = int(grid.vehicle[row, 0])
        rested = drive_with_rests(facts, stops, facts.rests[kind], departure[members], spent)
        into = np.ix_(members, some)
        for name in ("leave", "duration", "arrive", "begin", "taken"):
            getattr(times, name)[into] = getattr(rested, name)
        for name in ("finish", "missed", "before"):
            getattr(times, name)[members] = getattr(rested, name)


def _room(laws: Laws, grid: _Grid, times: Times, *, still: bool) -> Floats:
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


def _weighed(facts: Facts, grid: _Grid) -> NDArray[np.bool_]:
    """Say on which routes the latest departure that costs nothing may not be the cheapest one."""
    several = (facts.opens[0] != facts.opens[-1]) | facts.soft
    rests = np.array([bool(rests) for rests in facts.rests])
    found: NDArray[np.bool_] = (several[grid.head] & grid.valid).any(axis=1) | rests[grid.vehicle[:, 0]]
    return found & grid.valid.any(axis=1)


def _cheapest(
    laws: Laws, grid: _Grid, routes: Ints, departure: Floats, first: Times, fixed: Floats | None
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


def _options(laws: Laws, grid: _Grid, route: int, duration: Floats, *, moving: bool) -> Floats:
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


def _repeated(laws: Laws, grid: _Grid, route: int, options: Floats, fixed: Floats | None) -> Times:
    given = None if fixed is None else np.repeat(fixed[route : route + 1], len(options), axis=0)
    return _forward(laws, grid.only(route, len(options)), options, given)


def _time_cost(
    laws: Laws, grid: _Grid, route: int, options: Floats, times: Times, first: Times
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


def _latest(laws: Laws, grid: _Grid, departure: Floats, room: Floats, first: Times) -> Floats:
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
