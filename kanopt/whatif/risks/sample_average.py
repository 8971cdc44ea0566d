"""Supply plans whose sites are chosen for many demands at once, and what that is worth."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import ProblemError
from kanopt.interrupt import Interrupt
from kanopt.validation import count_fault
from kanopt.whatif.risks.sample_average_plan import SampleAveragePlan, supply_assessment
from kanopt.whatif.risks.supply_risk import SupplyRisk, risk_of_supply

if TYPE_CHECKING:
    from kanopt.problems.result import Result
    from kanopt.problems.supply import FlowPlan, SupplyProblem
    from kanopt.problems.supply.draws import DemandLaw
    from kanopt.problems.uncertainty import Uncertainty

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_PLAIN = 0.2
"""Share of the time limit for the plan that meets mean demand."""
_RAISED, _RAISING = (0.7, 0.9), 0.1
"""Quantiles of all demand together that it is raised to for first sites, and the share of the time limit for each."""
_FRESH = 1_000_003
"""Added to the seed of the draws on which sites are chosen, for those on which they are judged."""
_COMPARED = 400
"""Draws on which the sites of several samples, and those for mean demand, are compared."""
_RAISED_DRAWS = 1_000_000
"""The number of the sample from which quantiles of all demand together are taken, beyond those of any replication."""


def solve_sample_average(
    problem: SupplyProblem,
    *,
    uncertainty: Uncertainty | None = None,
    samples: int = 30,
    replications: int = 6,
    draws: int = 1000,
    time_limit: float = 60.0,
    seed: int = 0,
) -> SampleAveragePlan:
    """Choose sites that are good on average over many demands, and say what that is worth.

    Sites are decided before demand is known, flows after it: those of each draw are the best for it, and know the
    demand of all its periods. A sample of draws is one model, in which they share their sites (a sample-average
    approximation; Kleywegt, Shapiro and Homem-de-Mello 2002, SIAM Journal on Optimization 12). That is done for
    several samples. What the first half of them chooses, and the sites of plans for mean demand and for more, are
    compared on other draws, and the best are returned. They are judged on draws that nothing was chosen on, and beside
    the best sites of the other half of the samples.

    Parameters
    ----------
    problem
        With a ``demand_sd`` of demands, or a law of demand that knows its errors.
    uncertainty
        What is taken to be uncertain, as of :func:`risk`.
    samples
        Draws in each sample.
    replications
        How many samples; four at least for a statement on what other sites could save.
    draws
        Fresh draws on which the plans are judged.
    time_limit
        Wall seconds for all searches together; judging plans comes on top.
    seed
        Of all draws, and of the searches.

    Returns
    -------
    SampleAveragePlan
        After Ctrl-C of the samples until then; without any, of the plan for mean demand.

    Raises
    ------
    ProblemError
        If it is no supply problem, no demand is uncertain, a number is too small, or there is no plan for mean demand.

    Examples
    --------
    >>> import kanopt as ko
    >>> from kanopt.supply import Facility, Lane, Market, Period, Product, Supplier
    >>> sites = [Facility("small", fixed_cost=30, capacity=11), Facility("large", fixed_cost=33, capacity=20)]
    >>> network = ko.SupplyProblem(
    ...     suppliers=[Supplier("mill", "flour")],
    ...     facilities=sites,
    ...     markets=[Market("Lyon")],
    ...     products=[Product("flour", shortage_cost=9)],
    ...     periods=[Period("1")],
    ...     lanes=[Lane("mill", site.name) for site in sites] + [Lane(site.name, "Lyon") for site in sites],
    ...     tariff=0.5,
    ...     demand=10.0,
    ... )
    >>> found = solve_sample_average(network, uncertainty=ko.Uncertainty(demand=0.4), samples=20, draws=200)
    >>> found.sites, found.plain.assessment.in_use.names, found.value_of_stochastic_solution > 3.0
    (('large',), ('small',), True)
    """
    from kanopt.problems.supply import SupplyProblem
    from kanopt.problems.supply.draws import demand_law
    from kanopt.problems.uncertainty import Uncertainty
    from kanopt.solvers.base import SolveOptions
    from kanopt.solvers.solve import search_and_assess

    if not isinstance(problem, SupplyProblem):
        raise ProblemError(f"sites are chosen for a SupplyProblem, not for a {type(problem).__name__}")
    for name, value, least in (
        ("samples", samples, 1),
        ("replications", replications, 1),
        ("draws", draws, 20),
    ):
        if wrong := count_fault(value, least):
            raise ProblemError(f"{name} must be {wrong}")
    assumed, began = uncertainty or Uncertainty(), time.perf_counter()
    law = demand_law(problem, assumed)
    problem.warn_of_unread()
    with Interrupt() as interrupt:  # what stops one search stops those after it
        plain = search_and_assess(problem, SolveOptions(time_limit=_PLAIN * time_limit, seed=seed))
        if plain.assessment is None:
            raise ProblemError(
                f"there is no plan for mean demand to begin with: {plain.message or plain.status.value}"
            )
        search = _Search(law, plain, samples, seed, _PLAIN * time_limit)
        search.raise_demand(_RAISING * time_limit)
        for number in range(replications):
            if interrupt.asked:
                break
            left = max(time_limit - (time.perf_counter() - began), 0.0)
            search.replicate(number, left / (replications - number), chooses=2 * number < replications)
    result = search.best_result()
    risks = [
        risk_of_supply(supply_assessment(each), assumed, "flows", draws, seed + _FRESH)
        for each in (result, plain)
    ]
    unavoidable, exact = _unavoidable(problem, risks), not problem.lane_tariff.reads_flow
    return SampleAveragePlan(
        result,
        risks[0],
        plain,
        risks[1],
        samples,
        tuple(search.bounds) if exact else None,
        search.gaps(supply_assessment(result).simulation.open)
        if exact and risks[0].fails <= unavoidable
        else None,
        unavoidable,
        bool(search.proofs) and all(search.proofs),
    )


class _Search:
    """Sites that were found so far, and bounds of their samples."""

    def __init__(self, law: DemandLaw, plain: Result, samples: int, seed: int, seconds: float) -> None:
        from kanopt.solvers.supply.recourse import paid_rates

        assessment = supply_assessment(plain)
        self.problem: SupplyProblem = assessment.problem
        self.law, self.plain, self.samples, self.seed, self.seconds = law, plain, samples, seed, seconds
        self.rates = paid_rates(assessment) if self.problem.lane_tariff.reads_flow else None
        self.candidates: list[Flags] = [assessment.simulation.open]
        self.bounds: list[float] = []
        self.proofs: list[bool] = []
        self._judges: list[tuple[Floats, float, Floats]] = []

    def raise_demand(self, seconds: float) -> None:
        """Plan for more than mean demand: a margin often leads to good sites, and the searches begin there."""
        from kanopt.problems.supply.draws import draw_demand
        from kanopt.solvers.base import SolveOptions
        from kanopt.solvers.solve import search_and_assess

        total = draw_demand(self.law, _COMPARED, self.seed, _RAISED_DRAWS).sum(axis=1) / self.law.mean.sum()
        for factor in np.quantile(total, _RAISED):
            raised = self.problem.with_demand(max(float(factor), 1.0) * self.problem.demand_array)
            found = search_and_assess(raised, SolveOptions(time_limit=seconds, seed=self.seed))
            if found.assessment is not None:
                self._consider(supply_assessment(found).simulation.open)

    def _consider(self, opened: Flags) -> None:
        if not any((opened == each).all() for each in self.candidates):
            self.candidates.append(opened)

    def replicate(self, number: int, seconds: float, *, chooses: bool) -> None:
        """Find the best sites for one more sample, to choose from or to judge by."""
        from kanopt.problems.supply.draws import draw_demand
        from kanopt.solvers.highs import HighsOptions
        from kanopt.solvers.supply.sample_average import sites_of_samples

        demand = draw_demand(self.law, self.samples, self.seed, number)
        options = HighsOptions(time_limit=seconds, seed=self.seed, has_plan=True)
        found = sites_of_samples(
            self.problem, demand, options, tries=tuple(self.candidates), rates=self.rates
        )
        self.proofs.append(found.proved)
        if found.bound is not None:
            self.bounds.append(found.bound)
        if not chooses:
            self._judges += [] if found.bound is None else [(demand, found.bound, found.least)]
        elif found.opened is not None:
            self._consider(found.opened)

    def gaps(self, opened: Flags) -> tuple[float, ...] | None:
        """Return what sites cost above the bound of each sample that nothing was chosen on.

        None where they leave out what others deliver.
        """
        from kanopt.problems.supply.simulate import slack
        from kanopt.solvers.supply.recourse import flows_anew

        found = []
        for demand, bound, least in self._judges:
            drawn = flows_anew(self.problem, opened, demand)
            if (drawn.least > least + slack(least)).any():
                return None
            found.append(float(drawn.drawn.cost.mean() - bound))
        return tuple(found)

    def best_result(self) -> Result:
        """Return the plan with the sites that are best on draws that none of them was chosen on."""
        from kanopt.problems.evaluate import evaluate
        from kanopt.problems.supply.draws import draw_demand
        from kanopt.solvers.supply.recourse import flows_anew

        if len(self.candidates) == 1:
            return self.plain
        demand = draw_demand(self.law, _COMPARED, self.seed)
        must = np.isinf(self.problem.network.shortage_cost)
        ranks = []
        for opened in self.candidates:
            drawn = flows_anew(self.problem, opened, demand, rates=self.rates).drawn
            ranks.append((int(drawn.fails(must).sum()), float(drawn.cost.mean())))
        best = ranks.index(min(ranks))
        if best == 0:
            return self.plain
        planned = evaluate(self.problem, self._plan(self.candidates[best]))
        return replace(planned, solver=f"sites for {self.samples} samples of demand, {self.plain.solver}")

    def _plan(self, opened: Flags) -> FlowPlan:
        """Return the cheapest plan with these sites for the demand of the problem."""
        from kanopt.solvers.base import SolveOptions
        from kanopt.solvers.supply.recourse import flows_anew
        from kanopt.solvers.supply.solver import HighsSupply

        if self.problem.lane_tariff.reads_flow:
            sites = frozenset(self.problem.plan_of(np.zeros(self.problem.network.shape), opened).open)
            plan = HighsSupply().with_quantities(self.problem, sites, SolveOptions(time_limit=self.seconds))
            if plan is not None:
                return plan
        flows = flows_anew(self.problem, opened, self.law.mean[None, :], with_flows=True).flows
        assert flows is not None
        return self.problem.plan_of(flows[0], opened)


def _unavoidable(problem: SupplyProblem, risks: list[SupplyRisk]) -> float:
    """Return the share of draws in which no sites deliver all that must be."""
    from kanopt.solvers.supply.recourse import flows_anew
    from kanopt.solvers.supply.sample_average import every_site_open

    if not any(each.fails for each in risks):
        return 0.0
    found = flows_anew(problem, every_site_open(problem), risks[0].days.demand)
    return float(found.drawn.fails(np.isinf(problem.network.shortage_cost)).mean())
