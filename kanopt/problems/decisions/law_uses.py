"""The laws that decided numbers are priced and checked by, as the plan uses them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.decisions.decision_law import DecisionLaw
from kanopt.problems.law_use import LawUse, unit_factor

if TYPE_CHECKING:
    from kanopt.problems.decisions.problem import DecisionProblem

__all__ = ["decision_law_uses"]


def decision_law_uses(problem: DecisionProblem, values: Mapping[str, float]) -> tuple[LawUse, ...]:
    """Return each law of the objective, which is paid as it is, and each law of a limit, which is not paid."""
    paid = [_use(law, values, 1.0) for law in problem.objective_terms]
    limits = [part for _, law in problem.constraint_laws for part in law.given]
    return (*paid, *(_use(law, values, 0.0) for law in limits))


def _use(law: DecisionLaw, values: Mapping[str, float], share: float) -> LawUse:
    factor = unit_factor(law.formula.output.unit, law.unit) if law.unit else 1.0
    arguments = law.arguments(values)
    shared = (law.formula, arguments, np.array([share * factor]), (1,), ("", ""))
    term = law.name if share else ""
    return LawUse(f"law {law.name!r}", *shared, where=partial(list, [(law.item, "")]), term=term)
