"""The forms that are tabulated, not written: curves, periodic curves, and tables of categories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kanopt.kan import cubic
from kanopt.kan.description import evaluate_periodic, evaluate_spline
from kanopt.surrogates.distill.forms import Form

__all__ = ["TABULATED", "curve_form", "cycle_form", "table_form"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

TABULATED = frozenset({"curve", "cycle", "table"})
"""Names of the forms of this module."""


def _no_grid(low: float, high: float) -> list[Sequence[float]]:
    return [()]


def curve_form(lower: float, upper: float, grid_size: int) -> Form:
    """Return the form "uniform cubic B-spline on [lower, upper]", linear outside; θ are its coefficients."""

    def pieces(z: Array) -> tuple[Integers, Array, Array]:
        position = (z - lower) * (grid_size / (upper - lower))
        inside = np.clip(position, 0.0, grid_size)
        first = np.minimum(np.nan_to_num(inside).astype(np.int64), grid_size - 1)
        return first, inside - first, position - inside

    def gradient(z: Array, theta: Array) -> Array:
        first, u, beyond = pieces(z)
        basis = np.zeros((len(z), grid_size + 3))
        rows = np.arange(len(z))
        for k, (value, slope) in enumerate(zip(cubic.values(u), cubic.slopes(u), strict=True)):
            basis[rows, first + k] = value + beyond * slope
        return basis

    def slope(z: Array, theta: Array) -> Array:
        first, u, _ = pieces(z)
        taken = theta[first[:, None] + np.arange(4)]
        per_cell = np.stack(cubic.slopes(u), axis=-1)
        return np.asarray(np.sum(taken * per_cell, axis=-1) * grid_size / (upper - lower))

    return Form(
        "curve",
        grid_size + 3,
        0,
        value=lambda z, theta: evaluate_spline(z, lower, upper, theta),
        slope=slope,
        gradient=gradient,
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

    def pieces(z: Array) -> tuple[Integers, Array]:
        position = np.mod(z, 1.0) * grid_size
        first = np.minimum(position.astype(np.int64), grid_size - 1)
        return (first[:, None] + np.arange(-1, 3)) % grid_size, position - first

    def gradient(z: Array, theta: Array) -> Array:
        places, u = pieces(z)
        basis = np.zeros((len(z), grid_size))
        rows = np.arange(len(z))
        # added, not set: on fewer than four cells one function meets itself on the way round
        for k, value in enumerate(cubic.values(u)):
            basis[rows, places[:, k]] += value
        return basis

    def slope(z: Array, theta: Array) -> Array:
        places, u = pieces(z)
        per_cell = np.stack(cubic.slopes(u), axis=-1)
        return np.asarray(np.sum(theta[places] * per_cell, axis=-1) * grid_size)

    return Form(
        "cycle",
        grid_size,
        0,
        value=lambda z, theta: evaluate_periodic(z, theta),
        slope=slope,
        gradient=gradient,
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
