"""Views of a supply plan: the network with its flows, deliveries, and stocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.problems.supply.network import Floats, SupplyNetwork
from kanopt.problems.supply.simulate import Ledger
from kanopt.problems.views import NetworkView, SeriesView, View
from kanopt.text import amount_text, number_text

if TYPE_CHECKING:
    from kanopt.problems.supply.problem import SupplyProblem


def views_of(problem: SupplyProblem, ledger: Ledger) -> tuple[View, ...]:
    """Return the network, deliveries beside demand, and stocks where any are kept."""
    network, unit = problem.network, problem.units.weight
    weights = network.weights
    periods = pd.Index(network.period_names, name="period")
    totals = pd.DataFrame(
        {
            "demand": np.einsum("mpt,p->t", ledger.demand, weights),
            "delivered": np.einsum("mpt,p->t", ledger.delivered, weights),
        },
        index=periods,
    )
    views: tuple[View, ...] = (
        NetworkView("Flows over all periods", nodes_of(problem, ledger), _edges(problem, ledger)),
        SeriesView("Demand and deliveries", totals, "period", unit),
    )
    stock = np.einsum("fpt,p->tf", ledger.stock, weights)
    if stock.any():
        kept = pd.DataFrame(stock, index=periods, columns=network.facility_names)
        views += (
            SeriesView("Stock at the end of each period", kept.loc[:, kept.any()], "period", unit, step=True),
        )
    return views


def nodes_of(problem: SupplyProblem, ledger: Ledger) -> pd.DataFrame:
    """Return the places of the network, with what becomes of them."""
    network, unit = problem.network, problem.units.weight
    weights = network.weights
    sent = np.zeros((len(network.node_names), *network.shape[1:]))
    np.add.at(sent, network.tails, ledger.flows)
    sold = np.einsum("npt,p->n", sent, weights)[: len(network.supplier_names)]
    received = np.einsum("fpt,p->f", ledger.received, weights)
    delivered, wanted = (np.einsum("mpt,p->m", x, weights) for x in (ledger.delivered, ledger.demand))
    opened = ledger.open.sum(axis=1)
    labels = [
        f"{name}: sells {amount_text(amount, unit)}"
        for name, amount in zip(network.supplier_names, sold, strict=True)
    ]
    labels += [
        f"{name}: open in {count} of {len(network.periods)} periods, passes on {amount_text(amount, unit)}"
        if count
        else f"{name}: closed"
        for name, count, amount in zip(network.facility_names, opened, received, strict=True)
    ]
    labels += [
        f"{name}: gets {number_text(got)} of {amount_text(want, unit)}"
        for name, got, want in zip(network.market_names, delivered, wanted, strict=True)
    ]
    roles = ["supplier"] * len(network.supplier_names)
    roles += ["open" if count else "closed" for count in opened]
    roles += ["market"] * len(network.markets)
    places = _places(network)
    return pd.DataFrame(
        {"name": network.node_names, "x": places[:, 0], "y": places[:, 1], "role": roles, "label": labels}
    )


def _places(network: SupplyNetwork) -> Floats:
    """Return the places of the nodes; three columns of nodes where any is unknown."""
    if np.isfinite(network.coordinates).all():
        return network.coordinates
    columns = []
    for x, names in enumerate((network.supplier_names, network.facility_names, network.market_names)):
        count = len(names)
        heights = (count - 1) / 2 - np.arange(count, dtype=float)
        columns.append(np.column_stack([np.full(count, float(x)), heights / max(count, 1)]))
    return np.concatenate(columns)


def used_lanes(problem: SupplyProblem, ledger: Ledger) -> tuple[NDArray[np.intp], Floats]:
    """Return the lanes that carry something, and the weight that each carries over all periods."""
    moved = np.einsum("lpt,p->l", ledger.flows, problem.network.weights)
    used = np.flatnonzero(moved > 0)
    return used, moved[used]


def _edges(problem: SupplyProblem, ledger: Ledger) -> pd.DataFrame:
    network, unit = problem.network, problem.units.weight
    used, moved = used_lanes(problem, ledger)
    lanes = [network.lanes[lane] for lane in used]
    return pd.DataFrame(
        {
            "tail": [lane.tail for lane in lanes],
            "head": [lane.head for lane in lanes],
            "amount": moved,
            "label": [
                f"{lane.name}: {amount_text(amount, unit)}" for lane, amount in zip(lanes, moved, strict=True)
            ],
        }
    )
