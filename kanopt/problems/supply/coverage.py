"""How much of the demand a plan meets, and the price of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.coverage import Coverage, CoverageWords, LeftOutPrice
from kanopt.problems.supply.simulate import Ledger
from kanopt.problems.supply.spare_capacity import paths_through
from kanopt.text import join_list, money_text

if TYPE_CHECKING:
    from kanopt.problems.supply.problem import SupplyProblem

__all__ = ["demand_met", "price_of_shortage"]

_WORDS = CoverageWords("supplies", "market", "markets", "in full")


def demand_met(problem: SupplyProblem, ledger: Ledger) -> Coverage:
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
    )


def price_of_shortage(problem: SupplyProblem, ledger: Ledger) -> LeftOutPrice:
    """Return what is paid for shortages, and the least that it costs to meet demand that must be met.

    The least is the cost of the cheapest ways through sites that may open, capacities ignored.
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
    allowed = np.repeat(~network.has_status("closed")[:, None], network.shape[2], axis=1)
    ways = paths_through(problem, allowed).to_markets
    if (cut_off := must & np.isinf(ways)).any():
        names = [network.market_names[market] for market in np.flatnonzero(cut_off.any(axis=(1, 2)))]
        sentences.append(f"what supplying {join_list(names, 5)} would cost is not known: no lane leads there")
        return LeftOutPrice(paid, None, "; ".join(sentences))
    more = float((ledger.shortage[must] * ways[must]).sum())
    sentences.append(
        f"supplying the rest would cost at least {money_text(more, money)} more (by the cheapest ways, full capacities "
        "and the cost of opening sites not counted)"
    )
    return LeftOutPrice(paid, more, "; ".join(sentences))
