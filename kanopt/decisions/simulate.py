"""The referee of decisions: which rules a plan breaks and what it costs on the laws.

No solver runs through here, and no solver's figure is trusted where this module gives another.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kanopt.decisions.decision_law import DecisionLaw
from kanopt.decisions.entities import Constraint
from kanopt.decisions.problem import DecisionPlan, DecisionProblem
from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Check, Reason, Violation
from kanopt.plans.law_use import unit_factor
from kanopt.plans.slider_prices import Pricing
from kanopt.text import amount_text, list_names, range_text

TOLERANCE = 1e-6
_LONGEST = 80

RULE_WORDS: Mapping[str, RuleWords] = {
    "range": RuleWords("decision is outside its range", "decisions are outside their ranges"),
    "whole number": RuleWords("decision is no whole number", "decisions are no whole numbers"),
}
"""How the breaking of each rule is told; constraints are told one by one, each being a rule of its own."""


def slack(limit: float) -> float:
    """Return by how much a limit may be missed: a millionth of it, and a millionth below one.

    Examples
    --------
    >>> slack(2000.0), slack(0.1)
    (0.002, 1e-06)
    """
    return TOLERANCE * max(1.0, abs(limit)) if np.isfinite(limit) else TOLERANCE


def check_plan(problem: DecisionProblem, plan: DecisionPlan) -> Check:
    """Return every violation: ranges, whole numbers, constraints."""
    return Check(tuple(_ranges(problem, plan) + _constraints(problem, plan)))


def _ranges(problem: DecisionProblem, plan: DecisionPlan) -> list[Violation]:
    found = []
    for one in problem.records:
        value, where = plan.values[one.name], f"decision {one.name}"
        shown = amount_text(value, one.unit)
        beyond = max(one.low - value, value - one.high)
        if beyond > slack(max(abs(one.low), abs(one.high))):
            message = f"{where} is {shown}, outside its range from {range_text(one.low, one.high)}"
            found.append(Violation("range", where, beyond, one.unit, message))
        if one.integer and abs(value - round(value)) > TOLERANCE:
            message = f"{where} is {shown}, which is no whole number"
            found.append(Violation("whole number", where, abs(value - round(value)), one.unit, message))
    return found


def _constraints(problem: DecisionProblem, plan: DecisionPlan) -> list[Violation]:
    found = []
    for rule, law in problem.constraint_laws:
        value = float(law.value(plan.values))
        over, under = value - rule.high, rule.low - value
        if over > slack(rule.high):
            found.append(_violation(rule, law, value, over))
        elif under > slack(rule.low):
            found.append(_violation(rule, law, value, under))
    return found


def _violation(rule: Constraint, law: DecisionLaw, value: float, amount: float) -> Violation:
    message = (
        f"{rule.name} is {amount_text(value, law.unit)} and must be {rule.limits}: "
        f"missed by {amount_text(amount, law.unit)}"
    )
    return Violation("constraint", rule.name, amount, law.unit, message)


def price_plan(problem: DecisionProblem, plan: DecisionPlan) -> Pricing:
    """Return a line for each part that adds up to a law of the objective."""
    rows = []
    for law in problem.objective_terms:
        arguments = law.arguments(plan.values)
        scale = unit_factor(law.formula.output.unit, law.unit) if law.unit else 1.0
        for part in law.formula.terms:
            text = str(part) if len(str(part)) <= _LONGEST else str(part)[: _LONGEST - 1] + "…"
            read = {name: arguments[name] for name in part.used}
            rows.append((law.name, law.item, text, scale * float(part.evaluate(read))))
    return Pricing.of(rows, problem.unit)


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
