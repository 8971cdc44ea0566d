"""Which constraints a plan keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kanopt.problems.coverage import Coverage, CoverageWords, LeftOutPrice, refer_to
from kanopt.problems.findings import Check

if TYPE_CHECKING:
    from kanopt.problems.decisions.problem import DecisionProblem

_WORDS = CoverageWords("keeps", "constraint", "constraints")


def kept_constraints(problem: DecisionProblem, check: Check) -> Coverage:
    """Count the constraints, and name those that are broken."""
    broken = [violation.where for violation in check.violations if violation.constraint == "constraint"]
    return Coverage(_WORDS, len(problem.constraint_laws), tuple(broken), lacking="broken")


def price_of_broken(coverage: Coverage) -> LeftOutPrice:
    """Say that keeping the constraints has no known price: another search would have to find it."""
    what = refer_to(coverage.left_out, coverage.left_out)
    return LeftOutPrice(0.0, None, f"what keeping {what} would cost is not known")
