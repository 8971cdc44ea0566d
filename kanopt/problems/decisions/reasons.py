"""Why there is no plan, as far as interval arithmetic shows, and which constraints a plan breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.problems.decisions.decision_law import DecisionLaw
from kanopt.problems.decisions.entities import Constraint
from kanopt.problems.decisions.simulate import slack
from kanopt.problems.findings import Check, Reason
from kanopt.text import amount_text, list_names

if TYPE_CHECKING:
    from kanopt.problems.decisions.problem import DecisionProblem


def infeasibility_reasons(problem: DecisionProblem) -> tuple[Reason, ...]:
    """Return the constraints that no values within the ranges meet; interval arithmetic proves it."""
    return tuple(
        found
        for rule, law in problem.constraint_laws
        if (found := _constraint_infeasibility(rule, law)) is not None
    )


def _constraint_infeasibility(rule: Constraint, law: DecisionLaw) -> Reason | None:
    low, high = law.as_formula.interval()
    if low > rule.high + slack(rule.high):
        short, end, ask = low - rule.high, low, "raise its upper limit"
    elif high < rule.low - slack(rule.low):
        short, end, ask = rule.low - high, high, "lower its lower limit"
    else:
        return None
    word = "at least" if end == low else "at most"
    named = list_names(law.used) or "no decision"
    return Reason(
        f"constraint {rule.name}",
        "infeasible",
        f"{rule.name} must be {rule.limits}, but is {word} {amount_text(end, law.unit)} wherever {named} "
        "are within their ranges",
        f"{ask} by {amount_text(short, law.unit)}, or widen the ranges",
        proved=True,
    )


def violation_reasons(check: Check) -> tuple[Reason, ...]:
    """Return a reason for each constraint that a plan breaks."""
    return tuple(
        Reason(
            broken.where if broken.constraint != "constraint" else f"constraint {broken.where}",
            "infeasible",
            broken.message,
            f"relax it by {amount_text(broken.amount, broken.unit)}",
        )
        for broken in check.violations
    )
