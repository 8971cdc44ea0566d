"""Arrival functions of all arcs, laid out so that thousands of legs are looked up at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing import ArrivalFunctions

__all__ = ["ArrivalIndex"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_MOST_BUCKETS = 4_000_000
_PER_POINT = 1.5  # buckets for each point of an arc: about one point lies in a bucket


class ArrivalIndex:
    """The arrival functions of a problem, with an index by clock time.

    :class:`ArrivalFunctions` finds the piece of a function by bisection: seven looks for a hundred points. Here the
    clock is cut into buckets, and a table says for each arc and bucket where to begin; one or two looks remain. What
    comes out is the same up to the rounding of one multiplication.

    Parameters
    ----------
    law
        The functions, in the problem's unit of time.

    Examples
    --------
    >>> law = ArrivalFunctions.of({(0, 1): ([0, 60], [10, 90]), (1, 0): ([0], [20])}, 2)
    >>> index = ArrivalIndex(law)
    >>> arcs = index.arcs(np.array([0, 0, 1]), np.array([1, 1, 1]))
    >>> index.arrival(arcs, np.array([30.0, 90.0, 5.0])).tolist()
    [50.0, 120.0, 5.0]
    >>> index.latest(arcs, np.array([50.0, 120.0, 5.0])).tolist()
    [30.0, 90.0, 5.0]
    """

    def __init__(self, law: ArrivalFunctions) -> None:
        self.size = law.size
        self._law = law
        count = len(law.start) - 1
        # one number more for arcs without a road, and one for staying where one is
        arc = np.where(law.arc >= 0, law.arc, count)
        np.fill_diagonal(arc, count + 1)
        self._arc: Ints = arc.ravel().astype(np.intp)
        self._forth = _PiecewiseFunctions(law.start, law.leave, law.arrive, never=np.inf)
        self._back = _PiecewiseFunctions(law.start, law.arrive, law.leave, never=-np.inf)

    def arcs(self, tail: Ints, head: Ints) -> Ints:
        """Return the numbers of arcs, by which :meth:`arrival` and :meth:`latest` know them."""
        numbers: Ints = self._arc[tail * self.size + head]
        return numbers

    def arrival(self, arc: Ints, clock: Floats) -> Floats:
        """Return when one arrives; infinite where no road leads or the clock is.

        Parameters
        ----------
        arc
            Numbers of arcs, of the shape of `clock`.
        clock
            Clock times of leaving.
        """
        return self._forth.value(arc, clock, clock - self._law.noise)

    def latest(self, arc: Ints, arrive: Floats) -> Floats:
        """Return the latest clock times at which one may leave to arrive by then; −infinity where no road leads.

        Parameters
        ----------
        arc
            Numbers of arcs, of the shape of `arrive`.
        arrive
            Clock times, finite.
        """
        # a point reached in time is passed: of a span in which one arrives at the same time, its end counts
        return self._back.value(arc, arrive, np.nextafter(arrive, np.inf))

    def bounds(self) -> tuple[Floats, Floats]:
        """Return the least and the longest time each arc ever takes; (n, n), infinite where no road leads."""
        spent = self._law.arrive - self._law.leave
        ends = (
            np.append(extreme.reduceat(spent, self._law.start[:-1]) if spent.size else spent, np.inf)
            for extreme in (np.minimum, np.maximum)
        )
        least, most = (values[self._law.arc] for values in ends)
        return least, most


class _PiecewiseFunctions:
    """Functions made of straight pieces that never fall, by number: those given, a constant one, and the clock itself.

    Parameters
    ----------
    start
        Where the points of each function begin, and where the last one ends.
    x, y
        The points.
    never
        The value of the constant one.
    """

    def __init__(self, start: Ints, x: Floats, y: Floats, *, never: float) -> None:
        points, count = len(x), len(start) - 1
        owner = np.repeat(np.arange(count), np.diff(start))
        place = np.arange(points) + owner  # each function has one piece more than points: that after the last
        self._until = np.full(points + count + 2, np.inf)
        self._shift, self._slope = np.full(points + count + 2, never), np.ones(points + count + 2)
        self._until[place] = x
        before = np.maximum(np.arange(points) - 1, 0)
        first = np.zeros(points, dtype=bool)
        first[start[:-1]] = True
        width = np.where(first, 0.0, x - x[before])
        tilt = np.where(width > 0, (y - y[before]) / np.where(width > 0, width, 1.0), 1.0)
        self._slope[place], self._shift[place] = tilt, y - tilt * x
        last = start[1:] - 1
        self._shift[last + np.arange(count) + 1] = y[last] - x[last]
        self._shift[-1] = 0.0
        self._cut(start, x, owner)

    def _cut(self, start: Ints, x: Floats, owner: Ints) -> None:
        """Note for each function and bucket the piece with which it begins."""
        count = len(start) - 1
        begin, end = float(x.min(initial=0.0)), float(x.max(initial=0.0))
        wanted = _PER_POINT * len(x) / max(count, 1)
        self._buckets = int(np.clip(wanted, 1, max(1, _MOST_BUCKETS // (count + 2))))
        self._begin, self._rate = begin, self._buckets / (end - begin) if end > begin else 1.0
        inside = np.bincount(owner * self._buckets + self._bucket(x), minlength=count * self._buckets)
        inside = inside.reshape(count, self._buckets)
        opening = np.append(start[:-1] + np.arange(count), len(x) + count + np.arange(2))
        opens = np.repeat(opening[:, None], self._buckets, axis=1)
        opens[:count] += np.cumsum(inside, axis=1) - inside
        self._opens: Ints = opens.ravel().astype(np.intp)
        self._looks = int(inside.max(initial=0))

    def _bucket(self, x: Floats) -> Ints:
        place = x - self._begin
        place *= self._rate
        np.fmax(place, 0.0, out=place)
        np.fmin(place, self._buckets - 1, out=place)
        return place.astype(np.intp)

    def value(self, which: Ints, x: Floats, passed: Floats) -> Floats:
        """Return the value at `x` on the piece up to the first point that is not before `passed`."""
        # the one loop that a search spends its time in: take() and working in place are twice as fast
        place = self._bucket(passed)
        place += which * self._buckets
        piece = self._opens.take(place)
        for _ in range(self._looks):
            piece += self._until.take(piece) < passed
        found: Floats = self._slope.take(piece)
        found *= x
        found += self._shift.take(piece)
        return found
