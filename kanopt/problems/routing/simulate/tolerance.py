"""By how much values may pass limits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ABSOLUTE, _RELATIVE = 1e-6, 1e-9


def exceeds(value: float, limit: float) -> bool:
    """Say whether a value passes a limit by more than the noise of floating-point sums.

    Examples
    --------
    >>> exceeds(0.1 + 0.2, 0.3), exceeds(0.31, 0.3)
    (False, True)
    """
    return bool(value > limit + _ABSOLUTE * min(1.0, max(abs(limit), 1e-3)) + _RELATIVE * abs(limit))


def slack(limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much values may pass limits before they exceed them; an infinite limit has none.

    Examples
    --------
    >>> slack(np.array([5.0, np.inf]))
    array([1.005e-06, 0.000e+00])
    """
    size = np.where(np.isfinite(limits), np.abs(limits), 0.0)
    return np.asarray(
        np.where(np.isfinite(limits), _ABSOLUTE * np.minimum(1.0, np.maximum(size, 1e-3)), 0.0)
        + _RELATIVE * size
    )
