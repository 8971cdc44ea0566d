"""Whole numbers of arcs by vehicle type, in memory once where all types share them."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kanopt.arc_blocks import of_types

Integers = NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)
_NARROW = int(np.iinfo(np.int32).max)


def narrow(largest: int) -> Any:
    """Return the narrower type of whole numbers that holds a number.

    Examples
    --------
    >>> narrow(60), narrow(3_000_000_000)
    (<class 'numpy.int32'>, <class 'numpy.int64'>)
    """
    return np.int32 if largest < _NARROW else np.int64


def distinct(values: NDArray[Number]) -> NDArray[Number]:
    """Return an array by vehicle type as one of one type, where all types share it."""
    return values[:1] if values.strides[0] == 0 else values


class SharedRows:
    """Matrices by vehicle type that are filled some rows at a time.

    Parameters
    ----------
    types, size
        How many vehicle types and nodes.
    largest
        The largest number there can be.

    Examples
    --------
    >>> rows = SharedRows(types=2, size=2, largest=9)
    >>> rows.put(0, np.array([[[0, 7]], [[0, 7]]]))
    >>> rows.put(1, np.array([[[9, 0]], [[9, 0]]]))
    >>> rows.all_types.tolist(), rows.all_types.strides
    ([[[0, 7], [9, 0]], [[0, 7], [9, 0]]], (0, 8, 4))
    """

    def __init__(self, types: int, size: int, largest: int) -> None:
        self.types = types
        self._rows: Integers = np.empty((1, size, size), dtype=narrow(largest))

    def put(self, begin: int, block: Integers) -> None:
        """Fill rows, given as (types or 1, rows, size), from a row on; those before it are filled."""
        rows = slice(begin, begin + block.shape[1])
        if len(self._rows) == 1 and any(not np.array_equal(block[0], each) for each in block[1:]):
            # what is not filled takes no memory yet
            wider: Integers = np.empty((self.types, *self._rows.shape[1:]), dtype=self._rows.dtype)
            wider[:, :begin] = self._rows[:, :begin]
            self._rows = wider
        self._rows[:, rows] = block if len(self._rows) > 1 else block[:1]

    @property
    def all_types(self) -> Integers:
        """The matrices; (types, size, size). Where all types share one it cannot be written to."""
        return of_types(self._rows, self.types)
