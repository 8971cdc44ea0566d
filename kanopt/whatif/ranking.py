"""Which of two plans is better, judged on the law."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanopt.problems.result import Result

__all__ = ["is_better", "rank_result"]

_EQUAL = 1e-9


def rank_result(result: Result) -> tuple[int, int, float]:
    """Order plans: those that hold before those that leave something out or break a rule, then by price."""
    if result.objective is None:
        return (3, 0, 0.0)
    severity = 0 if result.check.ok else 1 if result.check.only_unserved else 2
    return (severity, len(result.check.violations), result.objective)


def is_better(one: Result, other: Result) -> bool:
    """Whether `one` is better by more than the noise of summation."""
    a, b = rank_result(one), rank_result(other)
    return a[:2] < b[:2] or (a[:2] == b[:2] and a[2] < b[2] - _EQUAL * max(1.0, abs(b[2])))
