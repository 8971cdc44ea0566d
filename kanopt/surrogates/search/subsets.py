"""Which few of many columns say most of a target together: all sets of them at once, on the normal equations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ranked_sets"]

Array = NDArray[np.float64]

RIDGE = 1e-10
"""Keeps the normal equations of columns that are nearly one solvable."""


def ranked_sets(columns: Array, target: Array, sets: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return sets of columns, those that take most of the squares of a target first, shape (up to s, k).

    Sets with a column that is zero, or no number on some row, are left out. Normal equations are quick, and good enough
    to rank; coefficients are for whoever takes the best to solve for.

    Parameters
    ----------
    columns
        Shape (n, m).
    target
        Shape (n,).
    sets
        Numbers of columns, shape (s, k).

    Examples
    --------
    >>> columns = np.array([[1.0, 0.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 1.0]])
    >>> ranked_sets(columns, np.array([3.0, 8.0, 0.0]), np.array([[0, 2], [0, 1]])).tolist()
    [[0, 1], [0, 2]]
    """
    with np.errstate(all="ignore"):
        size = np.sqrt((columns**2).sum(axis=0))
    sound = np.isfinite(size) & (size > 0.0)
    sets = sets[sound[sets].all(axis=1)]
    if not len(sets):
        return sets
    scaled = np.where(sound, columns, 0.0) / np.where(sound, size, 1.0)
    gram, told = scaled.T @ scaled + RIDGE * np.eye(len(size)), scaled.T @ target
    found = np.linalg.solve(gram[sets[:, :, None], sets[:, None, :]], told[sets][..., None])[..., 0]
    return sets[np.argsort(-(found * told[sets]).sum(axis=1), kind="stable")]
