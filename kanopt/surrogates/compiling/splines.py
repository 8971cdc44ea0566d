"""A function of one variable as a cubic spline on equally spaced knots."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kanopt.kan.description import evaluate_spline

__all__ = ["PER_CELL", "places", "spline_through"]

Floats = NDArray[np.float64]

PER_CELL = 4
"""Places per cell at which a spline is made to meet a function."""


def places(low: float, high: float, grid_size: int) -> Floats:
    """Return where :func:`spline_through` looks at a function: evenly, ends included.

    Examples
    --------
    >>> places(0.0, 1.0, 1)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    return low + (high - low) * np.linspace(0.0, 1.0, PER_CELL * grid_size + 1)


def spline_through(values: Floats) -> Floats:
    """Return the coefficients of the spline that is nearest, in squares, to values at :func:`places`.

    Parameters
    ----------
    values
        Shape (4 · grid_size + 1,).

    Returns
    -------
    ndarray, shape (grid_size + 3,)

    Examples
    --------
    >>> spline_through(places(0.0, 1.0, 1) ** 3).round(9) + 0.0
    array([0., 0., 0., 6.])
    """
    return np.asarray(_solver((len(values) - 1) // PER_CELL) @ values, dtype=np.float64)


@lru_cache(maxsize=16)
def _solver(grid_size: int) -> Floats:
    """Return the matrix from values to coefficients, (grid_size + 3, places)."""
    x = places(0.0, 1.0, grid_size)
    basis = evaluate_spline(x, 0.0, 1.0, np.eye(grid_size + 3))
    solver: Floats = np.linalg.pinv(basis).astype(np.float64)
    solver.setflags(write=False)
    return solver
