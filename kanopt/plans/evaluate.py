"""Price and check a plan that the user already has."""

from __future__ import annotations

from typing import Any

from kanopt.plans.base import Problem
from kanopt.plans.result import Result


def evaluate(problem: Problem[Any], plan: Any) -> Result:
    """Price and check `plan` on the laws of `problem`, without a solver.

    Parameters
    ----------
    problem
        Any problem.
    plan
        A plan of its kind, or whatever ``problem.plan_from`` reads: a frame, or plain lists.

    Returns
    -------
    Result
        With ``solver="given plan"``, no bound and no certificate: nothing was rounded or frozen.

    Raises
    ------
    ProblemError
        If the plan names things the problem does not know.
    """
    assessment = problem.assess(problem.plan_from(plan))
    # priced here, so that what a law cannot price is refused here
    _ = assessment.pricing
    return Result(
        problem=problem,
        assessment=assessment,
        status=assessment.status,
        bound=None,
        certificate=None,
        solver="given plan",
    )
