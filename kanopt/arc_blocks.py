"""Arcs some rows at a time: of thousands of clients whole matrices are hundreds of millions of bytes each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)

MOST_KEPT = 10_000_000
"""Arcs, over all vehicle types, up to which matrices of prices and times are kept: 80 MB each."""
_AT_ONCE = 2**18
"""Arcs worked out at a time, so that what is in between stays in the cache."""


def tail_blocks(tails: NDArray[np.intp], heads: int) -> Iterator[NDArray[np.intp]]:
    """Yield nodes some at a time, as many as have about 260,000 arcs to a number of heads.

    Examples
    --------
    >>> [block.tolist() for block in tail_blocks(np.arange(5), heads=100_000)]
    [[0, 1], [2, 3], [4]]
    """
    count = max(1, _AT_ONCE // max(1, heads))
    for begin in range(0, len(tails), count):
        yield tails[begin : begin + count]


def arcs_of(matrix: NDArray[Number], tail: NDArray[np.intp], head: NDArray[np.intp]) -> NDArray[Number]:
    """Return ``matrix[tail, head]``, by whole rows where every arc from some nodes is asked for.

    Examples
    --------
    >>> km = np.array([[0, 2], [5, 0]])
    >>> arcs_of(km, np.array([[1]]), np.array([[0, 1]])).tolist()
    [[5, 0]]
    """
    every = tail.ndim == head.ndim == 2 and tail.shape[1] == head.shape[0] == 1
    if every and np.array_equal(head[0], np.arange(matrix.shape[1])):
        return matrix[tail[:, 0]]
    return matrix[tail, head]


def of_types(values: NDArray[Number], types: int) -> NDArray[Number]:
    """Return arrays by vehicle type, of which there is one for all types or one for each, as one for each.

    What all types share is in memory once; such an array cannot be written to.
    """
    return np.broadcast_to(values, (types, *values.shape[1:])) if len(values) < types else values
