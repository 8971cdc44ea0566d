"""Bounds of cubic splines, their slopes and their curvatures over intervals of the argument.

On a cell a cubic B-spline curve is one cubic (de Boor 2001, *A Practical Guide to Splines*, ch. IX and X).
Its slope is a quadratic and its curvature a line, so all three have exact ranges over a part of a cell: the
values at the ends, and those at the roots of the slope and at its vertex. An interval of the argument covers
at most two parts of cells and a run of whole cells, whose range is looked up (:mod:`kanopt.kan.verify.runs`).

The differences of neighbouring coefficients, rounded to nearest, have the right sign, and the slope is an
average of three of them with weights that are not negative. So where the differences are not negative the
bound of the slope is not negative, and rounding cannot spoil it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kanopt.kan.verify.intervals import EPS, Flags, Floats, Integers, Pair, hull
from kanopt.kan.verify.runs import RangeExtrema

__all__ = ["BoundedSplines", "EdgeBounds"]

_VALUE_MARGIN = 32.0 * EPS
_SLOPE_MARGIN = 32.0 * EPS


@dataclass(frozen=True)
class EdgeBounds:
    """Bounds of value, slope and curvature of edges, each of shape (boxes, inputs, sub-nodes)."""

    value: Pair
    slope: Pair
    curvature: Pair


@dataclass(frozen=True)
class _CubicCells:
    """Cubics on cells: value, slope and curvature at the left end, half the change of curvature, sizes."""

    start: Floats
    slope: Floats
    bend: Floats
    change: Floats
    level: Floats  # the largest of the four coefficients in size
    steep: Floats  # the largest of their three differences in size
    rises: Flags  # whether none of the differences is negative, or none positive
    falls: Flags

    def value_at(self, u: Floats) -> Floats:
        return self.start + u * (self.slope + u * (self.bend / 2.0 + u * (self.change / 3.0)))

    def slope_at(self, u: Floats) -> Floats:
        return self.slope + u * (self.bend + u * self.change)

    def bend_at(self, u: Floats) -> Floats:
        return self.bend + u * (2.0 * self.change)

    def values_over(self, low: Floats, high: Floats) -> Pair:
        with np.errstate(all="ignore"):
            root = np.sqrt(self.bend * self.bend - 4.0 * self.change * self.slope)
            q = -0.5 * (self.bend + np.copysign(root, self.bend))
            turns = (q / self.change, self.slope / q)
        places = [low, high, *(np.fmin(np.fmax(turn, low), high) for turn in turns)]
        return _widened([self.value_at(place) for place in places], _VALUE_MARGIN * self.level)

    def slopes_over(self, low: Floats, high: Floats) -> Pair:
        with np.errstate(all="ignore"):
            vertex = -0.5 * self.bend / self.change
        places = [low, high, np.fmin(np.fmax(vertex, low), high)]
        least, most = _widened([self.slope_at(place) for place in places], _SLOPE_MARGIN * self.steep)
        least = np.where(self.rises, np.maximum(least, 0.0), least)
        return least, np.where(self.falls, np.minimum(most, 0.0), most)

    def bends_over(self, low: Floats, high: Floats) -> Pair:
        return _widened([self.bend_at(low), self.bend_at(high)], _SLOPE_MARGIN * self.steep)

    def over(self, low: Floats, high: Floats) -> tuple[Pair, Pair, Pair]:
        return self.values_over(low, high), self.slopes_over(low, high), self.bends_over(low, high)


def _widened(values: list[Floats], margin: Floats) -> Pair:
    return np.minimum.reduce(values) - margin, np.maximum.reduce(values) + margin


class BoundedSplines:
    """The splines from some inputs to all sub-nodes of a layer, ready to be bounded.

    Parameters
    ----------
    lower, upper
        Range of every input, shape (inputs,); for cycles 0 and 1.
    coefficients
        Shape (inputs, sub-nodes, grid_size + 3), or (inputs, sub-nodes, grid_size) for cycles.
    periodic
        Whether the splines repeat with period 1 (cell i takes the coefficients i − 1 ... i + 2, counted around)
        instead of going on along their tangents.
    """

    def __init__(self, lower: Floats, upper: Floats, coefficients: Floats, periodic: bool = False) -> None:
        grid_size = coefficients.shape[2] - (0 if periodic else 3)
        if periodic:  # two periods hold every interval shorter than one
            coefficients = coefficients[:, :, np.arange(-1, 2 * grid_size + 2) % grid_size]
        self.lower, self.upper, self.periodic = lower, upper, periodic
        self.grid_size = grid_size
        self.per_unit = grid_size / (upper - lower)
        self.coefficients = np.ascontiguousarray(coefficients.transpose(0, 2, 1))
        self._inputs = np.arange(len(lower))
        self._runs = self._tabulate()

    @property
    def cells(self) -> int:
        """Number of cells that are tabulated."""
        return int(self.coefficients.shape[1]) - 3

    def _tabulate(self) -> RangeExtrema:
        """Return the bounds over runs of whole cells, of shape (inputs, 3, sub-nodes) each."""
        cells = np.broadcast_to(np.arange(self.cells)[:, None], (self.cells, len(self.lower)))
        whole = self._pieces(cells).over(np.zeros((self.cells, 1, 1)), np.ones((self.cells, 1, 1)))
        return RangeExtrema(
            np.stack([low for low, _ in whole], axis=2), np.stack([high for _, high in whole], axis=2)
        )

    def _pieces(self, cell: Integers) -> _CubicCells:
        """Return the cubics on cells (..., inputs), as arrays (..., inputs, sub-nodes)."""
        c = [self.coefficients[self._inputs, cell + k] for k in range(4)]
        d = [right - left for left, right in pairwise(c)]
        bend = d[1] - d[0]
        return _CubicCells(
            start=(c[0] + 4.0 * c[1] + c[2]) / 6.0,
            slope=0.5 * (d[0] + d[1]),
            bend=bend,
            change=0.5 * ((d[2] - d[1]) - bend),
            level=np.maximum.reduce([np.abs(part) for part in c]),
            steep=np.maximum.reduce([np.abs(part) for part in d]),
            rises=np.minimum.reduce(d) >= 0.0,
            falls=np.maximum.reduce(d) <= 0.0,
        )

    def _positions(self, low: Floats, high: Floats) -> Pair:
        """Return the interval in cells, widened by the rounding of the change of units."""
        if self.periodic:
            turns = np.floor(low)
            whole = high - low >= 1.0
            low, high = np.where(whole, 0.0, low - turns), np.where(whole, 1.0, high - turns)
        start, end = (low - self.lower) * self.per_unit, (high - self.lower) * self.per_unit
        return start - 4.0 * EPS * np.abs(start), end + 4.0 * EPS * np.abs(end)

    def bounds(self, low: Floats, high: Floats) -> EdgeBounds:
        """Return bounds of all edges for arguments between `low` and `high`, shape (boxes, inputs).

        An interval that ends where the range does lies on one side of it; the curvature is that of this side.
        """
        start, end = self._positions(low, high)
        inside = np.clip(start, 0.0, self.cells), np.clip(end, 0.0, self.cells)
        first = np.minimum(inside[0].astype(np.int64), self.cells - 1)
        last = np.minimum(inside[1].astype(np.int64), self.cells - 1)
        left, right = inside[0] - first, inside[1] - last
        same = first == last
        pieces = self._pieces(np.stack([first, last]))
        parts = pieces.over(
            np.stack([left, np.where(same, left, 0.0)])[..., None],
            np.stack([np.where(same, right, 1.0), right])[..., None],
        )
        between = self._between(first, last)
        value, slope, bend = (
            hull((part[0].min(axis=0), part[1].max(axis=0)), (between[0][order], between[1][order]))
            for order, part in enumerate(parts)
        )
        if not self.periodic:
            beyond = np.stack([start - inside[0], end - inside[1]])[..., None]
            outside = (high <= self.lower) | (low >= self.upper)
            value = self._with_tails(pieces, np.stack([left, right])[..., None], beyond, outside, value)
            crosses = ((low < self.lower) | (high > self.upper))[..., None]
            bend = (
                np.where(crosses, np.minimum(bend[0], 0.0), bend[0]),
                np.where(crosses, np.maximum(bend[1], 0.0), bend[1]),
            )
            straight = outside[..., None]
            bend = np.where(straight, 0.0, bend[0]), np.where(straight, 0.0, bend[1])
        unit = self.per_unit[:, None]
        return EdgeBounds(
            value, (slope[0] * unit, slope[1] * unit), (bend[0] * unit * unit, bend[1] * unit * unit)
        )

    def _between(self, first: Integers, last: Integers) -> Pair:
        """Return bounds over the whole cells strictly between two cells, shape (3, boxes, inputs, sub-nodes)."""
        none = (last - first < 2)[..., None, None]
        start = np.minimum(first + 1, self.cells - 1)
        low, high = self._runs.over(start, np.maximum(last - 1, start), self._inputs)
        low, high = np.where(none, np.inf, low), np.where(none, -np.inf, high)
        return np.moveaxis(low, 2, 0), np.moveaxis(high, 2, 0)

    @staticmethod
    def _with_tails(pieces: _CubicCells, at: Floats, beyond: Floats, outside: Flags, inner: Pair) -> Pair:
        """Return the bounds of the values where the interval leaves the range along the tangents."""
        ends = pieces.value_at(at) + beyond * pieces.slope_at(at)
        margin = _VALUE_MARGIN * (pieces.level + np.abs(beyond) * pieces.steep)
        low, high = (ends - margin).min(axis=0), (ends + margin).max(axis=0)
        away = outside[..., None]
        return (
            np.where(away, low, np.minimum(low, inner[0])),
            np.where(away, high, np.maximum(high, inner[1])),
        )
