"""Selection of the insertions of a client that are checked."""

from __future__ import annotations

import numpy as np

from kanopt.problems.routing.data import Floats, Ints

_TOLERANCE = 1e-6


def select_insertions(places: Ints, over: Floats, costs: Floats, sizes: tuple[int, int]) -> list[int]:
    """Return the insertions to check: all, or the best few of those that exceed the same limits.

    Parameters
    ----------
    places
        Positions to choose from.
    over, costs
        By how much each insertion exceeds limits, (places, limits), and what it costs.
    sizes
        Up to how many are all checked; and how many are chosen by each criterion where there are more.
    """
    most, each = sizes
    order = places[np.argsort(np.round(costs[places], 9), kind="stable")]
    order = order[np.isfinite(costs[order])]
    if len(order) <= most:
        return [int(place) for place in order]
    excess = over[order]
    limits = (excess > _TOLERANCE) @ (1 << np.arange(over.shape[1]))
    chosen: set[int] = set()
    for kind in np.unique(limits):
        same = np.flatnonzero(limits == kind)
        # excesses have no common unit: take the least by each limit, and by the sum of shares
        shares = excess[same] / np.maximum(excess[same].max(axis=0), _TOLERANCE)
        for size in (*shares[:, shares.any(axis=0)].T, shares.sum(axis=1)):
            chosen.update(same[np.argsort(size, kind="stable")[:each]].tolist())
        chosen.update(same[:each].tolist())
    return [int(place) for place in order[sorted(chosen)]]
