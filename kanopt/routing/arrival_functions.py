"""Travel times tabulated in the clock: for each arc, when one arrives as a function of when one leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kanopt.array_types import Floats, Integers
from kanopt.errors import ProblemError, UnitError
from kanopt.routing.arrays import RoutingData
from kanopt.text import number_text
from kanopt.units import check_unit, convert, same_dimension

_NOISE = 1e-12


@dataclass(frozen=True, eq=False)
class ArrivalFunctions:
    """A piecewise-linear arrival function for each arc; build it with :meth:`of`.

    Parameters
    ----------
    arc
        Number of the function from each node to each other, −1 where no road leads; shape (n, n).
    start
        Where the points of each function begin in `leave` and `arrive`, and where the last one ends; shape (arcs + 1,).
    leave, arrive
        The points: clock times of departure and of arrival, both non-decreasing. Two points with the same `leave` are
        a jump; at the jump the earlier arrival counts.
    time
        Unit of both; clock times count from midnight.
    fifo_repaired
        How many functions violated FIFO (a later departure arrived earlier) and were replaced by the greatest
        non-decreasing function below them.

    Notes
    -----
    Before the first and after the last point the travel time is that of the point. Arrival functions are those of
    Ichoua, Gendreau and Potvin (2003, "Vehicle dispatching with time-dependent travel times", European Journal of
    Operational Research 144(2), 379–396); the repair is the exact form of that of Malandraki and Daskin (1992, "Time
    dependent vehicle routing problems", Transportation Science 26(3), 185–200), and amounts to waiting at the tail for
    a better departure.

    Examples
    --------
    >>> slow = ArrivalFunctions.of({(0, 1): ([0, 60], [10, 90]), (1, 0): ([0], [20])}, 2)
    >>> slow.duration(np.array([0, 0, 1]), np.array([1, 1, 0]), np.array([0.0, 30.0, 500.0])).tolist()
    [10.0, 20.0, 20.0]
    """

    arc: Integers
    start: Integers
    leave: Floats
    arrive: Floats
    time: str = "min"
    fifo_repaired: int = 0

    @classmethod
    def of(
        cls,
        functions: Mapping[tuple[int, int], tuple[ArrayLike, ArrayLike]],
        size: int,
        *,
        time: str = "min",
    ) -> ArrivalFunctions:
        """Build the functions from points, and repair those that violate FIFO.

        Parameters
        ----------
        functions
            Arc (from, to), counted from 0, to the clock times of leaving and of arriving. An arc that is missing
            cannot be driven.
        size
            How many nodes there are.
        time
            Unit of the clock times.

        Raises
        ------
        ProblemError
            If an arc leads to a node that is not there or to its own start, or points are missing, not numbers, not in
            order or arrive before they leave; names the arc.
        """
        try:
            check_unit(time)
        except UnitError as error:
            raise ProblemError(f"arrival functions: unit of time: {error}") from error
        if not same_dimension(time, "min"):
            raise ProblemError(
                f"arrival functions: {time!r} does not measure time; give one such as 'min' or 's'"
            )
        arc = np.full((size, size), -1, dtype=np.intp)
        points: list[tuple[Floats, Floats]] = []
        repaired = 0
        for place, ((tail, head), given) in enumerate(functions.items()):
            if not (0 <= tail < size and 0 <= head < size) or tail == head:
                raise ProblemError(
                    f"arrival function {tail} → {head}: an arc leads from one of the nodes 0 to {size - 1} to another"
                )
            leave, arrive = _points(*given, f"arrival function {tail} → {head}")
            if (np.diff(arrive) < 0).any():
                leave, arrive = lower_envelope(leave, arrive)
                repaired += 1
            arc[tail, head] = place
            points.append((leave, arrive))
        start = np.cumsum([0, *(len(leave) for leave, _ in points)], dtype=np.intp)
        leaves, arrives = ([part[axis] for part in points] or [np.zeros(0)] for axis in (0, 1))
        return cls(arc, start, np.concatenate(leaves), np.concatenate(arrives), time, repaired)

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self.arc)

    @cached_property
    def roads(self) -> NDArray[np.bool_]:
        """Which arcs can be driven; shape (n, n)."""
        return self.arc >= 0

    @cached_property
    def noise(self) -> float:
        """Tolerance of clock times: the rounding error of some hundred additions."""
        return _NOISE * float(np.abs(self.arrive).max(initial=0.0))

    def in_unit(self, time: str) -> ArrivalFunctions:
        """Return the functions with clock times in another unit."""
        if time == self.time:
            return self
        return replace(
            self,
            leave=convert(self.leave, self.time, time),
            arrive=convert(self.arrive, self.time, time),
            time=time,
        )

    def arrival(self, tail: ArrayLike, head: ArrayLike, leave: ArrayLike) -> Floats:
        """Return when one arrives; infinite where no road leads.

        Parameters
        ----------
        tail, head
            Nodes, from 0; arrays broadcast against each other and `leave`.
        leave
            Clock times.
        """
        which, clock = np.broadcast_arrays(
            self.arc[np.asarray(tail), np.asarray(head)], np.asarray(leave, dtype=float)
        )
        found = np.full(which.shape, np.inf)
        driven = (which >= 0) & np.isfinite(clock)
        found[driven] = self._value(which[driven], clock[driven])
        return found

    def duration(self, tail: ArrayLike, head: ArrayLike, leave: ArrayLike) -> Floats:
        """Return the travel time; infinite where no road leads. See :meth:`arrival`."""
        arrive = self.arrival(tail, head, leave)
        clock = np.broadcast_to(np.asarray(leave, dtype=float), arrive.shape)
        reached = np.isfinite(arrive)
        return np.where(reached, np.subtract(arrive, clock, where=reached, out=np.zeros_like(arrive)), np.inf)

    def latest(self, tail: int, head: int, arrive: Floats) -> Floats:
        """Return the latest clock times at which one may leave to arrive no later than at the given times.

        Parameters
        ----------
        tail, head
            An arc that can be driven.
        arrive
            Clock times; shape (k,).
        """
        x, y = self.points(tail, head)
        after = np.searchsorted(y, arrive, side="right")
        first, last = after == 0, after == len(y)
        before, after = np.maximum(after - 1, 0), np.minimum(after, len(y) - 1)
        rise = np.where(first | last, 1.0, y[after] - y[before])
        within = x[before] + (arrive - y[before]) * (x[after] - x[before]) / rise
        beyond = np.where(first, x[0] + arrive - y[0], x[-1] + arrive - y[-1])
        found: Floats = np.where(first | last, beyond, within)
        return found

    def points(self, tail: int, head: int) -> tuple[Floats, Floats]:
        """Return the points of an arc's function: leaving and arriving."""
        here = slice(*self.start[self.arc[tail, head] + np.arange(2)])
        return self.leave[here], self.arrive[here]

    def outside(self, tail: Integers, head: Integers, leave: Floats) -> NDArray[np.bool_]:
        """Say which legs leave before the first or after the last point of their function."""
        which = np.maximum(self.arc[tail, head], 0)
        first, last = self.leave[self.start[which]], self.leave[self.start[which + 1] - 1]
        return np.asarray(self.roads[tail, head] & ((leave < first) | (leave > last)))

    def _value(self, which: Integers, clock: Floats) -> Floats:
        """Evaluate functions by their numbers: bisection for the first point that is not before the clock.

        A clock that is past a jump by no more than the noise of sums is at the jump.
        """
        low, high = self.start[which], self.start[which + 1]
        first, last = low, high - 1
        earlier = clock - self.noise
        while (low < high).any():
            middle = (low + high) // 2
            before = self.leave[np.minimum(middle, last)] < earlier
            searching = low < high
            low = np.where(searching & before, middle + 1, low)
            high = np.where(searching & ~before, middle, high)
        point = np.minimum(low, last)
        x, y = self.leave[point], self.arrive[point]
        left = np.maximum(point - 1, first)
        beyond, at = (low > last) | ((low == first) & (clock < x)), x <= clock
        width = np.where(beyond | at, 1.0, x - self.leave[left])
        along = self.arrive[left] + (y - self.arrive[left]) * (clock - self.leave[left]) / width
        found: Floats = np.where(beyond, y + (clock - x), np.where(at, y, along))
        return found

    def average(self, begin: float, end: float) -> Floats:
        """Return the travel time of each arc averaged over all times of leaving from `begin` to `end`.

        Returns
        -------
        array
            Shape (n, n); infinite where no road leads.
        """
        if not end > begin:
            every = np.arange(len(self.start) - 1)
            return self._matrix(self._value(every, np.full(len(every), begin)) - begin)
        functions = len(self.start) - 1
        owner = np.repeat(np.arange(functions), np.diff(self.start))
        clocks = np.clip(self.leave, begin, end)
        inside = (self.leave >= begin) & (self.leave <= end)
        spent = np.where(inside, self.arrive - self.leave, self._value(owner, clocks) - clocks)
        pieces = np.diff(clocks) * (spent[1:] + spent[:-1]) / 2 * (owner[1:] == owner[:-1])
        total: Floats = np.bincount(owner[1:], weights=pieces, minlength=functions).astype(np.float64)
        first, last = self.start[:-1], self.start[1:] - 1
        total += (clocks[first] - begin) * spent[first] + (end - clocks[last]) * spent[last]
        return self._matrix(total / (end - begin))

    def _matrix(self, values: Floats) -> Floats:
        padded = np.append(values, np.inf)
        found: Floats = padded[self.arc]
        return found


def _points(leave: Any, arrive: Any, what: str) -> tuple[Floats, Floats]:
    """Return the points of one function, verified."""
    try:
        x, y = np.array(leave, dtype=np.float64), np.array(arrive, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ProblemError(f"{what}: points are two lists of numbers, leaving and arriving") from None
    if x.ndim != 1 or x.shape != y.shape or not x.size:
        raise ProblemError(
            f"{what}: {x.size} times of leaving, {y.size} of arriving; give as many, at least one"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ProblemError(f"{what}: a time is not a number")
    if (np.diff(x) < 0).any():
        place = int(np.argmax(np.diff(x) < 0))
        first, second = number_text(x[place], 6), number_text(x[place + 1], 6)
        raise ProblemError(f"{what}: leaving at {first} stands before {second}; give times in order")
    if (y < x).any():
        place = int(np.argmax(y < x))
        leaving, arriving = number_text(x[place], 6), number_text(y[place], 6)
        raise ProblemError(f"{what}: leaving at {leaving} arrives before, at {arriving}")
    return x, y


def lower_envelope(leave: Floats, arrive: Floats) -> tuple[Floats, Floats]:
    """Return the points of ``min over t' ≥ t of arrive(t')``, the least arrival of leaving at t or later.

    It is the greatest non-decreasing function below the given one: the FIFO repair of an arrival function.

    Parameters
    ----------
    leave, arrive
        Points of a piecewise-linear function, `leave` never falling; shape (k,). After the last point it rises.

    Examples
    --------
    >>> leave, arrive = lower_envelope(np.array([0.0, 10.0, 10.0, 20.0]), np.array([8.0, 18.0, 13.0, 23.0]))
    >>> leave.tolist(), arrive.tolist()
    ([0.0, 5.0, 10.0, 20.0], [8.0, 13.0, 13.0, 23.0])
    """
    least = np.minimum.accumulate(arrive[::-1])[::-1]
    x, y = [float(leave[-1])], [float(least[-1])]
    for place in range(len(leave) - 2, -1, -1):
        level, rise = y[-1], float(arrive[place + 1] - arrive[place])
        if arrive[place] < level < arrive[place + 1]:
            # the piece exceeds the arrival of a later departure: from there on it pays to wait for that
            width = float(leave[place + 1] - leave[place])
            x.append(float(leave[place]) + width * (level - float(arrive[place])) / rise)
            y.append(level)
        x.append(float(leave[place]))
        y.append(float(least[place]))
    points = np.array([x[::-1], y[::-1]])
    # a point twice is one point
    new = np.append(True, (np.diff(points, axis=1) != 0).any(axis=0))
    kept = points[:, new]
    return kept[0], kept[1]


def departure_breakpoints(
    law: ArrivalFunctions,
    data: RoutingData,
    kind: int,
    nodes: Sequence[int],
    ready: Floats,
    stay: Floats,
) -> Floats:
    """Return the departures between which the return from a route is linear in the departure.

    The time a route takes is least at one of them: between two of them it is monotone, and at a jump the
    lower value counts.

    Parameters
    ----------
    law
        Travel times, in the problem's unit.
    data
        Service times and windows.
    kind
        Vehicle type.
    nodes
        Nodes from depot to depot.
    ready
        When service at each node but the first may begin as far as goods must be ready.
    stay
        How long service at each node but the first takes.

    Returns
    -------
    array
        Increasing; shape (k,). Points of the legs, openings and closings of windows and the end of the shift, each
        carried back to the depot: the latest departure with which the leg is begun, or the client reached, by then.

    Notes
    -----
    The return is a composition of piecewise-linear functions that never fall, one per leg, of waits and of service
    times; its breakpoints are preimages of theirs (Visser and Spliet 2020, "Efficient move evaluations for
    time-dependent vehicle routing problems", Transportation Science 54(4), 1091–1112).
    """
    shift_end = data.vehicles[kind].shift_end
    leave = np.array([shift_end] if np.isfinite(shift_end) else [])
    for tail, head, wait, served in zip(nodes[-2::-1], nodes[:0:-1], ready[::-1], stay[::-1], strict=True):
        if not law.roads[tail, head]:
            return np.zeros(0)
        begin = leave - served
        turns = np.concatenate([[wait], data.opens[:, head], data.closes[:, head]])
        soonest = max(float(data.earliest[head]), wait)
        targets = np.unique(np.append(begin[begin >= soonest], turns[np.isfinite(turns)]))
        # latest departures from the tail to reach the targets at the head, and at the points of the leg itself
        leave = np.append(law.latest(tail, head, targets), law.points(tail, head)[0])
    return np.unique(leave)
