"""What a plan lacks, sent by ways that still have room: first plans, made without a solver, and what the rest costs."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.supply.ledger import TOLERANCE, Ledger, sites_open
from kanopt.supply.model import SupplyModel
from kanopt.supply.plan import FlowPlan
from kanopt.supply.spare_capacity import CheapestPaths, SpareCapacity, paths_through


def first_plan(problem: SupplyModel, seconds: float = np.inf) -> FlowPlan:
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
    return problem.plan_of(found.flows, found.open)


def with_demand_met(
    problem: SupplyModel, ledger: Ledger, wanted: NDArray[np.bool_], seconds: float = np.inf
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
        moved = Ledger(network, ledger.demand, ledger.flows + sent, ledger.open)
        ledger = Ledger(network, ledger.demand, moved.flows, ledger.open | sites_open(network, moved.flows))
        if time.perf_counter() - began > seconds:
            return ledger


def _sweep(problem: SupplyModel, spare: SpareCapacity, wanted: NDArray[np.bool_]) -> Floats:
    """Return what one sweep sends, shape (L, P, T)."""
    network, shortage = problem.network, np.where(wanted, spare.ledger.shortage, 0.0)
    lacking = float(shortage.sum())
    most = np.minimum(network.of_facilities("capacity") * network.shape[2], lacking)
    ways = ways_with_room(problem, spare, np.maximum(most, TOLERANCE)[:, None])
    cells = np.argwhere((shortage > 0) & (ways.to_markets < network.shortage_cost[None, :, None]))
    size = shortage[tuple(cells.T)]
    optional = np.isfinite(network.shortage_cost)[cells[:, 1]]
    rooms = {kind: room.copy() for kind, room in spare.rooms.items()}
    sent = np.zeros(network.shape)
    for rank in np.lexsort((-size, optional)).tolist():
        market, product, period = cells[rank].tolist()
        steps = ways.trace(market, product, period)
        draws = [draw for step in steps for draw in spare.draws(step, product)]
        amount = min([float(size[rank]), *(rooms[kind][place] / each for kind, place, each in draws)])
        if amount <= TOLERANCE * min(1.0, float(size[rank])):
            continue
        for kind, place, each in draws:
            rooms[kind][place] -= amount * each
        for step in steps:
            if step.lane >= 0:
                sent[step.lane, product, step.period] += amount
    return sent


def ways_with_room(problem: SupplyModel, spare: SpareCapacity, amount: float | Floats) -> CheapestPaths:
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
        np.repeat(~network.has_status("closed")[:, None], network.shape[2], axis=1),
        np.where(spare.full_on_lanes > 0, np.inf, opening[network.heads][:, None, :]),
        np.where(spare.full_stores, np.inf, 0.0)[:, None, :],
    )
