"""Which clients may well follow each other: neighbours in price, time and window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.arc_blocks import tail_blocks
from kanopt.array_types import Floats
from kanopt.routing.data import RoutingData

MOST_NEAR = 40
"""Neighbours of a client, the size of granular neighbourhoods (Toth and Vigo 2003) in PyVRP and HGS-CVRP."""


def nearest_clients(data: RoutingData, price: Floats, minutes: Floats) -> NDArray[np.int32]:
    """Return for each node the clients that are best visited next to it, the nearest first.

    Parameters
    ----------
    data
        Windows and service times.
    price, minutes
        Price and travel time of each arc, at the least over the vehicle types; (n, n).

    Returns
    -------
    array
        Nodes; (n, most near), or as many clients as there are but one.
    """
    service = data.service_times.least.min(axis=0)
    due = np.where(data.has_soft_window, np.inf, data.latest)
    apart = np.where(np.isfinite(price), price, np.inf) / _typical(price)
    with np.errstate(invalid="ignore"):
        ready = data.earliest[:, None] + service[:, None] + minutes
        apart += np.where(ready > due[None, :], np.inf, 0.0)
        wait = np.fmax(data.earliest[None, :] - (due[:, None] + service[:, None] + minutes), 0.0)
    apart += np.nan_to_num(wait / _typical(minutes), nan=0.0, posinf=0.0)
    np.minimum(apart, apart.T, out=apart)
    np.fill_diagonal(apart, np.inf)
    clients = np.arange(len(data.depots), len(data.names))
    count = max(0, min(MOST_NEAR, len(clients) - 1))
    # sorted some rows at a time: places take as much memory as prices
    order = np.concatenate(
        [
            np.argsort(apart[tails][:, clients], axis=1, kind="stable")[:, :count]
            for tails in tail_blocks(np.arange(len(data.names)), len(data.names))
        ]
    )
    near: NDArray[np.int32] = clients[order].astype(np.int32).reshape(len(data.names), count)
    return near


def _typical(values: Floats) -> float:
    known = values[np.isfinite(values) & (values > 0)]
    return float(np.median(known)) if known.size else 1.0
