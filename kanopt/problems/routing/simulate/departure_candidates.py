"""When to leave so that a route takes the least time, where travel times are tabulated in the clock."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.data import Floats, Ints, RoutingData
from kanopt.problems.routing.windows import DriverBreak

__all__ = ["candidate_departures", "departure_breakpoints"]


def departure_breakpoints(law: ArrivalFunctions, data: RoutingData, kind: int, way: Sequence[int]) -> Floats:
    """Return the departures between which the return from a route is linear in the departure.

    The time a route takes is least at one of them: between two of them it rises or falls steadily, and at a jump the
    lower value counts.

    Parameters
    ----------
    law
        Travel times, in the problem's unit.
    data
        Service times and windows.
    kind
        Vehicle type.
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
        begin = leave - data.service[kind, tail]
        window = np.append(data.opens[:, tail], data.closes[:, tail])
        targets = np.unique(np.append(begin[begin >= data.earliest[tail]], window[np.isfinite(window)]))
    return targets


def candidate_departures(
    data: RoutingData,
    head: Ints,
    spent: Floats,
    stay: Floats,
    rests: Sequence[DriverBreak],
    shift_end: float,
) -> Floats:
    """Return the departures between which the price of time changes in a straight line, where travel times are fixed.

    What bends it first is met without waiting: a window that opens or closes, a break that may or must begin, or the
    end of the shift, after driving, service and the breaks taken so far alone.

    Parameters
    ----------
    data
        Windows.
    head, spent, stay
        Head, travel time and stay of each leg; (legs,).
    rests
        Breaks.
    shift_end
        Latest return.
    """
    arrive = np.cumsum(spent + stay) - stay
    moments = [np.array([shift_end]) - arrive[-1]]
    moments += [row[head] - arrive for row in (*data.opens, *data.closes)]
    begins = np.append(0.0, np.append(arrive, arrive + stay))
    ends = np.cumsum([0.0, *(rest.length for rest in rests)])
    for place, rest in enumerate(rests):
        # one may follow the other at once
        over = rest.earliest + ends[place:] - ends[place]
        moments += [moment - begins for moment in (rest.latest, *over)]
    found = np.concatenate(moments)
    # breaks before those on the way may have been taken in the depot
    rested = np.unique(ends[:, None] - ends)
    found = np.unique(found[np.isfinite(found)][:, None] - rested[rested >= 0])
    return np.asarray(found)
