"""Which of many places for a client are worth a closer look."""

from __future__ import annotations

import numpy as np

from kanopt.problems.routing.data import Floats, Ints

__all__ = ["select_insertions"]

_TOLERANCE = 1e-6


def select_insertions(places: Ints, over: Floats, costs: Floats, sizes: tuple[int, int]) -> list[int]:
    """Return the places to check: all, or of those that exceed the same limits the best few.

    Parameters
    ----------
    places
        Positions to choose from.
    over, costs
        By how much each place exceeds limits, (places, limits), and what it costs.
    sizes
        So many are all checked; of more, so many for each way to be the best.
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
        # there are few ways to weigh tonnes against minutes that do not matter: the least of each, and of all
        shares = excess[same] / np.maximum(excess[same].max(axis=0), _TOLERANCE)
        for size in (*shares[:, shares.any(axis=0)].T, shares.sum(axis=1)):
            chosen.update(same[np.argsort(size, kind="stable")[:each]].tolist())
        chosen.update(same[:each].tolist())
    return [int(place) for place in order[sorted(chosen)]]
