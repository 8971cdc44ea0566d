"""Departures of routes that do not state theirs: the cheapest that breaks the fewest rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.formulas.formula import BoundFormula
from kanopt.routing.arrival_functions import ArrivalFunctions, departure_breakpoints
from kanopt.routing.leg_laws import RoutingLaws
from kanopt.routing.plan import Route
from kanopt.routing.planning_values import PlanningValues
from kanopt.routing.rules import FLEET, ROUTE_PRICES
from kanopt.routing.rules.rule import Drive, slack
from kanopt.routing.simulate.drive import LegTimes, drive_forward, drive_of
from kanopt.routing.simulate.legs import PaddedRoutes, pad_routes
from kanopt.units import convert

_PARTS, _PARTS_NEAR = 128, 8
"""Into how many parts a shift is cut where what is driven depends on the clock, and then what lies beside a minimum."""
_MINIMA = 8
"""Local minima of the price that are looked at more closely."""
_ROUNDS = 6
"""How often: each brings a departure four times closer, so that half an hour becomes two seconds."""
_LOOKS = 3
"""How often it is looked what changes between departures, as seen from these."""
_MOST_LEGS = 400_000
"""Legs that are driven at once: some tens of megabytes."""
_SLACK, _DIGITS = 1e-9, 7
_NEVER = 2**31
"""Rules broken by a departure that nobody can make."""

_Departures: TypeAlias = tuple[Integers, Floats]
"""Routes, as positions, and when each leaves."""


def drive(
    laws: RoutingLaws, planning: PlanningValues, routes: Sequence[Route], *, frozen: bool = False
) -> Drive:
    """Drive routes forward on the law, or with travel times at their planning values.

    A vehicle waits only for a window to open and for goods to be ready. A route that states its departure keeps it.
    Another leaves when it breaks the fewest rules, then when it is late or too long by the least, then when it costs
    least; of equally good departures it takes those with the earliest return, and of these the latest. What counts is
    all of the price: time, overtime, lateness, the longest route and cost laws. The choice is exact where travel times
    are fixed or tabulated and no other law reads the clock. With breaks it is the best of all departures with which
    something changes. Where a formula reads the clock it is the best of a grid over the shift, which is made finer
    around the best four.

    Parameters
    ----------
    laws, planning
        The problem's laws and planning values.
    routes
        With known names; a route without clients stays in its depot, and one under way leaves when it has left.
    frozen
        Use the planning values of travel time.
    """
    grid = pad_routes(laws, planning, routes, frozen=frozen)
    stated = np.array(
        [np.nan if route.departure is None else route.departure for route in routes], dtype=float
    )
    free = np.isnan(stated) & ~grid.has_left
    departure = np.where(np.isnan(stated), grid.earliest, stated)
    if free.any():
        # a departure with which one is under way when a law has no value is none
        tolerant = replace(grid, laws=laws.leniently())
        departure = choose_departures(tolerant, departure, free, drive_forward(tolerant, departure))
    return drive_of(grid, departure)


def choose_departures(
    grid: PaddedRoutes, departure: Floats, free: NDArray[np.bool_], first: LegTimes
) -> Floats:
    """Choose the departures of routes that do not state theirs, and return all.

    A departure that breaks fewer rules comes first, then one by which less is late or too long, then the one at which
    the route costs less: time, overtime, lateness, its share in the longest route, and cost laws that the clock moves.
    Of equally good ones it is that with the earliest return, and of these the latest.

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
    chosen = departure.copy()
    free = free & grid.valid.any(axis=1) & np.isfinite(first.finish)
    searched = free & _needs_search(grid, first)
    at_once = free & ~searched
    if at_once.any():
        chosen[at_once] += _departure_slack(grid, first)[at_once]
    rows = np.flatnonzero(searched)
    if rows.size:
        others = (first.finish - chosen)[~searched]
        longest = float(others[np.isfinite(others)].max(initial=0.0))
        chosen[rows] = _DepartureSearch(grid.select(rows), first.select(rows), longest).best()
    return chosen


