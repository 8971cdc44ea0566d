"""What follows from flows: stocks, deliveries, shortages; and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.problems.pricing import Pricing
from kanopt.problems.supply.network import Floats, SupplyNetwork

if TYPE_CHECKING:
    from kanopt.problems.supply.problem import SupplyProblem

__all__ = ["TOLERANCE", "Ledger", "price_flows", "slack"]

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


def price_flows(problem: SupplyProblem, ledger: Ledger, *, frozen: bool) -> Pricing:
    """Return the price of flows as lines.

    Parameters
    ----------
    frozen
        Pay the planning rate of the tariff, as the solver does.
    """
    network = problem.network
    facilities = network.facility_names
    spread = (slice(None), None, None)
    bought = ledger.flows * network.purchase_cost[:, :, None]
    by_supplier = np.zeros((len(network.supplier_names), *network.shape[1:]))
    from_supplier = network.tails < len(network.supplier_names)
    np.add.at(by_supplier, network.tails[from_supplier], bought[from_supplier])
    shortage_cost = np.where(np.isfinite(network.shortage_cost), network.shortage_cost, 0.0)
    parts = [
        _lines("purchase", by_supplier, network.supplier_names, network),
        _lines(
            "transport", problem.lane_tariff.amounts(ledger.flows, frozen=frozen), network.lane_names, network
        ),
        _lines(
            "handling", ledger.received * network.of_facilities("handling_cost")[spread], facilities, network
        ),
        _site_lines(ledger),
        _lines("holding", ledger.stock * network.of_facilities("holding_cost")[spread], facilities, network),
        _lines("shortage", ledger.shortage * shortage_cost[None, :, None], network.market_names, network),
    ]
    filled = [part for part in parts if len(part)]
    frame = pd.concat(filled, ignore_index=True) if filled else parts[0]
    return Pricing(frame, problem.unit)


def _lines(term: str, amounts: Floats, groups: Sequence[str], network: SupplyNetwork) -> pd.DataFrame:
    """Return one line for each amount that is not zero; `amounts` has the shape (groups, P, T)."""
    lead, product, period = np.nonzero(amounts)
    items = np.char.add(
        np.char.add(np.array(network.product_names, dtype=str)[product], ", "),
        np.array(network.period_names, dtype=str)[period],
    )
    return _frame(
        term, np.array(groups, dtype=object)[lead], items.astype(object), amounts[lead, product, period]
    )


def _site_lines(ledger: Ledger) -> pd.DataFrame:
    """Return what open sites cost: once, and for each period."""
    network = ledger.network
    names = np.array(network.facility_names, dtype=object)
    fixed, per_period = network.of_facilities("fixed_cost"), network.of_facilities("period_cost")
    once = np.flatnonzero(ledger.open.any(axis=1) & (fixed > 0))
    site, period = np.nonzero(ledger.open & (per_period > 0)[:, None])
    periods = np.array(network.period_names, dtype=object)
    return pd.concat(
        [
            _frame("sites", names[once], np.full(len(once), "fixed", dtype=object), fixed[once]),
            _frame("sites", names[site], periods[period], per_period[site]),
        ],
        ignore_index=True,
    )


def _frame(term: str, group: NDArray[np.object_], item: NDArray[np.object_], amount: Floats) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "term": np.full(len(group), term, dtype=object),
            "group": group,
            "item": item,
            "amount": amount.astype(float),
        }
    )
