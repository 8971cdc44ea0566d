"""Routes driven forward from given departures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.formulas.formula import BoundFormula
from kanopt.routing.arrays import DriverBreak
from kanopt.routing.rules import PAUSES
from kanopt.routing.rules.rule import Drive, slack
from kanopt.routing.simulate.legs import PaddedRoutes, service_begin

# Where drivers take their breaks: on the legs with which the route costs least.

Flags = NDArray[np.bool_]

WAYS = 4
"""Ways of having taken so many breaks that are followed from leg to leg; the racer follows as many."""
_SLACK = 1e-7
_SAME = 1e-9


BreakPlaces: TypeAlias = tuple[Integers, Integers, Integers]
"""How many breaks are over at each departure, (routes,), taken on each leg, (routes, legs), and missed, (routes,)."""


def place_breaks(grid: PaddedRoutes, departure: Floats) -> BreakPlaces:
    """Choose the legs on which breaks are taken.

    A break begins as early as it may on its leg, but nobody waits for one at a client who can be served before it: who
    does is no sooner anywhere. The leg is found by dynamic programming over legs and breaks taken:
    the one that misses no break, makes the driver least late at clients that must not be late, keeps to the end of the
    shift and the longest duration, and then costs least, of what the clock decides: price of legs, time, overtime and
    lateness. Where no price depends on the clock but that of time, the driver who is soonest everywhere costs least;
    else `WAYS` ways of having taken so many breaks are followed from leg to leg: the soonest, and the cheapest so far
    of those that are neither later nor dearer than another. So on a long route there may be a cheaper place.
    """
    shape = grid.valid.shape
    found = tuple(np.zeros(size, dtype=np.intp) for size in (shape[:1], shape, shape[:1]))
    for kind in range(len(grid.laws.data.breaks)):
        rows = np.flatnonzero((grid.kind == kind) & grid.has_breaks)
        if rows.size:
            placed = _PlacedBreaks(grid.select(rows), kind, departure[rows]).best()
            for into, values in zip(found, placed, strict=True):
                into[rows] = values
    before, taken, missed = found
    return before, taken, missed


class _PlacedBreaks:
    """The search for the legs on which drivers who all have the same breaks take them.

    Ways of having taken so many breaks are numbers: clock, total lateness so far at clients that must not be late, and
    price; (3, routes, breaks + 1, ways), infinite where there is no way.

    Parameters
    ----------
    grid
        Routes of one vehicle type.
    kind
        The vehicle type.
    departure
        When each leaves.
    """

    def __init__(self, grid: PaddedRoutes, kind: int, departure: Floats) -> None:
        data, law = grid.laws.data, grid.laws.duration
        # whoever is later may arrive sooner by a formula, but not by arrival functions or service times
        self.by_clock = bool(grid.by_clock) or (grid.fixed is None and isinstance(law, BoundFormula))
        self.ways = WAYS if self.by_clock or data.lateness_rate.any() else 1
        self.breaks, self.vehicle = data.breaks[kind], data.vehicles[kind]
        self.departure, self.valid = departure, grid.valid
        self.shape = len(departure), len(self.breaks) + 1, self.ways
        each = self.shape[1] * self.ways
        self.grid = grid.select(np.repeat(np.arange(len(departure)), each))
        # of each way the breaks that are left, and behind them some that nobody can take
        none = [(0.0, 0.0, -np.inf)] * self.shape[1]
        rests = np.array([*((one.length, one.earliest, one.latest) for one in self.breaks), *none])
        taken = np.tile(np.repeat(np.arange(self.shape[1]), self.ways), len(departure))
        self.left = [DriverBreak(*rests[taken + more].T) for more in range(len(self.breaks))]

    def best(self) -> BreakPlaces:
        """Drive all legs, and return how the best way to the end took the breaks."""
        routes, levels, _ = self.shape
        possible = np.arange(levels) <= _breaks_over_by(self.breaks, self.departure)[:, None]
        ways = np.full((3, *self.shape), np.inf)
        ways[0, ..., 0] = np.where(possible, self.departure[:, None], np.inf)
        ways[1:, ..., 0] = np.where(possible, 0.0, np.inf)
        came = []
        for leg in range(self.valid.shape[1]):
            before, ways = self._drive_leg(leg, ways)
            came.append(before)
        chosen, missed = self._best_end(ways.reshape(3, routes, -1))
        rows, taken = np.arange(routes), np.zeros(self.valid.shape, dtype=np.intp)
        for leg in reversed(range(len(came))):
            before = came[leg][rows, chosen]
            taken[:, leg], chosen = chosen // self.ways - before // self.ways, before
        return chosen // self.ways, taken, missed

    def _drive_leg(self, leg: int, ways: Floats) -> tuple[Integers, Floats]:
        """Drive a leg with no break or as many as can be taken on it; return also from which way each comes."""
        routes, levels, each = self.shape
        reached = list(self._ways_over(leg, *ways.reshape(3, -1)))
        came = np.broadcast_to(np.arange(levels * each), (routes, levels * each)).copy()
        found, driven = ways.copy(), self.valid[:, leg]
        for taken in range(levels):
            some = [reached[taken - before][:, driven, before] for before in range(taken + 1)]
            options = np.concatenate(some, axis=2)
            kept = self._kept(*options)
            found[:, driven, taken] = np.take_along_axis(options, kept[None], axis=2)
            came[driven, taken * each : (taken + 1) * each] = kept
        return came, found

    def _ways_over(self, leg: int, leave: Floats, late: Floats, price: Floats) -> Iterator[Floats]:
        """Yield what becomes of all ways, for each number of breaks that is taken on the leg."""
        grid, data = self.grid, self.grid.laws.data
        head = grid.head[:, leg]
        possible = np.isfinite(leave) & grid.valid[:, leg]
        leave = np.where(possible, leave, 0.0)
        clock, remaining = leave, grid.duration(leg, leave)
        spent, done = remaining, np.full(len(leave), np.inf)
        begin = done
        for rest in (None, *self.left):
            if rest is not None:
                waits = np.maximum(clock, rest.earliest) > begin + _SLACK
                possible = possible & ~(waits & (done <= rest.latest + _SLACK))
                clock, remaining, fits = take_break(rest, clock, remaining)
                possible = possible & fits
            reached = possible & np.isfinite(remaining)
            there = np.maximum(np.where(reached, clock + remaining, 0.0), grid.ready[:, leg])
            begin = service_begin(data, head, there)
            over = late + np.maximum(begin - data.due[head], 0.0)
            begin = np.where(reached, begin, np.inf)
            more = grid.price(leg, leave, spent, begin) if self.ways > 1 else 0.0
            done = begin + grid.service(leg, begin)
            yield np.where(reached, np.stack([done, over, price + more]), np.inf).reshape(3, *self.shape)

    def _kept(self, clock: Floats, late: Floats, price: Floats) -> Integers:
        """Return which ways are followed further; arrays of shape (routes, ways found), then (routes, ways)."""
        with np.errstate(invalid="ignore"):
            out = ~np.isfinite(clock) | (late > late.min(axis=1)[:, None] + _SLACK)
            if self.ways > 1:
                out |= self._dominated(clock, price, out)
            key = price + self.vehicle.unit_duration_cost * clock
        key = np.where(out, np.inf, key)
        soonest = np.argmin(np.where(out, np.inf, clock), axis=1)
        key[np.arange(len(key)), soonest] = -np.inf
        return np.argsort(key, axis=1, kind="stable")[:, : self.ways]

    def _dominated(self, clock: Floats, price: Floats, out: Flags) -> Flags:
        """Say which ways are neither sooner nor cheaper than another, which comes first where both are alike."""
        one, other = (slice(None), slice(None), None), (slice(None), None, slice(None))
        with np.errstate(invalid="ignore"):
            sooner = clock[one] <= clock[other] + _SAME
            if self.by_clock:
                sooner &= clock[other] <= clock[one] + _SAME
            better = sooner & (price[one] <= price[other] + _SAME)
        earlier = np.tri(clock.shape[1], k=-1, dtype=bool).T
        better &= ~better.transpose(0, 2, 1) | earlier
        return np.asarray((better & ~out[one]).any(axis=1))

    def _best_end(self, ways: Floats) -> tuple[Integers, Integers]:
        """Return the best way to the end of each route, and how many breaks are missed; `ways` (3, routes, ways)."""
        vehicle, chosen = self.vehicle, np.zeros(len(self.departure), dtype=np.intp)
        ends = np.array([vehicle.shift_end, vehicle.max_duration])
        shift_end, longest = ends + slack(ends) / 2
        limit = np.minimum(shift_end, self.departure + longest)
        # missed, late, beyond the shift, price and finish: what decides, in this order
        best = [np.full(len(chosen), value) for value in (self.shape[1], *[np.inf] * 4)]
        for number, (end, late, price) in enumerate(ways.transpose(2, 0, 1)):
            with np.errstate(invalid="ignore"):
                beyond = np.where(np.isfinite(limit), np.maximum(end - limit, 0.0), 0.0)
                spent = end - self.departure
                extra = vehicle.unit_overtime_cost * np.maximum(spent - vehicle.shift_duration, 0.0)
                paid = price + vehicle.unit_duration_cost * spent + extra
            found = [self._lost_after(number // self.ways, end), late, beyond, paid, end]
            wins = (np.isfinite(end) | (number == 0)) & _comes_first(found, best)
            chosen[wins] = number
            for known, values in zip(best, found, strict=True):
                known[wins] = values[wins]
        return chosen, best[0]

    def _lost_after(self, taken: int, finish: Floats) -> Integers:
        """Return how many of the breaks that are left cannot be taken after the route."""
        free, lost = finish, np.zeros(len(finish), dtype=np.intp)
        for driver_break in self.breaks[taken:]:
            begins = np.maximum(free, driver_break.earliest)
            passed = begins > driver_break.latest + _SLACK
            lost, free = lost + passed, np.where(passed, free, begins + driver_break.length)
        return lost


def _comes_first(found: Sequence[Any], best: Sequence[Any]) -> Flags:
    """Say where one of two is less by the first number by which they differ by more than its tolerance."""
    wins, even = np.zeros(1, dtype=bool), np.ones(1, dtype=bool)
    for value, other, tolerance in zip(found, best, (0.0, _SLACK, _SLACK, _SAME, 0.0), strict=True):
        wins = wins | (even & (value < other - tolerance))
        even = even & (value <= other + tolerance)
    return np.asarray(wins)


def _breaks_over_by(breaks: Sequence[DriverBreak], departure: Floats) -> Integers:
    """Return how many breaks may be over by a departure."""
    done = np.zeros(len(departure), dtype=np.intp)
    free = -np.inf
    for place, driver_break in enumerate(breaks, start=1):
        begins = max(free, driver_break.earliest)
        free = begins + driver_break.length
        if begins > driver_break.latest:
            break
        done[departure >= free - _SLACK] = place
    return done


def take_break(
    driver_break: DriverBreak, clock: Floats, remaining: Floats
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Take a break as soon as it may begin, while driving or after arriving.

    Parameters
    ----------
    driver_break
        The break.
    clock, remaining
        From when it could begin, and how long the drive is from then on.

    Returns
    -------
    tuple
        When it is over, how long the drive is from then on, and whether it begins by when it must.
    """
    with np.errstate(invalid="ignore"):
        begins = np.maximum(clock, driver_break.earliest)
        driven = np.minimum(begins - clock, remaining)
        return begins + driver_break.length, remaining - driven, begins <= driver_break.latest + _SLACK