def spans_that_hold(grid: PaddedRoutes, low: Floats, high: Floats) -> list[tuple[Floats, Floats]]:
    """Return the departures of each route between two others with which it breaks no more rules than with the later.

    They are told apart by departures with which something changes, as seen from these and from departures between.

    Parameters
    ----------
    grid
        The routes.
    low, high
        The ends; (routes,).

    Returns
    -------
    list of tuple
        Of each route, rising, where spans of such departures begin and end; the last one ends with the later end.
    """
    row, leave = _DepartureSearch(grid, drive_forward(grid, high), 0.0).changes(low, high)
    (broken, missed), limits = (
        judge_departures(*each)[:2] for each in ((grid.select(row), leave), (grid, high))
    )
    holds = (broken <= limits[0][row]) & (missed <= limits[1][row])
    same = row[1:] == row[:-1]
    begins, ends = holds.copy(), holds.copy()
    begins[1:] &= ~(same & holds[:-1])
    ends[:-1] &= ~(same & holds[1:])
    return [(leave[begins & (row == each)], leave[ends & (row == each)]) for each in range(len(high))]


def _is_moved_by_clock(grid: PaddedRoutes, first: LegTimes) -> bool:
    """Say whether the price may bend in the departure where no window, break or table does."""
    by_law = isinstance(grid.laws.duration, BoundFormula) or first.pause.any()
    timed = grid.fixed is None and (by_law or grid.has_breaks.any())
    return bool(timed or grid.has_timed_stops or grid.by_clock)


def _needs_search(grid: PaddedRoutes, first: LegTimes) -> NDArray[np.bool_]:
    """Say on which routes the latest departure that makes nothing later may not be the best one; (routes,)."""
    data = grid.laws.data
    if grid.fixed is None or _is_moved_by_clock(grid, first):
        return np.ones(len(grid.kind), dtype=bool)
    several = (data.opens[0] != data.opens[-1]) | data.has_soft_window
    return np.asarray((several[grid.head] & grid.valid).any(axis=1) | grid.has_breaks)


def _departure_slack(grid: PaddedRoutes, times: LegTimes) -> Floats:
    """Return by how much each departure can move at most without changing the finish, with fixed travel times.

    This is the forward time slack of Savelsbergh (1992, "The vehicle routing problem with time windows: minimizing
    route duration", ORSA Journal on Computing 4(2), 146–154): no more than the whole wait, and at each stop no more
    than the wait so far and the time left in its window.
    """
    reached = grid.valid & np.isfinite(times.arrive)
    waits, left = np.zeros(reached.shape), np.full(reached.shape, np.inf)
    np.subtract(times.begin, times.arrive, out=waits, where=reached)
    waited, latest = np.cumsum(waits, axis=1), grid.laws.data.latest[grid.head]
    np.subtract(latest, times.begin, out=left, where=reached & np.isfinite(latest))
    room = np.where(grid.valid, waited + np.maximum(left, 0.0), np.inf)
    return np.asarray(np.minimum(waited[:, -1], room.min(axis=1)))


@dataclass(frozen=True, eq=False)
class _Tried:
    """Departures tried, ordered by route and clock; of shape (tried,).

    Parameters
    ----------
    row, leave, spent
        The route, when it leaves, and how long it takes.
    place
        The place of each among all, from the best on.
    longest
        How long the longest route takes where all cost least together; infinite where that is not paid for.
    """

    row: Integers
    leave: Floats
    spent: Floats
    place: Integers
    longest: float

    def minima(self, count: int) -> Integers:
        """Return which are better than those beside them, at most so many of each route: the best, in order."""
        worse = np.append(True, (self.row[1:] != self.row[:-1]) | (self.place[1:] < self.place[:-1]))
        better = np.append((self.row[1:] != self.row[:-1]) | (self.place[:-1] < self.place[1:]), True)
        found = np.flatnonzero(worse & better)
        found = found[np.lexsort((self.place[found], self.row[found]))]
        starts = np.searchsorted(self.row[found], self.row[found])
        return np.asarray(np.sort(found[np.arange(len(found)) - starts < count]))

    def beside(self, some: Integers) -> tuple[Floats, Floats]:
        """Return the departures of the same route before and after some of them, or these where there is none."""
        before, after = np.maximum(some - 1, 0), np.minimum(some + 1, len(self.row) - 1)
        before = np.where(self.row[before] == self.row[some], before, some)
        after = np.where(self.row[after] == self.row[some], after, some)
        return self.leave[before], self.leave[after]


