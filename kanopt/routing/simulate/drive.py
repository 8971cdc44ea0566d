"""Routes driven forward from given departures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.routing.rules import PAUSES
from kanopt.routing.rules.rule import Drive
from kanopt.routing.simulate.breaks import BreakPlaces, place_breaks, take_break
from kanopt.routing.simulate.legs import PaddedRoutes, service_begin


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
        return LegTimes(
            leave=self.leave[routes],
            duration=self.duration[routes],
            pause=self.pause[routes],
            arrive=self.arrive[routes],
            begin=self.begin[routes],
            stay=self.stay[routes],
            finish=self.finish[routes],
            breaks=self.breaks.select(routes),
        )


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


def drive_of(grid: PaddedRoutes, stops: Sequence[int], departure: Floats, times: LegTimes) -> Drive:
    """Return routes, with so many stops, that were driven forward from given departures."""
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
        ends_with=grid.loads[:, np.arange(len(departure)), stops],
        breaks_missed=times.breaks.missed,
        breaks_before=times.breaks.before,
    )
