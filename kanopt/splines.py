"""Cubic splines on equally spaced knots, in numpy: where they are evaluated, drawn, proved, fitted and exported.

Between two knots a spline is one cubic of the four coefficients of the B-splines that are not zero there (de Boor 1978,
*A Practical Guide to Splines*, ch. X, for uniform knots). Beyond its ends it goes on along its end tangents, or it
repeats. scipy's splines have no straight ends and were no reason to give them any: PPoly takes a third of the time for
a hundred points and more for four thousand, BSpline.design_matrix as long as :meth:`SplineGrid.basis`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kanopt.array_types import Floats, Indices

# row p: the weights of coefficients i … i + 3 in what t**p is multiplied by in span i, with t from 0 to 1
_TO_POWERS = (
    np.array([[1.0, 4.0, 1.0, 0.0], [-3.0, 0.0, 3.0, 0.0], [3.0, -6.0, 3.0, 0.0], [-1.0, 3.0, -3.0, 1.0]])
    / 6.0
)


class Spots(NamedTuple):
    """Where points lie: the span and the place in it, and how far beyond the ends; None where no point is."""

    span: Indices
    t: Floats
    below: Floats | None
    above: Floats | None


@dataclass(frozen=True)
class SplineGrid:
    """Equal spans between two ends.

    Parameters
    ----------
    low, high
        The ends, first and last knot.
    spans
        The number of spans between them.
    periodic
        Whether splines repeat beyond the ends, else they go on along their end tangents.

    Examples
    --------
    >>> grid = SplineGrid(0.0, 1.0, 1)
    >>> x, line = np.array([-1.0, 0.25, 2.0]), np.array([-1.0, 0.0, 1.0, 2.0])
    >>> grid.values(x, grid.powers(line)).round(9).tolist()
    [-1.0, 0.25, 2.0]
    >>> (grid.basis(x) @ line).round(9).tolist()
    [-1.0, 0.25, 2.0]
    """

    low: float
    high: float
    spans: int
    periodic: bool = False

    @property
    def count(self) -> int:
        """The number of coefficients of a spline."""
        return self.spans if self.periodic else self.spans + 3

    @property
    def width(self) -> float:
        """The length of a span."""
        return (self.high - self.low) / self.spans

    @property
    def bends(self) -> Floats:
        """Second differences of the coefficients, (m, count): what is rough of a curve."""
        each = np.eye(self.count)
        if self.periodic:
            return np.roll(each, 1, axis=1) - 2.0 * each + np.roll(each, -1, axis=1)
        return np.diff(each, 2, axis=0)

    def places(self, x: Floats) -> tuple[Indices, Floats]:
        """Return the span and the place in it, from 0 to 1, of the point within the ends that is nearest to each `x`.

        NaN is in span 0, at NaN.
        """
        length = self.high - self.low
        inside = np.mod(x - self.low, length) if self.periodic else np.clip(x, self.low, self.high) - self.low
        place = inside / self.width
        span = np.clip(np.nan_to_num(place, nan=0.0), 0, self.spans - 1).astype(np.intp)
        return span, place - span

    def powers(self, coefficients: Floats) -> Floats:
        """Return what t⁰ … t³ are multiplied by in every span, (4, …, spans), for coefficients (…, count)."""
        index = (np.arange(self.spans) + np.arange(4)[:, None]) % self.count
        return np.moveaxis(_TO_POWERS @ coefficients[..., index], -2, 0)

    def locate(self, x: Floats) -> Spots:
        """Return where points lie among the knots, which is found once for all splines on them."""
        x = np.asarray(x, dtype=np.float64)
        span, t = self.places(x)
        if self.periodic:
            return Spots(span, t, None, None)
        below, above = np.minimum(x - self.low, 0.0), np.maximum(x - self.high, 0.0)
        return Spots(span, t, below if below.any() else None, above if above.any() else None)

    def values(self, x: Floats, powers: Floats) -> Floats:
        """Return the values of splines at `x`, any shape, given their powers (4, …, spans): (…, *x.shape)."""
        return self.values_at(self.locate(x), powers)

    def values_at(self, spots: Spots, powers: Floats) -> Floats:
        """Return the values of splines at points that were located, see :meth:`values`."""
        value = powers[3].take(spots.span, axis=-1)
        for power in (2, 1, 0):
            value = value * spots.t
            value += powers[power].take(spots.span, axis=-1)
        if spots.below is not None:
            value = value + np.multiply.outer(powers[1, ..., 0] / self.width, spots.below)
        if spots.above is not None:
            slope = np.tensordot([0.0, 1.0, 2.0, 3.0], powers[..., -1], axes=1)
            value = value + np.multiply.outer(slope / self.width, spots.above)
        return np.asarray(value)

    def slopes(self, x: Floats, powers: Floats) -> Floats:
        """Return the first derivatives, in the shape of :meth:`values`."""
        span, t = self.places(x)
        _, c1, c2, c3 = powers[..., span]
        return np.asarray(((3.0 * c3 * t + 2.0 * c2) * t + c1) / self.width)

    def basis(self, x: Floats) -> Floats:
        """Return what every coefficient is multiplied by in the value of a spline.

        Parameters
        ----------
        x
            Points, any shape.

        Returns
        -------
        ndarray
            The shape of `x` with an axis of length `count`.
        """
        x = np.asarray(x, dtype=np.float64)
        span, t = self.places(x)
        local = np.stack([np.ones_like(t), t, t * t, t * t * t], axis=-1) @ _TO_POWERS
        if not self.periodic:
            steep = [np.zeros_like(t), np.ones_like(t), 2.0 * t, 3.0 * t * t]
            beyond = np.minimum(x - self.low, 0.0) + np.maximum(x - self.high, 0.0)
            local = local + beyond[..., None] * (np.stack(steep, axis=-1) @ _TO_POWERS / self.width)
        basis = np.zeros((x.size, self.count))
        columns = (span.reshape(-1, 1) + np.arange(4)) % self.count
        # added, not set: on fewer than four spans a function meets itself on the way round
        np.add.at(basis, (np.arange(x.size)[:, None], columns), local.reshape(-1, 4))
        return basis.reshape(*x.shape, self.count)
