"""What becomes of flows: stocks and deliveries, checked and priced once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.problems.assessment import Assessment
from kanopt.problems.findings import Check, Extrapolation, Reason
from kanopt.problems.pricing import Pricing
from kanopt.problems.supply.extrapolations import flow_extrapolations
from kanopt.problems.supply.plan import FlowPlan, arrays_of
from kanopt.problems.supply.reasons import plan_reasons
from kanopt.problems.supply.simulate import Ledger, check_flows, price_flows
from kanopt.problems.supply.views import views_of
from kanopt.problems.views import View

if TYPE_CHECKING:
    from kanopt.problems.supply.problem import SupplyProblem

__all__ = ["SupplyAssessment"]


class SupplyAssessment(Assessment[FlowPlan, Ledger]):
    """What becomes of flows. A frozen flow changes the price alone, so one ledger does for both prices."""

    problem: SupplyProblem

    def views(self) -> tuple[View, ...]:
        """Return the network with its flows, deliveries beside demand, and stocks where any are kept."""
        return views_of(self.problem, self.simulation)

    def _simulate(self) -> Ledger:
        network = self.problem.network
        flows, opened = arrays_of(network, self.plan)
        return Ledger(network, self.problem.demand_array, flows, opened)

    def _check(self) -> Check:
        return check_flows(self.problem, self.simulation)

    def _price(self) -> Pricing:
        return price_flows(self.problem, self.simulation, frozen=False)

    def _price_planned(self) -> Pricing:
        return price_flows(self.problem, self.simulation, frozen=True)

    def _reasons(self) -> tuple[Reason, ...]:
        return plan_reasons(self.problem, self.simulation, self.planned_pricing)

    def _extrapolations(self) -> tuple[Extrapolation, ...]:
        return flow_extrapolations(self.problem, self.simulation)
