"""Cheapest paths from suppliers to markets, through sites and over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.supply.network import Floats, Indices, SupplyNetwork

_SOURCE, _KEPT = -1, -2


@dataclass(frozen=True)
class PathStep:
    """One step of a path: a lane in a period, or a stay at a site until the next period.

    Parameters
    ----------
    lane
        Position of the lane; -1 for a stay.
    site
        Position among the facilities of the place of the stay; -1 for a lane.
    period
        Position of the period, for a stay of the earlier one.
    """

    lane: int
    site: int
    period: int


@dataclass(frozen=True, eq=False)
class CheapestPaths:
    """Cheapest paths to every node, for every product and period.

    Parameters
    ----------
    network
        The network of these paths.
    cost
        Money per unit, shape (N, P, T); infinite where no path leads.
    predecessors
        The lane of the last step, -2 for a stay, -1 at suppliers; same shape.
    """

    network: SupplyNetwork
    cost: Floats
    predecessors: Indices

    @property
    def to_markets(self) -> Floats:
        """Money per unit delivered, shape (M, P, T)."""
        return self.cost[self.network.market_nodes]

    def trace(self, market: int, product: int, period: int) -> tuple[PathStep, ...]:
        """Return the cheapest path to a market, first step first; empty where there is none."""
        first_site = self.network.facility_nodes.start
        node = self.network.market_nodes.start + market
        if not np.isfinite(self.cost[node, product, period]):
            return ()
        steps: list[PathStep] = []
        while (lane := int(self.predecessors[node, product, period])) != _SOURCE:
            if lane == _KEPT:
                period -= 1
                steps.append(PathStep(-1, node - first_site, period))
            else:
                steps.append(PathStep(lane, -1, period))
                node = int(self.network.tails[lane])
        return tuple(reversed(steps))


def cheapest_paths(network: SupplyNetwork, lane_cost: Floats, keep_cost: Floats) -> CheapestPaths:
    """Find the cheapest path to every node, capacities ignored.

    Bellman-Ford within each period, periods in order; lanes are relaxed together.

    Parameters
    ----------
    network
        The network.
    lane_cost
        Money per unit on each lane, not negative, shape (L, P, T); infinite where it must not be used.
    keep_cost
        Money per unit kept at a facility until the next period, shape (F, P, T); infinite where it cannot be.
    """
    shape = (len(network.node_names), *network.shape[1:])
    cost, before = np.full(shape, np.inf), np.full(shape, _SOURCE, dtype=np.intp)
    suppliers = slice(0, len(network.supplier_names))
    cost[suppliers] = np.where(network.offer_of >= 0, 0.0, np.inf)[:, :, None]
    sites = network.facility_nodes
    for period in range(shape[2]):
        if period:
            kept = cost[sites, :, period - 1] + keep_cost[:, :, period - 1]
            cost[sites, :, period] = kept
            before[sites, :, period] = np.where(np.isfinite(kept), _KEPT, _SOURCE)
        now, last = cost[:, :, period], before[:, :, period]
        # a cheapest path visits each site at most once
        for _ in range(len(network.facilities) + 1):
            if not _relax(network, lane_cost[:, :, period], now, last):
                break
    return CheapestPaths(network, cost, before)


def _relax(network: SupplyNetwork, lane_cost: Floats, now: Floats, last: NDArray[np.intp]) -> bool:
    """Use every lane once where that is cheaper; return whether it was anywhere. Changes `now` and `last`."""
    arriving = now[network.tails] + lane_cost
    best = np.full_like(now, np.inf)
    np.minimum.at(best, network.heads, arriving)
    better = best < now
    lanes, products = np.nonzero(better[network.heads] & (arriving == best[network.heads]))
    last[network.heads[lanes], products] = lanes
    now[better] = best[better]
    return bool(better.any())
