"""The optimum of a small network with concave tariffs, by trying everything an optimum can look like."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

import kanopt as ko

Floats = NDArray[np.float64]


def concave_optimum(problem: ko.SupplyProblem) -> float:
    """Return the least price of one plant, sites and markets, one product and period, all demand to be met.

    A concave price is least at a corner of the polytope of flows. At a corner every market is supplied from one site,
    but for as many further ways as there are sites that pass on all they can: so that each set of full sites, and each
    choice of a site for every market and of as many markets to be shared, is tried.
    """
    network = problem.network
    sites, markets = len(network.facilities), len(network.markets)
    demand = problem.demand_array[:, 0, 0]
    capacity, fixed = network.of_facilities("capacity"), network.of_facilities("fixed_cost")
    single = np.array(list(itertools.product(range(sites), repeat=markets)))
    best = np.inf
    for extra in range(sites):
        for shared in itertools.combinations_with_replacement(range(markets), extra):
            for others in itertools.product(range(sites), repeat=extra):
                for full in itertools.permutations(range(sites), extra):
                    flows = _flows(single, demand, capacity, list(zip(shared, others, full, strict=True)))
                    best = min(best, _price(problem, flows, capacity, fixed))
    return best


def _flows(
    single: NDArray[np.intp], demand: Floats, capacity: Floats, shares: list[tuple[int, int, int]]
) -> Floats:
    """Return flows from sites to markets, shape (n, F, M): each market's site sends all, but for what is shared.

    Of a shared market, another site sends what fills one of the sites; the amounts solve a small linear system.
    """
    count, markets = single.shape
    sites = len(capacity)
    flows = np.zeros((count, sites, markets))
    flows[np.arange(count)[:, None], single, np.arange(markets)] = demand
    if not shares:
        return flows
    load = flows.sum(axis=2)
    size = len(shares)
    system, right = np.zeros((count, size, size)), np.zeros((count, size))
    for row, (_, _, full) in enumerate(shares):
        right[:, row] = capacity[full] - load[:, full]
        for column, (market, other, _) in enumerate(shares):
            system[:, row, column] = float(other == full) - (single[:, market] == full)
    good = np.abs(np.linalg.det(system)) > 0.5
    amounts = np.full((count, size), np.nan)
    amounts[good] = np.linalg.solve(system[good], right[good][:, :, None])[:, :, 0]
    for column, (market, other, _) in enumerate(shares):
        flows[:, other, market] += amounts[:, column]
        flows[np.arange(count), single[:, market], market] -= amounts[:, column]
    return flows


def _price(problem: ko.SupplyProblem, flows: Floats, capacity: Floats, fixed: Floats) -> float:
    """Return the least price of those flows that break no rule."""
    rounded = np.where(np.abs(flows) < 1e-9, 0.0, flows)
    load = rounded.sum(axis=2)
    fits = (rounded >= 0).all(axis=(1, 2)) & (load <= capacity + 1e-9).all(axis=1)
    rounded, load = rounded[fits], load[fits]
    if not len(rounded):
        return float("inf")
    km = problem.network.distances
    sites = len(capacity)
    inbound, outbound = km[:sites], km[sites:].reshape(sites, -1)

    def law(distance: Floats, amount: Floats) -> Floats:
        return np.where(amount > 0, 60 + 1.1 * distance**0.9 * amount**0.6, 0.0)

    price = law(inbound, load).sum(axis=1) + law(outbound, rounded).sum(axis=(1, 2)) + (load > 0) @ fixed
    return float(price.min())
