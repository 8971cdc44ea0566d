"""Conformal prediction intervals, from calibration rows or from leave-one-out residuals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError

__all__ = ["conformal_ends", "left_out_ends"]

Floats = NDArray[np.float64]


def conformal_ends(residuals: Floats, coverage: float) -> tuple[float, float]:
    """Return the residuals between which a new one falls with probability at least `coverage`.

    With n residuals in order, the ends are those of ranks ⌊(n + 1) α / 2⌋ and ⌈(n + 1) (1 − α / 2)⌉, α being
    1 − coverage (Lei et al. 2018, JASA 113, section 2.2, for each side): exact in finite samples if a new row is
    exchangeable with these.

    Raises
    ------
    FitError
        If there are too few residuals for the coverage.

    Examples
    --------
    >>> conformal_ends(np.arange(1.0, 20.0), 0.9)
    (1.0, 19.0)
    """
    count = len(residuals)
    tail = 0.5 * (1.0 - coverage)
    low = math.floor((count + 1) * tail + 1e-9)
    high = math.ceil((count + 1) * (1.0 - tail) - 1e-9)
    if low < 1 or high > count:
        need = math.ceil(1.0 / tail - 1e-9) - 1
        raise FitError(
            f"coverage={coverage:g} needs at least {need} calibration rows, there are {count}; pass more, or ask "
            "for less"
        )
    ordered = np.sort(residuals)
    return float(ordered[low - 1]), float(ordered[high - 1])


def left_out_ends(residuals: Floats, weights: Floats, coverage: float) -> tuple[float, float]:
    """Return the residuals between which that of a new row falls with probability `coverage`.

    The ends are quantiles of the leave-one-out residuals, (1 − coverage) / 2 from each side, with the finite-sample
    ranks of conformal prediction (Lei et al. 2018, JASA 113; leave-one-out residuals instead of a held-out half as in
    Barber et al. 2021, Ann. Stat. 49).

    Parameters
    ----------
    residuals
        Leave-one-out residuals, sorted; (n,).
    weights
        Number of rows each represents, (n,).
    coverage
        Probability of coverage.

    Examples
    --------
    >>> left_out_ends(np.arange(1.0, 20.0), np.ones(19), 0.9)
    (1.0, 19.0)
    """
    mass = np.cumsum(weights)
    tail = 0.5 * (1.0 - coverage) * (mass[-1] + 1.0)
    last = len(residuals) - 1
    lower = max(int(np.searchsorted(mass, tail * (1.0 + 1e-12), side="right")) - 1, 0)
    upper = np.searchsorted(mass, min(mass[-1] + 1.0 - tail, mass[-1]), side="left")
    return float(residuals[min(lower, last)]), float(residuals[min(int(upper), last)])
