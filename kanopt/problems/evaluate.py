"""Price and check a plan that the user already has."""

from __future__ import annotations

from typing import Any

from kanopt.problems.base import Problem
from kanopt.problems.result import Result, Status

__all__ = ["evaluate", "status_of"]


def status_of(problem: Problem[Any], plan: Any) -> Status:
    """Return feasible, partial (something mandatory is left out) or infeasible, as the law sees the plan."""
    check = problem.check(plan)
    if check.ok:
        return Status.FEASIBLE
    return Status.PARTIAL if check.only_unserved else Status.INFEASIBLE


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
    decided = problem.plan_from(plan)
    return Result(
        problem=problem,
        plan=decided,
        status=status_of(problem, decided),
        pricing=problem.price(decided),
        bound=None,
        check=problem.check(decided),
        certificate=None,
        solver="given plan",
    )
