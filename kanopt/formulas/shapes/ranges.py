"""Ranges of the library's functions, and of their first two derivatives, over many intervals at once.

The extrema of a function over an interval are at the ends or at turning points, which the library lists
(:data:`kanopt.formulas.functions.FUNCTIONS`), also for derivatives.
"""

from __future__ import annotations

import math

import numpy as np

from kanopt.formulas.functions import Function
from kanopt.formulas.nodes import Array
from kanopt.formulas.shapes.arithmetic import Pair, outward

__all__ = ["range_over"]

_RESOLVED = 1e7  # beyond, the places of a wave are not resolved well enough to tell where it turns


def range_over(function: Function, order: int, low: Array, high: Array) -> Pair:
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


def _kink(function: Function, order: int, low: Array, high: Array) -> Pair:
    """Return the range of a derivative of a function that consists of two straight lines which meet at zero."""
    if order == 2:
        # a kink at an end lies between this interval and the next
        return np.zeros_like(low), np.where((low <= 0.0) & (high >= 0.0), np.inf, 0.0)
    below, above = function.derivative(np.array([-1.0, 1.0]))
    first, last = np.where(low < 0.0, below, above), np.where(high > 0.0, above, below)
    return np.minimum(first, last), np.maximum(first, last)