def breaks_on_leg(
    breaks: Sequence[DriverBreak], first: int, count: int, leave: float, duration: float
) -> list[tuple[float, float]]:
    """Return begin and end of the breaks taken on a leg.

    Parameters
    ----------
    breaks
        Breaks of the driver, in order.
    first, count
        Position of the first one taken on the leg, and how many there are.
    leave, duration
        When the leg begins, and how long the drive takes.

    Examples
    --------
    >>> breaks_on_leg([DriverBreak(20.0, 600.0, 700.0)], 0, 1, 590.0, 30.0)
    [(600.0, 620.0)]
    """
    found, clock, remaining = [], leave, duration
    for driver_break in breaks[first : first + count]:
        begins = max(clock, driver_break.earliest)
        remaining -= min(begins - clock, remaining)
        clock = begins + driver_break.length
        found.append((begins, clock))
    return found


@dataclass(frozen=True, eq=False)
class LegTimes:
    """Clock times of routes; arrays of shape (routes, legs).

    Parameters
    ----------
    leave, duration, arrive, begin, stay
        As in :class:`~kanopt.routing.rules.rule.Drive`.
    pause
        How long drivers pause on the way because a rule asks for it; breaks are no part of it.
    finish
        Clock times of return; (routes,).
    before, taken, missed
        How many breaks are over at the departure, (routes,), are taken on each leg, and cannot be taken, (routes,).
    """

    leave: Floats
    duration: Floats
    pause: Floats
    arrive: Floats
    begin: Floats
    stay: Floats
    finish: Floats
    before: Integers
    taken: Integers
    missed: Integers

    def select(self, routes: Integers) -> LegTimes:
        """Return some of the routes, each as often as it is named."""
        return LegTimes(*(getattr(self, item.name)[routes] for item in fields(self)))


