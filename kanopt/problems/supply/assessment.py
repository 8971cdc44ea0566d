"""What becomes of flows: stocks and deliveries, checked and priced once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kanopt.problems.assessment import Assessment
from kanopt.problems.coverage import Coverage, LeftOutPrice
from kanopt.problems.earth import EarthPlan
from kanopt.problems.findings import Check, Extrapolation, Reason, Violation
from kanopt.problems.in_use import InUse, InUseWords
from kanopt.problems.law_use import LawUse
from kanopt.problems.plan_figures import PlanFigure, Roster, emissions
from kanopt.problems.pricing import Pricing
from kanopt.problems.replay import Replay
from kanopt.problems.supply.coverage import demand_met, price_of_shortage
from kanopt.problems.supply.earth import flows_on_earth
from kanopt.problems.supply.extrapolations import flow_extrapolations
from kanopt.problems.supply.figures import flow_figures, flow_rosters, sites_to_run
from kanopt.problems.supply.law_uses import flow_law_uses
from kanopt.problems.supply.plan import FlowPlan, arrays_of
from kanopt.problems.supply.reasons import plan_reasons
from kanopt.problems.supply.replay import replay_of_flows
from kanopt.problems.supply.simulate import RULE_WORDS, Ledger, check_flows, price_flows
from kanopt.problems.supply.views import views_of
from kanopt.problems.views import View

if TYPE_CHECKING:
    from kanopt.problems.supply.problem import SupplyProblem

_IN_USE = InUseWords(("opens", "open"), ("closes", "close"))


class SupplyAssessment(Assessment[FlowPlan, Ledger]):
    """What becomes of flows. A frozen flow changes the price alone, so one ledger does for both prices."""

    problem: SupplyProblem
    rule_words = RULE_WORDS

    @property
    def in_use(self) -> InUse:
        """The sites that are open in any period."""
        names = self.problem.network.facility_names
        return InUse(_IN_USE, tuple(names[site] for site in np.flatnonzero(self.simulation.open.any(axis=1))))

    @property
    def proposal(self) -> str:
        """Which sites are to be run, and which are not."""
        return sites_to_run(self.problem, self.simulation)

    def figures(self) -> tuple[PlanFigure, ...]:
        """Return service, sites open and how full they are, cost a unit, and CO₂ where a law gives it."""
        found = flow_figures(self.problem, self.simulation, self.pricing)
        return (*found, *emissions(self.law_uses))

    def rosters(self) -> tuple[Roster, ...]:
        """Return use, throughput and cost of each site, and the service of each market."""
        return flow_rosters(self.problem, self.simulation, self.pricing)

    def details(self) -> Mapping[str, pd.DataFrame]:
        """Return the periods in which sites are open."""
        return {"open_sites": self.plan.sites()}

    def on_earth(self) -> EarthPlan | None:
        """Return places and lanes in degrees."""
        return flows_on_earth(self.problem, self.simulation)

    def replay(self) -> Replay | None:
        """Return the flows with what their price depends on."""
        return replay_of_flows(self.problem, self.law_uses, self.pricing)

    def views(self) -> tuple[View, ...]:
        """Return the network with its flows, deliveries beside demand, and stocks where any are kept."""
        return views_of(self.problem, self.simulation)

    def _simulate(self) -> Ledger:
        network = self.problem.network
        flows, opened = arrays_of(network, self.plan)
        return Ledger(network, self.problem.demand_array, flows, opened)

    def _check(self) -> Check:
        return check_flows(self.problem, self.simulation)

    def _unserved(self, left_out: Sequence[Violation]) -> float:
        """Return the amount: a plan that sends less everywhere may leave out something in fewer places."""
        # so rounded that sums in another order are the same
        return float(f"{sum(each.amount for each in left_out):.6g}")

    def _coverage(self) -> Coverage:
        return demand_met(self.problem, self.simulation)

    def _left_out_price(self) -> LeftOutPrice:
        return price_of_shortage(self.problem, self.simulation)

    def _price(self) -> Pricing:
        return price_flows(self.problem, self.simulation, frozen=False)

    def _price_planned(self) -> Pricing:
        return price_flows(self.problem, self.simulation, frozen=True)

    def _reasons(self) -> tuple[Reason, ...]:
        return plan_reasons(self.problem, self.simulation, self.planned_pricing)

    def _extrapolations(self) -> tuple[Extrapolation, ...]:
        return flow_extrapolations(self.problem, self.simulation)

    def _law_uses(self) -> tuple[LawUse, ...]:
        return flow_law_uses(self.problem, self.simulation)
