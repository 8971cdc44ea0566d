"""What a plan lacks, added to it by ways that still have room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.supply.cheapest_paths import CheapestPaths
from kanopt.problems.supply.network import Floats
from kanopt.problems.supply.simulate import Ledger, sites_open
from kanopt.problems.supply.spare_capacity import SpareCapacity, paths_through

if TYPE_CHECKING:
    from kanopt.problems.supply.problem import SupplyProblem

_MOST_STEPS = 200
"""Each looks for cheapest paths once more; a plan that lacks more is far from one that anybody would complete."""


def with_demand_met(problem: SupplyProblem, ledger: Ledger, wanted: NDArray[np.bool_]) -> Ledger | None:
    """Return a plan that also meets some demand, what the plan moves unchanged; None where none was found.

    The demand of one market, product and period after the other takes the cheapest way with room, sites that it opens
    at their cost: that is a plan, though not always the cheapest one.

    Parameters
    ----------
    ledger
        The plan.
    wanted
        Whose shortage must be met, shape (M, P, T).
    """
    now = ledger
    for _ in range(_MOST_STEPS):
        missing = np.argwhere((now.shortage > 0) & wanted)
        if not len(missing):
            return now
        market, product, period = (int(place) for place in missing[0])
        added = _one_more_way(problem, now, (market, product, period))
        if added is None:
            return None
        now = added
    return None


def _one_more_way(problem: SupplyProblem, ledger: Ledger, cell: tuple[int, int, int]) -> Ledger | None:
    """Move what fits by the cheapest way with room to one market."""
    spare, shortage = SpareCapacity(problem, ledger), float(ledger.shortage[cell])
    steps = ways_with_room(problem, spare, shortage).trace(*cell)
    if not steps:
        return None
    limits = [limit for step in steps for limit in spare.limits(step, cell[1])]
    amount = min([shortage, *(limit.spare / limit.per_unit for limit in limits)])
    flows = ledger.flows.copy()
    for step in steps:
        if step.lane >= 0:
            flows[step.lane, cell[1], step.period] += amount
    moved = Ledger(ledger.network, ledger.demand, flows, ledger.open)
    return Ledger(ledger.network, ledger.demand, flows, ledger.open | sites_open(ledger.network, moved))


def ways_with_room(problem: SupplyProblem, spare: SpareCapacity, amount: float | Floats) -> CheapestPaths:
    """Return the cheapest paths where no capacity is full, the cost of sites that they open shared by an amount.

    Parameters
    ----------
    problem
        The problem.
    spare
        What room there is.
    amount
        Units that share the cost, or those of each site, shape (F, 1).
    """
    network, opened = problem.network, spare.ledger.open
    full_lanes, full_stores = spare.full_on_lanes, spare.full_stores
    first = np.where(opened.any(axis=1), 0.0, network.of_facilities("fixed_cost"))
    opening = np.zeros((len(network.node_names), network.shape[2]))
    by_period = np.where(opened, 0.0, network.of_facilities("period_cost")[:, None])
    opening[network.facility_nodes] = (first[:, None] + by_period) / amount
    return paths_through(
        problem,
        np.repeat(~network.has_status("closed")[:, None], network.shape[2], axis=1),
        np.where(full_lanes > 0, np.inf, opening[network.heads][:, None, :]),
        _blocked(full_stores)[:, None, :],
    )


def _blocked(full: NDArray[np.bool_]) -> Floats:
    return np.where(full, np.inf, 0.0)
