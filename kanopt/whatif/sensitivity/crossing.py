"""Where one of two plans becomes the better one, by exact prices."""

from __future__ import annotations

import math
from collections.abc import Callable


def crossing(
    difference: Callable[[float], float], low: float, high: float, tolerance: float
) -> tuple[float, float]:
    """Return an interval at whose ends a difference has other signs, no wider than a tolerance.

    Rounds of a secant, a point just beyond it, and the middle: few values where the difference is smooth, and a third
    of bisection's speed at worst, where it jumps or is infinite.

    Parameters
    ----------
    difference
        Below zero or zero at `low`, above zero at `high`.
    low, high
        Where it is searched.
    tolerance
        The width of the interval.

    Returns
    -------
    low, high
        The ends: the difference is zero or below at the first, above zero at the second.

    Examples
    --------
    >>> low, high = crossing(lambda x: x * x - 2, 0.0, 2.0, 1e-9)
    >>> low <= 2**0.5 <= high <= low + 1e-9
    True
    >>> asked = []
    >>> low, high = crossing(lambda x: asked.append(x) or 3 * x - 1, 0.0, 1.0, 1e-9)
    >>> round(high, 8), len(asked) < 8
    (0.33333333, True)
    """
    ends = {low: difference(low), high: difference(high)}
    rounds = 0
    while high - low > tolerance:
        x = 0.5 * (low + high)
        rise = ends[high] - ends[low]
        if rounds % 3 < 2 and math.isfinite(rise) and rise > 0:
            x = low + (high - low) * -ends[low] / rise
            # the first try just below the secant and the second just above it take it between them
            x += (-0.4, 0.4)[rounds % 3] * tolerance
            x = min(max(x, low + 0.25 * tolerance), high - 0.25 * tolerance)
        if not low < x < high:
            break
        ends[x] = difference(x)
        if ends[x] <= 0:
            low = x
        else:
            high = x
        rounds += 1
    return low, high
