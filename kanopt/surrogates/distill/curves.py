"""The forms that are tabulated, not written: curves, periodic curves, and tables of categories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kanopt.kan.description import periodic_grid
from kanopt.splines import SplineGrid
from kanopt.surrogates.distill.forms import Form

__all__ = ["TABULATED", "curve_form", "cycle_form", "table_form"]

Array = NDArray[np.float64]

TABULATED = frozenset({"curve", "cycle", "table"})
"""Names of the forms of this module."""


def _no_grid(low: float, high: float) -> list[Sequence[float]]:
    return [()]


def curve_form(lower: float, upper: float, grid_size: int) -> Form:
    """Return the form "uniform cubic B-spline on [lower, upper]", linear outside; θ are its coefficients."""
    grid = SplineGrid(lower, upper, grid_size)
    return Form(
        "curve",
        grid.count,
        0,
        value=lambda z, theta: grid.values(z, grid.powers(theta)),
        slope=lambda z, theta: grid.slopes(z, grid.powers(theta)),
        gradient=lambda z, theta: grid.basis(z),
        grid=_no_grid,
        complexity=5,
    )


def cycle_form(grid_size: int) -> Form:
    """Return the form "periodic cubic B-spline"; z is in periods, number k of θ belongs to k / grid_size.

    Examples
    --------
    >>> form = cycle_form(4)
    >>> theta = np.array([1.0, 2.0, 4.0, 2.0])
    >>> form.value(np.array([0.2, 3.2]), theta).round(9).tolist()
    [1.888, 1.888]
    """
    grid = SplineGrid(0.0, 1.0, grid_size, periodic=True)

    def powers(theta: Array) -> Array:
        return grid.powers(periodic_grid(theta)[1])

    return Form(
        "cycle",
        grid_size,
        0,
        value=lambda z, theta: grid.values(z, powers(theta)),
        slope=lambda z, theta: grid.slopes(z, powers(theta)),
        gradient=lambda z, theta: np.roll(grid.basis(z), -1, axis=-1),
        grid=_no_grid,
        complexity=5,
    )


def table_form(categories: int) -> Form:
    """Return the form "one number per category"; its argument is the category's code."""

    def gradient(z: Array, theta: Array) -> Array:
        return np.asarray(z[:, None] == np.arange(categories), dtype=float)

    return Form(
        "table",
        categories,
        0,
        value=lambda z, theta: theta[z.astype(np.int64)],
        slope=lambda z, theta: np.zeros_like(z),
        gradient=gradient,
        grid=_no_grid,
        complexity=1,
    )
