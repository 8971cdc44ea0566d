"""What rows of a group, such as the trips of a day, have in common of their errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["clipped", "design_effect", "shared_part"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CLIP = 4.0
"""Residuals are cut off at so many robust standard deviations: a wild row is no error that a group shares."""


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
