"""The decision problem: numbers to choose, with formulas as objective and constraints."""

from __future__ import annotations

from dataclasses import dataclass

from kanopt.decisions.assessment import DecisionAssessment
from kanopt.decisions.model import DecisionModel
from kanopt.decisions.plan import DecisionPlan
from kanopt.decisions.simulate import infeasibility_reasons
from kanopt.plans.findings import Reason


@dataclass(frozen=True, eq=False, repr=False)
class DecisionProblem(DecisionModel):
    """Choose numbers from ranges so that a law is smallest.

    Parameters
    ----------
    decisions
        Name to ``(low, high)`` or :class:`Decision`; or a sequence of them, or a frame with the columns ``name``,
        ``low``, ``high`` and perhaps ``unit``, ``integer`` and ``item``.
    objective
        What is minimised: a formula whose inputs are called like decisions, a formula bound to them
        (``law.bind(speed=refs.decision.speed, km=12.0)``), a linear row ``{decision: coefficient}``, or several of
        these by name, which are added up and priced apart. What is to be largest is stated as its negative.
    constraints
        What must hold: :func:`at_most`, :func:`at_least`, :func:`equal_to`. A constraint without a name is called
        after its law.
    fixed
        Values of inputs that are no decisions, for all formulas that are not bound.
    tolerance
        How far above the smallest possible price a plan may be and still be called optimal, in the unit of the
        objective. Where it is not given, a ten-thousandth of the spread of prices among 512 points of the box, and a
        solver asks for up to a hundred times less where that is more than a thousandth of the price of its plan.
    unit
        Unit of the objective; that of the first law where it is not given.
    items
        What some numbers are decided for, a row each: :class:`Item`, or a frame with the column ``name`` and what
        laws read. A law that reads ``refs.item.cost``, or a decision that every item has, is counted for each item;
        a linear row adds up over them.
    day
        The day that the decision is for, a date or ``"2026-03-02"``, which laws read as ``day.weekday`` and the like.

    Raises
    ------
    ProblemError
        If a range is infinite, an input is neither a decision nor fixed, or two constraints have the same name.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("(x - 0.3)^2 + sin(4 * y) + x * y", [Variable("x"), Variable("y")], Variable("cost", "EUR"))
    >>> problem = DecisionProblem({"x": (-1, 1), "y": (-1, 1)}, law, tolerance=0.01)
    >>> plan = problem.plan_from({"x": 0.3, "y": -0.5})
    >>> round(problem.price(plan).objective, 4), problem.check(plan).ok
    (-1.0593, True)
    """

    def assess(self, plan: DecisionPlan) -> DecisionAssessment:
        """Return what becomes of a plan: ranges, whole numbers and constraints, limits to a millionth of them.

        The price has a line for each part that adds up to a law.
        """
        return self._cached_assessment(plan, DecisionAssessment)

    def infeasibility_reasons(self) -> tuple[Reason, ...]:
        """Say which constraints nothing within the ranges meets."""
        return infeasibility_reasons(self)