def drive_forward(grid: PaddedRoutes, departure: Floats) -> LegTimes:
    """Drive all routes forward together, leg by leg."""
    leave, duration, pause, arrive, begin, stay = (np.zeros(grid.valid.shape) for _ in range(6))
    data, (before, taken, missed) = grid.laws.data, place_breaks(grid, departure)
    pauses = [rule for rule in PAUSES if rule.stated(data)]
    clock, had, at_wheel = departure.copy(), before.copy(), np.zeros(len(departure))
    for leg in range(grid.valid.shape[1]):
        valid = grid.valid[:, leg]
        leave[:, leg] = clock
        duration[:, leg] = grid.duration(leg, clock)
        if pauses:
            driven = at_wheel + np.where(valid, duration[:, leg], 0.0)
            pause[:, leg] = sum(rule.pause(data, grid.kind, at_wheel, driven) for rule in pauses)
            at_wheel = driven
        arrive[:, leg] = _arrival(grid, clock, duration[:, leg], had, taken[:, leg]) + pause[:, leg]
        there = np.maximum(arrive[:, leg], grid.ready[:, leg])
        begin[:, leg] = service_begin(data, grid.head[:, leg], there)
        stay[:, leg] = grid.service(leg, begin[:, leg])
        clock = np.where(valid, begin[:, leg] + stay[:, leg], clock)
        had += taken[:, leg]
    return LegTimes(leave, duration, pause, arrive, begin, stay, clock, before, taken, missed)


