"""When to leave so that a route takes the least time, where travel times are tabulated in the clock."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kanopt.problems.routing.arrivals import ArrivalFunctions
from kanopt.problems.routing.laws import Facts, Floats

__all__ = ["turning_points"]


def turning_points(law: ArrivalFunctions, facts: Facts, way: Sequence[int]) -> Floats:
    """Return the departures between which the return from a route is linear in the departure.

    The time a route takes is least at one of them: between two of them it rises or falls steadily, and at a jump the
    lower value counts.

    Parameters
    ----------
    law
        Travel times, in the problem's unit.
    facts
        Service times and windows.
    way
        Nodes from depot to depot.

    Returns
    -------
    array
        Rising; shape (k,). Points of the legs, openings and closings of windows, each carried back to the depot:
        the latest departure with which the leg is begun, or the client reached, by then.

    Notes
    -----
    The return is a composition of piecewise-linear functions that never fall, one per leg, of waits and of service
    times; its breakpoints are preimages of theirs (Visser and Spliet 2020, "Efficient move evaluations for
    time-dependent vehicle routing problems", Transportation Science 54(4), 1091–1112).
    """
    targets = np.zeros(0)
    for tail, head in zip(way[-2::-1], way[:0:-1], strict=True):
        if not law.roads[tail, head]:
            return np.zeros(0)
        # by when one has to leave the tail: to reach the targets at the head, and at the points of the leg itself
        leave = np.append(law.latest(tail, head, targets), law.points(tail, head)[0])
        begin = leave - facts.service[tail]
        opens, closes = facts.earliest[tail], facts.latest[tail]
        window = np.array([opens, closes])
        targets = np.unique(np.append(begin[begin >= opens], window[np.isfinite(window)]))
    return targets
