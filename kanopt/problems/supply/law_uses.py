"""The laws of tariff and demand, as a plan of flows uses them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.binding import BoundFormula
from kanopt.problems.law_use import LawUse, unit_factor
from kanopt.problems.supply.simulate import TRANSPORT, Ledger, flow_items

if TYPE_CHECKING:
    from kanopt.problems.supply.network import SupplyNetwork
    from kanopt.problems.supply.problem import SupplyProblem


def flow_law_uses(problem: SupplyProblem, ledger: Ledger) -> tuple[LawUse, ...]:
    """Return the tariff of what flows, and the demand of what is wanted."""
    return (*_tariff(problem, ledger), *_demand(problem, ledger))


def _tariff(problem: SupplyProblem, ledger: Ledger) -> Iterator[LawUse]:
    law, tariff, network = problem.tariff, problem.lane_tariff, problem.network
    used = ledger.flows > 0
    if not isinstance(law, BoundFormula) or not used.any():
        return
    arguments = {
        name: np.broadcast_to(values, network.shape)[used]
        for name, values in tariff.arguments(ledger.flows).items()
    }
    paid_for = np.ones(network.shape)
    if tariff.basis != "shipment":
        paid_for = ledger.flows * (network.weights.reshape(1, -1, 1) if tariff.basis == "weight" else 1.0)
    rise = unit_factor(law.formula.output.unit, tariff.unit) * paid_for[used]
    where = partial(_flow_names, network, used)
    # a law of fixed data that falls below zero is refused, so that only one that reads the flow is cut off
    shared = (law.formula, arguments, rise, rise.shape, ("flow", "flows"))
    times = paid_for[used]
    yield LawUse("tariff", *shared, cut_off=tariff.reads_flow, where=where, term=TRANSPORT, times=times)


def _flow_names(network: SupplyNetwork, used: NDArray[np.bool_]) -> list[tuple[str, str]]:
    lane, product, period = np.nonzero(used)
    items = flow_items(network, product, period)
    return [(network.lane_names[place], item) for place, item in zip(lane, items, strict=True)]


def _market_names(network: SupplyNetwork, shape: tuple[int, ...]) -> list[tuple[str, str]]:
    market, product, period = np.indices(shape).reshape(len(shape), -1)
    items = flow_items(network, product, period)
    return [(network.market_names[place], item) for place, item in zip(market, items, strict=True)]


def _demand(problem: SupplyProblem, ledger: Ledger) -> Iterator[LawUse]:
    law, network = problem.demand, problem.network
    if not isinstance(law, BoundFormula):
        return
    shape = problem.demand_array.shape
    found = law.arguments(lambda reference: network.resolve(reference, "market"))
    arguments = {name: np.broadcast_to(values, shape).ravel() for name, values in found.items()}
    # what flows is decided, so that a unit more of demand is a unit more of shortage, where there is any
    cost = np.where(np.isfinite(network.shortage_cost), network.shortage_cost, 0.0)[None, :, None]
    paid = np.where(ledger.shortage > 0, np.broadcast_to(cost, shape), 0.0).ravel()
    rise = unit_factor(law.formula.output.unit, network.units.quantity) * paid
    shared = (law.formula, arguments, rise, rise.shape, ("amount wanted", "amounts wanted"))
    yield LawUse("demand", *shared, where=partial(_market_names, network, shape))