def _arrival(grid: PaddedRoutes, leave: Floats, duration: Floats, had: Integers, taken: Integers) -> Floats:
    """Return when the end of a leg is reached and the breaks taken on it are over; `had` were taken before."""
    clock, remaining = leave.copy(), duration.copy()
    if taken.any():
        for kind, breaks in enumerate(grid.laws.data.breaks):
            for place, driver_break in enumerate(breaks):
                rows = np.flatnonzero((grid.kind == kind) & (had <= place) & (place < had + taken))
                clock[rows], remaining[rows], _ = take_break(driver_break, clock[rows], remaining[rows])
    return clock + remaining


def drive_of(grid: PaddedRoutes, departure: Floats, times: LegTimes | None = None) -> Drive:
    """Return routes that were driven forward from given departures, with times of their own where given."""
    times = drive_forward(grid, departure) if times is None else times
    valid, laws = grid.valid, grid.laws
    vehicle = np.broadcast_to(grid.kind[:, None], valid.shape)
    begin, latest = times.begin[valid], laws.data.latest[grid.head[valid]]
    over = np.zeros_like(begin)
    np.subtract(begin, latest, out=over, where=np.isfinite(begin) & np.isfinite(latest))
    return Drive(
        route=np.nonzero(valid)[0],
        vehicle=vehicle[valid],
        tail=grid.tail[valid],
        head=grid.head[valid],
        loads=grid.loads[:, valid],
        leave=times.leave[valid],
        duration=times.duration[valid],
        arrive=times.arrive[valid],
        begin=begin,
        late=np.maximum(over, 0.0),
        stay=times.stay[valid],
        ready=grid.ready[valid],
        breaks_taken=times.taken[valid],
        kind=grid.kind,
        departure=departure,
        finish=times.finish,
        ends_with=grid.loads[:, np.arange(len(departure)), grid.stops],
        breaks_missed=times.missed,
        breaks_before=times.before,
    )
