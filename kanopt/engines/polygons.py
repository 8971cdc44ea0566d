"""One encoding of functions made of straight pieces: polygons around the graph, and binaries that choose among them.

A certified function may have hundreds of pieces; a solver need not choose among all of them. Its range is cut into a
few intervals, and in each the graph is replaced by a polygon that contains it, so that what the solver finds is never
worse than what the pieces allow. Where its answer lies off the graph, the interval is cut there, and it is asked again:
adaptive multivariate partitioning (Nagarajan, Lu, Wang, Bent and Sundar 2019, "An adaptive, multivariate partitioning
algorithm for global optimization of nonconvex programs", Journal of Global Optimization 74).

A point of a polygon is a mixture of its corners. Every polygon has a code, those of neighbours differ in one bit (a
Gray code), and the weights of corners whose polygon has a one in some place add up to a binary: so n polygons take
⌈log₂ n⌉ binaries (Vielma, Ahmed and Nemhauser 2010, "Mixed-integer models for nonseparable piecewise-linear
optimization: unifying framework and extensions", Operations Research 58, section 3.1). One polygon takes none: its
corners are cuts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntFlag
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from kanopt.array_types import Floats, Indices
from kanopt.engines.highs import RowCollector
from kanopt.formulas.lowering.program import Pieces

EPS = float(np.finfo(np.float64).eps)
_STEPS, _RATIO = 3, 5.0
_STRAIGHT = 1e-12


class Side(IntFlag):
    """The sides from which a quantity is held to its definition.

    What is minimised need not be held from above: where the objective never falls as z rises, ``z ≥ f(x)`` does as well
    as ``z = f(x)``. A convex f then needs no binaries, and where f is convex in parts, a part needs one choice.
    """

    NONE = 0
    BELOW = 1
    """It is at least what its definition says."""
    ABOVE = 2
    """It is at most what its definition says."""
    BOTH = 3

    @property
    def opposite(self) -> Side:
        """The other side, for what enters with a falling slope."""
        return Side(((self & Side.BELOW) << 1) | ((self & Side.ABOVE) >> 1))


class Lowest(NamedTuple):
    """A point between two corners of a polygon: `share` of the way from `left` to `right`, and its value."""

    left: int
    right: int
    share: float
    value: float


@dataclass(frozen=True, eq=False)
class Polygons:
    """Polygons around the graph of a function, one of which holds the point that is chosen.

    Parameters
    ----------
    x, y
        The corners, from left to right, shape (corners,).
    polygon
        The polygon of each corner, shape (corners,); a corner that two have in common is there twice.
    """

    x: Floats
    y: Floats
    polygon: Indices

    @property
    def count(self) -> int:
        """The number of polygons."""
        return int(self.polygon[-1]) + 1

    def choices(self) -> Iterator[Indices]:
        """Yield for each binary the corners whose weights add up to it.

        Examples
        --------
        >>> wave = IntervalPartition(Pieces.through((0.0, 1.0, 2.0, 3.0), (0.0, 2.0, 3.0, 3.5)), Side.BELOW)
        >>> wave.polygons().polygon.tolist(), [corners.tolist() for corners in wave.polygons().choices()]
        ([0, 0, 1, 1, 2, 2], [[2, 3, 4, 5], [4, 5]])
        """
        code = self.polygon ^ (self.polygon >> 1)
        for bit in range((self.count - 1).bit_length()):
            yield np.flatnonzero(code >> bit & 1)

    def or_nothing(self) -> Polygons:
        """Return these polygons and, as the first one, the origin alone: that nothing is chosen costs nothing."""
        return Polygons(np.append(0.0, self.x), np.append(0.0, self.y), np.append(0, self.polygon + 1))

    def lowest(self, at: float) -> Lowest:
        """Return where the lowest value at a place lies, of polygons held from below; the nearest beyond the ends."""
        at = min(max(at, float(self.x[0])), float(self.x[-1]))
        alone = np.arange(len(self.x))
        joined = np.flatnonzero(np.diff(self.polygon) == 0)
        left, right = np.concatenate([joined, alone]), np.concatenate([joined + 1, alone])
        width = self.x[right] - self.x[left]
        share = np.divide(at - self.x[left], width, out=np.zeros(len(left)), where=width > 0.0)
        value = self.y[left] + share * (self.y[right] - self.y[left])
        inside = (self.x[left] <= at) & (at <= self.x[right])
        best = int(np.argmin(np.where(inside, value, np.inf)))
        return Lowest(int(left[best]), int(right[best]), float(share[best]), float(value[best]))

    def up_to(self, high: float) -> Polygons:
        """Return the polygons up to a place."""
        if high >= self.x[-1]:
            return self
        end = self.lowest(high)
        kept = slice(0, end.left + 1)
        x, y = np.append(self.x[kept], high), np.append(self.y[kept], end.value)
        return Polygons(x, y, np.append(self.polygon[kept], self.polygon[end.right]))


class MixtureColumns:
    """The columns by which points are mixtures of corners, those of each point of one of its polygons.

    Parameters
    ----------
    shapes
        The polygons for each point.
    start
        The place of the first column.

    Attributes
    ----------
    weights, binaries
        Columns of the weights of all corners, and of what chooses among polygons.
    owner, x, y
        For each weight its point, and where its corner lies.
    """

    def __init__(self, shapes: Sequence[Polygons], start: int) -> None:
        self.shapes, sizes = shapes, [len(shape.x) for shape in shapes]
        self.first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
        self.owner = np.repeat(np.arange(len(shapes)), np.diff(self.first))
        self.x, self.y = (
            np.concatenate([np.zeros(0), *(getattr(one, axis) for one in shapes)]) for axis in "xy"
        )
        self.weights = start + np.arange(self.first[-1])
        self._choices = [
            first + each for first, one in zip(self.first, shapes, strict=False) for each in one.choices()
        ]
        self.binaries = start + len(self.weights) + np.arange(len(self._choices))

    def add_rows(self, rows: RowCollector) -> None:
        """Add the rows that hold weights and binaries together."""
        ones, none = np.ones(len(self.shapes)), np.zeros(len(self._choices))
        rows.put(rows.add(ones, ones) + self.owner, self.weights, 1.0)
        first = rows.add(none, none)
        for row, chosen in enumerate(self._choices, start=first):
            rows.put(np.full(len(chosen), row), self.weights[chosen], 1.0)
        rows.put(first + np.arange(len(none)), self.binaries, -1.0)

    def point(self, at: Sequence[Lowest]) -> Floats:
        """Return the values of the columns where each point is a mixture of two corners."""
        weights = np.zeros(len(self.weights))
        for first, one in zip(self.first, at, strict=False):
            weights[first + one.left] += 1.0 - one.share
            weights[first + one.right] += one.share
        return np.concatenate([weights, [np.round(weights[chosen].sum()) for chosen in self._choices]])


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
        About how many intervals there are at first; each piece is one where not given.

    Examples
    --------
    >>> wave = IntervalPartition(Pieces.through((0.0, 1.0, 2.0, 3.0), (0.0, -1.0, 0.0, -1.0)), Side.BELOW)
    >>> wave.polygons().count
    2
    >>> wave.distance(2.5, -1.0)
    0.5
    """

    def __init__(self, pieces: Pieces, side: Side, parts: int | None = None) -> None:
        self.pieces, self.side = pieces, side
        self._x, self._y, gaps = _vertices(pieces)
        # a gap before vertex i: the function jumps there
        self._gaps = frozenset(gaps)
        last = len(self._x) - 1
        marks = {0, last, *self._gaps, *(gap - 1 for gap in self._gaps)}
        marks |= set(np.linspace(0, last, min(parts or last, last) + 1).round().astype(int).tolist())
        with np.errstate(divide="ignore", invalid="ignore"):
            turns = np.sign(np.diff(np.diff(self._y) / np.diff(self._x)))
        # where the graph turns from bending one way to bending the other
        self._marks = marks | set((np.flatnonzero((turns[1:] * turns[:-1]) < 0.0) + 1).tolist())

    def polygons(self) -> Polygons:
        """Return the polygons of the present intervals."""
        sign = -1.0 if self.side is Side.ABOVE else 1.0
        corners: list[tuple[float, float]] = []
        polygon: list[int] = []
        for block in self._blocks():
            before = len(corners)
            for start, stop in pairwise(block):
                begin, end = ((float(self._x[mark]), float(self._y[mark])) for mark in (start, stop))
                found = [*self._inner_corners(start, stop), end]
                joins = len(corners) > before and self.side is not Side.BOTH
                if not (joins and _bends(corners[-2:], found[0], sign)):
                    found = [begin, *found]
                    polygon.append(polygon[-1] + 1 if polygon else 0)
                    polygon += [polygon[-1]] * (len(found) - 1)
                else:
                    polygon += [polygon[-1]] * len(found)
                corners += found
            if len(block) == 1:
                corners.append((float(self._x[block[0]]), float(self._y[block[0]])))
                polygon.append(polygon[-1] + 1 if polygon else 0)
        x, y = np.array(corners).T
        return Polygons(x, y, np.array(polygon, dtype=np.intp))

    def _blocks(self) -> list[list[int]]:
        """Return the marks, split where the function jumps."""
        blocks: list[list[int]] = [[]]
        for mark in sorted(self._marks):
            if mark in self._gaps:
                blocks.append([])
            blocks[-1].append(mark)
        return blocks

    def _inner_corners(self, start: int, stop: int) -> list[tuple[float, float]]:
        """Return the corners between two vertices: below the graph, above it or both, from left to right."""
        x, y = self._x[start : stop + 1], self._y[start : stop + 1]
        signs = [sign for side, sign in ((Side.BELOW, 1.0), (Side.ABOVE, -1.0)) if side in self.side]
        found = [_outer_corner(x, sign * y) for sign in signs]
        return sorted((each[0], sign * each[1]) for each, sign in zip(found, signs, strict=True) if each)

    def distance(self, at: float, value: float) -> float:
        """Return the distance of a value from the graph on the sides it is held from; the smaller one at a jump."""
        there = np.array([min(max(at, self.pieces.low), self.pieces.high)])
        both = float(self.pieces.at(there)[0]), float(self.pieces.before(there)[0])
        lack = min(both) - value if Side.BELOW in self.side else 0.0
        excess = value - max(both) if Side.ABOVE in self.side else 0.0
        return max(0.0, lack, excess)

    def refine(self, at: float) -> bool:
        """Split the intervals around a place; return whether any could be split."""
        before = len(self._marks)
        place = int(np.clip(np.searchsorted(self._x, at), 0, len(self._x) - 1))
        marks = sorted(self._marks)
        behind = int(np.searchsorted(marks, place))
        width = max(marks[min(behind, len(marks) - 1)] - marks[max(behind - 1, 0)], 1)
        reaches = [1, *(round(width / _RATIO**step) for step in range(1, _STEPS + 1))]
        near = {place, *(place - reach for reach in reaches), *(place + reach for reach in reaches)}
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


