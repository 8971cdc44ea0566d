"""Few straight pieces within a tolerance of a function: the longest piece each time.

From where the last piece ended, all slopes are kept that stay in the tube around the function so far; the piece ends
where none is left (Imai and Iri 1986, "An optimal algorithm for approximating a piecewise linear function", Journal of
Information Processing 9; here from a fixed start). Where the function is convex the pieces run from the lower edge of
the tube to the lower edge, touching the upper one, which is the fewest there can be, and are convex too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.lowering.profile import Cells, Profile
from kanopt.formulas.lowering.program import Pieces
from kanopt.formulas.nodes import Array

_WINDOW = 64
_BALANCED = 12
_ROUNDS = 12


@dataclass(frozen=True)
class Tube:
    """A tube between two polylines, arrays of shape (points,).

    Parameters
    ----------
    x, lower, upper
        The polylines.
    lean
        −1 where pieces should run along the lower edge, which keeps them convex; +1 along the upper one, which keeps
        them concave; 0 where it does not matter.
    """

    x: Array
    lower: Array
    upper: Array
    lean: int

    def links(self, most: int) -> tuple[list[float], list[float]] | None:
        """Return breakpoints and values of a polyline within the tube; None if it has more than `most` pieces."""
        edges = self.lower, 0.5 * (self.lower + self.upper), self.upper
        places = (self.lean + 1,) if self.lean else (0, 1, 2)
        starts = [
            (self._link(0, self.x[0], float(edges[place][0])), float(edges[place][0])) for place in places
        ]
        (last, place, value), y = max(starts, key=lambda found: found[0][1])
        xs, ys = [float(self.x[0]), place], [y, value]
        while place < self.x[-1]:
            if len(xs) > most:
                return None
            last, place, value = self._link(last, place, value)
            xs.append(place)
            ys.append(value)
        return xs, ys

    def _link(self, last: int, x0: float, y0: float) -> tuple[int, float, float]:
        """Return the longest piece from a place at or after point `last`: the last point up to it, and its end."""
        most, least, begin, size = np.inf, -np.inf, last + 1, _WINDOW
        count = len(self.x)
        while begin < count:
            x = self.x[begin : begin + size]
            rise = np.minimum.accumulate(np.minimum((self.upper[begin : begin + size] - y0) / (x - x0), most))
            fall = np.maximum.accumulate(
                np.maximum((self.lower[begin : begin + size] - y0) / (x - x0), least)
            )
            blocked = fall > rise
            first = int(np.argmax(blocked))
            if blocked[first]:
                if first:
                    most, least = float(rise[first - 1]), float(fall[first - 1])
                return self._leave(begin + first, x0, y0, least, most)
            most, least = float(rise[-1]), float(fall[-1])
            begin, size = begin + len(x), 2 * size
        slope = (least, 0.5 * (least + most), most)[self.lean + 1]
        end = float(self.x[-1])
        return count - 1, end, y0 + slope * (end - x0)

    def _leave(self, point: int, x0: float, y0: float, least: float, most: float) -> tuple[int, float, float]:
        """Return where the last possible line leaves the tube, between a point and the one before it."""
        if not np.isfinite(least + most):
            raise FormulaError("a tube has no opening")
        start, stop = max(float(self.x[point - 1]), x0), float(self.x[point])
        up = (self.lower[point] - y0) / (stop - x0) > most
        slope, edge = (most, self.lower) if up else (least, self.upper)
        before = float(np.interp(start, self.x, edge)) - (y0 + slope * (start - x0))
        after = float(edge[point]) - (y0 + slope * (stop - x0))
        share = before / (before - after) if before != after else 0.0
        # not so near a point that the next slopes are lost to rounding
        share = min(max(share, 0.0), 0.999)
        share = 0.0 if share < 0.001 and start > x0 else share
        end = start + share * (stop - start)
        aim = (float(np.interp(end, self.x, edge)) - y0) / (end - x0)
        return point - 1, end, y0 + min(max(aim, least), most) * (end - x0)


def fitted(profile: Profile, tolerance: float, most: int) -> Pieces | None:
    """Return few pieces within a tolerance of a function whose profile is fine enough; None for more than `most`.

    Where they are few, the same number is fitted with the smallest tolerance that allows it.
    """
    x: list[float] = []
    start: list[float] = []
    stop: list[float] = []
    for run in profile.cells.runs:
        if run.low[0] == run.high[-1]:
            ends = [float(run.low[0])] * 2, [float(run.first[0])] * 2
        else:
            found = _balanced(run, tolerance, most - len(start))
            if found is None:
                return None
            ends = found
        x += ends[0][:-1]
        start += ends[1][:-1]
        stop += ends[1][1:]
    x.append(profile.high)
    return Pieces(tuple(x), tuple(start), tuple(stop)) if len(start) <= most else None


def _balanced(run: Cells, tolerance: float, most: int) -> tuple[list[float], list[float]] | None:
    best = _tube(run, tolerance).links(most)
    if best is None or len(best[0]) - 1 > _BALANCED:
        return best
    count = len(best[0]) - 1
    least, largest = _narrowest(run), tolerance
    for _ in range(_ROUNDS):
        middle = 0.5 * (least + largest)
        if middle <= 1.01 * least or largest <= 1.02 * least:
            break
        tried = _tube(run, middle).links(count)
        if tried is None or len(tried[0]) - 1 > count:
            least = middle
        else:
            best, largest = tried, middle
    return best


def _narrowest(run: Cells) -> float:
    return float((np.maximum(run.down, run.up) + run.noise).max()) * 1.01


def _tube(run: Cells, tolerance: float) -> Tube:
    x, value = run.points
    down, up = run.down + run.noise, run.up + run.noise
    below = np.maximum(np.append(up, up[-1]), np.append(up[0], up))
    above = np.maximum(np.append(down, down[-1]), np.append(down[0], down))
    convex, concave = bool((run.bend[0] >= 0.0).all()), bool((run.bend[1] <= 0.0).all())
    lean = 0 if convex == concave else -1 if convex else 1
    return Tube(x, value - tolerance + below, value + tolerance - above, lean)
