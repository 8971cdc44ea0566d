"""Split conformal intervals: how far new rows stray, from rows the model has not seen."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError

__all__ = ["conformal_ends"]

Floats = NDArray[np.float64]


def conformal_ends(residuals: Floats, coverage: float) -> tuple[float, float]:
    """Return the residuals between which a new one falls with probability `coverage` at least.

    With n residuals in order, the ends are those of ranks ⌊(n + 1) α / 2⌋ and ⌈(n + 1) (1 − α / 2)⌉, α being
    1 − coverage (Lei et al. 2018, JASA 113, section 2.2, for each side): exact in finite samples if a new row is
    exchangeable with these.

    Raises
    ------
    FitError
        For fewer residuals than the ranks need.

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
