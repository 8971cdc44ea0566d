"""What rows of a group, such as the trips of a day, have in common of their errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CLIP = 4.0
"""Residuals are cut off at so many robust standard deviations: a wild row is no error that a group shares."""

MOST_SHARED = 0.99
FEWEST_FOUND = 10
"""Values of a column that is found to be one of groups: of fewer, a fifth held out is one or two."""
_TINY = 1e-300


def design_effect(residual: Floats, weights: Floats, groups: Integers) -> float:
    """Return how many rows that share an error say as much as one that does not, at least 1.

    With ρ the part of the variance that rows of a group share and m the size of the group of a row, weighted by rows,
    it is 1 + (m − 1) ρ (Kish 1965, *Survey Sampling*, section 5.4).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> day, ones = np.repeat(np.arange(200), 10), np.ones(2000)
    >>> alone = rng.standard_normal(2000)
    >>> round(design_effect(alone, ones, day), 1), round(design_effect(alone + alone[day], ones, day), 1)
    (1.0, 5.4)
    """
    size = np.bincount(groups, weights)
    return 1.0 + (float(size @ size / size.sum()) - 1.0) * shared_part(clipped(residual), weights, groups)


def clipped(residual: Floats) -> Floats:
    """Return residuals cut off at so many robust standard deviations."""
    middle = float(np.median(np.abs(residual - np.median(residual)))) / 0.6745
    return np.clip(residual, -CLIP * middle, CLIP * middle) if middle > 0.0 else residual


def shared_part(residual: Floats, weights: Floats, groups: Integers) -> float:
    """Return the part of the variance that rows of a group share, from the analysis of variance of one factor.

    See Donner 1986, Int. Stat. Rev. 54.
    """
    size = np.bincount(groups, weights)
    total, count = float(size.sum()), len(size)
    mean = np.bincount(groups, weights * residual) / size
    within = float(weights @ (residual - mean[groups]) ** 2)
    between = float(size @ (mean - np.average(residual, weights=weights)) ** 2)
    if total <= count or within + between <= 0.0:
        return 0.0
    usual = (total - float(size @ size) / total) / (count - 1)
    inner = within / (total - count)
    shared = max((between / (count - 1) - inner) / usual, 0.0)
    return shared / (shared + inner)


def whitened(columns: Floats, weights: Floats, groups: Integers, ratio: float) -> Floats:
    """Return columns, (n, p), such that their weighted cross product is that of generalized least squares.

    A part of the mean of a group is taken out, θ = 1 − 1/√(1 + W · ratio) with W its weight (Fuller and Battese
    1973, J. Am. Stat. Assoc. 68).

    Parameters
    ----------
    columns
        With one row for each of the table.
    weights
        How many rows each stands for; (n,).
    groups
        Group of every row, numbered from 0; (n,).
    ratio
        Variance of what rows of a group share over that of what each has alone.
    """
    size = np.bincount(groups, weights)
    part = (1.0 - 1.0 / np.sqrt(1.0 + size * ratio)) / np.maximum(size, _TINY)
    taken = [(part * np.bincount(groups, weights * column))[groups] for column in columns.T]
    return np.asarray(columns - np.column_stack(taken))
