"""Routes driven forward from given departures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

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


@dataclass(frozen=True, eq=False)
class BreakPlaces:
    """Where breaks are taken on routes that leave at given times.

    Parameters
    ----------
    before
        How many breaks are over at the departure; (routes,).
    taken
        How many are taken on each leg; (routes, legs).
    missed
        How many cannot be taken; (routes,).
    """

    before: Integers
    taken: Integers
    missed: Integers

    def select(self, routes: Integers) -> BreakPlaces:
        """Return those of some of the routes."""
        return BreakPlaces(self.before[routes], self.taken[routes], self.missed[routes])


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
    routes = len(departure)
    found = BreakPlaces(
        before=np.zeros(routes, dtype=np.intp),
        taken=np.zeros(grid.valid.shape, dtype=np.intp),
        missed=np.zeros(routes, dtype=np.intp),
    )
    for kind in range(len(grid.laws.data.breaks)):
        rows = np.flatnonzero((grid.kind == kind) & grid.has_breaks)
        if rows.size:
            placed = _PlacedBreaks(grid.select(rows), kind, departure[rows]).best()
            found.before[rows] = placed.before
            found.taken[rows] = placed.taken
            found.missed[rows] = placed.missed
    return found


@dataclass(frozen=True, eq=False)
class _States:
    """Ways of having taken so many breaks: clock, lateness and price; arrays of shape (routes, breaks + 1, ways).

    `late` is the total lateness so far at clients that must not be late. All are infinite where there is no way.
    """

    clock: Floats
    late: Floats
    price: Floats


class _PlacedBreaks:
    """The search for the legs on which drivers who all have the same breaks take them.

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
        self.routes, self.legs = grid.valid.shape
        self.grid = grid.select(np.repeat(np.arange(self.routes), self.ways))
        self.breaks, self.vehicle = data.breaks[kind], data.vehicles[kind]
        self.departure = departure

    def best(self) -> BreakPlaces:
        """Drive all legs, and return how the best way to the end took the breaks."""
        count = len(self.breaks) + 1
        shape = self.routes, count, self.ways
        possible = np.arange(count) <= _breaks_over_by(self.breaks, self.departure)[:, None]
        states = _States(*(np.full(shape, np.inf) for _ in range(3)))
        states.clock[..., 0] = np.where(possible, self.departure[:, None], np.inf)
        states.late[..., 0] = states.price[..., 0] = np.where(possible, 0.0, np.inf)
        came = []
        for leg in range(self.legs):
            before, states = self._drive_leg(leg, states)
            came.append(before)
        chosen, missed = self._best_end(states)
        rows, taken = np.arange(self.routes), np.zeros((self.routes, self.legs), dtype=np.intp)
        for leg in reversed(range(self.legs)):
            before = came[leg][rows, chosen // self.ways, chosen % self.ways]
            taken[:, leg], chosen = chosen // self.ways - before // self.ways, before
        return BreakPlaces(chosen // self.ways, taken, missed)

    def _drive_leg(self, leg: int, states: _States) -> tuple[Integers, _States]:
        """Drive a leg with no break or as many as can be taken on it; return also from which way each comes."""
        found: list[list[tuple[Floats, Floats, Floats]]] = [[] for _ in range(len(self.breaks) + 1)]
        for before in range(len(self.breaks) + 1):
            for taken, reached in self._ways_over(leg, before, states):
                found[taken].append(reached)
        number = np.arange(len(self.breaks) + 1)[:, None] * self.ways + np.arange(self.ways)
        came = np.broadcast_to(number, states.clock.shape).copy()
        next_ones = _States(states.clock.copy(), states.late.copy(), states.price.copy())
        driven = self.grid.valid[:: self.ways, leg]
        for taken, ways in enumerate(found):
            clock, late, price = (
                np.concatenate(values, axis=1)[driven] for values in zip(*ways, strict=True)
            )
            kept = self._kept(clock, late, price)
            for values, into in (
                (clock, next_ones.clock), (late, next_ones.late), (price, next_ones.price)
            ):  # fmt: skip
                into[driven, taken] = np.take_along_axis(values, kept, axis=1)
            came[driven, taken] = kept
        return came, next_ones

    def _ways_over(
        self, leg: int, before: int, states: _States
    ) -> Iterator[tuple[int, tuple[Floats, Floats, Floats]]]:
        """Yield what becomes of the ways with so many breaks, for each number of breaks taken after the leg."""
        grid, data = self.grid, self.grid.laws.data
        head, shape = grid.head[:, leg], (self.routes, self.ways)
        must_begin = data.due[head]
        leave, late, price = (
            values[:, before].ravel() for values in (states.clock, states.late, states.price)
        )
        possible = np.isfinite(leave) & grid.valid[:, leg]
        leave = np.where(possible, leave, 0.0)
        clock, remaining = leave, grid.duration(leg, leave)
        spent, done = remaining, np.full(len(leave), np.inf)
        begin = done
        for taken in range(before, len(self.breaks) + 1):
            if taken > before:
                rest = self.breaks[taken - 1]
                waits = np.maximum(clock, rest.earliest) > begin + _SLACK
                possible = possible & ~(waits & (done <= rest.latest + _SLACK))
                clock, remaining, fits = take_break(rest, clock, remaining)
                possible = possible & fits
            reached = possible & np.isfinite(remaining)
            there = np.maximum(np.where(reached, clock + remaining, 0.0), grid.ready[:, leg])
            begin = service_begin(data, head, there)
            over = late + np.maximum(begin - must_begin, 0.0)
            begin = np.where(reached, begin, np.inf)
            more = grid.price(leg, leave, spent, begin) if self.ways > 1 else np.zeros(len(begin))
            done = begin + grid.service(leg, begin)
            values = (done, over, price + more)
            clocks, lates, prices = (np.where(reached, each, np.inf).reshape(shape) for each in values)
            yield taken, (clocks, lates, prices)

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

    def _best_end(self, states: _States) -> tuple[Integers, Integers]:
        """Return the best way to the end of each route, and how many breaks are missed."""
        vehicle, chosen = self.vehicle, np.zeros(self.routes, dtype=np.intp)
        ends = np.array([vehicle.shift_end, vehicle.max_duration])
        shift_end, longest = ends + slack(ends) / 2
        missed = np.full(self.routes, len(self.breaks) + 1)
        late, over, price, finish = (np.full(self.routes, np.inf) for _ in range(4))
        limit = np.minimum(shift_end, self.departure + longest)
        for number in range((len(self.breaks) + 1) * self.ways):
            taken, way = divmod(number, self.ways)
            end = states.clock[:, taken, way]
            with np.errstate(invalid="ignore"):
                beyond = np.where(np.isfinite(limit), np.maximum(end - limit, 0.0), 0.0)
                spent = end - self.departure
                extra = vehicle.unit_overtime_cost * np.maximum(spent - vehicle.shift_duration, 0.0)
                paid = states.price[:, taken, way] + vehicle.unit_duration_cost * spent + extra
            lost = self._lost_after(taken, end)
            wins = np.isfinite(end) | (number == 0)
            wins &= _comes_first(
                (lost, missed, 0.0),
                (states.late[:, taken, way], late, _SLACK),
                (beyond, over, _SLACK),
                (paid, price, _SAME),
                (end, finish, 0.0),
            )
            chosen[wins], missed[wins] = number, lost[wins]
            for best, values in (
                (late, states.late[:, taken, way]),
                (over, beyond),
                (price, paid),
                (finish, end),
            ):
                best[wins] = values[wins]
        return chosen, missed

    def _lost_after(self, taken: int, finish: Floats) -> Integers:
        """Return how many of the breaks that are left cannot be taken after the route."""
        free, lost = finish, np.zeros(len(finish), dtype=np.intp)
        for driver_break in self.breaks[taken:]:
            begins = np.maximum(free, driver_break.earliest)
            passed = begins > driver_break.latest + _SLACK
            lost, free = lost + passed, np.where(passed, free, begins + driver_break.length)
        return lost


def _comes_first(*criteria: tuple[Any, Any, float]) -> Flags:
    """Say where one of two is less by the first criterion by which they differ by more than a tolerance."""
    wins, even = np.zeros(1, dtype=bool), np.ones(1, dtype=bool)
    for value, other, tolerance in criteria:
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
    breaks
        Where breaks are taken.
    """

    leave: Floats
    duration: Floats
    pause: Floats
    arrive: Floats
    begin: Floats
    stay: Floats
    finish: Floats
    breaks: BreakPlaces

    def select(self, routes: Integers) -> LegTimes:
        """Return some of the routes, each as often as it is named."""
        times = {item.name: getattr(self, item.name)[routes] for item in fields(self)[:-1]}
        return LegTimes(**times, breaks=self.breaks.select(routes))


def drive_forward(grid: PaddedRoutes, departure: Floats) -> LegTimes:
    """Drive all routes forward together, leg by leg."""
    leave, duration, pause, arrive, begin, stay = (np.zeros(grid.valid.shape) for _ in range(6))
    data, breaks = grid.laws.data, place_breaks(grid, departure)
    pauses = [rule for rule in PAUSES if rule.stated(data)]
    clock, had, at_wheel = departure.copy(), breaks.before.copy(), np.zeros(len(departure))
    for leg in range(grid.valid.shape[1]):
        valid, taken = grid.valid[:, leg], breaks.taken[:, leg]
        leave[:, leg] = clock
        duration[:, leg] = grid.duration(leg, clock)
        if pauses:
            driven = at_wheel + np.where(valid, duration[:, leg], 0.0)
            pause[:, leg] = sum(rule.pause(data, grid.kind, at_wheel, driven) for rule in pauses)
            at_wheel = driven
        arrive[:, leg] = _arrival(grid, clock, duration[:, leg], had, taken) + pause[:, leg]
        there = np.maximum(arrive[:, leg], grid.ready[:, leg])
        begin[:, leg] = service_begin(data, grid.head[:, leg], there)
        stay[:, leg] = grid.service(leg, begin[:, leg])
        clock = np.where(valid, begin[:, leg] + stay[:, leg], clock)
        had += taken
    return LegTimes(leave, duration, pause, arrive, begin, stay, clock, breaks)


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
        breaks_taken=times.breaks.taken[valid],
        kind=grid.kind,
        departure=departure,
        finish=times.finish,
        ends_with=grid.loads[:, np.arange(len(departure)), grid.stops],
        breaks_missed=times.breaks.missed,
        breaks_before=times.breaks.before,
    )
