"""Ranges of curves and of their first and second derivatives over intervals.

A curve is bounded piece by piece: by its values at the ends of the interval and where it turns between them, and by its
coefficients, since a B-spline lies between the smallest and the largest of them and its derivative between their
differences (de Boor 2001, *A Practical Guide to Splines*, ch. IX and X), which keeps the sign of a slope that
rounding would lose.
"""

from __future__ import annotations

import numpy as np

from kanopt.formulas.nodes import Array
from kanopt.formulas.pieces import Curve
from kanopt.formulas.shapes.arithmetic import EPS, NOTHING, Integers, Pair, chosen, hull, plus

__all__ = ["CurveBounds"]


class CurveBounds:
    """Bounds of a curve and its first two derivatives over intervals of its argument.

    Attributes
    ----------
    rounding
        Maximum change of the value and the derivatives by rounding of the coefficients.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> curve = Curve("s", Input("x"), (1.0, 0.0, 0.0, 1.0, 2.0), 0.0, 2.0)
    >>> low, high = CurveBounds(curve).over(1, np.array([1.0]), np.array([3.0]))
    >>> low.round(9).tolist(), high.round(9).tolist()
    ([0.5], [1.0])
    """

    def __init__(self, curve: Curve) -> None:
        coefficients = np.asarray(curve.coefficients)
        if curve.periodic:
            # a turn from any place within the first one ends within the second
            coefficients = coefficients[np.arange(2 * curve.grid_size + 3) % len(coefficients)]
        self.curve = curve
        spans = len(coefficients) - 3
        differences = np.diff(coefficients)
        bends = np.diff(differences)
        width = curve.width
        self.rounding = tuple(
            2**order * 4 * EPS * float(np.abs(coefficients).max()) / width**order for order in range(3)
        )
        self._pieces = tuple(
            np.stack([values[place : place + spans] for place in range(4 - order)]) / width**order
            for order, values in enumerate((coefficients, differences, bends))
        )
        with np.errstate(all="ignore"):
            self._turns = _turns(self._pieces[1])

    def over(self, order: int, low: Array, high: Array) -> Pair:
        """Return bounds of the value (order 0) or a derivative (1, 2) over intervals with ends of shape (n,)."""
        curve = self.curve
        start, stop = self._places(low, high)
        spans = self._reached(start, stop)
        first = np.clip(start[:, None] - spans, 0.0, 1.0)
        last = np.clip(stop[:, None] - spans, 0.0, 1.0)
        touched = (stop[:, None] >= spans) & (start[:, None] <= spans + 1)
        least, most = self._extremes(order, spans, first, last)
        least, most = np.where(touched, least, np.inf), np.where(touched, most, -np.inf)
        found = least.min(axis=1), most.max(axis=1)
        if curve.periodic or order == 1:
            return found
        outside = (high <= curve.low) | (low >= curve.high)
        if order == 2:
            beyond = (low < curve.low) | (high > curve.high)
            return chosen(outside & beyond, NOTHING, chosen(beyond, hull(found, NOTHING), found))
        # what is beyond the knots at both ends has nothing of the pieces between them
        ends = self._straight(low), self._straight(high)
        found = chosen(outside, hull(*ends), found)
        for end, straight in zip((low, high), ends, strict=True):
            beyond = (end < curve.low) | (end > curve.high)
            found = chosen(beyond, hull(found, straight), found)
        return found

    def _places(self, low: Array, high: Array) -> Pair:
        """Return the interval in spans from the first knot, widened for rounding."""
        curve = self.curve
        ends = abs(curve.low) + abs(curve.high)
        start = (low - curve.low) / curve.width - 8 * EPS * (np.abs(low) + ends) / curve.width
        stop = (high - curve.low) / curve.width + 8 * EPS * (np.abs(high) + ends) / curve.width
        if not curve.periodic:
            spans = float(curve.grid_size)
            return np.clip(np.nan_to_num(start, nan=0.0), 0.0, spans), np.clip(
                np.nan_to_num(stop, nan=spans), 0.0, spans
            )
        around = ~(stop - start < curve.grid_size)
        turn = np.floor(np.where(around, 0.0, start) / curve.grid_size) * curve.grid_size
        return np.where(around, 0.0, start - turn), np.where(around, float(curve.grid_size), stop - turn)

    def _reached(self, start: Array, stop: Array) -> Integers:
        """Return the spans that intervals may overlap, of shape (n, few), or all spans if some overlap many."""
        count = self._pieces[0].shape[1]
        first = np.floor(start).astype(np.int64) - 1
        few = int((np.ceil(stop).astype(np.int64) - first).max(initial=0)) + 1
        if few >= count:
            return np.arange(count)
        # the last ones again where there are none beyond
        near: Integers = np.clip(first[:, None] + np.arange(few), 0, count - 1)
        return near

    def _extremes(self, order: int, spans: Integers, first: Array, last: Array) -> Pair:
        """Return bounds over t from `first` to `last` in every one of some spans, shape (n, few)."""
        weights = self._pieces[order][:, spans]
        places = [first, last, *(np.clip(t[spans], first, last) for t in self._turns[order])]
        size = np.abs(weights).max(axis=0) * 32 * EPS
        values = [_basis(order, weights, t) for t in places]
        least = np.minimum.reduce(values) - size
        most = np.maximum.reduce(values) + size
        # a B-spline lies between its coefficients
        return np.maximum(least, weights.min(axis=0)), np.minimum(most, weights.max(axis=0))

    def _straight(self, x: Array) -> Pair:
        """Bound the curve at or beyond its first and last knot by its end tangents."""
        curve = self.curve
        first, first_slope, last, last_slope = curve.ends
        left = x <= curve.low
        value, slope = np.where(left, first, last), np.where(left, first_slope, last_slope)
        rise = np.where(slope == 0.0, 0.0, slope * (x - np.where(left, curve.low, curve.high)))
        size = 64 * EPS * (np.abs(np.asarray(curve.coefficients)).max() + np.abs(rise))
        size = np.where(np.isfinite(size), size, 0.0)
        return plus((value + rise, value + rise), (-size, size))


def _turns(differences: Array) -> tuple[list[Array], list[Array], list[Array]]:
    """Return the possible turning points of the value and derivatives in each span, of shape (spans,)."""
    d0, d1, d2 = differences
    # where a t² + b t + c, the derivative, vanishes: the form that does not cancel (Numerical Recipes 5.6)
    a, b, c = 0.5 * (d0 - 2.0 * d1 + d2), d1 - d0, 0.5 * (d0 + d1)
    q = -0.5 * (b + np.copysign(np.sqrt(np.maximum(b * b - 4.0 * a * c, 0.0)), b))
    return [np.nan_to_num(q / a), np.nan_to_num(c / q)], [np.nan_to_num(-0.5 * b / a)], []


def _basis(order: int, weights: Array, t: Array) -> Array:
    """Return the value of cubic, quadratic or linear uniform B-splines with given coefficients at t in each span."""
    s = 1.0 - t
    if order == 2:
        parts = [s, t]
    elif order == 1:
        parts = [0.5 * s * s, 0.5 + t * s, 0.5 * t * t]
    else:
        near, far = 4.0 + t * t * (3.0 * t - 6.0), 1.0 + 3.0 * t * (1.0 + t * s)
        parts = [s**3 / 6.0, near / 6.0, far / 6.0, t**3 / 6.0]
    total: Array = parts[0] * weights[0]
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        total = total + part * weight
    return total
