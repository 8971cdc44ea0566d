"""Least and greatest entries of runs of neighbours, looked up in constant time."""

from __future__ import annotations

import numpy as np

from kanopt.formulas.nodes import Array
from kanopt.formulas.shapes.arithmetic import Integers, Pair

__all__ = ["RangeExtrema"]


class RangeExtrema:
    """The bounds of every run of 1, 2, 4, ... neighbours along the last axis.

    A run of any length is covered by two of these, which may overlap (Bender and Farach-Colton 2000, *The LCA
    Problem Revisited*).

    Examples
    --------
    >>> runs = RangeExtrema(np.array([3.0, 1.0, 2.0, 5.0]), np.array([3.0, 1.0, 2.0, 5.0]))
    >>> low, high = runs.over(np.array([0, 2]), np.array([2, 3]))
    >>> low.tolist(), high.tolist()
    ([1.0, 2.0], [3.0, 5.0])
    """

    def __init__(self, low: Array, high: Array) -> None:
        lows, highs = [low], [high]
        count = low.shape[-1]
        for level in range(int(np.log2(max(count, 1)))):
            after = np.minimum(np.arange(count) + 2**level, count - 1)
            lows.append(np.minimum(lows[-1], lows[-1][..., after]))
            highs.append(np.maximum(highs[-1], highs[-1][..., after]))
        self._low, self._high = np.stack(lows, axis=-2), np.stack(highs, axis=-2)

    def over(self, first: Integers, last: Integers) -> Pair:
        """Return the bounds of the entries `first` to `last`, each of shape (n,); shape (..., n)."""
        level = np.log2(np.maximum(last - first + 1, 1)).astype(np.int64)
        end = last + 1 - 2**level
        return (
            np.minimum(self._low[..., level, first], self._low[..., level, end]),
            np.maximum(self._high[..., level, first], self._high[..., level, end]),
        )
