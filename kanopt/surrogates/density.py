"""Weighted quantiles, and a heavy-tailed density of residuals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["FREEDOM", "student_density", "weighted_quantile"]

Floats = NDArray[np.float64]
FREEDOM = 5.0
"""Degrees of freedom of the residuals' t distribution."""


def weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """Return the weighted quantile at level `share`; a row of weight k counts as k rows."""
    order = np.argsort(values)
    mass = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(mass, share * mass[-1])])


def student_density(error: Floats, weights: Floats, least: float) -> tuple[float, Floats]:
    """Fit the scale of a t distribution by maximum likelihood; return it and the log density of every error.

    The fixed point is the EM step of Lange, Little and Taylor (1989, JASA 84, eq. 3). Additive constants are omitted.
    """
    squares = error**2
    variance = max(float(np.average(squares, weights=weights)), least**2)
    for _ in range(30):
        pull = (FREEDOM + 1.0) / (FREEDOM + squares / variance)
        variance = max(float(np.average(pull * squares, weights=weights)), least**2)
    density = -0.5 * np.log(variance) - 0.5 * (FREEDOM + 1.0) * np.log1p(squares / (FREEDOM * variance))
    return float(np.sqrt(variance)), density
