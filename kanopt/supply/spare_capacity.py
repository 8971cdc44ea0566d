"""Spare capacities of a plan, and the paths that would use them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Indices
from kanopt.supply.network import SupplyNetwork
from kanopt.supply.plan import TOLERANCE, FlowPlan, Ledger, sites_open, slack
from kanopt.supply.problem import SupplyProblem
from kanopt.supply.simulate import orders_too_small

_SOURCE, _KEPT = -1, -2


class PathStep(NamedTuple):
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


class Draw(NamedTuple):
    """How much of a capacity a unit moved takes: kind as in :attr:`SupplyNetwork.limits`, place and period."""

    kind: str
    place: tuple[int, int]
    each: float


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
        steps: list[PathStep] = []
        while (lane := int(self.predecessors[node, product, period])) != _SOURCE:
            if lane == _KEPT:
                period -= 1
                steps.append(PathStep(-1, node - first_site, period))
            else:
                steps.append(PathStep(lane, -1, period))
                node = int(self.network.tails[lane])
        return tuple(reversed(steps))


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
    extra_lane: Floats | float = 0.0,
    extra_keep: Floats | float = 0.0,
    *,
    from_stock: bool = False,
) -> CheapestPaths:
    """Return the cheapest paths to every node through the usable sites, capacities ignored.

    Bellman-Ford within each period, periods in order; lanes are relaxed together.

    Parameters
    ----------
    usable
        Which facilities may be used in which period, shape (F, T).
    extra_lane, extra_keep
        Added to the cost of lanes, shape (L, P, T), and of stocks, shape (F, 1, T).
    from_stock
        Whether they may begin at what is there before the first period, too.
    """
    network = problem.network
    at_node = np.ones((len(network.node_names), network.shape[2]), dtype=bool)
    at_node[network.facility_nodes] = usable & (network.of_facilities("capacity") > 0)[:, None]
    passable = at_node[network.tails] & at_node[network.heads] & (network.lane_capacity > 0)[:, None]
    moving = np.where(passable[:, None, :], lane_cost(problem) + extra_lane, np.inf)
    may_keep = usable & (network.limits["storage"] > 0)[:, None]
    holding = network.of_facilities("holding_cost")[:, None, None]
    keeping = np.where(may_keep[:, None, :], holding + extra_keep, np.inf)
    cost = np.full((len(network.node_names), *network.shape[1:]), np.inf)
    before = np.full(cost.shape, _SOURCE, dtype=np.intp)
    cost[: len(network.names["supplier"])] = np.where(network.offer_of >= 0, 0.0, np.inf)[:, :, None]
    sites = network.facility_nodes
    if from_stock:
        there = (network.initial_stock > 0) & usable[:, :1]
        cost[sites, :, 0] = np.where(there, 0.0, np.inf)
    for period in range(network.shape[2]):
        if period:
            kept = cost[sites, :, period - 1] + keeping[:, :, period - 1]
            cost[sites, :, period] = kept
            before[sites, :, period] = np.where(np.isfinite(kept), _KEPT, _SOURCE)
        now, last = cost[:, :, period], before[:, :, period]
        # a cheapest path visits each site at most once
        for _ in range(len(network.facilities) + 1):
            if not _relax(network, moving[:, :, period], now, last):
                break
    return CheapestPaths(network, cost, before)


def _relax(network: SupplyNetwork, moving: Floats, now: Floats, last: NDArray[np.intp]) -> bool:
    """Use every lane once where that is cheaper; return whether it was anywhere. Changes `now` and `last`."""
    arriving = now[network.tails] + moving
    best = np.full_like(now, np.inf)
    np.minimum.at(best, network.heads, arriving)
    better = best < now
    lanes, products = np.nonzero(better[network.heads] & (arriving == best[network.heads]))
    last[network.heads[lanes], products] = lanes
    now[better] = best[better]
    return bool(better.any())


def paths_if_opened(problem: SupplyProblem) -> CheapestPaths:
    """Return the cheapest paths if every site opened that may, capacities ignored."""
    return paths_through(problem, problem.network.may_open, from_stock=True)


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

    @cached_property
    def rooms(self) -> dict[str, Floats]:
        """What is left of each kind of capacity, by place and period."""
        limits, used = self.problem.network.limits, self.ledger.used
        return {kind: most[:, None] - used[kind] for kind, most in limits.items()}

    @cached_property
    def full(self) -> dict[str, NDArray[np.bool_]]:
        """Which places of each kind of capacity are full in each period."""
        limits = self.problem.network.limits
        return {kind: room <= slack(limits[kind])[:, None] for kind, room in self.rooms.items()}

    def draws(self, steps: tuple[PathStep, ...], product: int) -> list[Draw]:
        """Return the capacities that a path draws on."""
        network, weight = self.problem.network, float(self.problem.network.weights[product])
        first, stop = network.facility_nodes.start, network.facility_nodes.stop
        found = []
        for lane, site, when in steps:
            if lane < 0:
                found.append(Draw("storage", (site, when), weight))
                continue
            offer = int(network.lane_offer[lane, product])
            found += [Draw("supply", (offer, when), 1.0)] if offer >= 0 else []
            found.append(Draw("lane", (lane, when), weight))
            for kind, ends in (("outbound", network.tails), ("inbound", network.heads)):
                if first <= ends[lane] < stop:
                    found.append(Draw(kind, (int(ends[lane]) - first, when), weight))
        return found

    @cached_property
    def least_full_paths(self) -> CheapestPaths:
        """The paths through open sites with the fewest full capacities, the cheapest among these."""
        most = paths_through(self.problem, self.ledger.open).cost
        step = 1.0 + float(np.max(most, initial=0.0, where=np.isfinite(most)))
        stored = np.where(self.full["storage"], step, 0.0)[:, None, :]
        return paths_through(self.problem, self.ledger.open, step * self.full_on_lanes, stored)

    @cached_property
    def full_on_lanes(self) -> Floats:
        """How many capacities are full on each lane, those of its supplier and sites too, shape (L, P, T)."""
        network, full = self.problem.network, self.full
        at_tail, at_head = (np.zeros((len(network.node_names), network.shape[2])) for _ in range(2))
        at_tail[network.facility_nodes], at_head[network.facility_nodes] = full["outbound"], full["inbound"]
        by_lane = full["lane"] + at_tail[network.tails] + at_head[network.heads]
        by_offer = np.concatenate([full["supply"], np.zeros((1, network.shape[2]), dtype=bool)])
        return np.asarray(by_lane[:, None, :] + by_offer[network.lane_offer])


# What a plan lacks, sent by ways that still have room: first plans, made without a solver, and what the
# rest costs.


def first_plan(problem: SupplyProblem, seconds: float = np.inf) -> FlowPlan:
    """Return a plan that breaks no rule but, perhaps, leaves demand unmet.

    Parameters
    ----------
    problem
        The problem.
    seconds
        As of :func:`with_demand_met`.

    Examples
    --------
    >>> from kanopt import SupplyProblem
    >>> from kanopt.supply import Facility, Lane, Market, Period, Product, Supplier
    >>> problem = SupplyProblem(
    ...     suppliers=[Supplier("mill", "flour", capacity=15.0)], markets=[Market("Lyon")],
    ...     products=[Product("flour")], periods=[Period("1")], lanes=[Lane("mill", "Lyon")], tariff=1.0, demand=20.0,
    ... )
    >>> first_plan(problem).flows[0].quantity
    15.0
    """
    network = problem.network
    opened = np.repeat(network.has_status("open")[:, None], network.shape[2], axis=1)
    empty = Ledger(network, problem.demand_array, np.zeros(network.shape), opened)
    found = with_demand_met(problem, empty, np.ones(problem.demand_array.shape, dtype=bool), seconds)
    too_small = {int(offer) for offer in np.argwhere(orders_too_small(found))[:, 0]}
    if too_small:  # of what sells less than its minimum order nothing is bought
        kept = [
            replace(offer, capacity=0.0) if place in too_small else offer
            for place, offer in enumerate(network.suppliers)
        ]
        return first_plan(replace(problem, suppliers=kept), seconds)
    return problem.plan_of(found.flows, found.open)


def with_demand_met(
    problem: SupplyProblem, ledger: Ledger, wanted: NDArray[np.bool_], seconds: float = np.inf
) -> Ledger:
    """Return a plan that meets more of the demand, what it moves unchanged: not always the cheapest one.

    Sweeps over the demand that is not met, what must be delivered first and the largest first: each takes the cheapest
    way there was with room at the beginning of the sweep, and as much as still fits on it. The cost of a site that is
    not open yet is shared by what it could pass on. Demand that costs less unmet is left.

    Parameters
    ----------
    problem
        The problem.
    ledger
        The plan.
    wanted
        Whose shortage is looked at, shape (M, P, T).
    seconds
        After which no further sweep is begun; there is one at least.
    """
    network, began = problem.network, time.perf_counter()
    while True:
        sent = _sweep(problem, SpareCapacity(problem, ledger), wanted)
        if not sent.any():
            return ledger
        flows = ledger.flows + sent
        ledger = Ledger(network, ledger.demand, flows, ledger.open | sites_open(network, flows))
        if time.perf_counter() - began > seconds:
            return ledger


def _sweep(problem: SupplyProblem, spare: SpareCapacity, wanted: NDArray[np.bool_]) -> Floats:
    """Return what one sweep sends, shape (L, P, T)."""
    network, shortage = problem.network, np.where(wanted, spare.ledger.shortage, 0.0)
    lacking = float(shortage.sum())
    most = np.minimum(network.of_facilities("capacity") * network.shape[2], lacking)
    ways = ways_with_room(problem, spare, np.maximum(most, TOLERANCE)[:, None])
    cells = np.argwhere((shortage > 0) & (ways.to_markets < network.shortage_cost[:, :, None]))
    size = shortage[tuple(cells.T)]
    optional = ~network.must_deliver[cells[:, 0], cells[:, 1]]
    rooms = {kind: room.copy() for kind, room in spare.rooms.items()}
    sent = np.zeros(network.shape)
    for rank in np.lexsort((-size, optional)).tolist():
        market, product, period = cells[rank].tolist()
        steps = ways.trace(market, product, period)
        draws = spare.draws(steps, product)
        amount = min([float(size[rank]), *(rooms[kind][place] / each for kind, place, each in draws)])
        if amount <= TOLERANCE * min(1.0, float(size[rank])):
            continue
        for kind, place, each in draws:
            rooms[kind][place] -= amount * each
        for step in steps:
            if step.lane >= 0:
                sent[step.lane, product, step.period] += amount
    return sent


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
    first = np.where(opened.any(axis=1), 0.0, network.of_facilities("fixed_cost"))
    opening = np.zeros((len(network.node_names), network.shape[2]))
    by_period = np.where(opened, 0.0, network.of_facilities("period_cost")[:, None])
    opening[network.facility_nodes] = (first[:, None] + by_period) / amount
    return paths_through(
        problem,
        network.may_open,
        np.where(spare.full_on_lanes > 0, np.inf, opening[network.heads][:, None, :]),
        np.where(spare.full["storage"], np.inf, 0.0)[:, None, :],
    )
