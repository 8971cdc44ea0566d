"""What becomes of decided numbers: checked and priced once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from kanopt.problems.assessment import Assessment
from kanopt.problems.coverage import Coverage, LeftOutPrice
from kanopt.problems.decisions.coverage import kept_constraints, price_of_broken
from kanopt.problems.decisions.law_uses import decision_law_uses
from kanopt.problems.decisions.plan import DecisionPlan
from kanopt.problems.decisions.reasons import violation_reasons
from kanopt.problems.decisions.simulate import RULE_WORDS, check_plan, price_plan
from kanopt.problems.decisions.views import views_of
from kanopt.problems.findings import Check, Extrapolation, Reason
from kanopt.problems.law_use import LawUse
from kanopt.problems.pricing import Pricing
from kanopt.problems.views import View

if TYPE_CHECKING:
    from kanopt.problems.decisions.problem import DecisionProblem

__all__ = ["DecisionAssessment"]


class DecisionAssessment(Assessment[DecisionPlan, Mapping[str, float]]):
    """What becomes of decided numbers. Nothing follows from them but the values of laws, and nothing is frozen."""

    problem: DecisionProblem
    rule_words = RULE_WORDS

    def views(self) -> tuple[View, ...]:
        """Return the price along the range of each decision, the others as in the plan."""
        return views_of(self.problem, self.plan)

    def _simulate(self) -> Mapping[str, float]:
        return self.plan.values

    def _check(self) -> Check:
        return check_plan(self.problem, self.plan)

    def _coverage(self) -> Coverage:
        return kept_constraints(self.problem, self.check)

    def _left_out_price(self) -> LeftOutPrice:
        return price_of_broken(self.coverage)

    def _price(self) -> Pricing:
        return price_plan(self.problem, self.plan)

    def _reasons(self) -> tuple[Reason, ...]:
        return violation_reasons(self.check)

    def _extrapolations(self) -> tuple[Extrapolation, ...]:
        """Name every law that is used outside its domain."""
        found = []
        rules = (law for _, law in self.problem.constraint_laws)
        for law in (*self.problem.objective_terms, *rules):
            texts = law.formula.outside_inputs(law.arguments(self.plan.values))
            if texts:
                inputs = "; ".join(texts)
                message = f"{law.name} is used outside the data it was learned from: {inputs}"
                found.append(Extrapolation(law.name, "the plan", inputs, message))
        return tuple(found)

    def _law_uses(self) -> tuple[LawUse, ...]:
        return decision_law_uses(self.problem, self.plan.values)
