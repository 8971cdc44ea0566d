"""A first plan of a supply problem, made without a solver: what can be served is, each market by its cheapest way."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.supply import SupplyProblem
from kanopt.problems.supply.augmentation import ways_with_room
from kanopt.problems.supply.cheapest_paths import CheapestPaths, PathStep
from kanopt.problems.supply.plan import FlowPlan
from kanopt.problems.supply.simulate import TOLERANCE, Ledger, sites_open
from kanopt.problems.supply.spare_capacity import SpareCapacity

Floats = NDArray[np.float64]


def first_plan(problem: SupplyProblem, seconds: float = np.inf) -> FlowPlan:
    """Return a plan that breaks no rule but, perhaps, leaves demand unmet.

    Sweeps over all demand that is not met, what must be delivered first and the largest first: each takes the cheapest
    way there was with room at the beginning of the sweep, and as much as still fits on it. The cost of a site that is
    not open yet is shared by what it could pass on. Demand that costs less unmet is left.

    Parameters
    ----------
    problem
        The problem.
    seconds
        After which no further sweep is begun; there is one at least.

    Examples
    --------
    >>> from kanopt.problems.supply import Facility, Lane, Market, Period, Product, Supplier
    >>> problem = SupplyProblem(
    ...     suppliers=[Supplier("mill", "flour", capacity=15.0)], markets=[Market("Lyon")],
    ...     products=[Product("flour")], periods=[Period("1")], lanes=[Lane("mill", "Lyon")], tariff=1.0, demand=20.0,
    ... )
    >>> first_plan(problem).flows[0].quantity
    15.0
    """
    network = problem.network
    began, flows = time.perf_counter(), np.zeros(network.shape)
    opened = np.repeat(network.has_status("open")[:, None], network.shape[2], axis=1)
    most = np.minimum(network.of_facilities("capacity"), max(1.0, float(problem.demand_array.sum())))
    share = np.maximum(most, TOLERANCE)[:, None] * network.shape[2]
    while True:
        ledger = Ledger(network, problem.demand_array, flows, opened)
        spare = SpareCapacity(problem, ledger)
        sweep = _Sweep(problem, spare, ways_with_room(problem, spare, share))
        if not sweep.run():
            return problem.plan_of(flows, opened)
        flows = flows + sweep.added
        opened = opened | sites_open(network, Ledger(network, problem.demand_array, flows, opened))
        if time.perf_counter() - began > seconds:
            return problem.plan_of(flows, opened)


class _Sweep:
    """One sweep over the demand that is not met, and the room that is left while it goes on."""

    def __init__(self, problem: SupplyProblem, spare: SpareCapacity, ways: CheapestPaths) -> None:
        self.network, self.ways, self.added = problem.network, ways, np.zeros(problem.network.shape)
        self.shortage = spare.ledger.shortage
        self.rooms = {
            "lane": spare.lanes.copy(),
            "offer": spare.offers.copy(),
            "in": spare.inbound.copy(),
            "out": spare.outbound.copy(),
            "store": spare.storage.copy(),
        }

    def run(self) -> bool:
        """Send what fits; return whether anything did."""
        network = self.network
        worth = self.ways.to_markets < network.shortage_cost[None, :, None]
        cells = np.argwhere((self.shortage > 0) & worth)
        size = self.shortage[tuple(cells.T)]
        optional = np.isfinite(network.shortage_cost)[cells[:, 1]]
        sent = False
        for place in np.lexsort((-size, optional)).tolist():
            market, product, period = cells[place].tolist()
            sent |= self._send(self.ways.trace(market, product, period), product, float(size[place]))
        return sent

    def _send(self, steps: tuple[PathStep, ...], product: int, wanted: float) -> bool:
        limits = [limit for step in steps for limit in self._limits(step, product)]
        amount = min([wanted, *(self.rooms[kind][place] / each for kind, place, each in limits)])
        if amount <= TOLERANCE * min(1.0, wanted):
            return False
        for kind, place, each in limits:
            self.rooms[kind][place] -= amount * each
        for step in steps:
            if step.lane >= 0:
                self.added[step.lane, product, step.period] += amount
        return True

    def _limits(self, step: PathStep, product: int) -> list[tuple[str, tuple[int, int], float]]:
        """Return the rooms that a step draws on, and how much of each one unit takes."""
        network, weight, when = self.network, float(self.network.weights[product]), step.period
        if step.lane < 0:
            return [("store", (step.site, when), weight)]
        found = [("lane", (step.lane, when), weight)]
        first, stop = network.facility_nodes.start, network.facility_nodes.stop
        tail, head = int(network.tails[step.lane]), int(network.heads[step.lane])
        if tail < first:
            found.append(("offer", (int(network.lane_offer[step.lane, product]), when), 1.0))
        else:
            found.append(("out", (tail - first, when), weight))
        if head < stop:
            found.append(("in", (head - first, when), weight))
        return found
