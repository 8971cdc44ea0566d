"""Where drivers take their breaks: on the legs that make every later stop earliest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.data import Floats, Ints
from kanopt.problems.routing.simulate.legs import PaddedRoutes, service_begin
from kanopt.problems.routing.windows import DriverBreak

__all__ = ["BreakPlaces", "breaks_on_leg", "place_breaks", "take_break"]

_SLACK = 1e-7


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

    before: Ints
    taken: Ints
    missed: Ints


def place_breaks(grid: PaddedRoutes, departure: Floats) -> BreakPlaces:
    """Choose the legs on which breaks are taken.

    A break begins as early as it may on its leg. The leg is found by dynamic programming over legs and breaks taken:
    the one that makes the driver least late at clients that must not be late, then earliest at every stop.
    Lateness that has a price does not move a break, so that a route may be cheaper with a break at another place.
    """
    routes = len(departure)
    found = BreakPlaces(
        before=np.zeros(routes, dtype=np.intp),
        taken=np.zeros(grid.valid.shape, dtype=np.intp),
        missed=np.zeros(routes, dtype=np.intp),
    )
    for kind, breaks in enumerate(grid.laws.data.breaks):
        rows = np.flatnonzero((grid.kind == kind) & grid.has_breaks)
        if rows.size:
            placed = _place_breaks(grid.select(rows), breaks, departure[rows])
            found.before[rows] = placed.before
            found.taken[rows] = placed.taken
            found.missed[rows] = placed.missed
    return found


@dataclass(frozen=True, eq=False)
class _States:
    """Clock and lateness of each driver by the number of breaks taken; arrays of shape (routes, breaks + 1).

    `late` is the total lateness so far at clients that must not be late. Both are infinite where so many breaks cannot
    have been taken.
    """

    clock: Floats
    late: Floats

    @classmethod
    def unreached(cls, shape: tuple[int, ...]) -> _States:
        return cls(np.full(shape, np.inf), np.full(shape, np.inf))


def _is_better(clock: Floats, late: Floats, than_clock: Floats, than_late: Floats) -> NDArray[np.bool_]:
    """Say where one state is less late than another, or equally late and earlier."""
    same = late <= than_late + _SLACK
    return np.asarray((late < than_late - _SLACK) | (same & (clock < than_clock)))


def _place_breaks(grid: PaddedRoutes, breaks: Sequence[DriverBreak], departure: Floats) -> BreakPlaces:
    """Choose the legs on which breaks are taken by drivers who all have the same ones."""
    possible = np.arange(len(breaks) + 1) <= _breaks_over_by(breaks, departure)[:, None]
    states = _States(np.where(possible, departure[:, None], np.inf), np.where(possible, 0.0, np.inf))
    taken_before = []
    for leg in range(grid.valid.shape[1]):
        before, states = _drive_leg(grid, breaks, leg, states)
        taken_before.append(before)
    chosen, missed = _best_end(breaks, states)
    rows, taken = np.arange(len(departure)), np.zeros(grid.valid.shape, dtype=np.intp)
    for leg in reversed(range(grid.valid.shape[1])):
        before = taken_before[leg][rows, chosen]
        taken[:, leg], chosen = chosen - before, before
    return BreakPlaces(chosen, taken, missed)


def _breaks_over_by(breaks: Sequence[DriverBreak], departure: Floats) -> Ints:
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


def _drive_leg(
    grid: PaddedRoutes, breaks: Sequence[DriverBreak], leg: int, states: _States
) -> tuple[Ints, _States]:
    """Drive a leg with no break or as many as can be taken on it; return also how many were taken before it."""
    data, head, stay, valid = grid.laws.data, grid.head[:, leg], grid.stay[:, leg], grid.valid[:, leg]
    must_begin = np.where(data.has_soft_window[head], np.inf, data.latest[head])
    came = np.broadcast_to(np.arange(len(breaks) + 1), states.clock.shape).copy()
    best = _States.unreached(states.clock.shape)
    for before in range(len(breaks) + 1):
        clock, late = states.clock[:, before], states.late[:, before]
        possible = np.isfinite(clock) & valid
        remaining = grid.duration(leg, np.where(possible, clock, 0.0))
        for taken in range(before, len(breaks) + 1):
            if taken > before:
                clock, remaining, fits = take_break(breaks[taken - 1], clock, remaining)
                possible = possible & fits
            reached = possible & np.isfinite(remaining)
            there = np.maximum(np.where(reached, clock + remaining, 0.0), grid.ready[:, leg])
            begin = service_begin(data, head, there)
            over = late + np.maximum(begin - must_begin, 0.0)
            wins = reached & _is_better(begin + stay, over, best.clock[:, taken], best.late[:, taken])
            best.clock[wins, taken], best.late[wins, taken] = (begin + stay)[wins], over[wins]
            came[wins, taken] = before
    # a leg that is not driven changes nothing
    best.clock[~valid], best.late[~valid] = states.clock[~valid], states.late[~valid]
    return came, best


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


def _best_end(breaks: Sequence[DriverBreak], states: _States) -> tuple[Ints, Ints]:
    """Return with how many breaks taken each route is best ended, and how many breaks are missed."""
    routes = len(states.clock)
    chosen, missed = np.zeros(routes, dtype=np.intp), np.full(routes, len(breaks) + 1)
    best = _States.unreached((routes,))
    for taken in range(len(breaks) + 1):
        finish, late = states.clock[:, taken], states.late[:, taken]
        free, lost = finish, np.zeros(routes, dtype=np.intp)
        for driver_break in breaks[taken:]:
            begins = np.maximum(free, driver_break.earliest)
            passed = begins > driver_break.latest + _SLACK
            lost, free = lost + passed, np.where(passed, free, begins + driver_break.length)
        better = _is_better(finish, late, best.clock, best.late)
        wins = (np.isfinite(finish) | (taken == 0)) & ((lost < missed) | ((lost == missed) & better))
        best.clock[wins], best.late[wins] = finish[wins], late[wins]
        chosen[wins], missed[wins] = taken, lost[wins]
    return chosen, missed


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
