"""A supply plan as it stands, for pages that price it anew when prices move."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.formulas.binding import BoundFormula
from kanopt.problems.law_use import LawUse
from kanopt.problems.replay import Lever, Replay, column_of, plain_numbers, priced_by_terms
from kanopt.problems.supply.simulate import TRANSPORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kanopt.problems.pricing import Pricing
    from kanopt.problems.supply.problem import SupplyProblem

_RATES = {
    "purchase": "prices of suppliers",
    TRANSPORT: "freight rates",
    "handling": "handling costs",
    "sites": "costs of sites",
    "holding": "holding costs",
    "shortage": "costs of shortage",
}


def replay_of_flows(problem: SupplyProblem, uses: Sequence[LawUse], pricing: Pricing) -> Replay:
    """Return what a page needs to price flows anew: each term by its prices, freight by its law and its constants."""
    plain = priced_by_terms(pricing, _RATES, "the same sites, the same flows", ("flow", "flows"))
    use = next((each for each in uses if each.term == TRANSPORT), None)
    if use is None or not isinstance(problem.tariff, BoundFormula):
        return plain
    columns: dict[str, Any] = {}
    inputs: dict[str, dict[str, Any]] = {}
    levers = list(plain.levers)
    for variable in use.formula.inputs:
        if variable.name not in use.formula.used:
            continue
        bound = problem.tariff.bindings[variable.name]
        if isinstance(bound, int | float):
            inputs[variable.name] = {"value": bound}
            if bound > 0 and not _reads(problem.demand, variable.name):
                lever = Lever(
                    f"{variable.name} = {bound} {variable.unit}",
                    variable.name.replace("_", " "),
                    "price",
                    variable.unit,
                    bound,
                )
                inputs[variable.name]["lever"] = lever.key
                levers.append(lever)
        else:
            columns[variable.name] = column_of(np.broadcast_to(use.arguments[variable.name], use.shape))
            inputs[variable.name] = {"column": variable.name}
    ranges = {name: use.formula.domain.range_of(name) for name in inputs}
    told: dict[str, Any] = {
        "term": TRANSPORT,
        "law": 0,
        "factor": 1,
        "rise": plain_numbers(np.broadcast_to(use.rise, use.shape)),
        "cut": use.cut_off,
        "lever": TRANSPORT,
        "inputs": inputs,
        "ranges": {
            name: plain_numbers((seen.low, seen.high)) for name, seen in ranges.items() if seen is not None
        },
    }
    rates = [each for each in plain.data["rates"] if each["term"] != TRANSPORT]
    data = {**plain.data, "columns": columns, "uses": [told], "rates": rates}
    return replace(plain, laws=(use.formula,), levers=tuple(levers), data=data)


def _reads(demand: object, name: str) -> bool:
    """Say whether the law of demand has a constant of that name, which a file changes together with it."""
    return isinstance(demand, BoundFormula) and name in demand.bindings
