"""Sites chosen for many demands at once, beside those for mean demand: what they cost and what they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.display import Part
from kanopt.text import count_text, join_list, money_text, percent_text
from kanopt.whatif.risks.supply_risk import SupplyRisk
from kanopt.whatif.table_exports import TableExports

if TYPE_CHECKING:
    from kanopt.problems.result import Result
    from kanopt.problems.supply.assessment import SupplyAssessment

Floats = NDArray[np.float64]
_LEVEL = 0.95


@dataclass(frozen=True, repr=False, eq=False)
class SampleAveragePlan(TableExports):
    """Sites for many demands at once, beside those for mean demand.

    Parameters
    ----------
    result
        The plan: these sites, and the best flows for the demand of the problem, priced and checked on it.
    risk
        Its cost where flows are decided when demand is known, on draws that were not looked at while it was made.
    plain
        The plan for the demand of the problem alone, as :func:`kanopt.solve` makes it.
    plain_risk
        Its cost on the same draws.
    samples
        Draws of demand in each sample.
    bounds
        For each sample a proven lower bound on its mean cost; None where the tariff reads the flow, which it does not
        hold for.
    gaps
        For each sample that the sites were not chosen on, what they cost in it on average above its bound; None as
        before, and where they leave out what other sites deliver.
    unavoidable
        Share of the draws in which no sites deliver all that must be.
    proved
        Whether the sites of every sample are proved to be the best for it.
    """

    result: Result
    risk: SupplyRisk
    plain: Result
    plain_risk: SupplyRisk
    samples: int
    bounds: tuple[float, ...] | None
    gaps: tuple[float, ...] | None
    unavoidable: float
    proved: bool

    @property
    def value_of_stochastic_solution(self) -> float:
        """Mean cost of the plan for mean demand, less that of this one (Birge 1982, Mathematical Programming 24)."""
        return float(self._saved.mean())

    @property
    def value_error(self) -> float:
        """Monte Carlo error of that: both plans meet the same draws."""
        return float(self._saved.std(ddof=1) / np.sqrt(len(self._saved)))

    @property
    def _saved(self) -> Floats:
        return np.asarray(self.plain_risk.cost - self.risk.cost)

    @property
    def lower_bound(self) -> float | None:
        """Estimate of a bound below which no sites cost on average; None where there is none.

        The optimum of a sample lies on average below that of all demand (Mak, Morton and Wood 1999, "Monte Carlo
        bounding techniques for determining solution quality in stochastic programs", Operations Research Letters 24).
        With samples of one draw it is the wait-and-see bound.
        """
        return float(np.mean(self.bounds)) if self.bounds else None

    @property
    def lower_bound_error(self) -> float | None:
        """Monte Carlo error of it; None with fewer than two samples."""
        if self.bounds is None or len(self.bounds) < 2:
            return None
        return float(np.std(self.bounds, ddof=1) / np.sqrt(len(self.bounds)))

    @property
    def most_to_save(self) -> float | None:
        """What other sites could save at most on average, with 95 %; None where that is not known.

        What these sites cost in a sample above the best for it is on average no less than what the best sites of all
        save (Mak, Morton and Wood 1999); it varies less than costs do, as both meet the same draws. Not known with
        fewer than two samples beside those that sites were chosen on, or where demand that must be delivered is
        missing which other sites deliver, as that has no price.
        """
        from scipy.special import stdtrit

        if self.gaps is None or len(self.gaps) < 2:
            return None
        gaps = np.array(self.gaps)
        reach = float(stdtrit(len(gaps) - 1, _LEVEL)) * gaps.std(ddof=1) / np.sqrt(len(gaps))
        return float(gaps.mean() + reach)

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that are open in any period."""
        return _open_sites(self.result)

    def to_frame(self) -> pd.DataFrame:
        """Return what markets want and lack with these sites, as :attr:`kanopt.SupplyRisk.demands` has it.

        Two columns more, ``stockout_plain`` and ``shortage_plain``, say the same of the plan for mean demand.
        """
        before = self.plain_risk.demands
        plain = {f"{name}_plain": before[name].to_numpy() for name in ("stockout", "shortage")}
        return self.risk.demands.assign(**plain)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        names = self.risk.assessment.problem.network.facility_names
        mine, theirs = (each.assessment.simulation.open.sum(axis=1) for each in (self.risk, self.plain_risk))
        sites = pd.DataFrame({"site": names, "periods_open": mine, "periods_open_plain": theirs})
        return {"demands": self.to_frame(), "sites": sites}

    def told(self) -> list[str]:
        """Return which sites are open and what that is worth, a sentence each."""
        plain, unit = _open_sites(self.plain), self.risk.assessment.problem.unit
        mine, theirs = float(self.risk.cost.mean()), float(self.plain_risk.cost.mean())
        same = bool(
            (self.risk.assessment.simulation.open == self.plain_risk.assessment.simulation.open).all()
        )
        worth = self.value_of_stochastic_solution
        return [
            f"Open for {count_text(self.samples, 'drawn demand')} at once: {join_list(self.sites) or 'no site'}; for "
            + ("mean demand the same sites." if same else f"mean demand: {join_list(plain) or 'no site'}."),
            f"On {self.risk.draws:,} fresh draws that costs {money_text(mine, unit)} on average, the plan for mean "
            f"demand {money_text(theirs)}. The value of the stochastic solution is {money_text(worth, unit)} "
            f"(± {money_text(self.value_error)}), {percent_text(worth / theirs if theirs else 0.0)}.",
            *self._bound_text(unit),
            *self._missing_text(),
        ]

    def to_html(self, path: str | Path) -> Path:
        """Write what the sites are worth and how sure that is: one HTML file that needs nothing else.

        The report of the plan itself is ``.result.to_html(path)``.

        Returns
        -------
        Path
            The file written.
        """
        from kanopt.display import reports

        return reports.write_page(reports.surer_page(self), path)

    def _shown(self) -> list[Part]:
        return [*self.told(), *self.risk._shown()]

    def _bound_text(self, unit: str) -> list[str]:
        if self.bounds == ():
            return ["No bound was found in time."]
        if self.lower_bound is None:
            rates = "sites are chosen at what a unit pays in the plan for mean demand"
            return [f"No bound: the tariff reads the flow, and {rates}."]
        error, most = self.lower_bound_error, self.most_to_save
        within = (
            ""
            if error is None
            else f" (± {money_text(error)}, {count_text(len(self.bounds or ()), 'sample')})"
        )
        told = f"No sites cost less than {money_text(self.lower_bound, unit)} on average{within}"
        share = "" if most is None else f"; other sites save {money_text(most, unit)} at most, with 95 %"
        return [f"{told}{share}."]

    def _missing_text(self) -> list[str]:
        mine, theirs = self.risk.fails, self.plain_risk.fails
        if not mine and not theirs:
            return []
        shares = (percent_text(share) for share in (mine, theirs, self.unavoidable))
        told = "missing in {} of the draws, with the plan for mean demand in {}, with any sites in {}".format(
            *shares
        )
        return [f"Demand that must be delivered is {told}; that has no price, and is in none of these costs."]


def supply_assessment(result: Result) -> SupplyAssessment:
    """Return what becomes of a supply plan."""
    from kanopt.problems.supply.assessment import SupplyAssessment

    assert isinstance(result.assessment, SupplyAssessment)
    return result.assessment


def _open_sites(result: Result) -> tuple[str, ...]:
    return tuple(supply_assessment(result).in_use.names)
