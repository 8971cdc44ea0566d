"""What a :class:`kanopt.DecisionProblem` and its plans consist of.

Examples
--------
>>> from kanopt import decisions
>>> decisions.at_most({"x": 1.0, "y": 2.0}, 10.0).high
10.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.public_names import lazy_names

if TYPE_CHECKING:
    from kanopt.problems.decisions import Constraint as Constraint
    from kanopt.problems.decisions import Decision as Decision
    from kanopt.problems.decisions import DecisionPlan as DecisionPlan
    from kanopt.problems.decisions import Item as Item
    from kanopt.problems.decisions import at_least as at_least
    from kanopt.problems.decisions import at_most as at_most
    from kanopt.problems.decisions import equal_to as equal_to
else:
    __all__, __getattr__, __dir__ = lazy_names(__name__)
