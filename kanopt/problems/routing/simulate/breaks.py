"""Driving routes forward with breaks: where each is taken so that the driver is soonest everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing.data import Floats, Ints, RoutingData
from kanopt.problems.routing.windows import DriverBreak

__all__ = ["LegTimes", "breaks_on_leg", "drive_with_breaks", "service_begin"]

_SLACK = 1e-7


@dataclass(frozen=True, eq=False)
class LegTimes:
    """How routes were driven, or one route from several departures; arrays of shape (routes, legs).

    Parameters
    ----------
    leave, duration, arrive, begin
        As in :class:`~kanopt.problems.routing.simulate.drive.Drive`.
    finish
        Clock times of return; (routes,).
    breaks_missed
        How many breaks could not be taken; (routes,).
    breaks_before, breaks_taken
        How many breaks are over when leaving, (routes,), and how many are taken on each leg.
    """

    leave: Floats
    duration: Floats
    arrive: Floats
    begin: Floats
    finish: Floats
    breaks_missed: Ints
    breaks_before: Ints
    breaks_taken: Ints


def service_begin(data: RoutingData, head: Ints, arrive: Floats) -> Floats:
    """Return when service begins for those who arrive at a time: at once, when a window opens, or too late.

    Parameters
    ----------
    data
        The problem's data.
    head
        Nodes.
    arrive
        Clock times; broadcasts against `head`.
    """
    if len(data.opens) == 1:
        return np.asarray(np.maximum(arrive, data.earliest[head]))
    opens, closes = data.opens[:, head], data.closes[:, head]
    begin = np.where(arrive <= closes + _SLACK, np.maximum(arrive, opens), np.inf).min(axis=0)
    return np.asarray(np.where(np.isfinite(begin), begin, arrive))


@dataclass(frozen=True, eq=False)
class _BreakState:
    """Where the driver is with so many breaks taken; arrays of shape (departures, breaks + 1)."""

    clock: Floats
    late: Floats

    def better(self, other: _BreakState) -> NDArray[np.bool_]:
        """Say where this one is later at fewer clients that must not be late, or as late and sooner here."""
        less = self.late < other.late - _SLACK
        same = self.late <= other.late + _SLACK
        found: NDArray[np.bool_] = less | (same & (self.clock < other.clock))
        return found


def drive_with_breaks(
    data: RoutingData,
    legs: Sequence[tuple[int, float]],
    rests: Sequence[DriverBreak],
    departure: Floats,
    spent: Callable[[int, Floats], Floats],
) -> LegTimes:
    """Drive one route forward from several departures.

    A break is taken as soon as it may be on the leg on which it is taken; which leg that is, is found by dynamic
    programming over legs and breaks taken: that with which the driver is soonest everywhere, and late at no client that
    must not be late. Lateness that has a price does not move a break, so that a route may be cheaper with a break at
    another place.

    Parameters
    ----------
    data
        The problem's data.
    legs
        Head of each leg, and how long the stop there takes.
    rests
        Breaks of the driver, in order.
    departure
        Clock times of leaving.
    spent
        Travel time of a leg, by its number, for those who leave at given times.
    """
    count = len(rests)
    shape = (len(departure), count + 1)
    clock = np.full(shape, np.inf)
    before = _breaks_over_by(rests, departure)
    for taken in range(count + 1):
        clock[:, taken] = np.where(taken <= before, departure, np.inf)
    state = _BreakState(clock, np.where(np.isfinite(clock), 0.0, np.inf))
    steps = []
    for leg, (head, stay) in enumerate(legs):
        step, state = _drive_leg(data, rests, state, spent(leg, state.clock), head, stay)
        steps.append(step)
    chosen, missed = _best_end(rests, state)
    return _trace_back(steps, state, chosen, missed)


@dataclass(frozen=True, eq=False)
class _DrivenLeg:
    """A leg as driven by all states: breaks taken before it, and times; arrays (departures, breaks + 1)."""

    breaks_before: Ints
    leave: Floats
    duration: Floats
    arrive: Floats
    begin: Floats


def _breaks_over_by(rests: Sequence[DriverBreak], departure: Floats) -> Ints:
    """Return how many breaks may be over by a departure."""
    done = np.zeros(len(departure), dtype=np.intp)
    free = -np.inf
    for place, rest in enumerate(rests, start=1):
        begins = max(free, rest.earliest)
        free = begins + rest.length
        if begins > rest.latest:
            break
        done[departure >= free - _SLACK] = place
    return done


def _drive_leg(
    data: RoutingData,
    rests: Sequence[DriverBreak],
    state: _BreakState,
    duration: Floats,
    head: int,
    stay: float,
) -> tuple[_DrivenLeg, _BreakState]:
    """Drive a leg from every state, with no break or as many as can be taken on it."""
    shape = state.clock.shape
    at = np.full(shape[0], head)
    came = np.broadcast_to(np.arange(shape[1]), shape).copy()
    best = _BreakState(np.full(shape, np.inf), np.full(shape, np.inf))
    kept = {name: np.full(shape, np.inf) for name in ("leave", "duration", "arrive", "begin")}
    for start in range(shape[1]):
        clock, left = state.clock[:, start], duration[:, start]
        possible = np.isfinite(clock)
        for taken in range(start, shape[1]):
            if taken > start:
                clock, left, fits = _take_break(rests[taken - 1], clock, left)
                possible = possible & fits
            arrive = np.where(possible, clock + left, np.inf)
            begin = np.where(possible, service_begin(data, at, np.where(possible, arrive, 0.0)), np.inf)
            over = np.zeros_like(begin)
            if not data.has_soft_window[head]:
                np.maximum(np.subtract(begin, data.latest[head], where=possible, out=over), 0.0, out=over)
            new = _BreakState(begin + stay, np.where(possible, state.late[:, start] + over, np.inf))
            wins = new.better(_BreakState(best.clock[:, taken], best.late[:, taken]))
            best.clock[wins, taken], best.late[wins, taken] = new.clock[wins], new.late[wins]
            came[wins, taken] = start
            values = (state.clock[:, start], duration[:, start], arrive, begin)
            for name, value in zip(kept, values, strict=True):
                kept[name][wins, taken] = value[wins]
    return _DrivenLeg(came, **kept), best


def _take_break(rest: DriverBreak, clock: Floats, left: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Take a break as soon as it may begin: while driving, or after arriving."""
    with np.errstate(invalid="ignore"):
        begins = np.maximum(clock, rest.earliest)
        driven = np.minimum(begins - clock, left)
        return begins + rest.length, left - driven, begins <= rest.latest + _SLACK


