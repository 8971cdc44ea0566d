"""Demand drawn many times, and what becomes of a plan whose flows are kept whatever is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import ProblemError
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.money_at_stake import draw_price_errors
from kanopt.plans.uncertainty import (
    UncertainLaw,
    Uncertainty,
    demand_deviations,
    draw_log_normal,
    uncertain_law,
)
from kanopt.supply.plan import slack
from kanopt.supply.problem import SupplyProblem
from kanopt.text import count_text, percent_text

if TYPE_CHECKING:
    from kanopt.supply.assessment import SupplyAssessment

_DEMAND, _PRICE = range(2)  # streams of random numbers
Cells = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True, eq=False)
class DemandLaw:
    """How the demand of a problem is distributed.

    Parameters
    ----------
    cells
        Market, product and period of every amount that is wanted; (cells,) each.
    mean
        The amounts of the problem; (cells,).
    deviation
        Their standard deviations, where they are stated.
    law
        Errors of the law that gives them, where it knows any and no deviation is stated.
    shared
        Part of the variance that all amounts of a draw have in common, where deviations are stated.
    told
        What is assumed, as a sentence.
    """

    cells: Cells
    mean: Floats
    deviation: Floats
    law: UncertainLaw
    shared: float
    told: str

    def draw(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw demands, ``(count, cells)``."""
        errors = self.law.draw((count, 1, len(self.mean)), rng)
        if errors is None:
            return draw_log_normal(self.mean, self.deviation, count, self.shared, rng)
        drawn = [errors.apply(cell, np.full(count, value)) for cell, value in enumerate(self.mean)]
        return np.stack(drawn, axis=1) if drawn else np.zeros((count, 0))


def demand_law(problem: SupplyProblem, uncertainty: Uncertainty) -> DemandLaw:
    """Return how demand is distributed: log-normal with a stated deviation, else as the law of demand errs.

    Raises
    ------
    ProblemError
        If nothing is known to be uncertain.
    """
    found = np.nonzero(problem.demand_array > 0)
    cells = (found[0], found[1], found[2])
    mean = np.array(problem.demand_array[cells])
    deviation = demand_deviations(mean, problem.demand_deviation[cells], uncertainty)
    law, stated = problem.demand, bool(deviation.any())
    is_assumed = stated or uncertainty.demand is not None
    bound = law if isinstance(law, BoundFormula) and not is_assumed else None
    known = uncertain_law(
        "demands", "amounts", bound, None, uncertainty, problem.units.quantity, "shared_demand"
    )
    if known.model is None and not stated:
        raise ProblemError(
            "no demand of this problem is uncertain: no row of a table of demands has a demand_sd above 0, and no law "
            "of demand has a fit that tells its errors; add the column, learn demand from sales, or state errors as "
            "Uncertainty(demand=0.2), --uncertain demand=0.2"
        )
    shared = uncertainty.shared_demand or 0.0
    if not stated:
        return DemandLaw(cells, mean, deviation, known, shared, known.told)
    common = f", {percent_text(shared)} of the variance common to all" if shared else ", each by itself"
    by = "their demand_sd" if uncertainty.demand is None else percent_text(uncertainty.demand)
    amounts = count_text(int((deviation > 0).sum()), "amount")
    told = f"{amounts} of {len(mean):,} that markets want vary by {by} (log-normal{common})"
    return DemandLaw(cells, mean, deviation, known, shared, told)


@dataclass(frozen=True, eq=False)
class DrawnSupply:
    """A plan under many draws of demand.

    Parameters
    ----------
    cells
        Market, product and period of every amount that is wanted; (cells,) each.
    demand, shortage
        What is wanted, and what of it is missing; (draws, cells).
    left
        Units that nobody has wanted by the end of the last period; (draws,).
    cost
        What each draw costs; what has no shortage cost costs nothing; (draws,).
    """

    cells: Cells
    demand: Floats
    shortage: Floats
    left: Floats
    cost: Floats

    def fails(self, must: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return in which draws something is missing of what must be delivered, shape (M, P); returns (draws,)."""
        return np.asarray((self.shortage[:, must[self.cells[0], self.cells[1]]] > 0).any(axis=1))


def keep_flows(assessment: SupplyAssessment, law: DemandLaw, count: int, seed: int) -> DrawnSupply:
    """Keep all flows of a plan whatever is wanted.

    What was sent stays sent. What a market has not used stays there for the next periods, at no cost; what is missing
    in a period is lost. So a draw costs what the plan costs, but for shortages, which cost what they are.

    Parameters
    ----------
    assessment
        The plan for the demand of the problem.
    law
        How demand is distributed.
    count, seed
        How many draws, and their seed.
    """
    problem, ledger = assessment.problem, assessment.simulation
    demand = law.draw(count, np.random.default_rng([seed, _DEMAND]))
    markets, products, periods = law.cells
    shortage, stock = np.zeros_like(demand), np.zeros((count, *ledger.delivered.shape[:2]))
    for period in range(ledger.delivered.shape[2]):
        stock = stock + ledger.delivered[:, :, period]
        now = periods == period
        places = slice(None), markets[now], products[now]
        missing = demand[:, now] - stock[places]
        shortage[:, now] = np.where(missing > slack(demand[:, now]), missing, 0.0)
        stock[places] = np.maximum(-missing, 0.0)
    price = problem.network.paid_shortage[markets, products]
    planned = assessment.pricing.objective - float(assessment.pricing.terms().get("shortage", 0.0))
    # the errors of demand are in the draws
    uses = [use for use in assessment.law_uses if use.law == "tariff"]
    cost = planned + shortage @ price + draw_price_errors(uses, count, np.random.default_rng([seed, _PRICE]))
    return DrawnSupply(law.cells, demand, shortage, stock.sum(axis=(1, 2)), cost)
