"""Interval arithmetic on arrays, rounded outwards by a relative margin.

An interval is a pair (low, high) of arrays (Moore, Kearfott and Cloud 2009, *Introduction to Interval
Analysis*, ch. 2 and 3). numpy offers no directed rounding, so every sum is widened by more than the largest
error that rounding to nearest can make: the number of its terms times the machine epsilon times the sum of
their sizes. Nothing is widened where nothing can be wrong: a sum of exact zeros stays zero, and since a
rounded sum of numbers that are not negative is not negative, a bound of zero survives. Underflow below
1e-308 is the one error left out.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "EPS",
    "Flags",
    "Floats",
    "Integers",
    "Pair",
    "dot",
    "hull",
    "meet",
    "plus",
    "square",
    "times",
    "total",
]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Pair: TypeAlias = tuple[Floats, Floats]

EPS = float(np.finfo(np.float64).eps)


def total(terms: Pair, axis: int) -> Pair:
    """Return bounds of the sum of `terms` along an axis; each may carry a few roundings of its own.

    Examples
    --------
    >>> low, high = total((np.array([0.0, 0.1]), np.array([0.2, 0.3])), axis=0)
    >>> bool(0.0 <= low <= 0.1), bool(0.5 <= high <= 0.5 + 1e-15)
    (True, True)
    """
    low, high = terms
    margin = (low.shape[axis] + 4) * EPS
    below = low.sum(axis) - margin * np.abs(low).sum(axis)
    above = high.sum(axis) + margin * np.abs(high).sum(axis)
    if low.shape[axis]:
        below = np.where((low >= 0.0).all(axis), np.maximum(below, 0.0), below)
        above = np.where((high <= 0.0).all(axis), np.minimum(above, 0.0), above)
    return below, above


def plus(*terms: Pair) -> Pair:
    """Return bounds of the sum of a few intervals of one shape."""
    return total((np.stack([low for low, _ in terms]), np.stack([high for _, high in terms])), axis=0)


def times(left: Pair, right: Pair) -> Pair:
    """Return the extreme products of two intervals, rounded to nearest: widen them, or sum by :func:`total`."""
    corners = [a * b for a in left for b in right]
    low = np.minimum(np.minimum(corners[0], corners[1]), np.minimum(corners[2], corners[3]))
    high = np.maximum(np.maximum(corners[0], corners[1]), np.maximum(corners[2], corners[3]))
    return low, high


def square(pair: Pair) -> Pair:
    """Return the extreme squares of an interval, rounded to nearest.

    Examples
    --------
    >>> [float(end) for end in square((np.array(-1.0), np.array(2.0)))]
    [0.0, 4.0]
    """
    low, high = pair[0] * pair[0], pair[1] * pair[1]
    across = (pair[0] < 0.0) & (pair[1] > 0.0)
    return np.where(across, 0.0, np.minimum(low, high)), np.maximum(low, high)


def dot(weights: Pair, parts: Pair) -> Pair:
    """Return bounds of Σ_j weights[:, j, s] · parts[:, j, k], shape (boxes, s, k)."""
    wide = (weights[0][:, :, :, None], weights[1][:, :, :, None])
    return total(times(wide, (parts[0][:, :, None, :], parts[1][:, :, None, :])), axis=1)


def hull(left: Pair, right: Pair) -> Pair:
    """Return the smallest intervals that hold both."""
    return np.minimum(left[0], right[0]), np.maximum(left[1], right[1])


def meet(left: Pair, right: Pair) -> Pair:
    """Return what two enclosures of one set have in common."""
    return np.maximum(left[0], right[0]), np.minimum(left[1], right[1])