def _best_end(rests: Sequence[DriverBreak], state: _BreakState) -> tuple[Ints, Ints]:
    """Return with how many breaks taken each route is best ended, and how many breaks are missed."""
    count = len(rests)
    chosen, missed = np.zeros(len(state.clock), dtype=np.intp), np.full(len(state.clock), count + 1)
    best = _BreakState(np.full(len(state.clock), np.inf), np.full(len(state.clock), np.inf))
    for taken in range(count + 1):
        finish = state.clock[:, taken]
        free, lost = finish, np.zeros(len(finish), dtype=np.intp)
        for rest in rests[taken:]:
            begins = np.maximum(free, rest.earliest)
            late = begins > rest.latest + _SLACK
            lost, free = lost + late, np.where(late, free, begins + rest.length)
        new = _BreakState(finish, state.late[:, taken])
        reached = np.isfinite(finish) | (taken == 0)
        wins = reached & ((lost < missed) | ((lost == missed) & new.better(best)))
        best.clock[wins], best.late[wins] = new.clock[wins], new.late[wins]
        chosen[wins], missed[wins] = taken, lost[wins]
    return chosen, missed


def _trace_back(steps: Sequence[_DrivenLeg], state: _BreakState, chosen: Ints, missed: Ints) -> LegTimes:
    """Follow the best end of each route back to its departure."""
    rows = np.arange(len(chosen))
    shape = (len(chosen), len(steps))
    found = {name: np.zeros(shape) for name in ("leave", "duration", "arrive", "begin")}
    finish, taken = state.clock[rows, chosen], np.zeros(shape, dtype=np.intp)
    for leg in range(len(steps) - 1, -1, -1):
        step = steps[leg]
        for name, values in found.items():
            values[:, leg] = getattr(step, name)[rows, chosen]
        came = step.breaks_before[rows, chosen]
        taken[:, leg], chosen = chosen - came, came
    return LegTimes(**found, finish=finish, breaks_missed=missed, breaks_before=chosen, breaks_taken=taken)


def breaks_on_leg(
    rests: Sequence[DriverBreak], first: int, count: int, leave: float, duration: float
) -> list[tuple[float, float]]:
    """Return begin and end of the breaks taken on a leg.

    Parameters
    ----------
    rests
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
    found, clock, left = [], leave, duration
    for rest in rests[first : first + count]:
        begins = max(clock, rest.earliest)
        left -= min(begins - clock, left)
        clock = begins + rest.length
        found.append((begins, clock))
    return found
