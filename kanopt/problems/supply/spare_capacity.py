"""Spare capacities of a plan, and the paths that would use them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.supply.cheapest_paths import CheapestPaths, PathStep, cheapest_paths
from kanopt.problems.supply.network import Floats
from kanopt.problems.supply.simulate import Ledger, slack

if TYPE_CHECKING:
    from kanopt.problems.supply.problem import SupplyProblem


@dataclass(frozen=True)
class CapacityLimit:
    """A capacity on a path.

    Parameters
    ----------
    resource, period
        Such as ``"throughput of north"``, and the name of the period.
    capacity, spare
        The capacity, and how much of it the plan does not use, in `unit`.
    unit
        What both are counted in.
    per_unit
        How much of it one unit of the product takes.
    """

    resource: str
    period: str
    capacity: float
    spare: float
    unit: str
    per_unit: float

    @property
    def label(self) -> str:
        """What it is and when, such as ``"throughput of north in period 2"``."""
        return f"{self.resource} in period {self.period}"

    @property
    def is_full(self) -> bool:
        """Whether the plan uses all of it."""
        return bool(self.spare <= slack(np.array(self.capacity)))


def lane_cost(problem: SupplyProblem) -> Floats:
    """Return money per unit moved: tariff at planning values, purchase and handling, shape (L, P, T)."""
    network = problem.network
    handling = np.zeros(len(network.node_names))
    handling[network.facility_nodes] = network.of_facilities("handling_cost")
    per_unit = network.purchase_cost + handling[network.heads][:, None]
    return np.where(network.can_carry[:, :, None], problem.lane_tariff.rates + per_unit[:, :, None], np.inf)


def paths_through(
    problem: SupplyProblem,
    usable: NDArray[np.bool_],
    extra_lane: Floats | None = None,
    extra_keep: Floats | None = None,
) -> CheapestPaths:
    """Return the cheapest paths through the usable sites, capacities ignored.

    Parameters
    ----------
    usable
        Which facilities may be used in which period, shape (F, T).
    extra_lane, extra_keep
        Added to the cost of lanes, shape (L, P, T), and of stocks, shape (F, P, T).
    """
    network = problem.network
    at_node = np.ones((len(network.node_names), network.shape[2]), dtype=bool)
    at_node[network.facility_nodes] = usable & (network.of_facilities("capacity") > 0)[:, None]
    passable = at_node[network.tails] & at_node[network.heads] & (network.lane_capacity > 0)[:, None]
    moved = lane_cost(problem) + (0.0 if extra_lane is None else extra_lane)
    may_keep = usable & (network.of_facilities("storage") > 0)[:, None]
    holding = network.of_facilities("holding_cost")[:, None, None]
    kept = holding + (np.zeros((1, *network.shape[1:])) if extra_keep is None else extra_keep)
    return cheapest_paths(
        network,
        np.where(passable[:, None, :], moved, np.inf),
        np.where(may_keep[:, None, :], kept, np.inf),
    )


@dataclass(frozen=True, eq=False)
class SpareCapacity:
    """The spare part of every capacity of a plan.

    Parameters
    ----------
    problem, ledger
        The problem and the plan's flows.
    """

    problem: SupplyProblem
    ledger: Ledger

    def _remaining(self, amounts: Floats, limits: Floats) -> Floats:
        """Return the unused part of limits of shape (n,), in weight, shape (n, T)."""
        spare: Floats = limits[:, None] - np.einsum("npt,p->nt", amounts, self.problem.network.weights)
        return spare

    @cached_property
    def lanes(self) -> Floats:
        """Weight left on each lane, shape (L, T)."""
        return self._remaining(self.ledger.flows, self.problem.network.lane_capacity)

    @cached_property
    def inbound(self) -> Floats:
        """Weight that may still enter each facility, shape (F, T)."""
        return self._remaining(self.ledger.received, self.problem.network.of_facilities("capacity"))

    @cached_property
    def outbound(self) -> Floats:
        """Weight that may still leave each facility, shape (F, T)."""
        return self._remaining(self.ledger.shipped, self.problem.network.of_facilities("capacity"))

    @cached_property
    def storage(self) -> Floats:
        """Weight that may still be kept at each facility, shape (F, T)."""
        return self._remaining(self.ledger.stock, self.problem.network.of_facilities("storage"))

    @cached_property
    def offers(self) -> Floats:
        """Units left of each offer, shape (O, T)."""
        limits = np.array([offer.capacity for offer in self.problem.network.offers])
        spare: Floats = limits[:, None] - self.ledger.bought.sum(axis=1)
        return spare

    def limits(self, step: PathStep, product: int) -> list[CapacityLimit]:
        """Return every finite capacity that one more unit of a product would use on a step."""
        network, units = self.problem.network, self.problem.units
        weight, when = float(network.weights[product]), network.period_names[step.period]
        if step.lane < 0:
            site = network.facilities[step.site]
            spare = float(self.storage[step.site, step.period])
            found = [
                CapacityLimit(f"storage of {site.name}", when, site.storage, spare, units.weight, weight)
            ]
            return [limit for limit in found if np.isfinite(limit.capacity)]
        lane, first = network.lanes[step.lane], network.facility_nodes.start
        found = []
        offer = int(network.lane_offer[step.lane, product])
        if offer >= 0:
            most, spare = network.offers[offer].capacity, float(self.offers[offer, step.period])
            found.append(CapacityLimit(f"supply of {lane.tail}", when, most, spare, units.quantity, 1.0))
        spare = float(self.lanes[step.lane, step.period])
        found.append(CapacityLimit(f"lane {lane.name}", when, lane.capacity, spare, units.weight, weight))
        for node, throughput in (
            (network.tails[step.lane], self.outbound),
            (network.heads[step.lane], self.inbound),
        ):
            if first <= node < network.facility_nodes.stop:
                site = network.facilities[node - first]
                spare = float(throughput[node - first, step.period])
                what = f"throughput of {site.name}"
                found.append(CapacityLimit(what, when, site.capacity, spare, units.weight, weight))
        return [limit for limit in found if np.isfinite(limit.capacity)]

    @cached_property
    def least_full_paths(self) -> CheapestPaths:
        """The paths through open sites with the fewest full capacities, the cheapest among these."""
        most = paths_through(self.problem, self.ledger.open).cost
        step = 1.0 + float(np.max(most, initial=0.0, where=np.isfinite(most)))
        stored = self.full_stores.astype(float)
        return paths_through(
            self.problem, self.ledger.open, step * self.full_on_lanes, step * stored[:, None, :]
        )

    @cached_property
    def full_on_lanes(self) -> Floats:
        """How many capacities are full on each lane, those of its supplier and sites too, shape (L, P, T)."""
        network = self.problem.network
        full_lane = self._full(self.lanes, network.lane_capacity).astype(float)
        at_tail, at_head = (np.zeros((len(network.node_names), network.shape[2])) for _ in range(2))
        capacity = network.of_facilities("capacity")
        at_tail[network.facility_nodes] = self._full(self.outbound, capacity)
        at_head[network.facility_nodes] = self._full(self.inbound, capacity)
        by_lane = full_lane + at_tail[network.tails] + at_head[network.heads]
        limits = np.array([offer.capacity for offer in network.offers])
        by_offer = np.concatenate(
            [self._full(self.offers, limits), np.zeros((1, network.shape[2]), dtype=bool)]
        )
        counted: Floats = by_lane[:, None, :] + by_offer[network.lane_offer]
        return counted

    @cached_property
    def full_stores(self) -> NDArray[np.bool_]:
        """Whether the storage of each facility is full, shape (F, T)."""
        return self._full(self.storage, self.problem.network.of_facilities("storage"))

    @staticmethod
    def _full(spare: Floats, limits: Floats) -> NDArray[np.bool_]:
        return np.asarray(spare <= slack(limits)[:, None])
