"""The risk of a supply plan: how likely demand is not met, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from kanopt.display import Part
from kanopt.errors import ProblemError
from kanopt.text import amount_text, count_text, percent_text
from kanopt.whatif.risks.day_costs import DayCosts, quantile_of_days, share_error
from kanopt.whatif.risks.ranges import DayRanges

if TYPE_CHECKING:
    from kanopt.problems.supply.assessment import SupplyAssessment
    from kanopt.problems.supply.draws import DrawnSupply
    from kanopt.problems.uncertainty import Uncertainty

Recourse = Literal["none", "flows"]
"""What is decided when demand is known: nothing, or all flows through the sites that are open."""

_SHOWN = 5
_RULES = {
    "none": "all flows are as planned: what was sent stays sent, what a market has not used serves its next periods at "
    "no cost, what is missing is lost",
    "flows": "sites are open as planned, flows are decided anew for each draw, which knows the demand of all its "
    "periods",
}


@dataclass(frozen=True, repr=False, eq=False)
class SupplyRisk(DayCosts):
    """A supply plan under many draws of demand.

    Parameters
    ----------
    assessment
        The plan for the demand of the problem.
    days
        What came of it, draw by draw.
    seed
        Seed of the draws.
    recourse
        What is decided when demand is known: ``"none"`` or ``"flows"``.
    assumptions
        What is taken to be uncertain, in sentences.

    Notes
    -----
    Shares of draws come with their Monte Carlo errors, also those that are 0 or 1. Every draw counts: where demand that
    must be delivered is missing, that costs nothing in the draw, as it has no price, and is told (:attr:`fails`).
    """

    one, of_all = "The plan costs", "of the draws"

    assessment: SupplyAssessment
    days: DrawnSupply
    seed: int
    recourse: Recourse = "none"
    assumptions: tuple[str, ...] = field(default=())

    @cached_property
    def demands(self) -> pd.DataFrame:
        """One row per market, product and period that wants anything.

        Columns: ``market``, ``product``, ``period``; ``planned`` (the demand of the problem), ``delivered`` (what the
        plan sends; where flows are decided in each draw, what is sent on average); ``q05``, ``q50``, ``q95`` (quantiles
        of demand); ``stockout`` (probability that some is missing) and ``error`` (of that, Monte Carlo); ``shortage``
        (mean units missing) and ``shortage_error``; ``fill_rate`` (part of the demand of all draws that is met).
        """
        network, days = self.assessment.problem.network, self.days
        markets, products, periods = days.cells
        low, middle, high = (quantile_of_days(days.demand, level) for level in (0.05, 0.5, 0.95))
        short, missing, wanted = days.shortage > 0, days.shortage.mean(axis=0), days.demand.mean(axis=0)
        return pd.DataFrame(
            {
                "market": np.array(network.market_names, dtype=object)[markets],
                "product": np.array(network.product_names, dtype=object)[products],
                "period": np.array(network.period_names, dtype=object)[periods],
                "planned": self.assessment.problem.demand_array[days.cells],
                "delivered": wanted - missing
                if self.recourse == "flows"
                else self.assessment.simulation.delivered[days.cells],
                "q05": low,
                "q50": middle,
                "q95": high,
                "stockout": short.mean(axis=0),
                "error": share_error(short.mean(axis=0), self.draws),
                "shortage": missing,
                "shortage_error": days.shortage.std(axis=0, ddof=1) / np.sqrt(self.draws),
                "fill_rate": 1.0 - np.divide(missing, wanted, out=np.zeros_like(missing), where=wanted > 0),
            }
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"demands": self.demands}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys(("stockout", "error", "fill_rate"), "share")

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`demands`."""
        return self.demands.copy()

    def ranges(self) -> DayRanges | None:
        """Return what markets want against what the plan sends them; None where that is decided in each draw."""
        if self.recourse == "flows":
            return None
        frame = self.demands
        shown = frame[["planned", "q05", "q50", "q95"]].assign(
            name=frame["market"] + ", " + frame["product"] + ", " + frame["period"],
            limit=frame["delivered"],
            share=1.0 - frame["stockout"],
        )
        return DayRanges(shown, "demand above what is delivered", self.assessment.problem.units.quantity)

    @property
    def stockout(self) -> float:
        """Probability that something is missing anywhere, in any period."""
        return float((self.days.shortage > 0).any(axis=1).mean())

    @property
    def fill_rate(self) -> float:
        """Part of the demand of all draws that is met, units of all products added up."""
        wanted = float(self.days.demand.sum())
        return 1.0 - float(self.days.shortage.sum()) / wanted if wanted else 1.0

    @property
    def shortage(self) -> float:
        """Mean units missing over the whole horizon."""
        return float(self.days.shortage.sum(axis=1).mean())

    @property
    def left(self) -> float:
        """Mean units that nobody has wanted by the end."""
        return float(self.days.left.mean())

    @property
    def fails(self) -> float:
        """Probability that demand is missing that must be delivered, as its product has no shortage cost."""
        must = np.isinf(self.assessment.problem.network.shortage_cost)
        return float(self.days.fails(must).mean())

    def to_json(self) -> dict[str, Any]:
        """Return plain data: probabilities, costs, and what is assumed."""
        return {
            "draws": self.draws,
            "seed": self.seed,
            "recourse": self.recourse,
            "stockout": self.stockout,
            "fill_rate": self.fill_rate,
            "shortage": self.shortage,
            "left": self.left,
            "fails": self.fails,
            "cost": self.cost_json(),
            "assumptions": list(self.assumptions),
        }

    def _shown(self) -> list[Part]:
        unit = self.assessment.problem.units.quantity
        error = percent_text(float(share_error(self.stockout, self.draws)))
        lines: list[Part] = [
            f"Of {self.draws:,} draws of demand, something is missing in {percent_text(self.stockout)} (± {error}); "
            f"{percent_text(self.fill_rate)} of all demand is met, {amount_text(self.shortage, unit)} are missing on "
            "average" + (f" and {amount_text(self.left, unit)} left over." if self.left else ".")
        ]
        short = self.demands[self.demands["stockout"] > 0.0]
        worst = short.sort_values("stockout", ascending=False, kind="stable").head(_SHOWN)
        columns = (worst[name] for name in ("market", "product", "period", "stockout", "shortage", "planned"))
        told = [
            f"  {market}, {product}, {period}: missing in {percent_text(share)}, {amount_text(lacking, unit)} on "
            f"average of {amount_text(wanted, unit)} planned"
            for market, product, period, share, lacking, wanted in zip(*columns, strict=True)
        ]
        lines += ["Most often missing:", *told] if told else []
        if self.fails:
            lines.append(
                f"In {count_text(round(self.fails * self.draws), 'draw')} demand is missing that must be delivered; "
                "it has no price, and these draws are counted with the others."
            )
        return [*lines, self.cost_text(), "Assumed: " + "; ".join(self.assumptions) + "."]


