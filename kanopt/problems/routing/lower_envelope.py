"""The greatest function that never falls below a given one: what FIFO leaves of an arrival function."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["lower_envelope"]

Floats = NDArray[np.float64]


def lower_envelope(leave: Floats, arrive: Floats) -> tuple[Floats, Floats]:
    """Return the points of ``min over t' ≥ t of arrive(t')``, the least arrival of leaving at t or later.

    Parameters
    ----------
    leave, arrive
        Points of a piecewise-linear function, `leave` never falling; shape (k,). After the last point it rises.

    Examples
    --------
    >>> leave, arrive = lower_envelope(np.array([0.0, 10.0, 10.0, 20.0]), np.array([8.0, 18.0, 13.0, 23.0]))
    >>> leave.tolist(), arrive.tolist()
    ([0.0, 5.0, 10.0, 20.0], [8.0, 13.0, 13.0, 23.0])
    """
    least = np.minimum.accumulate(arrive[::-1])[::-1]
    x, y = [float(leave[-1])], [float(least[-1])]
    for place in range(len(leave) - 2, -1, -1):
        level, rise = y[-1], float(arrive[place + 1] - arrive[place])
        if arrive[place] < level < arrive[place + 1]:
            # the piece climbs past what a later hour offers: from there on one waits for that
            width = float(leave[place + 1] - leave[place])
            x.append(float(leave[place]) + width * (level - float(arrive[place])) / rise)
            y.append(level)
        x.append(float(leave[place]))
        y.append(float(least[place]))
    points = np.array([x[::-1], y[::-1]])
    # a point twice is one point
    new = np.append(True, (np.diff(points, axis=1) != 0).any(axis=0))
    kept = points[:, new]
    return kept[0], kept[1]
