"""Decision problems: numbers to choose, with formulas as objective and constraints."""

from kanopt.problems.decisions.decision_law import DecisionLaw
from kanopt.problems.decisions.entities import Constraint, Decision, Item, at_least, at_most, equal_to
from kanopt.problems.decisions.plan import DecisionPlan
from kanopt.problems.decisions.problem import DecisionProblem

__all__ = [
    "Constraint",
    "Decision",
    "DecisionLaw",
    "DecisionPlan",
    "DecisionProblem",
    "Item",
    "at_least",
    "at_most",
    "equal_to",
]
