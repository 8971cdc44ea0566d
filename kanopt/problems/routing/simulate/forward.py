"""Routes driven forward from given departures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kanopt.problems.routing.data import Floats, Ints
from kanopt.problems.routing.simulate.breaks import BreakPlaces, place_breaks, take_break
from kanopt.problems.routing.simulate.legs import PaddedRoutes, service_begin


@dataclass(frozen=True, eq=False)
class LegTimes:
    """Clock times of routes; arrays of shape (routes, legs).

    Parameters
    ----------
    leave, duration, arrive, begin, stay
        As in :class:`~kanopt.problems.routing.simulate.drive.Drive`.
    finish
        Clock times of return; (routes,).
    breaks
        Where breaks are taken.
    """

    leave: Floats
    duration: Floats
    arrive: Floats
    begin: Floats
    stay: Floats
    finish: Floats
    breaks: BreakPlaces

    def select(self, routes: Ints) -> LegTimes:
        """Return some of the routes, each as often as it is named."""
        return LegTimes(
            leave=self.leave[routes],
            duration=self.duration[routes],
            arrive=self.arrive[routes],
            begin=self.begin[routes],
            stay=self.stay[routes],
            finish=self.finish[routes],
            breaks=self.breaks.select(routes),
        )


def drive_forward(grid: PaddedRoutes, departure: Floats) -> LegTimes:
    """Drive all routes forward together, leg by leg."""
    leave, duration, arrive, begin, stay = (np.zeros(grid.valid.shape) for _ in range(5))
    breaks = place_breaks(grid, departure)
    clock, had = departure.copy(), breaks.before.copy()
    for leg in range(grid.valid.shape[1]):
        valid, taken = grid.valid[:, leg], breaks.taken[:, leg]
        leave[:, leg] = clock
        duration[:, leg] = grid.duration(leg, clock)
        arrive[:, leg] = _arrival(grid, clock, duration[:, leg], had, taken)
        there = np.maximum(arrive[:, leg], grid.ready[:, leg])
        begin[:, leg] = service_begin(grid.laws.data, grid.head[:, leg], there)
        stay[:, leg] = grid.service(leg, begin[:, leg])
        clock = np.where(valid, begin[:, leg] + stay[:, leg], clock)
        had += taken
    return LegTimes(leave, duration, arrive, begin, stay, clock, breaks)


def _arrival(grid: PaddedRoutes, leave: Floats, duration: Floats, had: Ints, taken: Ints) -> Floats:
    """Return when the end of a leg is reached and the breaks taken on it are over; `had` were taken before."""
    clock, remaining = leave.copy(), duration.copy()
    if taken.any():
        for kind, breaks in enumerate(grid.laws.data.breaks):
            for place, driver_break in enumerate(breaks):
                rows = np.flatnonzero((grid.kind == kind) & (had <= place) & (place < had + taken))
                clock[rows], remaining[rows], _ = take_break(driver_break, clock[rows], remaining[rows])
    return clock + remaining
