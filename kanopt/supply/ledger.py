"""What follows from the flows of a plan: what places receive, send, keep, deliver and lack."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.supply.network import SupplyNetwork

TOLERANCE = 1e-6
"""Part of an amount (at least of one unit) by which a balance may miss it and still count as met."""


def slack(amount: Floats) -> Floats:
    """Return by how much a balance of this size may be missed."""
    return TOLERANCE * np.maximum(1.0, np.abs(np.where(np.isfinite(amount), amount, 0.0)))


@dataclass(frozen=True, eq=False)
class Ledger:
    """Flows and open sites as arrays, and what follows from them.

    Parameters
    ----------
    network
        Whose flows these are.
    demand
        Units wanted, shape (M, P, T).
    flows
        Units moved on each lane, shape (L, P, T).
    open
        Whether each facility is open in each period, shape (F, T).
    """

    network: SupplyNetwork
    demand: Floats
    flows: Floats
    open: NDArray[np.bool_]

    def _summed(self, nodes: NDArray[np.intp]) -> Floats:
        """Add the flows up by node, shape (N, P, T)."""
        totals = np.zeros((len(self.network.node_names), *self.network.shape[1:]))
        np.add.at(totals, nodes, self.flows)
        return totals

    @cached_property
    def received(self) -> Floats:
        """Units that enter each facility, shape (F, P, T)."""
        return self._summed(self.network.heads)[self.network.facility_nodes]

    @cached_property
    def shipped(self) -> Floats:
        """Units that leave each facility, shape (F, P, T)."""
        return self._summed(self.network.tails)[self.network.facility_nodes]

    @cached_property
    def stock(self) -> Floats:
        """Units kept at the end of each period, shape (F, P, T); negative where more leaves than there is.

        What is within the tolerance of zero is zero.
        """
        kept = np.cumsum(self.received - self.shipped, axis=2)
        throughput = np.cumsum(self.received, axis=2)
        return np.where(np.abs(kept) <= slack(throughput), 0.0, kept)

    @cached_property
    def delivered(self) -> Floats:
        """Units that reach each market, shape (M, P, T)."""
        return self._summed(self.network.heads)[self.network.market_nodes]

    @cached_property
    def shortage(self) -> Floats:
        """Units of demand not met, shape (M, P, T); zero where met within the tolerance."""
        missing = self.demand - self.delivered
        return np.where(missing > slack(self.demand), missing, 0.0)

    @cached_property
    def bought(self) -> Floats:
        """Units drawn on each offer, shape (O, P, T)."""
        drawn = self.network.lane_offer
        lanes, products = np.nonzero(drawn >= 0)
        totals = np.zeros((len(self.network.offers), *self.network.shape[1:]))
        np.add.at(totals, (drawn[lanes, products], products), self.flows[lanes, products])
        return totals

    @cached_property
    def in_use(self) -> NDArray[np.bool_]:
        """Whether anything enters, leaves or stays at each facility in each period, shape (F, T)."""
        moved = self.received + self.shipped + np.abs(self.stock)
        return np.asarray(moved.sum(axis=1) > TOLERANCE)


def sites_open(network: SupplyNetwork, flows: Floats) -> NDArray[np.bool_]:
    """Return the sites that must be open for flows, shape (F, T).

    A site without a period cost is open throughout or not at all.
    """
    nothing = np.zeros((len(network.markets), *network.shape[1:]))
    ledger = Ledger(network, nothing, flows, np.zeros((0, 0), dtype=bool))
    needed = ledger.in_use | network.has_status("open")[:, None]
    throughout = network.of_facilities("period_cost") == 0
    return np.asarray(np.where(throughout[:, None], needed.any(axis=1, keepdims=True), needed))
