"""Rows that are left out together, and what a law that is linear in its numbers says of rows that it has not seen.

Blocks are designed from the rows, none is drawn: groups are left out whole, rows whose errors hang together with those
of their neighbours are left out in stretches ten times as long as that reaches, and all others as their values say, in
whatever order they stand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.estimation.least_squares import inverse_of
from kanopt.surrogates.rows import Rows
from kanopt.surrogates.search import as_told, order_of_rows

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

BLOCKS = 10
UNRELATED = 0.1
"""Correlation of errors below which rows are no neighbours any more."""


def blocks_of(rows: Rows, residual: Array) -> Integers:
    """Return the block of every row, (n,), numbered from 0.

    Parameters
    ----------
    rows
        The rows; the groups of those that share errors are left out whole.
    residual
        What a law leaves of them, (n,).
    """
    if rows.shared is not None:
        return rows.shared.groups % BLOCKS
    count, left = len(residual), residual - residual.mean()
    together, square = 1, float(left @ left)
    while together < count // BLOCKS and float(left[together:] @ left[:-together]) > UNRELATED * square:
        together += 1
    if together == 1:
        place = np.empty(count, dtype=np.int64)
        place[order_of_rows(as_told(rows.inputs), as_told(rows.target), rows.weight)] = np.arange(count)
        return place % BLOCKS
    # rows that are related reach into the stretch at its ends only, if it is a few times as long
    return np.arange(count) // min(BLOCKS * together, max(count // BLOCKS, 1)) % BLOCKS


def left_out(residual: Array, slopes: Array, weight: Array, stiff: Array, blocks: Integers) -> Array:
    """Return what is left of every row by the law that is fitted to the other blocks, (n,); exact where it is linear.

    Parameters
    ----------
    residual
        What the law that was fitted to all rows leaves of them, (n,).
    slopes
        Derivatives of the law in its numbers, (n, p).
    weight
        Of the rows, (n,).
    stiff
        Weighted products of the slopes, and what holds the numbers beside the rows, (p, p).
    blocks
        Of the rows, (n,).
    """
    moved = residual.copy()
    for block in np.unique(blocks):
        own = blocks == block
        moved[own] += slopes[own] @ part_of(own, residual, slopes, weight, stiff)
    return moved


def part_of(own: NDArray[np.bool_], residual: Array, slopes: Array, weight: Array, stiff: Array) -> Array:
    """Return what some rows add to the numbers of a law that is fitted to all, (p,); see :func:`left_out`."""
    back = (weight[own, None] * slopes[own]).T
    return np.asarray(inverse_of(stiff - back @ slopes[own]) @ (back @ residual[own]))