def _tariff_told(assessment: SupplyAssessment, recourse: Recourse) -> list[str]:
    """Say whether a learned tariff errs: its errors are known at the flows of the plan, not at those of a draw."""
    from kanopt.problems.money_at_stake import price_deviations

    laws = price_deviations(use for use in assessment.law_uses if use.law == "tariff")
    if recourse == "flows":
        return ["what is paid on lanes is as the tariff says, without its errors"] if laws else []
    return [f"what is paid on lanes errs as law {name!r} did on held-out rows" for name in laws]


def risk_of_supply(
    assessment: SupplyAssessment, uncertainty: Uncertainty, recourse: Recourse, draws: int, seed: int
) -> SupplyRisk:
    """Draw demand many times, and see what becomes of a supply plan; see :func:`kanopt.risk`."""
    from kanopt.problems.supply.draws import demand_law, draw_demand, keep_flows

    if recourse not in _RULES:
        raise ProblemError(f"recourse must be 'none' or 'flows', not {recourse!r}")
    law = demand_law(assessment.problem, uncertainty)
    told = (law.told, _RULES[recourse], *_tariff_told(assessment, recourse))
    if recourse == "none":
        return SupplyRisk(assessment, keep_flows(assessment, law, draws, seed), seed, recourse, told)
    from kanopt.solvers.supply.recourse import flows_anew, paid_rates

    problem = assessment.problem
    rates = paid_rates(assessment) if problem.lane_tariff.reads_flow else None
    at_rates = "flows are chosen at what the plan pays for a unit on each lane, and priced on the law"
    found = flows_anew(problem, assessment.simulation.open, draw_demand(law, draws, seed), rates=rates)
    return SupplyRisk(assessment, found.drawn, seed, recourse, told if rates is None else (*told, at_rates))
