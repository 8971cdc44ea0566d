"""Demand that exceeds sums of capacities and so cannot be met by any plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.supply.network import Floats
from kanopt.problems.supply.simulate import slack

if TYPE_CHECKING:
    from kanopt.problems.supply.problem import SupplyProblem


@dataclass(frozen=True, eq=False)
class CapacityGaps:
    """By how much demand exceeds what can be supplied, whatever the plan; zero where it does not.

    Parameters
    ----------
    supply
        Units of each product that suppliers lack, shape (P, T).
    sites
        Weight that sites, all of them open that may be, cannot pass on, shape (T,).
    lanes
        Weight that the lanes into each market cannot carry, shape (M, T).
    from_start
        Whether supply and sites are counted from the first period on, because stock can be kept.
    """

    supply: Floats
    sites: Floats
    lanes: Floats
    from_start: bool

    def when(self, period: str) -> str:
        """Word the time over which supply and sites are summed."""
        return f"by the end of period {period}" if self.from_start else f"in period {period}"


def capacity_gaps(problem: SupplyProblem, demand: Floats) -> CapacityGaps:
    """Compare demand, shape (M, P, T), with the sums of capacities.

    Each is a necessary condition: demand beyond it is not met by any plan.
    """
    network = problem.network
    periods = network.shape[2]
    open_ = ~network.has_status("closed")
    from_start = bool((network.of_facilities("storage")[open_] > 0).any())

    def gap(wanted: Floats, per_period: Floats) -> Floats:
        available = np.broadcast_to(per_period[..., None], wanted.shape)
        if from_start:
            wanted, available = np.cumsum(wanted, axis=-1), np.cumsum(available, axis=-1)
        missing = wanted - available
        return np.where(missing > slack(wanted), missing, 0.0)

    supply = np.zeros(network.shape[1])
    for offer in network.offers:
        which = network.product_names.index(offer.product) if offer.product else slice(None)
        supply[which] += offer.capacity
    weight = np.einsum("mpt,p->mt", demand, network.weights)
    into = np.zeros(len(network.node_names))
    np.add.at(into, network.heads, network.lane_capacity)
    missing = weight - into[network.market_nodes][:, None]
    direct = (network.tails < network.facility_nodes.start) & (network.heads >= network.market_nodes.start)
    through = np.inf if direct.any() else float(network.of_facilities("capacity")[open_].sum())
    return CapacityGaps(
        supply=gap(demand.sum(axis=0), supply),
        sites=gap(weight.sum(axis=0), np.array(through)).reshape(periods),
        lanes=np.where(missing > slack(weight), missing, 0.0),
        from_start=from_start,
    )
