"""What a :class:`kanopt.DecisionProblem` and its plans consist of.

Examples
--------
>>> from kanopt import decisions
>>> decisions.at_most({"x": 1.0, "y": 2.0}, 10.0).high
10.0
"""

from __future__ import annotations

from kanopt.decisions.entities import Constraint, Decision, Item, at_least, at_most, equal_to
from kanopt.decisions.problem import DecisionPlan
from kanopt.decisions.problem import DecisionProblem as DecisionProblem

__all__ = [
    "Constraint",
    "Decision",
    "DecisionPlan",
    "Item",
    "at_least",
    "at_most",
    "equal_to",
]
