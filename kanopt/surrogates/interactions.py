"""Whether what an additive law leaves still depends on two columns together.

The residuals are averaged in cells of every pair of columns, on some of the rows, and the averages foretell those of
the others. Where no pair foretells anything, hidden nodes would learn noise. The idea is that of FAST (Lou, Caruana,
Gehrke and Hooker 2013, *Accurate intelligible models with pairwise interactions*, KDD, section 4); cells are cut by
quantiles and by equal widths, coarse and fine, since a flat fare between two places shows in few of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

__all__ = ["INTERACTION", "interaction_gain"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

INTERACTION = 0.005
"""Share of the squares below which a pair says nothing: of noise in 2,000 rows the best of many pairs says as much."""
FOLDS = 5
CUTS = (4, 8, 16)
"""Cells of a number."""
MAIN = 2
"""Which of them tell what is left of one column alone: the finest by quantiles."""
PRIOR = 4.0
"""Rows that speak for nothing in every cell."""
CLIP = 4.0
"""Residuals are looked at as they are and cut off at so many robust standard deviations: wild rows hide what others
say, or are all that there is to see."""


def interaction_gain(
    residual: Floats, numbers: Floats, codes: Integers, weights: Floats, seed: int
) -> tuple[float, tuple[int, int] | None]:
    """Return the largest share of the squares that the cells of a pair foretell, and the pair.

    Parameters
    ----------
    residual
        Of an additive law, shape (n,).
    numbers
        Columns of numbers, shape (n, i).
    codes
        Columns of categories, shape (n, c); they count on from those of numbers.
    weights
        How many rows each stands for, shape (n,).
    seed
        Draws the rows that are held out.

    Returns
    -------
    share : float
        Of the squared residuals of rows held out; zero or less where no pair foretells anything.
    pair : tuple of int or None
        The two columns.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-1, 1, (2000, 3))
    >>> noise, none = rng.standard_normal(2000), np.zeros((2000, 0), dtype=np.int64)
    >>> ones = np.ones(2000)
    >>> share, _ = interaction_gain(noise, x, none, ones, 0)
    >>> share <= 0.0
    True
    >>> share, pair = interaction_gain(noise + 1.5 * x[:, 0] * x[:, 2], x, none, ones, 0)
    >>> round(share, 1), pair
    (0.2, (0, 2))
    """
    fold = np.random.default_rng([seed, 0x1A7E]).integers(0, FOLDS, len(residual))
    columns = [_cut(column) for column in numbers.T]
    columns += [[(code.astype(np.int64), int(code.max(initial=0)) + 1)] * (len(CUTS) + 1) for code in codes.T]
    middle = float(np.median(np.abs(residual))) / 0.6745
    best, found = -np.inf, None
    for most in (np.inf, CLIP * middle):
        left = np.clip(residual, -most, most)
        squares = float(weights @ left**2)
        if squares <= 0.0:
            continue
        # an additive law may leave something of one column, which is no interaction
        alone = [_foretold(left, [column[MAIN]], weights, fold) for column in columns]
        after_one = [float(weights @ (left - each) ** 2) for each in alone]
        for first, second in combinations(range(len(columns)), 2):
            both = float(weights @ (left - alone[first] - alone[second]) ** 2)
            before = min(squares, after_one[first], after_one[second], both)
            for pair in zip(columns[first], columns[second], strict=True):
                after = float(weights @ (left - _foretold(left, pair, weights, fold)) ** 2)
                share = (before - after) / squares
                if share > best:
                    best, found = share, (first, second)
    return (best, found) if found is not None else (0.0, None)


Cells = tuple[Integers, int]
"""The cell of every row, shape (n,), and how many cells there are."""


def _cut(column: Floats) -> list[Cells]:
    """Return the cells of a number, for every fineness: by quantiles, and the finest by equal widths."""
    out: list[Cells] = []
    for count in CUTS:
        edges = np.unique(np.quantile(column, np.linspace(0.0, 1.0, count + 1)[1:-1]))
        out.append((np.searchsorted(edges, column, side="right"), len(edges) + 1))
    low, high = float(column.min()), float(column.max())
    edges = np.linspace(low, high, CUTS[-1] + 1)[1:-1]
    return [*out, (np.searchsorted(edges, column, side="right"), len(edges) + 1)]


def _foretold(residual: Floats, cells: Sequence[Cells], weights: Floats, fold: Integers) -> Floats:
    """Return the averages of the other folds in the cell of every row, drawn towards nothing where rows are few."""
    place, count = np.zeros(len(residual), dtype=np.int64), 1
    for each, many in cells:
        place, count = place * many + each, count * many
    place, count = _dense(place, count)
    both = place * FOLDS + fold
    sums = np.bincount(both, weights * residual, count * FOLDS).reshape(count, FOLDS)
    rows = np.bincount(both, weights, count * FOLDS).reshape(count, FOLDS)
    sums, rows = sums.sum(1, keepdims=True) - sums, rows.sum(1, keepdims=True) - rows
    return np.asarray((sums / (rows + PRIOR))[place, fold])


def _dense(place: Integers, count: int) -> Cells:
    """Return cells numbered by those that occur, where there could be far more."""
    if count <= 8 * len(place):
        return place, count
    known, dense = np.unique(place, return_inverse=True)
    return dense.astype(np.int64), len(known)