def _outer_corner(x: Floats, y: Floats) -> tuple[float, float] | None:
    """Return where the outermost lines below a graph meet, one through each of its ends; None where they are one."""
    if len(x) == 2:
        return None
    left = float(((y[1:] - y[0]) / (x[1:] - x[0])).min())
    right = float(((y[-1] - y[:-1]) / (x[-1] - x[:-1])).max())
    if left >= right:
        return None
    meet = float(np.clip((y[0] - y[-1] - left * x[0] + right * x[-1]) / (right - left), x[1], x[-2]))
    low = min(y[0] + left * (meet - x[0]), y[-1] + right * (meet - x[-1]))
    # floating-point error must not put the corner inside
    size = np.abs(y).max() + (abs(left) + abs(right)) * (x[-1] - x[0])
    return meet, float(low - 8.0 * EPS * size)


def _bends(before: list[tuple[float, float]], after: tuple[float, float], sign: float) -> bool:
    """Return whether a line of corners goes on bending outwards."""
    (x0, y0), (x1, y1), (x2, y2) = *before, after
    one, two = sign * (y1 - y0) / (x1 - x0), sign * (y2 - y1) / (x2 - x1)
    # one polygon around both is always valid; where only rounding bends inwards nothing is lost
    return two >= one - _STRAIGHT * (abs(one) + abs(two))
