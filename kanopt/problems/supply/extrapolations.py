"""Lanes and markets whose tariff or demand is outside the data a law was learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.binding import BoundFormula
from kanopt.problems.findings import BELOW_ZERO, Extrapolation
from kanopt.problems.supply.simulate import Ledger
from kanopt.text import money_text

if TYPE_CHECKING:
    from kanopt.problems.supply.problem import SupplyProblem


def flow_extrapolations(problem: SupplyProblem, ledger: Ledger) -> tuple[Extrapolation, ...]:
    """Return one entry for each used lane, and each market, that a law prices outside its domain or below zero."""
    network = problem.network
    found: list[Extrapolation] = []
    if isinstance(problem.tariff, BoundFormula):
        data = problem.lane_tariff.arguments(ledger.flows)
        beyond = np.broadcast_to(problem.tariff.formula.outside(data), network.shape) & (ledger.flows > 0)
        found += _law_extrapolations(
            "tariff", problem.tariff, beyond, data, [f"lane {name}" for name in network.lane_names]
        )
        found += _below_zero(problem, ledger)
    if isinstance(problem.demand, BoundFormula):
        data = problem.demand.arguments(lambda reference: network.resolve(reference, "market"))
        beyond = np.broadcast_to(problem.demand.formula.outside(data), problem.demand_array.shape)
        found += _law_extrapolations(
            "demand", problem.demand, beyond, data, [f"market {name}" for name in network.market_names]
        )
    return tuple(found)


def _below_zero(problem: SupplyProblem, ledger: Ledger) -> list[Extrapolation]:
    """Return one entry for each lane on which the tariff of what flows is negative."""
    money = np.where(ledger.flows > 0, problem.lane_tariff.raw(ledger.flows), 0.0)
    names, unit = problem.network.lane_names, problem.unit
    return [
        Extrapolation(
            "tariff",
            f"lane {names[lane]}",
            BELOW_ZERO,
            f"tariff of lane {names[lane]} falls to {money_text(float(money[lane].min()), unit)}; "
            "it counts as zero there",
        )
        for lane in np.flatnonzero((money < 0).any(axis=(1, 2))).tolist()
    ]


def _law_extrapolations(
    law: str,
    bound: BoundFormula,
    beyond: NDArray[np.bool_],
    data: Mapping[str, NDArray[Any]],
    places: Sequence[str],
) -> list[Extrapolation]:
    """Return one entry per lane or market; `beyond` has the shape (places, P, T)."""
    full = {name: np.broadcast_to(values, beyond.shape) for name, values in data.items()}
    found = []
    for lead in np.flatnonzero(beyond.any(axis=(1, 2))).tolist():
        here = beyond[lead]
        inputs = "; ".join(
            bound.formula.outside_inputs({name: array[lead][here] for name, array in full.items()})
        )
        times = f"{int(here.sum())} of {here.size} combinations of product and period"
        message = (
            f"{law} of {places[lead]} is read outside the data the law was learned from ({times}): {inputs}"
        )
        found.append(Extrapolation(law, places[lead], inputs, message))
    return found
