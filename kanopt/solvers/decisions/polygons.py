"""A piecewise linear function in a few intervals, with a polygon around its graph in each of them.

A certified function may have hundreds of pieces; a solver need not choose among all of them. Its range is cut into a
few intervals, and in each the graph is replaced by a polygon that contains it, so that what the solver finds is never
worse than what the pieces allow. Where its answer lies off the graph, the interval is cut there, and it is asked again:
adaptive multivariate partitioning (Nagarajan, Lu, Wang, Bent and Sundar 2019, "An adaptive, multivariate partitioning
algorithm for global optimization of nonconvex programs", Journal of Global Optimization 74).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.lowering import Pieces
from kanopt.solvers.decisions.sides import Side

Floats = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
_STEPS = 3
_RATIO = 5.0


@dataclass(frozen=True)
class PolygonCorner:
    """A corner of polygons: its place, and the polygons it belongs to; at most two, which are then neighbours."""

    x: float
    y: float
    polygons: tuple[int, ...]


@dataclass(frozen=True)
class Polygons:
    """Polygons around the graph of a function, one of which holds the point that is chosen.

    Parameters
    ----------
    corners
        From left to right.
    count
        The number of polygons.
    """

    corners: tuple[PolygonCorner, ...]
    count: int

    @property
    def binaries(self) -> int:
        """How many binaries choose among them, in a logarithmic encoding."""
        return (self.count - 1).bit_length()


class IntervalPartition:
    """The intervals of one function, to be made finer where it matters.

    Parameters
    ----------
    pieces
        The function.
    side
        From which sides it must be held. Neighbouring intervals over which the graph bends to that side alone are one
        polygon.
    parts
        About how many intervals there are at first.

    Examples
    --------
    >>> wave = IntervalPartition(Pieces.through((0.0, 1.0, 2.0, 3.0), (0.0, -1.0, 0.0, -1.0)), Side.BELOW, 8)
    >>> wave.polygons().count
    2
    >>> wave.distance(2.5, -1.0)
    0.5
    """

    def __init__(self, pieces: Pieces, side: Side, parts: int = 8) -> None:
        self.pieces, self.side = pieces, side
        self._x, self._y, gaps = _vertices(pieces)
        # a gap before vertex i: the function jumps there
        self._gaps = frozenset(gaps)
        self._marks = self._first_marks(parts)
        self._chains: dict[tuple[int, int, float], list[tuple[float, float]]] = {}

    def __len__(self) -> int:
        return len(self._x)

    def _first_marks(self, parts: int) -> set[int]:
        last = len(self._x) - 1
        marks = {0, last, *self._gaps, *(gap - 1 for gap in self._gaps)}
        marks |= set(np.linspace(0, last, min(parts, last) + 1).round().astype(int).tolist())
        with np.errstate(divide="ignore", invalid="ignore"):
            turns = np.sign(np.diff(np.diff(self._y) / np.diff(self._x)))
        bends = np.flatnonzero((turns[1:] * turns[:-1]) < 0.0) + 1
        # where the graph turns from bending one way to bending the other
        return marks | set(bends.tolist())

    def polygons(self) -> Polygons:
        """Return the polygons of the present intervals."""
        found = _PolygonBuilder()
        for block in self._blocks():
            if len(block) == 1:
                found.add_point(self._x[block[0]], self._y[block[0]])
            for start, stop in pairwise(block):
                self._add(found, start, stop)
            found.add_jump()
        return found.build()

    def _blocks(self) -> list[list[int]]:
        """Return the marks, split where the function jumps."""
        blocks: list[list[int]] = [[]]
        for mark in sorted(self._marks):
            if mark in self._gaps:
                blocks.append([])
            blocks[-1].append(mark)
        return blocks

    def _add(self, found: _PolygonBuilder, start: int, stop: int) -> None:
        if self.side is Side.BOTH:
            found.add(self._chain(start, stop, 1.0), self._chain(start, stop, -1.0)[1:-1], 0.0)
        else:
            sign = 1.0 if self.side is Side.BELOW else -1.0
            found.add(self._chain(start, stop, sign), [], sign)

    def _chain(self, start: int, stop: int, sign: float) -> list[tuple[float, float]]:
        key = start, stop, sign
        if key not in self._chains:
            self._chains[key] = _outer_line(self._x[start : stop + 1], self._y[start : stop + 1], sign)
        return self._chains[key]

    def distance(self, at: float, value: float) -> float:
        """Return the distance of a value from the graph on the sides it is held from; the smaller one at a jump."""
        there = np.array([min(max(at, self.pieces.low), self.pieces.high)])
        both = float(self.pieces.at(there)[0]), float(self.pieces.before(there)[0])
        lack, excess = min(both) - value, value - max(both)
        return max(
            0.0,
            lack if Side.BELOW in self.side else 0.0,
            excess if Side.ABOVE in self.side else 0.0,
        )

    def refine(self, at: float) -> bool:
        """Split the intervals around a place; return whether any could be split."""
        before = len(self._marks)
        place = int(np.clip(np.searchsorted(self._x, at), 0, len(self._x) - 1))
        marks = sorted(self._marks)
        behind = int(np.searchsorted(marks, place))
        width = max(marks[min(behind, len(marks) - 1)] - marks[max(behind - 1, 0)], 1)
        near = [place, place - 1, place + 1]
        for step in range(1, _STEPS + 1):
            reach = round(width / _RATIO**step)
            near += [place - reach, place + reach]
        self._marks |= {mark for mark in near if 0 <= mark < len(self._x)}
        return len(self._marks) > before


def _vertices(pieces: Pieces) -> tuple[Floats, Floats, list[int]]:
    """Return the vertices of the graph, both values at a jump, and where a vertex is not joined to the one before."""
    x, y, gaps = [pieces.x[0]], [pieces.start[0]], []
    for place, (start, stop) in enumerate(zip(pieces.start, pieces.stop, strict=True)):
        if start != y[-1]:
            gaps.append(len(x))
            x.append(pieces.x[place])
            y.append(start)
        if pieces.x[place + 1] > pieces.x[place]:
            x.append(pieces.x[place + 1])
            y.append(stop)
    return np.array(x), np.array(y), gaps


def _outer_line(x: Floats, y: Floats, sign: float) -> list[tuple[float, float]]:
    """Return a polygonal line of two or three corners below the graph, or above it, that bends outwards.

    It begins and ends on the graph. Its inner corner is where the outermost lines of the convex hull meet.
    """
    first, last = (float(x[0]), float(y[0])), (float(x[-1]), float(y[-1]))
    hull = _ends_of_hull(x, sign * y)
    if len(hull) == 2:
        return [first, last]
    left, right = (hull[0], hull[1]), (hull[-2], hull[-1])
    values = sign * y
    steep = [float((values[b] - values[a]) / (x[b] - x[a])) for a, b in (left, right)]
    a, b = left[0], right[1]
    turn = steep[1] - steep[0]
    meet = (values[a] - values[b] - steep[0] * x[a] + steep[1] * x[b]) / turn if turn > 0.0 else x[left[1]]
    meet = float(np.clip(meet, x[left[1]], x[right[0]]))
    low = min(values[a] + steep[0] * (meet - x[a]), values[b] + steep[1] * (meet - x[b]))
    # floating-point error must not put the corner inside
    low -= (
        8.0
        * EPS
        * float(np.abs(values).max() + abs(steep[0]) * (x[b] - x[a]) + abs(steep[1]) * (x[b] - x[a]))
    )
    return [first, (meet, sign * float(low)), last]


def _ends_of_hull(x: Floats, y: Floats) -> list[int]:
    """Return the first two and the last two vertices of the lower convex hull of a graph, or both where it has two."""
    turns = np.diff(np.diff(y) / np.diff(x))
    last = len(x) - 1
    if bool((turns <= 0.0).all()):
        return [0, last]
    if bool((turns > 0.0).all()):
        return [0, 1, last - 1, last]
    hull = _hull(x, y)
    return hull if len(hull) == 2 else [hull[0], hull[1], hull[-2], hull[-1]]


def _hull(x: Floats, y: Floats) -> list[int]:
    """Return the vertices of the lower convex hull of a graph, from left to right (Andrew 1979)."""
    hull: list[int] = []
    for place in range(len(x)):
        while len(hull) >= 2:
            a, b = hull[-2], hull[-1]
            if (y[b] - y[a]) * (x[place] - x[a]) < (y[place] - y[a]) * (x[b] - x[a]):
                break
            hull.pop()
        hull.append(place)
    return hull


class _PolygonBuilder:
    """Builds polygons from left to right; one is joined to the last where both together bend outwards."""

    def __init__(self) -> None:
        self._corners: list[tuple[float, float, list[int]]] = []
        self._count = 0
        self._joined = False  # whether the next polygon begins where the last one ends

    def add(self, chain: list[tuple[float, float]], others: list[tuple[float, float]], sign: float) -> None:
        """Add a polygon: a line held from one side, or (sign 0) one below and corners of another above."""
        bends = self._joined and sign != 0.0 and self._bends(chain, sign)
        if not bends:
            self._count += 1
        here = self._count - 1
        if not self._joined:
            self._corners.append((*chain[0], [here]))
        elif not bends:
            self._corners[-1][2].append(here)
        for x, y in [*sorted([*chain[1:-1], *others]), chain[-1]]:
            self._corners.append((x, y, [here]))
        self._joined = True

    def _bends(self, chain: list[tuple[float, float]], sign: float) -> bool:
        (x0, y0, _), (x1, y1) = self._corners[-2], chain[0]
        x2, y2 = chain[1]
        before, after = sign * (y1 - y0) / (x1 - x0), sign * (y2 - y1) / (x2 - x1)
        # one polygon around both is always valid; where only rounding bends inwards nothing is lost
        return after >= before - 1e-12 * (abs(before) + abs(after))

    def add_jump(self) -> None:
        """Note that the function jumps here."""
        self._joined = False

    def add_point(self, x: float, y: float) -> None:
        """Add a single point."""
        self._corners.append((float(x), float(y), [self._count]))
        self._count += 1
        self._joined = False

    def build(self) -> Polygons:
        """Return what was added."""
        return Polygons(tuple(PolygonCorner(x, y, tuple(of)) for x, y, of in self._corners), self._count)
