"""Interval arithmetic on arrays with outward rounding that keeps exact zeros.

An interval is a pair (low, high) of arrays that broadcast (Moore, Kearfott and Cloud 2009, *Introduction to
Interval Analysis*, ch. 2 and 3). numpy has no directed rounding. A sum is moved outwards by one unit in the last
place only if Knuth's two-sum (*The Art of Computer Programming* 2, sec. 4.2.2) shows that it was rounded inwards, so
that 3 − 3 is exactly zero. A product is moved unless both factors have so few digits that it is exact, and zero times
anything is zero. Ends may be infinite, and an undefined result (∞ − ∞) becomes unbounded. Underflow below 1e-308 is not
covered. Callers silence numpy warnings (``np.errstate``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.formulas.functions import Function
from kanopt.formulas.pieces import Curve

Flags: TypeAlias = NDArray[np.bool_]
Pair: TypeAlias = tuple[Floats, Floats]

EPS = float(np.finfo(np.float64).eps)
NOTHING: Pair = (np.zeros(()), np.zeros(()))
UNBOUNDED: Pair = (np.array(-np.inf), np.array(np.inf))
UPWARDS: Pair = (np.zeros(()), np.array(np.inf))
TRUE: Flags = np.array(True)


def outward(pair: Pair, units: int = 1) -> Pair:
    """Return the interval widened by `units` in the last place; zero is kept, and NaN becomes unbounded."""
    low, high = pair
    if units == 1:
        below = np.where(low == 0.0, low, np.nextafter(low, -np.inf))
        above = np.where(high == 0.0, high, np.nextafter(high, np.inf))
    else:
        # a result that overflowed is somewhere beyond the largest number: as a lower end it counts as that number
        most = np.finfo(np.float64).max
        below = np.where(np.isinf(low), np.minimum(low, most), low - units * EPS * np.abs(low))
        above = np.where(np.isinf(high), np.maximum(high, -most), high + units * EPS * np.abs(high))
    return np.where(np.isnan(below), -np.inf, below), np.where(np.isnan(above), np.inf, above)


def plus(x: Pair, y: Pair) -> Pair:
    """Return bounds of the sum, exact where the sum of floats is.

    Examples
    --------
    >>> x = np.array(3.0), np.array(5.0)
    >>> [float(end) for end in plus(x, (np.array(-3.0), np.array(-3.0)))]
    [0.0, 2.0]
    """
    low, under = _two_sum(x[0], y[0])
    high, over = _two_sum(x[1], y[1])
    below = np.where(under < 0.0, np.nextafter(low, -np.inf), low)
    above = np.where(over > 0.0, np.nextafter(high, np.inf), high)
    return np.where(np.isnan(below), -np.inf, below), np.where(np.isnan(above), np.inf, above)


def _two_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the rounded sum and its rounding error; NaN for infinite summands."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def total(terms: Sequence[Pair]) -> Pair:
    """Return bounds of the sum of terms, exact where the sum of floats is.

    Examples
    --------
    >>> parts = [(np.array(end), np.array(end)) for end in (3.0, 0.25, -3.0)]
    >>> [float(end) for end in total(parts)]
    [0.25, 0.25]
    """
    return reduce(plus, terms)


def negated(x: Pair) -> Pair:
    """Return the interval of −x."""
    return -x[1], -x[0]


def minus(x: Pair, y: Pair) -> Pair:
    """Return bounds of the difference."""
    return plus(x, negated(y))


def signed(x: Pair, sign: int) -> Pair:
    """Return x for +1 and −x for −1."""
    return x if sign > 0 else negated(x)


def times(x: Pair, y: Pair) -> Pair:
    """Return bounds of the product; zero times an unbounded factor is zero."""
    corners = [a * b for a in x for b in y]
    low, high = _least(corners), _most(corners)
    if np.isnan(low).any():
        corners = [np.where(np.isnan(corner), 0.0, corner) for corner in corners]
        low, high = _least(corners), _most(corners)
    exact = _short(x) & _short(y)
    return (
        np.where(exact | (low == 0.0), low, np.nextafter(low, -np.inf)),
        np.where(exact | (high == 0.0), high, np.nextafter(high, np.inf)),
    )


def _least(corners: Sequence[Floats]) -> Floats:
    return np.minimum(np.minimum(corners[0], corners[1]), np.minimum(corners[2], corners[3]))


def _most(corners: Sequence[Floats]) -> Floats:
    return np.maximum(np.maximum(corners[0], corners[1]), np.maximum(corners[2], corners[3]))


def _short(x: Pair) -> Flags:
    """Return a mask of intervals whose ends have so few digits that products of two of them are exact."""
    few = [np.asarray(end, dtype=np.float32) == end for end in x]
    return np.asarray(few[0] & few[1])


def square(x: Pair) -> Pair:
    """Return bounds of the square, none of them negative.

    Examples
    --------
    >>> [float(end) for end in square((np.array(-1.0), np.array(2.0)))]
    [0.0, 4.0]
    """
    low, high = x[0] * x[0], x[1] * x[1]
    across = (x[0] < 0.0) & (x[1] > 0.0)
    found = np.where(across, 0.0, np.minimum(low, high)), np.maximum(low, high)
    return chosen(_short(x), found, outward(found))


def hull(x: Pair, y: Pair) -> Pair:
    """Return the smallest interval that holds both."""
    return np.minimum(x[0], y[0]), np.maximum(x[1], y[1])


def largest(x: Pair) -> Floats:
    """Return the largest absolute value."""
    return np.maximum(np.abs(x[0]), np.abs(x[1]))


def chosen(where: Flags, x: Pair, y: Pair) -> Pair:
    """Return x where the flag is set and y elsewhere."""
    return np.where(where, x[0], y[0]), np.where(where, x[1], y[1])


def power_bounds(base: Pair, power: float) -> Pair:
    """Return bounds of t ** power over the part of `base` where it is defined; unbounded at a pole inside.

    Examples
    --------
    >>> low, high = power_bounds((np.array([-2.0, 0.0]), np.array([1.0, 4.0])), 0.5)
    >>> low.tolist(), high.round(12).tolist()
    ([0.0, 0.0], [1.0, 2.0])
    """
    low, high = base
    if power == 0.0:
        return np.ones_like(low), np.ones_like(high)
    if power == 1.0:
        return base
    if power == 2.0:
        return square(base)
    whole = power == np.floor(power)
    if not whole:
        low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
    first, last = np.power(low, power), np.power(high, power)
    # an end at zero is reached from inside the interval, whatever the sign of that zero
    pole = np.array(np.inf)
    first = np.where(low == 0.0, pole, first) if power < 0.0 else first
    even = power % 2.0 == 0.0
    last = np.where(high == 0.0, pole if even else -pole, last) if power < 0.0 else last
    least, most = np.minimum(first, last), np.maximum(first, last)
    if whole and (even or power < 0.0):
        across = (low < 0.0) & (high > 0.0)
        if power > 0.0:
            least = np.where(across, 0.0, least)
        else:
            least = least if even else np.where(across, -np.inf, least)
            most = np.where(across, np.inf, most)
    return outward((least, most), 8)


def variable_power_bounds(base: Pair, exponent: Pair) -> Pair:
    """Return bounds of x ** y; below zero it is defined for whole exponents only, and of either sign.

    Examples
    --------
    >>> low, high = variable_power_bounds((np.array(-3.0), np.array(2.0)), (np.array(1.0), np.array(2.0)))
    >>> float(low.round(12)), float(high.round(12))
    (-9.0, 9.0)
    """
    low, high = base
    below = low < 0.0
    # y · log(x) is bilinear, so that its extremes over a box lie at the corners
    sides = (np.where(below, 0.0, low), np.maximum(np.abs(low), np.abs(high)))
    corners = [np.power(side, power) for side in sides for power in exponent]
    most = _most(corners)
    return outward((np.where(below, -most, _least(corners)), most), 8)


# Ranges of functions of one variable and of their first and second derivatives over intervals.
#
# The extrema of a function of the library over an interval are at the ends or at turning points, which the
# library lists (:data:`kanopt.formulas.functions.FUNCTIONS`), also for derivatives.
#
# On a span a curve is one cubic (de Boor 2001, *A Practical Guide to Splines*, ch. IX and X). Its slope is
# a quadratic and its curvature a line, so all three have exact ranges over a part of a span: the values at
# the ends, and those where it turns between them. An interval covers at most two parts of spans and a run
# of whole ones, whose range is looked up. A B-spline lies between its coefficients and its derivatives
# between their differences, none of which rounding gives the wrong sign. So where the differences are not
# negative the bound of the slope is not negative, and likewise that of the curvature.
#
# The difference quotients of a step function are unbounded in the direction in which it jumps.

_RESOLVED = 1e7  # beyond, the places of a wave are not resolved well enough to tell where it turns


def range_over(function: Function, order: int, low: Floats, high: Floats) -> Pair:
    """Return the range of a function, or of a derivative, over the parts of intervals where it is defined.

    At a kink the first derivative takes both sides, and the second is unbounded upwards.

    Parameters
    ----------
    function
        A function of the library.
    order
        0 for its value, 1 and 2 for its derivatives.
    low, high
        The ends, of equal shape. For an interval outside the domain the range is that at the end of the domain.

    Examples
    --------
    >>> from kanopt.formulas import FUNCTIONS
    >>> low, high = range_over(FUNCTIONS["sin"], 1, np.array([0.0]), np.array([4.0]))
    >>> low.round(9).tolist(), high.round(9).tolist()
    ([-1.0], [1.0])
    """
    low, high = np.clip(low, function.low, function.high), np.clip(high, function.low, function.high)
    if function.kinked and order:
        return _kink(function, order, low, high)
    compute = (function.value, function.derivative, function.second_derivative)[order]
    places = [low, high]
    for turn in function.extrema[order]:
        if math.isinf(function.period):
            places.append(np.clip(turn, low, high))
        else:
            first = turn + np.ceil((low - turn) / function.period) * function.period
            places += [np.clip(first, low, high), np.clip(first + function.period, low, high)]
    values = [compute(place) for place in places]
    least, most = np.minimum.reduce(values), np.maximum.reduce(values)
    if not math.isinf(function.period):
        blurred = ~((np.abs(low) < _RESOLVED) & (np.abs(high) < _RESOLVED))
        least, most = np.where(blurred, -1.0, least), np.where(blurred, 1.0, most)
    return outward((least, most), 16)


def _kink(function: Function, order: int, low: Floats, high: Floats) -> Pair:
    """Return the range of a derivative of a function that consists of two straight lines which meet at zero."""
    if order == 2:
        # a kink at an end lies between this interval and the next
        return np.zeros_like(low), np.where((low <= 0.0) & (high >= 0.0), np.inf, 0.0)
    below, above = function.derivative(np.array([-1.0, 1.0]))
    first, last = np.where(low < 0.0, below, above), np.where(high > 0.0, above, below)
    return np.minimum(first, last), np.maximum(first, last)


def within(low: Floats, high: Floats, first: Integers, last: Integers) -> Pair:
    """Return the least of `low` and the most of `high` from entry `first` to `last` of the last axis.

    NaN is passed over; where there is nothing else, the least is ∞ and the most −∞.

    Examples
    --------
    >>> values = np.array([3.0, 1.0, np.nan, 5.0])
    >>> least, most = within(values, values, np.array([0, 2]), np.array([2, 3]))
    >>> least.tolist(), most.tolist()
    ([1.0, 5.0], [3.0, 5.0])
    """
    ends = np.stack([first, last + 1], axis=-1).ravel()
    shape, beyond = (*low.shape[:-1], *first.shape), np.full((*low.shape[:-1], 1), np.nan)
    least, most = (
        # what lies between one run and the next is computed, too, and left out
        each.reduceat(np.concatenate([values, beyond], axis=-1), ends, axis=-1)[..., ::2].reshape(shape)
        for each, values in ((np.fmin, low), (np.fmax, high))
    )
    return np.where(np.isnan(least), np.inf, least), np.where(np.isnan(most), -np.inf, most)


class Stairs:
    """The values of a step function, from one stair to the next."""

    def __init__(self, values: Floats) -> None:
        self.values = values
        self._rises, self._falls = (
            np.concatenate([[0], np.cumsum(turn)]) for turn in (np.diff(values) > 0.0, np.diff(values) < 0.0)
        )

    def over(self, first: Integers, last: Integers) -> dict[int, Pair]:
        """Return bounds of its value, its difference quotients and its curvature, by order."""
        up, down = self._rises[last] > self._rises[first], self._falls[last] > self._falls[first]
        quotient = np.where(down, -np.inf, 0.0), np.where(up, np.inf, 0.0)
        return {
            0: within(self.values, self.values, first, last),
            1: quotient,
            2: chosen(up | down, UNBOUNDED, NOTHING),
        }

    def height(self, first: Integers, last: Integers) -> Pair:
        """Return bounds of the jump from one stair to another."""
        start, stop = self.values[first], self.values[last]
        return minus((stop, stop), (start, start))


_MARGIN = 32.0 * EPS
_KNOT = 1024.0 * EPS
"""An argument so little beyond the last knot, of its size, may be there by rounding alone."""


class CurveBounds:
    """A curve of one argument, prepared for bounding.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> curve = Curve("s", Input("x"), (1.0, 0.0, 0.0, 1.0, 2.0), 0.0, 2.0)
    >>> low, high = CurveBounds(curve).over((1,), np.array([1.0]), np.array([3.0]))[1]
    >>> low.round(9).tolist(), high.round(9).tolist()
    ([0.5], [1.0])
    """

    def __init__(self, curve: Curve) -> None:
        self.curve = curve
        coefficients = np.array(curve.coefficients)
        if curve.periodic:
            # a turn from any place within the first one ends within the second
            coefficients = coefficients[np.arange(2 * curve.grid_size + 3) % curve.grid_size]
        spans = len(coefficients) - 3
        c = [coefficients[k : k + spans] for k in range(4)]
        d = [right - left for left, right in pairwise(c)]
        steps = [minus((right, right), (left, left)) for left, right in pairwise(c)]
        exact = _second_differences(coefficients)
        bends = exact[:spans], exact[1 : 1 + spans]
        slope, bend = 0.5 * (d[0] + d[1]), d[1] - d[0]
        change = 0.5 * ((d[2] - d[1]) - bend)
        # by order: coefficients of the powers of the place in a span, what the values lie between, and their size
        self._powers = (
            ((c[0] + 4.0 * c[1] + c[2]) / 6.0, slope, bend / 2.0, change / 3.0),
            (slope, bend, change),
            (bend, 2.0 * change),
        )
        self._limits: tuple[Pair, ...] = (
            (np.minimum.reduce(c), np.maximum.reduce(c)),
            (np.minimum.reduce([low for low, _ in steps]), np.maximum.reduce([high for _, high in steps])),
            (
                np.where(np.minimum(*bends) >= 0.0, 0.0, -np.inf),
                np.where(np.maximum(*bends) <= 0.0, 0.0, np.inf),
            ),
        )
        steep = np.maximum.reduce(np.abs(d))
        self._sizes = np.maximum.reduce(np.abs(c)), steep, steep
        with np.errstate(all="ignore"):
            # where the slope vanishes, in the form that does not cancel (Numerical Recipes 5.6)
            q = -0.5 * (bend + np.copysign(np.sqrt(bend * bend - 4.0 * change * slope), bend))
            turns = np.array([q / change, slope / q]), np.array([-0.5 * bend / change])
        self._turns = [
            self._turning(order, inner) for order, inner in enumerate((*turns, np.zeros((0, spans))))
        ]

    def _turning(self, order: int, inner: Floats) -> Pair:
        """Return the knots and the places within the spans (turns, spans), ascending, and the values there."""
        spans = inner.shape[1]
        inside = (inner > 0.0) & (inner < 1.0)
        span = np.concatenate([np.arange(spans), [spans - 1], np.nonzero(inside)[1]])
        place = np.concatenate([np.zeros(spans), [1.0], inner[inside]])
        ascending = np.argsort(span + place, kind="stable")
        return (span + place)[ascending], self._at(order, span, place)[ascending]

    def _at(self, order: int, span: Integers, place: Floats) -> Floats:
        """Return the values or derivatives per span, at places from 0 to 1 in spans."""
        *others, value = (power[span] for power in self._powers[order])
        for power in reversed(others):
            value = power + place * value
        return np.asarray(value)

    def over(self, orders: Sequence[int], low: Floats, high: Floats) -> dict[int, Pair]:
        """Return bounds of the value (order 0) and derivatives (1, 2) over intervals, each of shape (n,)."""
        start, stop = self._places(low, high)
        first, last = (np.minimum(end.astype(np.int64), len(self._sizes[0]) - 1) for end in (start, stop))
        made = {}
        for order in orders:
            place, value = self._turns[order]
            begin, end = np.searchsorted(place, start), np.searchsorted(place, stop, side="right") - 1
            ends = self._at(order, first, start - first), self._at(order, last, stop - last)
            found = np.minimum(*ends), np.maximum(*ends)
            found = chosen(begin <= end, hull(found, within(value, value, begin, end)), found)
            size = _MARGIN * within(self._sizes[order], self._sizes[order], first, last)[1]
            least, most = self._limits[order]
            limits = within(least, most, first, last)
            found = np.maximum(found[0] - size, limits[0]), np.minimum(found[1] + size, limits[1])
            if not self.curve.periodic and order != 1:
                beyond = self._with_straight_ends if order else self._with_tails
                found = beyond(found, low, high)
            # per unit of the argument in place of per span
            unit = self.curve.width**order
            made[order] = found if unit == 1.0 else outward((found[0] / unit, found[1] / unit), 4)
        return made

    def _places(self, low: Floats, high: Floats) -> Pair:
        """Return the interval in spans from the first knot, widened for rounding."""
        curve = self.curve
        start, stop = (low - curve.low) / curve.width, (high - curve.low) / curve.width
        if not curve.periodic:
            start, stop = start - 8.0 * EPS * np.abs(start), stop + 8.0 * EPS * np.abs(stop)
            spans = float(curve.grid_size)
            return (
                np.minimum(np.fmax(start, 0.0), spans),
                np.maximum(np.fmin(np.where(np.isnan(stop), spans, stop), spans), 0.0),
            )
        ends = abs(curve.low) + abs(curve.high)
        start = start - 8.0 * EPS * (np.abs(low) + ends) / curve.width
        stop = stop + 8.0 * EPS * (np.abs(high) + ends) / curve.width
        around = ~(stop - start < curve.grid_size)
        turn = np.floor(np.where(around, 0.0, start) / curve.grid_size) * curve.grid_size
        return np.where(around, 0.0, start - turn), np.where(around, float(curve.grid_size), stop - turn)

    def _with_straight_ends(self, pair: Pair, low: Floats, high: Floats) -> Pair:
        """Return the bounds of the curvature where the interval leaves the knots, beyond which there is none.

        At the last knot it jumps; an interval that ends there lies on one side of it, also if rounding has taken the
        end a little beyond.
        """
        curve = self.curve
        slight = _KNOT * max(abs(curve.low), abs(curve.high))
        inside = (low >= curve.low - slight) & (high <= curve.high + slight)
        outside = (high <= curve.low + slight) | (low >= curve.high - slight)
        return chosen(inside, pair, chosen(outside, NOTHING, hull(pair, NOTHING)))

    def _with_tails(self, pair: Pair, low: Floats, high: Floats) -> Pair:
        """Return the bounds of the value where the interval leaves the knots, along the end tangents."""
        curve = self.curve
        beyond = [(end < curve.low) | (end > curve.high) for end in (low, high)]
        if not (beyond[0].any() or beyond[1].any()):
            return pair
        ends = self._straight(low), self._straight(high)
        pair = chosen((high <= curve.low) | (low >= curve.high), hull(*ends), pair)
        for end, away in zip(ends, beyond, strict=True):
            pair = chosen(away, hull(pair, end), pair)
        return pair

    def _straight(self, x: Floats) -> Pair:
        """Bound the curve at or beyond its first and last knot by its end tangents, shape (n,)."""
        left = x <= self.curve.low
        span, at = np.where(left, 0, len(self._sizes[0]) - 1), np.where(left, 0.0, 1.0)
        beyond = (x - np.where(left, self.curve.low, self.curve.high)) / self.curve.width
        slope, level, steep = self._at(1, span, at), self._sizes[0][span], self._sizes[1][span]
        value = self._at(0, span, at) + np.where(slope == 0.0, 0.0, slope * beyond)
        size = 2.0 * _MARGIN * (level + np.where(steep == 0.0, 0.0, np.abs(beyond) * steep))
        size = np.where(np.isfinite(size), size, 0.0)
        return value - size, value + size


def _second_differences(coefficients: Floats) -> Floats:
    """Return c_k − 2 c_k+1 + c_k+2 along the last axis, each of the right sign."""
    left, middle, right = coefficients[..., :-2], coefficients[..., 1:-1], coefficients[..., 2:]
    bend = np.asarray((right - middle) - (middle - left))
    # two differences and their difference are rounded, each by half an EPS of no more than 4 times the largest
    largest = np.maximum(np.maximum(np.abs(left), np.abs(right)), np.abs(middle))
    for place in zip(*np.nonzero(np.abs(bend) <= 8.0 * EPS * largest), strict=True):
        m = float(middle[place])
        # the exact sum, rounded once
        bend[place] = math.fsum((float(left[place]), -m, -m, float(right[place])))
    return bend
