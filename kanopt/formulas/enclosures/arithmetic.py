"""Interval arithmetic on arrays with outward rounding that keeps exact zeros.

An interval is a pair (low, high) of arrays that broadcast (Moore, Kearfott and Cloud 2009, *Introduction to
Interval Analysis*, ch. 2 and 3). numpy has no directed rounding. A sum is moved outwards by one unit in the last
place only if Knuth's two-sum (*The Art of Computer Programming* 2, sec. 4.2.2) shows that it was rounded inwards, so
that 3 − 3 is exactly zero. A product is moved unless both factors have so few digits that it is exact, and zero times
anything is zero. Ends may be infinite, and an undefined result (∞ − ∞) becomes unbounded. Underflow below 1e-308 is not
covered. Callers silence numpy warnings (``np.errstate``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats

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
    if len(terms) == 1:
        return terms[0]
    if len(terms) == 2:
        return plus(*terms)
    low, under = _accumulated([term[0] for term in terms])
    high, over = _accumulated([term[1] for term in terms])
    below, above = outward((low + under[0], high + over[1]))
    # what was rounded nowhere, or is infinite, is what it is
    below = np.where(under[1] > under[0], below, low + under[0])
    above = np.where(over[1] > over[0], above, high + over[1])
    return np.where(np.isnan(below), -np.inf, below), np.where(np.isnan(above), np.inf, above)


def _accumulated(terms: Sequence[Floats]) -> tuple[Floats, Pair]:
    """Return the rounded sum of terms, and bounds of its rounding error: the errors of all additions, added up."""
    parts = np.stack(np.broadcast_arrays(*terms))
    sums = np.cumsum(parts, axis=0)
    before, term, after = sums[:-1], parts[1:], sums[1:]
    part = after - before
    errors = (before - (after - part)) + (term - part)
    errors = np.where(np.isfinite(errors), errors, 0.0)
    size = len(parts) * EPS * np.abs(errors).sum(axis=0)
    error = errors.sum(axis=0)
    return after[-1], (error - size, error + size)


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
