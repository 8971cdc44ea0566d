"""How much of the demand a plan meets, and the price of the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.plans.coverage import Coverage, CoverageWords, LeftOutPrice
from kanopt.supply.augmentation import ways_with_room, with_demand_met
from kanopt.supply.ledger import Ledger
from kanopt.supply.model import SupplyModel
from kanopt.supply.reasons import infeasibility_reasons
from kanopt.supply.simulate import price_flows
from kanopt.supply.spare_capacity import SpareCapacity, paths_through
from kanopt.text import join_list, money_text

_NO_ROOM = "no way with room was found beside what the plan moves"
_WORDS = CoverageWords("supplies", "market", "markets", "in full")


def demand_met(problem: SupplyModel, ledger: Ledger) -> Coverage:
    """Add up the demand that is met, and name the markets that are short, the one that lacks most first."""
    network = problem.network
    wanted, shortage = ledger.demand.sum(axis=(1, 2)), ledger.shortage.sum(axis=(1, 2))
    short = [
        network.market_names[market]
        for market in np.argsort(-shortage, kind="stable")
        if shortage[market] > 0
    ]
    return Coverage(
        _WORDS,
        int((wanted > 0).sum()),
        tuple(short),
        served=float(wanted.sum() - shortage.sum()),
        wanted=float(wanted.sum()),
        unit=problem.units.quantity,
        lacking="short",
        why=_why_nothing(problem, ledger) if wanted.any() and not ledger.flows.any() else "",
    )


def _why_nothing(problem: SupplyModel, ledger: Ledger) -> str:
    """Say why a plan moves nothing: no way has room, none is worth its price, or whoever made it found none."""
    network = problem.network
    ways = ways_with_room(problem, SpareCapacity(problem, ledger), np.inf).to_markets[ledger.demand > 0]
    worth = np.broadcast_to(network.shortage_cost[None, :, None], ledger.demand.shape)[ledger.demand > 0]
    if np.isinf(ways).all():
        reasons = infeasibility_reasons(problem)
        return reasons[0].message if reasons else "no way with room leads to any of them"
    if (ways >= worth).all():
        return "no way costs less than the shortage"
    if np.isfinite(worth).all():
        return "what sites and ways cost was not found to be worth it"
    return "the plan moves nothing, though there are ways with room"


def price_of_shortage(problem: SupplyModel, ledger: Ledger) -> LeftOutPrice:
    """Return what is paid for shortages, and what it costs to meet demand that must be met where a way is found.

    What is told can be had: the plan with what was added to it is priced as any other.
    """
    network, money = problem.network, problem.unit
    cost = np.broadcast_to(network.shortage_cost[None, :, None], ledger.shortage.shape)
    paid_for = (ledger.shortage > 0) & np.isfinite(cost)
    must = (ledger.shortage > 0) & np.isinf(cost)
    paid, sentences = float((ledger.shortage[paid_for] * cost[paid_for]).sum()), []
    if paid_for.any():
        sentences.append(f"the cost of the shortage, {money_text(paid, money)}, is in the price")
    if not must.any():
        return LeftOutPrice(paid, 0.0, "; ".join(sentences))
    obstacle = _obstacle(problem, must)
    whole = ledger if obstacle else with_demand_met(problem, ledger, must)
    if (whole.shortage[must] > 0).any():
        sentences.append(obstacle or f"what supplying the rest would cost is not known: {_NO_ROOM}")
        return LeftOutPrice(paid, None, "; ".join(sentences))
    more = (
        price_flows(problem, whole, frozen=False).objective
        - price_flows(problem, ledger, frozen=False).objective
    )
    opened = np.flatnonzero(whole.open.any(axis=1) & ~ledger.open.any(axis=1))
    opening = (
        f", opening {join_list([network.facility_names[site] for site in opened], 5)}" if len(opened) else ""
    )
    sentences.append(f"the rest can be supplied for {money_text(more, money)} more{opening}")
    return LeftOutPrice(paid, more, "; ".join(sentences))


def _obstacle(problem: SupplyModel, must: NDArray[np.bool_]) -> str:
    """Say why no plan can meet all demand that must be met, as far as arithmetic proves it; empty where it does not."""
    network = problem.network
    allowed = np.repeat(~network.has_status("closed")[:, None], network.shape[2], axis=1)
    cut_off = must & np.isinf(paths_through(problem, allowed).to_markets)
    if cut_off.any():
        names = [network.market_names[market] for market in np.flatnonzero(cut_off.any(axis=(1, 2)))]
        return f"what supplying {join_list(names, 5)} would cost is not known: no lane leads there"
    reasons = infeasibility_reasons(problem)
    return f"no plan supplies the rest: {reasons[0].message}" if reasons else ""