class _DepartureSearch:
    """Candidates of all routes, driven together; where the clock matters, more and more beside the best of them.

    Candidates are departures with which a vehicle arrives just when a window opens or closes, a break may begin or the
    like. With travel times that are fixed or tabulated and no law of the clock the best departure is among them, but
    for breaks; else a shift is cut into parts as well, and what lies beside the best departures again and again.

    Parameters
    ----------
    grid
        Routes that can be driven to their ends.
    first
        How they are driven when they leave as soon as they may.
    longest
        How long the longest of the other routes takes.
    """

    def __init__(self, grid: PaddedRoutes, first: LegTimes, longest: float) -> None:
        self.grid, self.first, self.longest = grid, first, longest
        self.moved_by_clock = _is_moved_by_clock(grid, first)

    @np.errstate(invalid="ignore")
    def best(self) -> Floats:
        """Return the best departure of each route."""
        every, earliest = np.arange(len(self.grid.kind)), self.grid.earliest
        row, leave = self._points(every, earliest, self._last(), self.first, _PARTS)
        row, leave = _merged([(row, leave), *self._tabulated()])
        tried = self._drive(row, leave)
        for _ in range(_ROUNDS):
            best = tried.minima(_MINIMA if self.moved_by_clock else 1)
            found = [self._turns(tried), (tried.row[best], tried.leave[best])]
            if self.moved_by_clock:
                low, high = tried.beside(best)
                times = drive_forward(self.grid.select(tried.row[best]), tried.leave[best])
                found.append(self._points(tried.row[best], low, high, times, _PARTS_NEAR))
            elif not found[0][0].size:
                break
            tried = self._drive(*_merged(found))
        return np.asarray(tried.leave[tried.minima(1)])

    def changes(self, low: Floats, high: Floats) -> _Departures:
        """Return departures between two others of each route, and these, with which something may change."""
        every = np.arange(len(low))
        found = [self._points(every, low, high, self.first, _PARTS), *self._tabulated()]
        for _ in range(_LOOKS):
            row, leave = _merged(found)
            between = (leave >= low[row]) & (leave <= high[row])
            row, leave = row[between], leave[between]
            tried, times = self._drive(row, leave), drive_forward(self.grid.select(row), leave)
            after = tried.beside(np.arange(len(row)))[1]
            found = [(row, leave), self._turns(tried), self._points(row, leave, after, times, 1)]
        return _merged(found)

    def _values(self, name: str) -> Floats:
        """Return a number of the vehicle of each route."""
        return np.asarray(self.grid.laws.data.of_vehicles(name)[self.grid.kind])

    # ---- candidates

    def _last(self) -> Floats:
        """Return the last departures worth trying: later ones miss a window or the shift, or only repeat a day.

        Of a route that misses some of them anyway it is when it is back if it leaves as soon as it may.
        """
        grid, data, first = self.grid, self.grid.laws.data, self.first
        closes = np.where(grid.valid, data.due[grid.head], np.inf)
        in_time = (first.begin <= closes).all(axis=1) & (first.finish <= self._values("shift_end"))
        day = np.maximum(grid.earliest + convert(24.0, "h", data.units.time), first.finish)
        last = np.minimum(np.minimum(closes.min(axis=1), self._values("shift_end")), day)
        return np.where(in_time, last, first.finish)

    def _points(self, row: Integers, low: Floats, high: Floats, times: LegTimes, parts: int) -> _Departures:
        """Return departures of routes between two others; arrays of shape (rows,).

        Parameters
        ----------
        row
            The routes.
        low, high
            The ends.
        times
            How the routes are driven with a departure between.
        parts
            Into how many parts to cut the interval where the clock matters.
        """
        found = []
        for kind in np.unique(self.grid.kind[row]):
            some = np.flatnonzero(self.grid.kind[row] == kind)
            carried = self._carried_back(int(kind), row[some], times, some)
            if self.moved_by_clock:
                share = np.arange(1, parts) / parts
                even = low[some, None] + (high - low)[some, None] * share
                carried = np.concatenate([carried, even], axis=1)
            every = np.concatenate([carried, low[some, None], high[some, None]], axis=1)
            with np.errstate(invalid="ignore"):
                kept = (every >= low[some, None]) & (every <= high[some, None])
            found.append((np.broadcast_to(row[some, None], every.shape)[kept], every[kept]))
        return _merged(found)

    def _carried_back(self, kind: int, row: Integers, times: LegTimes, some: Integers) -> Floats:
        """Return departures with which something changes, if legs take as long as they were driven; (rows, moments).

        The vehicle arrives, without having waited before, exactly when a window opens or closes, goods are ready, a
        break may or must begin, or the shift ends; only driving, service and breaks are before that.

        Parameters
        ----------
        kind
            Vehicle type of the routes.
        row
            The routes.
        times, some
            How they are driven: at these places.
        """
        grid, data = self.grid, self.grid.laws.data
        head, valid, stay = grid.head[row], grid.valid[row], times.stay[some]
        spent = times.duration[some] + times.pause[some]
        leave = np.cumsum(np.where(valid, spent + stay, 0.0), axis=1)
        arrive = np.where(valid, leave - stay, np.nan)
        moments = [data.vehicles[kind].shift_end - leave[:, -1:]]
        moments += [
            edges - arrive for edges in (grid.ready[row], *data.opens[:, head], *data.closes[:, head])
        ]
        breaks = data.breaks[kind]
        begins = np.concatenate([np.zeros((len(row), 1)), arrive, np.where(valid, leave, np.nan)], axis=1)
        ends = np.cumsum([0.0, *(driver_break.length for driver_break in breaks)])
        for place, driver_break in enumerate(breaks):
            # the next break may follow at once
            over = driver_break.earliest + ends[place:] - ends[place]
            moments += [moment - begins for moment in (driver_break.latest, *over)]
        found = np.concatenate(moments, axis=1)
        # breaks before those on the route may have been taken at the depot
        taken = np.unique(ends[:, None] - ends)
        return np.asarray((found[:, :, None] - taken[taken >= 0]).reshape(len(row), -1))

    def _tabulated(self) -> Iterator[_Departures]:
        """Yield the breakpoints of each route where travel times are tabulated in the clock."""
        grid, law = self.grid, self.grid.laws.duration
        if grid.fixed is not None or not isinstance(law, ArrivalFunctions):
            return
        last = self._last()
        for row, kind in enumerate(grid.kind.tolist()):
            legs = np.flatnonzero(grid.valid[row])
            nodes = [int(grid.tail[row, legs[0]]), *grid.head[row, legs].tolist()]
            ready, stay = grid.ready[row, legs], self.first.stay[row, legs]
            found = departure_breakpoints(law, grid.laws.data, kind, nodes, ready, stay)
            found = found[(found > grid.earliest[row]) & (found < last[row])]
            yield np.full(len(found), row, dtype=np.intp), found

    def _turns(self, tried: _Tried) -> _Departures:
        """Return departures between those tried at which a route takes as long as is regular, allowed, or the longest.

        Between two of them the duration is taken to be linear in the departure.
        """
        same = tried.row[1:] == tried.row[:-1]
        before, after, row = tried.spent[:-1], tried.spent[1:], tried.row[:-1]
        limits = [self._values(name)[row] for name in ("shift_duration", "max_duration")]
        limits.append(np.full(len(row), tried.longest))
        found = []
        for limit in limits:
            with np.errstate(invalid="ignore"):
                crossed = np.flatnonzero(
                    same & ((before - limit) * (after - limit) < 0) & np.isfinite(before + after)
                )
            share = (limit - before)[crossed] / (after - before)[crossed]
            leave = tried.leave[crossed] + share * (tried.leave[crossed + 1] - tried.leave[crossed])
            new = (leave > tried.leave[crossed] + _SLACK) & (leave < tried.leave[crossed + 1] - _SLACK)
            found.append((row[crossed][new], leave[new]))
        return _merged(found)

    # ---- what becomes of them

    def _drive(self, row: Integers, leave: Floats) -> _Tried:
        """Drive routes from departures."""
        most = max(1, _MOST_LEGS // self.grid.valid.shape[1])
        parts = [
            judge_departures(self.grid.select(row[at : at + most]), leave[at : at + most])
            for at in range(0, len(row), most)
        ]
        found = [np.concatenate(values) for values in zip(*parts, strict=True)]
        broken, missed, excess, cost, finish = found
        rate, longest = self.grid.laws.data.policy.longest_route_cost, np.inf
        order = np.lexsort((excess, missed, broken, row))
        first = order[np.searchsorted(row, row)]
        if rate:
            as_good = (
                (broken == broken[first]) & (missed == missed[first]) & (excess <= excess[first] + _SLACK)
            )
            longest = _best_longest(
                row[as_good], cost[as_good], (finish - leave)[as_good], self.longest, rate
            )
            cost = cost + rate * np.maximum(finish - leave - longest, 0.0)
        keys = -leave, *(np.round(values, _DIGITS) for values in (finish, cost, excess)), missed, broken
        place = np.empty(len(row), dtype=np.intp)
        place[np.lexsort(keys)] = np.arange(len(row))
        return _Tried(row, leave, finish - leave, place, longest)


def judge_departures(grid: PaddedRoutes, leave: Floats) -> tuple[NDArray[Any], ...]:
    """Return how many rules and breaks routes miss, by how much, what the departure moves of the price, and the return.

    Parameters
    ----------
    grid, leave
        The routes, and when each leaves; (routes,).
    """
    data, times = grid.laws.data, drive_forward(grid, leave)
    reached = np.isfinite(times.finish)
    spent = np.where(reached, times.finish - leave, 0.0)
    limits = (
        np.where(grid.valid, data.due[grid.head], np.inf),
        *(data.of_vehicles(name)[grid.kind][:, None] for name in ("shift_end", "max_duration")),
    )
    broken, excess = np.where(reached, 0, _NEVER), np.zeros(len(leave))
    for values, limit in zip((times.begin, times.finish[:, None], spent[:, None]), limits, strict=True):
        with np.errstate(invalid="ignore"):
            over = np.where(values > limit + slack(limit) / 2, values - limit, 0.0)
        broken, excess = broken + (over > 0).sum(axis=1), excess + over.sum(axis=1)
    missed = times.missed
    broken = broken + (missed > 0)
    timed = (rule for rule in ROUTE_PRICES if rule is not FLEET and rule.is_paid(data))
    cost = sum((rule.amounts(data, grid.kind, spent) for rule in timed), np.zeros(len(leave)))
    for leg in range(grid.valid.shape[1]):
        leaves, drives, begins = times.leave[:, leg], times.duration[:, leg], times.begin[:, leg]
        cost = cost + grid.price(leg, leaves, drives, begins)
    missed, excess, cost = (np.where(reached, values, 0) for values in (missed, excess, cost))
    return broken, missed, excess, cost, times.finish


def _merged(parts: Iterable[_Departures]) -> _Departures:
    """Return departures ordered by route and clock, each once."""
    row, leave = (np.concatenate(values) for values in zip(*parts, strict=True))
    order = np.lexsort((leave, row))
    row, leave = row[order], leave[order]
    new = np.append(True, (row[1:] != row[:-1]) | (leave[1:] > leave[:-1]))[: len(row)]
    return row[new], leave[new]


def _best_longest(row: Integers, cost: Floats, spent: Floats, least: float, rate: float) -> float:
    """Return how long the longest route takes where all departures together cost least.

    Parameters
    ----------
    row, cost, spent
        Departures: the route, what it costs but for its share in the longest one, and how long it takes.
    least
        How long the longest of the other routes takes.
    rate
        Price of time of the longest route.
    """
    order = np.lexsort((cost, spent, row))
    row, cost, spent = row[order], cost[order], spent[order]
    starts = np.flatnonzero(np.append(True, row[1:] != row[:-1]))
    least = max(least, float(spent[starts].max()))
    cheapest = np.concatenate([np.minimum.accumulate(each) for each in np.split(cost, starts[1:])])
    saved = np.diff(cheapest, prepend=cheapest[:1])
    saved[starts] = 0.0
    by_length = np.argsort(spent, kind="stable")
    limits = np.maximum(spent[by_length], least)
    total = np.cumsum(saved[by_length]) + rate * limits
    # of routes that take equally long, all that is saved counts
    last = np.append(limits[1:] > limits[:-1], True)
    return float(limits[last][np.argmin(total[last])])
