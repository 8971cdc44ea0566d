"""Rows that are left out together, and what a law that is linear in its numbers says of rows that it has not seen.

Blocks are designed from the rows, none is drawn: groups are left out whole, rows whose errors hang together with those
of their neighbours are left out in stretches ten times as long as that reaches, and all others in turn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.estimation.least_squares import inverse_of
from kanopt.surrogates.rows import Rows

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
    # rows that are related reach into the stretch at its ends only, if it is a few times as long
    stretch = 1 if together == 1 else min(BLOCKS * together, max(count // BLOCKS, 1))
    return np.arange(count) // stretch % BLOCKS


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
        back = (weight[own, None] * slopes[own]).T
        held = stiff - back @ slopes[own]
        moved[own] += slopes[own] @ (inverse_of(held) @ (back @ residual[own]))
    return moved
